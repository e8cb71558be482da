"""The file of one known-hash set: written once by an import, then sealed and only read.

A set has a file of its own so that an import never touches what a running scan reads, a killed import leaves nothing
but stray files, and digests are indexed in one sort, in a file beside it (:mod:`hashsets.digest_index`). Because a
finished file never changes it is opened immutable: without locks or journals, so also on a read-only disk and inside a
worker that the kernel forbids to write.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice, repeat
from pathlib import Path
from types import TracebackType
from typing import Self

from forensics.errors import LibraryError
from hashsets import in_place
from hashsets.database import KNOWN_SET_APPLICATION_ID, connect, create, library_errors
from hashsets.digest_index import DigestIndex, DigestIndexBuilder, Row, index_path, open_index, rebuilt, source_of
from hashsets.entries import EntryColumns
from hashsets.fields import PERCEPTUAL_LENGTHS
from hashsets.format import KnownEntry, KnownPerceptualHash, RejectedEntry, RetractedEntry
from hashsets.match import EntryReference
from hashsets.uninformative import are_uninformative

_BATCH = 1000
_CACHE_KIB = 65536
_PAGE_SIZE = 16384
_TO_JSON = json.JSONEncoder(ensure_ascii=False).encode
_ROWS_AT_ONCE = 10
_DIGESTS_AT_ONCE = 1 << 14
_ENTRY_COLUMNS = "position, reference, category, md5, sha1, sha256, size, attributes"
_INSERT = {"entry": f"INSERT INTO entry ({_ENTRY_COLUMNS})", "perceptual_hash": "INSERT OR IGNORE INTO perceptual_hash"}


_QUALITY_OF_ENTRY = """coalesce(
    quality, (SELECT max(quality) FROM perceptual_hash WHERE position = known.position AND algorithm = 'pdq'), 100
)"""


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

    def add_columns(self, entries: EntryColumns) -> None:
        """Write a batch of entries.

        Raises:
            LibraryError: The file cannot be written.
        """
        with library_errors(self._path):
            self._add(*entries.columns())

    def add_entries(self, entries: Sequence[KnownEntry]) -> None:
        """Write a batch of entries that were looked at one by one (:func:`hashsets.entries.checked`).

        Raises:
            LibraryError: The file cannot be written.
        """
        if entries:
            with library_errors(self._path):
                self._add(*zip(*entries, strict=True))

    def _add(
        self,
        positions: Sequence[int],
        md5: Sequence[str | None],
        sha1: Sequence[str | None],
        sha256: Sequence[str | None],
        sizes: Sequence[int | None],
        perceptual: Sequence[tuple[KnownPerceptualHash, ...]],
        categories: Sequence[str | None],
        references: Sequence[str | None],
        attributes: Sequence[Mapping[str, str]],
    ) -> None:
        # entries that state the same share one mapping
        each_once = dict(zip(map(id, attributes), attributes, strict=True))
        as_json = {number: _TO_JSON(dict(stated)) if stated else None for number, stated in each_once.items()}
        of_entries = list(map(as_json.__getitem__, map(id, attributes)))
        self._insert("entry", positions, references, categories, md5, sha1, sha256, sizes, of_entries)
        self._digests.append((positions, md5, sha1, sha256))
        self._digests_kept += len(positions)
        if self._digests_kept >= _DIGESTS_AT_ONCE:
            self._index_digests()
        if any(perceptual):
            owners = list(chain.from_iterable(map(repeat, positions, map(len, perceptual))))
            algorithms, values, qualities = zip(*chain.from_iterable(perceptual), strict=True)
            self._insert("perceptual_hash", owners, algorithms, values, qualities, _are_searched(algorithms, values))

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
            descriptor = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
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


def _are_searched(algorithms: Sequence[str], values: Sequence[str]) -> list[int]:
    """Which perceptual hashes are of an algorithm that tamiz compares, and say something."""
    compared = [value for algorithm, value in zip(algorithms, values, strict=True) if algorithm in PERCEPTUAL_LENGTHS]
    says_nothing = iter(are_uninformative(compared))
    return [int(algorithm in PERCEPTUAL_LENGTHS and not next(says_nothing)) for algorithm in algorithms]


class SetFile:
    """Reads the entries of one set.

    Args:
        path: The file.
        set_uuid: Identity of the set, for the entries it gives.

    Raises:
        LibraryError: The file is missing or not a set of ours.
    """

    def __init__(self, path: Path, set_uuid: str) -> None:
        self._path = path
        self._set_uuid = set_uuid
        self._connection = connect(path, KNOWN_SET_APPLICATION_ID, "mode=ro&immutable=1")
        self._database: in_place.NsrlDatabase | None = None
        try:
            with library_errors(path):
                self._place = in_place.noted_in(self._connection)
            if self._place is not None:
                self._database = in_place.opened(self._place)
            self._index = self._opened_index()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def by_digest(self, algorithm: str, digests: Iterable[str]) -> Iterator[EntryReference]:
        """Find the entries that state any of the given digests of one algorithm.

        Raises:
            LibraryError: The file cannot be read.
        """
        return self.by_any_digest({algorithm: digests})

    def by_any_digest(self, digests: Mapping[str, Iterable[str]]) -> Iterator[EntryReference]:
        """Find the entries that state any of the given digests, by algorithm; each entry once, by position.

        A database that is used in place states the same file of many packages many times: the first is given.

        Raises:
            LibraryError: The file cannot be read.
        """
        asked = {
            algorithm: of_one if isinstance(of_one, dict) else set(of_one) for algorithm, of_one in digests.items()
        }
        positions: set[int] = set()
        for algorithm, of_one in asked.items():
            if of_one:
                positions.update(self._index.candidates(algorithm, list(of_one)))
        seen: set[tuple[str | None, str | None, str | None, int | None]] = set()
        for entry in self.by_position(sorted(positions)) if positions else ():
            if any(getattr(entry, algorithm) in of_one for algorithm, of_one in asked.items()):
                if self._database is not None:
                    stated = (entry.md5, entry.sha1, entry.sha256, entry.size)
                    if stated in seen:
                        continue
                    seen.add(stated)
                yield entry

    def by_position(self, positions: Iterable[int]) -> Iterator[EntryReference]:
        """Give the entries at some positions.

        Raises:
            LibraryError: The file cannot be read.
        """
        remaining = iter(positions)
        while batch := list(islice(remaining, _BATCH)):
            yield from self._entries(batch)

    def searched_hashes(self, algorithm: str, least_quality: int) -> Iterator[tuple[int, str]]:
        """Give the perceptual hashes of one algorithm that are to be searched, by their entries' positions.

        Left out are hashes that say nothing, and those of a picture whose quality the list states to be less than
        `least_quality`; a pHash has none of its own and goes by the PDQ of the same entry.

        Raises:
            LibraryError: The file cannot be read.
        """
        quality = _QUALITY_OF_ENTRY if algorithm == "phash" else "coalesce(quality, 100)"
        with library_errors(self._path):
            yield from self._connection.execute(
                f"""
                SELECT position, value FROM perceptual_hash AS known
                WHERE algorithm = ? AND searched AND {quality} >= ?
                ORDER BY position, value
                """,  # noqa: S608  a text of ours
                (algorithm, least_quality),
            )

    def entries(self) -> Iterator[KnownEntry]:
        """Give all entries with all of their perceptual hashes, in the order of the list.

        Raises:
            LibraryError: The file cannot be read.
        """
        if self._place is not None and self._database is not None:
            with in_place.damage_of(self._place):
                yield from self._database.entries()
            return
        with library_errors(self._path):
            hashes = self._connection.execute(
                "SELECT position, algorithm, value, quality FROM perceptual_hash ORDER BY position, algorithm, value"
            )
            waiting = next(hashes, None)
            for position, reference, category, md5, sha1, sha256, size, attributes in self._connection.execute(
                f"SELECT {_ENTRY_COLUMNS} FROM entry ORDER BY position"  # noqa: S608
            ):
                perceptual = []
                while waiting is not None and waiting[0] == position:
                    perceptual.append(KnownPerceptualHash(*waiting[1:]))
                    waiting = next(hashes, None)
                yield KnownEntry(
                    position, md5, sha1, sha256, size, tuple(perceptual), category, reference,
                    json.loads(attributes) if attributes else {},
                )  # fmt: skip

    def rejected(self) -> Iterator[RejectedEntry]:
        """Give the entries that the import set aside, in the order of the list.

        Raises:
            LibraryError: The file cannot be read.
        """
        with library_errors(self._path):
            for position, reason in self._connection.execute("SELECT position, reason FROM rejected_entry ORDER BY id"):
                yield RejectedEntry(position, reason)

    def unsearched_count(self) -> int:
        """Count the perceptual hashes that are never searched because they say nothing.

        Raises:
            LibraryError: The file cannot be read.
        """
        with library_errors(self._path):
            marks = ", ".join("?" * len(PERCEPTUAL_LENGTHS))
            return int(
                self._connection.execute(
                    f"SELECT count(*) FROM perceptual_hash WHERE NOT searched AND algorithm IN ({marks})",  # noqa: S608
                    tuple(PERCEPTUAL_LENGTHS),
                ).fetchone()[0]
            )

    def _opened_index(self) -> DigestIndex:
        """Open the index of digests, or make it anew."""
        path = index_path(self._path)
        with library_errors(self._path):
            source = source_of(self._path, self._set_uuid)
            try:
                return open_index(path, source)
            except LibraryError:
                return rebuilt(path, source, self.digests())

    def digests(self) -> Iterator[Row]:
        """Give the digests of all entries, by position.

        Raises:
            LibraryError: The file cannot be read.
        """
        if self._place is not None and self._database is not None:
            with in_place.damage_of(self._place):
                yield from self._database.digests()
            return
        with library_errors(self._path):
            yield from self._connection.execute("SELECT position, md5, sha1, sha256 FROM entry ORDER BY position")

    def _entries(self, positions: list[int]) -> Iterator[EntryReference]:
        if self._place is not None and self._database is not None:
            with in_place.damage_of(self._place):
                for each in self._database.entries_at(positions):
                    yield EntryReference(
                        self._set_uuid, each.position, each.reference, each.category,
                        each.md5, each.sha1, each.sha256, each.size, dict(each.attributes),
                    )  # fmt: skip
            return
        # One by one is how a scan asks, and a plain comparison takes half the time of a list of one.
        condition = "= ?" if len(positions) == 1 else "IN (SELECT value FROM json_each(?))"
        asked = positions[0] if len(positions) == 1 else json.dumps(positions)
        with library_errors(self._path):
            rows = self._connection.execute(f"SELECT {_ENTRY_COLUMNS} FROM entry WHERE position {condition}", (asked,))  # noqa: S608
            for position, reference, category, md5, sha1, sha256, size, attributes in rows:
                yield EntryReference(
                    self._set_uuid,
                    position,
                    reference,
                    category,
                    md5,
                    sha1,
                    sha256,
                    size,
                    json.loads(attributes) if attributes else {},
                )
