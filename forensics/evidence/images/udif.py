"""UDIF images: Apple's disk images (``.dmg``), plain or compressed.

A reader of our own, because libmodi rejects valid bzip2 chunks of more than one block and does not know LZMA (checked
with libmodi-python 20260902), and opens an image whose trailer is missing as if it were a raw disk.

The trailer at the end of the file leads to a property list, in which one table for each part of the disk says where
its chunks lie. Chunks are checked as far as their compression does: zlib, bzip2 and LZMA have checksums; plain, ADC
and LZFSE chunks have none. What a truncated image is missing is an error when it is read, never zeros; without its
trailer it cannot be opened.

Format: not published by Apple; Joachim Metz, "Mac OS disk image types" (libmodi documentation), and block/dmg.c of
QEMU.
"""

from __future__ import annotations

import plistlib
import struct
from bisect import bisect_right
from pathlib import Path
from typing import ClassVar, NamedTuple
from xml.parsers.expat import ExpatError

from forensics.errors import ImageError
from forensics.evidence.image import ImageFormat
from forensics.evidence.images.chunk_cache import ChunkCache
from forensics.evidence.images.inflate import InflateError
from forensics.evidence.images.piecewise import PiecewiseImage
from forensics.evidence.images.read_only_file import ReadOnlyFile
from forensics.evidence.images.udif_chunks import ADC, BZIP2, LZFSE, LZMA, ZLIB, decompress_chunk

_TRAILER = struct.Struct(">4s20xQQ16xII152xQQ260xQ12x")
_TRAILER_SIZE = 512
_TRAILER_MAGIC = b"koly"
_TABLE = struct.Struct(">4s4xQQ176xI")
_TABLE_MAGIC = b"mish"
_CHUNK = struct.Struct(">I4xQQQQ")
_ZEROS, _PLAIN, _IGNORED = 0, 1, 2
_COMMENT, _END = 0x7FFFFFFE, 0xFFFFFFFF
_COMPRESSED = frozenset({ADC, ZLIB, BZIP2, LZFSE, LZMA})
_SECTOR = 512
_LARGEST_LIST = 512 << 20
_LARGEST_CHUNK = 64 << 20
_LARGEST_SIZE = (1 << 63) - 1
_BOOT_SIGNATURE = slice(510, 512), b"\x55\xaa"
_CHUNK_MAGICS = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda", b"BZh", b"bvx", b"\xfd7zXZ")
"""How the first chunk of a compressed image begins."""


class _Chunk(NamedTuple):
    """A chunk. All numbers in bytes; offsets on the medium and in the file."""

    start: int
    size: int
    kind: int
    offset: int
    stored: int


