"""What a picture file shows beside its first picture, and what is told when not all of it could be shown."""

from __future__ import annotations

import io
import re
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from forensics.errors import PictureError
from forensics.hashing.pdq import pdq_hash
from forensics.media import exif
from forensics.media.picture import Picture, decode
from forensics.media.picture_frames import MAX_FRAMES, MAX_PAGES
from forensics.media.views import views
from forensics.reason import Reason
from tests import pictures
from tests.media.picture_files import HEIC, dcx, exif_block, photoshop
from tests.pictures import Pixels, encoded

WITHOUT_EXIF_TURN = {"TIFF"}


def all_views(data: bytes, seconds: float = 60) -> tuple[dict[str, Picture], Reason | None]:
    """Every view by its name, and the reason told at the end."""
    iterator = views(data, seconds)
    found = list(iterator)
    assert found[0].view == "original"
    names = [picture.view for picture in found]
    assert len({*names}) == len(names)
    return dict(zip(names, found, strict=True)), iterator.reason


def several(count: int, file_format: str, **options: Any) -> bytes:
    frames = [Image.fromarray(pictures.photo(60, 80, seed)) for seed in range(count)]
    return encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options)


def resembles(picture: Picture, pixels: Pixels, bits: int = 16) -> bool:
    values = [
        int(hashed.value, 16)
        for hashed in (pdq_hash(picture.pixels, (picture.height, picture.width)), pdq_hash(pixels))
    ]
    return (values[0] ^ values[1]).bit_count() <= bits


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "JPEG2000", "AVIF", "QOI"])
def test_a_plain_picture_has_one_view_as_decoded(file_format: str) -> None:
    data = encoded(pictures.photo(200, 300), file_format)
    found, reason = all_views(data)
    assert [*found] == ["original"]
    assert np.array_equal(found["original"].pixels, decode(data).pixels)
    assert reason is None


@pytest.mark.parametrize(
    ("file_format", "options"),
    [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("WEBP", {}), ("AVIF", {})],
)
@pytest.mark.parametrize("count", [2, 3, 9, 10, 40])
def test_animations_show_their_middle_their_end_and_what_lies_between(
    file_format: str, options: dict[str, Any], count: int
) -> None:
    found, reason = all_views(several(count, file_format, **options))
    numbers = [int(name.removeprefix("frame-")) for name in found if name != "original"]
    assert len(numbers) == min(count - 1, MAX_FRAMES)
    assert numbers[-1] == count
    assert numbers[(len(numbers) + 1) // 2 - 1] == 1 + -(-(count - 1) // 2)
    assert np.ptp(np.diff([1, *numbers])) <= 1
    assert reason == (Reason.FRAME_LIMIT if count > MAX_FRAMES + 1 else None)
    for number in numbers:
        assert resembles(found[f"frame-{number}"], pictures.photo(60, 80, number - 1), 40)


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}, {"compression": "jpeg"}])
def test_pages_of_a_tiff(options: dict[str, str]) -> None:
    found, reason = all_views(several(5, "TIFF", **options))
    assert [*found] == ["original", "page-2", "page-3", "page-4", "page-5"]
    assert all(resembles(found[f"page-{page}"], pictures.photo(60, 80, page - 1)) for page in range(2, 6))
    assert reason is None


def test_pages_beyond_the_limit_are_told() -> None:
    found, reason = all_views(several(MAX_PAGES + 2, "TIFF"))
    assert len(found) == MAX_PAGES + 1
    assert reason == Reason.FRAME_LIMIT
    assert all_views(several(MAX_PAGES + 1, "TIFF"))[1] is None


def test_pages_of_a_fax() -> None:
    pages = [pictures.photo(60, 80, seed) for seed in range(3)]
    found, _ = all_views(dcx(*pages))
    assert [*found] == ["original", "page-2", "page-3"]
    assert np.array_equal(found["page-3"].pixels, pages[2])


