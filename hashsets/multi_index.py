"""Multi-index hashing: all hashes within a radius, found without comparing them all, and none missed.

The 256 bits are dealt out to four words, and the bits of each word to chunks; a table for each chunk lists the hashes
by the value of their bits there. Two hashes within `radius` bits are near each other in some chunk: if chunk i were off
by more than f(i) bits in each, then the whole by at least the sum of f(i) + 1. So with that sum above `radius` it is
enough to look up, in each chunk, the query's value with up to f(i) bits flipped. For 31 bits and sixteen chunks, 32 =
16 * (1 + 1): one flip in each. The same holds of the words, each with the sum of its own chunks: a hash that is found
by a chunk is a candidate only if the whole word is near too. The word stands in the table, so nearly all of what is
found is ruled out by reading on, without going to the hash itself.

After M. Norouzi, A. Punjani, D. Fleet, "Fast Exact Search in Hamming Space with Multi-Index Hashing" (2014); uneven
f(i) after J. Qin et al., "GPH: Similarity Search in Hamming Space" (2018). Neighbouring bits of real hashes go
together, so they are dealt out without order, or some tables' values would be crowded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from hashsets.hamming import BITS, NO_PAIRS, WORDS, FlatIndex, Hashes, Pairs, distances_between

LEAST_HASHES = 16384
"""Fewer are compared one by one, which is as fast and needs no tables."""

_CHUNK_COUNTS = (12, 16, 20, 24)
_LOOKUP_COST, _CANDIDATE_COST, _SCAN_COST = 25, 12, 3
"""Nanoseconds, roughly: of looking up a value, of comparing a word found there, of comparing a hash in a flat scan.
Real hashes have more company in their tables than the even spread that is reckoned with: the second is raised by half.
"""
_LOOKUPS_AT_ONCE = 1 << 15
_CANDIDATES_AT_ONCE = 1 << 15
_KEPT_AT_ONCE = 1 << 20
_BYTES = BITS // 8
_WORD_BITS = 64
_DEALT = sorted(range(BITS), key=lambda bit: hashlib.sha256(bytes([bit])).digest())
"""The bits in the order they are dealt out: without order, and the same for ever, for tables are kept in files."""

TABLES = ("bucket_starts", "bucket_rows", "bucket_words")
Tables: TypeAlias = Mapping[str, npt.NDArray[np.unsignedinteger[Any]]]
_Rows: TypeAlias = npt.NDArray[np.int64]


def chunk_count(hashes: int, radius: int) -> int:
    """How many chunks make searching so many hashes within a radius cheapest, with tables in proportion to them."""
    fitting = [chunks for chunks in _CHUNK_COUNTS if hashes >> max(_widths(chunks)) or chunks == _CHUNK_COUNTS[-1]]
    return min(fitting, key=lambda chunks: _cost(hashes, chunks, radius))


def is_worth_it(hashes: int, radius: int) -> bool:
    """Tell whether tables make searching so many hashes within a radius cheaper than comparing them all."""
    return _cost(hashes, chunk_count(hashes, radius), radius) < _SCAN_COST * hashes


def table_shapes(hashes: int, chunks: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of the tables, by name.

    ``bucket_rows`` holds the rows of all hashes once for each chunk, by their value there, ``bucket_words`` the words
    that the chunk is of, and ``bucket_starts`` where in them those of each value of each chunk begin, and at the end
    their length.
    """
    place = "<u4" if hashes * chunks < 1 << 32 else "<u8"
    buckets = sum(1 << width for width in _widths(chunks))
    return {
        "bucket_starts": (place, (buckets + 1,)),
        "bucket_rows": ("<u4", (chunks, hashes)),
        "bucket_words": ("<u8", (chunks, hashes)),
    }


