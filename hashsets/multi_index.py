"""Multi-index hashing: all hashes within a radius, found without comparing them all, and none missed.

The 256 bits are dealt out to four words, and the bits of each word to four chunks of 16; a table for each chunk lists
the hashes by the value of their bits there. Two hashes within `radius` bits are near each other in some chunk: if chunk
i were off by more than f(i) bits in each, then the whole by at least the sum of f(i) + 1. So with that sum above
`radius` it is enough to look up, in each chunk, the query's value with up to f(i) bits flipped. For 31 bits, 32 =
16 * (1 + 1): one flip in each. The same holds of the words, each with the sum of its own chunks: a hash that is found
by a chunk is a candidate only if the whole word is near too. So the rest of the word, or 32 bits of it where that rules
out enough, stands in the table: nearly all of what is found is ruled out by reading on, without going to the hash.

Each bucket is read in windows of one length, which is far cheaper than to gather each hash. What a window holds
of the next bucket is compared like the rest: it cannot be a false answer, for what is left is compared in full.

After M. Norouzi, A. Punjani, D. Fleet, "Fast Exact Search in Hamming Space with Multi-Index Hashing" (2014); uneven
f(i) after J. Qin et al., "GPH: Similarity Search in Hamming Space" (2018). Neighbouring bits of real hashes go
together, so they are dealt out without order, or some tables' values would be crowded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from math import comb, isqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from hashsets.hamming import BITS, NO_PAIRS, WORDS, FlatIndex, HammingIndex, Hashes, Pairs, distances_between

CHUNKS = 16
LEAST_HASHES = 16384
"""Fewer are compared one by one, which is as fast and needs no tables."""

_LOOKUP_COST, _CANDIDATE_COST, _SCAN_COST = 120, 2, 3
"""Nanoseconds, roughly: of looking up a value, of comparing what is found there, of comparing a hash in a flat scan."""
_LARGEST_SHARE = 4
"""A query that meets so many-th of all hashes is answered by comparing all."""
_WHOLE_RESTS = 32
"""From this radius on the tables hold the whole rest of a word: half of it would rule out too little."""
_LOOKUPS_AT_ONCE = 1 << 15
_CANDIDATES_AT_ONCE = 1 << 17
_KEPT_AT_ONCE = 1 << 20
_ROWS_AT_ONCE = 1 << 21
"""Rows put into the tables at a time: about 150 MB."""
_WRITTEN_AT_ONCE = 1 << 18
_DEALT_AT_ONCE = 1 << 15
_BYTES = BITS // 8
_WORD_BITS = 64
_WIDTH = BITS // CHUNKS
_OF_WORD = CHUNKS // WORDS
_BUCKETS = 1 << _WIDTH
"""Of each chunk."""
_DEALT = sorted(range(BITS), key=lambda bit: hashlib.sha256(bytes([bit])).digest())
"""The bits in the order they are dealt out: without order, and the same for ever, for tables are kept in files."""

TABLES = ("bucket_starts", "bucket_rows", "bucket_rests")
Tables: TypeAlias = Mapping[str, npt.NDArray[np.unsignedinteger[Any]]]
_Rows: TypeAlias = npt.NDArray[np.int64]


def is_worth_it(hashes: int, radius: int) -> bool:
    """Tell whether tables make searching so many hashes within a radius cheaper than comparing them all."""
    return hashes >= LEAST_HASHES and _cost(hashes, radius) < _SCAN_COST * hashes


def index_of(hashes: Hashes, radius: int) -> HammingIndex:
    """An index in memory over hashes that are searched within a radius: with tables where these make it cheaper.

    Args:
        hashes: As for :class:`~hashsets.hamming.FlatIndex`.
        radius: The widest within which they will be searched often.
    """
    return MultiIndex(hashes, make_tables(hashes, radius)) if is_worth_it(len(hashes), radius) else FlatIndex(hashes)


def table_shapes(hashes: int, radius: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of the tables, by name.

    ``bucket_rows`` holds the rows of all hashes once for each chunk, by their value there, ``bucket_rests`` what else
    their word holds, and ``bucket_starts`` where in them those of each value of each chunk begin, and at the end their
    length.

    Args:
        hashes: How many there are, fewer than 2**32.
        radius: The widest within which they will be searched often.
    """
    place = "<u4" if hashes * CHUNKS < 1 << 32 else "<u8"
    return {
        "bucket_starts": (place, (CHUNKS * _BUCKETS + 1,)),
        "bucket_rows": ("<u4", (CHUNKS, hashes)),
        "bucket_rests": ("<u4" if radius < _WHOLE_RESTS else "<u8", (CHUNKS, hashes)),
    }


