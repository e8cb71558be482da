"""The directories below a folder, numbered in the order of a walk, so that a number leads back to one without its name.

Nothing is written and no link is followed. Directories are opened one component at a time from the descriptor of the
folder, which also copes with paths longer than the system takes. What is mounted inside the folder is not entered.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import ImageError
from forensics.evidence.file_status import file_status

MAX_DEPTH = 1024
"""Directories nested deeper are not entered."""

_NO_ATIME = getattr(os, "O_NOATIME", 0)
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_ROOT = -1


@dataclass(frozen=True, slots=True)
class Listing:
    """A directory as it was listed.

    Attributes:
        number: Its place in the order of the walk; the folder itself is 0.
        path: Its path below the folder, with a trailing slash; empty for the folder.
        names: Names of its entries in binary order.
        directories: Which of them are directories.
        modified: Its modification time in nanoseconds, which changes with every entry added, renamed or removed.
        descriptor: The directory itself, open until the next listing is asked for.
        problem: Why it could not be listed, or not to its end; empty if it could.
        other_mounts: How many directories in it belong to another mounted file system and are not entered.
        too_deep: How many directories in it are not entered because they lie deeper than :data:`MAX_DEPTH`.
    """

    number: int
    path: bytes
    names: tuple[bytes, ...]
    directories: frozenset[bytes]
    modified: int
    descriptor: int = -1
    problem: str = ""
    other_mounts: int = 0
    too_deep: int = 0


class FolderTree:
    """A folder, open. Belongs to the process that opened it.

    Args:
        path: The folder.

    Raises:
        ImageError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = _ROOT
        try:
            self._descriptor = open_without_trace(os.fsencode(path), os.O_DIRECTORY)
            self.mount = file_status(self._descriptor).mount
        except OSError as error:
            self.close()
            raise ImageError(f"cannot be opened ({error.strerror})", str(path), "check permissions") from error
        self._parents: list[tuple[int, bytes]] = []
        """For each directory met so far, the number of the one it is in, and its name."""
        self._numbering: Iterator[Listing] | None = None

    def listings(self) -> Iterator[Listing]:
        """List every directory: names in binary order, a directory before those in it.

        The order is the same each time as long as no directory comes, goes or is renamed.
        """
        return self._listings([])

    def open_directory(self, number: int) -> int:
        """Open a directory by its number; the caller closes the descriptor.

        Raises:
            OSError: It is gone, or may not be opened.
            LookupError: There are not so many directories.
        """
        if self._numbering is None:
            self._numbering = self._listings(self._parents)
        while number >= len(self._parents):
            if next(self._numbering, None) is None and number >= len(self._parents):
                raise LookupError(number)
        return self._open(self._parents, number)

    def close(self) -> None:
        """Release the descriptor. Closing twice is harmless."""
        if self._descriptor != _ROOT:
            os.close(self._descriptor)
            self._descriptor = _ROOT

    def _listings(self, parents: list[tuple[int, bytes]]) -> Iterator[Listing]:
        """List directories and enter each into ``parents`` as it is met."""
        stack: list[tuple[int, bytes, bytes, int]] = [(_ROOT, b"", b"", 0)]
        while stack:
            parent, name, path, depth = stack.pop()
            number = len(parents)
            parents.append((parent, name))
            try:
                descriptor = self._open(parents, number)
            except OSError as error:
                yield Listing(number, path, (), frozenset(), 0, problem=f"cannot be opened ({error.strerror})")
                continue
            try:
                listing, below = self._list(descriptor, number, path, depth)
                stack.extend((number, name, path + name + b"/", depth + 1) for name in reversed(below))
                yield listing
            finally:
                os.close(descriptor)

    def _list(self, descriptor: int, number: int, path: bytes, depth: int) -> tuple[Listing, list[bytes]]:
        """List one directory; give also the names of those in it that are to be entered."""
        names, directories, modified, problem = list_directory(descriptor)
        other_mounts = too_deep = 0
        below = []
        for name in sorted(directories):
            try:
                if file_status(descriptor, name).mount != self.mount:
                    other_mounts += 1
                    continue
            except OSError as error:
                problem = problem or f"a folder in it cannot be opened ({error.strerror})"
                continue
            if depth < MAX_DEPTH:
                below.append(name)
            else:
                too_deep += 1
        listing = Listing(number, path, names, directories, modified, descriptor, problem, other_mounts, too_deep)
        return listing, below

    def _open(self, parents: list[tuple[int, bytes]], number: int) -> int:
        names = []
        while number > 0:
            number, name = parents[number]
            names.append(name)
        descriptor = open_without_trace(b".", os.O_DIRECTORY, self._descriptor)
        for name in reversed(names):
            try:
                inner = open_without_trace(name, os.O_DIRECTORY, descriptor)
            finally:
                os.close(descriptor)
            descriptor = inner
        return descriptor


def list_directory(descriptor: int) -> tuple[tuple[bytes, ...], frozenset[bytes], int, str]:
    """List an open directory.

    Args:
        descriptor: The directory.

    Returns:
        The names in binary order, which of them are directories, the directory's modification time in nanoseconds,
        and why it could not be listed to its end (empty if it could).
    """
    found: dict[bytes, bool] = {}
    modified, problem = 0, ""
    try:
        modified = file_status(descriptor).times.modified or 0
        with os.scandir(descriptor) as entries:
            for entry in entries:
                found[os.fsencode(entry.name)] = entry.is_dir(follow_symlinks=False)
    except OSError as error:
        problem = f"cannot be listed to its end ({error.strerror})"
    return (
        tuple(sorted(found)),
        frozenset(name for name, is_directory in found.items() if is_directory),
        modified,
        problem,
    )


def open_without_trace(name: bytes, flags: int = 0, directory: int | None = None) -> int:
    """Open for reading without changing the access time, where the system lets us; links are not followed.

    Args:
        name: Name of the file or directory.
        flags: Flags beyond those for reading.
        directory: Descriptor of the directory it is in.

    Raises:
        OSError: It cannot be opened.
    """
    try:
        return os.open(name, _FLAGS | _NO_ATIME | flags, dir_fd=directory)
    except PermissionError:  # the access time may be left alone only by the owner of a file
        return os.open(name, _FLAGS | flags, dir_fd=directory)
