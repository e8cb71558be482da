"""The hash database of IPED: SQLite with a table ``HASHES``, a column for each algorithm, and properties beside it.

As ``HashDBTool`` of sepinf-inc/IPED writes it. Of the properties only ``status`` is imported, by which IPED tells the
known from what it alerts to; others name sets, products and series.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListItem, RejectedEntry
from hashsets.formats import sqlite_list

_NEEDED = {
    "hashes": frozenset({"hash_id"}),
    "hashes_properties": frozenset({"hash_id", "property_id", "value"}),
    "properties": frozenset({"property_id", "name"}),
}
_COLUMNS = (*fields.DIGEST_LENGTHS, "photodna")


class IpedFormat(sqlite_list.SqliteListFormat):
    """IPED's hash database."""

    name: ClassVar[str] = "iped"

    def recognises_tables(self, tables: sqlite_list.Tables) -> bool:
        """Tell by the tables with the hashes and what belongs to them."""
        return sqlite_list.holds(tables, _NEEDED)

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read a database; an entry's position is its ordinal.

        Raises:
            ListFormatError: It is damaged, or has no such tables.
        """
        with sqlite_list.opened(Path(file.name)) as connection:
            tables = sqlite_list.tables_of(connection)
            columns = [column for column in _COLUMNS if column in tables.get("hashes", frozenset())]
            if not columns or not all(table in tables for table in _NEEDED):
                raise ListFormatError("no hash database of IPED", None, "check the file or name its format")
            statuses = sqlite_list.rows(
                connection,
                """
                SELECT hash_id, value FROM hashes_properties
                WHERE property_id IN (SELECT property_id FROM properties WHERE name = 'status' COLLATE NOCASE)
                    AND typeof(hash_id) = 'integer'
                ORDER BY hash_id
                """,
            )
            # both are in the order of the identifier, so they are merged without a join in memory
            status = next(statuses, None)
            query = (
                f"SELECT hash_id, {', '.join(columns)} FROM hashes WHERE typeof(hash_id) = 'integer' ORDER BY hash_id"  # noqa: S608
            )
            for position, row in enumerate(sqlite_list.rows(connection, query), 1):
                while status is not None and status[0] < row[0]:
                    status = next(statuses, None)
                stated = status[1] if status is not None and status[0] == row[0] else None
                yield _entry_or_rejected(position, dict(zip(columns, row[1:], strict=True)), stated)


def _entry_or_rejected(position: int, row: dict[str, object], status: object) -> KnownEntry | RejectedEntry:
    attributes = {} if status in (None, "") else {"status": fields.attribute("status", status)}
    try:
        digests = {
            name: fields.digest(name, sqlite_list.hexadecimal_of(row[name]))
            for name in fields.DIGEST_LENGTHS
            if row.get(name) not in (None, "", b"")
        }
        photodna = fields.carried_photodna(sqlite_list.hexadecimal_of(row.get("photodna")), attributes)
        return fields.require_a_hash(
            KnownEntry(
                position,
                digests.get("md5"),
                digests.get("sha1"),
                digests.get("sha256"),
                perceptual=photodna,
                attributes=attributes,
            )
        )
    except FieldError as error:
        return RejectedEntry(position, str(error))