def fill_tables(hashes: Hashes, tables: Tables) -> None:
    """Make the tables of some hashes.

    Args:
        hashes: Shape (hashes, 4), of which there are fewer than 2**32.
        tables: Arrays as :func:`table_shapes` tells, to be filled.
    """
    starts, bucket_rows, bucket_words = (tables[name] for name in TABLES)
    chunks = len(bucket_rows)
    rows = np.arange(len(hashes), dtype=np.uint64)
    first = 0
    for word in range(WORDS):
        words = _dealt_words(hashes, word)
        for chunk, width, shift in _chunks_of(word, chunks):
            values = words >> np.uint64(shift) & np.uint64((1 << width) - 1)
            # sorted as one number, value and row: several times as fast as sorting rows by value
            keyed = values << np.uint64(32) | rows
            keyed.sort()
            bucket_rows[chunk] = keyed.astype(np.uint32)
            bucket_words[chunk] = words[bucket_rows[chunk]]
            sizes = np.bincount((keyed >> np.uint64(32)).astype(np.int64), minlength=1 << width)
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
        self._chunks = len(tables["bucket_rows"])
        expected = table_shapes(len(hashes), self._chunks) if self._chunks in _CHUNK_COUNTS else {"": ("", ())}
        if any(name not in tables or tables[name].shape != shape for name, (_, shape) in expected.items()):
            raise ValueError("the tables are of other hashes")
        self._starts = tables["bucket_starts"]
        self._rows, self._words = tables["bucket_rows"].reshape(-1), tables["bucket_words"].reshape(-1)

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
            words = _all_dealt_words(some)
            buckets = _values_of(words, self._chunks).take(lookups.chunks, axis=1)
            buckets ^= lookups.masks
            buckets += lookups.firsts
            firsts = self._starts.take(buckets)
            counts = self._starts[1:].take(buckets) - firsts
            # a query in crowded company costs no more than a scan, and gets one
            is_crowded = counts.sum(axis=1, dtype=np.int64) > len(self) * _SCAN_COST // _CANDIDATE_COST
            counts[is_crowded] = 0
            asked = words.take(lookups.chunks * WORDS // self._chunks, axis=1)
            for places, rows in self._near_words(_Buckets(firsts, counts, asked), _word_radius(radius)):
                known = self._rows.take(places)
                distances = distances_between(self._hashes.take(known, axis=0), some.take(rows, axis=0))
                close = np.flatnonzero(distances <= radius)
                near.add(rows[close] + start, known[close], distances[close])
            if is_crowded.any():
                crowded = np.flatnonzero(is_crowded)
                of_crowded, *scanned = self._flat.search(some[crowded], radius)
                near.add(crowded[of_crowded] + start, *scanned)
        return near.pairs()

    def _near_words(self, buckets: _Buckets, radius: int) -> Iterator[tuple[_Rows, _Rows]]:
        """Give the places in buckets whose words are near, and the rows of their queries.

        So many are compared at once as stay in the cache.
        """
        hit = np.flatnonzero(buckets.counts)
        lengths = buckets.counts.take(hit).astype(np.int64)
        ends = np.cumsum(lengths)
        begins = ends - lengths
        shifts = buckets.firsts.take(hit).astype(np.int64) - begins
        asked = buckets.asked.take(hit)
        total = int(ends[-1]) if hit.size else 0
        for start in range(0, total, _CANDIDATES_AT_ONCE):
            stop = min(start + _CANDIDATES_AT_ONCE, total)
            some = slice(int(np.searchsorted(ends, start, "right")), int(np.searchsorted(ends, stop)) + 1)
            parts = np.minimum(ends[some], stop) - np.maximum(begins[some], start)
            places = np.repeat(shifts[some], parts)
            places += np.arange(start, stop)
            words = self._words.take(places)
            words ^= np.repeat(asked[some], parts)
            close = np.flatnonzero(np.bitwise_count(words) <= radius)
            if close.size:
                of_bucket = hit[np.searchsorted(ends, close + start, "right")]
                yield places[close], of_bucket // buckets.counts.shape[1]


class _Buckets(NamedTuple):
    """Buckets that were looked up. Three arrays of shape (queries, lookups).

    Attributes:
        firsts: Where each begins.
        counts: How much is in it.
        asked: The word of the query that words in it are compared with.
    """

    firsts: npt.NDArray[Any]
    counts: npt.NDArray[Any]
    asked: npt.NDArray[np.uint64]


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
    """Bits of each chunk; those of one word follow each other."""
    of_word = chunks // WORDS
    return [(_WORD_BITS + chunk) // of_word for chunk in range(of_word)] * WORDS


def _flips(chunks: int, radius: int) -> list[int]:
    """How many bits of each chunk may be off; -1 for one that need not be looked at."""
    of_word = chunks // WORDS
    return [((radius + 1 + word) // WORDS + chunk) // of_word - 1 for word in range(WORDS) for chunk in range(of_word)]


def _word_radius(radius: int) -> int:
    """How many bits of a word may be off: the most that the chunks of any allow."""
    return (radius + WORDS) // WORDS - 1


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


@lru_cache(maxsize=1)
def _dealt() -> npt.NDArray[np.uint64]:
    """What each value of each byte of a hash adds to each word. Shape (words, bytes, 256)."""
    added = np.zeros((WORDS, _BYTES, 256), np.uint64)
    for place, bit in enumerate(_DEALT):
        is_set = np.arange(256) >> bit % 8 & 1
        added[place // _WORD_BITS, bit // 8] |= is_set.astype(np.uint64) << np.uint64(place % _WORD_BITS)
    return added


def _all_dealt_words(hashes: Hashes) -> npt.NDArray[np.uint64]:
    """All four words of a few hashes, in a few steps. Shape (hashes, 4)."""
    added = _dealt().transpose(1, 2, 0)[np.arange(_BYTES), _bytes_of(hashes)]
    words: npt.NDArray[np.uint64] = np.bitwise_or.reduce(added, axis=1)
    return words


def _bytes_of(hashes: Hashes) -> npt.NDArray[np.uint8]:
    """The bytes of hashes, the lowest of each word first. Shape (hashes, 32)."""
    return np.ascontiguousarray(hashes, "<u8").view(np.uint8).reshape(-1, _BYTES)


def _dealt_words(hashes: Hashes, word: int) -> npt.NDArray[np.uint64]:
    """One of the words that the bits of many hashes are dealt out to. Shape (hashes,)."""
    added = _dealt()[word]
    words = np.zeros(len(hashes), np.uint64)
    for start in range(0, len(hashes), _LOOKUPS_AT_ONCE):
        for byte, column in enumerate(_bytes_of(hashes[start : start + _LOOKUPS_AT_ONCE]).T):
            words[start : start + _LOOKUPS_AT_ONCE] |= added[byte].take(column)
    return words


def _chunks_of(word: int, chunks: int) -> Iterator[tuple[int, int, int]]:
    """Number, width and lowest bit of each chunk of a word."""
    of_word, shift = chunks // WORDS, 0
    for chunk, width in enumerate(_widths(chunks)[:of_word], word * of_word):
        yield chunk, width, shift
        shift += width


def _values_of(words: npt.NDArray[np.uint64], chunks: int) -> _Rows:
    """The values of all chunks. Shape (hashes, chunks)."""
    values = [
        words[:, word] >> np.uint64(shift) & np.uint64((1 << width) - 1)
        for word in range(WORDS)
        for _, width, shift in _chunks_of(word, chunks)
    ]
    return np.stack(values, axis=1).astype(np.int64)
