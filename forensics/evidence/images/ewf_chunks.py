"""The chunks of an EWF image: read, inflated, checked, and those used last kept.

A chunk is the least that can be read, usually 32 KiB of the medium. A compressed one is zlib data, which end in an
Adler-32 of the content; any other is the content and its Adler-32. Each chunk read is checked.
"""

from __future__ import annotations

from pathlib import Path

from forensics.errors import ImageError
from forensics.evidence.images.chunk_cache import CACHE_BYTES, ChunkCache
from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.ewf_tables import ChunkMap, ChunkPlaces
from forensics.evidence.images.inflate import InflateError, adler32, inflate

_CHECKSUM_SIZE = 4
_RUN_BYTES = 4 << 20
_RUN_CHUNKS = 256
_RANGES_TOLD = 3


class ChunkReader:
    """Reads chunks by their numbers. May be used by several threads.

    Args:
        files: The segment files.
        chunk_map: Where the chunks lie.
        chunk_size: Bytes a chunk.
        sector_size: Bytes a sector of the medium; for naming what cannot be read.
        size: Bytes of the medium; its last chunk may be shorter.
        path: The image, for errors.
    """

    def __init__(
        self, files: SegmentFiles, chunk_map: ChunkMap, chunk_size: int, sector_size: int, size: int, path: Path
    ) -> None:
        self._files = files
        self._map = chunk_map
        self._chunk_size = chunk_size
        self._sector_size = sector_size
        self._size = size
        self._path = path
        self._cache = ChunkCache(CACHE_BYTES)

    def read(self, first: int, stop: int) -> list[bytes]:
        """Read chunks that follow each other on the medium.

        Args:
            first: Number of the first chunk.
            stop: Number of the first chunk not to read.

        Raises:
            ImageError: Some of them cannot be read; it names their sectors.
        """
        chunks: list[bytes] = []
        bad: dict[int, str] = {}
        while (chunk := first + len(chunks)) < stop:
            data = self._cache.kept(chunk)
            if data is None:
                chunks += self._read_run(chunk, stop, bad)
            else:
                chunks.append(data)
        if bad:
            raise self._error(bad)
        return chunks

    def clear(self) -> None:
        """Forget the chunks that are kept."""
        self._cache.clear()

    def _read_run(self, chunk: int, stop: int, bad: dict[int, str]) -> list[bytes]:
        """Read at least one chunk, and in the same go those that lie behind it and are wanted too."""
        places = self._map.places(chunk)
        offset, lengths, compressed = self._run(places, chunk, min(stop, places.stop))
        try:
            data = memoryview(self._files.read(places.segment, offset, sum(lengths)))
        except ImageError as error:
            # one bad sector of the medium on which the segment file lies must not take its neighbours along
            lengths, compressed = lengths[:1], compressed[:1]
            try:
                data = memoryview(self._files.read(places.segment, offset, lengths[0]))
            except ImageError:
                bad[chunk] = error.what
                return [b""]
        chunks = []
        position = 0
        for length, is_compressed in zip(lengths, compressed, strict=True):
            stored = data[position : position + length]
            try:
                content = self._content(chunk, stored, is_compressed)
            except InflateError as error:
                bad[chunk] = f"{error}, at byte {offset + position} of segment {places.segment + 1}"
                content = b""
            else:
                self._cache.keep(chunk, content)
            chunks.append(content)
            position += length
            chunk += 1
        return chunks

    def _run(self, places: ChunkPlaces, chunk: int, stop: int) -> tuple[int, list[int], list[bool]]:
        """Find how many chunks from one on lie back to back, up to a limit, and are not in the cache."""
        index = chunk - places.first
        span = slice(index, min(stop - places.first, index + _RUN_CHUNKS))
        offsets, lengths = places.offsets[span].tolist(), places.lengths[span].tolist()
        end = offsets[0] + lengths[0]
        count = 1
        while (
            count < len(offsets)
            and offsets[count] == end
            and end + lengths[count] - offsets[0] <= _RUN_BYTES
            and chunk + count not in self._cache
        ):
            end += lengths[count]
            count += 1
        return offsets[0], lengths[:count], places.compressed[span][:count].tolist()

    def _content(self, chunk: int, stored: memoryview, compressed: bool) -> bytes:
        """Turn the stored form of a chunk into the bytes of the medium, and check them.

        Raises:
            InflateError: They are damaged.
        """
        wanted = min(self._chunk_size, self._size - chunk * self._chunk_size)
        if compressed:
            content = inflate(stored, self._chunk_size)
            if len(content) < wanted:
                raise InflateError(f"it inflates to {len(content)} bytes instead of {wanted}")
            return content[:wanted]
        # The last chunk of a medium may be stored with more than belongs to it: up to a whole chunk, or, where the
        # source was no multiple of a sector long, with what is left of it
        for size in (wanted, len(stored) - _CHECKSUM_SIZE, self._chunk_size):
            if size < wanted:
                continue
            checksum = stored[size : size + _CHECKSUM_SIZE]
            if len(checksum) == _CHECKSUM_SIZE and adler32(stored[:size]) == int.from_bytes(checksum, "little"):
                return bytes(stored[:wanted])
        raise InflateError("its checksum is wrong")

    def _error(self, bad: dict[int, str]) -> ImageError:
        """Say which sectors cannot be read."""
        sectors = self._chunk_size // self._sector_size
        ranges: list[list[int]] = []
        for chunk in sorted(bad):
            if ranges and ranges[-1][1] == chunk * sectors:
                ranges[-1][1] += sectors
            else:
                ranges.append([chunk * sectors, (chunk + 1) * sectors])
        end = -(-self._size // self._sector_size)
        told = ", ".join(f"{start} to {min(stop, end) - 1}" for start, stop in ranges[:_RANGES_TOLD])
        more = f" and {len(ranges) - _RANGES_TOLD} more ranges" if len(ranges) > _RANGES_TOLD else ""
        return ImageError(
            f"sectors {told}{more} of the medium cannot be read ({bad[min(bad)]})",
            str(self._path),
            "copy the image again from its original, or acquire again",
        )
