"""The segment files of an EWF version 2 image (Ex01), and the sections they are made of.

A segment file is a header of 32 bytes and sections, each of which is data followed by a descriptor that leads to the
one before: they are read from the end of the file. The last one says whether another segment follows.

Format: Joachim Metz, "Expert Witness Compression Format version 2 specification" (libewf documentation), sections 2
and 3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import product
from pathlib import Path

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.images.read_only_file import ReadOnlyFile

EWF2_MAGIC = b"EVF2\x0d\x0a\x81\x00"
"""First bytes of every segment file of an EWF version 2 disk image."""

MAX_SECTIONS = 1 << 20
"""Most sections followed in one image."""

_FILE_HEADER = struct.Struct("<8sBBHI16s")
_DESCRIPTOR = struct.Struct("<IIQQII16s12xI")
_ENCRYPTED = 0x2
_COPY = "copy or acquire the image again"
_TOGETHER = "copy all segments into one folder; examining the rest would miss evidence silently"


class SectionKind(IntEnum):
    """What a section holds, as far as it is of use here."""

    DEVICE_INFORMATION = 0x1
    CASE_DATA = 0x2
    SECTOR_TABLE = 0x4
    ERROR_TABLE = 0x5
    MD5_HASH = 0x8
    SHA1_HASH = 0x9
    ENCRYPTION_KEYS = 0xB
    NEXT = 0xD
    DONE = 0xF


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a segment file.

    Attributes:
        kind: Its type, such as :attr:`SectionKind.SECTOR_TABLE`.
        segment: Index of its segment file, from 0.
        offset: Byte offset of its data in the segment file.
        size: Bytes of its data.
    """

    kind: int
    segment: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Ewf2Segments:
    """The segment files of one image.

    Attributes:
        paths: The files, in order.
        sections: All their sections that can be reached, in order.
        compression: Number of the method that strings and chunks are compressed with; 0 for none.
        damage: What is wrong with them; empty if nothing.
    """

    paths: tuple[Path, ...]
    sections: tuple[Section, ...]
    compression: int
    damage: str


@dataclass(frozen=True, slots=True)
class _SegmentFile:
    compression: int
    identifier: bytes
    sections: list[Section]
    end: int
    damage: str


def find_segments(first: Path) -> Ewf2Segments:
    """Find all segment files of an image.

    Args:
        first: The first segment file, as the user named it.

    Raises:
        MissingSegmentError: A segment announces another one that is not there.
        ImageError: The image is encrypted, or a file is no segment of it.
    """
    paths: list[Path] = []
    sections: list[Section] = []
    identifier, compression = b"", 0
    for number, path in enumerate(_segment_paths(first), start=1):
        if number > 1 and not path.is_file():
            raise MissingSegmentError(
                f"segment {number} is missing: {path.name} must lie beside the first one", str(first), _TOGETHER
            )
        found = _read_segment_file(path, number, MAX_SECTIONS - len(sections))
        if number > 1 and found.identifier != identifier:
            raise ImageError(
                f"segment {number} belongs to another acquisition than the first one",
                str(path),
                "put the segments of each acquisition into a folder of their own",
            )
        identifier, compression = found.identifier, found.compression
        paths.append(path)
        sections += found.sections
        if found.damage or found.end == SectionKind.DONE:
            return Ewf2Segments(tuple(paths), tuple(sections), compression, found.damage)
    raise ImageError("has more segments than their names can number", str(first), "acquire the image again")


def _segment_paths(first: Path) -> Iterator[Path]:
    """Generate the paths: ``.Ex01`` to ``.Ex99``, ``.ExAA`` to ``.ExZZ``, ``.EyAA`` to ``.EzZZ``."""
    yield first
    extension = first.suffix
    if extension.lower() != ".ex01":
        # nothing says what the next segment is called; this name cannot exist, so it is reported missing
        yield first.with_name(f"{first.name} (segment 2; name the first segment .Ex01)")
        return
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if extension != extension.lower() else "abcdefghijklmnopqrstuvwxyz"
    yield from (first.with_suffix(f"{extension[:3]}{number:02d}") for number in range(2, 100))
    for step, second, third in product(range(3), letters, letters):
        yield first.with_suffix(f"{extension[:2]}{chr(ord(extension[2]) + step)}{second}{third}")


def _read_segment_file(path: Path, number: int, limit: int) -> _SegmentFile:
    with ReadOnlyFile(path) as file:
        header = file.read_exactly(0, _FILE_HEADER.size, "the header of the segment")
        magic, major, minor, compression, found, identifier = _FILE_HEADER.unpack(header)
        if magic != EWF2_MAGIC:
            raise ImageError("is no EWF version 2 segment file", str(path), "restore the segment from the original")
        if major != 2:
            raise ImageError(f"is of EWF version {major}.{minor}, which is not read", str(path), "export it as E01")
        if found != number:
            remedy = "name the .Ex01 file" if number == 1 else "restore the names the acquisition tool gave them"
            raise ImageError(f"is segment {found} of an image where segment {number} belongs", str(path), remedy)
        sections, end, damage = _follow(file, number - 1, limit)
    return _SegmentFile(compression, identifier, sections, end, damage)


def _follow(file: ReadOnlyFile, index: int, limit: int) -> tuple[list[Section], int, str]:
    """Follow the chain from the end; offsets only ever fall, so that no chain is a loop.

    Returns:
        The sections in order, the type of the last one, and where the chain breaks.
    """
    sections: list[Section] = []
    last = 0
    offset = file.size - _DESCRIPTOR.size
    while True:
        descriptor = file.read_at(offset, _DESCRIPTOR.size) if offset >= _FILE_HEADER.size else b""
        if len(descriptor) < _DESCRIPTOR.size or zlib.adler32(descriptor[:-4]) != _DESCRIPTOR.unpack(descriptor)[-1]:
            where = "breaks off, or its end is damaged" if not last else f"is damaged at byte {offset}"
            return sections[::-1], last, f"segment {index + 1} {where}: the sections before cannot be found"
        kind, flags, previous, size, _, _, _, _ = _DESCRIPTOR.unpack(descriptor)
        if flags & _ENCRYPTED or kind == SectionKind.ENCRYPTION_KEYS:
            raise ImageError("is encrypted", str(file.path), "decrypt it with EnCase, or export it as E01 without")
        if len(sections) == limit:
            raise ImageError(f"has more than {MAX_SECTIONS} sections", str(file.path), "acquire the image again")
        last = last or kind
        if previous >= offset or not size <= offset - _FILE_HEADER.size:
            return sections[::-1], last, f"segment {index + 1} is damaged at byte {offset}"
        sections.append(Section(kind, index, offset - size, size))
        if not previous:
            if last in {SectionKind.NEXT, SectionKind.DONE}:
                return sections[::-1], last, ""
            return sections[::-1], last, f"segment {index + 1} does not say whether it is the last one"
        offset = previous
