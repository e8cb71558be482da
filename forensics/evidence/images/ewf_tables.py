"""The map of an EWF image: which chunk of the medium lies where in which segment file.

Each ``table`` section lists the offsets of up to some 16,000 chunks, and ``table2`` repeats it. The tables of a 4 TB
disk take half a gigabyte, so only their headers are read when the image is opened; the entries are read in pages when
a chunk is asked for, checked once, and the pages used last are kept.

Format: Joachim Metz, "Expert Witness Compression Format specification" (libewf documentation), sections 3 and 5.9 (the
overflow of offsets in EnCase 6.7).
"""

from __future__ import annotations

import struct
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.ewf_sections import Section
from forensics.evidence.images.inflate import adler32

_HEADER = struct.Struct("<I4xQ4xI")
_CHECKSUM = struct.Struct("<I")
_ENTRY_SIZE = 4
_PAGE_ENTRIES = 1 << 16
_PAGES_KEPT = 16
_COMPRESSED = 0x80000000
_OFFSET = 0x7FFFFFFF

_Entries = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ChunkPlaces:
    """Where some chunks lie that follow each other on the medium, in one segment file.

    Attributes:
        segment: Index of the segment file, from 0.
        first: Number of the first chunk.
        offsets: Byte offset of each chunk in the segment file, shape (n,).
        lengths: Most bytes that belong to each chunk, shape (n,).
        compressed: Whether each chunk is compressed, shape (n,).
    """

    segment: int
    first: int
    offsets: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int32]
    compressed: npt.NDArray[np.bool_]

    @property
    def stop(self) -> int:
        """Number of the first chunk after them."""
        return self.first + len(self.offsets)


@dataclass(slots=True)
class _Table:
    """A table section.

    Attributes:
        section: The section.
        count: How many chunks it lists.
        base: What is to be added to its offsets.
        mirror: The ``table2`` that repeats it; ``None`` if there is none.
        checked: Whether its entries were checked, and the next two are known.
        overflow: Index of the first entry whose offset has 32 bits; ``count`` if none has.
    """

    section: Section
    count: int
    base: int
    mirror: Section | None
    checked: bool = False
    overflow: int = 0


