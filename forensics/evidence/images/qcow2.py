"""QCOW2 images: virtual disks of QEMU, KVM and Xen, versions 2 and 3, with backing files.

A reader of our own, because libqcow gives zeros for some compressed clusters without an error (checked with
libqcow-python 20260703 against ``qemu-img``), and does not read Zstandard or extended L2 entries.

Format: "QCOW2 Image Format", docs/interop/qcow2.txt of QEMU. QCOW2 has no checksums: a changed byte in the data of a
cluster cannot be noticed. A file that was cut off can: the map leads beyond its end. What lies there is an error when
it is read, never zeros, and :attr:`Qcow2Image.damage` says so beforehand.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import ClassVar

import zstandard

from forensics.errors import ImageError
from forensics.evidence.image import DiskImage, ImageFormat, open_image
from forensics.evidence.images.chunk_cache import ChunkCache
from forensics.evidence.images.inflate import InflateError, inflate_raw
from forensics.evidence.images.neighbour import require_neighbour
from forensics.evidence.images.piecewise import PiecewiseImage
from forensics.evidence.images.raw import RawImage
from forensics.evidence.images.read_only_file import ReadOnlyFile

QCOW_MAGIC = b"QFI\xfb"

_HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
_FEATURES = struct.Struct(">QQQII")
_EXTENSION = struct.Struct(">II")
_END_OF_EXTENSIONS = 0
_BACKING_FORMAT = 0xE2792ACA
_DATA_FILE_NAME = 0x44415441

_CORRUPT, _DATA_FILE, _COMPRESSION_TYPE, _EXTENDED_ENTRIES = 1 << 1, 1 << 2, 1 << 3, 1 << 4
_KNOWN_FEATURES = 1 | _CORRUPT | _DATA_FILE | _COMPRESSION_TYPE | _EXTENDED_ENTRIES
_ENCRYPTIONS = {1: "AES", 2: "LUKS"}
_ZSTANDARD = 1

_COPIED = 1 << 63
_COMPRESSED = 1 << 62
_ZEROS = 1
_OFFSET = 0x00FFFFFFFFFFFE00
_SUBCLUSTERS = 32

_CLUSTER_BITS = range(9, 22)
_LARGEST_MAP = 64 << 20
_LARGEST_SIZE = (1 << 63) - 1
_LARGEST_WINDOW = 8 << 20
_CONVERT = "convert it to raw or E01"


class Qcow2Image(PiecewiseImage):
    """An open QCOW2 image, with the images it is based on.

    Only the current state of the disk is read; internal snapshots are declared in :attr:`damage` as not examined.

    Args:
        path: The image.
        overlays: The images based on this one, so that a circle is noticed.
    """

    format: ClassVar[str] = "qcow2"

    def __init__(self, path: Path, overlays: tuple[Path, ...] = ()) -> None:
        self._overlays = overlays
        self._backing: DiskImage | None = None
        self._cache = ChunkCache()
        super().__init__(path)

    def _open(self) -> None:
        self._file = self._data = self._open_file(self.path)
        header = self._file.read_exactly(0, _HEADER.size, "the header")
        (magic, version, name_offset, name_size, cluster_bits, self.size, encryption, map_size, map_offset,
         counts_offset, counts_clusters, snapshots, _) = _HEADER.unpack(header)  # fmt: skip
        if magic != QCOW_MAGIC or version not in {2, 3}:
            raise ImageError(f"is a QCOW image of version {version}, which is not supported", str(self.path), _CONVERT)
        if encryption:
            raise ImageError(
                f"is a QCOW2 image encrypted with {_ENCRYPTIONS.get(encryption, 'an unknown method')}",
                str(self.path),
                "decrypt it with 'qemu-img convert' and its password",
            )
        if cluster_bits not in _CLUSTER_BITS or self.size > _LARGEST_SIZE or map_size * 8 > _LARGEST_MAP:
            raise ImageError("its header makes no sense: it is damaged", str(self.path), "copy the image again")
        self._cluster_size: int = 1 << cluster_bits
        self._cluster_bits = cluster_bits
        features, self._refcount_bits, self._compression, extensions = 0, 16, 0, 72
        if version == 3:
            features, _, _, order, extensions = _FEATURES.unpack(
                self._file.read_exactly(_HEADER.size, _FEATURES.size, "the header")
            )
            self._refcount_bits = 1 << min(order, 6)
            if features & _COMPRESSION_TYPE:
                self._compression = self._file.read_exactly(104, 1, "the header")[0]
        self._check_features(features)
        self._entry_size = 16 if features & _EXTENDED_ENTRIES else 8
        self._map = self._read_map(map_offset, map_size)
        names = self._extensions(extensions)
        if features & _DATA_FILE:
            data_file = names.get(_DATA_FILE_NAME, b"").decode(errors="replace")
            self._data = self._open_file(require_neighbour(self.path, data_file, "data file", windows=False))
            self.segments += (self._data.path,)
        if name_offset and name_size:
            name = self._file.read_exactly(name_offset, min(name_size, 1023), "the name of the backing file")
            self._open_backing(name.decode(errors="replace"), names.get(_BACKING_FORMAT, b""))
        self._missing = self._count_missing_bytes(counts_offset, counts_clusters)
        self._look_for_damage(features, snapshots)

    def _check_features(self, features: int) -> None:
        unknown = features & ~_KNOWN_FEATURES
        if unknown or self._compression > _ZSTANDARD:
            what = f"features {unknown:#x}" if unknown else f"compression {self._compression}"
            raise ImageError(f"uses {what} of QCOW2, unknown to this version", str(self.path), _CONVERT)

    def _read_map(self, offset: int, entries: int) -> tuple[int, ...]:
        """Read the L1 table: where the L2 tables lie."""
        covered = self._cluster_size // self._entry_size * self._cluster_size
        needed = -(-self.size // covered)
        if entries < needed:
            raise ImageError("its map is too small for its disk: it is damaged", str(self.path), "copy the image again")
        data = self._file.read_exactly(offset, needed * 8, "the map of clusters")
        return tuple(entry & _OFFSET for entry in struct.unpack(f">{needed}Q", data))

    def _extensions(self, offset: int) -> dict[int, bytes]:
        """Read the header's extensions, which end within the first cluster."""
        found: dict[int, bytes] = {}
        while offset + _EXTENSION.size <= self._cluster_size:
            kind, size = _EXTENSION.unpack(self._file.read_exactly(offset, _EXTENSION.size, "the header"))
            if kind == _END_OF_EXTENSIONS or offset + _EXTENSION.size + size > self._cluster_size:
                break
            found[kind] = self._file.read_exactly(offset + _EXTENSION.size, size, "the header")
            offset += _EXTENSION.size + (size + 7) // 8 * 8
        return found

    def _open_backing(self, name: str, backing_format: bytes) -> None:
        name = name.removeprefix("file:")
        if name.startswith("json:"):
            raise ImageError("describes its backing file in JSON, which is not supported", str(self.path), _CONVERT)
        path = require_neighbour(self.path, name, "backing file", windows=False)
        overlays = (*self._overlays, self.path)
        if any(path.samefile(overlay) for overlay in overlays):
            raise ImageError("is based on itself", str(self.path), "restore the names of the images")
        if backing_format == b"raw":
            # not to be guessed from its content, which the guest could write
            self._backing = RawImage(path)
        elif backing_format in {b"qcow2", b""} and _is_qcow(path):
            self._backing = Qcow2Image(path, overlays)
        else:
            self._backing = open_image(path)
        self._resources.callback(self._backing.close)
        self.segments += self._backing.segments

    def _look_for_damage(self, features: int, snapshots: int) -> None:
        damages = [self._backing.damage] if self._backing and self._backing.damage else []
        beyond = sum(table >= self._file.size for table in self._map)
        if beyond or self._missing:
            lost = f"; {beyond} of {len(self._map)} tables of its map are lost" if beyond else ""
            damages.append(
                f"the file breaks off at byte {self._file.size}, at least {self._missing} bytes are missing{lost}"
            )
        if features & _CORRUPT:
            damages.append("QEMU marked it as corrupt")
        if snapshots:
            damages.append(f"{snapshots} internal snapshots in it are not examined, only the current state is")
        self.damage = "; ".join(damages)

    def _count_missing_bytes(self, offset: int, clusters: int) -> int:
        """Tell how much is missing at the end of the file, by the reference counts of its clusters.

        An incomplete cluster at the end is common: QEMU writes what it must.

        Args:
            offset: Where the table of the blocks of counts lies.
            clusters: Clusters that table takes.
        """
        table = self._file.read_at(offset, min(clusters * self._cluster_size, _LARGEST_MAP))
        blocks: list[int] = [block & _OFFSET for (block,) in struct.iter_unpack(">Q", table[: len(table) // 8 * 8])]
        counts_in_block = self._cluster_size * 8 // self._refcount_bits
        for index, block in reversed(list(enumerate(blocks))):
            counts = self._file.read_at(block, self._cluster_size).rstrip(b"\0") if block else b""
            if counts:
                # several counts in a byte begin at its lowest bit
                bits = (len(counts) - 1) * 8 + (counts[-1].bit_length() if self._refcount_bits < 8 else 8)
                last = index * counts_in_block + (bits - 1) // self._refcount_bits
                return max(0, last * self._cluster_size + 1 - self._file.size)
        return 0

    def _piece(self, offset: int, most: int) -> bytes:
        index, within = divmod(offset, self._cluster_size)
        most = min(most, self._cluster_size - within)
        entry, subclusters = self._entry(index)
        if entry & _COMPRESSED:
            cluster = self._cache.get(("cluster", entry), lambda: self._decompress(entry, index))
            return cluster[within : within + most]
        if self._entry_size == 16:
            return self._subcluster_piece(entry & _OFFSET, subclusters, offset, within, most)
        if entry & _ZEROS:
            return bytes(most)
        # in a data file of its own, a cluster may lie at offset 0
        if not entry & _OFFSET and (self._data is self._file or not entry & _COPIED):
            return self._from_backing(offset, most)
        return self._from_file(entry & _OFFSET, within, most)

    def _entry(self, index: int) -> tuple[int, int]:
        """Look up a cluster: its L2 entry, and the bitmap of its subclusters."""
        table, place = divmod(index, self._cluster_size // self._entry_size)
        where = self._map[table]
        if not where:
            return 0, 0
        data = self._cache.get(
            ("table", where), lambda: self._file.read_exactly(where, self._cluster_size, "a table of clusters")
        )
        if self._entry_size == 8:
            return int.from_bytes(data[place * 8 : place * 8 + 8], "big"), 0
        entry, subclusters = struct.unpack_from(">QQ", data, place * 16)
        return entry, subclusters

    def _subcluster_piece(self, where: int, subclusters: int, offset: int, within: int, most: int) -> bytes:
        size = self._cluster_size // _SUBCLUSTERS
        number, inside = divmod(within, size)
        most = min(most, size - inside)
        if subclusters >> (_SUBCLUSTERS + number) & 1:
            return bytes(most)
        if subclusters >> number & 1:
            return self._from_file(where, within, most)
        return self._from_backing(offset, most)

    def _from_backing(self, offset: int, most: int) -> bytes:
        found = self._backing.read_at(offset, most) if self._backing else b""
        # a disk may have grown since the backing file was left behind
        return found or bytes(most)

    def _from_file(self, cluster: int, within: int, most: int) -> bytes:
        if cluster + self._cluster_size <= self._data.size or self._is_cut_off(cluster):
            return self._data.read_exactly(cluster + within, most, f"the cluster at byte {cluster}")
        # QEMU leaves out what it need not write of the last cluster of the file
        return self._data.read_at(cluster + within, most).ljust(most, b"\0")

    def _is_cut_off(self, cluster: int) -> bool:
        return cluster >= self._data.size or (self._data is self._file and self._missing > 0)

    def _decompress(self, entry: int, index: int) -> bytes:
        try:
            return self._read_compressed(entry)
        except InflateError as error:
            raise ImageError(
                f"the cluster for byte {index * self._cluster_size} of the medium cannot be read ({error})",
                str(self.path),
                "copy the image again from its original",
            ) from error

    def _read_compressed(self, entry: int) -> bytes:
        shift = 62 - (self._cluster_bits - 8)
        where = entry & ((1 << shift) - 1)
        sectors = ((entry & (_COMPRESSED - 1)) >> shift) + 1
        # the last one may end with the file, before its last sector does
        data = self._file.read_at(where, sectors * 512 - where % 512)
        if self._compression == _ZSTANDARD:
            cluster = _unzstd(data, self._cluster_size)
        else:
            cluster = inflate_raw(data, self._cluster_size)
        if len(cluster) != self._cluster_size:
            raise InflateError(f"it gives {len(cluster)} bytes instead of {self._cluster_size}")
        return cluster


def _unzstd(data: bytes, most: int) -> bytes:
    """Decompress a frame of Zstandard; what follows it is ignored."""
    try:
        # one byte more than allowed, whatever it would grow to
        return zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).stream_reader(data).read(most + 1)
    except zstandard.ZstdError as error:
        raise InflateError("its compressed data are damaged") from error


def _is_qcow(path: Path) -> bool:
    with ReadOnlyFile(path) as file:
        return file.read_at(0, len(QCOW_MAGIC)) == QCOW_MAGIC


class Qcow2Format(ImageFormat):
    """QCOW2 images; QCOW version 1 is refused by name."""

    name: ClassVar[str] = "qcow2"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  the name proves nothing
        """Recognise QCOW of every version, so that none is taken for raw."""
        return head.startswith(QCOW_MAGIC)

    def open(self, path: Path) -> Qcow2Image:
        """Open a QCOW2 image (see :meth:`ImageFormat.open`)."""
        return Qcow2Image(path)
