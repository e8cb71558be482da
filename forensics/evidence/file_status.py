"""What the operating system says of a file without opening it: ``statx(2)``, which also tells birth time and mount.

Python has no ``os.statx`` before 3.15. Layout of ``struct statx``: ``linux/stat.h``. Where the call is missing (Linux
before 4.11, other systems), ``lstat`` answers, without those two.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import cast

from forensics.evidence.stream import Times

_AT_CURRENT = -100
_NO_FOLLOW, _NO_AUTOMOUNT, _EMPTY_PATH = 0x100, 0x800, 0x1000
_FLAGS = _NO_FOLLOW | _NO_AUTOMOUNT
_BASIC, _BIRTH, _MOUNT = 0x7FF, 0x800, 0x1000
_WANTED = _BASIC | _BIRTH | _MOUNT
_TIME = "qIxxxx"
_LAYOUT = struct.Struct(f"=IIQIIIHxxQQQQ{4 * _TIME}IIIIQ")
_BUFFER_SIZE = 256
_Buffer = ctypes.c_char * _BUFFER_SIZE
_BILLION = 1_000_000_000


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A file as it stands in its file system; of a symbolic link, the link.

    Attributes:
        mode: Type and permissions.
        size: Length in bytes.
        allocated: Bytes of its blocks, as the file system counts them; some count none.
        links: Number of its names.
        identity: Device and inode number: the same for all its names.
        mount: What tells the mounted file systems apart: the mount's number, or the device where that is not told.
        times: Its times.
    """

    mode: int
    size: int
    allocated: int
    links: int
    identity: tuple[int, int]
    mount: int
    times: Times


def file_status(directory: int, name: bytes = b"") -> FileStatus:
    """Ask for the status of a file; opens nothing and follows no link.

    Args:
        directory: Descriptor of its directory.
        name: Its name; empty for what the descriptor itself stands for.

    Raises:
        OSError: It is not there, or may not be asked.
    """
    call = _statx()
    if call is not None:
        buffer = bytearray(_BUFFER_SIZE)
        if call(directory, name, _FLAGS if name else _FLAGS | _EMPTY_PATH, _WANTED, _Buffer.from_buffer(buffer)) == 0:
            return _from_statx(_LAYOUT.unpack_from(buffer))
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return _from_stat(os.stat(name, dir_fd=directory, follow_symlinks=False) if name else os.fstat(directory))


@cache
def _statx() -> Callable[..., int] | None:
    """The function of the C library; ``None`` where library or kernel have none."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
    if function is None:
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, _Buffer)
    buffer = _Buffer()
    works = function(_AT_CURRENT, b"/", _NO_FOLLOW, _BASIC, buffer) == 0
    return cast("Callable[..., int]", function) if works else None


def _from_statx(fields: tuple[int, ...]) -> FileStatus:
    mask, _, _, links, _, _, mode, inode, size, blocks, _ = fields[:11]
    accessed, created, changed, modified = (fields[place] * _BILLION + fields[place + 1] for place in (11, 13, 15, 17))
    device = os.makedev(fields[21], fields[22])
    return FileStatus(
        mode,
        size,
        blocks * 512,
        links,
        (device, inode),
        fields[23] if mask & _MOUNT else device,
        # no file is older than its file system: zero is a field that nobody filled
        Times(modified, accessed, changed, created if mask & _BIRTH and created else None),
    )


def _from_stat(status: os.stat_result) -> FileStatus:
    return FileStatus(
        status.st_mode,
        status.st_size,
        status.st_blocks * 512,
        status.st_nlink,
        (status.st_dev, status.st_ino),
        status.st_dev,
        Times(status.st_mtime_ns, status.st_atime_ns, status.st_ctime_ns),
    )
