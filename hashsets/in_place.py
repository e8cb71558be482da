"""NSRL RDS version 3 databases used in place: their entries stay where they are, and a set holds only an index of them.

The database is what it was at the import as long as its length and the time of its last change are; whether its bytes
are too, ``tamiz set verify`` tells. An entry's position is the ``rowid`` of its row. What makes a row an entry is the
same as where the database is imported (:mod:`hashsets.formats.nsrl`).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from forensics.errors import LibraryError, ListFormatError
from hashsets.database import KNOWN_SET_APPLICATION_ID, connect, library_errors
from hashsets.digest_index import Row
from hashsets.fields import DIGEST_LENGTHS
from hashsets.format import KnownEntry, RejectedEntry
from hashsets.formats import nsrl_layout, sqlite_list
from hashsets.formats.nsrl import entry_or_rejected

_BATCH = 5000
_DIGITS = re.compile("[0-9a-fA-F]*+").fullmatch
_NO_NSRL = "only an NSRL RDS version 3 database can be used in place"

Columns: TypeAlias = tuple[Sequence[int], Sequence[str | None], Sequence[str | None], Sequence[str | None]]
"""Positions, MD5, SHA-1 and SHA-256 of some entries, in hexadecimal of either case."""


@dataclass(frozen=True, slots=True)
class InPlace:
    """The database that a set has its entries in.

    Attributes:
        path: Where it lies, absolute.
        size: Its bytes at the import.
        modified: When it was last changed before the import, in nanoseconds since 1970.
        set_name: Name of the set.
    """

    path: Path
    size: int
    modified: int
    set_name: str

    @classmethod
    def of(cls, path: Path, set_name: str) -> InPlace:
        """Take a database as it is now.

        Raises:
            OSError: It is gone.
        """
        path = path.resolve()
        status = path.stat()
        return cls(path, status.st_size, status.st_mtime_ns, set_name)

    def write(self, connection: sqlite3.Connection) -> None:
        """Note it in a set file that is being written."""
        for statement in Path(__file__).with_name("in_place.sql").read_text(encoding="utf-8").split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT INTO in_place VALUES (?, ?, ?, ?)", (str(self.path), *astuple(self)[1:]))

    def check(self) -> None:
        """See that the database is there and unchanged, by its length and the time of its last change.

        Raises:
            LibraryError: It is not.
        """
        try:
            now = InPlace.of(self.path, self.set_name)
        except OSError as error:
            raise self.error("is gone or cannot be read") from error
        if now != self:
            raise self.error("was changed since")

    def error(self, what: str) -> LibraryError:
        """Say what is wrong with the database."""
        return LibraryError(
            f"the database that set '{self.set_name}' uses in place {what}",
            str(self.path),
            "import it again, or remove the set",
        )


def noted_in(connection: sqlite3.Connection) -> InPlace | None:
    """Read off an open set file which database it uses; ``None`` if it holds its entries itself."""
    if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'in_place'").fetchone()[0]:
        return None
    path, *values = connection.execute("SELECT path, size, modified, set_name FROM in_place").fetchone()
    return InPlace(Path(path), *values)


def used_by(set_file: Path) -> InPlace | None:
    """Tell which database a set file uses; ``None`` if it holds its entries itself.

    Raises:
        LibraryError: It cannot be read.
    """
    connection = connect(set_file, KNOWN_SET_APPLICATION_ID, "mode=ro&immutable=1")
    try:
        with library_errors(set_file):
            return noted_in(connection)
    finally:
        connection.close()


class NsrlDatabase:
    """An NSRL database, open to be read in place.

    Args:
        path: The database.

    Attributes:
        version: The release that it says it is.

    Raises:
        ListFormatError: It is damaged, no NSRL database, or changes to it stand in a log beside it.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            if not sqlite_list.is_sqlite(file.read(len(sqlite_list.MAGIC))):
                raise _refusal()
        with ExitStack() as stack:
            self._connection = stack.enter_context(sqlite_list.opened(path))
            tables = sqlite_list.tables_of(self._connection)
            layout = nsrl_layout.layout_of(tables)
            if layout is None:
                raise _refusal()
            self.version = nsrl_layout.version_of(self._connection, tables)
            self._digests = layout.digests
            columns = ", ".join(("rowid", *layout.digests, layout.size or "NULL"))
            self._query = f"SELECT {columns} FROM {layout.table}"  # noqa: S608  names of ours
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Close it."""
        self._stack.close()

    def columns(self) -> Iterator[Columns | list[KnownEntry | RejectedEntry]]:
        """Read all rows, some thousands at a time: as columns where each row is an entry, else one by one.

        Raises:
            ListFormatError: It is damaged.
        """
        rows = sqlite_list.rows(self._connection, f"{self._query} ORDER BY rowid")
        while batch := list(islice(rows, _BATCH)):
            positions, *stated = zip(*batch, strict=True)
            if positions[0] > 0 and self._are_all_sound(stated):
                by_name = dict(zip(self._digests, stated, strict=False))
                missing = (None,) * len(batch)
                md5, sha1, sha256 = (by_name.get(algorithm, missing) for algorithm in DIGEST_LENGTHS)
                yield positions, md5, sha1, sha256
            else:
                yield [self._entry(row) for row in batch]

    def digests(self) -> Iterator[Row]:
        """The digests of all entries, by position.

        Raises:
            ListFormatError: It is damaged.
        """
        for batch in self.columns():
            if isinstance(batch, tuple):
                yield from zip(*batch, strict=True)
            else:
                for each in batch:
                    if isinstance(each, KnownEntry):
                        yield each.position, each.md5, each.sha1, each.sha256

    def entries(self) -> Iterator[KnownEntry]:
        """All entries, by position.

        Raises:
            ListFormatError: It is damaged.
        """
        for row in sqlite_list.rows(self._connection, f"{self._query} ORDER BY rowid"):
            entry = self._entry(row)
            if isinstance(entry, KnownEntry):
                yield entry

    def entries_at(self, positions: Sequence[int]) -> Iterator[KnownEntry]:
        """The entries at up to some thousand positions.

        Raises:
            ListFormatError: It is damaged.
        """
        marks = ", ".join("?" * len(positions))
        query = f"{self._query} WHERE rowid IN ({marks}) ORDER BY rowid"
        for row in sqlite_list.rows(self._connection, query, *positions):
            entry = self._entry(row)
            if isinstance(entry, KnownEntry):
                yield entry

    def _entry(self, row: tuple[Any, ...]) -> KnownEntry | RejectedEntry:
        position, *stated, size = row
        if position <= 0:
            return RejectedEntry(position, "its row number is not above 0")
        return entry_or_rejected(position, dict(zip(self._digests, stated, strict=True)), size)

    def _are_all_sound(self, stated: Sequence[tuple[Any, ...]]) -> bool:
        """Tell at once that all of some rows are entries with all digests and a size: nearly always it is so."""
        *digests, sizes = stated
        try:
            return all(type(size) is int and size >= 0 for size in sizes) and all(
                set(map(len, column)) == {DIGEST_LENGTHS[algorithm]} and _DIGITS("".join(column))
                for algorithm, column in zip(self._digests, digests, strict=True)
            )
        except TypeError:  # a blob, a number or nothing
            return False


def opened(place: InPlace) -> NsrlDatabase:
    """Open the database of a set.

    Raises:
        LibraryError: It has gone, was changed, or cannot be read.
    """
    place.check()
    with damage_of(place):
        return NsrlDatabase(place.path)


@contextmanager
def damage_of(place: InPlace) -> Iterator[None]:
    """Say of which set a database cannot be read.

    Raises:
        LibraryError: In place of what reading it raises.
    """
    try:
        yield
    except ListFormatError as error:
        raise place.error(f"cannot be used ({error.what})") from error
    except OSError as error:
        raise place.error(f"cannot be read ({error.strerror or type(error).__name__})") from error


def _refusal() -> ListFormatError:
    return ListFormatError(_NO_NSRL, None, "import this list without --in-place")
