"""Turns a VHDX of qemu-img into a differencing one, and changes headers, with the checksums made right."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Mapping

HEADERS = (64 << 10, 128 << 10)
REGIONS = (192 << 10, 256 << 10)
_BLOCK_TABLE = uuid.UUID("2dc27766-f623-4200-9d64-115e9bfd4a08").bytes_le
_METADATA = uuid.UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e").bytes_le
_FILE_PARAMETERS = uuid.UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b").bytes_le
_PARENT_LOCATOR = uuid.UUID("a8d35f2d-b30b-454d-abf7-d3d84834ab0c").bytes_le
_LOCATOR_TYPE = uuid.UUID("b04aefb7-d19e-4a81-b789-25b8e9445913").bytes_le
_MEGABYTE = 1 << 20
_SECTOR = 512


def crc32c(data: bytes) -> int:
    """CRC-32 of Castagnoli."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def change_headers(image: bytearray, offset: int, value: bytes) -> None:
    """Write into both headers."""
    for start in HEADERS:
        image[start + offset : start + offset + len(value)] = value
        image[start + 4 : start + 8] = bytes(4)
        struct.pack_into("<I", image, start + 4, crc32c(bytes(image[start : start + 4096])))


def regions(image: bytes) -> dict[bytes, int]:
    """Where the regions begin, by their kinds."""
    (count,) = struct.unpack_from("<I", image, REGIONS[0] + 8)
    places = (REGIONS[0] + 16 + 32 * number for number in range(count))
    return {bytes(image[place : place + 16]): struct.unpack_from("<Q", image, place + 16)[0] for place in places}


def data_write_identifier(image: bytes) -> uuid.UUID:
    """The identifier of a disk's content, which its children name as their parent."""
    current = max(HEADERS, key=lambda start: int.from_bytes(image[start + 8 : start + 16], "little"))
    return uuid.UUID(bytes_le=bytes(image[current + 32 : current + 48]))


def differencing(parent: bytes, name: str, sectors: Mapping[int, bytes], linkage: uuid.UUID | None = None) -> bytes:
    """A child of a small dynamic disk without data of its own in ``parent``'s place, holding some sectors.

    Args:
        parent: The parent, whose blocks must be of 1 MiB.
        name: Name of the parent's file.
        sectors: Content of sectors, by number.
        linkage: Identifier of the parent's content; the right one if left out.
    """
    linkage = linkage or data_write_identifier(parent)
    places = regions(parent)
    table, metadata = places[_BLOCK_TABLE], places[_METADATA]
    image = bytearray(parent[: max(table, metadata) + _MEGABYTE])
    _describe_parent(image, metadata, name, linkage)
    image[table : table + _MEGABYTE] = bytes(_MEGABYTE)
    bitmap = bytearray(_MEGABYTE)
    blocks = sorted({number * _SECTOR // _MEGABYTE for number in sectors})
    for block in blocks:
        own = {number: data for number, data in sectors.items() if number * _SECTOR // _MEGABYTE == block}
        data = bytearray(b"?" * _MEGABYTE)
        for number, content in own.items():
            bitmap[number // 8] |= 1 << number % 8
            start = number * _SECTOR % _MEGABYTE
            data[start : start + _SECTOR] = content
        struct.pack_into("<Q", image, table + block * 8, len(image) | 7)
        image += data
    if blocks:
        # 2**23 sectors of 512 bytes for each bitmap: it follows the entries of 4,096 blocks of 1 MiB
        struct.pack_into("<Q", image, table + 4096 * 8, len(image) | 6)
        image += bitmap
    change_headers(image, 32, uuid.UUID(int=7).bytes_le)
    return bytes(image)


def _describe_parent(image: bytearray, metadata: int, name: str, linkage: uuid.UUID) -> None:
    (count,) = struct.unpack_from("<H", image, metadata + 10)
    for number in range(count):
        entry = metadata + 32 + 32 * number
        if image[entry : entry + 16] == _FILE_PARAMETERS:
            (offset,) = struct.unpack_from("<I", image, entry + 16)
            image[metadata + offset + 4] |= 2
    pairs = {"parent_linkage": f"{{{linkage}}}", "relative_path": f".\\{name}", "absolute_win32_path": f"C:\\{name}"}
    header = _LOCATOR_TYPE + struct.pack("<HH", 0, len(pairs))
    entries, texts = b"", b""
    start = len(header) + 12 * len(pairs)
    for key, value in pairs.items():
        key_data, value_data = key.encode("utf-16-le"), value.encode("utf-16-le")
        place = start + len(texts)
        entries += struct.pack("<IIHH", place, place + len(key_data), len(key_data), len(value_data))
        texts += key_data + value_data
    item = header + entries + texts
    place = 0x30000
    image[metadata + place : metadata + place + len(item)] = item
    entry = metadata + 32 + 32 * count
    image[entry : entry + 32] = _PARENT_LOCATOR + struct.pack("<III4x", place, len(item), 4)
    struct.pack_into("<H", image, metadata + 10, count + 1)
