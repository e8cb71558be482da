"""Multi-index hashing: all hashes within a radius, found without comparing them all, and none missed.

The 256 bits are dealt out to chunks, and a table for each chunk lists the hashes by the value of their bits there. Two
hashes within `radius` bits are near each other in some chunk: if chunk i were off by more than f(i) bits in each, then
the whole by at least the sum of f(i) + 1. So with that sum above `radius` it is enough to look up, in each chunk, the
query's value with up to f(i) bits flipped, and to count the bits of what stands there. 32 = 10 * (2 + 1) + (1 + 1):
for 31 bits, eleven chunks with two flips each and one flip in one of them.

After M. Norouzi, A. Punjani, D. Fleet, "Fast Exact Search in Hamming Space with Multi-Index Hashing" (2014); uneven
f(i) after J. Qin et al., "GPH: Similarity Search in Hamming Space" (2018). Neighbouring bits of real hashes go
together, so they are dealt out without order, or some tables' values would be crowded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from math import comb, log2
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from hashsets.hamming import BITS, NO_PAIRS, FlatIndex, Hashes, Pairs, distances_between

LEAST_HASHES = 16384
"""Fewer are compared one by one, which is as fast and needs no tables."""

_WIDEST_CHUNK = 24
_MOST_CHUNKS = 32
_LOOKUP_COST, _CANDIDATE_COST, _SCAN_COST = 10, 60, 3
"""Nanoseconds, roughly: of looking up a value, of fetching and counting a hash found there, of comparing one in a flat
scan. Real hashes have more company in their tables than the even spread that is reckoned with: the second is doubled.
"""
_LOOKUPS_AT_ONCE = 1 << 15
_CANDIDATES_AT_ONCE = 1 << 14
_KEPT_AT_ONCE = 1 << 20
_BYTES = BITS // 8
_DEALT = sorted(range(BITS), key=lambda bit: hashlib.sha256(bytes([bit])).digest())
"""The bits in the order they are dealt out: without order, and the same for ever, for tables are kept in files."""

Tables: TypeAlias = Mapping[str, npt.NDArray[np.unsignedinteger[Any]]]
_Rows: TypeAlias = npt.NDArray[np.int64]


def chunk_count(hashes: int, radius: int) -> int:
    """How many chunks make searching so many hashes within a radius cheapest."""
    widest = min(_WIDEST_CHUNK, max(8, int(log2(max(hashes, 1)) + 1)))
    return min(range(-(-BITS // widest), _MOST_CHUNKS + 1), key=lambda chunks: _cost(hashes, chunks, radius))


def is_worth_it(hashes: int, radius: int) -> bool:
    """Tell whether tables make searching so many hashes within a radius cheaper than comparing them all."""
    return _cost(hashes, chunk_count(hashes, radius), radius) < _SCAN_COST * hashes


def table_shapes(hashes: int, chunks: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of the tables, by name.

    ``bucket_rows`` holds the rows of all hashes once for each chunk, by their value there; ``bucket_starts`` where in
    it those of each value of each chunk begin, and at the end its length.
    """
    place = "<u4" if hashes * chunks < 1 << 32 else "<u8"
    buckets = sum(1 << width for width in _widths(chunks))
    return {"bucket_starts": (place, (buckets + 1,)), "bucket_rows": ("<u4", (chunks, hashes))}


def fill_tables(hashes: Hashes, tables: Tables) -> None:
    """Make the tables of some hashes.

    Args:
        hashes: Shape (hashes, 4), of which there are fewer than 2**32.
        tables: Arrays as :func:`table_shapes` tells, to be filled.
    """
    starts, bucket_rows = tables["bucket_starts"], tables["bucket_rows"]
    chunks = len(bucket_rows)
    rows = np.arange(len(hashes), dtype=np.uint64)
    first = 0
    for chunk, width in enumerate(_widths(chunks)):
        # sorted as one number, value and row: several times as fast as sorting rows by value
        keyed = _values(hashes, chunk, chunks).astype(np.uint64) << np.uint64(32) | rows
        keyed.sort()
        bucket_rows[chunk] = keyed.astype(np.uint32)
        keyed >>= np.uint64(32)
        sizes = np.bincount(keyed.astype(np.int64), minlength=1 << width)
        starts[first + 1 : first + len(sizes) + 1] = np.cumsum(sizes) + chunk * len(hashes)
        first += len(sizes)


