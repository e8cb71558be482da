"""Writes EWF segment files section by section, right or wrong, for what no acquisition tool can be made to write."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence

from forensics.evidence.images.ewf_sections import EWF_MAGIC

COMPRESSED = 0x80000000
FIRST_SECTION = 13
DESCRIPTOR = 76
CHUNK = 32768


def adler(data: bytes) -> bytes:
    return struct.pack("<I", zlib.adler32(data))


def checked(data: bytes) -> bytes:
    return data + adler(data)


def descriptor(kind: str, following: int, length: int) -> bytes:
    return checked(struct.pack("<16sQQ40x", kind.encode(), following, length))


def volume(
    chunks: int, sectors_per_chunk: int = 64, sector_size: int = 512, sectors: int | None = None, guid: bytes = b""
) -> bytes:
    sectors = chunks * sectors_per_chunk if sectors is None else sectors
    fields = struct.pack("<4xIIIQ", chunks & 0xFFFFFFFF, sectors_per_chunk, sector_size, sectors)
    return checked((fields.ljust(64, b"\0") + guid).ljust(1048, b"\0"))


def table(entries: Sequence[int], base: int = 0, count: int | None = None) -> bytes:
    data = struct.pack(f"<{len(entries)}I", *entries)
    header = struct.pack("<I4xQ4x", len(entries) if count is None else count, base)
    return checked(header) + checked(data)


def segment(sections: Iterable[tuple[str, bytes]], number: int = 1, end: str = "done") -> bytes:
    """A segment file of these sections, in order."""
    data = EWF_MAGIC + struct.pack("<BHH", 1, number, 0)
    for kind, content in sections:
        length = DESCRIPTOR + len(content)
        data += descriptor(kind, len(data) + length, length) + content
    return data + descriptor(end, len(data), 0)


def image(stored: Sequence[bytes], compressed: Sequence[bool], sectors: int | None = None) -> bytes:
    """An image of one segment whose chunks are stored as given."""
    start = FIRST_SECTION + 2 * DESCRIPTOR + len(volume(1))
    entries = []
    for chunk, packed in zip(stored, compressed, strict=True):
        entries.append(start | (COMPRESSED if packed else 0))
        start += len(chunk)
    return segment(
        [
            ("volume", volume(len(stored), sectors=sectors)),
            ("sectors", b"".join(stored)),
            ("table", table(entries)),
            ("table2", table(entries)),
        ]
    )


def sections(data: bytes) -> dict[str, int]:
    """Byte offset of the last section of each kind in a segment file."""
    found, offset = {}, FIRST_SECTION
    while True:
        kind, following = struct.unpack_from("<16sQ", data, offset)
        name = kind.rstrip(b"\0").decode()
        found[name] = offset
        if name in {"next", "done"}:
            return found
        offset = following
