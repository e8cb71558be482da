"""The schema explains itself, and cannot hold what is neither a value nor said to be missing."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

import pytest

from forensics.case import schema
from forensics.case.stated import Missing


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    """An empty case: tables only."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.statements())
    yield connection
    connection.close()


def tables(database: sqlite3.Connection) -> list[str]:
    return [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()]


def test_every_table_is_strict_and_none_can_hold_content(database: sqlite3.Connection) -> None:
    for name, sql in database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall():
        assert re.search(r"\) STRICT(, WITHOUT ROWID)?$", sql), name
        types = {row[2] for row in database.execute(f"PRAGMA table_info({name})")}
        assert types <= {"TEXT", "INTEGER", "REAL"}, name


def test_every_column_that_may_be_missing_is_told_apart_by_a_check(database: sqlite3.Connection) -> None:
    """Each pair is tried: neither set, both set, an empty text, a code that is none."""
    pairs = 0
    for table in tables(database):
        sql = database.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
        columns = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        for name in sorted(column.removesuffix("_missing") for column in columns if column.endswith("_missing")):
            pairs += 1
            assert name in columns, (table, name)
            assert f"CHECK (({name} IS NULL) <> ({name}_missing IS NULL))" in sql, (table, name)
            listed = re.search(rf"CHECK \({name}_missing IN \(([^)]*)\)\)", sql)
            assert listed is not None, (table, name)
            assert re.findall("'([^']*)'", listed[1]) == list(Missing), (table, name)
    assert pairs == 24


@pytest.mark.parametrize(
    ("value", "missing", "accepted"),
    [
        ("a card of 32 GB", None, True),
        (None, "unknown", True),
        (None, "not-applicable", True),
        (None, "not-assessed", True),
        (None, None, False),
        ("a card", "unknown", False),
        ("", None, False),
        (None, "", False),
        (None, "S.I.", False),
    ],
)
def test_a_value_or_why_there_is_none(
    database: sqlite3.Connection, value: str | None, missing: str | None, accepted: bool
) -> None:
    statement = (
        "INSERT INTO exhibit_statements (exhibit_id, actor_id, recorded, field, value, value_missing) "
        "VALUES (1, 1, '2026-01-01T00:00:00Z', 'description', ?, ?)"
    )
    if accepted:
        database.execute(statement, (value, missing))
    else:
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            database.execute(statement, (value, missing))


def test_no_row_that_people_stated_can_be_changed_or_removed(database: sqlite3.Connection) -> None:
    proceedings = {
        name for name in tables(database) if f"CREATE TABLE {name} " in schema.statements().partition("What people")[2]
    }
    assert "custody_events" in proceedings
    triggers = {
        (table, sql.split()[4])
        for table, sql in database.execute("SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'")
    }
    for table in proceedings | {"ledger"}:
        assert {(table, "UPDATE"), (table, "DELETE")} <= triggers, table
