"""A folder as a source: a mounted file system, or what a phone extraction left as files.

A folder has no medium to read and no byte stream to digest. What it holds is listed by
:mod:`forensics.evidence.filesystems.folder`, through the operating system: only allocated files can be seen.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from forensics.errors import ImageError
from forensics.evidence import folder_manifest
from forensics.evidence.folder_tree import FolderTree
from forensics.evidence.image import DiskImage, EvidenceKind, ImageFormat


class FolderImage(DiskImage):
    """An open folder: an image without a byte, whose only volume is the folder.

    Args:
        path: The folder.

    Attributes:
        tree: Its directories.

    Raises:
        ImageError: It cannot be opened.
    """

    format: ClassVar[str] = "folder"
    holds_files: ClassVar[bool] = True
    digest_algorithm: ClassVar[str] = folder_manifest.ALGORITHM

    def __init__(self, path: Path) -> None:
        self.path = path
        self.segments = ()
        self.size = 0
        self.tree = FolderTree(path)
        try:
            read_only = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
        except OSError as error:
            self.close()
            raise ImageError(f"cannot be asked how it is mounted ({error.strerror})", str(path)) from error
        self.writable = "" if read_only else "lies on a file system that is mounted for writing"

    def read_at(self, offset: int, length: int) -> bytes:  # noqa: ARG002  there is nothing anywhere
        """Read nothing: the medium is not at hand."""
        return b""

    def close(self) -> None:
        """Release the folder."""
        self.tree.close()


class FolderFormat(ImageFormat):
    """Folders that no other format takes for an image of several files."""

    name: ClassVar[str] = "folder"
    kind: ClassVar[EvidenceKind] = EvidenceKind.FOLDER

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  any folder may be one
        """Accept any folder."""
        return True

    def open(self, path: Path) -> FolderImage:
        """Open a folder (see :meth:`ImageFormat.open`)."""
        return FolderImage(path)
