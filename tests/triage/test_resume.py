"""Whatever stops a scan: it ends soon, says one line, loses nothing, and the same command goes on."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forensics.case import store as case_store
from forensics.case.reader import CaseReader
from forensics.errors import CaseWriteError, ImageError
from forensics.triage.progress import NoDisplay, Phase
from forensics.triage.scan import ScanResult
from tests.conftest import Evidence
from tests.plugin_package import install_picture_hasher

RunScan = Callable[..., ScanResult]
COMMAND = "import sys; from cli import main; sys.argv[0] = 'tamiz'; main()"


def tamiz(library: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-c", COMMAND, "--library", str(library), *map(str, arguments)]


def environment(*folders: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, folders), *filter(None, sys.path)])}


def new_case(library: Path, case: Path) -> Path:
    subprocess.run(
        tamiz(library, "case", "new", case, "--number", "1", "--examiner", "Ana"),
        check=True, env=environment(), stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return case


def logical_digest(case: Path) -> str:
    with CaseReader.open(case) as reader:
        return reader.logical_digest()


def states(case: Path) -> list[str]:
    with CaseReader.open(case) as reader:
        return [scan["state"] for scan in reader.scans()]


# Ctrl-C


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A folder with a plug-in hasher that neither ends nor lets go of the processor for a long time."""
    body = "end = time.process_time() + 60\nwhile time.process_time() < end:\n    pass"
    return install_picture_hasher(tmp_path / "slow", "slow", "import time", body)


@pytest.mark.parametrize(
    ("phase", "sources", "with_digest"),
    [
        ("opening", 1, True),
        ("digest of the evidence before", 2, True),
        ("listing", 1, False),
        ("hashing", 1, False),
    ],
)
def test_ctrl_c_ends_within_two_seconds_and_says_how_to_go_on(
    evidence: Evidence, library: Path, tmp_path: Path, slow: Path, phase: str, sources: int, with_digest: bool
) -> None:
    case, image = new_case(library, tmp_path / "a.case"), evidence.image
    if sources > 1:  # so large that its digest takes a while
        image = tmp_path / "large.raw"
        shutil.copy(evidence.image, image)
        os.truncate(image, 8 << 30)
    options = [] if with_digest else ["--no-source-digest"]
    with subprocess.Popen(
        tamiz(library, "scan", case, image, *options),
        start_new_session=True, stderr=subprocess.PIPE, text=True, env=environment(slow),
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if phase in line:
                break
        time.sleep(1 if phase != "opening" else 0)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 1
        took = time.monotonic() - began
    assert "run the same command again" in rest
    assert "Traceback" not in rest
    assert states(case) == ["interrupted"]
    assert took < 2 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


# The disk of the case is full


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[bool], None]]:
    """A file system of 8 MB, and a way to fill it or to make room; only where one may be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8M", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here (not root)")

    def fill(full: bool) -> None:
        filler = folder / "filler"
        filler.unlink(missing_ok=True)
        if full:
            with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))

    try:
        yield fill
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("moment", [Phase.LISTING, Phase.EXAMINING])
def test_a_full_disk_stops_a_scan_with_one_line_and_loses_nothing(
    run_scan: RunScan, evidence: Evidence, library: Path, tmp_path: Path, moment: Phase
) -> None:
    run_scan("whole.case", evidence.image)
    with small_disk(tmp_path / "small") as fill:
        new_case(library, tmp_path / "small" / "a.case")
        with pytest.raises(CaseWriteError) as caught:
            run_scan("small/a.case", evidence.image, display=At(moment, lambda: fill(True)))
        assert "full" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
        fill(False)
        run_scan("small/a.case", evidence.image)
        assert states(tmp_path / "small" / "a.case")[1:] == ["finished"]
        assert logical_digest(tmp_path / "small" / "a.case") == logical_digest(tmp_path / "whole.case")


class At(NoDisplay):
    """Does something once when a phase of a scan begins."""

    def __init__(self, phase: Phase, deed: Callable[[], object]) -> None:
        super().__init__()
        self._phase, self._deed = phase, deed
        self.done = False

    def show(self, *, changed: bool) -> None:
        if changed and self.state.phase is self._phase and not self.done:
            self.done = True
            self._deed()


def test_a_quota_is_a_full_disk_too_and_the_command_says_so(evidence: Evidence, library: Path, tmp_path: Path) -> None:
    case = new_case(library, tmp_path / "a.case")
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)); "
    command = tamiz(library, "scan", case, evidence.image, "--quiet")
    command[2] = limited + command[2]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("tamiz: ") and "exhibit" not in line]
    assert len(lines) == 1
    assert "cannot be written" in lines[0]
    assert "run the same again" in lines[0]
    again = subprocess.run(tamiz(library, *command[5:]), capture_output=True, text=True, env=environment(), check=False)
    assert again.returncode == 0, again.stderr


# Another command holds the case


def test_a_case_that_is_held_too_long_stops_a_scan_and_it_goes_on_later(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_scan("whole.case", evidence.image)
    monkeypatch.setattr(case_store, "BUSY_SECONDS", 0.3)
    holder: list[sqlite3.Connection] = []

    def hold() -> None:
        holder.append(sqlite3.connect(tmp_path / "a.case", isolation_level=None))
        holder[0].execute("BEGIN IMMEDIATE")

    with pytest.raises(CaseWriteError, match="locked"):
        run_scan("a.case", evidence.image, display=At(Phase.EXAMINING, hold))
    holder[0].close()
    assert run_scan("a.case", evidence.image).errors == ()
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "whole.case")
    with CaseReader.open(tmp_path / "a.case") as case:
        assert list(case.gaps()) == []


# The evidence goes away


@pytest.mark.parametrize(
    ("deed", "moment"),
    [
        ("cut short", Phase.DIGESTING_BEFORE),
        ("cut short", Phase.LISTING),
        ("cut short", Phase.EXAMINING),
        ("removed", Phase.EXAMINING),
    ],
)
def test_evidence_that_goes_away_is_said_and_nothing_is_held_against_it(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path, deed: str, moment: Phase
) -> None:
    run_scan("whole.case", evidence.image)
    image = tmp_path / "disk.raw"
    shutil.copy(evidence.image, image)

    def take_away() -> None:
        if deed == "removed":
            image.unlink()
        else:
            os.truncate(image, 100_000)

    result = run_scan("a.case", image, display=At(moment, take_away))
    (error,) = result.errors
    assert isinstance(error, ImageError)
    assert str(image) in str(error)
    shutil.copy(evidence.image, image)
    assert run_scan("a.case", image) == ScanResult((), (), gaps=False)
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "whole.case")
