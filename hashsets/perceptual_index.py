"""The perceptual hashes of one algorithm of one set, ready to be searched, in a file that processes share.

A hash that many entries state is kept and searched once. The file lies beside the set and is written by the import, in
memory that does not grow with it. One that is missing, stale or cut short is made anew from the set by the first who
opens it and may write there; who may not write makes it in its own memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from forensics.errors import LibraryError
from hashsets.array_file import ArrayFile, ArrayFileWriter, Numbers
from hashsets.database import library_errors
from hashsets.digest_index import source_of
from hashsets.external_sort import ExternalSort, Records, unnamed_file
from hashsets.hamming import WORDS, FlatIndex, HammingIndex, Hashes, Pairs, pack
from hashsets.multi_index import TABLES, MultiIndex, fill_tables, is_worth_it, table_shapes

KIND = "perceptual-index/2"
_PACKED_AT_ONCE = 65536
_POSITIONS_AT_ONCE = 1 << 20
_COPIES_AT_ONCE = 1 << 20
_SMALL, _LARGE = "<u4", "<u8"

Row: TypeAlias = tuple[int, str]
"""Position of an entry, and a hash of it in hexadecimal."""

_ROW_BITS = np.uint64(32)
_MIXERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)
"""Odd numbers without a pattern."""


class _Arrays(Protocol):
    """Arrays by name: a file's, or a dictionary's."""

    def __getitem__(self, name: str, /) -> Numbers: ...

    def __contains__(self, name: object, /) -> bool: ...


class PerceptualIndexBuilder:
    """Gathers the hashes of one algorithm of a set, and sorts them in bounded memory.

    Args:
        folder: Where there is room for as much again as the index takes.
        radius: The widest within which the hashes will be searched often.
    """

    def __init__(self, folder: Path, radius: int) -> None:
        self._radius = radius
        self._sort = ExternalSort(folder, 2 + WORDS)
        self._positions = unnamed_file(folder)
        self._last_position: int | None = None
        self._entries = 0

    def add_rows(self, rows: Iterable[Row]) -> None:
        """Take hashes, by position.

        Raises:
            OSError: The disk is full.
        """
        remaining = iter(rows)
        while batch := list(islice(remaining, _PACKED_AT_ONCE)):
            positions, values = zip(*batch, strict=True)
            self.add(pack(values), np.array(positions, np.uint64))

    def add(self, hashes: Hashes, positions: npt.NDArray[np.uint64]) -> None:
        """Take hashes, by position.

        Args:
            hashes: Shape (rows, 4).
            positions: Shape (rows,): the position of the entry that states each, ascending.

        Raises:
            OSError: The disk is full.
        """
        if not len(hashes):
            return
        entries = self._entries + np.cumsum(_begins_entry(positions, self._last_position)) - 1
        records = np.empty((len(hashes), 2 + WORDS), np.uint64)
        records[:, 0] = _mixed(hashes)
        records[:, 1:-1] = hashes
        records[:, -1] = entries.astype(np.uint64) << _ROW_BITS | np.arange(
            len(self._sort), len(self._sort) + len(hashes), dtype=np.uint64
        )
        self._sort.add(records)
        self._positions.write(positions.tobytes())
        self._entries, self._last_position = int(entries[-1]) + 1, int(positions[-1])

    def write(self, path: Path, source: str) -> None:
        """Sort and write the index.

        Args:
            path: The index file.
            source: The set and the rule that it is of.

        Raises:
            LibraryError: It cannot be written.
        """
        with library_errors(path), ArrayFileWriter(path, KIND, source, self._shapes()) as writer:
            self._fill(writer, writer.release)

    def in_memory(self) -> PerceptualIndex:
        """Sort and give the index, without a file."""
        arrays: dict[str, Numbers] = {name: np.zeros(shape, dtype) for name, (dtype, shape) in self._shapes().items()}
        self._fill(arrays)
        return PerceptualIndex(arrays)

    def close(self) -> None:
        """Let go of the room on the disk."""
        self._sort.close()
        self._positions.close()

    def _shapes(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        rows, hashes = len(self._sort), sum(int(_is_new(part).sum()) for part in self._sort.sorted_parts())
        shapes: dict[str, tuple[str, tuple[int, ...]]] = {
            "hashes": (_LARGE, (hashes, WORDS)),
            "positions": (_LARGE, (self._entries,)),
            "entry_starts": (_SMALL, (self._entries + 1,)),
            "hash_of_row": (_SMALL, (rows,)),
            "copy_starts": (_SMALL, (hashes + 1,)),
            "entry_of_copy": (_SMALL, (rows,)),
        }
        if is_worth_it(hashes, self._radius):
            shapes.update(table_shapes(hashes, self._radius))
        return shapes

    def _fill(self, arrays: _Arrays, release: Callable[[], None] = lambda: None) -> None:
        self._fill_entries(arrays["positions"], arrays["entry_starts"], release)
        hashes, copy_starts, entry_of_copy = (arrays[name] for name in ("hashes", "copy_starts", "entry_of_copy"))
        known = copies = 0
        for part in self._sort.sorted_parts():
            is_new = _is_new(part)
            firsts = np.flatnonzero(is_new)
            hashes[known : known + len(firsts)] = part[firsts, 1:-1]
            copy_starts[known : known + len(firsts)] = firsts + copies
            entry_of_copy[copies : copies + len(part)] = part[:, -1] >> _ROW_BITS
            arrays["hash_of_row"][part[:, -1].astype(np.uint32)] = np.cumsum(is_new) + (known - 1)
            known, copies = known + len(firsts), copies + len(part)
            release()
        copy_starts[known] = copies
        if "bucket_rows" in arrays:
            fill_tables(hashes, {name: arrays[name] for name in TABLES}, release)

    def _fill_entries(self, positions: Numbers, starts: Numbers, release: Callable[[], None]) -> None:
        """Fill in the position of each entry, and where its hashes begin."""
        self._positions.seek(0)
        done = row = 0
        last = None
        while read := self._positions.read(8 * _POSITIONS_AT_ONCE):
            some = np.frombuffer(read, np.uint64)
            begins = np.flatnonzero(_begins_entry(some, last))
            positions[done : done + len(begins)] = some[begins]
            starts[done : done + len(begins)] = begins + row
            done, row, last = done + len(begins), row + len(some), int(some[-1])
            release()
        starts[done] = row


class PerceptualIndex:
    """Hashes of one algorithm of one set, each once, and the entries that state them.

    Args:
        arrays: ``hashes``: each once. ``positions``: of the entries. ``hash_of_row``: the hashes of one entry after
            the other, where ``entry_starts`` tells. ``entry_of_copy``: the entries of one hash after the other, where
            ``copy_starts`` tells. Where they are worth their room, the tables of :mod:`hashsets.multi_index`.

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
    with suppress(LibraryError):
        return open_index(set_file, uuid, algorithm, rule)
    builder = PerceptualIndexBuilder(set_file.parent, radius)
    try:
        with library_errors(set_file):
            builder.add_rows(rows())
            try:
                builder.write(index_path(set_file, algorithm), _source(set_file, uuid, rule))
                return open_index(set_file, uuid, algorithm, rule)
            except LibraryError:
                return builder.in_memory()
    finally:
        builder.close()


