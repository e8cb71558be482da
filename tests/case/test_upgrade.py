"""A case of an older schema is brought up to this one: every row, nothing else, and a copy of it as it was."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import cli
from forensics.case import ledger
from forensics.case.reader import CaseReader
from forensics.case.status import status
from forensics.case.store import APPLICATION_ID, SCHEMA_VERSION, SEALED_APPLICATION_ID, CaseStore
from forensics.case.upgrade import OLDEST, copy_path, upgrade
from forensics.errors import CaseError, CaseVersionError, SealedCaseError
from tests.case.conftest import EXAMINER

SCHEMA_3 = Path(__file__).parent / "older/schema-3.sql"
NOW = "2026-01-02T03:04:05.000000Z"
A, B = (hashlib.sha256(data).hexdigest() for data in (b"a", b"b"))

ROWS: dict[str, list[tuple[Any, ...]]] = {
    "case_info": [(1, "6f5e3b6e-0000-4000-8000-000000000001", "CI/3", "oficio 1", NOW, "0.1.0")],
    "actors": [(1, "Ana", "lab"), (2, "Beto", "lab")],
    "exhibits": [(1, "6f5e3b6e-0000-4000-8000-000000000002", "E1", NOW)],
    "scans": [(1, 1, "scan", NOW, NOW, "finished", "standard", "0.1.0", "{}", "{}")],
    "sources": [(1, 1, "E1", "/evidence/ñ.raw", 1, "raw", 1 << 40, 512, '{"a":"b"}')],
    "refused_sources": [("/evidence/x", None, 1, "is no image", NOW)],
    "source_segments": [(1, 1, "ñ.raw", 1 << 40)],
    "source_digests": [(1, 1, "before", "sha256", A, NOW)],
    "volumes": [(1, 1, "p1", "dos", "NTFS", 512, 1 << 30, 1, "ntfs", 1)],
    "contents": [
        (A, "a" * 40, "b" * 32, 1, "image/png", "hashed", None, 640, 480),
        (B, "c" * 40, "d" * 32, 2, "video/mp4", "hashed", "truncated-film", 64, 48),
    ],
    "perceptual_hashes": [(A, "pdq", "original", "5a" * 32, 90, "decode-v2")],
    "films": [(B, "vpdq", "film-v1", None, 90, "one-a-second", 3)],
    "film_frames": [(B, 0, "5a" * 32, 80), (B, 1000, "a5" * 32, 70)],
    "streams": [
        (1, 1, 1, "E1/p1/ntfs:5-128-1", "a/á.png", None, 1, "allocated", "intact", 4096, NOW, None, None, NOW,
         "hashed", None, None, A),
        (2, 1, 1, "E1/p1/ntfs:6-128-1", "b", "62ff", 2, "deleted", "assumed-contiguous", None, None, None, None, None,
         "failed", "read-error", "sector 7", None),
        (9, 1, 1, "E1/p1/ntfs:7-128-1", "c", None, 2, "orphan", "intact", 7, None, None, None, None,
         "pending", None, None, None),
    ],
    "not_examined": [(1, "E1/p2", "volume-encrypted", "BitLocker", None)],
    "sets_used": [("u1", "list", "notable", "vics", "2.0", "vics-2.0-mx", None, "l.json", A, 7, 1, NOW, *[None] * 4)],
    "scan_sets": [(1, "u1")],
    "entries_hit": [("u1", 3, "r", "1", None, None, A, None, "{}")],
    "hits": [(A, "u1", 3, "sha256", 0, "exact", None, "sha256", "", None, None)],
}  # fmt: skip
"""A row or more of every table of version 3."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A case as version 3 left it."""
    path = tmp_path / "old.case"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(SCHEMA_3.read_text("utf-8"))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 3")
    for table, rows in ROWS.items():
        for row in rows:
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    for number in range(5):
        ledger.append(connection, EXAMINER, "note", {"n": number})
    connection.close()
    return path


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the tables and columns that version 3 had."""
    reference = sqlite3.connect(":memory:")
    reference.executescript(SCHEMA_3.read_text("utf-8"))
    connection = sqlite3.connect(path)
    found = {}
    for (table,) in reference.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        columns = ", ".join(row[1] for row in reference.execute(f"PRAGMA table_info({table})"))
        found[table] = connection.execute(f"SELECT {columns} FROM {table} ORDER BY {columns}").fetchall()
    connection.close()
    reference.close()
    return found


def test_the_old_case_has_rows_in_every_table(old: Path) -> None:
    assert all(rows_of(old).values())


def test_every_row_is_kept_and_the_ledger_says_what_was_done(old: Path) -> None:
    before, data = rows_of(old), old.read_bytes()
    copy = upgrade(old, EXAMINER)
    after = rows_of(old)
    added = after["ledger"].pop()
    assert after == before
    assert (copy, copy.read_bytes()) == (copy_path(old, 3), data)
    assert stat.S_IMODE(old.stat().st_mode) == stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert added[4] == "case upgraded"
    details = json.loads(added[5])
    assert (details["from"], details["to"]) == (3, SCHEMA_VERSION)
    assert details["copy_sha256"] == hashlib.sha256(data).hexdigest()


def test_an_upgraded_case_is_read_and_written_like_any_other(old: Path) -> None:
    upgrade(old, EXAMINER)
    with CaseReader.open(old) as reader:
        document = status(reader)
        assert reader.first_broken_ledger_row() is None
        assert document["streams"]["hashed"] == 1
        assert document["hits"]["exact"] == 1
        assert [hit.locator for hit in reader.hits()] == ["E1/p1/ntfs:5-128-1"]
    with CaseStore.open(old) as store, store.transaction():
        store.add_exhibit("E2")


def test_its_tables_are_those_of_a_new_case(old: Path, store: CaseStore) -> None:
    upgrade(old, EXAMINER)
    query = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
    connection = sqlite3.connect(old)
    assert connection.execute(query).fetchall() == store.connection.execute(query).fetchall()
    connection.close()


def test_a_copy_is_never_overwritten(old: Path) -> None:
    copy_path(old, 3).write_text("another")
    before = old.read_bytes()
    with pytest.raises(CaseError, match="a copy is never overwritten"):
        upgrade(old, EXAMINER)
    assert (copy_path(old, 3).read_text(), old.read_bytes()) == ("another", before)


@pytest.mark.parametrize("version", [SCHEMA_VERSION, SCHEMA_VERSION + 1, OLDEST - 1])
def test_other_versions_are_refused_and_left_alone(old: Path, version: int) -> None:
    connection = sqlite3.connect(old)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    before = old.read_bytes()
    with pytest.raises(CaseError, match=f"is of schema {version}"):
        upgrade(old, EXAMINER)
    assert old.read_bytes() == before


def test_a_sealed_case_is_refused(old: Path) -> None:
    connection = sqlite3.connect(old)
    connection.execute(f"PRAGMA application_id = {SEALED_APPLICATION_ID}")
    connection.close()
    with pytest.raises(SealedCaseError):
        upgrade(old, EXAMINER)


def test_a_case_that_somebody_writes_to_is_refused(old: Path) -> None:
    connection = sqlite3.connect(old, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    before = old.read_bytes()
    with pytest.raises(CaseError, match="Close other commands on it"):
        upgrade(old, EXAMINER)
    connection.close()
    assert old.read_bytes() == before
    assert [path.name for path in old.parent.glob("*.bak")] == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger SET actor = 'x' WHERE sequence = 2",
        "UPDATE streams SET content = NULL, state = 'hashed' WHERE id = 1",
    ],
)
def test_a_case_that_is_not_sound_is_refused(old: Path, damage: str) -> None:
    connection = sqlite3.connect(old)
    connection.execute("DROP TRIGGER ledger_no_update")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute(damage)
    connection.commit()
    connection.close()
    before = old.read_bytes()
    with pytest.raises(CaseError):
        upgrade(old, EXAMINER)
    assert old.read_bytes() == before
    assert list(old.parent.iterdir()) == [old]


def test_an_old_case_is_refused_until_it_is_upgraded(old: Path) -> None:
    with pytest.raises(CaseVersionError, match="tamiz case upgrade"):
        CaseStore.open(old)
    result = CliRunner().invoke(cli, ["case", "upgrade", str(old), "--examiner", "Ana"])
    assert result.exit_code == 0, result.output
    CaseStore.open(old).close()
