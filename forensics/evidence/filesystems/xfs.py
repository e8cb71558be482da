"""XFS, versions 4 and 5. Deleted files and extended attributes are not listed; the log is not replayed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from forensics.errors import EvidenceError, FileSystemError, StreamReadError
from forensics.evidence.filesystem import FileSystemFormat, StreamReader
from forensics.evidence.filesystems import xfs_directory, xfs_layout
from forensics.evidence.filesystems.allocated_tree import AllocatedTree, Facts, Node
from forensics.evidence.filesystems.tsk_attribute import SPARSE_LIMIT
from forensics.evidence.filesystems.xfs_extents import ExtentReader, extents
from forensics.evidence.filesystems.xfs_layout import Inode, XfsLayout
from forensics.evidence.image import DiskImage
from forensics.evidence.stream import Times
from forensics.evidence.volume import Volume
from forensics.reason import Reason


class XfsFileSystem(AllocatedTree):
    """An open XFS.

    Args:
        layout: Its structures.
        offset: Byte offset of its volume in the image.
    """

    def __init__(self, layout: XfsLayout, offset: int) -> None:
        self.type = "xfs"
        self.size = layout.blocks * layout.block_size
        self._layout = layout
        self._offset = offset

    def _root(self) -> Node:
        return _node(self._layout.inode(self._layout.root))

    def _children(self, directory: Node) -> Iterator[tuple[bytes, Node] | str]:
        for found in xfs_directory.names(self._layout, directory.handle):
            if isinstance(found, str):
                yield found
                continue
            name, number = found
            try:
                node = _node(self._layout.inode(number))
            except EvidenceError as error:
                yield error.what
            else:
                yield name, node

    def _facts(self, file: Node) -> Facts:
        inode: Inode = file.handle
        if inode.realtime:
            return Facts(inode.size, 0, None, Reason.READ_ERROR)
        first, allocated = None, 0
        for extent in extents(self._layout, inode):
            if not extent.unwritten:
                first = extent.place if first is None else first
                allocated += extent.length
                if inode.size <= SPARSE_LIMIT:
                    break
        return Facts(inode.size, allocated, None if first is None else self._offset + first)

    def _times(self, node: Node) -> Times:
        inode: Inode = node.handle
        return inode.times

    def _node(self, number: int) -> Node | None:
        inode = self._layout.inode(number)
        return _node(inode) if inode.mode else None

    def _reader(self, file: Node, where: str) -> StreamReader:
        inode: Inode = file.handle
        if inode.realtime:
            raise StreamReadError("its blocks lie on a device of their own (realtime)", where)
        return _XfsStreamReader(self._layout, inode, where)


class XfsFormat(FileSystemFormat):
    """XFS."""

    name: ClassVar[str] = "xfs"

    def open(self, image: DiskImage, volume: Volume) -> XfsFileSystem | None:
        """Open the file system of a volume (see :meth:`FileSystemFormat.open`).

        Raises:
            FileSystemError: The volume begins like XFS but cannot be opened.
        """
        if volume.offset >= image.size or image.read_at(volume.offset, 4) != xfs_layout.MAGIC:
            return None
        try:
            layout = XfsLayout(lambda offset, length: image.read_at(volume.offset + offset, length))
        except FileSystemError as error:
            raise FileSystemError(f"begins like XFS but cannot be opened ({error.what})", volume.label) from error
        return XfsFileSystem(layout, volume.offset)


def _node(inode: Inode) -> Node:
    return Node(inode.number, inode.mode, inode)


class _XfsStreamReader(StreamReader):
    """The bytes of one file."""

    def __init__(self, layout: XfsLayout, inode: Inode, where: str) -> None:
        self.size = inode.size
        self._where = where
        try:
            self._content = ExtentReader(layout, inode)
        except EvidenceError as error:
            raise StreamReadError(f"cannot be read ({error.what})", where) from error

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the file (see :meth:`StreamReader.read_at`)."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        try:
            return self._content.read(offset, length)
        except EvidenceError as error:
            what = f"cannot be read beyond byte {offset} of {self.size} ({error.what})"
            raise StreamReadError(what, self._where) from error
