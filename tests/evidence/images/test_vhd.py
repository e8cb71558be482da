"""VHD images: what qemu-img wrote into them, and what libvhdi reads from differencing ones."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import pyvhdi
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import open_image
from forensics.evidence.images.vhd import VhdFormat
from tests.evidence.conftest import Run
from tests.evidence.images.reading import read_image, whole
from tests.evidence.images.vhd_writer import FOOTER, differencing, footer
from tests.evidence.noise import noise


def _convert(run: Run, medium: Path, image: Path, kind: str) -> Path:
    run("qemu-img", "convert", "-O", "vpc", "-o", f"subformat={kind},force_size=on", medium, image)
    return image


@pytest.fixture(params=["fixed", "dynamic"])
def image(request: pytest.FixtureRequest, tmp_path: Path, run: Run, medium: Path) -> Path:
    return _convert(run, medium, tmp_path / "disk.vhd", request.param)


def test_reads_what_was_converted(image: Path, medium: Path) -> None:
    with open_image(image) as opened:
        assert (opened.format, opened.damage) == ("vhd", "")
        assert opened.read_at(0, opened.size) == medium.read_bytes()
        assert opened.read_at(99_999, 2_200_001) == medium.read_bytes()[99_999:2_300_000]


def test_a_wrong_checksum_is_declared(image: Path, medium: Path) -> None:
    data = bytearray(image.read_bytes())
    data[len(data) - FOOTER + 30] ^= 1
    image.write_bytes(data)
    with open_image(image) as opened:
        assert opened.damage == "the checksum of its footer is wrong"
        assert opened.read_at(0, opened.size) == medium.read_bytes()


def test_a_footer_cannot_hide_the_end_of_a_fixed_disk(tmp_path: Path, medium: Path) -> None:
    """The last sector of a suspect's disk may look like any footer."""
    image = tmp_path / "disk.raw"
    image.write_bytes(medium.read_bytes() + footer(4096, 2, bytes(16)))
    with open_image(image) as opened:
        assert opened.size == medium.stat().st_size
        assert opened.damage == f"its footer says 4096 bytes, {opened.size} are there"


def test_a_raw_disk_is_none(medium: Path) -> None:
    assert not VhdFormat().recognises(medium, medium.read_bytes()[:4096])


def test_a_dynamic_disk_is_read_without_its_end(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.vhd", "dynamic")
    data = image.read_bytes()
    image.write_bytes(data[:-FOOTER])
    assert whole(image) == medium.read_bytes()
    image.write_bytes(data[: len(data) // 2])
    reading = read_image(image)
    assert "blocks are not whole" in reading.damage
    assert reading.errors
    assert reading.pieces
    assert not reading.wrong(medium.read_bytes())


def test_a_header_that_makes_no_sense_is_refused(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.vhd", "dynamic")
    for place, value in ((28, 0), (32, 0), (32, 1000), (32, 1 << 31)):
        data = bytearray(image.read_bytes())
        struct.pack_into(">I", data, 512 + place, value)
        (tmp_path / "bad.vhd").write_bytes(data)
        with pytest.raises(ImageError, match="its header makes no sense"):
            open_image(tmp_path / "bad.vhd")


@settings(max_examples=40, deadline=None)
@given(numbers=st.sets(st.integers(0, 299)), offset=st.integers(0, 300 * 512), length=st.integers(0, 300 * 512))
def test_a_differencing_disk_over_another(
    tmp_path_factory: pytest.TempPathFactory, numbers: set[int], offset: int, length: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "differencing"
    folder.mkdir(exist_ok=True)
    draw = noise(len(numbers))
    parent = draw.randbytes(300 * 512)
    own = {number: draw.randbytes(512) for number in numbers}
    (folder / "parent.vhd").write_bytes(parent + footer(len(parent), 2, b"p" * 16))
    middle = differencing(len(parent), {}, b"p" * 16, "C:\\disks\\parent.vhd", identifier=b"m" * 16)
    (folder / "middle.vhd").write_bytes(middle)
    (folder / "child.vhd").write_bytes(differencing(len(parent), own, b"m" * 16, "middle.vhd"))
    expected = b"".join(own.get(number, parent[number * 512 : number * 512 + 512]) for number in range(300))
    with open_image(folder / "child.vhd") as image:
        assert [path.name for path in image.segments] == ["child.vhd", "middle.vhd", "parent.vhd"]
        assert not image.damage
        assert image.read_at(offset, length) == expected[offset : offset + length]


def test_libvhdi_agrees_on_the_corpus_pair(corpora: Path) -> None:
    folder = corpora / "disk-images" / "dfvfs"
    child, parent = pyvhdi.file(), pyvhdi.file()
    child.open(str(folder / "image-differential.vhd"))
    parent.open(str(folder / "image.vhd"))
    child.set_parent(parent)
    expected = child.read_buffer_at_offset(child.get_media_size(), 0)
    child.close()
    parent.close()
    assert whole(folder / "image-differential.vhd") == expected


def test_a_missing_or_wrong_parent_is_refused(tmp_path: Path) -> None:
    child = tmp_path / "child.vhd"
    child.write_bytes(differencing(4096, {0: bytes(512)}, b"p" * 16, "C:\\disks\\parent.vhd"))
    with pytest.raises(MissingSegmentError, match=r"its parent disk is missing: parent\.vhd must lie beside it"):
        open_image(child)
    (tmp_path / "parent.vhd").write_bytes(bytes(4096) + footer(4096, 2, b"o" * 16))
    with pytest.raises(MissingSegmentError, match=r"parent\.vhd is another disk than the parent it was made from"):
        open_image(child)
    (tmp_path / "parent.vhd").write_bytes(differencing(4096, {}, b"x" * 16, "child.vhd", identifier=b"p" * 16))
    with pytest.raises(ImageError, match="is based on itself"):
        open_image(child)


def test_the_corpus_image(corpora: Path, tmp_path: Path, run: Run) -> None:
    image = corpora / "disk-images" / "dfvfs" / "ext2.vhd"
    run("qemu-img", "convert", "-f", "vpc", "-O", "raw", image, tmp_path / "raw")
    assert whole(image) == (tmp_path / "raw").read_bytes()
