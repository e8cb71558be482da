"""Writes many rows with few statements: to begin and end one takes SQLite as long as to write a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

_PLACE = "(rows)"

ROWS_A_STATEMENT = 50
"""Beyond that there is little to gain."""


def write_many(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows, in order, inside the caller's transaction.

    Args:
        connection: The case.
        statement: SQL with ``VALUES (rows)``.
        rows: Values of the columns, of the same number in each.
    """
    if not rows:
        return
    columns = len(rows[0])
    whole = len(rows) - len(rows) % ROWS_A_STATEMENT
    connection.executemany(_statement(statement, columns, ROWS_A_STATEMENT), _runs(rows, whole))
    connection.executemany(_statement(statement, columns, 1), rows[whole:])


def _runs(rows: Sequence[tuple[Any, ...]], whole: int) -> Iterator[tuple[Any, ...]]:
    """The values of as many rows as a statement takes, one after the other."""
    for start in range(0, whole, ROWS_A_STATEMENT):
        yield tuple(chain.from_iterable(rows[start : start + ROWS_A_STATEMENT]))


@lru_cache
def _statement(statement: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return statement.replace(_PLACE, ", ".join([row] * rows))
