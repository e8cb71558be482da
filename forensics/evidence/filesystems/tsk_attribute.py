"""Which attributes of a file hold content worth hashing, and why some must not be hashed.

TSK presents a file's content as typed attributes: one for most file systems, several on NTFS (the unnamed ``$DATA``
and its alternate streams) and HFS+ (data and resource fork). Some read as zeros or ciphertext without any error;
those are found here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import StrEnum

import pytsk3

from forensics.evidence.tsk_image import TSK_ERRORS
from forensics.reason import Reason

SPARSE_LIMIT = 1 << 30
"""A stream without a single allocated block and longer than this many bytes is not hashed: it is all zeros."""

HOLE_LIMIT = 64 << 30
"""A stream with more bytes of holes than this is not hashed: reading zeros for hours finds nothing, and a damaged size
looks the same. It is listed as not examined."""

LARGEST_SIZE = 1 << 60
"""No file is longer, whatever its metadata state."""

_DEFAULT = int(pytsk3.TSK_FS_ATTR_TYPE_DEFAULT)
_NTFS_INDEX_ROOT = int(pytsk3.TSK_FS_ATTR_TYPE_NTFS_IDXROOT)
_NTFS_DATA = int(pytsk3.TSK_FS_ATTR_TYPE_NTFS_DATA)
_NTFS_REPARSE_POINT = int(pytsk3.TSK_FS_ATTR_TYPE_NTFS_REPARSE)
_HFS_DATA = int(pytsk3.TSK_FS_ATTR_TYPE_HFS_DATA)
_HFS_RESOURCE = int(pytsk3.TSK_FS_ATTR_TYPE_HFS_RSRC)
_HFS_EXTENDED = int(pytsk3.TSK_FS_ATTR_TYPE_HFS_EXT_ATTR)
_HFS_COMPRESSION_RECORD = int(pytsk3.TSK_FS_ATTR_TYPE_HFS_COMP_REC)
_HFS_COMPRESSION_NAME = b"com.apple.decmpfs"

_NON_RESIDENT = int(pytsk3.TSK_FS_ATTR_NONRES)
_ENCRYPTED = int(pytsk3.TSK_FS_ATTR_ENC)
_COMPRESSED = int(pytsk3.TSK_FS_ATTR_COMP)
_FILLER = int(pytsk3.TSK_FS_ATTR_RUN_FLAG_FILLER)
_RUN_WITHOUT_BLOCKS = int(pytsk3.TSK_FS_ATTR_RUN_FLAG_SPARSE) | _FILLER
_TYPES_WITH_COMPLETE_RUNS = {_NTFS_DATA, _HFS_DATA, _HFS_RESOURCE}
_META_COMPRESSED = int(pytsk3.TSK_FS_META_FLAG_COMP)

_DIRECTORY_TYPES = {int(pytsk3.TSK_FS_META_TYPE_DIR), int(pytsk3.TSK_FS_META_TYPE_VIRT_DIR)}
_SYMBOLIC_LINK = int(pytsk3.TSK_FS_META_TYPE_LNK)
_TYPES_WITHOUT_CONTENT = {
    int(pytsk3.TSK_FS_META_TYPE_CHR),
    int(pytsk3.TSK_FS_META_TYPE_BLK),
    int(pytsk3.TSK_FS_META_TYPE_FIFO),
    int(pytsk3.TSK_FS_META_TYPE_SOCK),
    int(pytsk3.TSK_FS_META_TYPE_SHAD),
    int(pytsk3.TSK_FS_META_TYPE_WHT),
}

_NTFS_BAD_CLUSTER_INODE = 8
_NTFS_BAD_CLUSTER_NAME = b"$Bad"

_WOF_TAG = 0x80000017
_DEDUPLICATION_TAG = 0x80000013
_CLOUD_TAG = 0x9000001A
_CLOUD_TAG_MASK = 0xFFFF0FFF
"""Reparse tags of [MS-FSCC] 2.1.2.1; the fourth digit of a cloud tag counts providers."""


class Family(StrEnum):
    """Kinds of file systems that address their content differently."""

    NTFS = "ntfs"
    HFS = "hfs"
    PLAIN = "plain"
    """One attribute a file: ext, FAT, exFAT, ISO 9660, UFS."""

    @classmethod
    def of(cls, type_name: str) -> Family:
        """The family of a file-system type by TSK's name."""
        return {"ntfs": cls.NTFS, "hfs": cls.HFS}.get(type_name, cls.PLAIN)


