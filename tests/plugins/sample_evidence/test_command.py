"""``tamiz demo`` refuses what is not its own, and tells the result in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from forensics.errors import TamizError
from forensics.evidence.stream import Allocation
from hashsets.match import Tier
from plugins.sample_evidence import command
from plugins.sample_evidence.comparison import compare
from plugins.sample_evidence.disk import SampleEvidence
from plugins.sample_evidence.ground_truth import GroundTruth, PlantedClass, PlantedStream, VolumeTruth

_PLANTED = tuple(
    PlantedStream(
        kind, "p1", f"carpeta/año-{number}.jpg", Allocation.ALLOCATED, 9, "1" * 32, "2" * 40, str(number) * 64,
        700_000 + number, 1, Tier.EXACT, "md5", 0,
    )
    for number, kind in enumerate((PlantedClass.PLAIN, PlantedClass.PLAIN, PlantedClass.ALTERNATE_STREAM))
)  # fmt: skip


def test_refuses_a_foreign_folder_before_it_builds_anything(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    result = CliRunner().invoke(command.demo, [str(tmp_path)])
    assert isinstance(result.exception, TamizError)
    assert "is not empty and no earlier demo" in str(result.exception)
    assert result.output == ""
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_help_names_the_default_folder_and_the_exit_code() -> None:
    result = CliRunner().invoke(command.demo, ["--help"])
    assert result.exit_code == 0
    assert "tamiz-demo" in result.output
    assert "Exit code 1" in result.output


def test_a_command_that_fails_ends_the_demo_with_its_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TamizError, match=r"tamiz hits: failed with exit code [12]"):
        command._read(tmp_path, ["hits", "no such case", "--json"], quiet=True)
    assert "$ tamiz hits 'no such case' --json" in capfd.readouterr().err


def test_the_table_and_the_document_tell_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = GroundTruth({"p1": VolumeTruth("ntfs", 0, 1 << 20, 10, 2, 1, 5000)}, _PLANTED, 24, 0)
    evidence = SampleEvidence(
        folder=tmp_path,
        raw=tmp_path / "disk.raw",
        ewf=tmp_path / "disk.E01",
        notable=tmp_path / "notable.json",
        benign=tmp_path / "benign.hashdeep",
        truth_file=tmp_path / "ground-truth.json",
        truth=truth,
    )
    comparison = compare(truth, ("E1", "E2"), [])
    status = command.parse_status('{"streams": {"seen": 30, "hashed": 26, "skipped": 3, "failed": 1}}')
    job = command.MainJob([], status, tmp_path / "report")
    command._show(tmp_path, evidence, job, comparison)
    shown = capsys.readouterr().out
    document = json.loads(json.dumps(command._document(tmp_path, job, comparison)))
    planted = len(truth.planted)
    assert document["as_planted"] is False
    assert len(document["missed"]) == 2 * planted
    assert shown.split("total", 1)[1].split()[:3] == [str(2 * planted), "0", str(2 * planted)]
    for line in document["classes"]:
        assert [line["class"], str(line["planted"]), str(line["found"]), str(line["missed"])] in [
            row.split() for row in shown.splitlines()
        ]
    for missed in document["missed"]:
        assert f"Missed: {missed['exhibit']}/{missed['volume']} {missed['path']} ({missed['class']})" in shown
    assert "Hashed: 26 of 30 streams; 3 skipped, 1 failed" in shown
    assert document["status"] == status
    assert f"Report: {command._short(tmp_path / 'report')}" in shown


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"streams": 3}', '{"streams": {"seen": 1}}'])
def test_anything_but_a_status_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(TamizError, match=r"tamiz status --json: wrote no (status|count of failed, hashed, skipped)"):
        command.parse_status(text)


def test_paths_are_shown_relative_where_that_is_shorter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert command._short(tmp_path / "demo") == "demo"
    assert command._short(Path("/etc")) == "/etc"