def test_hidden_pictures_of_a_multi_picture_jpeg_are_reduced_as_any_jpeg() -> None:
    frames = [Image.fromarray(pictures.photo(1100, 1300, seed)) for seed in range(3)]
    found, reason = all_views(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert [*found] == ["original", "frame-2", "frame-3"]
    for seed, picture in enumerate(found.values()):
        assert picture.pixels.shape == (550, 650)
        assert resembles(picture, np.asarray(frames[seed]))
    assert reason is None


def test_pictures_of_a_heic() -> None:
    found, reason = all_views(HEIC.read_bytes())
    assert [*found] == ["original", "page-2"]
    assert resembles(found["original"], pictures.plasma(96, 128, 1, 2.0))
    assert resembles(found["page-2"], pictures.plasma(96, 128, 2, 2.0))
    assert reason is None


def test_layers_that_a_photoshop_file_hides() -> None:
    composite, one, other = (pictures.photo(100, 140, seed) for seed in range(3))
    found, reason = all_views(photoshop(composite, [(0, 0, one), (10, 20, other[:60, :70])]))
    assert [*found] == ["original", "layer-1", "layer-2"]
    assert np.array_equal(found["original"].pixels, composite)
    assert np.array_equal(found["layer-1"].pixels, one)
    assert np.array_equal(found["layer-2"].pixels, other[:60, :70])
    assert reason is None


def test_sizes_of_an_icon() -> None:
    found, _ = all_views(encoded(pictures.photo(128, 128), "ICO", sizes=[(128, 128), (64, 64), (16, 16)]))
    assert [(name, picture.width) for name, picture in found.items()] == [("original", 128), ("page-2", 64)]


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "AVIF", "JPEG2000"])
def test_transparency_is_also_shown_on_white(file_format: str) -> None:
    image = Image.fromarray(pictures.photo(200, 300)).convert("RGBA")
    image.putalpha(Image.fromarray(pictures.plasma(200, 300, 7)))
    options = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
    data = encoded(image, file_format, **options)
    found, reason = all_views(data)
    assert [*found] == ["original", "composited"]
    decoded = Image.open(io.BytesIO(data)).convert("RGBA")
    expected = Image.alpha_composite(Image.new("RGBA", decoded.size, "white"), decoded).convert("RGB")
    assert np.array_equal(found["composited"].pixels, np.asarray(expected))
    assert np.array_equal(found["original"].pixels, np.asarray(decoded.convert("RGB")))
    assert reason is None


def test_transparency_of_a_palette_is_also_shown_on_white() -> None:
    image = Image.fromarray(pictures.photo(200, 300)).quantize(64)
    data = encoded(image, "PNG", transparency=bytes(range(0, 256, 4)))
    found, _ = all_views(data)
    decoded = Image.open(io.BytesIO(data)).convert("RGBA")
    expected = Image.alpha_composite(Image.new("RGBA", decoded.size, "white"), decoded).convert("RGB")
    assert np.array_equal(found["composited"].pixels, np.asarray(expected))
    assert np.array_equal(found["original"].pixels, np.asarray(image.convert("RGB")))


def test_an_alpha_channel_that_hides_nothing_is_no_view() -> None:
    assert [*all_views(encoded(Image.fromarray(pictures.photo(80, 90)).convert("RGBA"), "PNG"))[0]] == ["original"]


def test_large_transparent_pictures_are_the_same_in_strips() -> None:
    image = Image.fromarray(pictures.gradient(2100, 2100, 0.07, 0.05)).convert("RGBA")
    image.putalpha(Image.fromarray(pictures.gradient(2100, 2100, 0.02, 0.11)))
    found, _ = all_views(encoded(image, "PNG", compress_level=1))
    expected = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    assert np.array_equal(found["composited"].pixels, np.asarray(expected))


def test_the_thumbnail_survives_another_picture_in_its_place() -> None:
    before = pictures.photo(120, 160, 5)
    block = exif_block(thumbnail=encoded(before, "JPEG", quality=90))
    found, reason = all_views(encoded(pictures.photo(900, 1200, 6), "JPEG", exif=block))
    assert [*found] == ["original", "thumbnail"]
    assert resembles(found["thumbnail"], before)
    assert reason is None


