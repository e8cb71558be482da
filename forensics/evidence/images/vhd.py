"""VHD images: virtual disks of Virtual PC, Hyper-V and Azure, of fixed size, dynamic and differencing.

A reader of our own: the format is small, libvhdi reads it sector by sector (38 MB/s, measured), and it refuses a
dynamic disk whose end is missing although the footer stands at the start, too.

Format: Microsoft, "Virtual Hard Disk Image Format Specification", version 1.0. The footer and the header of a dynamic
disk have checksums, whose failure is declared in :attr:`VhdImage.damage`; data and block table have none, so a changed
byte there cannot be noticed. A block beyond the end of a truncated file is an error when it is read, never zeros.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import numpy as np

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import ImageFormat
from forensics.evidence.images.chunk_cache import ChunkCache
from forensics.evidence.images.neighbour import require_neighbour
from forensics.evidence.images.piecewise import PiecewiseImage
from forensics.evidence.images.read_only_file import ReadOnlyFile

VHD_MAGIC = b"conectix"

_FOOTER = struct.Struct(">8s8xQI4s4s4sQQ4xI4s16s")
_FOOTER_SIZE = 512
_HEADER = struct.Struct(">8s8xQ4xII4s16s8x512s")
_HEADER_SIZE = 1024
_HEADER_MAGIC = b"cxsparse"
_FIXED, _DYNAMIC, _DIFFERENCING = 2, 3, 4
_SECTOR = 512
_UNUSED = 0xFFFFFFFF
_LARGEST_TABLE = 256 << 20
_LARGEST_BLOCK = 1 << 30


@dataclass(frozen=True, slots=True)
class Footer:
    """What the footer of a VHD says.

    Attributes:
        kind: 2 for a fixed, 3 for a dynamic, 4 for a differencing disk.
        header_offset: Where the header of a dynamic or differencing disk begins.
        size: Bytes of the medium.
        identifier: Of the disk; its differencing disks name it.
        creator: Code of the program that made it, such as ``win``, ``vpc`` or ``qemu``.
        sound: Whether its checksum is right.
    """

    kind: int
    header_offset: int
    size: int
    identifier: UUID
    creator: str
    sound: bool


def read_footer(file: ReadOnlyFile) -> Footer | None:
    """Read the footer of a VHD: from the end of the file, or its copy at the start of one that is not fixed.

    Returns:
        ``None`` if there is neither. Virtual PC before 2004 wrote footers of 511 bytes.
    """
    for offset in (file.size - _FOOTER_SIZE, file.size - _FOOTER_SIZE + 1, 0):
        data = file.read_at(offset, _FOOTER_SIZE) if offset >= 0 else b""
        if len(data) >= _FOOTER_SIZE - 1 and data.startswith(VHD_MAGIC):
            data = data.ljust(_FOOTER_SIZE, b"\0")
            _, header_offset, _, creator, _, _, _, size, kind, checksum, identifier = _FOOTER.unpack_from(data)
            sound = _checksum(data, 64) == checksum
            return Footer(
                kind, header_offset, size, UUID(bytes=identifier), creator.decode("ascii", "replace").strip(), sound
            )
    return None


class VhdImage(PiecewiseImage):
    """An open VHD, with the disks it is based on.

    Args:
        path: The image.
        children: The disks based on this one, so that a circle is noticed.
    """

    format: ClassVar[str] = "vhd"

    def __init__(self, path: Path, children: tuple[Path, ...] = ()) -> None:
        self._children = children
        self._parent: VhdImage | None = None
        self._table: np.ndarray[tuple[int], np.dtype[np.uint32]] | None = None
        self._cache = ChunkCache()
        super().__init__(path)

    def _open(self) -> None:
        self._file = self._open_file(self.path)
        footer = read_footer(self._file)
        if footer is None:
            raise ImageError("has no VHD footer: it breaks off", str(self.path), "copy or acquire the image again")
        self.identifier = footer.identifier
        self.metadata = {"acquiry_software": footer.creator} if footer.creator.isprintable() else {}
        damages = [] if footer.sound else ["the checksum of its footer is wrong"]
        if footer.kind == _FIXED:
            # what the footer says could hide the rest of the disk; all there is before the footer is read
            self.size = (self._file.size - 1) // _SECTOR * _SECTOR
            if footer.size != self.size:
                damages.append(f"its footer says {footer.size} bytes, {self.size} are there")
        elif footer.kind in {_DYNAMIC, _DIFFERENCING}:
            self.size = footer.size
            damages += self._open_dynamic(footer)
        else:
            raise ImageError(f"is a VHD of unknown type {footer.kind}", str(self.path), "convert it to raw or E01")
        if self._parent and self._parent.damage:
            damages.append(f"of the disk it is based on: {self._parent.damage}")
        self.damage = "; ".join(damages)

    def _open_dynamic(self, footer: Footer) -> list[str]:
        data = self._file.read_exactly(footer.header_offset, _HEADER_SIZE, "the header of the dynamic disk")
        magic, table_offset, entries, self._block_size, checksum, parent, name = _HEADER.unpack_from(data)
        if magic != _HEADER_MAGIC:
            raise ImageError("has no header where its footer says: it is damaged", str(self.path), "copy it again")
        needed = -(-self.size // self._block_size) if self._block_size else 0
        plausible = 0 < self._block_size <= _LARGEST_BLOCK and self._block_size % _SECTOR == 0
        if not plausible or needed > entries or needed * 4 > _LARGEST_TABLE:
            raise ImageError("its header makes no sense: it is damaged", str(self.path), "copy the image again")
        self._bitmap_size = -(-self._block_size // _SECTOR // 8 // _SECTOR) * _SECTOR
        table = np.frombuffer(self._file.read_exactly(table_offset, needed * 4, "the block table"), ">u4")
        self._table = table.astype(np.uint32)
        if footer.kind == _DIFFERENCING:
            self._open_parent(name.decode("utf-16-be", "replace").partition("\0")[0], UUID(bytes=parent))
        damages = [] if _checksum(data, 36) == checksum else ["the checksum of its header is wrong"]
        block = self._bitmap_size + self._block_size
        ends = self._table.astype(np.uint64) * _SECTOR + block
        cut = int(np.count_nonzero((self._table != _UNUSED) & (ends > self._file.size)))
        if cut:
            damages.append(f"the file breaks off at byte {self._file.size}: {cut} of {needed} blocks are not whole")
        return damages

    def _open_parent(self, name: str, identifier: UUID) -> None:
        path = require_neighbour(self.path, name, "parent disk")
        children = (*self._children, self.path)
        if any(path.samefile(child) for child in children):
            raise ImageError("is based on itself", str(self.path), "restore the names of the images")
        self._parent = VhdImage(path, children)
        self._resources.callback(self._parent.close)
        if self._parent.identifier != identifier:
            raise MissingSegmentError(
                f"{path.name} is another disk than the parent it was made from",
                str(self.path),
                "put the right one beside it",
            )
        self.segments += self._parent.segments

    def _piece(self, offset: int, most: int) -> bytes:
        if self._table is None:
            return self._file.read_exactly(offset, most, "the medium")
        index, within = divmod(offset, self._block_size)
        most = min(most, self._block_size - within)
        entry = int(self._table[index])
        if entry == _UNUSED:
            return self._from_parent(offset, most)
        start = entry * _SECTOR
        if self._parent is not None:
            here, sectors = self._run(start, within // _SECTOR)
            most = min(most, sectors * _SECTOR - within % _SECTOR)
            if not here:
                return self._from_parent(offset, most)
        return self._file.read_exactly(start + self._bitmap_size + within, most, f"the block at byte {start}")

    def _run(self, block: int, sector: int) -> tuple[bool, int]:
        """Tell whether a sector of a block stands in this file or in the parent, and how many from there on do too."""
        bitmap = self._cache.get(block, lambda: self._file.read_exactly(block, self._bitmap_size, "a sector bitmap"))
        here = bool(bitmap[sector // 8] & 0x80 >> sector % 8)
        stop = sector + 1
        last = self._block_size // _SECTOR
        same = 0xFF if here else 0
        while stop < last and (stop % 8 or bitmap[stop // 8] != same):
            if bool(bitmap[stop // 8] & 0x80 >> stop % 8) != here:
                return here, stop - sector
            stop += 1
        while stop < last and bitmap[stop // 8] == same:
            stop += 8
        return here, min(stop, last) - sector

    def _from_parent(self, offset: int, most: int) -> bytes:
        found = self._parent.read_at(offset, most) if self._parent else b""
        return found or bytes(most)


class VhdFormat(ImageFormat):
    """VHD images. One of fixed size has its footer at the end of the file only."""

    name: ClassVar[str] = "vhd"

    def recognises(self, path: Path, head: bytes) -> bool:
        """Recognise the footer's copy at the start, or the footer of a fixed disk at the end."""
        if head.startswith(VHD_MAGIC):
            return True
        try:
            with ReadOnlyFile(path) as file:
                footer = read_footer(file)
        except ImageError:
            return False
        # a disk's own last sector could look like any footer; a fixed disk is read whole all the same
        return footer is not None and footer.kind == _FIXED

    def open(self, path: Path) -> VhdImage:
        """Open a VHD (see :meth:`ImageFormat.open`)."""
        return VhdImage(path)


def _checksum(data: bytes, place: int) -> bytes:
    """One's complement of the sum of all bytes but the checksum's own."""
    total = sum(data) - sum(data[place : place + 4])
    return struct.pack(">I", ~total & 0xFFFFFFFF)
