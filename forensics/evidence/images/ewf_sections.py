"""The sections of an EWF segment file: what it is made of, and where each part lies.

A segment file is a short header with the segment's number and a chain of sections, each of which names its type and
the offset of the next one. The chain ends in ``next`` (another segment follows) or ``done`` (the last one).

Format: Joachim Metz, "Expert Witness Compression Format specification" (libewf documentation), sections 2 and 3.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import ImageError

EWF_MAGIC = b"EVF\x09\x0d\x0a\xff\x00"
"""First bytes of every segment file of an EWF version 1 disk image."""

LOGICAL_MAGIC = b"LVF\x09\x0d\x0a\xff\x00"
"""First bytes of every segment file of an EWF version 1 logical image (L01)."""

DESCRIPTOR_SIZE = 76
"""Bytes of a section's descriptor; its data follow."""

MAX_SECTIONS = 1 << 20
"""Most sections followed in one image. Three are needed for each 512 MiB of a disk: this is enough for 150 TiB."""

_FILE_HEADER = struct.Struct("<8sBHH")
_DESCRIPTOR = struct.Struct("<16sQQ40sI")
_LAST = frozenset({"next", "done"})
_KINDS = _LAST | {
    "header", "header2", "volume", "disk", "data", "sectors", "table", "table2", "hash", "digest", "error2",
    "ltree",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a segment file.

    Attributes:
        kind: Its type, such as ``table``; empty for one that is of no use here.
        segment: Index of its segment file, from 0.
        offset: Byte offset of its descriptor in the segment file.
        end: Byte offset of the first byte after it.
    """

    kind: str
    segment: int
    offset: int
    end: int

    @property
    def data_offset(self) -> int:
        """Byte offset of its data in the segment file."""
        return self.offset + DESCRIPTOR_SIZE

    @property
    def data_size(self) -> int:
        """Bytes of its data."""
        return self.end - self.data_offset


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """What a segment file holds.

    Attributes:
        number: The segment's number, from 1, as it says itself.
        sections: Its sections in order, as far as the chain goes.
        end: ``next``, ``done``, or empty if the chain of sections breaks.
        broken_at: Byte offset at which the chain ends.
        damage: Where the chain breaks or contradicts itself; empty if nowhere.
    """

    number: int
    sections: tuple[Section, ...]
    end: str
    broken_at: int
    damage: str


def read_segment_file(path: Path, index: int, limit: int = MAX_SECTIONS, magic: bytes = EWF_MAGIC) -> SegmentFile:
    """Follow the chain of sections of a segment file to its end.

    Args:
        path: The file.
        index: Its place in the image, from 0.
        limit: Most sections to follow.
        magic: First bytes that it must have.

    Raises:
        ImageError: It is no segment file, cannot be read, or has more sections than an image can need.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            header = os.pread(descriptor, _FILE_HEADER.size, 0)
            if len(header) < _FILE_HEADER.size or not header.startswith(magic):
                raise ImageError("is no EWF segment file", str(path), "restore the segment from the original")
            size = os.fstat(descriptor).st_size
            return _follow(descriptor, size, index, _FILE_HEADER.unpack(header)[2], path, limit)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror})", str(path), "check permissions and the medium") from error


def _follow(descriptor: int, size: int, index: int, number: int, path: Path, limit: int) -> SegmentFile:
    """Follow the chain; offsets only ever grow, so that no chain is a loop."""
    sections: list[Section] = []
    contradiction = ""
    offset = _FILE_HEADER.size
    while True:
        parsed = _parse(os.pread(descriptor, DESCRIPTOR_SIZE, offset))
        if parsed is None:
            break
        kind, following, length = parsed
        if kind in _LAST:
            return SegmentFile(number, tuple(sections), kind, offset, contradiction)
        if len(sections) == limit:
            raise ImageError(f"has more than {MAX_SECTIONS} sections", str(path), "acquire the image again")
        if following < offset + DESCRIPTOR_SIZE:
            break
        if length not in {0, following - offset} and not contradiction:
            # a file may be made to show one image to a reader that follows offsets, and another to one of lengths
            contradiction = f"segment {number} states two lengths for the section at byte {offset}"
        sections.append(Section(kind, index, offset, min(following, size)))
        if following > size:
            break
        offset = following
    return SegmentFile(number, tuple(sections), "", offset, f"segment {number} breaks off at byte {offset}")


def _parse(descriptor: bytes) -> tuple[str, int, int] | None:
    """Parse a section descriptor: its type, the offset of the next one, its length; ``None`` if it is damaged."""
    if len(descriptor) < DESCRIPTOR_SIZE:
        return None
    kind, following, length, _, checksum = _DESCRIPTOR.unpack(descriptor)
    if zlib.adler32(descriptor[:-4]) != checksum:
        return None
    name = kind.partition(b"\0")[0].decode("ascii", "replace")
    return name if name in _KINDS else "", following, length
