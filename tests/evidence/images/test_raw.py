"""Raw images: exact bytes, and nothing else taken for one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ImageError
from forensics.evidence.image import open_image
from forensics.evidence.images.raw import RawFormat, RawImage

_SIZE = 70_000


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("raw") / "disk.dd"
    path.write_bytes(os.urandom(_SIZE))
    return path


@given(offset=st.integers(0, _SIZE + 10), length=st.integers(0, _SIZE + 10))
def test_reads_what_the_file_holds(raw: Path, offset: int, length: int) -> None:
    with RawImage(raw) as image:
        assert image.size == _SIZE
        assert image.read_at(offset, length) == raw.read_bytes()[offset : offset + length]


def test_reading_shares_no_file_offset(raw: Path) -> None:
    with RawImage(raw) as image:
        before = os.lseek(image._descriptor, 0, os.SEEK_CUR)
        image.read_at(5, 10)
        assert os.lseek(image._descriptor, 0, os.SEEK_CUR) == before


def test_is_opened_for_reading_only(raw: Path) -> None:
    with RawImage(raw) as image, pytest.raises(OSError, match="Bad file descriptor"):
        os.pwrite(image._descriptor, b"x", 0)


def test_closing_twice_is_harmless(raw: Path) -> None:
    image = RawImage(raw)
    image.close()
    image.close()


def test_an_image_that_shrinks_is_an_error_not_a_short_read(tmp_path: Path) -> None:
    path = tmp_path / "disk.dd"
    path.write_bytes(bytes(10_000))
    with RawImage(path) as image:
        os.truncate(path, 5000)
        with pytest.raises(ImageError, match="ends at byte 5000"):
            image.read_at(4000, 4000)


@pytest.mark.parametrize(
    ("named", "beside"),
    [
        ("disk.001", "disk.002"),
        ("disk.000", "disk.001"),
        ("disk.002", "disk.001"),
        ("disk.aa", "disk.ab"),
        ("disk.az", "disk.ba"),
        ("disk.dd.001", "disk.dd.002"),
    ],
)
def test_a_part_of_a_split_image_is_refused(tmp_path: Path, named: str, beside: str) -> None:
    (tmp_path / named).write_bytes(bytes(512))
    (tmp_path / beside).write_bytes(bytes(512))
    with pytest.raises(ImageError, match=r"one part of a split raw image .*Join the parts"):
        RawFormat().open(tmp_path / named)


def test_a_lone_numbered_file_is_an_image(tmp_path: Path) -> None:
    (tmp_path / "disk.001").write_bytes(bytes(512))
    with RawFormat().open(tmp_path / "disk.001") as image:
        assert image.size == 512


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"QFI\xfb", "QCOW"),
        (b"KDMV", "VMDK"),
        (b"conectix", "VHD"),
        (b"vhdxfile", "VHDX"),
        (bytes(64) + b"\x7f\x10\xda\xbe", "VDI"),
        (b"PK\x03\x04", "ZIP"),
        (b"\x1f\x8b\x08", "gzip"),
    ],
)
def test_another_container_is_named_not_read_as_a_disk(tmp_path: Path, head: bytes, what: str) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(head.ljust(4096, b"\0"))
    with pytest.raises(ImageError, match=what):
        open_image(path)


def test_a_disk_whose_boot_code_looks_like_an_archive_is_a_disk(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(b"PK\x03\x04".ljust(510, b"\0") + b"\x55\xaa" + bytes(4096))
    with open_image(path) as image:
        assert image.format == "raw"


@pytest.mark.parametrize("name", ["ext2.qcow2", "ext2.vmdk", "ext2.vhd", "hfsplus_zlib.dmg", "corrupt1.gz"])
def test_other_containers_of_the_corpora_are_refused(corpora: Path, name: str) -> None:
    with pytest.raises(ImageError, match="not a raw image"):
        open_image(corpora / "disk-images" / "dfvfs" / name)


def test_a_file_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"cannot be opened \(No such file") as caught:
        RawImage(tmp_path / "absent")
    assert "\n" not in str(caught.value)
