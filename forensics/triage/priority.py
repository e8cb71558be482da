"""What is examined first: classes by path, extension, size and allocation, so that first hits come early.

The class decides the order and nothing else: everything is examined all the same, and the case does not depend on it.
Inside a class streams are read in physical order. The order of folders follows The Sleuth Kit's own walk (users' first,
system folders and page files last; ``fs_dir.cpp``).
"""

from __future__ import annotations

import itertools
from enum import Enum, IntEnum, auto
from functools import lru_cache

from forensics.media.extension import named_kind

SMALLEST_PICTURE = 2048
"""Bytes. Media files of fewer are icons and place holders: they are examined with other files."""


class Priority(IntEnum):
    """A class of streams; a smaller number is examined earlier. Stored in the case as a number."""

    USER_MEDIA = 0
    """Media files in users' folders."""
    MEDIA = 1
    """Media files elsewhere, but for system folders."""
    DELETED_MEDIA = 2
    """Media files that were deleted, have lost their folder, or were carved."""
    USER_FILES = 3
    """Other files in users' folders."""
    DELETED = 4
    """Other files that are not allocated."""
    OTHER = 5
    """Files elsewhere, and what has no bytes."""
    SYSTEM = 6
    """Files in folders of the operating system and of programs, media included."""
    MEMORY = 7
    """Page, hibernation and swap files: large, and without a file's structure."""


class _Place(Enum):
    USER = auto()
    SYSTEM = auto()
    OTHER = auto()


def priority_of(path: bytes, size: int, allocation: str) -> Priority:
    """Tell the class of a stream.

    Args:
        path: As the file system stores it, from its root, parts joined by ``/``; any bytes.
        size: Bytes.
        allocation: A :class:`forensics.evidence.stream.Allocation`.
    """
    folder, _, name = path.rpartition(b"/")
    if _is_memory(folder, name):
        return Priority.MEMORY
    place = _place_of(folder[:_FOLDER_LENGTH] or b"/" + name[:1])
    if place is _Place.SYSTEM:
        return Priority.SYSTEM
    if size == 0:
        return Priority.OTHER
    is_media = size >= SMALLEST_PICTURE and named_kind(name) is not None
    if allocation != "allocated":
        return Priority.DELETED_MEDIA if is_media else Priority.DELETED
    if place is _Place.USER:
        return Priority.USER_MEDIA if is_media else Priority.USER_FILES
    return Priority.MEDIA if is_media else Priority.OTHER


def is_system(path: bytes) -> bool:
    """Whether a path lies in a folder of the operating system or of programs, or is a page file."""
    folder, _, name = path.rpartition(b"/")
    return _is_memory(folder, name) or _place_of(folder[:_FOLDER_LENGTH] or b"/" + name[:1]) is _Place.SYSTEM


_MEMORY_FILES = frozenset(
    b"pagefile.sys hiberfil.sys swapfile.sys memory.dmp win386.swp 386spart.par swapfile swap.img .swapfile".split()
)
_MEMORY_FOLDERS = frozenset({b"private/var/vm", b"var/vm", b"system/volumes/vm"})

_USERS_ROOTS = frozenset(
    (b"users", b"documents and settings", b"home", b"root", b"$recycle.bin", b"recycler", b"recycled", b".trashes")
)
"""Names of the folders in which each user has one, and of what users threw away. They stand at the root of the disk, or
a few folders below it (the root of a copy or of an extraction; ``Windows.old``, ``System/Volumes/Data``)."""

_USERS_ROOT_DEPTH = 4

_FOLDER_LENGTH = 500
"""As much of a folder's path is looked at and remembered; hostile ones have many thousand bytes."""

_PHONE_STORAGE = (
    (b"media", b"0"),  # Android: root of the data partition
    (b"data", b"media"),
    (b"storage", b"emulated"),
    (b"mnt", b"sdcard"),
    (b"var", b"mobile"),  # iOS
)
"""Pairs of folders below which a phone keeps what its user made, received or downloaded."""

_PERSONAL = frozenset(
    b"dcim pictures camera photos videos movies download downloads desktop whatsapp telegram sdcard".split()
)
"""Folders of pictures and downloads, at any depth: cameras, memory cards, phones, home folders moved elsewhere."""

_SYSTEM_ROOTS = frozenset(
    (
        # Windows
        b"windows", b"winnt", b"program files", b"program files (x86)", b"programdata", b"recovery", b"msocache",
        b"perflogs", b"$windows.~bt", b"$windows.~ws", b"$winreagent", b"$sysreset", b"system volume information",
        b"boot", b"efi",
        # Linux
        b"usr", b"bin", b"sbin", b"lib", b"lib32", b"lib64", b"libx32", b"dev", b"proc", b"sys", b"run", b"etc",
        b"snap", b"opt",
        # macOS, Android
        b"system", b"library", b"applications", b"private", b"cores", b"vendor", b"product", b"apex", b"app",
        b"dalvik-cache",
    )
)  # fmt: skip
"""Folders at the root of a file system that hold the operating system and programs."""

_WRAPPERS = ((b"system", b"volumes", b"data"), (b"windows.old",), (b"private", b"var", b"mobile"))
"""Folders at the root that look like the system's and hold what users made."""


def _is_memory(folder: bytes, name: bytes) -> bool:
    return (folder.count(b"/") < 1 and name.lower() in _MEMORY_FILES) or folder.lower() in _MEMORY_FOLDERS


@lru_cache(maxsize=4096)
def _place_of(folder: bytes) -> _Place:
    """Tell where a folder lies; for a file at the root, ``/`` and the first byte of its name."""
    parts = folder.lower().split(b"/")
    if not parts[0]:  # a file at the root
        is_metadata = parts[1].startswith(b"$")  # of NTFS, such as $MFT or $Secure:$SDS
        return _Place.SYSTEM if is_metadata else _Place.OTHER
    is_wrapped = any(tuple(parts[: len(wrapper)]) == wrapper for wrapper in _WRAPPERS)
    if not is_wrapped and (parts[0] in _SYSTEM_ROOTS or parts[0] == b"$extend"):
        return _Place.SYSTEM
    pairs = itertools.pairwise(parts)
    if (
        not _USERS_ROOTS.isdisjoint(parts[:_USERS_ROOT_DEPTH])
        or not _PERSONAL.isdisjoint(parts)
        or any(pair in _PHONE_STORAGE for pair in pairs)
    ):
        return _Place.USER
    return _Place.OTHER
