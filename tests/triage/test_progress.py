"""How far a scan is, for people and for programs, and the log beside the case."""

from __future__ import annotations

import io
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import cli
from forensics.triage import progress
from forensics.triage.progress import JsonDisplay, Phase, PlainDisplay, Style, choose_display
from forensics.triage.run_log import log_path
from tests.conftest import Evidence


@pytest.fixture
def tamiz(library: Path) -> Callable[..., Result]:
    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(cli, ["--library", str(library), *map(str, arguments)])

    return run


@pytest.fixture
def case(tamiz: Callable[..., Result], tmp_path: Path) -> Path:
    path = tmp_path / "a.case"
    tamiz("case", "new", path, "--number", "1", "--examiner", "Ana Prueba")
    return path


def test_json_progress_is_an_object_a_line_from_the_first_phase_to_the_end(
    tamiz: Callable[..., Result], case: Path, evidence: Evidence
) -> None:
    result = tamiz("scan", case, evidence.image, "--progress", "json", "--json")
    json.loads(result.stdout)
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    states = [line for line in lines if "phase" in line]
    phases = list(dict.fromkeys(line["phase"] for line in states))
    assert phases == ["opening", "digesting-before", "listing", "examining", "digesting-after", "closing"]
    assert states[-1]["ending"] == "done"
    assert states[-1]["hits"] > 0
    begun = next(line for line in states if line["phase"] == "examining")
    assert begun["subject"] == "E1"
    assert begun["streams_total"] > 50
    assert begun["bytes_total"] > 0
    assert {"message"} == {key for line in lines if "phase" not in line for key in line} - {"time"}


def test_json_progress_says_also_what_went_wrong_as_an_object(
    tamiz: Callable[..., Result], case: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    result = tamiz("scan", case, tmp_path / "notes.txt", "--progress", "json")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert "not a disk image" in lines[-1]["message"]
    assert result.exit_code == 1


def test_what_ends_a_job_is_told() -> None:
    output = io.StringIO()
    with pytest.raises(KeyboardInterrupt), JsonDisplay(output) as display:
        display.phase(Phase.EXAMINING, "E1", bytes_total=100)
        display.advance(bytes_read=40, streams=2, hits=1)
        raise KeyboardInterrupt
    last = json.loads(output.getvalue().splitlines()[-1])
    assert last["ending"] == "interrupted"
    assert (last["bytes_done"], last["streams_done"], last["hits"]) == (40, 2, 1)


def test_time_left_is_unknown_until_something_was_read_and_nothing_at_the_end() -> None:
    display = PlainDisplay(io.StringIO())
    display.phase(Phase.EXAMINING, "E1", bytes_total=1000)
    assert display.seconds_left() is None
    display.advance(bytes_read=1000)
    assert display.seconds_left() == 0


def test_quiet_shows_nothing_and_keeps_the_log(tamiz: Callable[..., Result], case: Path, evidence: Evidence) -> None:
    result = tamiz("scan", case, evidence.image, "--quiet")
    assert "hashing and matching" not in result.stderr
    assert "E1: hashing and matching ended after" in log_path(case).read_text()


def test_the_log_is_private_and_names_neither_files_nor_contents(
    tamiz: Callable[..., Result], case: Path, evidence: Evidence, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    tamiz("scan", case, evidence.image, tmp_path / "notes.txt", "--quiet")
    log = log_path(case)
    text = log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "scan 1 begins" in text
    assert "scan 1 ended, 1 of its sources refused" in text
    names = {
        *evidence.md5,
        *(Path(path).name for path in evidence.md5),
        "notes.txt",
        evidence.image.name,
        str(tmp_path),
    }
    assert not [name for name in names if name in text]
    assert not re.search(r"[0-9a-f]{32}", text)


def test_a_log_that_cannot_be_written_is_told_and_stops_nothing(
    tamiz: Callable[..., Result], case: Path, evidence: Evidence
) -> None:
    log_path(case).symlink_to("/dev/full")
    result = tamiz("scan", case, evidence.image, "--quiet")
    assert result.exit_code == 0
    assert "there is no log" in result.stderr


@pytest.mark.parametrize("style", Style)
def test_every_style_can_be_shown(style: Style) -> None:
    with choose_display(style) as display:
        display.phase(Phase.LISTING, "E1/p2")
        display.advance(streams=3)


def test_an_error_starts_no_display_of_its_own(
    tamiz: Callable[..., Result], tmp_path: Path, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live one hides the cursor until it is closed."""
    started: list[str] = []
    monkeypatch.setattr(progress.LiveDisplay, "__init__", lambda *_: started.append("live"))
    result = tamiz("scan", tmp_path / "none.case", evidence.image, "--progress", "live")
    assert result.exit_code == 1
    assert result.stderr.startswith("tamiz: ")
    assert started == []