class UdifImage(PiecewiseImage):
    """An open UDIF image."""

    format: ClassVar[str] = "udif"

    def _open(self) -> None:
        self._file = self._open_file(self.path)
        self._cache = ChunkCache()
        if self._file.size < _TRAILER_SIZE:
            self._refuse("is too short")
        magic, fork, fork_size, _, segments, list_offset, list_size, sectors = _TRAILER.unpack(
            self._file.read_at(self._file.size - _TRAILER_SIZE, _TRAILER_SIZE)
        )
        if magic != _TRAILER_MAGIC:
            self._refuse("lacks the trailer of an Apple disk image: it breaks off")
        if segments > 1:
            raise ImageError(
                f"is one of {segments} segments of an Apple disk image, which are not supported",
                str(self.path),
                "join them with 'hdiutil convert'",
            )
        if list_size > _LARGEST_LIST or (not list_size and fork_size < sectors * _SECTOR):
            self._refuse("has no list of its chunks")
        if list_size:
            chunks = self._read_tables(self._file.read_exactly(list_offset, list_size, "the list"), fork)
        else:
            chunks = [_Chunk(0, sectors * _SECTOR, _PLAIN, fork, fork_size)]
        self._chunks = sorted(chunks)
        self._starts = [chunk.start for chunk in self._chunks]
        end = max((chunk.start + chunk.size for chunk in self._chunks), default=0)
        self.size = max(sectors * _SECTOR, end)
        if not self._chunks or self.size > _LARGEST_SIZE:
            self._refuse("lists no chunks" if not self._chunks else "states a size that cannot be")
        stored = min(self._file.size, fork + fork_size)
        cut = sum(chunk.stored > 0 and chunk.offset + chunk.stored > stored for chunk in self._chunks)
        self.damage = f"{cut} of {len(self._chunks)} chunks are not whole" if cut else ""

    def _refuse(self, what: str) -> None:
        raise ImageError(what, str(self.path), "copy or download the image again")

    def _read_tables(self, data: bytes, fork: int) -> list[_Chunk]:
        """Read the chunks of all parts of the disk from the property list."""
        try:
            tables = [entry["Data"] for entry in plistlib.loads(data)["resource-fork"]["blkx"]]
        except (ExpatError, ValueError, KeyError, TypeError, AttributeError, plistlib.InvalidFileException) as error:
            raise ImageError("the list of its chunks is damaged", str(self.path), "copy the image again") from error
        chunks = []
        for table in tables:
            if not isinstance(table, bytes) or len(table) < _TABLE.size or not table.startswith(_TABLE_MAGIC):
                self._refuse("the list of its chunks is damaged")
            _, first, _, count = _TABLE.unpack_from(table)
            if len(table) < _TABLE.size + count * _CHUNK.size:
                self._refuse("the list of its chunks is damaged")
            for number in range(count):
                kind, sector, sectors, offset, stored = _CHUNK.unpack_from(table, _TABLE.size + number * _CHUNK.size)
                if kind in {_COMMENT, _END} or not sectors:
                    continue
                if kind in {_ZEROS, _IGNORED}:
                    stored = 0
                chunk = _Chunk((first + sector) * _SECTOR, sectors * _SECTOR, kind, fork + offset, stored)
                if kind in _COMPRESSED and max(chunk.size, stored) > _LARGEST_CHUNK:
                    self._refuse("the list of its chunks is damaged")
                if kind == _PLAIN and stored < chunk.size:
                    self._refuse("the list of its chunks is damaged")
                chunks.append(chunk)
        return chunks

    def _piece(self, offset: int, most: int) -> bytes:
        chunk = self._chunks[max(0, bisect_right(self._starts, offset) - 1)]
        within = offset - chunk.start
        if not 0 <= within < chunk.size:
            raise ImageError(f"byte {offset} of the medium is in none of its chunks", str(self.path), "copy it again")
        most = min(most, chunk.size - within)
        if chunk.kind in {_ZEROS, _IGNORED}:
            return bytes(most)
        if chunk.kind == _PLAIN:
            return self._file.read_exactly(chunk.offset + within, most, f"the chunk for byte {chunk.start}")
        return self._cache.get(chunk.start, lambda: self._decompress(chunk))[within : within + most]

    def _decompress(self, chunk: _Chunk) -> bytes:
        what = f"the chunk for byte {chunk.start} of the medium"
        if chunk.kind not in _COMPRESSED:
            raise ImageError(f"{what} is of unknown type {chunk.kind:#x}", str(self.path), "convert it to raw or E01")
        data = self._file.read_exactly(chunk.offset, chunk.stored, what)
        try:
            return decompress_chunk(chunk.kind, data, chunk.size)
        except InflateError as error:
            raise ImageError(
                f"{what} cannot be read ({error})", str(self.path), "copy the image again from its original"
            ) from error


class UdifFormat(ImageFormat):
    """UDIF images, whose trailer stands at the end of the file."""

    name: ClassVar[str] = "udif"

    def recognises(self, path: Path, head: bytes) -> bool:
        """Recognise the trailer, or a ``.dmg`` that begins with a compressed chunk and has lost it."""
        place, signature = _BOOT_SIGNATURE
        if path.suffix.lower() == ".dmg" and head.startswith(_CHUNK_MAGICS) and head[place] != signature:
            return True
        try:
            with ReadOnlyFile(path) as file:
                return file.read_at(max(0, file.size - _TRAILER_SIZE), len(_TRAILER_MAGIC)) == _TRAILER_MAGIC
        except ImageError:
            return False

    def open(self, path: Path) -> UdifImage:
        """Open a UDIF image (see :meth:`ImageFormat.open`)."""
        return UdifImage(path)
