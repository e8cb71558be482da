"""Decoding for hashing: which pixels come out, how far the fast path drifts, and that nothing else is ever touched."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pdqhash
import pytest
from PIL import Image, ImageFile

from forensics.errors import PictureError
from forensics.hashing.pdq import PdqHash, pdq_dihedral, pdq_hash
from forensics.media.picture import DECODE_PATH, REDUCED_JPEG2000_PATH, REDUCED_SIDE, Picture, decode
from forensics.reason import Reason
from tests import pictures
from tests.pictures import Pixels, encoded

LOSSLESS = [
    ("PNG", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("WEBP", {"lossless": True}),
    ("JPEG2000", {}),
    ("PPM", {}),
    ("PCX", {}),
    ("TGA", {}),
    ("SGI", {}),
    ("DDS", {}),
    ("QOI", {}),
]


def bits_apart(one: PdqHash | str, other: PdqHash | str) -> int:
    values = [hashed if isinstance(hashed, str) else hashed.value for hashed in (one, other)]
    return (int(values[0], 16) ^ int(values[1], 16)).bit_count()


def picture_hash(picture: Picture) -> PdqHash:
    return pdq_hash(picture.pixels, (picture.height, picture.width))


def oracle(data: bytes) -> tuple[str, int]:
    """What everyone else does: decode at full size, convert, hash with ``pdqhash``."""
    bits, quality = pdqhash.compute(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    return np.packbits(bits).tobytes().hex(), quality


@pytest.mark.parametrize(("file_format", "options"), LOSSLESS)
def test_lossless_colour_formats_give_their_exact_pixels(file_format: str, options: dict[str, object]) -> None:
    pixels = pictures.photo(90, 130)
    picture = decode(encoded(pixels, file_format, **options))
    assert np.array_equal(picture.pixels, pixels)
    assert (picture.width, picture.height, picture.truncated, picture.decode) == (130, 90, False, DECODE_PATH)
    assert picture.pixels.flags.c_contiguous


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP", "GIF", "PPM", "PCX", "SGI"])
def test_grey_pictures_keep_their_grey_values(file_format: str) -> None:
    pixels = pictures.plasma(90, 130)
    picture = decode(encoded(pixels, file_format))
    grey = picture.pixels if picture.pixels.ndim == 2 else picture.pixels[:, :, 1]
    assert np.array_equal(grey, pixels)


def test_large_pictures_are_the_same_in_strips() -> None:
    pixels = pictures.gradient(2100, 2100, 0.07, 0.05)
    assert np.array_equal(decode(encoded(pixels, "PNG", compress_level=1)).pixels, pixels)


@pytest.mark.parametrize("file_format", ["ICO", "ICNS"])
def test_icons_decode(file_format: str) -> None:
    data = encoded(pictures.photo(128, 128), file_format)
    assert picture_hash(decode(data)) == oracle(data)


@pytest.mark.parametrize("mode", ["P", "L", "1", "LA", "PA", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr", "LAB", "HSV"])
def test_every_mode_of_pixels_hashes_as_the_same_picture(mode: str) -> None:
    grey = pictures.plasma(200, 300, seed=4)
    image = Image.fromarray(grey)
    match mode:
        case "I;16":
            image = Image.fromarray((grey.astype(np.uint16) << 8) + 77)
        case "I":
            image = Image.fromarray(grey.astype(np.int32) << 8)
        case "F":
            image = Image.fromarray(grey.astype(np.float32) / 255)
        case "LAB":
            middle = Image.new("L", image.size, 128)
            image = Image.merge("LAB", (image, middle, middle))
        case "P":
            image = image.convert("RGB").quantize(256)
        case "PA":
            image = image.convert("P").convert("PA")
        case "HSV" | "CMYK" | "YCbCr":
            image = image.convert("RGB").convert(mode)
        case _:
            image = image.convert(mode)
    file_format = "TIFF" if mode in {"CMYK", "F", "YCbCr", "LAB", "I"} else "PNG"
    if mode == "HSV" or mode == "PA":
        image, file_format = image.convert("RGB"), "PNG"
    allowed = 90 if mode == "1" else 6  # a dithered picture is another picture
    assert bits_apart(picture_hash(decode(encoded(image, file_format))), pdq_hash(grey)) <= allowed


def test_sixteen_bits_keep_their_upper_half() -> None:
    values: npt.NDArray[np.uint16] = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(decode(encoded(Image.fromarray(values), "PNG")).pixels, (values >> 8).astype(np.uint8))


def test_floats_are_stretched_and_what_is_no_number_is_dark() -> None:
    values = np.linspace(-3, 5, 2500, dtype=np.float32).reshape(50, 50)
    values[7, 7] = np.nan
    pixels = decode(encoded(Image.fromarray(values), "TIFF")).pixels
    assert (pixels[0, 0], pixels[-1, -1]) == (0, 255)


def test_colours_under_transparency_are_hashed() -> None:
    pixels = pictures.photo(100, 100)
    transparent = np.dstack([pixels, np.zeros((100, 100), np.uint8)])
    assert np.array_equal(decode(encoded(Image.fromarray(transparent), "PNG")).pixels, pixels)


def test_animations_give_their_first_frame() -> None:
    frames = [Image.fromarray(pictures.plasma(60, 80, seed)) for seed in range(3)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert bits_apart(picture_hash(decode(data)), pdq_hash(pictures.plasma(60, 80, 0))) <= 2


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_jpegs_of_every_kind_hash_as_when_decoded_in_full(mode: str, options: dict[str, object]) -> None:
    data = encoded(Image.fromarray(pictures.photo(1100, 1500, 2)).convert(mode), "JPEG", quality=85, **options)
    picture = decode(data)
    assert (picture.width, picture.height) == (1500, 1100)
    assert min(picture.pixels.shape[:2]) == 550
    assert picture.pixels.ndim == (3 if mode == "CMYK" else 2)
    assert bits_apart(picture_hash(picture), oracle(data)[0]) <= 4


@pytest.mark.parametrize(
    ("height", "width", "scale"), [(511, 3000, 1), (1024, 1024, 2), (2100, 1025, 2), (4100, 4097, 8)]
)
def test_jpegs_are_reduced_to_the_smallest_scale_that_keeps_enough(height: int, width: int, scale: int) -> None:
    pixels = pictures.gradient(height, width, 0.03, 0.05)
    assert decode(encoded(pixels, "JPEG")).pixels.shape == (-(-height // scale), -(-width // scale))
    assert min(height, width) // scale >= min(height, width, REDUCED_SIDE)


@pytest.mark.parametrize(
    ("height", "width", "power"), [(1100, 1500, 1), (2049, 2300, 1), (2048, 2300, 2), (700, 900, 0)]
)
@pytest.mark.parametrize("options", [{}, {"irreversible": True, "quality_mode": "rates", "quality_layers": [30]}])
def test_jpeg2000_is_reduced_as_a_jpeg_is(height: int, width: int, power: int, options: dict[str, object]) -> None:
    data = encoded(pictures.photo(height, width, power), "JPEG2000", **options)
    picture = decode(data)
    assert picture.pixels.shape[:2] == (-(-height // 2**power), -(-width // 2**power))
    assert (picture.width, picture.height, picture.truncated) == (width, height, False)
    assert picture.decode == (REDUCED_JPEG2000_PATH if power else DECODE_PATH)
    assert bits_apart(picture_hash(picture), oracle(data)[0]) <= 8


@pytest.mark.parametrize("seed", range(3))
def test_fast_path_drifts_by_few_bits_from_a_full_decode(seed: int) -> None:
    drifts = []
    for index in range(4):
        pixels = pictures.photo(1500 - 137 * index, 1100 + 291 * index, 10 * seed + index)
        data = encoded(pixels, "JPEG", quality=75 + 5 * index)
        picture, (value, quality) = decode(data), oracle(data)
        hashed = picture_hash(picture)
        assert quality >= 50
        assert abs(hashed.quality - quality) <= 2
        drifts.append(bits_apart(hashed, value))
    assert sum(drifts) / len(drifts) <= 2
    assert max(drifts) <= 6


def test_turned_probes_of_a_reduced_picture_are_those_of_the_whole_one() -> None:
    data = encoded(pictures.photo(1427, 1833, 5), "JPEG", quality=90)
    picture = decode(data)
    full = Image.open(io.BytesIO(data)).convert("RGB")
    probes = pdq_dihedral(picture.pixels, (picture.height, picture.width))
    assert probes["original"] == picture_hash(picture)
    for name, turn in (("rotate-90", Image.Transpose.ROTATE_90), ("flip-left-right", Image.Transpose.FLIP_LEFT_RIGHT)):
        bits, _ = pdqhash.compute(np.asarray(full.transpose(turn)))
        assert bits_apart(probes[name], np.packbits(bits).tobytes().hex()) <= 4


def test_any_buffer_can_be_decoded() -> None:
    data = encoded(pictures.plasma(40, 50), "PNG")
    assert np.array_equal(decode(memoryview(data)).pixels, decode(bytearray(data)).pixels)


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"no picture at all", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xd7\xcd\xc6\x9a" * 9]
)
def test_what_is_no_decoded_format_is_said_so(data: bytes) -> None:
    with pytest.raises(PictureError) as caught:
        decode(data)
    assert caught.value.reason == Reason.UNSUPPORTED_FORMAT


def test_postscript_is_never_run() -> None:
    with pytest.raises(PictureError) as caught:
        decode(encoded(pictures.plasma(30, 30), "EPS"))
    assert caught.value.reason == Reason.UNSUPPORTED_FORMAT


def test_limits_of_pillow_are_left_as_they_were() -> None:
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    data: Pixels = pictures.photo(50, 50)
    decode(encoded(data, "PNG"))
    with pytest.raises(PictureError):
        decode(encoded(data, "PNG")[:40])
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