def check_index(set_file: Path, uuid: str, algorithm: str, rule: str) -> None:
    """Read all of an index and compare its checksum.

    Raises:
        LibraryError: It is missing, of another set or rule, or damaged.
    """
    ArrayFile(index_path(set_file, algorithm), KIND, _source(set_file, uuid, rule)).check()


def _source(set_file: Path, uuid: str, rule: str) -> str:
    with library_errors(set_file):
        return f"{source_of(set_file, uuid)}, {rule}"


def _mixed(hashes: Hashes) -> npt.NDArray[np.uint64]:
    """A number for each hash, such that those of like hashes are spread evenly: by it they are sorted."""
    mixed = np.zeros(len(hashes), np.uint64)
    for word, mixer in enumerate(_MIXERS):
        mixed ^= hashes[:, word]
        mixed *= mixer
        mixed ^= mixed >> np.uint64(29)
    mixed *= _MIXERS[0]
    return mixed


def _is_new(part: Records) -> npt.NDArray[np.bool_]:
    """Which records of a sorted part have another hash than the one before."""
    is_new = np.ones(len(part), bool)
    is_new[1:] = (part[1:, :-1] != part[:-1, :-1]).any(axis=1)
    return is_new


def _begins_entry(positions: npt.NDArray[np.uint64], last: int | None) -> npt.NDArray[np.bool_]:
    """Which rows are the first of their entry, given the position of the row before."""
    begins = np.ones(len(positions), bool)
    begins[1:] = positions[1:] != positions[:-1]
    begins[0] = last is None or int(positions[0]) != last
    return begins


def _nearest(query_rows: npt.NDArray[Any], entries: npt.NDArray[Any], distances: npt.NDArray[Any]) -> Pairs:
    """Each pair of a query and an entry once, with the least of its distances."""
    order = np.lexsort((entries, query_rows))
    query_rows, entries = query_rows[order], entries[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (query_rows[1:] != query_rows[:-1]) | (entries[1:] != entries[:-1])
    firsts = np.flatnonzero(is_new)
    return query_rows[firsts], entries[firsts], np.minimum.reduceat(distances[order], firsts)
