"""Many rows written with few statements are those that were given, in their order, whatever their number."""

from __future__ import annotations

import sqlite3

import pytest

from forensics.case.many_rows import ROWS_A_STATEMENT, write_many

NUMBERS = (0, 1, ROWS_A_STATEMENT - 1, ROWS_A_STATEMENT, ROWS_A_STATEMENT + 1, 5 * ROWS_A_STATEMENT + 7)


@pytest.fixture
def connection() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE, size INTEGER CHECK (size >= 0))")
    return connection


@pytest.mark.parametrize("number", NUMBERS)
def test_rows_are_inserted_in_their_order(connection: sqlite3.Connection, number: int) -> None:
    rows = [(f"n{3 * place % 1000}", place if place % 3 else None) for place in range(number)]
    write_many(connection, "INSERT INTO item (name, size) VALUES (rows)", rows)
    assert connection.execute("SELECT name, size FROM item ORDER BY id").fetchall() == rows


@pytest.mark.parametrize("number", NUMBERS)
def test_rows_are_updated(connection: sqlite3.Connection, number: int) -> None:
    connection.executemany("INSERT INTO item VALUES (?, ?, 0)", [(place, f"n{place}") for place in range(number + 9)])
    update = "WITH new (item, bytes) AS (VALUES (rows)) UPDATE item SET size = bytes FROM new WHERE id = item"
    write_many(connection, update, [(place, place + 1) for place in range(number)])
    expected = [place + 1 if place < number else 0 for place in range(number + 9)]
    assert [size for (size,) in connection.execute("SELECT size FROM item ORDER BY id")] == expected


def test_what_stands_first_is_kept_where_rows_conflict(connection: sqlite3.Connection) -> None:
    rows = [("same", place) for place in range(3 * ROWS_A_STATEMENT + 1)]
    write_many(connection, "INSERT INTO item (name, size) VALUES (rows) ON CONFLICT DO NOTHING", rows)
    assert connection.execute("SELECT name, size FROM item").fetchall() == [("same", 0)]


@pytest.mark.parametrize("bad", [0, 60, 2 * ROWS_A_STATEMENT])
def test_a_row_that_is_refused_is_heard_of(connection: sqlite3.Connection, bad: int) -> None:
    rows = [(f"n{place}", -1 if place == bad else place) for place in range(2 * ROWS_A_STATEMENT + 1)]
    with pytest.raises(sqlite3.IntegrityError):
        write_many(connection, "INSERT INTO item (name, size) VALUES (rows)", rows)
