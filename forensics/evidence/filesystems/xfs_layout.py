"""Where things lie in an XFS: superblock and inodes.

Format: "XFS Algorithms & Data Structures" (3rd edition) and the kernel's ``xfs_format.h``. All numbers are big-endian.
Read here and not with libfsxfs, which fails on files of many extents, on names that are not UTF-8 and on truncated
images; the tests hold the result against the kernel's own reading.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from forensics.errors import FileSystemError
from forensics.evidence.stream import Times

MAGIC = b"XFSB"
SUPERBLOCK_SIZE = 512

_VERSION_MASK = 0xF
_DIRECTORY_V2 = 0x2000
_FEATURES2_FILE_TYPE = 0x200
_INCOMPATIBLE_FILE_TYPE = 1
_KNOWN_INCOMPATIBLE = 0b1111_1111
"""File types, sparse inodes, meta UUID, big time, needs repair, large extent counts, exchange range, parents."""

_INODE_MAGIC = b"IN"
_REALTIME = 1
_BIG_TIME = 1 << 3
_LARGE_EXTENT_COUNTS = 1 << 4
_BIG_TIME_EPOCH = 1 << 31
_SECOND = 1_000_000_000
_CACHED_BLOCKS = 2048

FORMAT_LOCAL, FORMAT_EXTENTS, FORMAT_TREE = 1, 2, 3
"""How a fork is stored: in the inode itself, as a list of extents there, as a B+ tree of extents."""


@dataclass(frozen=True, slots=True)
class Inode:
    """An inode.

    Attributes:
        number: Its number.
        mode: Type and permissions.
        size: Bytes.
        format: How its data fork is stored.
        fork: The data fork's bytes in the inode.
        extent_count: How many extents it has.
        realtime: Its blocks lie on another device.
        times: Its times.
    """

    number: int
    mode: int
    size: int
    format: int
    fork: bytes
    extent_count: int
    realtime: bool
    times: Times


class XfsLayout:
    """Reads the structures of one XFS.

    Args:
        read: Reads the volume: offset, length; gives fewer bytes at its end.

    Raises:
        FileSystemError: The superblock makes no sense, or asks for what this version does not know.
    """

    def __init__(self, read: Callable[[int, int], bytes]) -> None:
        self.read = read
        data = read(0, SUPERBLOCK_SIZE)
        if len(data) < SUPERBLOCK_SIZE:
            raise FileSystemError("the superblock is not there")
        self.block_size, self.blocks = struct.unpack_from(">IQ", data, 4)
        (self.root,) = struct.unpack_from(">Q", data, 56)
        self._group_blocks, self._groups = struct.unpack_from(">II", data, 84)
        version, _, self._inode_size, inodes = struct.unpack_from(">HHHH", data, 100)
        self._inode_bits, self._group_bits = data[123], data[124]
        self.directory_block_size = self.block_size << data[192]
        (features2,) = struct.unpack_from(">I", data, 200)
        (incompatible,) = struct.unpack_from(">I", data, 216)
        self.version = version & _VERSION_MASK
        self.has_file_types = bool(
            incompatible & _INCOMPATIBLE_FILE_TYPE if self.version == 5 else features2 & _FEATURES2_FILE_TYPE
        )
        sound = (
            self.block_size in {1 << bits for bits in range(9, 17)}
            and self._inode_size in {1 << bits for bits in range(8, 12)}
            and inodes == self.block_size // self._inode_size == 1 << self._inode_bits
            and data[192] <= 16 - self.block_size.bit_length() + 1
            and 0 < self._group_blocks <= 1 << self._group_bits
            and self._group_bits < 32
            and (self._groups - 1) * self._group_blocks < self.blocks <= self._groups * self._group_blocks
        )
        if not sound:
            raise FileSystemError("the superblock is damaged")
        if self.version not in {4, 5} or not version & _DIRECTORY_V2:
            raise FileSystemError(f"version {self.version} of the format is not supported")
        if self.version == 5 and incompatible & ~_KNOWN_INCOMPATIBLE:
            raise FileSystemError(f"has unknown features (0x{incompatible & ~_KNOWN_INCOMPATIBLE:x})")
        self._block = lru_cache(_CACHED_BLOCKS)(lambda place: read(place, self.block_size))

    def inode(self, number: int) -> Inode:
        """Read an inode.

        Raises:
            FileSystemError: There is none of that number, or it cannot be read.
        """
        block, index = number >> self._inode_bits, number & ((1 << self._inode_bits) - 1)
        start = index * self._inode_size
        data = self._block(self.place(block))[start : start + self._inode_size]
        if len(data) < self._inode_size or data[:2] != _INODE_MAGIC:
            raise FileSystemError(f"inode {number} is not there")
        return _inode(number, data)

    def place(self, block: int) -> int:
        """Byte offset in the volume of a block, by the number that names its allocation group as well.

        Raises:
            FileSystemError: There is no such block.
        """
        group, within = block >> self._group_bits, block & ((1 << self._group_bits) - 1)
        absolute = group * self._group_blocks + within
        if within >= self._group_blocks or absolute >= self.blocks:
            raise FileSystemError(f"block {block} lies outside the file system")
        return int(absolute * self.block_size)


def _inode(number: int, data: bytes) -> Inode:
    (mode,) = struct.unpack_from(">H", data, 2)
    version, form = data[4], data[5]
    (size,) = struct.unpack_from(">q", data, 56)
    (flags,) = struct.unpack_from(">H", data, 90)
    (extent_count,) = struct.unpack_from(">I", data, 76)
    flags2, start, created = 0, 100, None
    if version >= 3:
        (flags2,) = struct.unpack_from(">Q", data, 120)
        (own,) = struct.unpack_from(">Q", data, 152)
        if own != number:
            raise FileSystemError(f"in the place of inode {number} stands another one")
        if flags2 & _LARGE_EXTENT_COUNTS:
            (extent_count,) = struct.unpack_from(">Q", data, 24)
        start, created = 176, _time(data, 144, flags2)
    end = start + data[82] * 8 if data[82] else len(data)
    times = Times(_time(data, 40, flags2), _time(data, 32, flags2), _time(data, 48, flags2), created)
    return Inode(number, mode, size, form, data[start:end], extent_count, bool(flags & _REALTIME), times)


def _time(data: bytes, offset: int, flags2: int) -> int | None:
    """A time in nanoseconds since 1970; ``None`` where none was ever written."""
    if flags2 & _BIG_TIME:
        (value,) = struct.unpack_from(">Q", data, offset)
        return int(value) - _BIG_TIME_EPOCH * _SECOND if value else None
    seconds, nanoseconds = struct.unpack_from(">iI", data, offset)
    return seconds * _SECOND + nanoseconds if seconds or nanoseconds else None
