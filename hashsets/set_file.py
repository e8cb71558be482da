"""The file of one known-hash set: written once by an import, then sealed and only read.

A set has a file of its own so that an import never touches what a running scan reads, a killed import leaves nothing
but stray files, and digests are indexed in one sort, in a file beside it (:mod:`hashsets.digest_index`). Because a
finished file never changes it is opened immutable: without locks or journals, so also on a read-only disk and inside a
worker that the kernel forbids to write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from forensics.errors import LibraryError
from hashsets import in_place
from hashsets.database import KNOWN_SET_APPLICATION_ID, connect, library_errors
from hashsets.digest_index import DigestIndex, Row, index_path, open_index, rebuilt, source_of
from hashsets.fields import PERCEPTUAL_LENGTHS
from hashsets.format import KnownEntry, KnownPerceptualHash, RejectedEntry
from hashsets.match import EntryReference

_BATCH = 1000
ENTRY_COLUMNS = "position, reference, category, md5, sha1, sha256, size, attributes"
"""Of the table of entries."""

_QUALITY_OF_ENTRY = """coalesce(
    quality, (SELECT max(quality) FROM perceptual_hash WHERE position = known.position AND algorithm = 'pdq'), 100
)"""


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
                f"SELECT {ENTRY_COLUMNS} FROM entry ORDER BY position"  # noqa: S608
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
            rows = self._connection.execute(f"SELECT {ENTRY_COLUMNS} FROM entry WHERE position {condition}", (asked,))  # noqa: S608
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
