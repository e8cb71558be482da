"""Reads directories of XFS: names and inode numbers (format: see :mod:`forensics.evidence.filesystems.xfs_layout`)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from forensics.errors import FileSystemError
from forensics.evidence.filesystems.xfs_extents import ExtentReader
from forensics.evidence.filesystems.xfs_layout import FORMAT_LOCAL, Inode, XfsLayout

_DATA_END = 1 << 35
"""Names lie below this offset in the directory, indexes for searching above it."""

_BLOCK_MAGIC = {b"XD2B": 16, b"XDB3": 64}
"""A directory of a single block, with its index at the end: size of the header by magic."""
_DATA_MAGIC = {b"XD2D": 16, b"XDD3": 64}
_UNUSED = 0xFFFF
_ALIGNMENT = 8


def names(layout: XfsLayout, directory: Inode) -> Iterator[tuple[bytes, int] | str]:
    """List a directory without ``.`` and ``..``.

    Args:
        layout: The file system.
        directory: Its inode.

    Yields:
        Name and inode number; a text where a block of the directory is damaged.

    Raises:
        FileSystemError: It cannot be read, or no further.
    """
    if directory.format == FORMAT_LOCAL:
        yield from _short_form(layout, directory)
        return
    content = ExtentReader(layout, directory)
    size = layout.directory_block_size
    for start in content.mapped(size, _DATA_END):
        try:
            yield from _block(content.read(start, size), layout)
        except (ValueError, struct.error, IndexError):
            yield f"the block at byte {start} of the directory is damaged"


def _short_form(layout: XfsLayout, directory: Inode) -> Iterator[tuple[bytes, int]]:
    """Names that stand in the inode itself."""
    fork = directory.fork[: max(directory.size, 0)]
    wide = 8 if len(fork) > 1 and fork[1] else 4
    offset = 2 + wide
    extra = int(layout.has_file_types)
    for _ in range(fork[0] if fork else 0):
        length = fork[offset] if offset < len(fork) else 0
        end = offset + 3 + length + extra + wide
        if not length or end > len(fork):
            raise FileSystemError("the names in the inode of the directory are damaged")
        yield fork[offset + 3 : offset + 3 + length], int.from_bytes(fork[end - wide : end], "big")
        offset = end


def _block(block: bytes, layout: XfsLayout) -> Iterator[tuple[bytes, int]]:
    """Names in one block of a directory."""
    offset = {**_BLOCK_MAGIC, **_DATA_MAGIC}.get(block[:4], 0)
    if not offset:
        raise ValueError("no block of names")
    end = len(block)
    if block[:4] in _BLOCK_MAGIC:
        (indexed,) = struct.unpack_from(">I", block, end - 8)
        end -= 8 + 8 * indexed
    while offset < end:
        tag, length = struct.unpack_from(">HH", block, offset)
        if tag != _UNUSED:
            number, name_length = struct.unpack_from(">QB", block, offset)
            name = block[offset + 9 : offset + 9 + name_length]
            length = -(-(9 + name_length + int(layout.has_file_types) + 2) // _ALIGNMENT) * _ALIGNMENT
            if not name_length or offset + length > end:
                raise ValueError("a name without end")
            if name not in {b".", b".."}:
                yield name, number
        elif length < _ALIGNMENT or length % _ALIGNMENT:
            raise ValueError("a gap without end")
        offset += length
