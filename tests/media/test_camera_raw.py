"""Camera RAW files: the largest JPEG that the camera left in them stands for the picture."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from forensics.errors import PictureError
from forensics.media import kind
from forensics.media.camera_raw import is_camera_raw, previews
from forensics.media.picture import decode
from forensics.media.views import views
from forensics.reason import Reason
from tests import pictures
from tests.media.picture_files import LOSSLESS_JPEG, camera_raw, exif_block, tiff
from tests.pictures import encoded

MAKERS = ["CR2", "NEF", "ARW", "DNG", "PEF", "ORF", "RW2", "RAF", "CR3"]
WITH_A_SMALLER_ONE = {"CR2", "NEF", "ARW", "DNG", "PEF", "ORF", "CR3"}
WITH_AN_ORIENTATION = {"CR2", "NEF", "ARW", "DNG", "PEF", "ORF", "RW2"}

THUMBNAIL = encoded(pictures.photo(120, 160, 1), "JPEG")
PREVIEW = encoded(pictures.photo(1200, 1600, 1), "JPEG", exif=exif_block(thumbnail=THUMBNAIL))


@pytest.mark.parametrize("maker", MAKERS)
def test_the_largest_preview_is_the_picture(maker: str) -> None:
    found = list(views(camera_raw(maker, PREVIEW, THUMBNAIL)))
    expected = decode(PREVIEW)
    assert np.array_equal(found[0].pixels, expected.pixels)
    assert (found[0].view, found[0].width, found[0].height) == ("original", 1600, 1200)
    if maker in WITH_A_SMALLER_ONE:
        assert (found[1].view, found[1].width) == ("preview-2", 160)
        assert np.array_equal(found[1].pixels, decode(THUMBNAIL).pixels)


@pytest.mark.parametrize("maker", sorted(WITH_AN_ORIENTATION))
def test_the_turn_is_that_of_the_raw_file(maker: str) -> None:
    assert next(views(camera_raw(maker, PREVIEW, THUMBNAIL, orientation=6))).turn == "rotate-270"


def test_the_turn_of_the_preview_counts_where_the_raw_file_has_none() -> None:
    turned = encoded(pictures.photo(300, 400), "JPEG", exif=exif_block(8))
    assert next(views(camera_raw("RAF", turned, THUMBNAIL))).turn == "rotate-90"


@pytest.mark.parametrize("maker", MAKERS)
def test_raw_files_are_tried_as_pictures_whatever_libmagic_calls_them(maker: str) -> None:
    data = camera_raw(maker, PREVIEW, THUMBNAIL)
    assert is_camera_raw(data)
    assert kind.is_picture_candidate("application/octet-stream", data[: kind.HEAD_SIZE])


@pytest.mark.parametrize("maker", MAKERS)
def test_a_damaged_preview_leaves_the_next(maker: str) -> None:
    broken = bytearray(PREVIEW)
    scan = broken.index(b"\xff\xda")
    broken[scan + 2 : scan + 40] = b"\xff" * 38
    found = list(views(camera_raw(maker, bytes(broken), THUMBNAIL)))
    assert found[0].view == "original"
    assert all(picture.pixels.size for picture in found)


@pytest.mark.parametrize("file", [tiff({262: 32803, 259: 7, 273: LOSSLESS_JPEG}), b"IIRO\x08\0\0\0" + bytes(500)])
def test_a_raw_file_without_preview_is_said_so(file: bytes) -> None:
    with pytest.raises(PictureError) as caught:
        next(views(file))
    assert caught.value.reason == Reason.UNSUPPORTED_FORMAT


def test_lossless_jpeg_is_no_preview() -> None:
    assert bytes(next(previews(camera_raw("RAF", THUMBNAIL, b"") + LOSSLESS_JPEG))).startswith(THUMBNAIL)
    assert not list(previews(tiff({262: 32803, 259: 7, 273: LOSSLESS_JPEG, 279: len(LOSSLESS_JPEG)})))


def test_plain_tiffs_are_no_raw_files() -> None:
    image = Image.fromarray(pictures.photo(60, 80))
    for options in ({}, {"compression": "jpeg"}, {"compression": "tiff_lzw"}):
        file = io.BytesIO()
        image.save(file, "TIFF", save_all=True, append_images=[image], **options)
        assert not is_camera_raw(file.getvalue())


def test_directories_that_name_each_other_end() -> None:
    looping = bytearray(tiff({262: 2}, {262: 2}))
    first = int.from_bytes(looping[4:8], "little")
    second = int.from_bytes(looping[first + 14 : first + 18], "little")
    looping[second + 14 : second + 18] = looping[4:8]
    assert not is_camera_raw(bytes(looping))


def test_a_preview_cut_short_is_told() -> None:
    iterator = views(camera_raw("RAF", PREVIEW, b"")[: len(PREVIEW) * 2 // 3])
    first = next(iterator)
    assert first.truncated
    assert replace(first, truncated=False).view == "original"
    list(iterator)
    assert iterator.reason == Reason.TRUNCATED_PICTURE
