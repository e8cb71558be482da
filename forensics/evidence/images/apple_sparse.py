"""Apple's growing disk images: sparse images (``.sparseimage``) and sparse bundles (``.sparsebundle``, Time Machine).

Both hold bands of the medium, in one file or one file each; a band that is not there has never been written to, and is
all zeros. In a bundle that is also how a band lost in copying looks, and nothing in the format tells the difference.
Neither has checksums.

Format: not published by Apple; Joachim Metz, "Mac OS disk image types" (libmodi documentation). Tried on images written
by that description and, sparse images, beside libmodi; not on one made by macOS.
"""

from __future__ import annotations

import plistlib
import struct
from pathlib import Path
from typing import ClassVar
from xml.parsers.expat import ExpatError

import numpy as np

from forensics.errors import ImageError
from forensics.evidence.image import BUNDLE_LIST, ImageFormat
from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.piecewise import PiecewiseImage

SPARSE_MAGIC = b"sprs"
BUNDLE_MARK = b"com.apple.diskimage.sparsebundle"

_HEADER = struct.Struct(">4s4xI4xI")
_HEADER_SIZE = 4096
_BANDS = slice(64, _HEADER_SIZE)
_SECTOR = 512
_LARGEST_LIST = 1 << 20
_LARGEST_BAND = 1 << 31
_MOST_BANDS = 16 << 20
_LARGEST_SIZE = (1 << 63) - 1


class SparseImage(PiecewiseImage):
    """An open sparse image."""

    format: ClassVar[str] = "sparseimage"

    def _open(self) -> None:
        self._file = self._open_file(self.path)
        header = self._file.read_exactly(0, _HEADER_SIZE, "the header")
        _, band_sectors, sectors = _HEADER.unpack_from(header)
        self._band_size = band_sectors * _SECTOR
        self.size = sectors * _SECTOR
        numbers = np.frombuffer(header[_BANDS], ">u4").tolist()
        if not 0 < self._band_size <= _LARGEST_BAND or not self.size:
            raise ImageError("its header makes no sense: it is damaged", str(self.path), "copy the image again")
        if all(numbers) and self._file.size > _HEADER_SIZE + len(numbers) * self._band_size:
            raise ImageError(
                f"has more than {len(numbers)} bands, which is not supported", str(self.path), "convert it to raw"
            )
        # the table names, for each band as stored, its place on the medium, from 1
        self._places = {
            number - 1: _HEADER_SIZE + index * self._band_size for index, number in enumerate(numbers) if number
        }
        count = -(-self.size // self._band_size)
        if len(self._places) < sum(map(bool, numbers)) or any(place >= count for place in self._places):
            raise ImageError("its table of bands is damaged", str(self.path), "copy the image again")
        cut = sum(
            start + min(self._band_size, self.size - place * self._band_size) > self._file.size
            for place, start in self._places.items()
        )
        if cut:
            self.damage = (
                f"the file breaks off at byte {self._file.size}: {cut} of {len(self._places)} bands are not whole"
            )

    def _piece(self, offset: int, most: int) -> bytes:
        band, within = divmod(offset, self._band_size)
        most = min(most, self._band_size - within)
        start = self._places.get(band)
        if start is None:
            return bytes(most)
        return self._file.read_exactly(start + within, most, f"band {band}")


class SparseBundle(PiecewiseImage):
    """An open sparse bundle; named by its property list ``Info.plist``."""

    format: ClassVar[str] = "sparsebundle"

    def _open(self) -> None:
        try:
            described = plistlib.loads(self._open_file(self.path).read_at(0, _LARGEST_LIST))
            self._band_size, self.size = int(described["band-size"]), int(described["size"])
        except (ExpatError, ValueError, KeyError, TypeError, AttributeError, plistlib.InvalidFileException) as error:
            raise ImageError("its property list is damaged", str(self.path), "copy the bundle again") from error
        sound = 0 < self._band_size <= _LARGEST_BAND and 0 < self.size <= _LARGEST_SIZE
        if not sound or self.size // self._band_size > _MOST_BANDS:
            raise ImageError("its property list makes no sense", str(self.path), "copy the bundle again")
        token = self.path.with_name("token")
        if token.is_file() and token.stat().st_size:
            raise ImageError("is an encrypted sparse bundle", str(self.path), "decrypt it with 'hdiutil' first")
        bands = self._find_bands()
        self.segments += tuple(path for _, path, _ in bands)
        self._files = SegmentFiles([path for _, path, _ in bands])
        self._resources.callback(self._files.close)
        self._bands = {number: (index, size) for index, (number, _, size) in enumerate(bands)}
        if not bands:
            self.damage = "not one of its bands is there"

    def _find_bands(self) -> list[tuple[int, Path, int]]:
        """List number, path and size of each band that is there, in order."""
        count = -(-self.size // self._band_size)
        bands = []
        try:
            for path in self.path.with_name("bands").iterdir():
                try:
                    number = int(path.name, 16)
                except ValueError:
                    continue
                if number < count and path.name == f"{number:x}" and path.is_file():
                    bands.append((number, path, path.stat().st_size))
        except OSError as error:
            raise ImageError(
                f"its bands cannot be listed ({error.strerror})", str(self.path), "copy the whole bundle"
            ) from error
        return sorted(bands)

    def _piece(self, offset: int, most: int) -> bytes:
        number, within = divmod(offset, self._band_size)
        most = min(most, self._band_size - within)
        index, size = self._bands.get(number, (0, 0))
        # a band's file ends where nothing was ever written behind
        data = self._files.read(index, within, min(most, size - within)) if within < size else b""
        return data.ljust(most, b"\0")


class SparseImageFormat(ImageFormat):
    """Sparse images."""

    name: ClassVar[str] = "sparseimage"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  the name proves nothing
        """Recognise the header."""
        return head.startswith(SPARSE_MAGIC)

    def open(self, path: Path) -> SparseImage:
        """Open a sparse image (see :meth:`ImageFormat.open`)."""
        return SparseImage(path)


class SparseBundleFormat(ImageFormat):
    """Sparse bundles."""

    name: ClassVar[str] = "sparsebundle"

    def recognises(self, path: Path, head: bytes) -> bool:
        """Recognise the property list of a bundle."""
        return path.name == BUNDLE_LIST and BUNDLE_MARK in head

    def open(self, path: Path) -> SparseBundle:
        """Open a sparse bundle (see :meth:`ImageFormat.open`)."""
        return SparseBundle(path)
