"""Every kind of E01 and S01 that ewfacquire writes, and those of other tools: byte for byte what libewf reads."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pyewf
import pytest

from forensics.evidence.image import DiskImage, open_image
from tests.evidence.noise import noise

Run = Callable[..., None]

_FORMATS = ["encase1", "encase2", "encase3", "encase4", "encase5", "encase6", "encase7", "linen5", "linen6", "ftk",
            "smart", "ewf", "ewfx"]  # fmt: skip
_COMPRESSIONS = ["none", "empty-block", "fast", "best"]
_CHUNK_SECTORS = [16, 32, 64, 128, 256, 512, 1024, 2048]
_SECTORS = [3 * 2048, 64 * 61 + 1, 9765]
"""Whole chunks of every size; a single sector in the last one; something between."""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Media of noise, zeros and repetition, so that chunks of every kind come up."""
    draw = noise(11)
    data = bytearray()
    while len(data) < 5_000_000:
        length = draw.randrange(1000, 120_000)
        kind = draw.randrange(3)
        data += [draw.randbytes(length), bytes(length), b"%d times " % length * (length // 12)][kind]
    folder = tmp_path_factory.mktemp("media")
    paths = [folder / f"{sectors}.raw" for sectors in _SECTORS]
    for path, sectors in zip(paths, _SECTORS, strict=True):
        path.write_bytes(data[: sectors * 512])
    return paths


@pytest.mark.parametrize("compression", _COMPRESSIONS)
@pytest.mark.parametrize("name", _FORMATS)
def test_reads_what_libewf_reads(name: str, compression: str, media: list[Path], run: Run, tmp_path: Path) -> None:
    number = _FORMATS.index(name) * len(_COMPRESSIONS) + _COMPRESSIONS.index(compression)
    medium = media[number % len(media)]
    chunk_sectors = str(_CHUNK_SECTORS[number % len(_CHUNK_SECTORS)])
    options = ("-f", name, "-c", compression, "-b", chunk_sectors, "-S", "1MiB")
    details = ("-C", "C-17", "-D", "a disk", "-E", "E1", "-e", "Perita", "-N", "some notes")
    run("ewfacquire", "-u", "-q", *options, *details, "-t", tmp_path / "disk", medium)
    first = min(tmp_path.glob("disk.*01"))
    data = medium.read_bytes()
    with open_image(first) as image:
        assert list(image.segments) == sorted(tmp_path.glob("disk.*"))
        assert _whole(image) == data
        _compare(image)
        assert image.stored_digests["md5"] == hashlib.md5(data, usedforsecurity=False).hexdigest()
        assert image.metadata["case_number"] == "C-17"
        assert image.metadata["notes"] == "some notes"


@pytest.mark.parametrize("sector_size", [512, 2048, 4096])
def test_sectors_of_other_sizes(sector_size: int, media: list[Path], run: Run, tmp_path: Path) -> None:
    run("ewfacquire", "-u", "-q", "-P", str(sector_size), "-c", "fast", "-t", tmp_path / "disk", media[0])
    with open_image(tmp_path / "disk.E01") as image:
        assert image.sector_size == sector_size
        assert _whole(image) == media[0].read_bytes()


def test_the_rest_of_a_sector_is_no_part_of_the_medium(media: list[Path], run: Run, tmp_path: Path) -> None:
    source = tmp_path / "odd.raw"
    source.write_bytes(media[0].read_bytes()[:1_000_100])
    run("ewfacquire", "-u", "-q", "-t", tmp_path / "disk", source)
    with open_image(tmp_path / "disk.E01") as image:
        assert image.size == 1_000_100 // 512 * 512
        assert _whole(image) == source.read_bytes()[: image.size]
        _compare(image)


def test_an_image_of_a_stream_of_unknown_length(media: list[Path], require: Run, tmp_path: Path) -> None:
    require("ewfacquirestream")
    with media[2].open("rb") as source:
        subprocess.run(
            ["ewfacquirestream", "-q", "-c", "fast", "-S", "1MiB", "-t", tmp_path / "disk"],
            stdin=source, check=True, capture_output=True,
        )  # fmt: skip
    with open_image(tmp_path / "disk.E01") as image:
        assert _whole(image) == media[2].read_bytes()
        _compare(image)


def test_images_of_other_tools(corpora: Path) -> None:
    images = [path for path in sorted((corpora / "disk-images").rglob("*.E01")) if path.is_file()]
    assert len(images) >= 5
    for path in images:
        with open_image(path) as image:
            _compare(image)


def _compare(image: DiskImage) -> None:
    """Hold an image against libewf: its bytes, digests and details."""
    oracle = pyewf.handle()
    oracle.open([str(segment) for segment in image.segments])
    try:
        assert image.size == oracle.get_media_size()
        assert image.sector_size == oracle.get_bytes_per_sector()
        for offset in range(0, image.size, 1 << 20):
            assert image.read_at(offset, 1 << 20) == oracle.read_buffer_at_offset(
                min(1 << 20, image.size - offset), offset
            )
        stored = {name.lower(): value for name, value in oracle.get_hash_values().items()}
        assert {name: stored[name] for name in ("md5", "sha1") if name in stored} == image.stored_digests
        details = oracle.get_header_values()
        assert {name: image.metadata.get(name) for name in details if "date" not in name} == {
            name: value for name, value in details.items() if "date" not in name
        }
        assert sorted(_times(image.metadata)) == sorted(
            datetime.strptime(value.removesuffix(" UTC"), "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007  it has no zone
            for name, value in details.items()
            if "date" in name
        )
    finally:
        oracle.close()


def _times(details: Mapping[str, str]) -> Iterator[datetime]:
    """The dates in the local time of this machine, as libewf gives them."""
    for name, value in details.items():
        if "date" in name:
            time = datetime.fromisoformat(value)
            yield time.astimezone().replace(tzinfo=None) if time.tzinfo else time


def _whole(image: DiskImage) -> bytes:
    return image.read_at(0, image.size)
