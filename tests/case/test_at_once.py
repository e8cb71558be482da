"""Several processes on one case at once: two that scan and some that read. Nobody loses a row or is told of a lock."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from forensics.case.reader import CaseReader
from forensics.case.store import CaseStore
from tests.conftest import EXAMINER, Evidence

_TAMIZ = (sys.executable, "-c", "from cli import main; main()")


def tamiz(library: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [*_TAMIZ, "--library", str(library), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_scans_and_their_readers(evidence: Evidence, library: Path, tmp_path: Path) -> None:
    copy = tmp_path / "second.raw"
    shutil.copy(evidence.image, copy)
    with copy.open("r+b") as image:
        image.write(b"another disk")  # in the boot block, which ext4 does not use
    case = tmp_path / "a.case"
    CaseStore.create(case, "1", EXAMINER, None, ["E1", "E2"]).close()
    scans = [
        tamiz(library, "scan", case, source, "--exhibit", exhibit, "--quiet", "--jobs", "1")
        for source, exhibit in ((evidence.image, "E1"), (copy, "E2"))
    ]
    read = 0
    while any(scan.poll() is None for scan in scans):
        reader = tamiz(library, "status", case, "--json")
        output, error = reader.communicate(timeout=120)
        assert reader.returncode == 0, error
        assert output.startswith("{")
        read += 1
    for scan in scans:
        _, error = scan.communicate(timeout=300)
        assert scan.returncode in {0, 3}, error  # the first to end says that the other exhibit is not done
        assert "locked" not in error
    assert read > 0
    with CaseReader.open(case) as reader_of_case:
        streams = reader_of_case.query(
            "SELECT exhibits.label, count(*) AS streams, count(content) AS hashed FROM streams "
            "JOIN sources ON sources.id = source_id JOIN exhibits ON exhibits.id = exhibit_id GROUP BY 1 ORDER BY 1"
        )
        first, second = (tuple(row.values()) for row in streams)
        hits = [(hit.exhibit, hit.path) for hit in reader_of_case.hits(["notable"])]
        assert reader_of_case.first_broken_ledger_row() is None
        assert not list(reader_of_case.gaps())
    assert (first[0], second[0]) == ("E1", "E2")
    assert first[1:] == second[1:]
    assert sorted(path for exhibit, path in hits if exhibit == "E1") == sorted(
        path for exhibit, path in hits if exhibit == "E2"
    )
    assert len(hits) >= 8
