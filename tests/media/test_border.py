"""The picture inside a border hashes as it did before it had one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.hashing.pdq import pdq_hash
from forensics.media.border import SMALLEST_SHARE, trimmed
from forensics.media.picture import Picture, decode
from tests import pictures
from tests.pictures import Pixels, encoded

Sides = tuple[float, float, float, float]
RADIUS = 31
COLOURS = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (20, 60, 190)]
BORDERS = [
    pytest.param((0.02, 0.02, 0.02, 0.02), id="two per cent"),
    pytest.param((0.05, 0.05, 0.05, 0.05), id="five per cent"),
    pytest.param((0.1, 0.1, 0, 0), id="letterbox"),
    pytest.param((0, 0, 0.2, 0.15), id="pillarbox"),
    pytest.param((0.3, 0, 0, 0.08), id="two sides"),
    pytest.param((0.8, 0.6, 0, 0), id="screenshot"),
]


def bordered(pixels: Pixels, sides: Sides, colour: tuple[int, int, int]) -> Pixels:
    """The picture with shares of its height above and below and of its width on the left and right added."""
    height, width = pixels.shape[:2]
    top, bottom = (round(share * height) for share in sides[:2])
    left, right = (round(share * width) for share in sides[2:])
    canvas = np.empty((height + top + bottom, width + left + right, 3), np.uint8)
    canvas[:] = colour
    canvas[top : top + height, left : left + width] = pixels
    return canvas


def distance(one: Picture, other: Picture) -> int:
    values = [int(pdq_hash(picture.pixels, (picture.height, picture.width)).value, 16) for picture in (one, other)]
    return (values[0] ^ values[1]).bit_count()


@pytest.mark.parametrize("sides", BORDERS)
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(("height", "width", "quality"), [(600, 800, 50), (1500, 1100, 85), (333, 500, 70)])
def test_jpegs_with_a_border_are_found_without_it(
    sides: Sides, colour: tuple[int, int, int], height: int, width: int, quality: int
) -> None:
    pixels = pictures.photo(height, width, height)
    plain = decode(encoded(pixels, "JPEG", quality=85))
    picture = decode(encoded(bordered(pixels, sides, colour), "JPEG", quality=quality))
    inside = trimmed(picture)
    assert inside is not None
    assert inside.view == "trimmed"
    assert distance(inside, plain) <= 10
    assert abs(inside.width - width) <= 8
    assert abs(inside.height - height) <= 8


def test_a_border_of_five_per_cent_would_hide_the_picture() -> None:
    pixels = pictures.photo(600, 800)
    picture = decode(encoded(bordered(pixels, (0.05, 0.05, 0.05, 0.05), (0, 0, 0)), "JPEG"))
    assert distance(picture, decode(encoded(pixels, "JPEG"))) > RADIUS


@pytest.mark.parametrize("top", range(1, 12))
def test_without_loss_the_border_is_cut_to_the_pixel(top: int) -> None:
    pixels = pictures.photo(200, 300, 3)
    inside = trimmed(decode(encoded(bordered(pixels, (top / 200, 0.1, 0.2, 0), (9, 9, 9)), "PNG")))
    assert inside is not None
    assert np.array_equal(inside.pixels, pixels)


def test_the_clock_and_battery_of_a_telephone_belong_to_the_border() -> None:
    pixels = pictures.photo(500, 720, 3)
    screen = bordered(pixels, (0.6, 0.6, 0, 0), (0, 0, 0))
    screen[12:30, 40:110] = screen[12:30, 620:700] = 230  # clock and battery
    screen[-40:-20, 340:380] = 230  # a button
    inside = trimmed(decode(encoded(screen, "JPEG", quality=80)))
    assert inside is not None
    assert distance(inside, decode(encoded(pixels, "JPEG", quality=80))) <= 10


def test_each_side_has_its_own_colour() -> None:
    pixels = pictures.photo(200, 300, 4)
    canvas = bordered(bordered(pixels, (0.1, 0, 0, 0), (255, 255, 255)), (0, 0.1, 0, 0), (0, 0, 0))
    inside = trimmed(decode(encoded(canvas, "PNG")))
    assert inside is not None
    assert np.array_equal(inside.pixels, pixels)


@pytest.mark.parametrize("seed", range(20))
def test_pictures_without_a_border_are_left_alone(seed: int) -> None:
    assert trimmed(decode(encoded(pictures.photo(400, 600, seed), "JPEG"))) is None


@pytest.mark.parametrize("value", [0, 7, 128, 255])
def test_a_plain_picture_is_not_all_border(value: int) -> None:
    assert trimmed(decode(encoded(pictures.flat(300, 400, value), "PNG"))) is None


def test_what_is_mostly_empty_is_no_bordered_picture() -> None:
    canvas = np.zeros((800, 800, 3), np.uint8)
    canvas[300:480, 300:480] = pictures.photo(180, 180)
    assert trimmed(decode(encoded(canvas, "PNG"))) is None


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 40), st.integers(0, 40), st.integers(0, 255), st.data())
@settings(deadline=None, max_examples=150)
def test_any_picture_has_an_inside_whose_size_can_be_hashed(
    height: int, width: int, top: int, left: int, colour: int, data: st.DataObject
) -> None:
    scale = data.draw(st.sampled_from([1, 2, 4, 8]))
    canvas = np.full((height + top, width + left), colour, np.uint8)
    canvas[top:, left:] = pictures.noise(height, width, height)
    full_height = canvas.shape[0] * scale - data.draw(st.integers(0, scale - 1))
    full_width = canvas.shape[1] * scale - data.draw(st.integers(0, scale - 1))
    if -(-full_height // canvas.shape[0]) != scale or -(-full_width // canvas.shape[1]) != scale:
        return  # so small that no such reduction exists
    inside = trimmed(Picture(canvas, full_width, full_height))
    if inside is None:
        return
    assert inside.pixels.shape[0] * SMALLEST_SHARE >= canvas.shape[0]
    assert inside.pixels.shape[1] * SMALLEST_SHARE >= canvas.shape[1]
    assert inside.pixels.flags.c_contiguous
    if min(inside.pixels.shape) >= 8:
        pdq_hash(inside.pixels, (inside.height, inside.width))
