"""Finds the segment files of an EWF (E01) image and tells whether they are all there.

Each segment file names its own number and is a chain of sections that ends in ``next`` (another segment follows) or
``done`` (the last one). Reading that chain, and not just looking which files exist, is what tells a missing last
segment from an image that ends there.

Format: Joachim Metz, "Expert Witness Compression Format specification" (libewf documentation), sections 3 and 4.
"""

from __future__ import annotations

import os
import string
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from forensics.errors import ImageError, MissingSegmentError

EWF_MAGIC = b"EVF\x09\x0d\x0a\xff\x00"
"""First bytes of every segment file of an EWF version 1 disk image."""

_FILE_HEADER = struct.Struct("<8sBHH")
_SECTION = struct.Struct("<16sQQ40sI")
_TABLE_HEADER = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class EwfSegments:
    """The segment files of one image.

    Attributes:
        paths: The files, in order, up to and including the first damaged one.
        chunks: How many chunks the offset tables of these files lead to.
        damage: What is wrong with the last of them, such as ``segment 2 breaks off at byte 100``; empty if nothing.
    """

    paths: tuple[Path, ...]
    chunks: int
    damage: str


@dataclass(frozen=True, slots=True)
class _SegmentFile:
    number: int
    end: str
    """``next``, ``done``, or empty if the chain of sections breaks."""
    broken_at: int
    chunks: int


def find_segments(first: Path) -> EwfSegments:
    """Find all segment files of an image.

    A segment whose chain of sections breaks ends the image: chunks are numbered through, so what follows a gap would
    be read as the wrong part of the disk.

    Args:
        first: The first segment file, as the user named it.

    Raises:
        MissingSegmentError: A segment announces another one that is not there.
        ImageError: The named file is not the first segment, or a file carries another segment's number.
    """
    paths: list[Path] = []
    chunks = 0
    for number, path in enumerate(_segment_paths(first), start=1):
        if number > 1 and not path.is_file():
            raise MissingSegmentError(
                f"segment {number} is missing: {path.name} must lie beside the first one",
                str(first),
                "copy all segments into one folder; examining the rest would miss evidence silently",
            )
        segment = _read_segment(path)
        if segment.number != number:
            _refuse_number(first, path, expected=number, found=segment.number)
        paths.append(path)
        chunks += segment.chunks
        if segment.end == "done":
            return EwfSegments(tuple(paths), chunks, "")
        if segment.end != "next":
            damage = f"segment {number} breaks off at byte {segment.broken_at}"
            return EwfSegments(tuple(paths), chunks, damage)
    raise ImageError("has more segments than their names can number", str(first), "acquire the image again")


def segment_extensions(first: str) -> Iterator[str]:
    """Generate the file extensions of the segments of an image, by the EWF convention.

    ``E01`` to ``E99``, then ``EAA`` to ``EZZ``, ``FAA`` to ``ZZZ``; lower case if the first one is.

    Args:
        first: Extension of the first segment without the dot, such as ``E01``.
    """
    letter = first[0]
    letters = string.ascii_lowercase if letter.islower() else string.ascii_uppercase
    yield from (f"{letter}{number:02d}" for number in range(1, 100))
    for initial in letters[letters.index(letter) :]:
        yield from (initial + second + third for second, third in product(letters, letters))


def _segment_paths(first: Path) -> Iterator[Path]:
    """Generate the paths of an image's segments; only the first if its name does not follow the convention."""
    yield first
    extension = first.suffix[1:]
    if extension.lower() in {"e01", "s01"}:
        extensions = segment_extensions(extension)
        next(extensions)
        for following in extensions:
            yield first.with_suffix(f".{following}")
    else:
        # Nothing says what the next segment is called; this name cannot exist, so it is reported missing
        yield first.with_name(f"{first.name} (segment 2; name the first segment .E01)")


def _refuse_number(first: Path, path: Path, expected: int, found: int) -> None:
    if expected == 1:
        raise ImageError(f"is segment {found} of an image, not the first one", str(path), "name the .E01 file")
    raise ImageError(
        f"{path.name} says it is segment {found} where segment {expected} belongs",
        str(first),
        "restore the names the acquisition tool gave the segments",
    )


def _read_segment(path: Path) -> _SegmentFile:
    """Follow the chain of sections of one segment file to its end."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            header = file.read(_FILE_HEADER.size)
            if len(header) < _FILE_HEADER.size or not header.startswith(EWF_MAGIC):
                raise ImageError("is no EWF segment file", str(path), "restore the segment from the original")
            number = _FILE_HEADER.unpack(header)[2]
            offset = _FILE_HEADER.size
            chunks = 0
            while True:
                file.seek(offset)
                descriptor = file.read(_SECTION.size)
                section = _section(descriptor)
                if section is None:
                    return _SegmentFile(number, "", offset, chunks)
                kind, following, length = section
                if kind in {"next", "done"}:
                    return _SegmentFile(number, kind, offset, chunks)
                if following <= offset or offset + length > size:
                    return _SegmentFile(number, "", offset, chunks)
                if kind == "table":
                    chunks += _TABLE_HEADER.unpack(file.read(_TABLE_HEADER.size))[0]
                offset = following
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror})", str(path), "check permissions and the medium") from error


def _section(descriptor: bytes) -> tuple[str, int, int] | None:
    """Parse a section descriptor: its type, the offset of the next one, its length; ``None`` if it is damaged."""
    if len(descriptor) < _SECTION.size:
        return None
    kind, following, length, _, checksum = _SECTION.unpack(descriptor)
    if zlib.adler32(descriptor[: _SECTION.size - 4]) != checksum:
        return None
    return kind.rstrip(b"\0").decode("ascii", "replace"), following, length
