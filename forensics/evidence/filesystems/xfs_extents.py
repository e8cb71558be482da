"""Where the bytes of a file of XFS lie (format: see :mod:`forensics.evidence.filesystems.xfs_layout`)."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.errors import FileSystemError
from forensics.evidence.filesystems.xfs_layout import FORMAT_EXTENTS, FORMAT_LOCAL, FORMAT_TREE, Inode, XfsLayout

_NODE_MAGIC = {b"BMAP": 24, b"BMA3": 72}
"""Size of the header of a B+ tree block, by its magic."""
_MAX_LEVEL = 16
_MAX_FILE_BLOCK = 1 << 54


@dataclass(frozen=True, slots=True)
class Extent:
    """A run of bytes of a file.

    Attributes:
        start: First byte in the file.
        length: Bytes.
        place: First byte in the volume.
        unwritten: Reserved and never written: reads as zeros.
    """

    start: int
    length: int
    place: int
    unwritten: bool


def extents(layout: XfsLayout, inode: Inode) -> Iterator[Extent]:
    """Give the extents of a file's data, in order.

    Raises:
        FileSystemError: They cannot be read, or no further.
    """
    end = 0
    for extent in _listed(layout, inode):
        if extent.start < end:
            raise _damaged(inode)
        end = extent.start + extent.length
        yield extent


def _listed(layout: XfsLayout, inode: Inode) -> Iterator[Extent]:
    if inode.format == FORMAT_EXTENTS:
        if inode.extent_count * 16 > len(inode.fork):
            raise _damaged(inode)
        yield from _records(layout, inode.fork[: inode.extent_count * 16])
    elif inode.format == FORMAT_TREE:
        yield from _tree(layout, inode)
    elif inode.format != FORMAT_LOCAL:
        raise FileSystemError(f"inode {inode.number} stores its data in an unknown way")


def _tree(layout: XfsLayout, inode: Inode) -> Iterator[Extent]:
    """Give the extents in the leaves of the B+ tree whose root is in the inode, without recursion."""
    seen: set[int] = set()
    stack = [(block, level - 1) for level, blocks in [_node(inode, inode.fork, 4, 0)] for block in reversed(blocks)]
    while stack:
        block, level = stack.pop()
        data = layout.read(layout.place(block), layout.block_size)
        header = _NODE_MAGIC.get(data[:4])
        if header is None or len(data) < layout.block_size or block in seen:
            raise _damaged(inode)
        seen.add(block)
        found, count = struct.unpack_from(">HH", data, 4)
        if found != level or count * 16 > len(data) - header:
            raise _damaged(inode)
        if level == 0:
            yield from _records(layout, data[header : header + count * 16])
        else:
            stack.extend((below, level - 1) for below in reversed(_node(inode, data, header, 4)[1]))


def _node(inode: Inode, data: bytes, header: int, offset: int) -> tuple[int, tuple[int, ...]]:
    """Level and children of a node of the B+ tree: behind its header, as many keys as there is room for, then these."""
    if len(data) < header:
        raise _damaged(inode)
    level, count = struct.unpack_from(">HH", data, offset)
    most = (len(data) - header) // 16
    if not 0 < level <= _MAX_LEVEL or count > most:
        raise _damaged(inode)
    return level, struct.unpack_from(f">{count}Q", data, header + most * 8)


def _records(layout: XfsLayout, data: bytes) -> Iterator[Extent]:
    for high, low in struct.iter_unpack(">QQ", data):
        start = high >> 9 & _MAX_FILE_BLOCK - 1
        block = (high & 0x1FF) << 43 | low >> 21
        count = low & (1 << 21) - 1
        if not count:
            raise FileSystemError("an extent without blocks")
        layout.place(block + count - 1)
        size = layout.block_size
        yield Extent(start * size, count * size, layout.place(block), bool(high >> 63))


def _damaged(inode: Inode) -> FileSystemError:
    return FileSystemError(f"the extents of inode {inode.number} are damaged")


class ExtentReader:
    """Reads the bytes of a file by its extents.

    Args:
        layout: The file system.
        inode: The file.

    Raises:
        FileSystemError: Its extents cannot be read.
    """

    def __init__(self, layout: XfsLayout, inode: Inode) -> None:
        self._layout = layout
        self._local = inode.fork if inode.format == FORMAT_LOCAL else None
        self._extents = list(extents(layout, inode))
        self._starts = [extent.start for extent in self._extents]

    def mapped(self, step: int, end: int) -> Iterator[int]:
        """Multiples of a size at which blocks are mapped, in order.

        Args:
            step: The size.
            end: Where to stop.
        """
        following = 0
        for extent in self._extents:
            first = max(extent.start // step * step, following)
            following = min(extent.start + extent.length, end)
            yield from range(first, following, step)
            following = -(-following // step) * step

    def read(self, offset: int, length: int) -> bytes:
        """Read bytes; holes are zeros.

        Raises:
            FileSystemError: They lie beyond the end of the image.
            ImageError: They cannot be read.
        """
        if self._local is not None:
            return self._local[offset : offset + length].ljust(length, b"\0")
        pieces = []
        end = offset + length
        index = max(bisect_right(self._starts, offset) - 1, 0)
        while offset < end:
            extent = self._extents[index] if index < len(self._extents) else None
            if extent is not None and offset >= extent.start + extent.length:
                index += 1
                continue
            if extent is None or offset < extent.start:
                stop = end if extent is None else min(end, extent.start)
                pieces.append(bytes(stop - offset))
            else:
                stop = min(end, extent.start + extent.length)
                pieces.append(self._read_extent(extent, offset, stop - offset))
            offset = stop
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_extent(self, extent: Extent, offset: int, length: int) -> bytes:
        if extent.unwritten:
            return bytes(length)
        piece = self._layout.read(extent.place + offset - extent.start, length)
        if len(piece) < length:
            raise FileSystemError("its blocks lie beyond the end of the image")
        return piece