@dataclass(frozen=True, slots=True)
class Content:
    """One attribute of a file that holds content.

    Attributes:
        address: As ``fls`` prints and ``icat`` takes it: ``1234`` or ``1234-128-3``.
        name: Name of an alternate stream or fork; empty for the file's own data.
        size: Length in bytes.
        attribute: Type and number of the attribute; ``None`` where there is none to read.
        first_block: Address of its first allocated block; ``None`` if it has none of its own.
        not_hashable: Why its bytes are not what the user of the file saw; ``None`` if they are.
    """

    address: str
    name: bytes = b""
    size: int = 0
    attribute: tuple[int, int] | None = None
    first_block: int | None = None
    not_hashable: Reason | None = None


@dataclass(frozen=True, slots=True)
class _Attribute:
    kind: int
    number: int
    name: bytes
    size: int
    flags: int
    first_block: int | None
    holes: int = 0

    def content(self, address: str, not_hashable: Reason | None) -> Content:
        return Content(address, self.name, self.size, (self.kind, self.number), self.first_block, not_hashable)


def is_directory(meta: pytsk3.TSK_FS_META) -> bool:
    """Tell whether metadata is that of a directory, the virtual one of orphans included."""
    return int(meta.type) in _DIRECTORY_TYPES


def contents(file: pytsk3.File, family: Family) -> list[Content]:
    """List the attributes of a file that hold content; at least one, except for a directory.

    A device, a pipe or a socket has one of size 0, and so has a symbolic link whose target stands in its inode (TSK
    would give zeros for it). Of a directory, only alternate data streams count.

    Args:
        file: A ``pytsk3.File`` with metadata.
        family: Kind of file system.
    """
    meta = file.info.meta
    inode, kind, size = int(meta.addr), int(meta.type), int(meta.size)
    directory = kind in _DIRECTORY_TYPES
    if kind in _TYPES_WITHOUT_CONTENT:
        return [Content(str(inode))]
    if directory and family is not Family.NTFS:
        return []
    try:
        if family is Family.NTFS:
            found = _ntfs_contents(file, inode, directory=directory)
        elif family is Family.HFS:
            found = _hfs_contents(file, inode)
        else:
            # TSK names the attribute of a file that ext4 keeps in its inode; the file has one stream all the same
            found = [
                (replace(attribute, name=b"") if attribute.name else attribute).content(str(inode), _sparse(attribute))
                for attribute in _attributes(file, {_DEFAULT})
            ]
    except TSK_ERRORS:
        return [Content(str(inode), size=size, not_hashable=Reason.READ_ERROR)]
    if kind == _SYMBOLIC_LINK and family is Family.PLAIN and all(content.first_block is None for content in found):
        return [Content(str(inode))]
    if found or directory:
        return found
    if family is Family.NTFS:
        return [Content(str(inode), not_hashable=Reason.NAME_ONLY)]
    return [Content(str(inode), size=size, not_hashable=Reason.READ_ERROR if size else None)]


def has_missing_runs(file: pytsk3.File, wanted: tuple[int, int]) -> bool:
    """Tell whether part of an attribute's list of blocks could not be found, so that TSK would give zeros for it.

    On NTFS and HFS+, TSK fills such parts with runs marked as filler; on ext it marks ordinary holes in the same way.
    """
    if wanted[0] not in _TYPES_WITH_COMPLETE_RUNS:
        return False
    return any(
        int(run.flags) & _FILLER
        for attribute in file
        if (int(attribute.info.type), int(attribute.info.id)) == wanted
        for run in attribute
    )


def extents(file: pytsk3.File, wanted: tuple[int, int]) -> tuple[tuple[int | None, int], ...] | None:
    """Where an attribute lies: start in the volume (``None`` for a hole) and length of each run, in bytes.

    Returns:
        ``None`` where it is resident: its bytes stand inside metadata.
    """
    block_size = int(file.info.fs_info.block_size)
    for attribute in file:
        if (int(attribute.info.type), int(attribute.info.id)) != wanted:
            continue
        if not int(attribute.info.flags) & _NON_RESIDENT:
            return None
        return tuple(
            (
                None if int(run.flags) & _RUN_WITHOUT_BLOCKS else int(run.addr) * block_size,
                int(run.len) * block_size,
            )
            for run in attribute
        )
    return None


