"""EWF images: the Expert Witness Format of EnCase 1 to 7, FTK Imager, linen and ewfacquire (E01) and of SMART (S01).

A reader of our own, because the one in libewf inflates many times slower than zlib, and hides which sectors are
damaged. An image is one or more segment files (:mod:`~forensics.evidence.images.ewf_segments`), each a chain of
sections (:mod:`~forensics.evidence.images.ewf_sections`); tables say where each chunk of the medium lies
(:mod:`~forensics.evidence.images.ewf_tables`), and chunks are inflated and checked one by one
(:mod:`~forensics.evidence.images.ewf_chunks`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from forensics.errors import ImageError
from forensics.evidence.image import DiskImage, ImageFormat
from forensics.evidence.images.ewf_acquisition import Medium, read_details, read_digests, read_medium
from forensics.evidence.images.ewf_chunks import ChunkReader
from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.ewf_sections import EWF_MAGIC, LOGICAL_MAGIC
from forensics.evidence.images.ewf_segments import EwfSegments, find_segments
from forensics.evidence.images.ewf_tables import ChunkMap
from forensics.evidence.images.ewf_tree import LogicalTree

_UNSUPPORTED = {
    b"LEF2\x0d\x0a\x81\x00": ("a logical EWF version 2 image (Lx01)", "export it as E01 or raw"),
    b"ADCRYPT\x00": ("an image encrypted by FTK Imager (AD encryption)", "decrypt it with FTK Imager"),
}
_MAGIC_SIZE = len(EWF_MAGIC)
_LARGEST_SIZE = (1 << 63) - 1


class EwfImage(DiskImage):
    """An open E01 image.

    Of a damaged image, :attr:`size` counts only the part that its chunk tables lead to, and :attr:`damage` says so.
    A damaged chunk is told when it is read: the error names its sectors, and all others can be read.
    """

    format: ClassVar[str] = "ewf"

    def __init__(self, path: Path, segments: EwfSegments) -> None:
        self.path = path
        self.segments = segments.paths
        self._files = SegmentFiles(segments.paths)
        try:
            medium = self._read_medium(segments)
            chunk_map = ChunkMap(self._files, segments.sections, medium.chunk_size, has_checksums=not medium.smart)
            self.sector_size = medium.sector_size
            self.stored_digests = read_digests(self._files, segments.sections)
            self.metadata = read_details(self._files, segments.sections)
            self._measure(medium, chunk_map, segments.damage)
        except BaseException:
            self._files.close()
            raise
        self._chunk_size = medium.chunk_size
        self._chunks = ChunkReader(
            self._files, chunk_map, medium.chunk_size, medium.sector_size, medium.size or self.size, path
        )

    def _read_medium(self, segments: EwfSegments) -> Medium:
        return read_medium(self._files, segments.sections, self.path)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the medium (see :meth:`DiskImage.read_at`)."""
        end = min(offset + length, self.size)
        if end <= offset:
            return b""
        first, skipped = divmod(offset, self._chunk_size)
        chunks = self._chunks.read(first, -(-end // self._chunk_size))
        if len(chunks) == 1:
            return chunks[0][skipped : skipped + end - offset]
        chunks[0] = chunks[0][skipped:]
        chunks[-1] = chunks[-1][: end - (first + len(chunks) - 1) * self._chunk_size]
        return b"".join(chunks)

    def close(self) -> None:
        """Release the segment files and what is kept of them."""
        self._files.close()
        self._chunks.clear()

    def _measure(self, medium: Medium, chunk_map: ChunkMap, damage: str) -> None:
        """Tell how much of the medium can be read, and what is wrong."""
        mapped = chunk_map.count * medium.chunk_size
        # a tool that could not know the size of its input beforehand may leave it out
        size = medium.size or mapped
        self.size = min(size, mapped)
        damages = [text for text in (damage, chunk_map.damage) if text]
        if not self.size:
            what = "; ".join(damages) or "it lists no chunks"
            raise ImageError(f"nothing in it can be read ({what})", str(self.path), "copy or acquire the image again")
        if self.size > _LARGEST_SIZE:
            raise ImageError(
                f"states a medium of {self.size} bytes, which cannot be", str(self.path), "acquire the image again"
            )
        if self.size < size:
            what = "; ".join(damages) or "the acquisition is incomplete"
            damages = [f"{what}: {self.size} of {size} bytes of the medium can be read"]
        if mapped - size >= medium.chunk_size:
            damages.append(f"its tables lead to {mapped} bytes, but it states a medium of {size}: the rest is not read")
        self.damage = "; ".join(damages)


class LogicalEwfImage(EwfImage):
    """An open L01 image: the content of files one after another, and a tree that says which bytes are whose.

    Attributes:
        tree: The tree.
    """

    format: ClassVar[str] = "l01"
    holds_files: ClassVar[bool] = True

    def _read_medium(self, segments: EwfSegments) -> Medium:
        self.tree = LogicalTree(self._files, segments.sections, self.path)
        # its sectors are no sectors: only the tree says how many bytes there are
        return replace(super()._read_medium(segments), size=self.tree.content_size)

    def _measure(self, medium: Medium, chunk_map: ChunkMap, damage: str) -> None:
        super()._measure(medium, chunk_map, "; ".join(text for text in (damage, self.tree.damage) if text))


class EwfFormat(ImageFormat):
    """E01, S01 and L01 images in one or more segments."""

    name: ClassVar[str] = "ewf"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  the name proves nothing
        """Recognise every EWF variant, so that those not supported are refused by name and not taken for raw."""
        magic = head[:_MAGIC_SIZE]
        return magic in {EWF_MAGIC, LOGICAL_MAGIC} or magic in _UNSUPPORTED

    def open(self, path: Path) -> EwfImage:
        """Open an E01 or L01 image (see :meth:`ImageFormat.open`)."""
        try:
            with path.open("rb") as file:
                magic = file.read(_MAGIC_SIZE)
        except OSError as error:
            raise ImageError(f"cannot be read ({error.strerror})", str(path), "check permissions") from error
        if magic in _UNSUPPORTED:
            what, remedy = _UNSUPPORTED[magic]
            raise ImageError(f"is {what}, which is not supported yet", str(path), remedy)
        if magic == LOGICAL_MAGIC:
            return LogicalEwfImage(path, find_segments(path, magic))
        return EwfImage(path, find_segments(path))
