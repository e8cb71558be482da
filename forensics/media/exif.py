"""The two things of a picture's Exif block that lead to another view of it: its turn and its thumbnail.

The block is read here rather than by Pillow, which reads all of it: some programs leave megabytes in it.

Source: Exif 2.32 (CIPA DC-008), sections 4.5.4 and 4.6.4.
"""

from __future__ import annotations

from itertools import islice

from forensics.hashing.perceptual import ORIGINAL
from forensics.media.tiff_directory import directories

MAX_EXIF_BYTES = 1024 * 1024
"""Of a longer block only this much is looked at."""

TURNS = {
    2: "flip-left-right",
    3: "rotate-180",
    4: "flip-top-bottom",
    5: "transpose",
    6: "rotate-270",
    7: "transverse",
    8: "rotate-90",
}
"""What a viewer does for each value of the orientation, by Pillow's names; rotations go counter-clockwise."""

_ORIENTATION = 274
_THUMBNAIL_OFFSET = 513
_THUMBNAIL_LENGTH = 514
_HEADER = b"Exif\0\0"


def turn(exif: bytes | memoryview) -> str:
    """The turn that an Exif block asks a viewer for.

    Args:
        exif: The block, with its ``Exif`` header or without.
    """
    for directory in islice(directories(_tiff_part(exif)), 1):
        orientation = directory.get(_ORIENTATION, ())
        return turn_of(orientation[0] if orientation else 1)
    return ORIGINAL


def turn_of(orientation: object) -> str:
    """The turn for one value of the Exif or TIFF orientation; none for what is no such value."""
    return TURNS.get(orientation, ORIGINAL) if isinstance(orientation, int) else ORIGINAL


def thumbnail(exif: bytes | memoryview) -> bytes | None:
    """The JPEG that an Exif block holds as a thumbnail.

    Args:
        exif: The block, with its ``Exif`` header or without.
    """
    tiff = _tiff_part(exif)
    for directory in islice(directories(tiff), 1, None):
        offset, length = directory.get(_THUMBNAIL_OFFSET, ()), directory.get(_THUMBNAIL_LENGTH, ())
        if offset and length:
            return bytes(tiff[offset[0] : offset[0] + length[0]]) or None
    return None


def _tiff_part(exif: bytes | memoryview) -> memoryview:
    view = memoryview(exif)[:MAX_EXIF_BYTES]
    return view[len(_HEADER) :] if exif[: len(_HEADER)] == _HEADER else view
