"""Hash databases of The Sleuth Kit and Autopsy, ``.kdb``: SQLite, as ``hfind -c`` and Autopsy make them.

As ``tsk/hashdb/sqlite_hdb.cpp`` writes them: a table ``hashes`` with the digests as bytes. Names and comments, in
tables of their own, are not imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListHeader, ListItem, RejectedEntry
from hashsets.formats import sqlite_list

_NEEDED = {"db_properties": frozenset({"name", "value"}), "hashes": frozenset({"md5"})}
_COLUMNS = {"md5": "md5", "sha1": "sha1", "sha2_256": "sha256"}


class AutopsyFormat(sqlite_list.SqliteListFormat):
    """Hash databases of The Sleuth Kit and Autopsy."""

    name: ClassVar[str] = "autopsy"

    def recognises_tables(self, tables: sqlite_list.Tables) -> bool:
        """Tell by the tables with the hashes and what belongs to them."""
        return sqlite_list.holds(tables, _NEEDED)

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read a database; an entry's position is its ordinal.

        Raises:
            ListFormatError: It is damaged, or has no such table.
        """
        with sqlite_list.opened(Path(file.name)) as connection:
            tables = sqlite_list.tables_of(connection)
            columns = [column for column in _COLUMNS if column in tables.get("hashes", frozenset())]
            if not columns:
                raise ListFormatError("no hash database of Autopsy", None, "check the file or name its format")
            for (version,) in sqlite_list.rows(
                connection, "SELECT value FROM db_properties WHERE name = 'Schema Version' LIMIT 1"
            ):
                yield ListHeader(version=str(version)[:20])
            query = f"SELECT {', '.join(columns)} FROM hashes"  # noqa: S608  names of ours
            for position, row in enumerate(sqlite_list.rows(connection, query), 1):
                yield _entry_or_rejected(position, dict(zip(columns, row, strict=True)))


def _entry_or_rejected(position: int, row: dict[str, object]) -> KnownEntry | RejectedEntry:
    try:
        digests = {
            _COLUMNS[column]: fields.digest(_COLUMNS[column], sqlite_list.hexadecimal_of(value))
            for column, value in row.items()
            if value not in (None, "", b"")
        }
        return fields.require_a_hash(
            KnownEntry(position, digests.get("md5"), digests.get("sha1"), digests.get("sha256"))
        )
    except FieldError as error:
        return RejectedEntry(position, str(error))
