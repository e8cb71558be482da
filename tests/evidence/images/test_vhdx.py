"""VHDX images: what qemu-img wrote into them; what libvhdi leaves out is declared."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import open_image
from tests.evidence.conftest import Run
from tests.evidence.images import vhdx_writer
from tests.evidence.images.reading import read_image, whole
from tests.evidence.noise import noise


def _convert(run: Run, medium: Path, image: Path, *options: str) -> Path:
    run("qemu-img", "convert", "-O", "vhdx", "-o", ",".join(("block_size=1M", *options)), medium, image)
    return image


@pytest.mark.parametrize("kind", ["fixed", "dynamic"])
def test_reads_what_was_converted(tmp_path: Path, run: Run, medium: Path, kind: str) -> None:
    with open_image(_convert(run, medium, tmp_path / "disk.vhdx", f"subformat={kind}")) as opened:
        assert (opened.format, opened.damage, opened.sector_size) == ("vhdx", "", 512)
        assert opened.read_at(0, opened.size) == medium.read_bytes()
        assert opened.read_at(99_999, 2_200_001) == medium.read_bytes()[99_999:2_300_000]


def test_a_log_that_was_not_replayed_is_declared(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.vhdx")
    data = bytearray(image.read_bytes())
    vhdx_writer.change_headers(data, 48, uuid.UUID(int=1).bytes_le)
    image.write_bytes(data)
    with open_image(image) as opened:
        assert opened.damage == "its log holds changes to its block table that were not made before its host stopped"


@pytest.fixture
def child(tmp_path: Path, run: Run, medium: Path) -> Path:
    parent = _convert(run, medium, tmp_path / "parent.vhdx").read_bytes()
    draw = noise(5)
    sectors = {number: draw.randbytes(512) for number in (0, 1, 17, 2047, 2048, 5000)}
    (tmp_path / "child.vhdx").write_bytes(vhdx_writer.differencing(parent, "parent.vhdx", sectors))
    expected = bytearray(medium.read_bytes())
    for number, content in sectors.items():
        expected[number * 512 : number * 512 + 512] = content
    (tmp_path / "expected.raw").write_bytes(expected)
    return tmp_path / "child.vhdx"


def test_reads_through_the_parent(child: Path) -> None:
    with open_image(child) as image:
        assert [path.name for path in image.segments] == ["child.vhdx", "parent.vhdx"]
        assert image.read_at(0, image.size) == child.with_name("expected.raw").read_bytes()


def test_a_missing_or_changed_parent_is_refused(child: Path, run: Run) -> None:
    parent = child.with_name("parent.vhdx")
    data = bytearray(parent.read_bytes())
    vhdx_writer.change_headers(data, 32, uuid.UUID(int=9).bytes_le)
    parent.write_bytes(data)
    with pytest.raises(MissingSegmentError, match=r"parent\.vhdx is not the parent it was made from, or was changed"):
        open_image(child)
    parent.unlink()
    with pytest.raises(MissingSegmentError, match=r"its parent disk is missing: parent\.vhdx must lie beside it"):
        open_image(child)


def test_a_circle_is_refused(child: Path) -> None:
    child.replace(child.with_name("parent.vhdx"))
    with pytest.raises(ImageError, match="is based on itself"):
        open_image(child.with_name("parent.vhdx"))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_what_was_cut_off_is_an_error_and_declared(tmp_path: Path, run: Run, medium: Path, share: float) -> None:
    image = _convert(run, medium, tmp_path / "disk.vhdx")
    data = image.read_bytes()
    image.write_bytes(data[: int(len(data) * share)])
    reading = read_image(image)
    assert not reading.wrong(medium.read_bytes())
    assert reading.errors
    assert "blocks lie beyond it" in reading.damage or "cannot be opened" in reading.errors[0]


@pytest.mark.parametrize("copy", [0, 1])
@pytest.mark.parametrize(
    ("starts", "what"), [(vhdx_writer.HEADERS, "headers"), (vhdx_writer.REGIONS, "tables of regions")]
)
@pytest.mark.parametrize("place", [1, 4, 17, 66])
def test_a_damaged_copy_is_declared_and_the_other_one_used(
    tmp_path: Path, run: Run, medium: Path, copy: int, starts: tuple[int, int], what: str, place: int
) -> None:
    image = _convert(run, medium, tmp_path / "disk.vhdx")
    data = bytearray(image.read_bytes())
    data[starts[copy] + place] ^= 1
    image.write_bytes(data)
    with open_image(image) as opened:
        assert opened.damage == f"1 of its 2 {what} are damaged"
        assert opened.read_at(0, opened.size) == medium.read_bytes()


def test_both_copies_damaged_is_one_line(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.vhdx")
    data = bytearray(image.read_bytes())
    for start in vhdx_writer.REGIONS:
        data[start + 17] ^= 1
    image.write_bytes(data)
    with pytest.raises(ImageError, match=r"cannot be opened as a VHDX image \(mismatch in checksum"):
        whole(image)
