"""The streams of an AFF4 container: chunks of image streams, maps of other streams, and symbolic ones.

Format: "AFF4 Standard v1.0a", sections 3, 4 and 6.2. Each chunk is checked by the hash of its block where the
container has them. What an imager did not read from the medium is an error when it is read here: the standard's filling
(``UNREADABLEDATA`` over and over) is nobody's data.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence

import cramjam
import numpy as np

from forensics.errors import ImageError
from forensics.evidence.images.aff4_container import Aff4Container
from forensics.evidence.images.aff4_metadata import AFF4
from forensics.evidence.images.chunk_cache import ChunkCache
from forensics.evidence.images.inflate import InflateError, inflate, inflate_raw

UNREAD = {f"{AFF4}UnreadableData": "could not be read", f"{AFF4}UnknownData": "was not read"}
"""The symbolic streams that stand for what is not in the image."""

_SYMBOLIC = f"{AFF4}SymbolicStream"
_ZERO = f"{AFF4}Zero"
_INDEX = np.dtype([("offset", "<u8"), ("length", "<u4")])
_MAP = np.dtype([("start", "<u8"), ("length", "<u8"), ("target_start", "<u8"), ("target", "<u4")])
_HASHES = ("sha1", "sha256", "md5", "blake2b", "sha512")
"""Hashes of blocks, the fastest first."""
_LARGEST_CHUNK = 64 << 20


class Aff4Stream(ABC):
    """A stream of bytes. Its size is bounded by whoever refers to it."""

    @abstractmethod
    def piece(self, offset: int, most: int) -> bytes:
        """Read at least one and at most so many bytes.

        Raises:
            ImageError: They cannot be read.
        """


class SymbolicStream(Aff4Stream):
    """A stream of one byte over and over, or of what was not read from the medium.

    Args:
        urn: Its name in the AFF4 schema.
        where: The image, for errors.
    """

    def __init__(self, urn: str, where: str) -> None:
        self._unread = UNREAD.get(urn)
        self._where = where
        self._byte = b"\0"
        if urn.startswith(_SYMBOLIC):
            self._byte = bytes.fromhex(urn.removeprefix(_SYMBOLIC))
        if len(self._byte) != 1:
            raise ValueError(urn)

    @staticmethod
    def is_symbolic(urn: str) -> bool:
        """Tell whether a name is that of a symbolic stream."""
        return urn in UNREAD or urn == _ZERO or (urn.startswith(_SYMBOLIC) and len(urn) == len(_SYMBOLIC) + 2)

    def piece(self, offset: int, most: int) -> bytes:  # noqa: ARG002  every place is alike
        """Read (see :meth:`Aff4Stream.piece`)."""
        if self._unread:
            raise ImageError(f"this part of the medium {self._unread} when it was acquired", self._where)
        return self._byte * most


class ImageStream(Aff4Stream):
    """Chunks, usually compressed, in segments called bevies.

    Args:
        container: The container it is in.
        urn: Its name.
        size: Its size in bytes.
        chunk_size: Bytes a chunk.
        chunks_in_segment: Chunks a bevy.
        compression: IRI of the method; empty if chunks are stored.
        cache: Keeps chunks.
    """

    def __init__(
        self,
        container: Aff4Container,
        urn: str,
        size: int,
        chunk_size: int,
        chunks_in_segment: int,
        compression: str,
        cache: ChunkCache,
    ) -> None:
        self._container = container
        self._urn = urn
        self._size = size
        self._chunk_size = chunk_size
        self._in_segment = chunks_in_segment
        self._cache = cache
        method = _METHODS.get(compression.removeprefix("https://").removeprefix("http://"))
        if method is None:
            raise ImageError("is compressed by an unknown method", str(container.path), "convert it to raw or E01")
        if not 0 < chunk_size <= _LARGEST_CHUNK or chunks_in_segment <= 0:
            raise ImageError("the sizes of its chunks make no sense", str(container.path), "copy the image again")
        self._decompress = method

    def piece(self, offset: int, most: int) -> bytes:
        """Read (see :meth:`Aff4Stream.piece`)."""
        if offset >= self._size:
            raise ImageError("its map leads beyond a stream", str(self._container.path), "copy the image again")
        number, within = divmod(offset, self._chunk_size)
        most = min(most, self._size - offset)
        chunk = self._cache.get((self._urn, number), lambda: self._chunk(number))
        return chunk[within : within + most]

    def _chunk(self, number: int) -> bytes:
        try:
            return self._read_chunk(number)
        except InflateError as error:
            raise ImageError(
                f"chunk {number} of a stream cannot be read ({error})",
                str(self._container.path),
                "copy the image again from its original",
            ) from error

    def _read_chunk(self, number: int) -> bytes:
        segment, place = divmod(number, self._in_segment)
        name = f"{self._urn}/{segment:08d}"
        index = self._container.read_whole(f"{name}.index")
        entry = index[place * _INDEX.itemsize : (place + 1) * _INDEX.itemsize]
        if len(entry) < _INDEX.itemsize:
            raise InflateError("it is not in its index")
        offset, length = np.frombuffer(entry, _INDEX)[0].tolist()
        if length > 2 * self._chunk_size + _LARGEST_HEADER:
            raise InflateError("its index is damaged")
        data = self._container.read_at(name, offset, length)
        # a chunk that does not become smaller is stored as it is
        chunk = data if length == self._chunk_size else self._decompress(data, self._chunk_size)
        left = self._size - number * self._chunk_size
        if len(chunk) < min(self._chunk_size, left):
            raise InflateError(f"it gives {len(chunk)} bytes only")
        self._verify(name, place, chunk, left)
        return chunk

    def _verify(self, segment: str, place: int, chunk: bytes, left: int) -> None:
        """Check a chunk by the hash of its block, if there is one."""
        for algorithm in _HASHES:
            for name in (f"{segment}.blockHash.{algorithm}", f"{segment}.{algorithm}"):
                if not self._container.has(name):
                    continue
                # tools differ in whether the last block is hashed with its padding
                digests = {
                    hashlib.new(algorithm, block, usedforsecurity=False).digest() for block in (chunk, chunk[:left])
                }
                size = len(next(iter(digests)))
                if self._container.read_whole(name)[place * size : (place + 1) * size] not in digests:
                    raise InflateError("it does not have the hash recorded for it")
                return


class MapStream(Aff4Stream):
    """Ranges of other streams.

    Args:
        data: The map's segment.
        targets: The streams it refers to.
        gap: The stream that fills what the map leaves out.
        where: The image, for errors.
    """

    def __init__(self, data: bytes, targets: Sequence[Aff4Stream], gap: Aff4Stream, where: str) -> None:
        self.ranges = np.frombuffer(data[: len(data) // _MAP.itemsize * _MAP.itemsize], _MAP)
        self.ranges = self.ranges[np.argsort(self.ranges["start"], kind="stable")]
        self._starts: list[int] = self.ranges["start"].tolist()
        self._targets = targets
        self._gap = gap
        if len(data) % _MAP.itemsize or any(self.ranges["target"] >= len(targets)):
            raise ImageError("its map is damaged", where, "copy the image again")

    def piece(self, offset: int, most: int) -> bytes:
        """Read (see :meth:`Aff4Stream.piece`)."""
        place = bisect_right(self._starts, offset)
        if place < len(self._starts):
            most = min(most, self._starts[place] - offset)
        if place:
            start, length, target_start, target = self.ranges[place - 1].tolist()
            if offset < start + length:
                most = min(most, start + length - offset)
                return self._targets[int(target)].piece(int(target_start) + offset - int(start), most)
        return self._gap.piece(offset, most)


def _snappy(data: bytes, size: int) -> bytes:
    try:
        # the length stands before the data
        if cramjam.snappy.decompress_raw_len(data) > size:
            raise InflateError(f"it grows beyond {size} bytes")
        return bytes(cramjam.snappy.decompress_raw(data))
    except (cramjam.DecompressionError, ValueError) as error:
        raise InflateError("its compressed data are damaged") from error


def _lz4(data: bytes, size: int) -> bytes:
    # some tools write the size before the block, as Python's lz4 does
    sized = data[4:] if data[:4] == size.to_bytes(4, "little") else data
    for block in (data, sized):
        try:
            return bytes(cramjam.lz4.decompress_block(block, output_len=size))
        except (cramjam.DecompressionError, ValueError):
            continue
    raise InflateError("its compressed data are damaged")


def _stored(data: bytes, size: int) -> bytes:
    return data[:size]


_LARGEST_HEADER = 4096
_METHODS: dict[str, Callable[[bytes, int], bytes]] = {
    "code.google.com/p/snappy/": _snappy,
    "github.com/google/snappy": _snappy,
    "code.google.com/p/lz4/": _lz4,
    "www.ietf.org/rfc/rfc1950.txt": inflate,
    "tools.ietf.org/html/rfc1950": inflate,
    "tools.ietf.org/html/rfc1951": inflate_raw,
    "aff4.org/Schema#compression/stored": _stored,
    "aff4.org/Schema#NullCompressor": _stored,
    "": _stored,
}
