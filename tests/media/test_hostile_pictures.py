"""Broken pictures, and pictures built to break a decoder: one error class, bounded memory, no traceback."""

from __future__ import annotations

import io
import resource
import struct
import zlib
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from forensics.errors import PictureError
from forensics.media import views as view_module
from forensics.media.picture import MAX_JPEG_PIXELS, MAX_PIXELS, decode
from forensics.media.views import views
from forensics.reason import Reason
from tests import pictures
from tests.pictures import encoded

FORMATS = [
    "JPEG",
    "PNG",
    "GIF",
    "WEBP",
    "TIFF",
    "BMP",
    "AVIF",
    "JPEG2000",
    "ICO",
    "PPM",
    "PCX",
    "TGA",
    "SGI",
    "DDS",
    "QOI",
]


@cache
def sample(file_format: str) -> bytes:
    return encoded(pictures.photo(64, 96), file_format)


def outcome(data: bytes) -> str:
    """The reason for which decoding fails, or ``decoded``; any other exception fails the test."""
    try:
        picture = decode(data)
    except PictureError as error:
        assert "\n" not in str(error)  # noqa: PT017  # a failure is one of the two right outcomes
        return error.reason
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.ndim in {2, 3}
    return "decoded"


def reason_of(data: bytes) -> str:
    """The reason for which decoding fails, with hardly any memory taken on the way."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reason = outcome(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024, "KiB"
    return reason


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = png_chunk(b"IDAT", zlib.compress(bytes(3_000_000)))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + body + png_chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int, **options: object) -> bytes:
    """A small JPEG whose frame header states another size."""
    data = bytearray(encoded(pictures.photo(64, 64), "JPEG", **options))
    frame = next(data.index(marker) for marker in (b"\xff\xc0\x00\x11", b"\xff\xc2\x00\x11") if marker in data)
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize("file_format", FORMATS)
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_flipped_bytes_never_raise_anything_else(file_format: str, data: st.DataObject) -> None:
    damaged = bytearray(sample(file_format))
    for _ in range(data.draw(st.integers(1, 12))):
        # most of what a decoder believes stands in the first bytes
        where = data.draw(st.integers(0, 60) | st.integers(0, len(damaged) - 1))
        damaged[where] = data.draw(st.integers(0, 255))
    outcome(bytes(damaged))


@pytest.mark.parametrize("file_format", FORMATS)
def test_files_cut_anywhere_never_raise_anything_else(file_format: str) -> None:
    whole = sample(file_format)
    assert outcome(whole) == "decoded"
    for length in {*range(40), *range(40, len(whole), max(1, len(whole) // 40))}:
        outcome(whole[:length])


@given(st.binary(max_size=400), st.sampled_from(FORMATS), st.integers(0, 40))
@settings(deadline=None, max_examples=150)
def test_any_bytes_after_a_signature_never_raise_anything_else(tail: bytes, file_format: str, length: int) -> None:
    outcome(sample(file_format)[:length] + tail)


@pytest.mark.parametrize(
    ("file_format", "options"), [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("BMP", {})]
)
def test_what_is_cut_short_is_decoded_as_far_as_it_goes(file_format: str, options: dict[str, object]) -> None:
    whole = encoded(pictures.photo(300, 400), file_format, **options)
    picture = decode(whole[: len(whole) * 3 // 4])
    assert picture.truncated
    complete = decode(whole)
    assert not complete.truncated
    assert picture.pixels.shape == complete.pixels.shape
    if file_format != "BMP" and not options:  # bitmaps begin at the bottom, progressive files blur all over
        assert np.array_equal(picture.pixels[:150], complete.pixels[:150])


def test_what_is_cut_before_its_first_pixel_is_not_decoded() -> None:
    data = encoded(pictures.photo(300, 400), "PNG")
    assert outcome(data[: data.index(b"IDAT") + 8]) == Reason.UNDECODABLE


@pytest.mark.parametrize("size", [(60000, 60000), (2**31 - 1, 2**31 - 1), (MAX_PIXELS // 1024, 1025)])
def test_png_bombs_are_refused_before_memory_is_taken(size: tuple[int, int]) -> None:
    assert reason_of(png_claiming(*size)) == Reason.TOO_MANY_PIXELS


def test_jpeg_bombs_are_refused_before_memory_is_taken() -> None:
    assert reason_of(jpeg_claiming(65500, 65500)) == Reason.TOO_MANY_PIXELS
    assert reason_of(jpeg_claiming(MAX_JPEG_PIXELS // 16384, 16385)) == Reason.TOO_MANY_PIXELS


def test_progressive_jpegs_have_the_lower_limit_for_they_are_held_whole() -> None:
    assert reason_of(jpeg_claiming(16384, 16384, progressive=True)) == Reason.TOO_MANY_PIXELS


def test_jpeg_whose_scans_come_one_by_one_has_the_lower_limit_too() -> None:
    data = bytearray(jpeg_claiming(16384, 16384))
    data[data.index(b"\xff\xda") + 4] = 1
    assert reason_of(bytes(data)) == Reason.TOO_MANY_PIXELS


def test_huge_sequential_jpeg_is_decoded_small() -> None:
    picture = decode(jpeg_claiming(16384, 16384))
    assert picture.pixels.shape == (2048, 2048)
    assert (picture.width, picture.height) == (16384, 16384)


@pytest.mark.parametrize("file_format", ["BMP", "GIF", "TIFF", "WEBP", "TGA", "DDS", "QOI", "SGI", "PCX"])
def test_other_formats_that_claim_the_largest_size_take_no_memory(file_format: str) -> None:
    sizes = {
        "BMP": (18, struct.pack("<ii", 65535, 65535)),
        "GIF": (6, struct.pack("<HH", 65535, 65535)),
        "WEBP": (26, struct.pack("<HH", 16383, 16383)),
        "TGA": (12, struct.pack("<HH", 65535, 65535)),
        "DDS": (12, struct.pack("<II", 65535, 65535)),
        "QOI": (4, struct.pack(">II", 65535, 65535)),
        "SGI": (6, struct.pack(">HH", 65535, 65535)),
        "PCX": (4, struct.pack("<HHHH", 0, 0, 65534, 65534)),
    }
    data = bytearray(sample(file_format))
    if file_format == "TIFF":
        entry = data.index(struct.pack("<HHI", 256, 4, 1)) if struct.pack("<HHI", 256, 4, 1) in data else -1
        entry = entry if entry >= 0 else data.index(struct.pack("<HHI", 256, 3, 1))
        for offset in (entry, entry + 12):
            data[offset + 2 : offset + 12] = struct.pack("<HII", 4, 1, 65535)
    else:
        where, size = sizes[file_format]
        data[where : where + len(size)] = size
    assert reason_of(bytes(data)) in {Reason.TOO_MANY_PIXELS, Reason.UNDECODABLE}


@pytest.mark.parametrize("key", ["photoshop", "exif", "transparency", "sizes", "default_image", "loop", "duration"])
@pytest.mark.parametrize("mode", ["L", "P", "RGBA"])
def test_words_in_a_png_are_not_taken_for_what_pillow_keeps_under_their_name(key: str, mode: str) -> None:
    words = PngInfo()
    words.add_text(key, "any words")
    file = io.BytesIO()
    Image.fromarray(pictures.photo(64, 96)).convert(mode).save(file, "PNG", pnginfo=words)
    seen = list(views(file.getvalue()))
    assert [each.view for each in seen if each.view != "composited"] == ["original"]


def test_a_failure_nobody_foresaw_loses_no_view_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr(view_module, "trimmed", fail)
    seen = views(sample("PNG"))
    assert [each.view for each in seen] == ["original"]
    assert seen.reason is Reason.VIEW_UNDECODABLE
    monkeypatch.setattr(view_module, "open_picture", fail)
    with pytest.raises(PictureError) as raised:
        next(views(sample("PNG")))
    assert raised.value.reason == Reason.UNDECODABLE