def fill_tables(hashes: Hashes, tables: Tables, release: Callable[[], None] = lambda: None) -> None:
    """Make the tables of some hashes, in memory that does not grow with them.

    Args:
        hashes: Shape (hashes, 4), of which there are fewer than 2**32.
        tables: Arrays as :func:`table_shapes` tells, to be filled.
        release: Called now and then: lets go of memory in which parts of a file are held.
    """
    sizes = np.zeros((CHUNKS, _BUCKETS), np.int64)
    for start in range(0, len(hashes), _ROWS_AT_ONCE):
        words = _dealt_words(hashes[start : start + _ROWS_AT_ONCE])
        for chunk in range(CHUNKS):
            sizes[chunk] += np.bincount(_values_of(words, chunk), minlength=_BUCKETS)
        release()
    tables["bucket_starts"][1:] = np.cumsum(sizes)
    ends = np.cumsum(sizes, axis=1)
    ends -= sizes  # where the next row of each value goes
    for start in range(0, len(hashes), _ROWS_AT_ONCE):
        words = _dealt_words(hashes[start : start + _ROWS_AT_ONCE])
        for chunk in range(CHUNKS):
            _put(words, chunk, start, ends[chunk], tables, release)


def _put(
    words: npt.NDArray[np.uint64],
    chunk: int,
    first_row: int,
    ends: _Rows,
    tables: Tables,
    release: Callable[[], None],
) -> None:
    """Put some rows behind those that stand in the buckets of a chunk, and move the ends of these."""
    values = _values_of(words, chunk)
    order = np.argsort(values, kind="stable")
    sizes = np.bincount(values, minlength=_BUCKETS)
    places = np.repeat(ends - (np.cumsum(sizes) - sizes), sizes)
    places += np.arange(len(values))
    ends += sizes
    bucket_rows, bucket_rests = tables["bucket_rows"][chunk], tables["bucket_rests"][chunk]
    rests = _rests(words[:, chunk // _OF_WORD], chunk % _OF_WORD, bucket_rests.dtype)
    for start in range(0, len(values), _WRITTEN_AT_ONCE):
        some = order[start : start + _WRITTEN_AT_ONCE]
        there = places[start : start + _WRITTEN_AT_ONCE]
        bucket_rows[there] = some + first_row
        bucket_rests[there] = rests[some]
        release()


def make_tables(hashes: Hashes, radius: int) -> Tables:
    """Make the tables of some hashes in memory."""
    tables = {name: np.zeros(shape, dtype) for name, (dtype, shape) in table_shapes(len(hashes), radius).items()}
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
        expected = table_shapes(len(hashes), 0)
        if any(name not in tables or tables[name].shape != shape for name, (_, shape) in expected.items()):
            raise ValueError("the tables are of other hashes")
        self._starts = tables["bucket_starts"]
        self._rows, rests = tables["bucket_rows"].reshape(-1), tables["bucket_rests"].reshape(-1)
        self._rest_type = rests.dtype
        self._window = min(_window(len(hashes)), len(rests))
        # every run of so many rests, as one element each: taken at one stroke
        window_type = np.dtype((np.void, self._window * rests.itemsize))
        self._last_window = len(rests) - self._window
        self._windows: npt.NDArray[Any] = np.ndarray(
            (self._last_window + 1 if self._window else 0,), window_type, rests, 0, (rests.itemsize,)
        )

    def __len__(self) -> int:
        return len(self._hashes)

    def search(self, queries: Hashes, radius: int) -> Pairs:
        """See :meth:`hashsets.hamming.HammingIndex.search`."""
        if not len(self) or _cost(len(self), radius) > _SCAN_COST * len(self):
            return self._flat.search(queries, radius)
        lookups = _lookups(radius)
        near = _NearPairs(len(self))
        at_once = max(1, _LOOKUPS_AT_ONCE // len(lookups.chunks))
        for start in range(0, len(queries), at_once):
            some = queries[start : start + at_once]
            windows, crowded = self._looked_up(some, lookups)
            for known, of_lookup in self._candidates(windows):
                rows = of_lookup // len(lookups.chunks)
                distances = distances_between(self._hashes.take(known, axis=0), some.take(rows, axis=0))
                close = np.flatnonzero(distances <= radius)
                near.add(rows[close] + start, known[close], distances[close])
            if crowded.size:
                of_crowded, *scanned = self._flat.search(some[crowded], radius)
                near.add(crowded[of_crowded] + start, *scanned)
        return near.pairs()

    def _looked_up(self, queries: Hashes, lookups: _Lookups) -> tuple[_Windows, _Rows]:
        """Look up some queries, and tell which of them meet so many hashes that comparing all is as fast."""
        words = _dealt_words(queries)
        buckets = words.astype("<u8", copy=False).view("<u2").take(lookups.chunks, axis=1)
        buckets ^= lookups.masks
        places = buckets + lookups.firsts
        firsts = self._starts.take(places)
        counts = (self._starts[1:].take(places) - firsts).astype(np.int64)  # a damaged table gives crowds, not gaps
        is_crowded = counts.sum(axis=1) > len(self) // _LARGEST_SHARE
        counts[is_crowded] = 0
        parts = (counts.ravel() + (self._window - 1)) // self._window
        of_lookup = np.arange(len(parts)).repeat(parts)
        # a window of a bucket begins where the bucket does, and one length further on for each before it
        begins = firsts.astype(np.int64).ravel() - (parts.cumsum() - parts) * self._window
        of_windows = begins.take(of_lookup)
        of_windows += np.arange(len(of_lookup)) * self._window
        np.minimum(of_windows, self._last_window, out=of_windows)
        rests = _rests(words[:, :, None], np.arange(_OF_WORD), self._rest_type).reshape(-1, CHUNKS)
        rests = rests.take(lookups.chunks, axis=1).ravel().take(of_lookup)
        most = lookups.most.take(of_lookup % len(lookups.most))
        return _Windows(of_windows, of_lookup, rests, most), is_crowded.nonzero()[0]

    def _candidates(self, windows: _Windows) -> Iterator[tuple[npt.NDArray[Any], _Rows]]:
        """Give the rows of hashes whose word is near where they were found, and the lookups that found them.

        So many are compared at once as stay in the cache.
        """
        at_once = max(1, _CANDIDATES_AT_ONCE // self._window)
        for start in range(0, len(windows.places), at_once):
            some = slice(start, start + at_once)
            rests = self._windows[windows.places[some]].view(self._rest_type).reshape(-1, self._window)
            rests ^= windows.rests[some, None]
            close = (np.bitwise_count(rests) <= windows.most[some, None]).ravel().nonzero()[0]
            if close.size:
                window, place = np.divmod(close, self._window)
                window += start
                place += windows.places.take(window)
                yield self._rows.take(place), windows.lookups.take(window)


class _Windows(NamedTuple):
    """Windows to be read. Four arrays of one length.

    Attributes:
        places: Where each begins.
        lookups: Which lookup it is of, counted through the queries.
        rests: What its hashes are compared with.
        most: In how many bits they may differ from that.
    """

    places: _Rows
    lookups: _Rows
    rests: npt.NDArray[Any]
    most: npt.NDArray[np.uint8]


class _NearPairs:
    """Pairs that were found, each perhaps in several chunks."""

    def __init__(self, known: int) -> None:
        self._known = known
        self._keys: list[_Rows] = []
        self._distances: list[_Rows] = []
        self._kept = 0

    def add(self, query_rows: _Rows, known_rows: npt.NDArray[Any], distances: npt.NDArray[Any]) -> None:
        """Add some pairs."""
        if not len(query_rows):
            return
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
    """What is looked up for each query, in all chunks. Four arrays of one length.

    Attributes:
        chunks: The chunk.
        masks: The bits of the query's value there that are flipped.
        firsts: The number of the chunk's first bucket.
        most: How many bits of the rest of the word may then be off.
    """

    chunks: _Rows
    masks: npt.NDArray[np.uint16]
    firsts: _Rows
    most: npt.NDArray[np.uint8]


@lru_cache(maxsize=8)
def _lookups(radius: int) -> _Lookups:
    """All lookups that a radius needs."""
    masks = [_masks(flips) for flips in _flips(radius)]
    chunks = np.repeat(np.arange(CHUNKS), [len(of_chunk) for of_chunk in masks])
    flipped = np.concatenate(masks)
    of_words = np.array([_word_radius(radius, word) for word in range(WORDS)])
    most = of_words[chunks // _OF_WORD] - np.bitwise_count(flipped)
    return _Lookups(chunks, flipped, chunks * _BUCKETS, np.minimum(most, _WORD_BITS).astype(np.uint8))


def _flips(radius: int) -> list[int]:
    """How many bits of each chunk may be off; -1 for one that need not be looked at."""
    return [
        ((radius + 1 + word) // WORDS + chunk) // _OF_WORD - 1 for word in range(WORDS) for chunk in range(_OF_WORD)
    ]


def _word_radius(radius: int, word: int) -> int:
    """How many bits of a word may be off: as many as one can be in each of its chunks and still be found by none."""
    return (radius + 1 + word) // WORDS - 1


@lru_cache(maxsize=1024)
def _cost(hashes: int, radius: int) -> float:
    """What a query costs about, in nanoseconds."""
    lookups = sum(comb(_WIDTH, flipped) for flips in _flips(radius) for flipped in range(flips + 1))
    return lookups * (_LOOKUP_COST + _CANDIDATE_COST * _window(hashes))


def _window(hashes: int) -> int:
    """How many hashes are read at a time: nearly all buckets of an even spread fit into it."""
    mean = hashes // _BUCKETS
    return max(8, mean + 2 * isqrt(mean))


def _masks(flips: int) -> npt.NDArray[np.uint16]:
    """All values of a chunk of which up to `flips` bits are set."""
    chosen = (bits for flipped in range(flips + 1) for bits in combinations(range(_WIDTH), flipped))
    return np.array([sum(1 << bit for bit in bits) for bits in chosen], np.uint16)


@lru_cache(maxsize=1)
def _dealt() -> npt.NDArray[np.uint64]:
    """What each value of each byte of a hash adds to the words. Shape (bytes, 256, words)."""
    added = np.zeros((_BYTES, 256, WORDS), np.uint64)
    for place, bit in enumerate(_DEALT):
        is_set = np.arange(256) >> bit % 8 & 1
        added[bit // 8, :, place // _WORD_BITS] |= is_set.astype(np.uint64) << np.uint64(place % _WORD_BITS)
    return added


def _dealt_words(hashes: Hashes) -> npt.NDArray[np.uint64]:
    """The words that the bits of hashes are dealt out to. Shape (hashes, 4)."""
    added, words = _dealt(), np.empty((len(hashes), WORDS), np.uint64)
    for start in range(0, len(hashes), _DEALT_AT_ONCE):
        # the bytes of each word, the lowest first
        columns = np.ascontiguousarray(hashes[start : start + _DEALT_AT_ONCE], "<u8").view(np.uint8)
        if len(columns) <= _BYTES:  # a few queries in a few steps
            words[start : start + len(columns)] = np.bitwise_or.reduce(added[np.arange(_BYTES), columns], axis=1)
            continue
        some = words[start : start + len(columns)]
        some[...] = 0
        for byte, column in enumerate(columns.T):
            some |= added[byte].take(column, axis=0)
    return words


def _values_of(words: npt.NDArray[np.uint64], chunk: int) -> npt.NDArray[np.uint16]:
    """The values of a chunk. Shape (hashes,)."""
    return (words[:, chunk // _OF_WORD] >> np.uint64(_WIDTH * (chunk % _OF_WORD))).astype(np.uint16)


def _rests(words: npt.NDArray[np.uint64], place: int | _Rows, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """What words hold beside the chunk at a place: the next two chunks, or all three."""
    shift = (np.asarray(place).astype(np.uint64) + np.uint64(1)) * np.uint64(_WIDTH) % np.uint64(_WORD_BITS)
    back = (np.uint64(_WORD_BITS) - shift) % np.uint64(_WORD_BITS)
    turned = words >> shift | words << back
    if dtype.itemsize < words.itemsize:
        return turned.astype(dtype)
    return turned & np.uint64((1 << _WORD_BITS - _WIDTH) - 1)
