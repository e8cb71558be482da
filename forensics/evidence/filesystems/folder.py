"""The files in a folder as streams, through the operating system.

An address is ``directory-entry-check``: the directory's number in the order of the walk, the entry's place in it, and
a CRC-32 over the modification time and number of entries of the directory, and over size and modification time of the
file. It names nothing, holds on every file system (inode numbers of FAT and FUSE last no longer than a mount), and
does not lead to another file once something has changed: then it leads nowhere.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from forensics.errors import LocatorError, StreamReadError
from forensics.evidence.file_status import FileStatus, file_status
from forensics.evidence.filesystem import FileSystem, FileSystemFormat, StreamReader
from forensics.evidence.filesystems.allocated_tree import Facts, NoContent, size_obstacle
from forensics.evidence.filesystems.tsk_attribute import HOLE_LIMIT, SPARSE_LIMIT
from forensics.evidence.folder_tree import MAX_DEPTH, FolderTree, Listing, list_directory, open_without_trace
from forensics.evidence.image import DiskImage
from forensics.evidence.images.folder import FolderImage
from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, NotExamined, Stream
from forensics.evidence.volume import Volume
from forensics.reason import Reason

_ADDRESS = re.compile(r"([0-9]+)-([0-9]+)-([0-9]+)")
_CHECKED = struct.Struct("<4Q")
_WORD = (1 << 64) - 1
_CHANGED = "it or its folder has changed since it was listed"


class FolderFileReader(StreamReader):
    """The bytes of one file.

    Args:
        descriptor: The file, open; closed with the reader.
        status: Its status when it was opened.
        where: Its address, for errors.
    """

    def __init__(self, descriptor: int, status: FileStatus, where: str) -> None:
        self.size = status.size
        self._descriptor = descriptor
        self._status = status
        self._where = where
        weakref.finalize(self, os.close, descriptor)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the file (see :meth:`StreamReader.read_at`). The last of them only if it is what it was."""
        wanted = min(length, self.size - offset)
        if wanted <= 0:
            return b""
        pieces = []
        try:
            while wanted > 0 and (piece := os.pread(self._descriptor, wanted, offset)):
                pieces.append(piece)
                offset += len(piece)
                wanted -= len(piece)
            unchanged = offset < self.size or self._is_unchanged()
        except OSError as error:
            raise StreamReadError(f"byte {offset} cannot be read ({error.strerror})", self._where) from error
        if wanted:
            raise StreamReadError(f"ends at byte {offset} of {self.size}", self._where)
        if not unchanged:
            raise StreamReadError("was written to while it was read", self._where)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _is_unchanged(self) -> bool:
        now = os.fstat(self._descriptor)
        return (now.st_size, now.st_mtime_ns) == (self._status.size, self._status.times.modified)


@dataclass(frozen=True, slots=True)
class _OpenDirectory:
    """The directory that files were last opened in."""

    number: int
    descriptor: int
    names: tuple[bytes, ...]
    modified: int