@pytest.mark.parametrize("thumbnail", [b"\xff\xd8\xff", b"nothing", encoded(pictures.photo(90, 90), "JPEG")[:200]])
def test_a_broken_thumbnail_is_no_failure(thumbnail: bytes) -> None:
    found, reason = all_views(encoded(pictures.photo(90, 120), "JPEG", exif=exif_block(thumbnail=thumbnail)))
    assert [*found] == ["original"]
    assert reason is None


def _with_photoshop_thumbnail(data: bytes, thumbnail: bytes) -> bytes:
    """A JPEG with a thumbnail among Photoshop's resources, behind one of odd lengths."""
    other = b"8BIM\x04\x04\x02ab\x00" + (3).to_bytes(4, "big") + b"abc\0"
    resource = bytes(28) + thumbnail
    body = b"Photoshop 3.0\x00" + other + b"8BIM\x04\x0c\x00\x00" + len(resource).to_bytes(4, "big") + resource
    return data[:20] + b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body + data[20:]


def test_the_thumbnail_that_photoshop_leaves_in_a_jpeg() -> None:
    small = encoded(pictures.photo(120, 160, 5), "JPEG", quality=90)
    found, _ = all_views(_with_photoshop_thumbnail(encoded(pictures.photo(900, 1200, 6), "JPEG"), small))
    assert resembles(found["thumbnail"], pictures.photo(120, 160, 5))


def test_the_border_is_a_view_of_the_original() -> None:
    pixels = np.zeros((400, 600, 3), np.uint8)
    pixels[50:350] = pictures.photo(300, 600)
    found, _ = all_views(encoded(pixels, "JPEG", exif=exif_block(6)))
    assert [*found] == ["original", "trimmed"]
    assert found["trimmed"].turn == "rotate-270"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_turn_is_what_a_viewer_does(file_format: str, orientation: int) -> None:
    stored = Image.fromarray(pictures.photo(120, 180, 8))
    block = Image.Exif()
    block[274] = orientation
    data = encoded(stored, file_format, exif=block)
    picture = next(views(data))
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("L")
    pixels = Image.fromarray(picture.pixels).convert("L")
    if picture.turn != "original":
        pixels = pixels.transpose(Image.Transpose[picture.turn.upper().replace("-", "_")])
    assert (orientation == 1 or file_format in WITHOUT_EXIF_TURN) == (picture.turn == "original")
    assert pixels.size == shown.size
    assert np.abs(np.asarray(pixels, np.int16) - np.asarray(shown)).max() <= 3


@pytest.mark.parametrize("block", [b"", b"Exif\0\0", b"Exif\0\0II*\0", b"MM\0\x2a" + b"\xff" * 40, bytes(70_000)])
def test_broken_exif_asks_for_nothing(block: bytes) -> None:
    assert exif.turn(block) == "original"
    assert exif.thumbnail(block) is None


def test_megabytes_of_exif_are_not_searched() -> None:
    block = exif_block(3, encoded(pictures.photo(50, 60), "JPEG")) + bytes(30_000_000)
    start = time.process_time()
    assert exif.turn(block) == "rotate-180"
    assert exif.thumbnail(b"Exif\0\0II*\0" + (20_000_000).to_bytes(4, "little") + block) is None
    assert time.process_time() - start < 0.5


