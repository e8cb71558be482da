"""EWF images (Expert Witness Format, E01), read with libewf.

Finding the segments and telling whether all are there is done in :mod:`forensics.evidence.images.ewf_segments`;
libewf only decompresses.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pyewf

from forensics.errors import ImageError
from forensics.evidence.image import DiskImage, ImageFormat
from forensics.evidence.images.ewf_segments import EWF_MAGIC, EwfSegments, find_segments

_UNSUPPORTED = {
    b"EVF2\x0d\x0a\x81\x00": "an EWF version 2 image (Ex01)",
    b"LEF2\x0d\x0a\x81\x00": "a logical EWF version 2 image (Lx01)",
    b"LVF\x09\x0d\x0a\xff\x00": "a logical EWF image (L01)",
}
_MAGIC_SIZE = len(EWF_MAGIC)


class EwfImage(DiskImage):
    """An open E01 image.

    Of a damaged image, :attr:`size` counts only the part that its chunk tables lead to, and :attr:`damage` says so.
    """

    format: ClassVar[str] = "ewf"

    def __init__(self, path: Path, segments: EwfSegments) -> None:
        self.path = path
        self.segments = segments.paths
        self._lock = threading.Lock()
        self._handle = pyewf.handle()
        self._open = True
        try:
            self._handle.open([str(segment) for segment in segments.paths])
        except OSError as error:
            raise ImageError(f"libewf cannot open it ({_text(error)})", str(path), "acquire the image again") from error
        media_size = int(self._handle.get_media_size())
        self.sector_size = int(self._handle.get_bytes_per_sector())
        self.size = min(media_size, segments.chunks * int(self._handle.get_chunk_size()))
        self.stored_digests = _digests(self._handle)
        self.metadata = _header_values(self._handle)
        if self.size < media_size:
            self.damage = (
                f"{segments.damage or 'the acquisition is incomplete'}: "
                f"{self.size} of {media_size} bytes of the medium can be read"
            )
        if not self.size:
            self.close()
            raise ImageError(
                f"nothing in it can be read ({segments.damage})", str(path), "copy or acquire the image again"
            )

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the medium (see :meth:`DiskImage.read_at`)."""
        wanted = min(length, self.size - offset)
        if wanted <= 0:
            return b""
        try:
            with self._lock:
                data: bytes = self._handle.read_buffer_at_offset(wanted, offset)
        except OSError as error:
            raise ImageError(
                f"byte {offset} of the medium cannot be read ({_text(error)})", str(self.path), "acquire it again"
            ) from error
        if len(data) < wanted:
            raise ImageError(f"byte {offset + len(data)} of the medium cannot be read", str(self.path))
        return data

    def close(self) -> None:
        """Release the segment files."""
        with self._lock:
            if self._open:
                self._open = False
                self._handle.close()


class EwfFormat(ImageFormat):
    """E01 images in one or more segments."""

    name: ClassVar[str] = "ewf"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  the name proves nothing
        """Recognise every EWF variant, so that those not supported are refused by name and not taken for raw."""
        magic = head[:_MAGIC_SIZE]
        return magic == EWF_MAGIC or magic in _UNSUPPORTED

    def open(self, path: Path) -> EwfImage:
        """Open an E01 image (see :meth:`ImageFormat.open`)."""
        try:
            with path.open("rb") as file:
                magic = file.read(_MAGIC_SIZE)
        except OSError as error:
            raise ImageError(f"cannot be read ({error.strerror})", str(path), "check permissions") from error
        if magic in _UNSUPPORTED:
            raise ImageError(
                f"is {_UNSUPPORTED[magic]}, which is not supported yet", str(path), "export it as E01 or raw"
            )
        return EwfImage(path, find_segments(path))


def _digests(handle: pyewf.handle) -> Mapping[str, str]:
    """Digests of the medium recorded at acquisition, by hashlib's names."""
    stored = handle.get_hash_values() or {}
    return {name.lower(): value.lower() for name, value in stored.items() if name.lower() in {"md5", "sha1"} and value}


def _header_values(handle: pyewf.handle) -> Mapping[str, str]:
    """What the acquisition tool recorded: ``case_number``, ``examiner_name``, ``acquiry_date`` ..."""
    try:
        return {str(name): str(value) for name, value in (handle.get_header_values() or {}).items()}
    except (OSError, UnicodeDecodeError):
        # Some tools write headers in a code page that is not declared. They are a convenience, not evidence
        return {}


def _text(error: OSError) -> str:
    return " ".join(str(error).split())