def _ntfs_contents(file: pytsk3.File, inode: int, *, directory: bool) -> list[Content]:
    # fls lists the index roots of the file system's own files ($Secure:$SDH), so they count; those of a directory
    # are its listing
    kinds = {_NTFS_DATA, _NTFS_REPARSE_POINT} if directory else {_NTFS_DATA, _NTFS_REPARSE_POINT, _NTFS_INDEX_ROOT}
    attributes = _attributes(file, kinds)
    tag = 0
    for attribute in attributes:
        if attribute.kind == _NTFS_REPARSE_POINT and attribute.size >= 4:
            tag = struct.unpack("<I", file.read_random(0, 4, attribute.kind, attribute.number))[0]
    return [
        attribute.content(f"{inode}-{attribute.kind}-{attribute.number}", _ntfs_obstacle(inode, attribute, tag))
        for attribute in attributes
        if attribute.kind != _NTFS_REPARSE_POINT
    ]


def _ntfs_obstacle(inode: int, attribute: _Attribute, tag: int) -> Reason | None:
    """Tell why the bytes TSK would give for an NTFS attribute are not its content."""
    if inode == _NTFS_BAD_CLUSTER_INODE and attribute.name == _NTFS_BAD_CLUSTER_NAME:
        return Reason.BAD_CLUSTER_FILE
    if attribute.flags & _ENCRYPTED:
        return Reason.ENCRYPTED
    if not attribute.name and attribute.size:
        if tag in {_WOF_TAG, _DEDUPLICATION_TAG}:
            # the unnamed stream is a hole; the content stands compressed in another place
            return Reason.UNSUPPORTED_COMPRESSION
        if tag & _CLOUD_TAG_MASK == _CLOUD_TAG and attribute.flags & _NON_RESIDENT and attribute.first_block is None:
            return Reason.SPARSE
    return _sparse(attribute)


def _hfs_contents(file: pytsk3.File, inode: int) -> list[Content]:
    attributes = _attributes(file, {_DEFAULT, _HFS_DATA, _HFS_RESOURCE, _HFS_EXTENDED, _HFS_COMPRESSION_RECORD})
    compressed = int(file.info.meta.flags) & _META_COMPRESSED or any(
        attribute.kind == _HFS_COMPRESSION_RECORD
        or (attribute.kind == _HFS_EXTENDED and attribute.name == _HFS_COMPRESSION_NAME)
        for attribute in attributes
    )
    found = []
    for attribute in attributes:
        if attribute.kind in {_DEFAULT, _HFS_DATA}:
            obstacle = Reason.UNSUPPORTED_COMPRESSION if compressed else _sparse(attribute)
            found.append(attribute.content(str(inode), obstacle))
        elif attribute.kind == _HFS_RESOURCE:
            address = f"{inode}-{attribute.kind}-{attribute.number}"
            found.append(attribute.content(address, _sparse(attribute)))
    return found


def _sparse(attribute: _Attribute) -> Reason | None:
    if not 0 <= attribute.size <= LARGEST_SIZE:
        return Reason.IMPLAUSIBLE_SIZE
    if attribute.holes > HOLE_LIMIT and attribute.first_block is not None:
        return Reason.TOO_SPARSE
    if attribute.first_block is None and attribute.flags & _NON_RESIDENT and attribute.size > SPARSE_LIMIT:
        return Reason.SPARSE
    return None


def _attributes(file: pytsk3.File, kinds: set[int]) -> list[_Attribute]:
    """Read the attributes of the given types."""
    found = []
    block_size = int(file.info.fs_info.block_size)
    for attribute in file:
        info = attribute.info
        kind = int(info.type)
        if kind not in kinds:
            continue
        flags, size = int(info.flags), int(info.size)
        first_block, holes = None, 0
        if flags & _NON_RESIDENT:
            for run in attribute:
                if not int(run.flags) & _RUN_WITHOUT_BLOCKS:
                    first_block = int(run.addr)
                    break
            if size > HOLE_LIMIT and not flags & _COMPRESSED:
                holes = size - _allocated_blocks(attribute) * block_size
        found.append(_Attribute(kind, int(info.id), info.name or b"", size, flags, first_block, holes))
    return found


def _allocated_blocks(attribute: pytsk3.Attribute) -> int:
    return sum(int(run.len) for run in attribute if not int(run.flags) & _RUN_WITHOUT_BLOCKS)
