"""The known perceptual hashes of one algorithm over all opened sets, and which entry each belongs to.

A picture has one hash of an algorithm, a film one for each frame: what is asked is always which *entry* is near.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from forensics.errors import LibraryError
from hashsets.format import Disposition
from hashsets.hamming import Hashes
from hashsets.match import KnownSet
from hashsets.perceptual_index import PerceptualIndex, open_or_make_index
from hashsets.set_file import SetFile

LEAST_QUALITY = 50
"""PDQ's authors: below this a hash says too little to be compared. Holds for both sides of a comparison."""

SEARCHED = f"quality {LEAST_QUALITY}, informative"
"""The rule of what is searched, as an index states it."""

_QUERIES_AT_ONCE = 64
"""Of the frames of a still film each is near all others: so many of them times all frames of a known film fit well."""


class EntryKey(NamedTuple):
    """An entry, as a matcher counts: the number of its set, and its position there."""

    set_number: int
    position: int


class NearEntry(NamedTuple):
    """A hash that was asked for is near an entry.

    Attributes:
        row: Which hash.
        entry: Number of the entry, for :meth:`KnownHashes.key`.
        distance: Bits to the nearest of its hashes.
    """

    row: int
    entry: int
    distance: int


class KnownHashes:
    """Known hashes of some sets, numbered through, and so are the entries that state them.

    Args:
        indexes: Of each set.
        set_numbers: Theirs, as a matcher counts.
    """

    def __init__(self, indexes: Sequence[PerceptualIndex], set_numbers: Sequence[int]) -> None:
        self._indexes, self._set_numbers = indexes, set_numbers
        self._first_hashes = list(accumulate((len(index.hashes) for index in indexes), initial=0))
        self._first_entries = list(accumulate((len(index.positions) for index in indexes), initial=0))

    @classmethod
    def load(
        cls, algorithm: str, radius: int, sets: Sequence[KnownSet], files: Sequence[SetFile], paths: Sequence[Path]
    ) -> Self | None:
        """Open the hashes of one algorithm; benign sets are matched by digest only. ``None`` if there are none.

        Args:
            algorithm: Of the hashes.
            radius: The widest within which they will be searched often.
            sets: The sets.
            files: Their files, opened.
            paths: Where those lie.

        Raises:
            LibraryError: A set cannot be read.
        """
        indexes: list[PerceptualIndex] = []
        numbers: list[int] = []
        for number, (known_set, file, path) in enumerate(zip(sets, files, paths, strict=True)):
            if known_set.disposition is not Disposition.BENIGN:
                rows = partial(file.searched_hashes, algorithm, LEAST_QUALITY)
                index = open_or_make_index(path, known_set.uuid, algorithm, SEARCHED, radius, rows)
                if len(index.hashes):
                    indexes.append(index)
                    numbers.append(number)
        return cls(indexes, numbers) if indexes else None

    def __len__(self) -> int:
        """How many hashes there are, of each set each once."""
        return self._first_hashes[-1]

    def key(self, entry: int) -> EntryKey:
        """What the number of an entry stands for."""
        part = self._part(entry)
        position = self._indexes[part].positions[entry - self._first_entries[part]]
        return EntryKey(self._set_numbers[part], int(position))

    def rows(self, entry: int) -> npt.NDArray[np.int64]:
        """The numbers of the hashes of an entry."""
        part = self._part(entry)
        return self._indexes[part].rows(entry - self._first_entries[part]) + self._first_hashes[part]

    def hashes_of(self, entry: int) -> Hashes:
        """The hashes of an entry, in the order of :meth:`rows`."""
        part = self._part(entry)
        index = self._indexes[part]
        hashes: Hashes = index.hashes[index.rows(entry - self._first_entries[part])]
        return hashes

    def near_entries(
        self, queries: Hashes, radius: int, found: npt.NDArray[np.bool_] | None = None
    ) -> Iterator[NearEntry]:
        """Find the entries that have a hash within a radius of each query.

        Args:
            queries: Shape (queries, 4).
            radius: Bits, inclusive.
            found: One for each known hash; those within the radius of any query are set.

        Yields:
            One for each query and entry; those of an entry in the order of the queries.

        Raises:
            LibraryError: An index is damaged.
        """
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            for number, index in enumerate(self._indexes):
                try:
                    pairs = index.search(queries[start : start + _QUERIES_AT_ONCE], radius)
                    if found is not None:
                        found[pairs[1] + self._first_hashes[number]] = True
                    for rows, entries, distances in index.entries_of(pairs):
                        numbers = (entries + self._first_entries[number]).tolist()
                        yield from map(NearEntry, (rows + start).tolist(), numbers, distances.tolist())
                except IndexError as error:
                    raise LibraryError(
                        "an index of perceptual hashes is damaged", None, "make it anew: tamiz set verify"
                    ) from error

    def _part(self, entry: int) -> int:
        return bisect_right(self._first_entries, entry) - 1
