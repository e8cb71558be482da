"""The small picture that a camera or program put into a picture file: found with its decoder, or without.

Sources: Exif 2.32 (CIPA DC-008), section 4.5.5; Adobe Photoshop File Formats Specification (image resource 1036).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from forensics.hashing.perceptual import ORIGINAL
from forensics.media import exif
from forensics.media.jpeg_segments import START_OF_IMAGE, segments

_RESOURCE = 1036
_RESOURCE_HEADER = 28
"""Bytes of the Photoshop resource before its JPEG."""

_APP1, _APP13 = 0xE1, 0xED
_EXIF, _PHOTOSHOP, _MARK = b"Exif\0\0", b"Photoshop 3.0\0", b"8BIM"


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A thumbnail.

    Attributes:
        data: Its file, a JPEG as a rule.
        turn: How a viewer turns the picture it belongs to (see :class:`~forensics.media.picture.Picture`).
    """

    data: bytes
    turn: str


def of_image(image: Image.Image) -> bytes | None:
    """The thumbnail that Exif or Photoshop left in a picture which Pillow opened."""
    block = image.info.get("exif")
    if isinstance(block, bytes) and (found := exif.thumbnail(block)):
        return found
    resources = image.info.get("photoshop")  # in a PNG it may be a text: its words come under names of their own choice
    resource = resources.get(_RESOURCE) if isinstance(resources, dict) else None
    return resource[_RESOURCE_HEADER:] if isinstance(resource, bytes) else None


def of_jpeg(data: bytes | bytearray | memoryview) -> Thumbnail | None:
    """The thumbnail in the first segments of a JPEG, whose own pixels need not be there.

    Args:
        data: The content.

    Returns:
        ``None`` if it is no JPEG, or has none.
    """
    if bytes(data[: len(START_OF_IMAGE)]) != START_OF_IMAGE:
        return None
    block, photoshop = b"", b""
    for marker, start in segments(data):
        stop = start - 2 + int.from_bytes(data[start - 2 : start], "big")
        content = bytes(data[start:stop]) if marker in {_APP1, _APP13} else b""
        if marker == _APP1 and content.startswith(_EXIF) and len(block) < exif.MAX_EXIF_BYTES:
            block += content.removeprefix(_EXIF)  # a long one is in several segments
        elif marker == _APP13 and content.startswith(_PHOTOSHOP):
            photoshop = photoshop or _photoshop_thumbnail(content)
    found = (exif.thumbnail(block) if block else None) or photoshop
    return Thumbnail(found, exif.turn(block) if block else ORIGINAL) if found else None


def _photoshop_thumbnail(content: bytes) -> bytes:
    return next((resource[_RESOURCE_HEADER:] for number, resource in _resources(content) if number == _RESOURCE), b"")


def _resources(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The image resources in a segment, each with its number. Names and contents are padded to even lengths."""
    place = len(_PHOTOSHOP)
    while content[place : place + 4] == _MARK and place + 7 <= len(content):
        number = int.from_bytes(content[place + 4 : place + 6], "big")
        size_at = place + 6 + (1 + content[place + 6] + 1) // 2 * 2
        size = int.from_bytes(content[size_at : size_at + 4], "big")
        yield number, content[size_at + 4 : size_at + 4 + size]
        place = size_at + 4 + size + size % 2
