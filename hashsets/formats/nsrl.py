"""NIST's National Software Reference Library, RDS version 3: an SQLite database, imported as a set of our own.

The same file of many packages stands in it many times; each combination of digests and size is one entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListHeader, ListItem, RejectedEntry
from hashsets.formats import nsrl_layout, sqlite_list


class NsrlFormat(sqlite_list.SqliteListFormat):
    """NSRL RDS version 3, minimal, full or curated."""

    name: ClassVar[str] = "nsrl"

    def recognises_tables(self, tables: sqlite_list.Tables) -> bool:
        """Tell by the tables with the hashes and what belongs to them."""
        return nsrl_layout.layout_of(tables) is not None

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read a database; an entry's position is its ordinal among different ones.

        Raises:
            ListFormatError: It is damaged, or no NSRL database.
        """
        with sqlite_list.opened(Path(file.name)) as connection:
            tables = sqlite_list.tables_of(connection)
            layout = nsrl_layout.layout_of(tables)
            if layout is None:
                raise ListFormatError("not an NSRL RDS version 3 database", None, "check the file or name its format")
            yield ListHeader(version=nsrl_layout.version_of(connection, tables))
            columns = ", ".join((*layout.digests, layout.size or "NULL"))
            query = f"SELECT DISTINCT {columns} FROM {layout.table}"  # noqa: S608  names of ours
            for position, row in enumerate(sqlite_list.rows(connection, query), 1):
                yield entry_or_rejected(position, dict(zip(layout.digests, row, strict=False)), row[-1])


def entry_or_rejected(position: int, stated: dict[str, object], size: object) -> KnownEntry | RejectedEntry:
    """Make an entry of a row.

    Args:
        position: The entry's.
        stated: The digests that the row states, by algorithm.
        size: The length that it states.
    """
    try:
        digests = {name: fields.digest(name, value) for name, value in stated.items() if value not in (None, "")}
        return fields.require_a_hash(
            KnownEntry(
                position,
                digests.get("md5"),
                digests.get("sha1"),
                digests.get("sha256"),
                fields.whole_number("file_size", size),
            )
        )
    except FieldError as error:
        return RejectedEntry(position, str(error))
