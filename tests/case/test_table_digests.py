"""The digest of a table is that of its rows as JSON, however the file is laid out."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from forensics.case.store import CaseStore
from forensics.case.table_digests import schema_digest, sealed_digest, table_digest, table_digests
from tests.case.conftest import EXAMINER


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def by_hand(rows: list[tuple[object, ...]]) -> str:
    return hashlib.sha256(json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def test_it_is_the_json_of_the_rows_in_order_of_the_key(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE t (a TEXT, b REAL, c INTEGER, PRIMARY KEY (c, a)) WITHOUT ROWID")
    rows = [('señal\n"', 0.1, 2), ("z", None, 1), ("Z", 1e300, 1), ("ä", -0.5, 1)]
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    assert table_digest(connection, "t").sha256 == by_hand([rows[2], rows[1], rows[3], rows[0]])
    assert table_digest(connection, "t").rows == 4


def test_without_a_key_all_columns_give_the_order(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(2, "a"), (1, "b"), (1, "a"), (None, "x")])
    assert table_digest(connection, "t").sha256 == by_hand([(None, "x"), (1, "a"), (1, "b"), (2, "a")])


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2000])
def test_how_many_rows_are_read_at_a_time_does_not_show(connection: sqlite3.Connection, count: int) -> None:
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    rows = [(number, str(number)) for number in range(count)]
    connection.executemany("INSERT INTO t VALUES (?, ?)", reversed(rows))
    assert table_digest(connection, "t").sha256 == by_hand(rows)  # type: ignore[arg-type]


def test_every_table_of_a_case_has_one_and_the_ledger_is_left_out_of_the_seals(store: CaseStore) -> None:
    before, schema = table_digests(store.connection), schema_digest(store.connection)
    names = {name for (name,) in store.connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert set(before) == names
    store.record(EXAMINER, "note", {})
    after = table_digests(store.connection)
    assert {name for name in names if before[name] != after[name]} == {"ledger"}
    assert sealed_digest(schema, before) == sealed_digest(schema, after)
    with store.transaction():
        store.add_exhibit("E9")
    assert sealed_digest(schema, table_digests(store.connection)) != sealed_digest(schema, after)


def test_a_file_that_is_laid_out_anew_has_the_same(store: CaseStore) -> None:
    before = table_digests(store.connection), schema_digest(store.connection)
    store.connection.execute("VACUUM")
    assert (table_digests(store.connection), schema_digest(store.connection)) == before
