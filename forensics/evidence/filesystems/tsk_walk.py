"""Walks over every name of a file system opened by The Sleuth Kit.

Lists what ``fls -r -p`` lists, and more: what TSK drops because a sequence number moved on when a file was deleted.
Symbolic links, devices, pipes and sockets are streams too, most of size 0, so that every name is accounted for.

The order is: allocated directories, then deleted ones, then orphans. So a directory that is reachable by a live name
and by a stale one is listed under the live name.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import pytsk3

from forensics.errors import FileSystemError
from forensics.evidence.filesystems import hfs_catalog
from forensics.evidence.filesystems.inode_set import InodeSet
from forensics.evidence.filesystems.orphan_budget import within_budget
from forensics.evidence.filesystems.tsk_attribute import Family, contents, is_directory
from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, NotExamined, Recovery, Stream, Times
from forensics.evidence.tsk_image import TSK_ERRORS, TskImage
from forensics.reason import Reason

MAX_DEPTH = 1024
"""Directories deeper than this are not followed; loops are cut by a set of seen directories, not by this."""

LONGEST_PATH = 1 << 16
"""Folders of a logical image with more bytes of path are not followed: no system makes such, and they fill memory."""

TSK_MAX_NAMES = 1_000_000
"""TSK gives up on a directory with more names (``MAX_DIR_SIZE_TO_PROCESS``), or may list it in part."""

_UNALLOCATED_NAME = int(pytsk3.TSK_FS_NAME_FLAG_UNALLOC)
_ALLOCATED_META = int(pytsk3.TSK_FS_META_FLAG_ALLOC)
_VIRTUAL_DIRECTORY_NAME = int(pytsk3.TSK_FS_NAME_TYPE_VIRT_DIR)
_FAT = {"fat12", "fat16", "fat32", "exfat"}
_ERASES_SIZE = {"ext2", "ext3", "ext4", "ufs1", "ufs1b", "ufs2"}
"""File systems that may set the size of a deleted file to 0: an empty deleted file is then one without content."""
_MAX_SEQUENCE = 0xFFFF


@dataclass(frozen=True, slots=True)
class _Directory:
    inode: int
    path: bytes
    """With a trailing slash; empty for the root."""
    depth: int


class TskWalk:
    """One walk over a file system.

    Args:
        image: The image, to check the process and to explain errors.
        file_system: The ``pytsk3.FS_Info``.
        type_name: Type of the file system for locators.
        offset: Byte offset of the volume in the image.
        parent: Text of the volume's locator.
    """

    def __init__(self, image: TskImage, file_system: pytsk3.FS_Info, type_name: str, offset: int, parent: str) -> None:
        self._image = image
        self._file_system = file_system
        self._type = type_name
        self._family = Family.of(type_name)
        self._offset = offset
        self._block_size = int(file_system.info.block_size)
        volume = Locator.parse(parent)
        self._source, self._volume = volume.source, volume.volume
        self._seen_directories = InodeSet()
        self._deleted_files = InodeSet()
        self._deleted_directories: deque[_Directory] = deque()
        self._orphans: _Directory | None = None

    def items(self) -> Iterator[Stream | NotExamined]:
        """Generate every stream, and what could not be listed."""
        self._image.check_process()
        root = int(self._file_system.info.root_inum)
        yield from self._root_streams(root)
        yield from self._tree(_Directory(root, b"", 0), Allocation.ALLOCATED)
        while self._deleted_directories:
            yield from self._tree(self._deleted_directories.popleft(), Allocation.DELETED)
        if self._orphans is not None:
            parent = str(Locator(self._source, self._volume, self._type, str(self._orphans.inode)))
            size = int(self._file_system.info.block_count) * self._block_size
            yield from within_budget(self._tree(self._orphans, Allocation.ORPHAN), parent, size)

    def _root_streams(self, root: int) -> list[Stream | NotExamined]:
        """Alternate data streams of the root directory, which is an entry of no directory."""
        if self._family is not Family.NTFS:
            return []
        try:
            file = self._file_system.open_meta(root)
            return self._streams(file, b".", Allocation.ALLOCATED)
        except TSK_ERRORS as error:
            return [self._not_examined(root, Reason.READ_ERROR, self._image.explain(error))]

    def _tree(self, top: _Directory, allocation: Allocation) -> Iterator[Stream | NotExamined]:
        """Walk over a directory and all below it, without recursion."""
        stack = [top]
        while stack:
            directory = stack.pop()
            if not self._seen_directories.add(directory.inode):
                continue
            below: list[_Directory] = []
            yield from self._directory(directory, allocation, below)
            stack.extend(reversed(below))

    def _directory(
        self, directory: _Directory, allocation: Allocation, below: list[_Directory]
    ) -> Iterator[Stream | NotExamined]:
        """List one directory; directories in it are added to ``below``."""
        self._image.take_failure()
        try:
            listing = self._file_system.open_dir(inode=directory.inode)
        except TSK_ERRORS as error:
            detail = self._image.explain(error)
            items = self._listed_by_the_catalog(directory, allocation, below) if self._family is Family.HFS else None
            if items is None:
                items = [self._not_examined(directory.inode, Reason.DIRECTORY_UNREADABLE, detail)]
            yield from items
            return
        count = int(listing.size)
        if count >= TSK_MAX_NAMES:
            detail = f"perhaps not whole: TSK stops at {TSK_MAX_NAMES:,} names"
            yield self._not_examined(directory.inode, Reason.WALK_LIMIT, detail)
        entries = iter(listing)
        for _ in range(count):
            try:
                # pytsk3 moves on to the next entry even where this one raises
                items = self._entry(next(entries), directory, allocation, below)
            except StopIteration:
                break
            except TSK_ERRORS as error:
                items = [self._not_examined(directory.inode, Reason.DIRECTORY_UNREADABLE, self._image.explain(error))]
            yield from items
        failure = self._image.take_failure()
        if failure:
            yield self._not_examined(directory.inode, Reason.DIRECTORY_UNREADABLE, f"perhaps not whole: {failure}")

    def _listed_by_the_catalog(
        self, directory: _Directory, allocation: Allocation, below: list[_Directory]
    ) -> list[Stream | NotExamined] | None:
        """List a folder of HFS+ that TSK cannot list; ``None`` where it has no catalog that can be read."""
        items: list[Stream | NotExamined] = []
        try:
            entries = list(hfs_catalog.children(self._file_system, directory.inode))
        except (*TSK_ERRORS, FileSystemError):
            return None
        for entry in entries:
            path = directory.path + entry.name
            if entry.is_hard_link:  # its own content is empty, and not what the file shows
                items.append(self._nameless_content(entry.inode, path, allocation, Reason.NO_METADATA))
                continue
            try:
                file = self._file_system.open_meta(entry.inode)
                if is_directory(file.info.meta):
                    child = _Directory(entry.inode, path + b"/", directory.depth + 1)
                    items += self._subdirectory(file, child, allocation, below)
                else:
                    items += self._streams(file, path, allocation)
            except TSK_ERRORS as error:
                items.append(self._not_examined(entry.inode, Reason.READ_ERROR, self._image.explain(error)))
        return items

    def _entry(
        self, file: pytsk3.File, directory: _Directory, allocation: Allocation, below: list[_Directory]
    ) -> list[Stream | NotExamined]:
        """Turn one directory entry into streams, or add it to the directories to be walked."""
        info = file.info
        entry = info.name
        name = entry.name or b""
        if name in {b".", b".."}:
            return []
        inode = int(entry.meta_addr)
        if int(entry.type) == _VIRTUAL_DIRECTORY_NAME and directory.depth == 0:
            self._orphans = _Directory(inode, name + b"/", 1)
            return []
        if allocation is Allocation.ALLOCATED and int(entry.flags) & _UNALLOCATED_NAME:
            allocation = Allocation.DELETED
        if allocation is Allocation.ORPHAN and inode in self._deleted_files:
            return []
        path = directory.path + name
        obstacle = None
        if info.meta is None:
            file, obstacle, allocation = self._metadata_behind(entry, allocation)
        elif allocation is not Allocation.ALLOCATED and int(info.meta.flags) & _ALLOCATED_META:
            obstacle = Reason.REALLOCATED
        if obstacle is not None:
            return [self._nameless_content(inode, path, allocation, obstacle)]
        if allocation is not Allocation.ALLOCATED:
            self._deleted_files.add(inode)
        if is_directory(file.info.meta):
            child = _Directory(inode, path + b"/", directory.depth + 1)
            return self._subdirectory(file, child, allocation, below)
        return self._streams(file, path, allocation)

    def _metadata_behind(
        self, entry: pytsk3.TSK_FS_NAME, allocation: Allocation
    ) -> tuple[pytsk3.File | None, Reason | None, Allocation]:
        """Find the metadata that TSK withholds from a name because its sequence number does not fit, and its state.

        NTFS increases the sequence number of an MFT entry when its file is deleted, so a deleted name rightly leads
        to an unallocated entry with the name's number or the next one. Any other number is another file's. Other
        file systems have no such numbers, but TSK 4.15 gives each orphan a wrong one and so withholds it.
        """
        inode = int(entry.meta_addr)
        if not inode:
            return None, Reason.NO_METADATA, allocation
        try:
            file = self._file_system.open_meta(inode)
        except TSK_ERRORS:
            return None, Reason.NO_METADATA, allocation
        meta = file.info.meta
        if meta is None:
            return None, Reason.NO_METADATA, allocation
        meta_allocated = bool(int(meta.flags) & _ALLOCATED_META)
        live = allocation is Allocation.ALLOCATED
        if live and meta_allocated:
            # A live name with the wrong number: the index is damaged. No other name may lead to this content
            return file, None, allocation
        sequence = int(entry.meta_seq)
        following = 1 if sequence == _MAX_SEQUENCE else sequence + 1
        same_file = self._family is not Family.NTFS or int(meta.seq) in {sequence, following}
        if same_file and not meta_allocated:
            # A deleted file; its name looks live where a directory gave up a block of its index with the name in it
            return file, None, Allocation.DELETED if live else allocation
        return None, Reason.NO_METADATA if live else Reason.REALLOCATED, allocation

    def _subdirectory(
        self, file: pytsk3.File, directory: _Directory, allocation: Allocation, below: list[_Directory]
    ) -> list[Stream | NotExamined]:
        """Queue a directory and return its own alternate data streams."""
        deleted = allocation is not Allocation.ALLOCATED
        items = self._streams(file, directory.path[:-1], allocation)
        if directory.depth > MAX_DEPTH:
            items.append(self._not_examined(directory.inode, Reason.WALK_LIMIT, f"deeper than {MAX_DEPTH} directories"))
        elif deleted and self._type in _ERASES_SIZE and not int(file.info.meta.size):
            items.append(self._not_examined(directory.inode, Reason.NAME_ONLY, "a deleted directory without content"))
        elif allocation is Allocation.DELETED:
            self._deleted_directories.append(directory)
        else:
            below.append(directory)
        return items

    def _streams(self, file: pytsk3.File, path: bytes, allocation: Allocation) -> list[Stream | NotExamined]:
        """Streams of one file or directory whose metadata is known."""
        found = contents(file, self._family)
        if not found:
            return []
        deleted = allocation is not Allocation.ALLOCATED
        recovery = Recovery.ASSUMED_CONTIGUOUS if deleted and self._type in _FAT else Recovery.INTACT
        times = _times(file.info.meta)
        return [
            Stream(
                Locator(self._source, self._volume, self._type, content.address),
                path + b":" + content.name if content.name else path,
                max(content.size, 0),
                allocation,
                recovery,
                None if content.first_block is None else self._offset + content.first_block * self._block_size,
                times,
                Reason.NAME_ONLY
                if deleted and not content.size and self._type in _ERASES_SIZE
                else content.not_hashable,
            )
            for content in found
        ]

    def _nameless_content(self, inode: int, path: bytes, allocation: Allocation, reason: Reason) -> Stream:
        """Account for a name that leads to no content of its own."""
        locator = Locator(self._source, self._volume, self._type, str(inode))
        return Stream(locator, path, 0, allocation, not_hashable=reason)

    def _not_examined(self, inode: int, reason: Reason, detail: str) -> NotExamined:
        return NotExamined(str(Locator(self._source, self._volume, self._type, str(inode))), reason, detail)


def _times(meta: pytsk3.TSK_FS_META) -> Times:
    return Times(
        _nanoseconds(meta.mtime, meta.mtime_nano),
        _nanoseconds(meta.atime, meta.atime_nano),
        _nanoseconds(meta.ctime, meta.ctime_nano),
        _nanoseconds(meta.crtime, meta.crtime_nano),
    )


def _nanoseconds(seconds: int, nanoseconds: int) -> int | None:
    # TSK writes 0 where a file system keeps no such time
    return seconds * 1_000_000_000 + nanoseconds if seconds or nanoseconds else None
