"""hashsets.formats.sqlite_list: nothing in a database from elsewhere runs, and nothing of it is missed."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from forensics.errors import ListFormatError
from hashsets.format import Disposition
from hashsets.formats import sqlite_list
from hashsets.library import Library
from tests.hashsets.formats.samples_of_tools import KDB_SCHEMA

MD5 = bytes(range(16))
INSERT = "INSERT INTO hashes (md5) VALUES (?)"


def made(path: Path, statements: str = "") -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.executescript(KDB_SCHEMA + statements)
    connection.execute(INSERT, (MD5,))
    connection.commit()
    return connection


def test_changes_that_stand_in_a_log_are_not_missed_in_silence(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "list.kdb"
    connection = made(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(INSERT, (MD5[::-1],))
    connection.commit()
    with pytest.raises(ListFormatError, match="changes to this database stand in a log beside it"):
        library.import_list(path, "n", Disposition.NOTABLE, format="autopsy")
    connection.close()
    assert library.import_list(path, "n", Disposition.NOTABLE).entries == 2


def test_a_database_is_neither_changed_nor_locked_nor_given_company(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "list.kdb"
    made(path).close()
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.chmod(0o400)
    library.import_list(path, "n", Disposition.NOTABLE)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["list.kdb"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT load_extension('x')",
        "SELECT randomblob(10)",
        "ATTACH DATABASE ':memory:' AS other",
        "INSERT INTO hashes (md5) VALUES (x'00')",
        "DROP TABLE hashes",
        "PRAGMA writable_schema = 1",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
    ],
)
def test_a_statement_can_read_tables_and_nothing_else(query: str, tmp_path: Path) -> None:
    path = tmp_path / "list.kdb"
    made(path).close()
    with (
        sqlite_list.opened(path) as connection,
        pytest.raises(ListFormatError, match="the database cannot be read"),
    ):
        list(sqlite_list.rows(connection, query))


def test_only_real_tables_are_offered(tmp_path: Path) -> None:
    path = tmp_path / "list.kdb"
    made(path, "CREATE VIEW seen AS SELECT md5 FROM hashes; CREATE VIRTUAL TABLE words USING fts5(md5);").close()
    with sqlite_list.opened(path) as connection:
        tables = sqlite_list.tables_of(connection)
    assert {"hashes", "comments"} <= tables.keys()
    assert not {"seen", "words"} & tables.keys()


def test_a_view_in_the_place_of_a_table_is_not_run(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "list.kdb"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE db_properties (name, value); CREATE VIEW hashes AS WITH RECURSIVE n(md5) AS "
        "(SELECT x'00' UNION ALL SELECT md5 FROM n) SELECT md5 FROM n"
    )
    connection.close()
    with pytest.raises(ListFormatError, match="not a list of a known format"):
        library.import_list(path, "n", Disposition.NOTABLE)
    with pytest.raises(ListFormatError, match="no hash database of Autopsy"):
        library.import_list(path, "n", Disposition.NOTABLE, format="autopsy")
    assert library.sets() == []
