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


def test_closing_twice_is_harmless(raw: Path) -> None:
    image = RawImage(raw)
    image.close()
    image.close()


def test_a_lone_numbered_file_is_an_image(tmp_path: Path) -> None:
    (tmp_path / "disk.001").write_bytes(bytes(512))
    with RawFormat().open(tmp_path / "disk.001") as image:
        assert image.size == 512


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"ADLOGICALIMAGE\0\0", "AD1 logical image"),
        (b"encrcdsa", "encrypted Apple disk image"),
        (bytes(64) + b"\x7f\x10\xda\xbe", "VDI"),
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


@pytest.mark.parametrize("name", ["dfvfs/corrupt1.gz"])
def test_other_containers_of_the_corpora_are_refused(corpora: Path, name: str) -> None:
    with pytest.raises(ImageError, match="not a raw image"):
        open_image(corpora / "disk-images" / name)


def test_a_file_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"cannot be opened \(No such file") as caught:
        RawImage(tmp_path / "absent")
    assert "\n" not in str(caught.value)
