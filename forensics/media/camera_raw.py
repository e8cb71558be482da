"""Finds the JPEG previews inside camera RAW files.

A RAW file holds what the sensor saw, which every program develops in its own way, and the JPEG that the camera
developed itself, often at full size. The JPEG is what other programs show, send and hash.

Sources: TIFF 6.0; Adobe DNG 1.7; TIFF/EP (ISO 12234-2); for the signatures of the other formats the tables of ExifTool
and LibRaw.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from forensics.media.jpeg_segments import START_OF_IMAGE, segments
from forensics.media.tiff_directory import Directory, directories

PREFIX_SIZE = 16
"""How many of a file's first bytes tell the formats that have a signature of their own."""

MAX_PREVIEWS = 4
"""Previews of one file that are decoded, the largest first."""

_SIGNATURES = re.compile(
    rb"(?s)(?:II\x2a\0.{4}CR\x02|.{4}ftypcrx |IIR[OS]|MMOR|IIU\0|FUJIFILMCCD-RAW |II\x1a\0\0\0HEAPCCDR|\0MRM|FOVb)"
)
"""Canon CR2 and CR3, Olympus, Panasonic, Fujifilm, Canon CRW, Minolta, Sigma."""

_PLAIN_TIFF = (b"II\x2a\0", b"MM\0\x2a")
_DNG_VERSION = 50706
_COMPRESSION, _PHOTOMETRIC, _STRIP_OFFSETS, _STRIP_LENGTHS = 259, 262, 273, 279
_JPEG_OFFSET, _JPEG_LENGTH = 513, 514
_PANASONIC_PREVIEW = 46
_SENSOR_DATA = frozenset({32803, 34892})
"""Photometric interpretations of what is not developed yet: colour filter array and linear RAW."""

_JPEG_COMPRESSIONS = frozenset({6, 7})
_FRAME_HEADERS = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive."""

_OTHER_FRAME_HEADERS = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""RAW data is often lossless JPEG, whose frames are of another kind."""

_MAX_SEARCHED = 1024


def has_signature(head: bytes) -> bool:
    """Whether a content begins as a RAW format that is no plain TIFF.

    Args:
        head: The first bytes, :data:`PREFIX_SIZE` or more.
    """
    return _SIGNATURES.match(head) is not None


def is_camera_raw(data: bytes | bytearray | memoryview) -> bool:
    """Whether a content is a camera RAW file: by its signature, or a TIFF (DNG, NEF, ARW, PEF) with sensor data.

    Args:
        data: The whole content.
    """
    head = bytes(data[:PREFIX_SIZE])
    if has_signature(head):
        return True
    return head[:4] in _PLAIN_TIFF and any(
        _DNG_VERSION in directory or _is_sensor_data(directory)
        for directory in directories(memoryview(data), with_sub_directories=True)
    )


def previews(data: bytes | bytearray | memoryview) -> Iterator[memoryview]:
    """The JPEGs inside a RAW file: those its directories name, the largest first; without any, those found by search.

    Args:
        data: The whole content.
    """
    view = memoryview(data)
    named = {place: size for place in _named(view) if (size := jpeg_size(view[place[0] :])) is not None}
    places = named or _searched(view)
    largest_first = sorted(places, key=lambda place: -places[place])
    for start, length in largest_first[:MAX_PREVIEWS]:
        yield view[start : start + length]


def jpeg_size(data: memoryview) -> int | None:
    """Pixels of the JPEG that begins here, ``None`` if none does that shows a picture."""
    if bytes(data[:3]) != START_OF_IMAGE:
        return None
    for marker, content in segments(data):
        if marker in _FRAME_HEADERS:
            frame = bytes(data[content : content + 5])
            pixels = int.from_bytes(frame[1:3], "big") * int.from_bytes(frame[3:5], "big")
            return pixels if frame[:1] == b"\x08" and pixels else None
        if marker in _OTHER_FRAME_HEADERS:
            return None
    return None


def _is_sensor_data(directory: Directory) -> bool:
    return not _SENSOR_DATA.isdisjoint(directory.get(_PHOTOMETRIC, ()))


def _named(data: memoryview) -> Iterator[tuple[int, int]]:
    """Offset and length of what the directories call a JPEG."""
    for directory in directories(data, with_sub_directories=True):
        pairs = [(_JPEG_OFFSET, _JPEG_LENGTH)]
        is_jpeg = not _JPEG_COMPRESSIONS.isdisjoint(directory.get(_COMPRESSION, ()))
        if is_jpeg and not _is_sensor_data(directory):
            pairs.append((_STRIP_OFFSETS, _STRIP_LENGTHS))
        for offset_tag, length_tag in pairs:
            offset, length = directory.get(offset_tag, ()), directory.get(length_tag, ())
            if len(offset) == len(length) == 1:
                yield offset[0], length[0]
        if (preview := directory.get(_PANASONIC_PREVIEW)) and len(preview) == 2:
            yield preview[0], preview[1]


def _searched(data: memoryview) -> dict[tuple[int, int], int]:
    """Offset and length to the next of every JPEG that begins anywhere, with its pixels."""
    starts = [match.start() for match, _ in zip(re.finditer(START_OF_IMAGE, data), range(_MAX_SEARCHED), strict=False)]
    sizes = {start: size for start in starts if (size := jpeg_size(data[start:])) is not None}
    # a JPEG ends by its own marker; to cut it at the next would cut off one that holds a thumbnail
    return {(start, len(data) - start): size for start, size in sizes.items()}
