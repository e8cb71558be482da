"""AD1 images: the logical images of AccessData and FTK Imager. They hold files and folders, not the sectors of a disk.

An image is one or more segment files (``.ad1``, ``.ad2`` ...), each with a header of 512 bytes. What follows the
headers is one run of bytes, the "medium" here; all offsets in the format are offsets in it. The items are listed by
:mod:`forensics.evidence.filesystems.ad1`.

The format is not published by its maker. Facts of it: the public descriptions pyad1 and AD1-tools name, checked against
images that FTK Imager wrote.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from pathlib import Path
from typing import ClassVar

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import ImageFormat
from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.piecewise import PiecewiseImage
from forensics.evidence.images.read_only_file import ReadOnlyFile
from forensics.evidence.stream import display_text

SEGMENT_HEADER_SIZE = 512
"""Bytes before the medium's bytes in each segment file."""

SEGMENT_MAGIC = b"ADSEGMENTEDFILE\0"
_IMAGE_MAGIC = b"ADLOGICALIMAGE\0\0"
_SEGMENT_HEADER = struct.Struct("<16s8xIIQI")
_IMAGE_HEADER = struct.Struct("<16sI4xIQQI")
_ENDS = struct.Struct("<4x8xQ8xQ8x")
_NEWEST, _WITH_ENDS = 4, 4
_LARGEST_CHUNK = 16 << 20
_LARGEST_NAME = 1 << 16
_MOST_SEGMENTS = 10_000
_COPY = "copy or acquire the image again"


class Ad1Image(PiecewiseImage):
    r"""An open AD1 image.

    Attributes:
        source_name: What the items were taken from, as stored, such as ``E:\Users``.
        chunk_size: Bytes of an item that are compressed together.
        first_item: Offset of the first item in the medium; 0 if there is none.
    """

    format: ClassVar[str] = "ad1"
    holds_files: ClassVar[bool] = True

    def _open(self) -> None:
        count, nominal = _read_header(self.path, 1)
        self.segments = _find_segments(self.path, count)
        self._files = SegmentFiles(self.segments)
        self._resources.callback(self._files.close)
        self._starts: list[int] = []
        self.size = 0
        for number, path in enumerate(self.segments, start=1):
            if number > 1 and _read_header(path, number)[0] != count:
                raise ImageError(
                    f"segment {number} is of another image: the two name different numbers of segments",
                    str(path),
                    "put the segments of each image into a folder of their own",
                )
            self._starts.append(self.size)
            self.size += self._segment_size(number, path, nominal)
        self._read_image_header()

    def _segment_size(self, number: int, path: Path, nominal: int) -> int:
        """Bytes of the medium that a segment holds, or should hold."""
        try:
            held = max(path.stat().st_size - SEGMENT_HEADER_SIZE, 0)
        except OSError as error:
            raise ImageError(f"cannot be read ({error.strerror})", str(path), "check permissions") from error
        expected = nominal - SEGMENT_HEADER_SIZE
        # all segments but the last one are filled up to the size that each of them states
        if number == len(self.segments) or not 0 < expected < 1 << 62:
            return held
        if held != expected and not self.damage:
            self.damage = f"segment {number} holds {held} bytes instead of {expected}"
        return expected

    def _read_image_header(self) -> None:
        header = self._medium_bytes(0, _IMAGE_HEADER.size)
        magic, version, chunk_size, _, first_item, name_size = _IMAGE_HEADER.unpack(header)
        if magic != _IMAGE_MAGIC:
            raise ImageError("has no header of a logical image behind that of its first segment", str(self.path), _COPY)
        if version not in {_NEWEST - 1, _NEWEST}:
            raise ImageError(f"is an AD1 of version {version}, which is not read", str(self.path), "export it as raw")
        if not 0 < chunk_size <= _LARGEST_CHUNK or name_size > _LARGEST_NAME:
            raise ImageError("has a damaged header", str(self.path), _COPY)
        position = _IMAGE_HEADER.size
        if version >= _WITH_ENDS:
            ends = _ENDS.unpack(self._medium_bytes(position, _ENDS.size))
            position += _ENDS.size
            if max(ends) >= self.size and not self.damage:
                self.damage = f"breaks off at byte {self.size}, its last tables should begin at byte {max(ends)}"
        self.source_name = self._medium_bytes(position, name_size)
        self.chunk_size = chunk_size
        self.first_item = first_item
        if name_size:
            self.metadata = {"description": display_text(self.source_name)}

    def _medium_bytes(self, offset: int, length: int) -> bytes:
        data = self.read_at(offset, length)
        if len(data) < length:
            raise ImageError("breaks off within its header", str(self.path), _COPY)
        return data

    def _piece(self, offset: int, most: int) -> bytes:
        segment = bisect_right(self._starts, offset) - 1
        start = self._starts[segment]
        stop = self._starts[segment + 1] if segment + 1 < len(self._starts) else self.size
        return self._files.read(segment, SEGMENT_HEADER_SIZE + offset - start, min(most, stop - offset))


class Ad1Format(ImageFormat):
    """AD1 logical images in one or more segments."""

    name: ClassVar[str] = "ad1"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  the name proves nothing
        """Tell whether a file is a segment of an AD1 (see :meth:`ImageFormat.recognises`)."""
        return head.startswith(SEGMENT_MAGIC)

    def open(self, path: Path) -> Ad1Image:
        """Open an AD1 (see :meth:`ImageFormat.open`)."""
        return Ad1Image(path)


def _read_header(path: Path, number: int) -> tuple[int, int]:
    """Read the header of a segment file.

    Args:
        path: The file.
        number: Which segment it should be, from 1.

    Returns:
        How many segments the image has, and the bytes of each one that is full, header included.

    Raises:
        ImageError: It is no segment of an AD1, or another one.
    """
    with ReadOnlyFile(path) as file:
        header = file.read_exactly(0, SEGMENT_HEADER_SIZE, "the header of the segment")
    magic, found, count, nominal, header_size = _SEGMENT_HEADER.unpack_from(header)
    if magic != SEGMENT_MAGIC:
        raise ImageError("is no segment of an AD1 image", str(path), "restore the segment from the original")
    if header_size != SEGMENT_HEADER_SIZE or not 0 < count <= _MOST_SEGMENTS:
        raise ImageError("has a damaged segment header", str(path), _COPY)
    if found != number:
        remedy = "name the .ad1 file" if number == 1 else "restore the names the acquisition tool gave the segments"
        raise ImageError(f"is segment {found} of an image where segment {number} belongs", str(path), remedy)
    return count, nominal


def _find_segments(first: Path, count: int) -> tuple[Path, ...]:
    """Find all segments: ``.ad1``, ``.ad2`` and so on.

    Raises:
        MissingSegmentError: One is not there.
    """
    if count == 1:
        return (first,)
    prefix = first.suffix[:3] if first.suffix.lower() == ".ad1" else f"{first.suffix}.ad"
    paths = (first, *(first.with_suffix(f"{prefix}{number}") for number in range(2, count + 1)))
    for number, path in enumerate(paths, start=1):
        if not path.is_file():
            raise MissingSegmentError(
                f"segment {number} of {count} is missing: {path.name} must lie beside the first one",
                str(first),
                "copy all segments into one folder; examining the rest would miss evidence silently",
            )
    return paths