def make_tables(hashes: Hashes, chunks: int) -> Tables:
    """Make the tables of some hashes in memory."""
    tables = {name: np.zeros(shape, dtype) for name, (dtype, shape) in table_shapes(len(hashes), chunks).items()}
    fill_tables(hashes, tables)
    return tables


class MultiIndex:
    """Searches hashes by their tables. It is exact for every radius, and fast for those about which it was made for.

    Args:
        hashes: Shape (hashes, 4). Equal ones are better given once: each costs as much as any other.
        tables: Theirs.

    Raises:
        ValueError: The tables are not of as many hashes.
    """

    def __init__(self, hashes: Hashes, tables: Tables) -> None:
        self._hashes = hashes
        self._flat = FlatIndex(hashes)
        self._starts, rows = tables["bucket_starts"], tables["bucket_rows"]
        self._chunks = len(rows)
        expected = table_shapes(len(hashes), self._chunks)
        if any(tables[name].shape != shape for name, (_, shape) in expected.items()):
            raise ValueError("the tables are of other hashes")
        self._rows = rows.reshape(-1)

    def __len__(self) -> int:
        return len(self._hashes)

    def search(self, queries: Hashes, radius: int) -> Pairs:
        """See :meth:`hashsets.hamming.HammingIndex.search`."""
        if not len(self) or _cost(len(self), self._chunks, radius) > _SCAN_COST * len(self):
            return self._flat.search(queries, radius)
        lookups = _lookups(self._chunks, radius)
        near = _NearPairs(len(self))
        at_once = max(1, _LOOKUPS_AT_ONCE // len(lookups.masks))
        for start in range(0, len(queries), at_once):
            some = queries[start : start + at_once]
            buckets = _values_of_all(some, self._chunks).take(lookups.chunks, axis=1)
            buckets ^= lookups.masks
            buckets += lookups.firsts
            firsts = self._starts.take(buckets)
            counts = self._starts[1:].take(buckets) - firsts
            # a query in crowded company costs no more than a scan, and gets one
            is_crowded = counts.sum(axis=1, dtype=np.int64) > len(self) * _SCAN_COST // _CANDIDATE_COST
            counts[is_crowded] = 0
            for places, rows in _spread(firsts, counts):
                known = self._rows.take(places)
                distances = distances_between(self._hashes.take(known, axis=0), some.take(rows, axis=0))
                close = np.flatnonzero(distances <= radius)
                if close.size:
                    near.add(rows[close] + start, known[close], distances[close])
            if is_crowded.any():
                crowded = np.flatnonzero(is_crowded)
                of_crowded, *scanned = self._flat.search(some[crowded], radius)
                near.add(crowded[of_crowded] + start, *scanned)
        return near.pairs()


class _NearPairs:
    """Pairs that were found, each perhaps in several chunks."""

    def __init__(self, known: int) -> None:
        self._known = known
        self._keys: list[_Rows] = []
        self._distances: list[_Rows] = []
        self._kept = 0

    def add(self, query_rows: _Rows, known_rows: npt.NDArray[Any], distances: npt.NDArray[Any]) -> None:
        """Add some pairs."""
        self._keys.append(query_rows * self._known + known_rows.astype(np.int64))
        self._distances.append(distances.astype(np.int64))
        self._kept += len(query_rows)
        if self._kept > max(_KEPT_AT_ONCE, len(self._keys[0])):
            self._unite()

    def pairs(self) -> Pairs:
        """Each pair once, in order."""
        if not self._keys:
            return NO_PAIRS
        self._unite()
        return (*np.divmod(self._keys[0], self._known), self._distances[0])

    def _unite(self) -> None:
        keys, firsts = np.unique(np.concatenate(self._keys), return_index=True)
        self._distances = [np.concatenate(self._distances)[firsts]]
        self._keys, self._kept = [keys], 0


def _spread(firsts: npt.NDArray[Any], counts: npt.NDArray[Any]) -> Iterator[tuple[_Rows, _Rows]]:
    """Turn buckets into the places in them, each with the row of its query; so many at once as stay in the cache.

    Args:
        firsts: Shape (queries, lookups): where each bucket begins.
        counts: The same shape: how much is in it.
    """
    hit = np.flatnonzero(counts)
    lengths = counts.take(hit).astype(np.int64)
    ends = np.cumsum(lengths)
    begins = ends - lengths
    shifts = firsts.take(hit).astype(np.int64) - begins
    rows = np.repeat(np.arange(len(counts)), np.count_nonzero(counts, axis=1))
    total = int(ends[-1]) if hit.size else 0
    for start in range(0, total, _CANDIDATES_AT_ONCE):
        stop = min(start + _CANDIDATES_AT_ONCE, total)
        some = slice(int(np.searchsorted(ends, start, "right")), int(np.searchsorted(ends, stop)) + 1)
        parts = np.minimum(ends[some], stop) - np.maximum(begins[some], start)
        yield np.repeat(shifts[some], parts) + np.arange(start, stop), np.repeat(rows[some], parts)


class _Lookups(NamedTuple):
    """What is looked up for each query, in all chunks. Three arrays of one length.

    Attributes:
        chunks: The chunk.
        masks: The bits of the query's value there that are flipped.
        firsts: The number of the chunk's first bucket.
    """

    chunks: _Rows
    masks: _Rows
    firsts: _Rows


@lru_cache(maxsize=8)
def _lookups(chunks: int, radius: int) -> _Lookups:
    """All lookups that a radius needs."""
    widths = _widths(chunks)
    masks = [_masks(width, flips) for width, flips in zip(widths, _flips(chunks, radius), strict=True)]
    lengths = [len(of_chunk) for of_chunk in masks]
    firsts = np.cumsum([0] + [1 << width for width in widths[:-1]])
    return _Lookups(np.repeat(np.arange(chunks), lengths), np.concatenate(masks), np.repeat(firsts, lengths))


def _widths(chunks: int) -> list[int]:
    """Bits of each chunk, the widest last."""
    return [(BITS + chunk) // chunks for chunk in range(chunks)]


def _flips(chunks: int, radius: int) -> list[int]:
    """How many bits of each chunk may be off, the most last; -1 for one that need not be looked at."""
    return [(radius + 1 + chunk) // chunks - 1 for chunk in range(chunks)]


@lru_cache(maxsize=1024)
def _cost(hashes: int, chunks: int, radius: int) -> float:
    """What a query costs about, in nanoseconds."""
    cost = 0.0
    for width, flips in zip(_widths(chunks), _flips(chunks, radius), strict=True):
        lookups = sum(comb(width, flipped) for flipped in range(flips + 1))
        cost += lookups * (_LOOKUP_COST + _CANDIDATE_COST * hashes / (1 << width))
    return cost


def _masks(width: int, flips: int) -> _Rows:
    """All values of so many bits of which up to `flips` are set."""
    chosen = (bits for flipped in range(flips + 1) for bits in combinations(range(width), flipped))
    return np.array([sum(1 << bit for bit in bits) for bits in chosen], np.int64)


@lru_cache(maxsize=32)
def _dealt(chunks: int) -> npt.NDArray[np.uint32]:
    """What each value of each byte of a hash adds to the value of each chunk. Shape (chunks, bytes, 256)."""
    added = np.zeros((chunks, _BYTES, 256), np.uint32)
    bits = iter(_DEALT)
    for chunk, width in enumerate(_widths(chunks)):
        for place in range(width):
            byte, bit = divmod(next(bits), 8)
            added[chunk, byte] |= ((np.arange(256) >> bit & 1) << place).astype(np.uint32)
    return added


def _bytes_of(hashes: Hashes) -> npt.NDArray[np.uint8]:
    """The bytes of hashes, the lowest of each word first. Shape (hashes, 32)."""
    return np.ascontiguousarray(hashes, "<u8").view(np.uint8).reshape(-1, _BYTES)


def _values_of_all(queries: Hashes, chunks: int) -> _Rows:
    """The values of all chunks. Shape (queries, chunks)."""
    added = _dealt(chunks).transpose(1, 2, 0)[np.arange(_BYTES), _bytes_of(queries)]
    values: _Rows = np.bitwise_or.reduce(added, axis=1).astype(np.int64)
    return values


def _values(hashes: Hashes, chunk: int, chunks: int) -> npt.NDArray[np.uint32]:
    """The value of one chunk of many hashes."""
    added = _dealt(chunks)[chunk]
    used = [byte for byte in range(_BYTES) if added[byte].any()]
    values = np.zeros(len(hashes), np.uint32)
    for start in range(0, len(hashes), _LOOKUPS_AT_ONCE):
        columns = _bytes_of(hashes[start : start + _LOOKUPS_AT_ONCE]).T
        some = values[start : start + _LOOKUPS_AT_ONCE]
        for byte in used:
            some |= added[byte].take(columns[byte])
    return values
