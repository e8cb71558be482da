"""Raw images: the bytes of the medium as they are, in one file or a device.

A raw image has no magic of its own, so this format accepts any file and is asked last. What is recognisably something
else (another forensic container, a compressed file, an encrypted image) is refused, because examined as raw it would
look like a disk without a file system.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from forensics.errors import ImageError
from forensics.evidence.image import DiskImage, ImageFormat
from forensics.evidence.images.read_only_file import ReadOnlyFile

_Magics = tuple[tuple[int, bytes, str, str], ...]
"""Offset in the file, magic, what it is, what to do."""

_CONVERT = "convert it to raw or E01"
_UNPACK = "unpack it first"
_DECRYPT = "decrypt it first"
_LOGICAL = "restore its first segment, the .ad1 file"

_FOREIGN: _Magics = (
    (64, b"\x7f\x10\xda\xbe", "a VDI virtual disk", _CONVERT),
    (0, b"AFF10\r\n\x00", "an AFF (version 3) image", _CONVERT),
    (0, b"ADLOGICALIMAGE", "a part of an AD1 logical image", _LOGICAL),
    (0, b"encrcdsa", "an encrypted Apple disk image", _DECRYPT),
    (0, b"cdsaencr", "an encrypted Apple disk image", _DECRYPT),
)
_FOREIGN_UNLESS_BOOTABLE: _Magics = (
    (0, b"PK\x03\x04", "a ZIP file", _UNPACK),
    (0, b"\x1f\x8b\x08", "a gzip file", _UNPACK),
    (0, b"\xfd7zXZ\x00", "an xz file", _UNPACK),
    (0, b"BZh", "a bzip2 file", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip file", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard file", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR file", _UNPACK),
)
"""Two to six bytes at the start of a boot sector may be anything; a boot signature says it is a disk after all."""

_BOOT_SIGNATURE = slice(510, 512), b"\x55\xaa"


class RawImage(DiskImage):
    """An open raw image."""

    format: ClassVar[str] = "raw"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.segments = (path,)
        self.stored_digests = {}
        self.metadata = {}
        self._file = ReadOnlyFile(path)
        self.size = self._file.size

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the medium (see :meth:`DiskImage.read_at`)."""
        return self._file.read_at(offset, length)

    def close(self) -> None:
        """Release the file descriptor."""
        self._file.close()


class RawFormat(ImageFormat):
    """Raw (``dd``) images in one file."""

    name: ClassVar[str] = "raw"
    last_resort: ClassVar[bool] = True

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  any file may be a raw image
        """Accept any file: a raw image has no magic."""
        return True

    def open(self, path: Path) -> RawImage:
        """Open a raw image (see :meth:`ImageFormat.open`).

        Raises:
            ImageError: The file is recognisably something else, or cannot be opened.
        """
        image = RawImage(path)
        try:
            refuse_foreign(image)
        except BaseException:
            image.close()
            raise
        return image


def refuse_foreign(image: DiskImage) -> None:
    """Refuse what was opened as a raw image and is recognisably something else.

    Args:
        image: The raw image, in one file or several.

    Raises:
        ImageError: It is; it says what, and what to do.
    """
    head = image.read_at(0, 512)
    magics = _FOREIGN
    place, signature = _BOOT_SIGNATURE
    if head[place] != signature:
        magics += _FOREIGN_UNLESS_BOOTABLE
    for offset, magic, what, remedy in magics:
        if head[offset : offset + len(magic)] == magic:
            raise ImageError(f"is {what}, not a raw image; no installed plug-in reads it", str(image.path), remedy)
