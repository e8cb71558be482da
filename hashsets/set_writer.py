"""Writes the file of one known-hash set (:mod:`hashsets.set_file`) and the index of its digests, during an import."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path

from forensics.new_file import write_through
from hashsets import in_place
from hashsets.database import KNOWN_SET_APPLICATION_ID, create, library_errors
from hashsets.digest_index import DigestIndexBuilder, index_path, source_of
from hashsets.entry_rows import EntryRows
from hashsets.format import RejectedEntry, RetractedEntry
from hashsets.set_file import ENTRY_COLUMNS

_CACHE_KIB = 65536
_PAGE_SIZE = 16384
_ROWS_AT_ONCE = 10
_DIGESTS_AT_ONCE = 1 << 14
_TO_JSON = json.JSONEncoder(ensure_ascii=False).encode
_INSERT = {"entry": f"INSERT INTO entry ({ENTRY_COLUMNS})", "perceptual_hash": "INSERT OR IGNORE INTO perceptual_hash"}


class SetFileWriter:
    """Writes the entries of one import into a new file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._has_retracted = False
        self._digests: list[in_place.Columns] = []
        self._digests_kept = 0
        self._index = DigestIndexBuilder(path.parent)
        self._connection = create(path, "known_set.sql", KNOWN_SET_APPLICATION_ID, _PAGE_SIZE)
        # If anything fails the file is thrown away, so nothing in it needs protection while it is written. Entries are
        # checked before, so SQLite needs not: it takes as long as a third of the insertion. `set verify` has it check.
        self._connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON; "
            f"PRAGMA cache_size = -{_CACHE_KIB}; BEGIN"
        )

    def add_rows(self, rows: EntryRows) -> None:
        """Write a batch of entries.

        Raises:
            LibraryError: The file cannot be written.
        """
        with library_errors(self._path):
            self._insert("entry", *rows[:8])
            self._digests.append((rows.positions, rows.md5, rows.sha1, rows.sha256))
            self._digests_kept += len(rows.positions)
            if self._digests_kept >= _DIGESTS_AT_ONCE:
                self._index_digests()
            if rows.owners:
                self._insert("perceptual_hash", *rows[8:])

    def _index_digests(self) -> None:
        """Hand the digests of some batches to the index, which takes many better than few."""
        if self._digests:
            self._index.add(*(list(chain.from_iterable(parts)) for parts in zip(*self._digests, strict=True)))
        self._digests, self._digests_kept = [], 0

    def _insert(self, table: str, *columns: Sequence[object]) -> None:
        """Insert rows, several with one statement: that takes two thirds of the time."""
        for start, stop, rows in _portions(len(columns[0])):
            values = list(chain.from_iterable(zip(*(column[start:stop] for column in columns), strict=True)))
            size = rows * len(columns)
            self._connection.executemany(
                _insertion(table, len(columns), rows), (values[at : at + size] for at in range(0, len(values), size))
            )

    def use_in_place(self, place: in_place.InPlace) -> None:
        """Note that the entries are those of a database, which is not copied.

        Raises:
            LibraryError: The file cannot be written.
        """
        with library_errors(self._path):
            place.write(self._connection)

    def add_digests(self, columns: in_place.Columns) -> None:
        """Index entries that stay in their database.

        Raises:
            LibraryError: The disk is full.
        """
        with library_errors(self._path):
            self._index.add(*columns)

    def add_rejected(self, rejected: Sequence[RejectedEntry]) -> None:
        """Write a batch of entries that were set aside.

        Raises:
            LibraryError: The file cannot be written.
        """
        with library_errors(self._path):
            self._connection.executemany(
                "INSERT INTO rejected_entry (position, reason) VALUES (?, ?)",
                [(entry.position, entry.reason) for entry in rejected],
            )

    def add_retracted(self, retracted: Sequence[RetractedEntry]) -> None:
        """Note what the issuer takes back, until :meth:`apply_retractions`.

        Raises:
            LibraryError: The file cannot be written.
        """
        if not retracted:
            return
        with library_errors(self._path):
            self._connection.execute(
                "CREATE TEMP TABLE IF NOT EXISTS retracted (position INTEGER NOT NULL, reference TEXT NOT NULL)"
            )
            self._connection.executemany(
                "INSERT INTO retracted VALUES (?, ?)", [(each.position, each.reference) for each in retracted]
            )
            self._has_retracted = True

    def apply_retractions(self) -> Iterator[RejectedEntry]:
        """Mark the entries that the issuer takes back, once all are written.

        Yields:
            A rejected entry for each retraction of what this list does not hold.

        Raises:
            LibraryError: The file cannot be written.
        """
        if not self._has_retracted:
            return
        with library_errors(self._path):
            self._connection.execute(
                """
                UPDATE entry SET attributes = json_set(coalesce(attributes, '{}'), '$.retracted', 'true')
                WHERE reference IN (SELECT reference FROM retracted)
                """
            )
            self._connection.execute(
                "DELETE FROM retracted WHERE reference IN (SELECT reference FROM entry WHERE reference IS NOT NULL)"
            )
            for (position,) in self._connection.execute("SELECT position FROM retracted ORDER BY position"):
                yield RejectedEntry(position, "retracted by the issuer")

    def finish(self) -> None:
        """Put the file and the index of its digests on the disk for good.

        Raises:
            LibraryError: They cannot be written.
        """
        with library_errors(self._path):
            self._index_digests()
            self._connection.execute("COMMIT")
            self._connection.close()
            write_through(self._path)
            self._index.write(index_path(self._path), source_of(self._path, self._path.stem))
            self._index.close()

    def discard(self) -> None:
        """Give the file up."""
        self._connection.close()
        self._index.close()
        self._path.unlink(missing_ok=True)


def _portions(rows: int) -> Iterator[tuple[int, int, int]]:
    """Deal out rows to statements: where a portion begins and ends, and how many rows of it go into each statement."""
    in_full = rows - rows % _ROWS_AT_ONCE
    if in_full:
        yield 0, in_full, _ROWS_AT_ONCE
    if rows > in_full:
        yield in_full, rows, 1


@lru_cache
def _insertion(table: str, columns: int, rows: int) -> str:
    values = ", ".join([f"({', '.join('?' * columns)})"] * rows)
    return f"{_INSERT[table]} VALUES {values}"
