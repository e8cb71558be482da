"""hashsets.uninformative: hashes of blank pictures are told from those of real ones."""

from __future__ import annotations

from pathlib import Path

import imagehash
import numpy as np
import pdqhash
import pytest
from PIL import Image

from hashsets.uninformative import LEAST_SET_BITS, MOST_SET_BITS, is_uninformative
from tests.hashsets.invented import hexadecimal, seeded


@pytest.mark.parametrize("value", ["0" * 64, "f" * 64, "8" + "0" * 63, "0" * 63 + "1"])
def test_all_zeros_or_ones_say_nothing(value: str) -> None:
    assert is_uninformative(value)


def test_the_hash_that_flat_pictures_have_in_common_says_nothing() -> None:
    flat = pdqhash.compute(np.full((64, 64, 3), 128, np.uint8))[0]
    assert is_uninformative(np.packbits(flat).tobytes().hex())


@pytest.mark.parametrize("grey", [0, 1, 128, 255])
def test_the_phash_of_flat_pictures_says_nothing(grey: int) -> None:
    assert is_uninformative(str(imagehash.phash(Image.new("L", (64, 64), grey), hash_size=16)))


def test_no_published_hash_of_a_real_picture_is_left_out(corpora: Path) -> None:
    for name in ("haystack.txt", "needles.txt"):
        values = (corpora / "perceptual" / "pdq" / name).read_text().split()
        assert not any(is_uninformative(value) for value in values)


def test_random_hashes_are_not_left_out() -> None:
    chance = seeded(1)
    assert not any(is_uninformative(hexadecimal(chance, 64)) for _ in range(20_000))


def test_leaving_them_out_loses_nothing_that_a_real_picture_could_match() -> None:
    """The real pictures of the corpora have 112 to 142 set bits; fewer or more bits apart than the radius is far."""
    assert 112 - (LEAST_SET_BITS - 1) > 31
    assert (MOST_SET_BITS + 1) - 144 > 31
