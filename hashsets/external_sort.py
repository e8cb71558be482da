"""Sorting more records than memory should hold: on the disk, in files without names that no kill leaves behind.

Records are gathered into runs. Each run is put in order by the first bits of its keys and written, and it is noted
where each of these beginnings ends. A range of beginnings is then read from all runs, sorted in full and given; ranges
are as large as memory should hold. So each record is written once and read once, however many there are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

import numpy as np
import numpy.typing as npt

Records: TypeAlias = npt.NDArray[np.uint64]
"""Shape (records, fields); the first field is the key."""

RUN_BYTES = 8 << 20
PART_BYTES = 32 << 20
"""Records that are gathered, and that are sorted, at a time. About five times as much memory is used."""

_BEGINNING_BITS = 12
_BEGINNINGS = 1 << _BEGINNING_BITS
_SHIFT = np.uint64(64 - _BEGINNING_BITS)


class ExternalSort:
    """Takes records in any order and gives them by their keys; those of one key in the order they came.

    Memory grows with the records only if more of them than fit into a part have keys that begin alike.

    Args:
        folder: Where there is room for them; they are kept in memory if nothing can be written there.
        fields: Of each record.
    """

    def __init__(self, folder: Path, fields: int) -> None:
        self._file = unnamed_file(folder)
        self._fields = fields
        self._bytes_each = 8 * fields
        self._waiting: list[Records] = []
        self._waiting_count = 0
        self._runs: list[npt.NDArray[np.int64]] = []  # where each beginning ends
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, records: Records) -> None:
        """Take some records.

        Raises:
            OSError: The disk is full.
        """
        self._count += len(records)
        most = max(1, RUN_BYTES // self._bytes_each)
        while len(records):
            some, records = np.split(records, [most - self._waiting_count])
            self._waiting.append(some)
            self._waiting_count += len(some)
            if self._waiting_count == most:
                self._write_run()

    def sorted_parts(self) -> Iterator[Records]:
        """Give all records. Those of equal keys are in one part.

        Raises:
            OSError: The disk is full, or cannot be read.
        """
        self._write_run()
        for first, last in self._ranges():
            records = np.concatenate(list(self._read(first, last)))
            yield records.take(_order_of(records[:, 0]), axis=0)

    def close(self) -> None:
        """Let go of the room on the disk."""
        self._file.close()

    def _write_run(self) -> None:
        if not self._waiting_count:
            return
        records = np.concatenate(self._waiting)
        self._waiting, self._waiting_count = [], 0
        beginnings = (records[:, 0] >> _SHIFT).astype(np.uint16)
        self._runs.append(np.cumsum(np.bincount(beginnings, minlength=_BEGINNINGS)))
        self._file.seek(0, 2)
        self._file.write(records.take(np.argsort(beginnings, kind="stable"), axis=0).data)

    def _ranges(self) -> Iterator[tuple[int, int]]:
        """Ranges of beginnings, the last included, that hold as many records as fit into a part, or are of one."""
        if not self._runs:
            return
        ends = np.sum(self._runs, axis=0)
        most = max(1, PART_BYTES // self._bytes_each)
        first = before = 0
        while before < self._count:
            last = max(first, int(np.searchsorted(ends, before + most, "right")) - 1)
            if ends[last] > before:
                yield first, last
            first, before = last + 1, int(ends[last])

    def _read(self, first: int, last: int) -> Iterator[Records]:
        offset = 0
        for ends in self._runs:
            start = int(ends[first - 1]) if first else 0
            self._file.seek((offset + start) * self._bytes_each)
            read = self._file.read((int(ends[last]) - start) * self._bytes_each)
            yield np.frombuffer(read, np.uint64).reshape(-1, self._fields)
            offset += int(ends[-1])


def unnamed_file(folder: Path) -> BinaryIO:
    """A file that is gone when this process is; in memory where nothing can be written."""
    try:
        return cast("BinaryIO", tempfile.TemporaryFile(dir=folder))
    except OSError:
        return BytesIO()


def _order_of(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """The order of keys, equal ones as they stand.

    Numbers are sorted several times as fast as their places: so places are put into the low bits of the keys, and what
    these bits would have decided, which is nearly nothing, is sorted out afterwards.
    """
    places = np.uint64((1 << max(1, len(keys) - 1).bit_length()) - 1)
    marked = keys & ~places
    marked |= np.arange(len(keys), dtype=np.uint64)
    marked.sort()
    marked &= places
    order = marked.astype(np.int64)
    ordered = keys.take(order)
    if (ordered[1:] < ordered[:-1]).any():
        order = order.take(np.argsort(ordered, kind="stable"))
    return order
