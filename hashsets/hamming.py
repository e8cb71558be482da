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

_NO_PAIRS: Pairs = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))
_ROWS_AT_ONCE = 16384
"""Two words of so many hashes are 256 KiB: they stay in the cache while every query passes over them."""


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


class FlatIndex:
    """Compares every query with every known hash: nothing to build and nothing to get wrong.

    Args:
        hashes: Shape (known, 4).
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = np.ascontiguousarray(hashes)
        # Word by word, so that a pass reads only the words it needs.
        self._columns = np.ascontiguousarray(hashes.T)

    def __len__(self) -> int:
        return len(self._hashes)

    def search(self, queries: Hashes, radius: int) -> Pairs:
        """See :meth:`HammingIndex.search`."""
        found: list[npt.NDArray[np.int64]] = []
        for start in range(0, len(self), _ROWS_AT_ONCE):
            first, second = self._columns[:2, start : start + _ROWS_AT_ONCE]
            for row, query in enumerate(queries):
                # Half of the bits rule nearly everything out. Two words differ in at most 128 bits: it fits a byte.
                partial = np.bitwise_count(first ^ query[0]) + np.bitwise_count(second ^ query[1])
                known = np.flatnonzero(partial <= radius) + start
                if known.size:
                    distances = np.bitwise_count(self._hashes[known] ^ query).sum(axis=1, dtype=np.int64)
                    near = distances <= radius
                    found.append(np.stack((np.full(len(known), row), known, distances))[:, near])
        if not found:
            return _NO_PAIRS
        query_rows, known_rows, distances = np.concatenate(found, axis=1)
        order = np.lexsort((known_rows, query_rows))
        return query_rows[order], known_rows[order], distances[order]
