"""The headers and tables of regions of a VHDX, which it has twice, each with a CRC-32C.

libvhdi (20260901) does not check the headers, and refuses an image whose first table of regions is damaged although
the second one is sound. So both are checked here, and it is given a sound copy in the place of a damaged one.

Format: Microsoft, [MS-VHDX], sections 2.2.2 and 2.2.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forensics.evidence.images.read_only_file import ReadOnlyFile

_HEADER = struct.Struct("<4s4xQ16s16s16s")
_HEADER_SIZE, _REGIONS_SIZE = 4 << 10, 64 << 10
_HEADERS = (64 << 10, 128 << 10)
_REGIONS = (192 << 10, 256 << 10)
_REGION_TABLE = struct.Struct("<4s4xI4x")
_REGION = struct.Struct("<16sQI4x")
_MOST_REGIONS = 2047
_LARGEST_TABLE = 256 << 20
_BLOCK_TABLE = bytes.fromhex("6677c22d23f600429d64115e9bfd4a08")
_STATE, _STORED_STATES = 7, (6, 7)
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class VhdxHeaders:
    """What the headers of a VHDX say.

    Attributes:
        repairs: Sound content by offset, for the places of damaged copies.
        damages: What is wrong, each as a sentence without a full stop.
    """

    repairs: dict[int, bytes]
    damages: tuple[str, ...]


class RepairedFile(ReadOnlyFile):
    """A file in which some places read as if they held something else.

    Attributes:
        repairs: What they hold, by offset.
    """

    def __init__(self, path: Path) -> None:
        self.repairs: dict[int, bytes] = {}
        super().__init__(path)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the file (see :meth:`ReadOnlyFile.read_at`)."""
        data = super().read_at(offset, length)
        for start, content in self.repairs.items():
            first, last = max(start, offset), min(start + len(content), offset + len(data))
            if first < last:
                data = data[: first - offset] + content[first - start : last - start] + data[last - offset :]
        return data


def read_headers(file: ReadOnlyFile) -> VhdxHeaders:
    """Check headers, tables of regions, log and table of blocks."""
    repairs: dict[int, bytes] = {}
    damages: list[str] = []
    headers = _sound_copies(file, _HEADERS, _HEADER_SIZE, b"head")
    regions = _sound_copies(file, _REGIONS, _REGIONS_SIZE, b"regi")
    for what, starts, copies in (("headers", _HEADERS, headers), ("tables of regions", _REGIONS, regions)):
        missing = [start for start in starts if start not in copies]
        if missing:
            damages.append(f"{len(missing)} of its 2 {what} are damaged")
        if copies:
            repairs.update(dict.fromkeys(missing, next(iter(copies.values()))))
    found = [_HEADER.unpack_from(data)[1:5:3] for data in headers.values()]
    if found and any(max(found)[1]):
        damages.append("its log holds changes to its block table that were not made before its host stopped")
    beyond = max((_blocks_beyond_end(file, table) for table in regions.values()), default=0)
    if beyond:
        damages.append(f"the file breaks off at byte {file.size}: {beyond} blocks lie beyond it")
    return VhdxHeaders(repairs, tuple(damages))


def _sound_copies(file: ReadOnlyFile, starts: tuple[int, int], size: int, magic: bytes) -> dict[int, bytes]:
    copies = {start: file.read_at(start, size) for start in starts}
    return {
        start: data
        for start, data in copies.items()
        if data.startswith(magic) and _crc32c(data[:4] + bytes(4) + data[8:]) == int.from_bytes(data[4:8], "little")
    }


def _blocks_beyond_end(file: ReadOnlyFile, regions: bytes) -> int:
    """Count the stored blocks that begin beyond the end of the file."""
    count = min(_REGION_TABLE.unpack_from(regions)[1], _MOST_REGIONS)
    for number in range(count):
        kind, offset, length = _REGION.unpack_from(regions, _REGION_TABLE.size + number * _REGION.size)
        if kind == _BLOCK_TABLE:
            data = file.read_at(offset, min(length, _LARGEST_TABLE))
            entries = np.frombuffer(data[: len(data) // 8 * 8], "<u8")
            stored = np.isin(entries & _STATE, _STORED_STATES)
            return int(np.count_nonzero(stored & ((entries >> 20) * _MEGABYTE >= file.size)))
    return 0


def _table() -> Iterator[int]:
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


_TABLE = tuple(_table())


def _crc32c(data: bytes) -> int:
    """CRC-32 of Castagnoli (RFC 3720, appendix B.4)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF
