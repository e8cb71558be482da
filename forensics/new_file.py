"""Writing a file that leaves the laboratory: whole or not at all, never over another, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from forensics.errors import ReportError, TamizError


@contextmanager
def new_file(path: Path, error: type[TamizError] = ReportError) -> Iterator[BinaryIO]:
    """Open a new file for writing. It appears under its name, mode 0600, only once it is complete and on disk.

    Args:
        path: The file; must not exist, its folder must.
        error: What is raised.

    Raises:
        TamizError: It exists already or cannot be written. Nothing is left behind.
    """
    with new_path(path, error) as temporary, temporary.open("wb") as file:
        yield file


@contextmanager
def new_path(path: Path, error: type[TamizError] = ReportError) -> Iterator[Path]:
    """Give an empty file to be filled by its path, as a database is; else as :func:`new_file`.

    Raises:
        TamizError: It exists already or cannot be written. Nothing is left behind.
    """
    refuse_existing(path, error)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with writing(path, error):
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            yield temporary
            write_through(temporary)
            _give_name(temporary, path, error)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, error: type[TamizError] = ReportError) -> Iterator[None]:
    """Say in one line what the operating system has against writing something.

    Raises:
        TamizError: In place of any :class:`OSError`.
    """
    try:
        yield
    except OSError as cause:
        raise error(
            f"cannot be written ({cause.strerror})", str(path), "check the folder, its permissions and its free space"
        ) from cause


def refuse_existing(path: Path, error: type[TamizError] = ReportError) -> None:
    """Refuse to write over anything.

    Raises:
        TamizError: Something of that name is there.
    """
    if os.path.lexists(path):
        raise error("exists already", str(path), "choose another name, or move the old file away")


def write_through(path: Path) -> None:
    """Have the operating system put a file on the disk, or the names in a folder.

    Raises:
        OSError: It cannot.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _give_name(temporary: Path, path: Path, error: type[TamizError]) -> None:
    """Name the finished file. A hard link refuses an existing name atomically; not every file system has links."""
    with suppress(OSError):
        path.hardlink_to(temporary)
        return
    refuse_existing(path, error)
    temporary.rename(path)
