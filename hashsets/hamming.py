"""Search of 256-bit hashes by Hamming distance: the contract of an index, and the flat one that compares them all.

A radius search is exact or it loses evidence, so every :class:`HammingIndex` must give precisely what
:class:`FlatIndex` gives; tests hold them against each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

BITS = 256
WORDS = BITS // 64

Hashes: TypeAlias = npt.NDArray[np.uint64]
"""Shape (hashes, 4): each row one hash in four 64-bit words."""

Pairs: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Three arrays of one length: row of the query, row of the known hash, and their distance in bits."""

NO_PAIRS: Pairs = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))
_ROWS_AT_ONCE = 16384
"""Three words of so many hashes are 384 KiB: they stay in the cache while every query passes over them."""
_TELLING_WORDS = ((40, 2), (68, 3))
"""Up to a radius, so many words differ in more bits in all but one of 10,000 pairs of unrelated hashes."""


def pack(values: Iterable[str]) -> Hashes:
    """Pack hashes of 64 hexadecimal digits into rows of words."""
    return np.frombuffer(bytes.fromhex("".join(values)), dtype=">u8").astype(np.uint64).reshape(-1, WORDS)


class HammingIndex(Protocol):
    """Finds all hashes within a radius. Built once, read-only, numbered by the row of each hash."""

    def __len__(self) -> int:
        """How many hashes it holds."""
        ...

    def search(self, queries: Hashes, radius: int) -> Pairs:
        """Find every pair of a query and a known hash that differ in at most `radius` bits.

        Args:
            queries: Shape (queries, 4).
            radius: Bits, inclusive.

        Returns:
            The pairs, in the order of the queries, then of the known hashes.
        """
        ...


def distances_between(hashes: Hashes, others: Hashes) -> npt.NDArray[np.uint16]:
    """Count the bits in which each hash differs from the other in the same row.

    Args:
        hashes: Shape (pairs, 4); contiguous.
        others: The same shape.
    """
    # Of two words each the counts are added at once, as halves of a number of 16 bits; numpy's sum is far slower.
    of_words: npt.NDArray[np.uint16] = np.bitwise_count(hashes ^ others).view(np.uint16)
    of_halves = of_words[:, 0] + of_words[:, 1]
    distances: npt.NDArray[np.uint16] = (of_halves & 255) + (of_halves >> 8)
    return distances


class FlatIndex:
    """Compares every query with every known hash: nothing to build, nothing to keep and nothing to get wrong.

    Args:
        hashes: Shape (known, 4).
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    def __len__(self) -> int:
        return len(self._hashes)

    def search(self, queries: Hashes, radius: int) -> Pairs:
        """See :meth:`HammingIndex.search`."""
        words = next((words for most, words in _TELLING_WORDS if radius <= most), WORDS)
        found: list[npt.NDArray[np.int64]] = []
        for start in range(0, len(self) if len(queries) else 0, _ROWS_AT_ONCE):
            block = np.ascontiguousarray(self._hashes[start : start + _ROWS_AT_ONCE])
            columns = np.ascontiguousarray(block.T[:words])
            for row, query in enumerate(queries):
                known = _perhaps_near(columns, query, radius)
                if known.size:
                    candidates = block[known]
                    distances = distances_between(candidates, np.broadcast_to(query, candidates.shape))
                    near = distances <= radius
                    found.append(np.stack((np.full(len(known), row), known + start, distances))[:, near])
        if not found:
            return NO_PAIRS
        query_rows, known_rows, distances = np.concatenate(found, axis=1)
        order = np.lexsort((known_rows, query_rows))
        return query_rows[order], known_rows[order], distances[order]


def _perhaps_near(columns: Hashes, query: npt.NDArray[np.uint64], radius: int) -> npt.NDArray[np.int64]:
    """Rows that the first words do not rule out.

    Args:
        columns: Shape (words, hashes).
        query: One hash.
        radius: Bits.
    """
    if len(columns) == WORDS:
        return np.arange(columns.shape[1])
    # Three words differ in at most 192 bits: it fits a byte.
    differing = np.bitwise_xor(columns[0], query[0])
    partial = np.bitwise_count(differing)
    for column, word in zip(columns[1:], query[1:], strict=False):
        partial += np.bitwise_count(np.bitwise_xor(column, word, out=differing))
    return np.flatnonzero(partial <= radius)
