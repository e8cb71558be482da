"""Making, opening and recognising a case file."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from forensics.case.store import APPLICATION_ID, SCHEMA_VERSION, CaseStore, pseudonym_key_path
from forensics.errors import CaseError, CaseVersionError, NotACaseError
from tests.case.conftest import EXAMINER


def test_the_file_header_says_what_it_is(store: CaseStore) -> None:
    store.close()
    header = store.path.read_bytes()[:100]
    assert int.from_bytes(header[68:72], "big") == APPLICATION_ID
    assert int.from_bytes(header[60:64], "big") == SCHEMA_VERSION


def test_case_and_key_are_for_their_owner_only(store: CaseStore) -> None:
    for path in (store.path, pseudonym_key_path(store.path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_file_is_never_overwritten(store: CaseStore) -> None:
    with pytest.raises(CaseError, match="exists already"):
        CaseStore.create(store.path, "2", EXAMINER, None, [])


@pytest.mark.parametrize("label", ["", "E 1", "../E1", "E1.2", "E1/p2"])
def test_a_label_that_cannot_stand_in_a_locator_is_refused(tmp_path: Path, label: str) -> None:
    with pytest.raises(CaseError, match="exhibit label"):
        CaseStore.create(tmp_path / "b.case", "2", EXAMINER, None, [label])
    assert not (tmp_path / "b.case").exists()


@pytest.mark.parametrize("data", [b"", b"hello", b"SQLite format 3\0" + bytes(100)])
def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(data)
    with pytest.raises(NotACaseError, match="is not a tamiz case"):
        CaseStore.open(path)
    assert path.read_bytes() == data


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotACaseError, match="no such file"):
        CaseStore.open(tmp_path / "none.case")
    assert not (tmp_path / "none.case").exists()


def test_a_case_of_a_newer_version_is_refused(store: CaseStore) -> None:
    store.connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    store.close()
    with pytest.raises(CaseVersionError, match="newer tamiz"):
        CaseStore.open(store.path)


def test_a_case_of_an_older_form_is_refused_with_what_to_do(store: CaseStore) -> None:
    store.connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    store.close()
    with pytest.raises(CaseVersionError, match=r"older tamiz .*Run 'tamiz case upgrade'"):
        CaseStore.open(store.path)


def test_no_column_can_hold_content(store: CaseStore) -> None:
    for (table,) in store.connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        columns = store.connection.execute(f"PRAGMA table_info({table})").fetchall()
        assert {column[2] for column in columns} <= {"INTEGER", "REAL", "TEXT"}, table


def test_every_table_is_strict(store: CaseStore) -> None:
    tables = store.connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    assert len(tables) > 10
    for name, sql in tables:
        assert "STRICT" in sql, name


def test_a_failed_change_leaves_no_trace(store: CaseStore) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.add_exhibit("E2")
        1 / 0  # noqa: B018
    assert store.connection.execute("SELECT count(*) FROM exhibits").fetchone()[0] == 1


def test_a_reader_cannot_write(store: CaseStore) -> None:
    with CaseStore.open(store.path, read_only=True) as reader, pytest.raises(CaseError, match="cannot be written"):
        reader.record(EXAMINER, "x", {})


def test_two_processes_writing_at_once_wait_for_each_other(store: CaseStore) -> None:
    program = (
        "import sys; from pathlib import Path; from forensics.case.store import CaseStore;"
        "from forensics.case.ledger import Actor\n"
        "with CaseStore.open(Path(sys.argv[1])) as store:\n"
        "    for n in range(100): store.record(Actor('B', 'b'), 'note', {'n': n})"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(store.path)]) as other:
        for number in range(100):
            store.record(EXAMINER, "note", {"n": number})
        assert other.wait(60) == 0
    assert store.connection.execute("SELECT count(*) FROM ledger").fetchone()[0] == 201


def test_what_is_written_can_be_read_by_any_sqlite(store: CaseStore) -> None:
    store.close()
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT number FROM case_info").fetchone() == ("CI/1/2026",)
    connection.close()


def test_a_case_is_recognised_while_another_process_writes_to_it(store: CaseStore) -> None:
    store.record(EXAMINER, "note", {})
    assert store.path.with_name(store.path.name + "-wal").stat().st_size > 0
    with CaseStore.open(store.path, read_only=True) as reader:
        assert reader.connection.execute("SELECT count(*) FROM ledger").fetchone()[0] == 2


def test_at_rest_a_case_is_one_file_and_reading_it_leaves_nothing_behind(store: CaseStore) -> None:
    store.record(EXAMINER, "note", {})
    store.close()
    before = store.path.read_bytes()
    with CaseStore.open(store.path, read_only=True) as reader:
        assert reader.connection.execute("SELECT count(*) FROM ledger").fetchone()[0] == 2
    assert sorted(path.name for path in store.path.parent.glob("a.case*")) == ["a.case", "a.case.key"]
    assert store.path.read_bytes() == before


@pytest.mark.parametrize(("number", "exhibits"), [("", []), (" ", []), ("1", ["E1", "E1"]), ("1", ["E1", "E 2"])])
def test_a_case_is_made_whole_or_not_at_all(tmp_path: Path, number: str, exhibits: list[str]) -> None:
    with pytest.raises(CaseError):
        CaseStore.create(tmp_path / "b.case", number, EXAMINER, None, exhibits)
    assert list(tmp_path.glob("b.case*")) == []


def test_a_key_that_lies_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b.case.key").write_text("of another case")
    with pytest.raises(CaseError, match="exists already"):
        CaseStore.create(tmp_path / "b.case", "1", EXAMINER, None, [])
    assert [path.name for path in tmp_path.glob("b.case*")] == ["b.case.key"]
