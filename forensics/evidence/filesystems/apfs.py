"""APFS, read with libfsapfs. A container is opened by :mod:`forensics.evidence.layers.apfs`, which gives these.

Transparent compression with deflate, LZVN and LZFSE is undone by the library; a file compressed in another way, or
whose content is only in a cloud, is marked. Deleted files, snapshots and extended attributes are not listed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pyfsapfs

from forensics.errors import FileSystemError, StreamReadError
from forensics.evidence.filesystem import StreamReader
from forensics.evidence.filesystems.allocated_tree import AllocatedTree, Facts, Node
from forensics.evidence.filesystems.tsk_attribute import SPARSE_LIMIT
from forensics.evidence.libyal_reader import LibyalReader
from forensics.evidence.stream import Times
from forensics.evidence.volume_file import LIBYAL_ERRORS, VolumeFile
from forensics.reason import Reason

_SPARSE_EXTENT = 1
_COMPRESSION_ATTRIBUTE = "com.apple.decmpfs"
_COMPRESSION_HEADER = struct.Struct("<4sIQ")
_READABLE_COMPRESSION = {3, 4, 7, 8, 11, 12}
"""Deflate, LZVN and LZFSE, each in the attribute or in the resource fork (``decmpfs.h`` of XNU)."""
_PIECE = 1 << 30
"""Most bytes asked for at a time: the library takes less than 2 GiB."""


class ApfsFileSystem(AllocatedTree):
    """A volume of an APFS container.

    Args:
        file: What the library reads from.
        offset: Byte offset of the container in the image.
        size: Bytes of the container.
        container: The ``pyfsapfs.container``, kept open.
        volume: The ``pyfsapfs.volume``, unlocked.
    """

    def __init__(
        self, file: VolumeFile, offset: int, size: int, container: pyfsapfs.container, volume: pyfsapfs.volume
    ) -> None:
        self.type = "apfs"
        self.size = size
        self._file = file
        self._offset = offset
        self._container = container
        self._volume = volume

    def _root(self) -> Node:
        try:
            return _node(self._volume.get_root_directory())
        except LIBYAL_ERRORS as error:
            raise FileSystemError(self._file.explain(error)) from error

    def _children(self, directory: Node) -> Iterator[tuple[bytes, Node] | str]:
        try:
            count = int(directory.handle.number_of_sub_file_entries)
        except LIBYAL_ERRORS as error:
            raise FileSystemError(self._file.explain(error)) from error
        for index in range(count):
            try:
                entry = directory.handle.get_sub_file_entry(index)
                yield str(entry.name).encode("utf-8", "surrogatepass"), _node(entry)
            except LIBYAL_ERRORS as error:
                yield f"entry {index + 1} of {count}: {self._file.explain(error)}"

    def _facts(self, file: Node) -> Facts:
        entry = file.handle
        try:
            size = int(entry.size)
            extents = (entry.get_extent(index) for index in range(int(entry.number_of_extents)))
            first, allocated = None, 0
            for offset, length, flags in extents:
                if flags & _SPARSE_EXTENT:
                    continue
                first = int(offset) if first is None else first
                allocated += int(length)
                if size <= SPARSE_LIMIT:
                    break
            obstacle = _compression_obstacle(file) if first is None and size else None
        except LIBYAL_ERRORS as error:
            raise FileSystemError(self._file.explain(error)) from error
        return Facts(size, allocated, None if first is None else self._offset + first, obstacle)

    def _times(self, node: Node) -> Times:
        entry = node.handle
        try:
            return Times(
                entry.get_modification_time_as_integer() or None,
                entry.get_access_time_as_integer() or None,
                entry.get_inode_change_time_as_integer() or None,
                entry.get_creation_time_as_integer() or None,
            )
        except LIBYAL_ERRORS:
            return Times()

    def _node(self, number: int) -> Node | None:
        try:
            entry = self._volume.get_file_entry_by_identifier(number)
            return None if entry is None else _node(entry)
        except LIBYAL_ERRORS as error:
            raise FileSystemError(self._file.explain(error)) from error

    def _reader(self, file: Node, where: str) -> StreamReader:
        return _ApfsStreamReader(self._file, file, where)


class _ApfsStreamReader(StreamReader):
    """The bytes of one file."""

    def __init__(self, file: VolumeFile, node: Node, where: str) -> None:
        self.size = int(node.handle.size)
        self._where = where
        self._reader = LibyalReader(node.handle, self.size, file, _PIECE, self._error)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the file (see :meth:`StreamReader.read_at`)."""
        return self._reader.read_at(offset, length)

    def _error(self, offset: int, cause: str) -> StreamReadError:
        cause = cause or "no blocks are recorded for the rest"
        return StreamReadError(f"cannot be read beyond byte {offset} of {self.size} ({cause})", self._where)


def _node(entry: pyfsapfs.file_entry) -> Node:
    return Node(int(entry.identifier), int(entry.file_mode), entry)


def _compression_obstacle(file: Node) -> Reason | None:
    """Why a file without blocks, whose content stands in an attribute, cannot be read truly."""
    for attribute in file.handle.extended_attributes:
        if attribute.name == _COMPRESSION_ATTRIBUTE:
            header = attribute.read_buffer_at_offset(_COMPRESSION_HEADER.size, 0)
            kind = _COMPRESSION_HEADER.unpack(header)[1] if len(header) == _COMPRESSION_HEADER.size else 0
            return None if kind in _READABLE_COMPRESSION else Reason.UNSUPPORTED_COMPRESSION
    return None
