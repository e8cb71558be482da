"""Raw images: the bytes of the medium as they are, in one file or a device.

A raw image has no magic of its own, so this format accepts any file and is asked last. What is recognisably something
else (a virtual disk, another forensic container, a compressed file, one part of a split image) is refused, because
examined as raw it would look like a disk without a file system.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from forensics.errors import ImageError
from forensics.evidence.image import DiskImage, ImageFormat

_Magics = tuple[tuple[int, bytes, str], ...]
"""Offset in the file, magic, what it is."""

_FOREIGN: _Magics = (
    (0, b"QFI\xfb", "a QCOW virtual disk"),
    (0, b"KDMV", "a VMDK virtual disk"),
    (0, b"COWD", "a VMDK virtual disk"),
    (0, b"# Disk DescriptorFile", "the description of a VMDK virtual disk"),
    (0, b"vhdxfile", "a VHDX virtual disk"),
    (0, b"conectix", "a dynamic VHD virtual disk"),
    (64, b"\x7f\x10\xda\xbe", "a VDI virtual disk"),
    (0, b"AFF10\r\n\x00", "an AFF image"),
    (0, b"ADSEGMENTEDFILE\x00", "an AD1 logical image"),
    (0, b"ADLOGICALIMAGE", "an AD1 logical image"),
    (0, b"encrcdsa", "an encrypted Apple disk image"),
    (0, b"sprs", "a sparse Apple disk image"),
)
_FOREIGN_UNLESS_BOOTABLE: _Magics = (
    (0, b"PK\x03\x04", "a ZIP or AFF4 file"),
    (0, b"\x1f\x8b\x08", "a gzip file"),
    (0, b"\xfd7zXZ\x00", "an xz file"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip file"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (0, b"Rar!\x1a\x07", "a RAR file"),
)
"""Two to six bytes at the start of a boot sector may be anything; a boot signature says it is a disk after all."""

_BOOT_SIGNATURE = slice(510, 512), b"\x55\xaa"
_APPLE_TRAILER_SIZE = 512
_APPLE_TRAILER = b"koly"
_NUMBERED = re.compile(r"\.[0-9]{3}")
_LETTERED = re.compile(r"\.[a-z]{2}")


class RawImage(DiskImage):
    """An open raw image.

    Reads go through ``pread``, so no file offset is shared with anyone.
    """

    format: ClassVar[str] = "raw"

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        self.path = path
        self.segments = (path,)
        self.stored_digests = {}
        self.metadata = {}
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            # the size of a device is not in its stat; seeking tells it for both, and no read depends on the offset
            self.size = os.lseek(self._descriptor, 0, os.SEEK_END)
        except OSError as error:
            self.close()
            raise ImageError(f"cannot be opened ({error.strerror})", str(path), "check permissions") from error

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the medium (see :meth:`DiskImage.read_at`)."""
        wanted = min(length, self.size - offset)
        if wanted <= 0:
            return b""
        try:
            data = os.pread(self._descriptor, wanted, offset)
            while len(data) < wanted:
                more = os.pread(self._descriptor, wanted - len(data), offset + len(data))
                if not more:
                    raise ImageError(f"ends at byte {offset + len(data)} although it was longer", str(self.path))
                data += more
        except OSError as error:
            raise ImageError(
                f"byte {offset} cannot be read ({error.strerror})", str(self.path), "check the medium it is stored on"
            ) from error
        return data

    def close(self) -> None:
        """Release the file descriptor."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


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
            ImageError: The file is one part of a split image, is recognisably something else, or cannot be opened.
        """
        for neighbour in _neighbouring_segments(path):
            if neighbour.exists():
                raise ImageError(
                    f"is one part of a split raw image ({neighbour.name} lies beside it), which is not supported yet",
                    str(path),
                    "join the parts in order into one file with 'cat', or acquire as E01",
                )
        image = RawImage(path)
        what = _foreign(image)
        if what:
            image.close()
            raise ImageError(
                f"is {what}, not a raw image; no installed plug-in reads it", str(path), "convert it to raw or E01"
            )
        return image


def _neighbouring_segments(path: Path) -> Iterator[Path]:
    """Name the segments before and after a file that is named like a part of a split raw image."""
    suffix = path.suffix
    if _NUMBERED.fullmatch(suffix):
        number = int(suffix[1:])
        for neighbour in (number - 1, number + 1):
            if 0 <= neighbour <= 999:
                yield path.with_suffix(f".{neighbour:03d}")
    elif _LETTERED.fullmatch(suffix):
        number = (ord(suffix[1]) - ord("a")) * 26 + ord(suffix[2]) - ord("a")
        for neighbour in (number - 1, number + 1):
            if 0 <= neighbour < 26 * 26:
                yield path.with_suffix(f".{chr(ord('a') + neighbour // 26)}{chr(ord('a') + neighbour % 26)}")


def _foreign(image: RawImage) -> str | None:
    """Tell what else a file is, or ``None`` if it may be a raw image."""
    head = image.read_at(0, 512)
    magics = _FOREIGN
    place, signature = _BOOT_SIGNATURE
    if head[place] != signature:
        magics += _FOREIGN_UNLESS_BOOTABLE
    for offset, magic, what in magics:
        if head[offset : offset + len(magic)] == magic:
            return what
    trailer = image.read_at(max(0, image.size - _APPLE_TRAILER_SIZE), len(_APPLE_TRAILER))
    return "a compressed Apple disk image (UDIF)" if trailer == _APPLE_TRAILER else None
