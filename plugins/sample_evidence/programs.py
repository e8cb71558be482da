"""The programs that build the sample evidence, and the Debian packages they come from."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from forensics.errors import TamizError

NTFS_LIBRARY = "libntfs-3g.so.89"
"""The shared library by its soname; Debian's package ``ntfs-3g`` depends on the one that holds it."""

PACKAGES: Mapping[str, str] = {
    "debugfs": "e2fsprogs",
    "ewfacquire": "ewf-tools",
    "mcopy": "mtools",
    "mdel": "mtools",
    "mke2fs": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mkntfs": "ntfs-3g",
    "sfdisk": "fdisk",
    NTFS_LIBRARY: "ntfs-3g",
}
"""Every program (and the one library) that building the sample evidence needs, with its Debian package."""

# Debian keeps file-system tools out of an ordinary user's PATH, though they need no root for a file.
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def missing() -> dict[str, str]:
    """The programs of :data:`PACKAGES` that this machine lacks, with their packages."""
    return {
        name: package
        for name, package in PACKAGES.items()
        if (ntfs_library() is None if name == NTFS_LIBRARY else shutil.which(name, path=_search_path()) is None)
    }


def require_all() -> None:
    """Check that everything is there before anything is built.

    Raises:
        TamizError: Something is missing; names it and the ``apt install`` that brings it.
    """
    lacking = missing()
    if lacking:
        packages = " ".join(sorted(set(lacking.values())))
        raise TamizError(
            f"the sample evidence needs {', '.join(lacking)}", "this machine", f"run 'apt install {packages}'"
        )


def run(program: str, *arguments: str | Path, standard_input: str | None = None) -> None:
    """Run one of the programs to its end, with its output kept off the screen.

    Raises:
        TamizError: It is missing or fails; carries the last line it wrote to standard error.
    """
    environment = {**os.environ, "PATH": _search_path(), "LC_ALL": "C.UTF-8"}
    try:
        subprocess.run(
            [program, *map(str, arguments)],
            input=standard_input,
            stdin=subprocess.DEVNULL if standard_input is None else None,
            capture_output=True,
            check=True,
            encoding="utf-8",
            errors="backslashreplace",
            env=environment,
        )
    except FileNotFoundError as error:
        raise TamizError("is not installed", program, f"run 'apt install {PACKAGES[program]}'") from error
    except subprocess.CalledProcessError as error:
        lines = str(error.stderr).strip().splitlines() or [f"exit code {error.returncode}"]
        raise TamizError(f"failed ({lines[-1]})", program, "check the free space of the folder") from error


def ntfs_library() -> ctypes.CDLL | None:
    """Load libntfs-3g; ``None`` where it is not installed."""
    try:
        return ctypes.CDLL(NTFS_LIBRARY, use_errno=True)
    except OSError:
        # another release's soname, as the linker's cache knows it
        name = ctypes.util.find_library("ntfs-3g")
        return None if name is None else ctypes.CDLL(name, use_errno=True)


def _search_path() -> str:
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS))
