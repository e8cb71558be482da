"""A digest of each table of a case: what a seal holds fast, so that it can be said which table was changed.

The canonical form of a table is the JSON list of its rows, each a list of its columns in the order of the schema, rows
ordered by primary key (by all columns where there is none), text in binary order, without spaces, in UTF-8, nothing
escaped but what JSON demands, numbers as Python's ``json`` writes them. The digest is SHA-256 over that. The schema is
digested as a table of the columns ``type``, ``name``, ``tbl_name``, ``sql`` of ``sqlite_schema``, ordered by type and
name. Unlike :mod:`forensics.case.logical_digest`, this covers every row and column, times and places included.

``forensics/seal/verify.py`` computes the same with nothing of ours.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from forensics.case.ledger import canonical_json

LEDGER_TABLE = "ledger"

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class TableDigest:
    """A table: how many rows it has, and SHA-256 (lower-case hexadecimal) over its canonical form."""

    rows: int
    sha256: str


def table_digests(connection: sqlite3.Connection) -> dict[str, TableDigest]:
    """Digest every table of a case, by name. Reads the whole case.

    Raises:
        sqlite3.Error: The file is damaged.
    """
    return {name: table_digest(connection, name) for name in table_names(connection)}


def table_names(connection: sqlite3.Connection) -> list[str]:
    """Names of the tables that are stored in the file, sorted; a virtual table is not."""
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name"
    return [str(name) for (name,) in connection.execute(query)]


def table_digest(connection: sqlite3.Connection, name: str) -> TableDigest:
    """Digest one table.

    Raises:
        sqlite3.Error: There is none of that name, or the file is damaged.
    """
    columns = connection.execute("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", (name,)).fetchall()
    key = [column for column, place in sorted(columns, key=lambda column: int(column[1])) if place]
    order = ", ".join(map(_quoted, key or [column for column, _ in columns]))
    listed = ", ".join(_quoted(column) for column, _ in columns)
    return _digest(connection.execute(f"SELECT {listed} FROM {_quoted(name)} ORDER BY {order}"))  # noqa: S608


def schema_digest(connection: sqlite3.Connection) -> str:
    """SHA-256 over all statements that made tables, indexes and triggers."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    return _digest(connection.execute(query)).sha256


def sealed_digest(schema: str, tables: Mapping[str, TableDigest]) -> str:
    """One digest of schema and tables, for the row that a seal leaves in the ledger.

    SHA-256 over the canonical JSON of ``{"schema": digest, "tables": {name: {"rows": number, "sha256": digest}}}``. The
    ledger itself, which is to hold it, is left out.
    """
    others = {name: asdict(digest) for name, digest in tables.items() if name != LEDGER_TABLE}
    return hashlib.sha256(canonical_json({"schema": schema, "tables": others}).encode()).hexdigest()


def _digest(cursor: sqlite3.Cursor) -> TableDigest:
    digest, count = hashlib.sha256(b"["), 0
    while rows := cursor.fetchmany(_PAGE):
        digest.update((("," if count else "") + canonical_json(rows)[1:-1]).encode())
        count += len(rows)
    digest.update(b"]")
    return TableDigest(count, digest.hexdigest())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
