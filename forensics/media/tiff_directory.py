"""Reads the image file directories of a TIFF structure: TIFF files, camera RAW files and Exif blocks.

Only what is needed to find embedded pictures, out of files that may lie: counts and offsets are bounded, and what
cannot be read is left out.

Source: TIFF 6.0 (Adobe, 1992), section 2; Adobe TIFF Technical Note 1 for sub-directories.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

MAX_DIRECTORIES = 64
"""Directories looked at in one file."""

_MAX_ENTRIES = 1024
_MAX_VALUES = 4096
_SUB_DIRECTORIES = 330
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_FIELD_FORMATS = {1: "B", 3: "H", 4: "I", 7: "B", 13: "I"}
"""Field types that hold whole numbers, as ``struct`` writes them; 7 is bytes of any meaning."""

Directory = Mapping[int, tuple[int, ...]]
"""The whole numbers of one directory by tag. Of undefined bytes only offset and length are given."""


def directories(data: memoryview, with_sub_directories: bool = False) -> Iterator[Directory]:
    """The directories of a TIFF structure, in the order of their chain.

    Args:
        data: The structure from its byte order mark on.
        with_sub_directories: Also those that a directory names as its own, each after it.
    """
    order = _BYTE_ORDERS.get(bytes(data[:2]))
    if order is None or len(data) < 8:
        return
    waiting = list(struct.unpack_from(f"{order}I", data, 4))
    seen: set[int] = set()
    while waiting and len(seen) < MAX_DIRECTORIES:
        offset = waiting.pop(0)
        if offset == 0 or offset in seen:
            continue
        seen.add(offset)
        try:
            directory, following = _directory(data, offset, order)
        except struct.error:  # beyond the end
            continue
        waiting.insert(0, following)
        if with_sub_directories:
            waiting[:0] = directory.get(_SUB_DIRECTORIES, ())[:MAX_DIRECTORIES]
        yield directory


def _directory(data: memoryview, offset: int, order: str) -> tuple[Directory, int]:
    """One directory and the offset of the next, which is zero after the last."""
    (count,) = struct.unpack_from(f"{order}H", data, offset)
    entries: dict[int, tuple[int, ...]] = {}
    for index in range(min(count, _MAX_ENTRIES)):
        position = offset + 2 + 12 * index
        tag, field_type, length = struct.unpack_from(f"{order}HHI", data, position)
        field_format = _FIELD_FORMATS.get(field_type)
        if field_format is None:
            continue
        if struct.calcsize(field_format) * length > 4:
            (position,) = struct.unpack_from(f"{order}I", data, position + 8)
        else:
            position += 8
        if field_format == "B":
            entries[tag] = (position, length)
        elif length <= _MAX_VALUES and position + struct.calcsize(field_format) * length <= len(data):
            entries[tag] = struct.unpack_from(f"{order}{length}{field_format}", data, position)
    try:
        (following,) = struct.unpack_from(f"{order}I", data, offset + 2 + 12 * count)
    except struct.error:  # some writers leave it out at the end of an Exif block
        following = 0
    return entries, following
