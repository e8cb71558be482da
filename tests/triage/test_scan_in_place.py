"""A scan against databases used in place: confined workers read them, though they lie outside of the library."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.triage.scan import ScanResult
from hashsets.format import Disposition
from hashsets.library import Library
from tests.conftest import Evidence
from tests.hashsets.formats.samples_of_nsrl import NSRL_MINIMAL


def write_database(path: Path, evidence: Evidence, listed: list[str]) -> Path:
    """State the digests of some files, each in three packages."""
    connection = sqlite3.connect(path)
    connection.executescript(NSRL_MINIMAL)
    rows = [(evidence.sha1[name].upper(), evidence.md5[name].upper(), n) for n in range(3) for name in listed]
    connection.executemany("INSERT INTO FILE VALUES ('', ?, ?, '0', 'n', '', ?)", rows)
    connection.commit()
    connection.close()
    return path


def test_contents_are_benign_and_hit_by_sets_used_in_place(
    evidence: Evidence,
    library: Path,
    run_scan: Callable[..., ScanResult],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with Library(library) as opened:
        for name, listed, disposition in (
            ("software", ["deep/er/picture5.dat"], Disposition.BENIGN),
            ("sought", ["text09.txt"], Disposition.NOTABLE),
        ):
            database = write_database(elsewhere / f"{name}.db", evidence, listed)
            opened.import_list(database, name, disposition, in_place=True)
    assert run_scan("a.case", evidence.image) == ScanResult((), (), gaps=False)
    with CaseReader.open(tmp_path / "a.case") as case:
        hits = [(hit.path, hit.set, hit.position) for hit in case.hits() if hit.set == "sought"]
        query = "SELECT perceptual, perceptual_reason FROM contents WHERE md5 = ?"
        (benign,) = case._connection.execute(query, (evidence.md5["deep/er/picture5.dat"],)).fetchall()
        (other,) = case._connection.execute(query, (evidence.md5["deep/er/picture2.dat"],)).fetchall()
    assert hits == [("text09.txt", "sought", 1)]
    assert tuple(benign) == ("skipped", "benign")
    assert tuple(other) == ("hashed", None)
