"""Scans of a volume with shadow copies: by profile, by any number of workers, broken off, and one stream again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.triage import engine
from forensics.triage.locate import locate
from forensics.triage.scan import Profile, ScanResult
from tests.triage.test_scan import logical_digest, rows

RunScan = Callable[..., ScanResult]
_DEEP = {"profile": Profile.DEEP, "with_digest": False}
_GAPS = "SELECT locator, reason, detail FROM not_examined"


@pytest.fixture(scope="module")
def shadowed(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An NTFS volume with two shadow copies; a file they hold was deleted since."""
    program = shutil.which("qemu-img", path=os.environ["PATH"] + ":/usr/bin")
    if program is None:
        pytest.skip("qemu-img is missing (Debian package qemu-utils)")
    image = tmp_path_factory.mktemp("shadowed") / "volume.raw"
    subprocess.run([program, "convert", "-O", "raw", corpora / "disk-images/plaso/vsstest.qcow2", image], check=True)
    return image


def _streams(case: Path) -> list[tuple[object, ...]]:
    query = "SELECT label, count(*), count(content) FROM streams JOIN volumes ON volumes.id = volume_id GROUP BY label"
    return rows(case, query)


def test_the_standard_profile_lists_them_as_a_gap_and_deep_makes_up_for_it(
    run_scan: RunScan, shadowed: Path, tmp_path: Path
) -> None:
    case = tmp_path / "a.case"
    assert run_scan("a.case", shadowed, with_digest=False).gaps
    assert rows(case, _GAPS) == [("E1/p0", "shadow-copies-not-examined", "2 shadow copies")]
    assert run_scan("a.case", shadowed, **_DEEP) == ScanResult((), (), gaps=False)
    assert rows(case, _GAPS) == []
    assert [row[:2] for row in _streams(case)[1:]] == [("p0/vss1", 9), ("p0/vss2", 8)]
    actions = rows(case, "SELECT action, details FROM ledger")
    assert [json.loads(str(details)) for action, details in actions if action == "shadow copies opened"] == [
        {"scan": 2, "volume": "E1/p0"}
    ]
    run_scan("b.case", shadowed, jobs=1, **_DEEP)
    assert logical_digest(case) == logical_digest(tmp_path / "b.case")
    # a standard scan afterwards takes nothing back
    assert run_scan("a.case", shadowed, with_digest=False) == ScanResult((), (), gaps=False)
    assert logical_digest(case) == logical_digest(tmp_path / "b.case")


@pytest.mark.parametrize("stopped_at", ["p0/vss2", "examination"])
def test_a_scan_that_was_broken_off_goes_on_to_the_same_case(
    stopped_at: str, run_scan: RunScan, shadowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other workers, which have walked nothing yet, then walk the copies that are left."""
    run_scan("whole.case", shadowed, jobs=1, **_DEEP)
    walk = engine.SourceScan._walk

    def stop(self: engine.SourceScan, access: object, source_id: int, volume: object) -> None:
        if getattr(volume, "label", "") == stopped_at:
            raise KeyboardInterrupt
        walk(self, access, source_id, volume)  # type: ignore[arg-type]

    def stop_examining(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine.SourceScan, "_walk", stop)
        patch.setattr(engine.SourceScan, "_examine", stop_examining)
        with pytest.raises(KeyboardInterrupt):
            run_scan("a.case", shadowed, **_DEEP)
    assert run_scan("a.case", shadowed, **_DEEP) == ScanResult((), (), gaps=False)
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "whole.case")


def test_a_stream_of_a_shadow_copy_is_found_again(run_scan: RunScan, shadowed: Path, tmp_path: Path) -> None:
    run_scan("a.case", shadowed, **_DEEP)
    with CaseReader.open(tmp_path / "a.case") as case:
        located = locate(case, "E1/p0/vss1/ntfs:35-128-3")
    assert located.agrees
    assert located.problem is None
    assert located.found is not None
    assert [(row["path"], row["allocation"]) for row in located.streams] == [("syslog", "allocated")]
