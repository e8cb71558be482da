"""The known perceptual hashes of one algorithm over all opened sets, and which entry each belongs to.

A picture has one hash of an algorithm, a film one for each frame: what is asked is always which *entry* is near.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hashsets.format import Disposition
from hashsets.hamming import FlatIndex, HammingIndex, Hashes, pack
from hashsets.match import KnownSet
from hashsets.set_file import SetFile

LEAST_QUALITY = 50
"""PDQ's authors: below this a hash says too little to be compared. Holds for both sides of a comparison."""

_PACKED_AT_ONCE = 65536
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
        entry: Number of the entry, as in :attr:`KnownHashes.entries`.
        distance: Bits to the nearest of its hashes.
    """

    row: int
    entry: int
    distance: int


@dataclass(frozen=True, slots=True)
class KnownHashes:
    """Known hashes, sorted by entry.

    Attributes:
        hashes: Shape (hashes, 4).
        index: The same, to be searched.
        entry_of: Number of the entry of each hash.
        starts: First hash of each entry, and at the end how many there are in all.
        entries: What each number of an entry stands for.
    """

    hashes: Hashes
    index: HammingIndex
    entry_of: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    entries: Sequence[EntryKey]

    @classmethod
    def load(cls, algorithm: str, sets: Sequence[KnownSet], files: Sequence[SetFile]) -> KnownHashes | None:
        """Load the hashes of one algorithm; benign sets are matched by digest only. ``None`` if there are none.

        Raises:
            LibraryError: A set cannot be read.
        """
        packed: list[Hashes] = []
        keys: list[npt.NDArray[np.int64]] = []
        for number, (known_set, file) in enumerate(zip(sets, files, strict=True)):
            if known_set.disposition is Disposition.BENIGN:
                continue
            for batch in _batches(file.searched_hashes(algorithm, LEAST_QUALITY)):
                packed.append(pack(value for _, value in batch))
                keys.append(np.array([(number, position) for position, _ in batch], np.int64))
        if not packed:
            return None
        hashes, of_row = np.concatenate(packed), np.concatenate(keys)
        is_first = np.ones(len(hashes), bool)
        is_first[1:] = (of_row[1:] != of_row[:-1]).any(axis=1)
        starts = np.append(np.flatnonzero(is_first), len(hashes))
        entries = [EntryKey(*key) for key in of_row[starts[:-1]].tolist()]
        return cls(hashes, FlatIndex(hashes), np.cumsum(is_first) - 1, starts, entries)

    def rows(self, entry: int) -> slice:
        """Where the hashes of an entry stand."""
        return slice(int(self.starts[entry]), int(self.starts[entry + 1]))

    def near_entries(
        self, queries: Hashes, radius: int, found: npt.NDArray[np.bool_] | None = None
    ) -> Iterator[NearEntry]:
        """Find the entries that have a hash within a radius of each query.

        Args:
            queries: Shape (queries, 4).
            radius: Bits, inclusive.
            found: One for each known hash; those within the radius of any query are set.

        Yields:
            One for each query and entry, in the order of the queries, then of the entries.
        """
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            rows, known, distances = self.index.search(queries[start : start + _QUERIES_AT_ONCE], radius)
            if not known.size:
                continue
            if found is not None:
                found[known] = True
            # hashes of an entry stand together, and pairs come in their order: so do those of a query and an entry
            pairs = np.stack((rows, self.entry_of[known]))
            firsts = np.flatnonzero(np.append(True, (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)))
            least = np.minimum.reduceat(distances, firsts)
            yield from map(NearEntry, (pairs[0, firsts] + start).tolist(), pairs[1, firsts].tolist(), least.tolist())


def _batches(hashes: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    while batch := list(islice(hashes, _PACKED_AT_ONCE)):
        yield batch
