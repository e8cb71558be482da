"""pHash is that of ``imagehash`` on the same picture."""

from __future__ import annotations

import imagehash
import numpy as np
from PIL import Image

from forensics.hashing.phash import PhashHasher, phash
from forensics.media.picture import Picture
from tests import pictures


def test_hash_is_that_of_imagehash_for_grey_and_coloured_pictures() -> None:
    for pixels in pictures.many(60, seed=5, sides=(1, 700)):
        assert phash(pixels) == str(imagehash.phash(Image.fromarray(pixels), hash_size=16))


def test_hash_has_256_bits_in_hexadecimal() -> None:
    value = phash(pictures.plasma(80, 60))
    assert len(bytes.fromhex(value)) * 8 == PhashHasher.bits == 256
    assert value == value.lower()


def test_small_changes_move_few_bits() -> None:
    pixels = pictures.photo(600, 800, seed=3)
    resized = Image.fromarray(pixels).resize((400, 300))
    moved = int(phash(pixels), 16) ^ int(phash(np.asarray(resized)), 16)
    assert moved.bit_count() <= 12


def test_hasher_states_no_quality() -> None:
    (hashed,) = PhashHasher().hash(Picture(pictures.plasma(90, 120), 120, 90))
    assert (hashed.algorithm, hashed.quality, hashed.probe) == ("phash", None, "original")
