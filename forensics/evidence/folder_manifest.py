r"""The digest of a folder, which has no bytes of its own: over the list of its files, with sizes and times.

SHA-256 over one line for each entry that is no directory, sorted in binary order, each ended by a zero byte: type,
size, modification time, path. Anyone can compute it without tamiz (GNU find)::

    find FOLDER -xdev -mindepth 1 ! -type d -printf '%y %s %T@ %P\0' | LC_ALL=C sort -z | sha256sum

It shows that no file came, went or was written to in the ordinary way; it does not cover what the files hold.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from pathlib import Path

from forensics.evidence.file_status import FileStatus, file_status
from forensics.evidence.folder_tree import FolderTree, Listing

ALGORITHM = "manifest-sha256"
"""Name of this digest in a case."""

_TYPES = {
    stat.S_IFREG: "f",
    stat.S_IFLNK: "l",
    stat.S_IFIFO: "p",
    stat.S_IFSOCK: "s",
    stat.S_IFBLK: "b",
    stat.S_IFCHR: "c",
}
_BILLION = 1_000_000_000


def digest_folder(path: Path, on_files: Callable[[int], None]) -> str:
    """Digest the list of a folder's files.

    Args:
        path: The folder.
        on_files: Called with a number of files, as listing goes on.

    Returns:
        The digest in lower-case hexadecimal.

    Raises:
        ImageError: The folder cannot be opened.
    """
    tree = FolderTree(path)
    lines: list[bytes] = []
    try:
        for listing in tree.listings():
            known = len(lines)
            _add_lines(tree, listing, lines)
            on_files(len(lines) - known)
    finally:
        tree.close()
    digest = hashlib.sha256()
    for line in sorted(lines):
        digest.update(line)
    return digest.hexdigest()


def _add_lines(tree: FolderTree, listing: Listing, lines: list[bytes]) -> None:
    for name in listing.names:
        if name in listing.directories:
            continue
        try:
            status = file_status(listing.descriptor, name)
        except OSError:
            continue  # gone since: it is missing from the list, as find(1) leaves it out
        if status.mount == tree.mount:
            lines.append(_line(status, listing.path + name))


def _line(status: FileStatus, path: bytes) -> bytes:
    seconds, nanoseconds = divmod(status.times.modified or 0, _BILLION)
    kind = _TYPES.get(stat.S_IFMT(status.mode), "U")
    return f"{kind} {status.size} {seconds}.{nanoseconds:09}0 ".encode() + path + b"\0"
