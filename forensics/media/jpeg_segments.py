"""Steps through the marker segments of a JPEG up to its first scan.

Source: ITU-T T.81, annex B.
"""

from __future__ import annotations

from collections.abc import Iterator

START_OF_IMAGE = b"\xff\xd8\xff"
"""How every JPEG begins."""

START_OF_SCAN = 0xDA
"""Marker of the last segment before compressed data."""

MAX_SEGMENTS = 4096
"""Segments looked at in one file."""


def segments(data: bytes | bytearray | memoryview) -> Iterator[tuple[int, int]]:
    """The marker segments from the start of an image to its first scan, that included.

    Args:
        data: A JPEG from its first byte on; what follows it does no harm.

    Yields:
        The marker's second byte, and where the segment's own content begins, behind its length.
    """
    position = 2
    for _ in range(MAX_SEGMENTS):
        while position + 1 < len(data) and data[position + 1] == 0xFF:  # fill bytes
            position += 1
        if position + 4 > len(data) or data[position] != 0xFF:
            return
        marker = data[position + 1]
        yield marker, position + 4
        if marker == START_OF_SCAN:
            return
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
