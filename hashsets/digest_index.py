"""Which entries may state a digest: sorted prefixes of all digests of a set, in a file that processes share.

For each algorithm the first eight bytes of every digest, as numbers in ascending order, and beside them the entries'
positions. A look-up is a binary search in mapped memory: it never leaves an entry out, and what it gives is compared in
full with the set by whoever asks, so a shared prefix is no false answer.

The index is written by the import, in memory that does not grow with it. One that is missing, stale or damaged is made
anew from the set by the first who opens it and may write there; who may not write makes one in its own memory.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from forensics.errors import LibraryError
from hashsets.array_file import ArrayFile, ArrayFileWriter, Numbers
from hashsets.external_sort import ExternalSort
from hashsets.fields import DIGEST_LENGTHS

KIND = "digest-index/1"
_PREFIX_DIGITS = 16
_READ_AT_ONCE = 1 << 20
_SMALL = np.dtype("<u4")
_LARGE = np.dtype("<u8")

Row: TypeAlias = tuple[int, str | None, str | None, str | None]
"""Position, MD5, SHA-1 and SHA-256 of an entry, in hexadecimal of either case."""


Sums: TypeAlias = tuple[int, int, int]
"""Count of digests, sum of their prefixes and of their positions, modulo 2**64."""


class _Arrays(Protocol):
    """Arrays by name: a file's, or a dictionary's."""

    def __getitem__(self, name: str, /) -> Numbers: ...


class DigestIndexBuilder:
    """Gathers the digests of a set as its entries are written, and sorts them in bounded memory.

    Args:
        folder: Where there is room for as much again as the index takes.
    """

    def __init__(self, folder: Path) -> None:
        self._sorts = {algorithm: ExternalSort(folder, 2) for algorithm in DIGEST_LENGTHS}
        self._largest_position = 0

    def add(self, positions: Sequence[int], *columns: Sequence[str | None]) -> None:
        """Take the digests of some entries.

        Args:
            positions: Of the entries.
            columns: MD5, SHA-1 and SHA-256 of each.

        Raises:
            ValueError: A digest is no hexadecimal of the length of its algorithm.
            OSError: The disk is full.
        """
        for (algorithm, digits), column in zip(DIGEST_LENGTHS.items(), columns, strict=True):
            of_column: Sequence[int] = positions
            if None in column:
                of_column = [position for position, digest in zip(positions, column, strict=True) if digest is not None]
            if of_column:
                prefixes = _prefixes([digest for digest in column if digest is not None], digits)
                self._sorts[algorithm].add(np.stack((prefixes, np.array(of_column, np.uint64)), axis=1))
                largest = max(of_column)
                self._largest_position = max(self._largest_position, largest)

    def write(self, path: Path, source: str) -> None:
        """Sort and write the index.

        Args:
            path: The index file.
            source: The set it is of.

        Raises:
            LibraryError: It cannot be written.
        """
        with ArrayFileWriter(path, KIND, source, self._shapes()) as writer:
            self._fill(writer, writer.release)

    def in_memory(self) -> DigestIndex:
        """Sort and give the index, without a file."""
        arrays: dict[str, Numbers] = {name: np.empty(shape, dtype) for name, (dtype, shape) in self._shapes().items()}
        self._fill(arrays)
        return DigestIndex(arrays)

    def close(self) -> None:
        """Let go of the room on the disk."""
        for each in self._sorts.values():
            each.close()

    def _shapes(self) -> dict[str, tuple[np.dtype[Any], tuple[int]]]:
        position = _SMALL if self._largest_position < 1 << 32 else _LARGE
        return {
            f"{algorithm}.{name}": (dtype, (len(of_one),))
            for algorithm, of_one in self._sorts.items()
            for name, dtype in (("prefixes", _LARGE), ("positions", position))
        }

    def _fill(self, arrays: _Arrays, release: Callable[[], None] = lambda: None) -> None:
        for algorithm, of_one in self._sorts.items():
            prefixes, positions, done = arrays[f"{algorithm}.prefixes"], arrays[f"{algorithm}.positions"], 0
            for part in of_one.sorted_parts():
                prefixes[done : done + len(part)] = part[:, 0]
                positions[done : done + len(part)] = part[:, 1]
                done += len(part)
                release()


class DigestIndex:
    """Gives the positions of the entries that may state a digest.

    Args:
        arrays: ``md5.prefixes``, ``md5.positions`` and so on, as the builder makes them.
    """

    def __init__(self, arrays: _Arrays) -> None:
        self._prefixes = {algorithm: arrays[f"{algorithm}.prefixes"] for algorithm in DIGEST_LENGTHS}
        self._positions = {algorithm: arrays[f"{algorithm}.positions"] for algorithm in DIGEST_LENGTHS}
        self._views = {
            algorithm: (self._prefixes[algorithm].data, self._positions[algorithm].data) for algorithm in DIGEST_LENGTHS
        }

    def count(self, algorithm: str) -> int:
        """How many entries state a digest of an algorithm."""
        return len(self._prefixes[algorithm])

    def sums(self, algorithm: str) -> Sums:
        """How many digests there are, and what their prefixes, and positions, come to: to compare with the entries."""
        prefixes, positions = self._prefixes[algorithm], self._positions[algorithm]
        return len(prefixes), int(prefixes.sum(dtype=np.uint64)), int(positions.sum(dtype=np.uint64))

    def candidates(self, algorithm: str, digests: Sequence[str]) -> list[int]:
        """Find the entries whose digest begins as one of some digests does.

        Args:
            algorithm: Of the digests.
            digests: In hexadecimal, of the algorithm's length.

        Returns:
            Their positions, ascending, each once.
        """
        if len(digests) == 1:  # as a scan asks, one content after the other; numpy takes longer to begin than to search
            return self._candidates_of_one(algorithm, int(digests[0][:_PREFIX_DIGITS], 16))
        known = self._prefixes[algorithm]
        if not known.size:
            return []
        asked = np.unique(_prefixes(digests, DIGEST_LENGTHS[algorithm]))
        first = known.searchsorted(asked)
        first_or_last = np.minimum(first, len(known) - 1)
        is_there = known[first_or_last] == asked
        if not is_there.any():
            return []
        first, asked = first[is_there], asked[is_there]
        ends = known.searchsorted(asked, "right")
        positions = self._positions[algorithm]
        found = [positions[start:end] for start, end in zip(first.tolist(), ends.tolist(), strict=True)]
        return cast("list[int]", np.unique(np.concatenate(found)).tolist())

    def _candidates_of_one(self, algorithm: str, prefix: int) -> list[int]:
        prefixes, positions = self._views[algorithm]
        first = end = bisect_left(prefixes, prefix)
        while end < len(prefixes) and prefixes[end] == prefix:
            end += 1
        return sorted(positions[first:end]) if first < end else []


def index_path(set_file: Path) -> Path:
    """The index of a set file."""
    return set_file.with_suffix(".digests")


def source_of(set_file: Path, uuid: str) -> str:
    """What an index of a set file is bound to. A finished set file never changes.

    Raises:
        OSError: The file is gone.
    """
    return f"set {uuid}, {set_file.stat().st_size} bytes"


def open_index(path: Path, source: str) -> DigestIndex:
    """Open an index.

    Raises:
        LibraryError: It is missing, of another set, or damaged so that it shows at once.
    """
    return DigestIndex(ArrayFile(path, KIND, source))


def check_index(path: Path, source: str) -> DigestIndex:
    """Open an index and read all of it.

    Raises:
        LibraryError: It is missing, of another set, damaged, or not in order.
    """
    arrays = ArrayFile(path, KIND, source)
    arrays.check()
    for algorithm in DIGEST_LENGTHS:
        prefixes = arrays[f"{algorithm}.prefixes"]
        for start in range(0, len(prefixes), _READ_AT_ONCE):
            some = prefixes[start : start + _READ_AT_ONCE + 1]
            if (some[1:] < some[:-1]).any():
                raise LibraryError("the index is not in order", str(path), "import the list again")
    return DigestIndex(arrays)


def sums_of(rows: Iterable[Row]) -> dict[str, Sums]:
    """What :meth:`DigestIndex.sums` must be of the index of some entries."""
    sums: dict[str, Sums] = dict.fromkeys(DIGEST_LENGTHS, (0, 0, 0))
    remaining = iter(rows)
    while batch := list(islice(remaining, 1 << 16)):
        positions, *columns = zip(*batch, strict=True)
        for (algorithm, digits), column in zip(DIGEST_LENGTHS.items(), columns, strict=True):
            stated = [(position, digest) for position, digest in zip(positions, column, strict=True) if digest]
            prefixes = int(_prefixes([digest for _, digest in stated], digits).sum(dtype=np.uint64))
            count, of_prefixes, of_positions = sums[algorithm]
            sums[algorithm] = (
                count + len(stated),
                (of_prefixes + prefixes) % 2**64,
                (of_positions + sum(position for position, _ in stated)) % 2**64,
            )
    return sums


def rebuilt(path: Path, source: str, rows: Iterable[Row]) -> DigestIndex:
    """Make an index anew, as a file if one may write there, else in memory.

    Args:
        path: The index file.
        source: The set it is of.
        rows: All entries of the set, by position.
    """
    builder = DigestIndexBuilder(path.parent)
    try:
        remaining = iter(rows)
        while batch := list(islice(remaining, 1 << 16)):
            builder.add(*zip(*batch, strict=True))
        try:
            builder.write(path, source)
            return open_index(path, source)
        except LibraryError:
            return builder.in_memory()
    finally:
        builder.close()


def _prefixes(digests: Sequence[str], digits: int) -> npt.NDArray[np.uint64]:
    """The first eight bytes of digests of one length, as numbers."""
    numbers = np.frombuffer(bytes.fromhex("".join(digests)), np.uint8).reshape(len(digests), digits // 2)
    return np.ascontiguousarray(numbers[:, :8]).view(">u8").ravel().astype(np.uint64)
