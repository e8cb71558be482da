"""UDIF images: what qemu-img and libmodi read from them, in every compression."""

from __future__ import annotations

import contextlib
import io
import plistlib
import struct
from pathlib import Path

import pymodi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ImageError
from forensics.evidence.image import open_image
from forensics.evidence.images import udif_chunks
from forensics.evidence.images.inflate import InflateError
from tests.evidence.conftest import Run
from tests.evidence.images.reading import read_image, whole
from tests.evidence.images.udif_writer import METHODS, adc, udif


@pytest.fixture(scope="module")
def content(medium: Path) -> bytes:
    """A part of the medium: compressing takes time."""
    return medium.read_bytes()[: 1 << 20]


@pytest.fixture(params=METHODS)
def image(request: pytest.FixtureRequest, tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "disk.dmg"
    path.write_bytes(udif(content, request.param, chunk=1 << 16, parts=[512 * 700, 512 * 1500]))
    return path


def test_reads_every_compression(image: Path, content: bytes) -> None:
    with open_image(image) as opened:
        assert (opened.format, opened.damage) == ("udif", "")
        assert opened.read_at(0, opened.size) == content
        assert opened.read_at(99_999, 900_001) == content[99_999:1_000_000]


@pytest.mark.parametrize("method", ["adc", "lzfse", "zlib", "plain"])
def test_libmodi_reads_the_same(medium: Path, method: str) -> None:
    handle = pymodi.handle()
    handle.open_file_object(io.BytesIO(udif(medium.read_bytes(), method)))
    assert handle.read_buffer_at_offset(handle.get_media_size(), 0) == medium.read_bytes()
    handle.close()


def test_qemu_reads_the_same(tmp_path: Path, medium: Path, run: Run) -> None:
    (tmp_path / "disk.dmg").write_bytes(udif(medium.read_bytes(), "zlib", parts=[512 * 700]))
    run("qemu-img", "convert", "-f", "dmg", "-O", "raw", tmp_path / "disk.dmg", tmp_path / "raw")
    assert (tmp_path / "raw").read_bytes() == medium.read_bytes()


def test_an_image_without_a_list_is_its_data(tmp_path: Path, medium: Path) -> None:
    content = medium.read_bytes()
    trailer = bytearray(udif(content, "plain")[-512:])
    struct.pack_into(">Q", trailer, 32, len(content))
    struct.pack_into(">QQ", trailer, 216, 0, 0)
    (tmp_path / "disk.dmg").write_bytes(content + trailer)
    assert whole(tmp_path / "disk.dmg") == content


@given(data=st.lists(st.one_of(st.binary(max_size=40), st.builds(bytes.__mul__, st.binary(max_size=1), st.just(90)))))
def test_adc_gives_back_what_was_compressed(data: list[bytes]) -> None:
    content = b"".join(data)
    assert udif_chunks.decompress_chunk(udif_chunks.ADC, adc(content), len(content)) == content


@given(kind=st.sampled_from(sorted(kind for kind, _ in METHODS.values() if kind != 1)), data=st.binary(max_size=300))
def test_anything_is_decompressed_or_refused(kind: int, data: bytes) -> None:
    with contextlib.suppress(InflateError):
        assert len(udif_chunks.decompress_chunk(kind, data, 100)) == 100


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_without_its_trailer_it_is_refused(image: Path, share: float) -> None:
    data = image.read_bytes()
    image.write_bytes(data[: int(len(data) * share)])
    first = data[:4]
    if first.startswith((b"x\x9c", b"BZh", b"bvx", b"\xfd7zX")):
        with pytest.raises(ImageError, match="lacks the trailer of an Apple disk image: it breaks off"):
            open_image(image)


def test_missing_chunks_are_declared(tmp_path: Path, medium: Path) -> None:
    """A file put together again with a part missing: the trailer is there, the data are not."""
    data = udif(medium.read_bytes(), "zlib")
    (list_offset, list_size) = struct.unpack_from(">QQ", data, len(data) - 512 + 216)
    kept = list_offset // 2
    trailer = bytearray(data[-512:])
    struct.pack_into(">Q", trailer, 32, kept)
    struct.pack_into(">Q", trailer, 216, kept)
    path = tmp_path / "disk.dmg"
    path.write_bytes(data[:kept] + data[list_offset : list_offset + list_size] + trailer)
    reading = read_image(path)
    assert "chunks are not whole" in reading.damage
    assert reading.pieces
    assert reading.errors
    assert not reading.wrong(medium.read_bytes())


@pytest.mark.parametrize("method", ["zlib", "bzip2", "lzma"])
def test_a_damaged_chunk_is_an_error(tmp_path: Path, content: bytes, method: str) -> None:
    data = udif(content, method, chunk=1 << 16)
    (size,) = struct.unpack_from(">Q", data, len(data) - 512 + 32)
    for place in range(20, size, size // 15):
        bad = bytearray(data)
        bad[place] ^= 0x10
        (tmp_path / "disk.dmg").write_bytes(bad)
        reading = read_image(tmp_path / "disk.dmg")
        assert not reading.wrong(content)
        assert len(reading.errors) <= 4


@pytest.mark.parametrize(
    "properties",
    [
        b"<plist><dict/></plist>",
        b"<plist><dict><key>resource",
        b"nothing of the kind",
        plistlib.dumps({"resource-fork": {"blkx": [{"Data": b"mish"}]}}),
        plistlib.dumps({"resource-fork": {"blkx": ["x"]}}),
        plistlib.dumps(["resource-fork"]),
        plistlib.dumps({"resource-fork": {"blkx": []}}),
    ],
)
def test_a_damaged_list_is_one_line(tmp_path: Path, medium: Path, properties: bytes) -> None:
    trailer = bytearray(udif(medium.read_bytes(), "zlib")[-512:])
    struct.pack_into(">QQ", trailer, 216, 0, len(properties))
    (tmp_path / "disk.dmg").write_bytes(properties + trailer)
    with pytest.raises(ImageError, match=r"the list of its chunks is damaged|lists no chunks"):
        open_image(tmp_path / "disk.dmg")


def test_a_raw_disk_named_dmg_is_raw(corpora: Path) -> None:
    with open_image(corpora / "disk-images" / "bulk_extractor" / "1mb_fat32.dmg") as image:
        assert image.format == "raw"


def test_the_corpus_image(corpora: Path, tmp_path: Path, run: Run) -> None:
    image = corpora / "disk-images" / "dfvfs" / "hfsplus_zlib.dmg"
    run("qemu-img", "convert", "-f", "dmg", "-O", "raw", image, tmp_path / "raw")
    assert whole(image) == (tmp_path / "raw").read_bytes()
