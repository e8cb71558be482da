"""The map of an EWF version 2 image (Ex01): which chunk of the medium lies where in which segment file.

Each sector table says which chunk is its first and has 16 bytes a chunk. Only the headers are read when the image is
opened; entries are read in pages when a chunk is asked for.

Format: Joachim Metz, "Expert Witness Compression Format version 2 specification" (libewf documentation), section 3.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from forensics.evidence.images.chunk_cache import ChunkCache
from forensics.evidence.images.ewf2_sections import Section, SectionKind
from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.inflate import adler32

_HEADER = struct.Struct("<QI4xI")
_HEADER_SIZE = 32
_ENTRY = struct.Struct("<8sII")
_CHECKSUM_SIZE = 4
_PAGE_ENTRIES = 4096
_PAGES_BYTES = 4 << 20
_COMPRESSED, _PATTERN = 0x1, 0x4
_LARGEST_NUMBER = 1 << 60


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a chunk lies.

    Attributes:
        segment: Index of the segment file, from 0.
        offset: Byte offset in the segment file.
        size: Bytes stored.
        compressed: Whether they are compressed; if not, they end in an Adler-32.
        pattern: The eight bytes that fill the chunk; empty if it is stored.
    """

    segment: int
    offset: int
    size: int
    compressed: bool
    pattern: bytes = b""


@dataclass(slots=True)
class _Table:
    """A sector table: its section, its first chunk and how many it lists; whether its checksum is right, once known."""

    section: Section
    first: int
    count: int
    right: bool | None = None


class SectorTables:
    """Where each chunk of an image lies.

    Args:
        files: The segment files.
        sections: Their sections, in order.

    Attributes:
        count: Number of the first chunk behind all that the tables lead to.
        damage: Which tables cannot be read, or which chunks none leads to; empty if there are none.
    """

    def __init__(self, files: SegmentFiles, sections: Sequence[Section]) -> None:
        self._files = files
        self._pages = ChunkCache(_PAGES_BYTES)
        self._tables: list[_Table] = []
        damages = [
            f"the sector table at byte {section.offset} of segment {section.segment + 1} is damaged"
            for section in sections
            if section.kind == SectionKind.SECTOR_TABLE and not self._add(section)
        ]
        self._tables.sort(key=lambda table: table.first)
        self._firsts = [table.first for table in self._tables]
        self.count = 0
        for table in self._tables:
            if table.first != self.count:
                what = "no sector table leads to" if table.first > self.count else "two sector tables lead to"
                low, high = sorted((table.first, self.count))
                damages.append(f"{what} chunks {low} to {high - 1}")
            self.count = max(self.count, table.first + table.count)
        self.damage = "; ".join(damages[:3])

    def place(self, chunk: int) -> ChunkPlace | None:
        """Look up where a chunk lies.

        Args:
            chunk: Number of the chunk.

        Returns:
            Its place; ``None`` if no table leads to it, or only the damaged entry of one.
        """
        index = bisect_right(self._firsts, chunk) - 1
        if index < 0 or chunk >= self._tables[index].first + self._tables[index].count:
            return None
        table = self._tables[index]
        page, place = divmod(chunk - table.first, _PAGE_ENTRIES)
        entries = self._pages.get((index, page), lambda: self._page(table, page))
        if len(entries) < (place + 1) * _ENTRY.size:
            return None
        start, size, flags = _ENTRY.unpack_from(entries, place * _ENTRY.size)
        compressed = bool(flags & _COMPRESSED)
        if compressed and flags & _PATTERN:
            # nothing but the checksum of the table proves a pattern; any other chunk proves itself
            return ChunkPlace(table.section.segment, 0, 0, True, start) if self._is_right(table) else None
        return ChunkPlace(table.section.segment, int.from_bytes(start, "little"), size, compressed)

    def _add(self, section: Section) -> bool:
        """Add a table; tell whether its header could be read."""
        data = self._files.read(section.segment, section.offset, _HEADER.size)
        if len(data) < _HEADER.size or adler32(data[:-4]) != _HEADER.unpack(data)[-1]:
            return False
        first, count, _ = _HEADER.unpack(data)
        if first > _LARGEST_NUMBER or count * _ENTRY.size > section.size - _HEADER_SIZE:
            return False
        if count:
            self._tables.append(_Table(section, first, count))
        return True

    def _page(self, table: _Table, page: int) -> bytes:
        start = page * _PAGE_ENTRIES
        count = min(_PAGE_ENTRIES, table.count - start)
        offset = table.section.offset + _HEADER_SIZE + start * _ENTRY.size
        return self._files.read(table.section.segment, offset, count * _ENTRY.size)

    def _is_right(self, table: _Table) -> bool:
        if table.right is None:
            checksum = 1
            for page in range(-(-table.count // _PAGE_ENTRIES)):
                checksum = adler32(self._page(table, page), checksum)
            end = table.section.offset + _HEADER_SIZE + table.count * _ENTRY.size
            stored = self._files.read(table.section.segment, end, _CHECKSUM_SIZE)
            table.right = stored == checksum.to_bytes(_CHECKSUM_SIZE, "little")
        return table.right
