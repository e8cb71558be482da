"""E01 images: the same bytes as the disk they were acquired from, all segments or none."""

from __future__ import annotations

import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import open_image
from forensics.evidence.images.ewf import EwfFormat
from forensics.evidence.source import Source
from tests.evidence.images.ewf_writer import DESCRIPTOR, adler, sections
from tests.evidence.sleuthkit import read_whole, walk


@pytest.fixture
def segments(e01_image: Path, tmp_path: Path) -> list[Path]:
    """A copy of the E01's segments that a test may damage."""
    copies = [Path(shutil.copy(path, tmp_path)) for path in sorted(e01_image.parent.iterdir())]
    assert len(copies) > 3
    return copies


def test_every_segment_is_found(e01_image: Path) -> None:
    with open_image(e01_image) as image:
        assert image.format == "ewf"
        assert list(image.segments) == sorted(e01_image.parent.iterdir())
        assert not image.damage


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_reads_what_the_disk_holds(e01_image: Path, acquired_image: Path, data: st.DataObject) -> None:
    disk = acquired_image.read_bytes()
    with open_image(e01_image) as image:
        assert image.size == len(disk)
        offset = data.draw(st.integers(0, image.size + 100))
        length = data.draw(st.integers(0, 200_000))
        assert image.read_at(offset, length) == disk[offset : offset + length]


def test_tells_what_the_acquisition_recorded(e01_image: Path, acquired_image: Path) -> None:
    disk = acquired_image.read_bytes()
    with open_image(e01_image) as image:
        assert image.stored_digests == {
            "md5": hashlib.md5(disk, usedforsecurity=False).hexdigest(),
            "sha1": hashlib.sha1(disk, usedforsecurity=False).hexdigest(),
        }
        assert image.metadata["case_number"] == "C-17"
        assert image.metadata["examiner_name"] == "Perita"
        assert "acquiry_date" in image.metadata


def test_gives_the_same_streams_as_the_raw_image(e01_image: Path, acquired_image: Path) -> None:
    with Source.open(e01_image, "E1") as ewf, Source.open(acquired_image, "E1") as raw:
        of_ewf, of_raw = (walk(source, source.volumes()[0])[0] for source in (ewf, raw))
        assert of_ewf == of_raw
        assert len(of_ewf) > 20
        for stream in of_ewf:
            assert read_whole(ewf, stream.locator) == read_whole(raw, stream.locator)


@pytest.mark.parametrize("missing", [1, 2, -1])
def test_a_missing_segment_is_refused_by_name(segments: list[Path], missing: int) -> None:
    segments[missing].unlink()
    with pytest.raises(MissingSegmentError, match=segments[missing].name):
        open_image(segments[0])


def test_the_corpus_image_with_its_last_segment_removed_is_refused(corpora: Path, tmp_path: Path) -> None:
    first = Path(shutil.copy(corpora / "disk-images" / "dfvfs" / "ext2.split.E01", tmp_path))
    with pytest.raises(MissingSegmentError, match=r"ext2\.split\.E02"):
        open_image(first)


def test_a_segment_under_anothers_name_is_refused(segments: list[Path]) -> None:
    shutil.copy(segments[2], segments[1])
    with pytest.raises(ImageError, match="says it is segment 3 where segment 2 belongs"):
        open_image(segments[0])


def test_a_later_segment_alone_is_refused(segments: list[Path]) -> None:
    with pytest.raises(ImageError, match="is segment 2 of an image, not the first one"):
        open_image(segments[1])


def test_a_segment_that_is_something_else_is_refused(segments: list[Path]) -> None:
    segments[1].write_bytes(b"something else")
    with pytest.raises(ImageError, match="is no EWF segment file"):
        open_image(segments[0])


def test_a_truncated_image_is_read_as_far_as_it_goes(segments: list[Path], acquired_image: Path) -> None:
    broken = segments[2]
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    disk = acquired_image.read_bytes()
    with open_image(segments[0]) as image:
        assert "segment 3 breaks off at byte" in image.damage
        assert 0 < image.size < len(disk)
        assert image.read_at(0, len(disk)) == disk[: image.size]


def test_a_truncated_image_is_reported_once_and_walked(segments: list[Path]) -> None:
    broken = segments[2]
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    with Source.open(segments[0], "E1") as source:
        streams, not_examined = walk(source, source.volumes()[0])
    assert len(streams) > 20
    assert [item.locator for item in not_examined] == ["E1", "E1/p0"]


def test_an_image_that_breaks_off_before_any_data_is_refused(segments: list[Path]) -> None:
    segments[0].write_bytes(segments[0].read_bytes()[:3000])
    with pytest.raises(ImageError):
        open_image(segments[0])


@pytest.mark.parametrize(
    ("magic", "what"),
    [
        (b"LEF2\x0d\x0a\x81\x00", "Lx01"),
        (b"ADCRYPT\x00", "encrypted by FTK Imager"),
    ],
)
def test_other_variants_are_named(tmp_path: Path, magic: bytes, what: str) -> None:
    path = tmp_path / "image"
    path.write_bytes(magic.ljust(4096, b"\0"))
    with pytest.raises(ImageError, match=what):
        open_image(path)


def test_is_recognised_by_its_magic_not_its_name(e01_image: Path, tmp_path: Path) -> None:
    head = e01_image.read_bytes()[:4096]
    assert EwfFormat().recognises(tmp_path / "disk.dd", head)
    assert not EwfFormat().recognises(e01_image, bytes(4096))


@pytest.mark.parametrize("name", ["dfvfs/ext2.E01", "dfvfs/ext2.split.E01", "bulk_extractor/nps-2010-emails.E01"])
def test_images_of_other_tools_hold_what_their_digest_says(corpora: Path, name: str) -> None:
    with open_image(corpora / "disk-images" / name) as image:
        digest = hashlib.md5(image.read_at(0, image.size), usedforsecurity=False).hexdigest()
        assert image.stored_digests["md5"] == digest


def test_can_be_read_by_several_threads(e01_image: Path, acquired_image: Path) -> None:
    disk = acquired_image.read_bytes()
    with open_image(e01_image) as image, ThreadPoolExecutor(4) as threads:
        offsets = [number * 104_729 % len(disk) for number in range(200)]
        read = threads.map(lambda offset: image.read_at(offset, 70_000), offsets)
        assert list(read) == [disk[offset : offset + 70_000] for offset in offsets]


def test_a_closed_image_cannot_be_read(e01_image: Path) -> None:
    image = open_image(e01_image)
    image.close()
    image.close()
    with pytest.raises(ImageError, match="closed"):
        image.read_at(0, 512)


def test_a_segment_of_another_acquisition_is_refused(segments: list[Path], tmp_path: Path) -> None:
    guids = iter([b"A" * 16, b"B" * 16])
    for path in segments[:2]:
        data = bytearray(path.read_bytes())
        for kind, offset in sections(bytes(data)).items():
            if kind in {"volume", "data"}:
                place = offset + DESCRIPTOR
                data[place + 64 : place + 80] = guid = next(guids)
                data[place + 1048 : place + 1052] = adler(bytes(data[place : place + 1048]))
                assert len(guid) == 16
        path.write_bytes(data)
    with pytest.raises(ImageError, match="segment 2 belongs to another acquisition"):
        open_image(segments[0])
