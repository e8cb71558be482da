"""EWF version 2 images: the Expert Witness Format of EnCase 7 and later (Ex01).

Of the same idea as version 1 and of another layout: sections are read from the end of a segment file
(:mod:`~forensics.evidence.images.ewf2_sections`), tables have a place for each chunk
(:mod:`~forensics.evidence.images.ewf2_tables`), and a chunk may be a pattern instead of stored bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from forensics.errors import ImageError
from forensics.evidence.image import ImageFormat
from forensics.evidence.images.chunk_cache import ChunkCache
from forensics.evidence.images.ewf2_acquisition import details, read_digests, read_errors, read_values
from forensics.evidence.images.ewf2_sections import EWF2_MAGIC, SectionKind, find_segments
from forensics.evidence.images.ewf2_tables import ChunkPlace, SectorTables
from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.inflate import InflateError, adler32, inflate
from forensics.evidence.images.piecewise import PiecewiseImage

_NONE, _DEFLATE = 0, 1
_CHECKSUM_SIZE = 4
_LARGEST_CHUNK = 32768 * 4096
_LARGEST_SECTOR = 1 << 16
_LARGEST_SIZE = (1 << 63) - 1
_LARGEST_NUMBER = 18
_COPY = "copy or acquire the image again"


class Ewf2Image(PiecewiseImage):
    """An open Ex01 image.

    Of a damaged image, :attr:`size` counts only up to the last chunk that a table leads to, and :attr:`damage` says so.
    A chunk that is damaged, or that no table leads to, is told when it is read.
    """

    format: ClassVar[str] = "ewf2"

    def _open(self) -> None:
        segments = find_segments(self.path)
        if segments.compression not in {_NONE, _DEFLATE}:
            what = f"is compressed by method {segments.compression} (2 is bzip2), which is not read"
            raise ImageError(what, str(self.path), "export it as E01 or raw")
        self.segments = segments.paths
        self._files = SegmentFiles(segments.paths)
        self._resources.callback(self._files.close)
        self._cache = ChunkCache()
        self._resources.callback(self._cache.clear)
        deflated = segments.compression == _DEFLATE
        device = read_values(self._files, segments.sections, SectionKind.DEVICE_INFORMATION, deflated=deflated)
        case = read_values(self._files, segments.sections, SectionKind.CASE_DATA, deflated=deflated)
        self._tables = SectorTables(self._files, segments.sections)
        damages = [text for text in (segments.damage, self._tables.damage) if text]
        self.sector_size = _number(device.get("bp"))
        self._chunk_size = _number(case.get("sb")) * self.sector_size
        if not (0 < self.sector_size <= _LARGEST_SECTOR and 0 < self._chunk_size <= _LARGEST_CHUNK):
            damages.append("nothing sensible in it says how large its sectors and chunks are")
            raise ImageError("; ".join(damages), str(self.path), _COPY)
        self._measure(_number(device.get("ts")) * self.sector_size, damages)
        self.stored_digests = read_digests(self._files, segments.sections)
        self.metadata = details(device | case)
        errors = read_errors(self._files, segments.sections)
        if errors:
            self.metadata["acquisition_read_errors"] = errors

    def _measure(self, stated: int, damages: list[str]) -> None:
        """Tell how much of the medium can be read, and what is wrong."""
        mapped = self._tables.count * self._chunk_size
        self._stated = stated or mapped
        self.size = min(self._stated, mapped)
        if not 0 < self.size <= _LARGEST_SIZE:
            what = "; ".join(damages) or "it lists no chunks"
            raise ImageError(f"nothing in it can be read ({what})", str(self.path), _COPY)
        if self.size < self._stated:
            what = "; ".join(damages) or "the acquisition is incomplete"
            damages = [f"{what}: {self.size} of {self._stated} bytes of the medium can be read"]
        if mapped - self._stated >= self._chunk_size:
            what = f"its tables lead to {mapped} bytes, but it states a medium of {self._stated}: the rest is not read"
            damages.append(what)
        self.damage = "; ".join(damages)

    def _piece(self, offset: int, most: int) -> bytes:
        number, skipped = divmod(offset, self._chunk_size)
        content = self._cache.get(number, lambda: self._chunk(number))
        return content[skipped : skipped + most]

    def _chunk(self, number: int) -> bytes:
        """Read a chunk and check it."""
        wanted = min(self._chunk_size, self._stated - number * self._chunk_size)
        try:
            return self._content(self._tables.place(number), wanted)
        except InflateError as error:
            first = number * self._chunk_size // self.sector_size
            last = first + -(-wanted // self.sector_size) - 1
            raise ImageError(
                f"sectors {first} to {last} of the medium cannot be read ({error})",
                str(self.path),
                "copy the image again from its original, or acquire again",
            ) from error

    def _content(self, place: ChunkPlace | None, wanted: int) -> bytes:
        """Turn the stored form of a chunk into the bytes of the medium.

        Raises:
            InflateError: They are damaged.
        """
        if place is None:
            raise InflateError("no right table leads to it")
        if place.pattern:
            return (place.pattern * -(-wanted // len(place.pattern)))[:wanted]
        # zlib adds 5 bytes to each block of 16 KiB that it stores, and 6 to the whole
        if place.size > self._chunk_size + (self._chunk_size >> 8) + 4096:
            raise InflateError("its table states a size that it cannot have")
        stored = self._files.read(place.segment, place.offset, place.size) if place.offset <= _LARGEST_SIZE else b""
        if place.compressed:
            content = inflate(stored, self._chunk_size)
        else:
            content = stored[:-_CHECKSUM_SIZE]
            if adler32(content) != int.from_bytes(stored[-_CHECKSUM_SIZE:], "little"):
                content = self._padded(stored, wanted)
        if len(content) < wanted:
            raise InflateError(f"it has {len(content)} bytes instead of {wanted}")
        return content[:wanted]

    def _padded(self, stored: bytes, wanted: int) -> bytes:
        """A chunk whose stored form is counted with the padding behind its checksum."""
        for size in (wanted, self._chunk_size):
            checksum = stored[size : size + _CHECKSUM_SIZE]
            if len(checksum) == _CHECKSUM_SIZE and adler32(stored[:size]) == int.from_bytes(checksum, "little"):
                return stored[:size]
        raise InflateError("its checksum is wrong")


class Ewf2Format(ImageFormat):
    """Ex01 images in one or more segments."""

    name: ClassVar[str] = "ewf2"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  the name proves nothing
        """Tell whether a file is a segment of an Ex01 (see :meth:`ImageFormat.recognises`)."""
        return head.startswith(EWF2_MAGIC)

    def open(self, path: Path) -> Ewf2Image:
        """Open an Ex01 image (see :meth:`ImageFormat.open`)."""
        return Ewf2Image(path)


def _number(value: str | None) -> int:
    """A stored decimal number; 0 if it is none."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) <= _LARGEST_NUMBER else 0