def test_a_picture_cut_short_is_told_and_its_thumbnail_still_found() -> None:
    block = exif_block(thumbnail=encoded(pictures.photo(120, 160), "JPEG"))
    data = encoded(pictures.photo(600, 800), "JPEG", exif=block)
    found, reason = all_views(data[: len(data) // 2])
    assert {"original", "thumbnail"} <= {*found}
    assert found["original"].truncated
    assert reason == Reason.TRUNCATED_PICTURE


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "TIFF"])
def test_a_damaged_frame_loses_none_before_it(file_format: str) -> None:
    data = several(6, file_format, **({"compression": "tiff_lzw"} if file_format == "TIFF" else {}))
    found, reason = all_views(data[: len(data) * 3 // 4])
    assert "original" in found
    assert len(found) >= 3
    assert reason in {Reason.VIEW_UNDECODABLE, Reason.TRUNCATED_PICTURE}


def test_a_page_that_states_too_many_pixels_is_told() -> None:
    data = bytearray(several(3, "TIFF"))
    second = [match.start() for match in re.finditer(rb"\x00\x01[\x03\x04]\x00\x01\0\0\0\x50", data)][1]
    for place in (second, second + 12):  # width and height
        data[place + 2 : place + 12] = b"\x04\0\x01\0\0\0\xff\xff\0\0"
    found, reason = all_views(bytes(data))
    assert "original" in found
    assert reason == Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize("file_format", ["GIF", "TIFF", "PNG"])
def test_when_time_is_over_the_original_is_still_given(file_format: str) -> None:
    found, reason = all_views(several(6, file_format), seconds=-1)
    assert [*found] == ["original"]
    assert reason == Reason.VIEW_TIME_LIMIT


def test_a_gif_of_very_many_frames_takes_a_bounded_time() -> None:
    two = several(2, "GIF", optimize=False)
    head = two[: two.index(b"\x2c")]
    frame = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0"
    bomb = head + frame * 400_000 + b"\x3b"
    start = time.monotonic()
    found, reason = all_views(bomb, seconds=0.5)
    assert time.monotonic() - start < 20
    assert "original" in found
    assert reason in {Reason.VIEW_TIME_LIMIT, Reason.FRAME_LIMIT}


def test_a_picture_that_cannot_be_decoded_has_no_views() -> None:
    with pytest.raises(PictureError) as caught:
        next(views(b"GIF89a nothing"))
    assert caught.value.reason == Reason.UNDECODABLE


SMALL = encoded(pictures.photo(120, 160, 5), "JPEG", quality=90)
LARGE = encoded(pictures.photo(900, 1200, 6), "JPEG", exif=exif_block(6, SMALL))


def _end_of_exif(data: bytes) -> int:
    start = data.index(b"Exif\0\0") - 2
    return start + int.from_bytes(data[start : start + 2], "big")


def _alone(data: bytes, seconds: float = 60) -> tuple[Picture, Reason | None]:
    iterator = views(data, seconds)
    (picture,) = iterator
    return picture, iterator.reason


@pytest.mark.parametrize("rest", [0, 1, 100_000])
@pytest.mark.parametrize("seconds", [60, -1])
def test_a_picture_whose_own_pixels_are_gone_shows_its_thumbnail_alone(rest: int, seconds: float) -> None:
    """Sectors after the first were overwritten, or never recovered."""
    picture, reason = _alone(LARGE[: _end_of_exif(LARGE)] + bytes(rest), seconds)
    assert (picture.view, picture.turn, picture.width, picture.height) == ("thumbnail", "rotate-270", 160, 120)
    assert resembles(picture, pictures.photo(120, 160, 5))
    assert reason == Reason.UNDECODABLE


def test_the_thumbnail_of_photoshop_is_found_without_the_picture() -> None:
    data = _with_photoshop_thumbnail(encoded(pictures.photo(900, 1200, 6), "JPEG"), SMALL)
    picture, reason = _alone(data[: data.index(SMALL) + len(SMALL)] + bytes(1000))
    assert (picture.view, picture.turn, reason) == ("thumbnail", "original", Reason.UNDECODABLE)
    assert resembles(picture, pictures.photo(120, 160, 5))


def test_a_picture_of_too_many_pixels_shows_its_thumbnail() -> None:
    frame = LARGE.rindex(b"\xff\xc0")
    picture, reason = _alone(LARGE[: frame + 5] + b"\xff\xff\xff\xff" + LARGE[frame + 9 :])
    assert (picture.view, reason) == ("thumbnail", Reason.TOO_MANY_PIXELS)


@pytest.mark.parametrize("thumbnail", [b"\xff\xd8\xff", b"nothing", SMALL[:200]])
def test_without_a_whole_thumbnail_the_reason_is_that_of_the_picture(thumbnail: bytes) -> None:
    data = encoded(pictures.photo(90, 120), "JPEG", exif=exif_block(thumbnail=thumbnail))
    with pytest.raises(PictureError) as caught:
        next(views(data[: _end_of_exif(data)]))
    assert caught.value.reason == Reason.UNDECODABLE
