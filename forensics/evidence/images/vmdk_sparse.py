"""Sparse extents of a VMDK: the grains of hosted (``KDMV``) and ESX copy-on-write (``COWD``) disks.

Format: VMware, "Virtual Disk Format 5.0", chapters "Hosted Sparse Extents", "Stream-Optimized Compressed Sparse
Extents" and "ESX Server Sparse Extents". A grain is usually 64 KiB. Compressed ones are zlib data with a checksum, in
a marker that names their place, and both are checked; plain ones have neither. Hosted disks keep their map of grains
twice, and a difference is declared.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from forensics.errors import ImageError
from forensics.evidence.images.chunk_cache import ChunkCache
from forensics.evidence.images.inflate import InflateError, inflate
from forensics.evidence.images.read_only_file import ReadOnlyFile

HOSTED_MAGIC = b"KDMV"
ESX_MAGIC = b"COWD"

_HOSTED = struct.Struct("<4sIIQQQQIQQQ5xH")
_HOSTED_SIZE = 79
_ESX = struct.Struct("<4sIIIIII")
_TWO_MAPS, _ZERO_GRAINS, _COMPRESSED = 1 << 1, 1 << 2, 1 << 16
_MAP_AT_END = (1 << 64) - 1
_FOOTER_FROM_END = 1024
_MARKER = struct.Struct("<QI")
_ZERO_GRAIN = 1
_ESX_TABLE_ENTRIES = 4096
_SECTOR = 512
_LARGEST_GRAIN = 16 << 20
_LARGEST_DIRECTORY = 64 << 20

_Numbers = np.ndarray[tuple[int], np.dtype[np.uint32]]


@dataclass(frozen=True, slots=True)
class SparseHeader:
    """The header of a sparse extent. Sizes and offsets in bytes.

    Attributes:
        flags: Flags of a hosted extent; 0 of an ESX one.
        size: Bytes of the medium it holds.
        grain_size: Bytes a grain.
        descriptor_offset: Where the disk's descriptor stands in it; 0 if it stands elsewhere.
        descriptor_size: Bytes of the descriptor.
        table_entries: Grains a table leads to.
        second_directory: Where the second directory of tables begins; 0 if there is none.
        directory: Where the directory of tables begins; ``None`` if only the footer says.
        data: Where the first grain or marker begins.
    """

    flags: int
    size: int
    grain_size: int
    descriptor_offset: int
    descriptor_size: int
    table_entries: int
    second_directory: int
    directory: int | None
    data: int


def read_header(file: ReadOnlyFile, offset: int = 0) -> SparseHeader:
    """Read the header of a sparse extent.

    Args:
        file: The extent.
        offset: Where the header begins, elsewhere than at the start if it is the footer.

    Raises:
        ImageError: There is none, or it makes no sense.
    """
    data = file.read_exactly(offset, _HOSTED_SIZE, "the header")
    if data.startswith(ESX_MAGIC):
        _, _, _, sectors, grain, directory, _ = _ESX.unpack_from(data)
        header = SparseHeader(
            0, sectors * _SECTOR, grain * _SECTOR, 0, 0, _ESX_TABLE_ENTRIES, 0, directory * _SECTOR, 0
        )
    elif data.startswith(HOSTED_MAGIC):
        (_, _, flags, sectors, grain, descriptor, descriptor_size, entries, second, directory, data_offset,
         _) = _HOSTED.unpack_from(data)  # fmt: skip
        header = SparseHeader(
            flags,
            sectors * _SECTOR,
            grain * _SECTOR,
            descriptor * _SECTOR,
            descriptor_size * _SECTOR,
            entries,
            second * _SECTOR if flags & _TWO_MAPS and second != _MAP_AT_END else 0,
            directory * _SECTOR if directory != _MAP_AT_END else None,
            data_offset * _SECTOR,
        )
    else:
        raise ImageError("is no sparse extent of a VMDK", str(file.path), "restore the names of its files")
    if not 0 < header.grain_size <= _LARGEST_GRAIN or not 0 < header.table_entries <= 1 << 16:
        raise ImageError("its header makes no sense: it is damaged", str(file.path), "copy the image again")
    return header


class SparseExtent:
    """A sparse extent of a VMDK.

    A stream-optimised one whose end is missing has lost its map; it is made anew from the markers before each grain,
    which follow each other in the order of the medium. What lies behind the last one is an error when it is read.

    Args:
        file: The extent.

    Attributes:
        size: Bytes of the medium it holds.
        grain_size: Bytes a grain.
        damage: What is wrong with it; empty if nothing.

    Raises:
        ImageError: It cannot be read.
    """

    def __init__(self, file: ReadOnlyFile) -> None:
        self._file = file
        self._cache = ChunkCache()
        header = read_header(file)
        self.damage = ""
        self.size = header.size
        self.grain_size = header.grain_size
        self._compressed = bool(header.flags & _COMPRESSED)
        # an offset of one sector lies within the header, so it always means a grain of zeros
        self._entries = header.table_entries
        self._lost_from = self.size
        self._rebuilt: dict[int, int] | None = None
        directory = header.directory
        if directory is None:
            try:
                directory = read_header(file, file.size - _FOOTER_FROM_END).directory
            except ImageError:
                directory = None
        if directory is None:
            self._rebuild(header)
            return
        self._directory = self._read_directory(directory)
        self._check(self._read_directory(header.second_directory) if header.second_directory else None)

    def piece(self, offset: int, most: int) -> tuple[bytes | None, int]:
        """Read bytes of the medium that lie in one grain.

        Args:
            offset: First byte, from the start of the extent.
            most: Most bytes to give.

        Returns:
            The bytes, ``None`` where the grain is not in this extent, and how many bytes from the offset on this
            concerns.

        Raises:
            ImageError: They cannot be read.
        """
        grain, within = divmod(offset, self.grain_size)
        most = min(most, self.grain_size - within)
        where = self._place(grain)
        if where == 0:
            return None, most
        if where == _ZERO_GRAIN * _SECTOR:
            return bytes(most), most
        if self._compressed:
            data = self._cache.get(grain, lambda: self._inflate(grain, where))[within : within + most]
        else:
            data = self._file.read_exactly(where + within, most, f"the grain at byte {where}")
        return data, len(data)

    def _place(self, grain: int) -> int:
        """Tell where a grain lies in the file; 0 if it does not."""
        if self._rebuilt is not None:
            if grain * self.grain_size >= self._lost_from:
                raise ImageError(
                    f"breaks off before byte {grain * self.grain_size} of the medium",
                    str(self._file.path),
                    "copy or acquire the image again",
                )
            return self._rebuilt.get(grain, 0)
        table, place = divmod(grain, self._entries)
        start = int(self._directory[table]) * _SECTOR
        if start == 0:
            return 0
        data = self._cache.get(("table", table), lambda: self._read_table(start))
        return int.from_bytes(data[place * 4 : place * 4 + 4], "little") * _SECTOR

    def _read_table(self, start: int) -> bytes:
        return self._file.read_exactly(start, self._entries * 4, "a table of grains")

    def _read_directory(self, offset: int) -> _Numbers:
        count = -(-self.size // (self.grain_size * self._entries))
        if count * 4 > _LARGEST_DIRECTORY:
            raise ImageError("its header makes no sense: it is damaged", str(self._file.path), "copy the image again")
        return np.frombuffer(self._file.read_exactly(offset, count * 4, "the map of grains"), "<u4")

    def _check(self, second: _Numbers | None) -> None:
        """Look whether all grains lie within the file, and whether both maps say the same."""
        lost = different = 0
        for number, start in enumerate(self._directory.tolist()):
            data = self._file.read_at(start * _SECTOR, self._entries * 4) if start else b""
            if start and len(data) < self._entries * 4:
                lost += self._entries
                continue
            places = np.frombuffer(data, "<u4").astype(np.uint64) * _SECTOR
            # what a compressed grain takes is only said in its marker
            least = _SECTOR if self._compressed else self.grain_size
            lost += int(np.count_nonzero((places > _SECTOR) & (places + least > self._padded_size())))
            if second is not None and second[number]:
                different += self._file.read_at(int(second[number]) * _SECTOR, self._entries * 4) != data
        damages = [f"the file breaks off at byte {self._file.size}: {lost} grains are not whole"] if lost else []
        if different:
            damages.append(f"its two maps differ in {different} tables, and the first one is used")
        self.damage = "; ".join(damages)

    def _padded_size(self) -> int:
        """Size of the file up to a grain: the last grain of a medium need not be whole."""
        return self._file.size + (-self.size % self.grain_size)

    def _inflate(self, grain: int, where: int) -> bytes:
        try:
            return self._read_compressed(grain, where)
        except InflateError as error:
            raise ImageError(
                f"the grain for byte {grain * self.grain_size} of the medium cannot be read ({error})",
                str(self._file.path),
                "copy the image again from its original",
            ) from error

    def _read_compressed(self, grain: int, where: int) -> bytes:
        sector, size = _MARKER.unpack(self._file.read_exactly(where, _MARKER.size, "the marker of a grain"))
        if sector * _SECTOR != grain * self.grain_size or size > 2 * self.grain_size + _SECTOR:
            raise InflateError("its marker names another place")
        stored = self._file.read_exactly(where + _MARKER.size, size, "a compressed grain")
        data = inflate(stored, self.grain_size)
        if len(data) < min(self.grain_size, self.size - grain * self.grain_size):
            raise InflateError(f"it inflates to {len(data)} bytes only")
        return data

    def _rebuild(self, header: SparseHeader) -> None:
        """Find the grains of a stream-optimised extent by the markers before them."""
        self._rebuilt = {}
        offset, last = header.data, -1
        while len(marker := self._file.read_at(offset, _MARKER.size)) == _MARKER.size:
            value, size = _MARKER.unpack(marker)
            if not size:
                # a marker of tables or a directory; an end marker has a value of 0
                offset += _SECTOR + value * _SECTOR
                if not value:
                    break
                continue
            grain, remainder = divmod(value * _SECTOR, self.grain_size)
            end = offset + _MARKER.size + size
            if remainder or grain <= last or end > self._file.size or size > 2 * self.grain_size + _SECTOR:
                break
            self._rebuilt[grain] = offset
            last = grain
            offset = -(-end // _SECTOR) * _SECTOR
        if not self._rebuilt:
            raise ImageError("breaks off: nothing in it can be read", str(self._file.path), "copy the image again")
        self._lost_from = (last + 1) * self.grain_size
        self.damage = (
            f"the file breaks off at byte {self._file.size} before its map of grains;"
            f" {self._lost_from} of {self.size} bytes of the medium can be read"
        )
