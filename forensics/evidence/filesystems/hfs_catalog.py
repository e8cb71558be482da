"""Lists a folder of HFS+ from the catalog itself, where The Sleuth Kit cannot.

TSK 4.15 refuses a folder whose thread record stands within the last 520 bytes of its node: it asks for room for the
longest name there (``nodesize value out of bounds``). That is one folder in eight with nodes of 4 KiB. Names and
numbers are then taken from the catalog's B-tree, everything else still from TSK.

Source of the format: Apple, *Technical Note TN1150: HFS Plus Volume Format*.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytsk3

from forensics.errors import FileSystemError

_CATALOG_FILE = 4
_INDEX_NODE, _LEAF_NODE = 0, -1
_FOLDER, _FILE = 1, 2
_DESCRIPTOR = struct.Struct(">IIbBHH")
_TYPE_AND_CREATOR = slice(48, 56)
_HARD_LINKS = {b"hlnkhfs+", b"fdrpMACS"}
"""Of a file; of a folder."""
_MAX_DEPTH = 16
_SMALLEST_NODE, _LARGEST_NODE = 512, 32768


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A file or folder as its folder lists it.

    Attributes:
        inode: Catalog node ID.
        name: Name in UTF-8, a slash in it written as a colon, as TSK does.
        is_hard_link: It leads to the content of another file, which stands in a folder of the file system's own.
    """

    inode: int
    name: bytes
    is_hard_link: bool


@dataclass(frozen=True, slots=True)
class _Record:
    parent: int
    name: bytes
    data: bytes


def children(file_system: pytsk3.FS_Info, folder: int) -> Iterator[CatalogEntry]:
    """List a folder.

    Args:
        file_system: An open HFS+ file system.
        folder: Catalog node ID of the folder.

    Raises:
        FileSystemError: The catalog is damaged.
        OSError: It cannot be read; whatever :data:`~forensics.evidence.tsk_image.TSK_ERRORS` names.
    """
    catalog = _Catalog(file_system.open_meta(_CATALOG_FILE))
    for record in catalog.records_from(folder):
        if record.parent > folder:
            return
        if record.parent == folder and len(record.data) >= 12:
            kind, _, _, inode = struct.unpack_from(">hHII", record.data)
            if kind in {_FOLDER, _FILE}:
                name = record.name.decode("utf-16-be", "surrogatepass").replace("/", ":")
                is_hard_link = kind == _FILE and record.data[_TYPE_AND_CREATOR] in _HARD_LINKS
                yield CatalogEntry(inode, name.encode("utf-8", "surrogatepass"), is_hard_link)


class _Catalog:
    """The catalog's B-tree."""

    def __init__(self, file: pytsk3.File) -> None:
        self._file = file
        header = file.read_random(0, 512)
        if len(header) < 36:
            raise _damaged()
        self._root, _, _, _, self._node_size = struct.unpack_from(">IIIIH", header, 16)
        if not _SMALLEST_NODE <= self._node_size <= _LARGEST_NODE:
            raise _damaged()
        self._nodes = int(file.info.meta.size) // self._node_size

    def records_from(self, parent: int) -> Iterator[_Record]:
        """Records in order from the first of a folder on, perhaps some before it."""
        number = self._root
        for _ in range(_MAX_DEPTH):
            kind, following, records = self._node(number)
            if kind == _LEAF_NODE:
                break
            if kind != _INDEX_NODE or not records:
                raise _damaged()
            # the first key of a folder is that of its thread, which has no name
            before = [record for record in records if (record.parent, record.name) <= (parent, b"")]
            (number,) = struct.unpack_from(">I", (before or records[:1])[-1].data.ljust(4, b"\0"))
        seen = set()
        while number not in seen:
            seen.add(number)
            kind, following, records = self._node(number)
            if kind != _LEAF_NODE:
                raise _damaged()
            yield from records
            if not following:
                return
            number = following
        raise _damaged()

    def _node(self, number: int) -> tuple[int, int, list[_Record]]:
        """Kind, following node and records of a node."""
        if not 0 < number < self._nodes:
            raise _damaged()
        node = self._file.read_random(number * self._node_size, self._node_size)
        if len(node) < self._node_size:
            raise _damaged()
        following, _, kind, _, count, _ = _DESCRIPTOR.unpack_from(node)
        if _DESCRIPTOR.size + 2 * (count + 1) > len(node):
            raise _damaged()
        offsets = struct.unpack_from(f">{count + 1}H", node, len(node) - 2 * (count + 1))[::-1]
        return kind, following, [_record(node[start:end]) for start, end in pairwise(offsets)]


def _record(data: bytes) -> _Record:
    if len(data) < 8:
        raise _damaged()
    key_length, parent, length = struct.unpack_from(">HIH", data)
    if 6 + 2 * length > key_length or key_length + 2 > len(data):
        raise _damaged()
    return _Record(parent, data[8 : 8 + 2 * length], data[2 + key_length + key_length % 2 :])


def _damaged() -> FileSystemError:
    return FileSystemError("the catalog is damaged", "HFS+")
