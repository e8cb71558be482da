"""Writes differencing VHDs, which no tool at hand makes, and repairs checksums after a change."""

from __future__ import annotations

import struct
from collections.abc import Mapping

FOOTER, HEADER, SECTOR = 512, 1024, 512
_CHECKSUMS = {FOOTER: 64, HEADER: 36}


def checked(data: bytes) -> bytes:
    """A footer or header with its checksum made right."""
    place = _CHECKSUMS[len(data)]
    data = data[:place] + bytes(4) + data[place + 4 :]
    return data[:place] + struct.pack(">I", ~sum(data) & 0xFFFFFFFF) + data[place + 4 :]


def footer(size: int, kind: int, identifier: bytes, header: int = FOOTER) -> bytes:
    fields = struct.pack(">8sIIQI4sI4sQQ4sI4x16s", b"conectix", 2, 0x10000, header, 0, b"test", 1, b"Wi2k", size, size,
                         bytes(4), kind, identifier)  # fmt: skip
    return checked(fields.ljust(FOOTER, b"\0"))


def header(table: int, blocks: int, block_size: int, parent: bytes = bytes(16), name: str = "") -> bytes:
    fields = struct.pack(">8sQQIII4x16s8x512s", b"cxsparse", (1 << 64) - 1, table, 0x10000, blocks, block_size, parent,
                         name.encode("utf-16-be"))  # fmt: skip
    return checked(fields.ljust(HEADER, b"\0"))


def differencing(
    size: int,
    sectors: Mapping[int, bytes],
    parent: bytes,
    name: str,
    identifier: bytes = bytes(range(16)),
    block_size: int = 1 << 16,
) -> bytes:
    """A differencing disk that holds some sectors of its own, by number."""
    count = -(-size // block_size)
    in_block = block_size // SECTOR
    bitmap_size = -(-in_block // 8 // SECTOR) * SECTOR
    table = FOOTER + HEADER
    start = table + -(-count * 4 // SECTOR) * SECTOR
    entries, blocks = [], b""
    for block in range(count):
        own = {number - block * in_block: data for number, data in sectors.items() if number // in_block == block}
        entries.append((start + len(blocks)) // SECTOR if own else 0xFFFFFFFF)
        if own:
            bitmap = bytearray(bitmap_size)
            data = bytearray(b"?" * block_size)
            for number, content in own.items():
                bitmap[number // 8] |= 0x80 >> number % 8
                data[number * SECTOR : (number + 1) * SECTOR] = content
            blocks += bytes(bitmap) + bytes(data)
    end = footer(size, 4, identifier)
    body = end + header(table, count, block_size, parent, name) + struct.pack(f">{count}I", *entries)
    return body.ljust(start, b"\xff") + blocks + end
