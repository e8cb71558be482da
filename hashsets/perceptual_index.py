"""The perceptual hashes of one algorithm of one set, ready to be searched, in a file that processes share.

A hash that many entries state is kept and searched once. The file lies beside the set and is written by the import. One
that is missing, stale or cut short is made anew from the set by the first who opens it and may write there; who may not
write makes it in its own memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from forensics.errors import LibraryError
from hashsets.array_file import ArrayFile, Numbers, write_arrays
from hashsets.database import library_errors
from hashsets.digest_index import source_of
from hashsets.hamming import WORDS, FlatIndex, HammingIndex, Hashes, Pairs, pack
from hashsets.multi_index import LEAST_HASHES, TABLES, MultiIndex, chunk_count, is_worth_it, make_tables

KIND = "perceptual-index/1"
_PACKED_AT_ONCE = 65536
_COPIES_AT_ONCE = 1 << 20
_SMALL, _LARGE = "<u4", "<u8"

Row: TypeAlias = tuple[int, str]
"""Position of an entry, and a hash of it in hexadecimal."""


class PerceptualIndex:
    """Hashes of one algorithm of one set, each once, and the entries that state them.

    Args:
        arrays: As :func:`arrays_of` makes them, or a file that holds them.

    Attributes:
        hashes: Shape (hashes, 4): all that differ.
        positions: The position of each entry, ascending.
    """

    def __init__(self, arrays: Mapping[str, Numbers] | ArrayFile) -> None:
        self.hashes: Hashes = arrays["hashes"]
        self.positions = arrays["positions"]
        self._entry_starts, self._hash_of_row = arrays["entry_starts"], arrays["hash_of_row"]
        self._copy_starts, self._entry_of_copy = arrays["copy_starts"], arrays["entry_of_copy"]
        self._index: HammingIndex = FlatIndex(self.hashes)
        if "bucket_rows" in arrays:
            self._index = MultiIndex(self.hashes, {name: arrays[name] for name in TABLES if name in arrays})

    def rows(self, entry: int) -> npt.NDArray[np.int64]:
        """Which hashes an entry states.

        Args:
            entry: Its number, as in :attr:`positions`.
        """
        some = self._hash_of_row[int(self._entry_starts[entry]) : int(self._entry_starts[entry + 1])]
        return some.astype(np.int64)

    def search(self, queries: Hashes, radius: int) -> Pairs:
        """Find the pairs of a query and a hash; see :meth:`hashsets.hamming.HammingIndex.search`."""
        return self._index.search(queries, radius)

    def entries_of(self, pairs: Pairs) -> Iterator[Pairs]:
        """Find the entries that state hashes which were found.

        Args:
            pairs: As :meth:`search` gives them.

        Yields:
            In parts of bounded size: row of the query, number of the entry, and least distance; in the order of the
            queries, then of the entries. All of one query stand in one part.

        Raises:
            IndexError: The index is damaged.
        """
        query_rows, known_rows, distances = pairs
        firsts = self._copy_starts[known_rows].astype(np.int64)
        counts = self._copy_starts[known_rows + 1].astype(np.int64) - firsts
        ends = np.cumsum(counts)
        start = 0
        while start < len(query_rows):
            stop = int(np.searchsorted(ends, ends[start] + _COPIES_AT_ONCE))
            if stop < len(query_rows):  # back to where a query begins, but on by one query at least
                stop = int(np.searchsorted(query_rows, query_rows[stop]))
            stop = max(stop, int(np.searchsorted(query_rows, query_rows[start], "right")))
            some = slice(start, stop)
            begins = ends[some] - counts[some]
            copies = np.repeat(firsts[some] - begins, counts[some]) + np.arange(begins[0], ends[stop - 1])
            entries = self._entry_of_copy[copies].astype(np.int64)
            if entries.max() >= len(self.positions):
                raise IndexError("no such entry")
            rows_of_copies, distances_of_copies = (
                np.repeat(each[some], counts[some]) for each in (query_rows, distances)
            )
            yield _nearest(rows_of_copies, entries, distances_of_copies)
            start = stop


def index_path(set_file: Path, algorithm: str) -> Path:
    """The index of the hashes of one algorithm of a set file."""
    return set_file.with_suffix(f".{algorithm}")


def open_index(set_file: Path, uuid: str, algorithm: str, rule: str) -> PerceptualIndex:
    """Open an index.

    Args:
        set_file: The set.
        uuid: Its identity.
        algorithm: Of the hashes.
        rule: Says which of the set's hashes are searched; another rule needs another index.

    Raises:
        LibraryError: It is missing, of another set or rule, or damaged so that it shows at once.
    """
    path = index_path(set_file, algorithm)
    try:
        return PerceptualIndex(ArrayFile(path, KIND, _source(set_file, uuid, rule)))
    except ValueError as error:
        raise LibraryError("the index does not fit together", str(path), "import the list again") from error


def open_or_make_index(
    set_file: Path, uuid: str, algorithm: str, rule: str, radius: int, rows: Callable[[], Iterable[Row]]
) -> PerceptualIndex:
    """Open an index, or make it anew: as a file if one may write there, else in memory.

    Args:
        set_file: The set.
        uuid: Its identity.
        algorithm: Of the hashes.
        rule: Says which of the set's hashes are searched.
        radius: The widest within which they will be searched often.
        rows: Gives the hashes that are searched, by position.

    Raises:
        LibraryError: The set cannot be read.
    """
    try:
        return open_index(set_file, uuid, algorithm, rule)
    except LibraryError:
        arrays = arrays_of(rows(), radius)
    try:
        write_arrays(index_path(set_file, algorithm), KIND, _source(set_file, uuid, rule), arrays)
        return open_index(set_file, uuid, algorithm, rule)
    except LibraryError:
        return PerceptualIndex(arrays)


def check_index(set_file: Path, uuid: str, algorithm: str, rule: str) -> None:
    """Read all of an index and compare its checksum.

    Raises:
        LibraryError: It is missing, of another set or rule, or damaged.
    """
    ArrayFile(index_path(set_file, algorithm), KIND, _source(set_file, uuid, rule)).check()


def arrays_of(rows: Iterable[Row], radius: int) -> dict[str, Numbers]:
    """Sort the hashes of a set.

    Args:
        rows: The hashes, by position.
        radius: The widest within which they will be searched often.

    Returns:
        ``hashes``: each once, ascending. ``positions``: of the entries. ``hash_of_row``: the hashes of one entry after
        the other, where ``entry_starts`` tells. ``entry_of_copy``: the entries of one hash after the other, where
        ``copy_starts`` tells. Where they are worth their room, the tables of :mod:`hashsets.multi_index`.
    """
    return arrays_of_packed(*_packed(rows), radius)


def arrays_of_packed(given: Hashes, positions: npt.NDArray[np.uint64], radius: int) -> dict[str, Numbers]:
    """Sort the hashes of a set.

    Args:
        given: Shape (rows, 4): the hashes, by position.
        positions: Shape (rows,): the position of the entry that states each.
        radius: The widest within which they will be searched often.

    Returns:
        See :func:`arrays_of`.
    """
    order = np.lexsort(given.T[::-1])
    ascending = given[order]
    is_new = np.ones(len(given), bool)
    is_new[1:] = (ascending[1:] != ascending[:-1]).any(axis=1)
    hash_of_row = np.empty(len(given), _SMALL)
    hash_of_row[order] = np.cumsum(is_new) - 1
    begins_entry = np.ones(len(given), bool)
    begins_entry[1:] = positions[1:] != positions[:-1]
    entry_of_row = (np.cumsum(begins_entry) - 1).astype(_SMALL)
    hashes = ascending[is_new]
    arrays: dict[str, Numbers] = {
        "hashes": hashes,
        "positions": positions[begins_entry],
        "entry_starts": np.append(np.flatnonzero(begins_entry), len(given)).astype(_SMALL),
        "hash_of_row": hash_of_row,
        "copy_starts": np.append(np.flatnonzero(is_new), len(given)).astype(_SMALL),
        "entry_of_copy": entry_of_row[order],
    }
    if len(hashes) >= LEAST_HASHES and is_worth_it(len(hashes), radius):
        arrays.update(make_tables(hashes, chunk_count(len(hashes), radius)))
    return arrays


def _source(set_file: Path, uuid: str, rule: str) -> str:
    with library_errors(set_file):
        return f"{source_of(set_file, uuid)}, {rule}"


def _packed(rows: Iterable[Row]) -> tuple[Hashes, npt.NDArray[np.uint64]]:
    """Pack hashes and positions, in the order given."""
    hashes: list[Hashes] = [np.empty((0, WORDS), np.uint64)]
    positions: list[npt.NDArray[np.uint64]] = [np.empty(0, np.uint64)]
    remaining = iter(rows)
    while batch := list(islice(remaining, _PACKED_AT_ONCE)):
        hashes.append(pack(value for _, value in batch))
        positions.append(np.array([position for position, _ in batch], np.uint64))
    return np.concatenate(hashes), np.concatenate(positions)


def _nearest(query_rows: npt.NDArray[Any], entries: npt.NDArray[Any], distances: npt.NDArray[Any]) -> Pairs:
    """Each pair of a query and an entry once, with the least of its distances."""
    order = np.lexsort((entries, query_rows))
    query_rows, entries = query_rows[order], entries[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (query_rows[1:] != query_rows[:-1]) | (entries[1:] != entries[:-1])
    firsts = np.flatnonzero(is_new)
    return query_rows[firsts], entries[firsts], np.minimum.reduceat(distances[order], firsts)
