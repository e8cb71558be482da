"""Reading an E01 full of photographs: our reader beside libewf and beside the bare inflation of the same chunks.

Photographs are what a laboratory's disks are full of, and deflate hardly shrinks them: here a reader shows what its
inflation costs, which an image full of zeros hides. All run on one core, in the same run, in seconds of that core, so
that what else the machine does counts little.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyewf

from forensics.evidence.image import open_image
from forensics.evidence.images.ewf import EwfImage
from forensics.evidence.images.ewf_segments import find_segments
from forensics.evidence.images.inflate import INFLATER, adler32, inflate
from tests.pictures import encoded, photo

PICTURES, MEGABYTES = 60, 1000
_PIECE = 1 << 20
_CHUNK = 32768
_RANDOM_READS = 4000


def main() -> None:
    """Build the image, read it in three ways, print."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        raw = Path(name) / "disk.raw"
        _write(raw)
        subprocess.run(
            ["ewfacquire", "-u", "-q", "-c", "fast", "-S", "4GiB", "-t", raw.with_suffix(""), raw],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        path = raw.with_suffix(".E01")
        size = raw.stat().st_size
        limit, share = _bare(path)
        print(f"E01 (-c fast) of {size / 1e6:,.0f} MB of JPEG pictures, {share:.0%} of its chunks compressed")
        print(f"limit: bare {INFLATER} inflation          {size / 1e6 / limit:7.0f} MB/s")
        with open_image(path) as image:
            ours = _sequential(image.read_at, raw)
            places = random.Random(1).sample(range(size // _CHUNK), _RANDOM_READS)  # noqa: S311
            ours_random = _random(lambda offset: image.read_at(offset, _CHUNK), places)
        print(
            f"tamiz, read through                {size / 1e6 / ours:7.0f} MB/s  {limit / ours:4.0%} of the limit"
            f"    {_RANDOM_READS / ours_random:8,.0f} random reads of 32 KiB/s"
        )
        handle = pyewf.handle()
        handle.open([str(path)])
        libewf = _sequential(lambda offset, length: handle.read_buffer_at_offset(length, offset), raw)
        libewf_random = _random(lambda offset: handle.read_buffer_at_offset(_CHUNK, offset), places)
        handle.close()
        print(
            f"libewf, read through               {size / 1e6 / libewf:7.0f} MB/s  {libewf / ours:4.1f} x slower"
            f"       {_RANDOM_READS / libewf_random:8,.0f} random reads of 32 KiB/s"
        )


def _write(path: Path) -> None:
    """Write pictures back to back, each with a number of its own in front."""
    pictures = [encoded(photo(1200, 1600, seed=seed), "JPEG", quality=70) for seed in range(PICTURES)]
    written = number = 0
    with path.open("wb") as file:
        while written < MEGABYTES * 1_000_000:
            data = number.to_bytes(16, "big") + pictures[number % PICTURES]
            written += file.write(data)
            number += 1
        file.truncate(written // 512 * 512)


def _sequential(read: Callable[[int, int], bytes], raw: Path) -> float:
    """Seconds of the processor that reading all takes; what is read is held against the raw image, untimed."""
    seconds = 0.0
    with raw.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        for offset in range(0, size, _PIECE):
            expected = file.read(_PIECE)
            began = time.process_time()
            data = read(offset, len(expected))
            seconds += time.process_time() - began
            if data != expected:
                raise AssertionError(f"wrong bytes at {offset}")
    return seconds


def _random(read: Callable[[int], bytes], places: list[int]) -> float:
    began = time.process_time()
    for place in places:
        read(place * _CHUNK)
    return time.process_time() - began


def _bare(path: Path) -> tuple[float, float]:
    """Seconds of the processor for inflating or summing up every chunk as it is stored, and how many are compressed."""
    seconds, packed, count = 0.0, 0, 0
    for stored, compressed in _stored(path):
        began = time.process_time()
        if compressed:
            inflate(stored, _CHUNK)
        else:
            adler32(stored[:-4])
            bytes(stored[:-4])
        seconds += time.process_time() - began
        packed += compressed
        count += 1
    return seconds, packed / count


def _stored(path: Path) -> Iterator[tuple[bytes, bool]]:
    image = EwfImage(path, find_segments(path))
    chunk_map, files = image._chunks._map, image._files  # noqa: SLF001
    chunk = 0
    while chunk < chunk_map.count:
        places = chunk_map.places(chunk)
        for offset, length, compressed in zip(
            places.offsets.tolist(), places.lengths.tolist(), places.compressed.tolist(), strict=True
        ):
            yield files.read(places.segment, offset, length), compressed
        chunk = places.stop
    image.close()
