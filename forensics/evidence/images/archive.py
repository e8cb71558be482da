"""Archives as sources of their own: phone extractions come as ZIP (Cellebrite UFDR is one) and tar.

The "medium" is the archive file itself; what it holds is listed by :mod:`forensics.evidence.filesystems.zip` and
:mod:`forensics.evidence.filesystems.tar`, which read through it and unpack nothing to disk.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import ClassVar

from forensics.errors import EvidenceError
from forensics.evidence.image import DiskImage, ImageFormat
from forensics.evidence.images.raw import RawImage

_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MAGIC = slice(257, 262), b"ustar"
_BOOT_SIGNATURE = slice(510, 512), b"\x55\xaa"


class ZipImage(RawImage):
    """A ZIP file."""

    format: ClassVar[str] = "zip"
    holds_files: ClassVar[bool] = True


class TarImage(RawImage):
    """A tar file, not compressed."""

    format: ClassVar[str] = "tar"
    holds_files: ClassVar[bool] = True


class ZipFormat(ImageFormat):
    """ZIP files, UFDR among them. A disk may begin with the same bytes: one with a boot signature is no archive."""

    name: ClassVar[str] = "zip"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - the content decides
        """Tell whether a file is a ZIP (see :meth:`ImageFormat.recognises`)."""
        return head.startswith(_ZIP_MAGICS) and head[_BOOT_SIGNATURE[0]] != _BOOT_SIGNATURE[1]

    def open(self, path: Path) -> ZipImage:
        """Open a ZIP (see :meth:`ImageFormat.open`)."""
        return ZipImage(path)


class TarFormat(ImageFormat):
    """Tar files of the POSIX and GNU kinds."""

    name: ClassVar[str] = "tar"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - the content decides
        """Tell whether a file is a tar (see :meth:`ImageFormat.recognises`)."""
        return head[_TAR_MAGIC[0]] == _TAR_MAGIC[1]

    def open(self, path: Path) -> TarImage:
        """Open a tar (see :meth:`ImageFormat.open`)."""
        return TarImage(path)


class ImageFile(io.RawIOBase):
    """An image as a seekable binary file, for libraries that want one. Read-only.

    Args:
        image: The image; stays open when the file is closed.
    """

    def __init__(self, image: DiskImage) -> None:
        super().__init__()
        self._image = image
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Offset of the next byte to be read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to another offset (see :meth:`io.IOBase.seek`)."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._image.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read bytes into a buffer (see :meth:`io.RawIOBase.readinto`).

        Raises:
            OSError: The image cannot be read there.
        """
        try:
            data = self._image.read_at(self._position, len(buffer))
        except EvidenceError as error:
            raise OSError(error.what) from error
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
