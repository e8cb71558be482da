"""Files an image names: found beside it, and nowhere else on the laboratory's machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.errors import MissingSegmentError
from forensics.evidence.images.neighbour import find_neighbour, require_neighbour


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image in a folder, with a file beside it, one below it and one outside."""
    folder = tmp_path / "evidence"
    (folder / "sub").mkdir(parents=True)
    for path in (folder / "base.img", folder / "sub" / "base.img", tmp_path / "outside.img"):
        path.touch()
    return folder / "disk.img"


@pytest.mark.parametrize(
    "stored",
    ["base.img", "./base.img", ".\\base.img", "C:\\disks\\base.img", "C:base\\base.img", "/var/lib/base.img",
     "../elsewhere/base.img", "\\\\server\\share\\base.img", "gone/base.img"],
)  # fmt: skip
def test_found_beside_the_image(image: Path, stored: str) -> None:
    assert find_neighbour(image, stored) == image.with_name("base.img")


@pytest.mark.parametrize("stored", ["sub/base.img", "sub\\base.img", "./sub//base.img"])
def test_found_below_the_image(image: Path, stored: str) -> None:
    assert find_neighbour(image, stored) == image.parent / "sub" / "base.img"


def test_a_backslash_may_be_part_of_a_name(image: Path) -> None:
    (image.parent / "a\\base.img").touch()
    assert find_neighbour(image, "a\\base.img", windows=False) == image.parent / "a\\base.img"


@pytest.mark.parametrize(
    "stored", ["../outside.img", "..", ".", "", "/", "base.img\0x", "sub", "outside.img", "../evidence"]
)
def test_nothing_else_is_found(image: Path, stored: str) -> None:
    assert find_neighbour(image, stored) is None


def test_an_absolute_path_is_never_followed(image: Path) -> None:
    outside = image.parent.parent / "outside.img"
    assert outside.is_file()
    assert find_neighbour(image, str(outside)) is None


def test_a_missing_file_is_one_line_without_its_folders(image: Path) -> None:
    with pytest.raises(MissingSegmentError) as caught:
        require_neighbour(image, "C:\\Users\\somebody\\gone\x1b\n.vhdx", "parent disk")
    assert caught.value.what == "its parent disk is missing: gone??.vhdx must lie beside it"
    assert "somebody" not in str(caught.value)
