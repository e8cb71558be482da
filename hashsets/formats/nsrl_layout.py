"""Where the hashes of an NSRL RDS version 3 database stand: its layouts differ, so the columns are asked.

https://www.nist.gov/itl/ssd/software-quality-group/national-software-reference-library-nsrl. *Minimal*: a table
``FILE``. *Full* and *curated*: a table ``METADATA``, and ``FILE`` is a view over it, which is never run.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from hashsets.formats import sqlite_list

DIGEST_COLUMNS = ("sha256", "sha1", "md5")


@dataclass(frozen=True, slots=True)
class NsrlLayout:
    """One layout of an NSRL database.

    Attributes:
        name: ``minimal`` or ``full``.
        table: The table with the hashes.
        digests: Those of :data:`DIGEST_COLUMNS` that it has.
        size: Its column with the length in bytes; ``None`` if it has none.
    """

    name: str
    table: str
    digests: tuple[str, ...]
    size: str | None


_LAYOUTS: tuple[tuple[str, str, str, frozenset[str]], ...] = (
    ("minimal", "FILE", "file_size", frozenset()),
    ("full", "METADATA", "bytes", frozenset({"package_object"})),
)
"""Of each layout its name, the table with the hashes, its column of sizes, and further tables it must have."""


def layout_of(tables: sqlite_list.Tables) -> NsrlLayout | None:
    """Tell the layout by the tables of a database; ``None`` if it is no NSRL database."""
    for name, table, size, others in _LAYOUTS:
        columns = tables.get(table.lower(), frozenset())
        digests = tuple(column for column in DIGEST_COLUMNS if column in columns)
        if "version" in tables and digests and others <= tables.keys() and "file_name" in columns:
            return NsrlLayout(name, table, digests, size if size in columns else None)
    return None


def version_of(connection: sqlite3.Connection, tables: sqlite_list.Tables) -> str | None:
    """Read the release that a database says it is, such as ``2022.12.1``; ``None`` if it says none.

    Raises:
        ListFormatError: The database is damaged.
    """
    if "version" not in tables.get("version", frozenset()):
        return None
    with sqlite_list.database_errors():
        row = connection.execute("SELECT version FROM VERSION ORDER BY version DESC LIMIT 1").fetchone()
    return str(row[0])[:40] if row and row[0] else None