class FolderFileSystem(FileSystem):
    """The files in a folder.

    Args:
        tree: The folder.
    """

    type = "folder"
    size = 0

    def __init__(self, tree: FolderTree) -> None:
        self._tree = tree
        self._directory: _OpenDirectory | None = None
        self._close_directory: weakref.finalize[[int], FolderFileSystem] | None = None

    def walk(self, parent: str) -> Iterator[Stream | NotExamined]:
        """Walk over every file (see :meth:`FileSystem.walk`). A further name of a file has the locator of the first."""
        volume = Locator.parse(parent)
        linked: dict[tuple[int, int], Locator] = {}
        for listing in self._tree.listings():
            yield from _gaps(parent, listing)
            for place, name in enumerate(listing.names):
                if name not in listing.directories:
                    yield self._item(volume, listing, place, linked)

    def _item(
        self, volume: Locator, listing: Listing, place: int, linked: dict[tuple[int, int], Locator]
    ) -> Stream | NotExamined:
        name = listing.names[place]
        path = listing.path + name
        try:
            status = file_status(listing.descriptor, name)
            if status.mount != self._tree.mount:
                detail = f"entry {place} of directory {listing.number} is mounted from elsewhere"
                return NotExamined(str(volume), Reason.OTHER_FILE_SYSTEM, detail, status.size)
            obstacle = _obstacle(listing.descriptor, name, status)
        except OSError:
            locator = _locator(volume, listing.number, place, 0)
            return Stream(locator, path, 0, Allocation.ALLOCATED, not_hashable=Reason.READ_ERROR)
        locator = _locator(volume, listing.number, place, _check(listing.modified, len(listing.names), status))
        if not stat.S_ISREG(status.mode):
            return Stream(locator, path, 0, Allocation.ALLOCATED, times=status.times)
        if status.links > 1:
            locator = linked.setdefault(status.identity, locator)
        return Stream(locator, path, status.size, Allocation.ALLOCATED, times=status.times, not_hashable=obstacle)

    def open(self, address: str) -> StreamReader:
        """Open a file by its address (see :meth:`FileSystem.open`)."""
        where = f"{self.type}:{address}"
        parts = _ADDRESS.fullmatch(address)
        if parts is None:
            raise LocatorError("is no address of a file in a folder", where, "check the locator")
        number, place, check = map(int, parts.groups())
        try:
            directory = self._open_directory(number)
            name = directory.names[place]
            status = file_status(directory.descriptor, name)
            if _check(directory.modified, len(directory.names), status) != check:
                raise StreamReadError(_CHANGED, where)
            if not stat.S_ISREG(status.mode):
                return NoContent()  # a link, pipe or device is never opened
            # not to wait for anyone if it has become a pipe in this very moment
            descriptor = open_without_trace(name, os.O_NONBLOCK, directory.descriptor)
        except LookupError as error:
            raise LocatorError("no such file in this folder", where, "check the locator and the source") from error
        except FileNotFoundError as error:
            raise StreamReadError(_CHANGED, where) from error
        except OSError as error:
            raise StreamReadError(f"cannot be opened ({error.strerror})", where) from error
        reader = FolderFileReader(descriptor, status, where)
        opened = os.fstat(descriptor)
        if (opened.st_dev, opened.st_ino) != status.identity:
            raise StreamReadError(_CHANGED, where)
        return reader

    def _open_directory(self, number: int) -> _OpenDirectory:
        """Open a directory and keep it: files are mostly read in the order of the walk."""
        if self._directory is None or self._directory.number != number:
            if self._close_directory is not None:
                self._close_directory()
            self._directory = None
            descriptor = self._tree.open_directory(number)
            self._close_directory = weakref.finalize(self, os.close, descriptor)
            names, _, modified, _ = list_directory(descriptor)
            self._directory = _OpenDirectory(number, descriptor, names, modified)
        return self._directory


class FolderFileSystemFormat(FileSystemFormat):
    """What a folder holds."""

    name: ClassVar[str] = "folder"

    def open(self, image: DiskImage, volume: Volume) -> FolderFileSystem | None:  # noqa: ARG002  there is only one
        """Open a folder (see :meth:`FileSystemFormat.open`)."""
        return FolderFileSystem(image.tree) if isinstance(image, FolderImage) else None


def _gaps(parent: str, listing: Listing) -> Iterator[NotExamined]:
    where = f"directory {listing.number} in the order of the walk"
    if listing.problem:
        yield NotExamined(parent, Reason.DIRECTORY_UNREADABLE, f"{where}: {listing.problem}")
    if listing.other_mounts:
        detail = f"{where}: file systems mounted in it: {listing.other_mounts}"
        yield NotExamined(parent, Reason.OTHER_FILE_SYSTEM, detail)
    if listing.too_deep:
        detail = f"{where}: deeper than {MAX_DEPTH} directories: {listing.too_deep}"
        yield NotExamined(parent, Reason.WALK_LIMIT, detail)


def _locator(volume: Locator, directory: int, place: int, check: int) -> Locator:
    return Locator(volume.source, volume.volume, FolderFileSystem.type, f"{directory}-{place}-{check}")


def _check(directory_modified: int, entries: int, status: FileStatus) -> int:
    # nanoseconds before 1970, or after 2262 where a file system has such times, are more than a signed word holds
    values = (directory_modified, entries, status.size, status.times.modified or 0)
    return zlib.crc32(_CHECKED.pack(*(value & _WORD for value in values)))


def _obstacle(directory: int, name: bytes, status: FileStatus) -> Reason | None:
    """Why the size of a regular file forbids hashing it."""
    allocated = status.allocated
    suspect = stat.S_ISREG(status.mode) and status.size > SPARSE_LIMIT
    if suspect and (allocated == 0 or status.size - allocated > HOLE_LIMIT):
        allocated = _data_bytes(directory, name, status.size)  # some file systems count no blocks
    return size_obstacle(Facts(status.size, allocated, None)) if suspect else None


def _data_bytes(directory: int, name: bytes, size: int) -> int:
    """Bytes of a file that are no holes; all of them where the file system does not tell."""
    try:
        descriptor = open_without_trace(name, os.O_NONBLOCK, directory)
    except OSError:
        return size  # reading it will fail too, and say why
    found = end = 0
    try:
        while end < size:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
            found += end - start
    except OSError:
        pass  # no data beyond this place
    finally:
        os.close(descriptor)
    return found