class ChunkMap:
    """Where each chunk of an image lies.

    Args:
        files: The segment files.
        sections: Their sections, in order.
        chunk_size: Bytes a chunk.
        has_checksums: Whether the entries of a table are followed by their Adler-32 (not in SMART's format).

    Attributes:
        count: How many chunks the tables lead to.
        damage: Where the map ends because a table cannot be read; empty if nowhere.
    """

    def __init__(
        self, files: SegmentFiles, sections: Sequence[Section], chunk_size: int, *, has_checksums: bool
    ) -> None:
        self._files = files
        self._has_checksums = has_checksums
        # zlib adds 5 bytes to each block of 16 KiB that it stores, and 6 to the whole
        self._longest = chunk_size + (chunk_size >> 8) + 4096
        self._tables: list[_Table] = []
        self._firsts: list[int] = []
        self._pages: OrderedDict[int, ChunkPlaces] = OrderedDict()
        self._lock = threading.Lock()
        self.count = 0
        self.damage = ""
        for number, section in enumerate(sections):
            if section.kind == "table" and not self._add(section, _mirror(sections, number)):
                self.damage = (
                    f"the table of chunks at byte {section.offset} of segment {section.segment + 1} is damaged"
                )
                break

    def places(self, chunk: int) -> ChunkPlaces:
        """Look up where a chunk lies.

        Args:
            chunk: Number of the chunk, less than :attr:`count`.

        Returns:
            The places of some chunks, of which this is one.

        Raises:
            ImageError: The table cannot be read.
        """
        number = bisect_right(self._firsts, chunk) - 1
        first = self._firsts[number]
        start = (chunk - first) // _PAGE_ENTRIES * _PAGE_ENTRIES
        with self._lock:
            page = self._pages.get(first + start)
            if page is None:
                while len(self._pages) >= _PAGES_KEPT:
                    self._pages.popitem(last=False)
                page = self._pages[first + start] = self._load(self._tables[number], first, start)
            else:
                self._pages.move_to_end(first + start)
        return page

    def _add(self, section: Section, mirror: Section | None) -> bool:
        """Add a table, or its mirror where its header is damaged; tell whether one of them could be read."""
        header = self._header(section)
        mirrored = self._header(mirror) if mirror else None
        if header is None and mirrored is not None and mirror is not None:
            section, header, mirror = mirror, mirrored, None
        if header is None:
            return False
        count, base = header
        if count:
            self._tables.append(_Table(section, count, base, mirror if mirrored == header else None))
            self._firsts.append(self.count)
            self.count += count
        return True

    def _header(self, section: Section) -> tuple[int, int] | None:
        """Read how many entries a table has and what to add to their offsets; ``None`` if it cannot be."""
        data = self._files.read(section.segment, section.data_offset, _HEADER.size)
        if len(data) < _HEADER.size or adler32(data[:-4]) != _HEADER.unpack(data)[2]:
            return None
        count, base, _ = _HEADER.unpack(data)
        return (count, base) if count * _ENTRY_SIZE <= section.data_size - _HEADER.size and base < 1 << 62 else None

    def _load(self, table: _Table, first: int, start: int) -> ChunkPlaces:
        if not table.checked:
            self._check(table)
        count = min(_PAGE_ENTRIES, table.count - start)
        # the next chunk's offset says how long the last one of the page is
        entries = self._entries(table.section, start, min(count + 1, table.count - start))
        indexes = np.arange(start, start + len(entries))
        offsets = np.where(indexes < table.overflow, entries & _OFFSET, entries) + table.base
        if len(offsets) == count:
            offsets = np.append(offsets, _end_of_last(table.section, int(offsets[-1])))
        lengths = np.diff(offsets)
        # a chunk proves itself by its own checksum, so one whose length makes no sense is tried all the same
        lengths[(lengths <= 0) | (lengths > self._longest)] = self._longest
        compressed = (entries[:count] & _COMPRESSED != 0) & (indexes[:count] < table.overflow)
        return ChunkPlaces(table.section.segment, first + start, offsets[:count], lengths.astype(np.int32), compressed)

    def _check(self, table: _Table) -> None:
        """Check the entries of a table and take its mirror if that is right and the table is not."""
        right, overflow = self._survey(table.section, table.count)
        if not right and table.mirror is not None:
            right_mirror, overflow_mirror = self._survey(table.mirror, table.count)
            if right_mirror:
                table.section, overflow = table.mirror, overflow_mirror
        table.overflow, table.checked = overflow, True

    def _survey(self, section: Section, count: int) -> tuple[bool, int]:
        """Read a table through in pieces.

        Returns:
            Whether the checksum of its entries is right, and the first entry whose offset has 32 bits.
        """
        checksum, overflow, last = 1, count, None
        for start in range(0, count, _PAGE_ENTRIES):
            entries = self._entries(section, start, min(_PAGE_ENTRIES, count - start))
            checksum = adler32(entries.astype("<u4").tobytes(), checksum)
            if overflow == count:
                joined = entries if last is None else np.concatenate((last, entries))
                found = _overflow(joined, self._longest)
                if found is not None:
                    overflow = start + found - (last is not None)
            last = entries[-1:]
        end = section.data_offset + _HEADER.size + count * _ENTRY_SIZE
        stored = self._files.read(section.segment, end, _CHECKSUM.size)
        right = not self._has_checksums or stored == _CHECKSUM.pack(checksum)
        return right, overflow

    def _entries(self, section: Section, start: int, count: int) -> _Entries:
        offset = section.data_offset + _HEADER.size + start * _ENTRY_SIZE
        data = self._files.read(section.segment, offset, count * _ENTRY_SIZE)
        # a file that shrank since it was opened gives chunks that cannot be read
        return np.frombuffer(data.ljust(count * _ENTRY_SIZE, b"\0"), "<u4").astype(np.int64)


def _mirror(sections: Sequence[Section], number: int) -> Section | None:
    """Find the ``table2`` of a table: the section right behind it."""
    following = sections[number + 1] if number + 1 < len(sections) else None
    table = sections[number]
    if following and following.kind == "table2" and (following.segment, following.offset) == (table.segment, table.end):
        return following
    return None


def _overflow(entries: _Entries, longest: int) -> int | None:
    """Find where offsets outgrow 31 bits, as in segments of more than 2 GiB that EnCase 6.7 wrote.

    From there on all 32 bits are the offset, and no chunk is compressed. It shows where an offset taken as 31 bits
    would go back and, taken as 32 bits, goes on by no more than a chunk.
    """
    low = entries & _OFFSET
    step = entries[1:] - low[:-1]
    found = np.flatnonzero((low[1:] < low[:-1]) & (entries[1:] & _COMPRESSED != 0) & (step > 0) & (step <= longest))
    return int(found[0]) + 1 if len(found) else None


def _end_of_last(section: Section, offset: int) -> int:
    """Tell where the last chunk of a table ends: before the table, or with it where the chunks lie inside it."""
    return section.offset if offset < section.offset else section.end
