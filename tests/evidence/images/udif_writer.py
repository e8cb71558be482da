"""Writes UDIF images, in every compression that a chunk can have."""

from __future__ import annotations

import bz2
import itertools
import lzma
import plistlib
import struct
import zlib
from collections.abc import Callable, Sequence

import lzfse

_SECTOR = 512
IGNORED, PLAIN, COMMENT, END = 2, 1, 0x7FFFFFFE, 0xFFFFFFFF


def adc(data: bytes) -> bytes:
    """Apple Data Compression: runs as references of both kinds, all else as it is."""
    output = bytearray()
    position = 0
    while position < len(data):
        run = 1
        while run < 68 and position + run < len(data) and data[position + run] == data[position]:
            run += 1
        if run > 8:
            output += bytes([0x80, data[position]])
            short = min(run - 1, 18)
            if run - 1 > 18:
                output += bytes([0x40 | (run - 1 - 4), 0, 0])
            else:
                output += bytes([(short - 3) << 2, 0])
            position += run
        else:
            piece = data[position : position + 5]
            output += bytes([0x80 | (len(piece) - 1)]) + piece
            position += len(piece)
    return bytes(output)


METHODS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "plain": (PLAIN, bytes),
    "adc": (0x80000004, adc),
    "zlib": (0x80000005, zlib.compress),
    "bzip2": (0x80000006, bz2.compress),
    "lzfse": (0x80000007, lzfse.compress),
    "lzma": (0x80000008, lambda data: lzma.compress(data, format=lzma.FORMAT_XZ)),
}


def udif(disk: bytes, method: str, chunk: int = 1 << 18, parts: Sequence[int] = ()) -> bytes:
    """An image.

    Args:
        disk: The medium.
        method: How its chunks are compressed; one of :data:`METHODS`.
        chunk: Bytes a chunk.
        parts: Where on the medium a further table begins, in bytes.
    """
    data, tables = b"", []
    bounds = [0, *parts, len(disk)]
    for first, last in itertools.pairwise(bounds):
        entries, data = _chunks(disk[first:last], method, chunk, data)
        tables.append(_table(disk[first:last], first, entries))
    listed = [{"Attributes": "0x0050", "CFName": "", "Data": table, "ID": "-1", "Name": ""} for table in tables]
    properties = plistlib.dumps({"resource-fork": {"blkx": listed}})
    return data + properties + _trailer(disk, data, len(data), len(properties))


def _chunks(part: bytes, method: str, size: int, data: bytes) -> tuple[bytes, bytes]:
    kind, compress = METHODS[method]
    entries = struct.pack(">IIQQQQ", COMMENT, 0x2B626567, 0, 0, len(data), 0)
    for start in range(0, len(part), size):
        content = part[start : start + size]
        stored = compress(content) if any(content) else b""
        found = kind if stored else IGNORED
        entries += struct.pack(">IIQQQQ", found, 0, start // _SECTOR, len(content) // _SECTOR, len(data), len(stored))
        data += stored
    return entries + struct.pack(">IIQQQQ", END, 0, len(part) // _SECTOR, 0, len(data), 0), data


def _table(part: bytes, first: int, entries: bytes) -> bytes:
    head = struct.pack(">4sIQQQII24x", b"mish", 1, first // _SECTOR, len(part) // _SECTOR, 0, 4096, 0)
    return head + _checksum(part) + struct.pack(">I", len(entries) // 40) + entries


def _trailer(disk: bytes, data: bytes, list_offset: int, list_size: int) -> bytes:
    head = struct.pack(">4sIIIQQQQQII16x", b"koly", 4, 512, 1, 0, 0, len(data), 0, 0, 1, 1) + _checksum(data)
    head += struct.pack(">QQ120x", list_offset, list_size) + _checksum(disk)
    return head + struct.pack(">IQ12x", 1, len(disk) // _SECTOR)


def _checksum(data: bytes) -> bytes:
    return struct.pack(">III124x", 2, 32, zlib.crc32(data))
