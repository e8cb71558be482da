"""Writes an NTFS volume in a file, without mounting it: folders, files, alternate data streams, deletion.

No program does all of that on an unmounted image, so this speaks to libntfs-3g itself. Prototypes and constants are
those of its headers (``volume.h``, ``inode.h``, ``dir.h``, ``attrib.h``, ``layout.h`` of version 2022.10.3).

The library keeps one in-memory inode for each ``ntfs_inode_open``. Closing a file writes its size and times into its
folder's index; if that folder is open at that moment, it must be closed with ``ntfs_inode_close_in_dir``, else the
library opens the folder a second time and one of the two copies overwrites the other.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, NoReturn, Self

from forensics.errors import TamizError
from plugins.sample_evidence import programs

_ROOT_RECORD = 5
_ATTRIBUTE_DATA = 0x80
_RECORD_MASK = 0x0000_FFFF_FFFF_FFFF
_NOT_FOUND = 0xFFFF_FFFF_FFFF_FFFF
_NO_SECURITY_ID = 0
_MOUNT_PLAIN = 0
_ROOT = PurePosixPath()

_POINTER = ctypes.c_void_p
_PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "ntfs_mount": (_POINTER, (ctypes.c_char_p, ctypes.c_ulong)),
    "ntfs_umount": (ctypes.c_int, (_POINTER, ctypes.c_int)),
    "ntfs_inode_open": (_POINTER, (_POINTER, ctypes.c_uint64)),
    "ntfs_inode_close": (ctypes.c_int, (_POINTER,)),
    "ntfs_inode_close_in_dir": (ctypes.c_int, (_POINTER, _POINTER)),
    "ntfs_inode_lookup_by_name": (ctypes.c_uint64, (_POINTER, _POINTER, ctypes.c_int)),
    "ntfs_create": (_POINTER, (_POINTER, ctypes.c_uint32, _POINTER, ctypes.c_uint8, ctypes.c_uint)),
    "ntfs_delete": (ctypes.c_int, (_POINTER, ctypes.c_char_p, _POINTER, _POINTER, _POINTER, ctypes.c_uint8)),
    "ntfs_attr_add": (
        ctypes.c_int,
        (_POINTER, ctypes.c_uint32, _POINTER, ctypes.c_uint8, _POINTER, ctypes.c_int64),
    ),
    "ntfs_attr_open": (_POINTER, (_POINTER, ctypes.c_uint32, _POINTER, ctypes.c_uint32)),
    "ntfs_attr_pwrite": (ctypes.c_int64, (_POINTER, ctypes.c_int64, ctypes.c_int64, _POINTER)),
    "ntfs_attr_close": (None, (_POINTER,)),
}


def format_ntfs(image: Path, size: int, start_sector: int, label: str) -> None:
    """Make an empty NTFS volume in a file.

    Args:
        image: The file to make.
        size: Length of the volume in bytes.
        start_sector: Where the volume will stand on its disk, in sectors of 512 bytes; goes into the boot sector.
        label: Volume label.

    Raises:
        TamizError: ``mkntfs`` fails.
    """
    with image.open("xb") as file:
        file.truncate(size)
    # A file has no geometry to ask for; 255 heads of 63 sectors is what every BIOS assumes.
    geometry = ("-s", "512", "-p", str(start_sector), "-H", "255", "-S", "63")
    programs.run("mkntfs", "-q", "-F", "-f", *geometry, "-L", label, image)


class NtfsVolume:
    """An NTFS volume open for writing. Paths are relative to its root, parts joined by ``/``.

    It knows the folders that it made itself, and no others.

    Args:
        image: A file that holds one formatted volume and is not mounted.

    Raises:
        TamizError: libntfs-3g is not installed (on construction), or the volume cannot be opened (on entry).
    """

    def __init__(self, image: Path) -> None:
        library = programs.ntfs_library()
        if library is None:
            raise TamizError("libntfs-3g is not installed", programs.NTFS_LIBRARY, "run 'apt install ntfs-3g'")
        self._functions: dict[str, Callable[..., Any]] = {}
        for name, (result, arguments) in _PROTOTYPES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
            self._functions[name] = function
        self._image = image
        self._volume: int | None = None
        self._folders: dict[PurePosixPath, int] = {}

    def __enter__(self) -> Self:
        self._volume = self._call("ntfs_mount", os.fsencode(self._image), _MOUNT_PLAIN)
        if self._volume is None:
            self._fail("open the volume")
        self._folders = {_ROOT: _ROOT_RECORD}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        volume, self._volume = self._volume, None
        if self._call("ntfs_umount", volume, 0) != 0 and error is None:
            self._fail("close the volume")

    def create(self, path: str, content: bytes) -> None:
        """Create a file with its folders and write its unnamed data stream.

        Raises:
            TamizError: The file is there already, or the volume is full.
        """
        where = PurePosixPath(path)
        folder_record = self._make_folder(where.parent)
        with self._inode(folder_record) as folder:
            inode = self._create(folder, where.name, stat.S_IFREG)
            try:
                self._write(inode, None, content)
            finally:
                self._close_in_folder(inode, folder)

    def add_stream(self, path: str, name: str, content: bytes) -> None:
        """Add an alternate data stream to a file that is there.

        Raises:
            TamizError: There is no such file, it has such a stream, or the volume is full.
        """
        where = PurePosixPath(path)
        stored = _utf16(name)
        with self._inode(self._record(where)) as inode:
            if self._call("ntfs_attr_add", inode, _ATTRIBUTE_DATA, stored, len(stored) // 2, None, 0) != 0:
                self._fail("add a stream")
            self._write(inode, stored, content)

    def delete(self, path: str) -> None:
        """Delete a file: its name leaves the folder, its record and clusters become free, its bytes stay.

        Raises:
            TamizError: There is no such file.
        """
        where = PurePosixPath(path)
        stored = _utf16(where.name)
        inode = self._open(self._record(where))
        folder = self._open(self._folder_record(where.parent))
        # closes both inodes, whether it succeeds or not
        if self._call("ntfs_delete", self._volume, None, inode, folder, stored, len(stored) // 2) != 0:
            self._fail("delete a file")

    def _make_folder(self, path: PurePosixPath) -> int:
        """Make a folder and its parents where they are not there yet; gives its MFT record number."""
        known = self._folders.get(path)
        if known is not None:
            return known
        with self._inode(self._make_folder(path.parent)) as parent:
            inode = self._create(parent, path.name, stat.S_IFDIR)
            self._close_in_folder(inode, parent)
            self._folders[path] = self._lookup(parent, path.name)
        return self._folders[path]

    def _folder_record(self, path: PurePosixPath) -> int:
        try:
            return self._folders[path]
        except KeyError as error:
            raise TamizError("no such folder was made", str(self._image), "create a file in it first") from error

    def _record(self, path: PurePosixPath) -> int:
        """The MFT record number of a file in a folder that this object made."""
        with self._inode(self._folder_record(path.parent)) as folder:
            return self._lookup(folder, path.name)

    def _lookup(self, folder: int, name: str) -> int:
        stored = _utf16(name)
        reference = int(self._call("ntfs_inode_lookup_by_name", folder, stored, len(stored) // 2))
        if reference == _NOT_FOUND:
            self._fail("find a file")
        return reference & _RECORD_MASK

    def _create(self, folder: int, name: str, kind: int) -> int:
        stored = _utf16(name)
        inode = self._call("ntfs_create", folder, _NO_SECURITY_ID, stored, len(stored) // 2, kind)
        if inode is None:
            self._fail("create a file")
        return int(inode)

    def _write(self, inode: int, name: bytes | None, content: bytes) -> None:
        attribute = self._call("ntfs_attr_open", inode, _ATTRIBUTE_DATA, name, len(name or b"") // 2)
        if attribute is None:
            self._fail("open a stream")
        try:
            if content and self._call("ntfs_attr_pwrite", attribute, 0, len(content), content) != len(content):
                self._fail("write a stream")
        finally:
            self._call("ntfs_attr_close", attribute)

    @contextmanager
    def _inode(self, record: int) -> Iterator[int]:
        inode = self._open(record)
        try:
            yield inode
        finally:
            self._call("ntfs_inode_close", inode)

    def _open(self, record: int) -> int:
        inode = self._call("ntfs_inode_open", self._volume, record)
        if inode is None:
            self._fail("open a file")
        return int(inode)

    def _close_in_folder(self, inode: int, folder: int) -> None:
        if self._call("ntfs_inode_close_in_dir", inode, folder) != 0:
            self._fail("close a file")

    def _call(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 - what C returns
        ctypes.set_errno(0)
        return self._functions[function](*arguments)

    def _fail(self, action: str) -> NoReturn:
        cause = os.strerror(ctypes.get_errno())
        raise TamizError(f"libntfs-3g could not {action} ({cause})", str(self._image), "check the free space")


def _utf16(name: str) -> bytes:
    """A name as NTFS stores it; its length in characters is half its length in bytes."""
    return name.encode("utf-16-le", "surrogatepass")
