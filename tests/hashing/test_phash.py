"""pHash is that of ``imagehash`` on the same picture."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from forensics.hashing.pdq import PdqHasher
from forensics.hashing.phash import PhashHasher, phash, phash_dihedral
from forensics.hashing.turns import TURNS
from forensics.media.picture import Picture
from tests import pictures
from tests.hashing.turned import turned
from tests.pictures import Pixels


def oracle(pixels: Pixels) -> str:
    """The hash by ``imagehash``."""
    return str(imagehash.phash(Image.fromarray(pixels), hash_size=16))


def test_hash_is_that_of_imagehash_for_grey_and_coloured_pictures() -> None:
    for pixels in pictures.many(60, seed=5, sides=(1, 700)):
        assert phash(pixels) == oracle(pixels)


def test_hash_has_256_bits_in_hexadecimal() -> None:
    value = phash(pictures.plasma(80, 60))
    assert len(bytes.fromhex(value)) * 8 == PhashHasher.bits == 256
    assert value == value.lower()


def test_small_changes_move_few_bits() -> None:
    pixels = pictures.photo(600, 800, seed=3)
    resized = Image.fromarray(pixels).resize((400, 300))
    moved = int(phash(pixels), 16) ^ int(phash(np.asarray(resized)), 16)
    assert moved.bit_count() <= 12


@pytest.mark.parametrize("coloured", [False, True])
def test_turned_hashes_are_those_of_the_turned_picture_to_a_few_bits(coloured: bool) -> None:
    moved = []
    for seed in range(25):
        pixels = pictures.photo(301, 400, seed) if coloured else pictures.plasma(301, 400, seed)
        hashes = phash_dihedral(pixels)
        assert list(hashes) == list(TURNS)
        for turn, hashed in hashes.items():
            moved.append((int(hashed, 16) ^ int(oracle(turned(pixels, turn)), 16)).bit_count())
    assert max(moved) <= 6
    assert np.mean(moved) < 1


def test_turned_hashes_of_a_thumbnail_are_those_of_the_turned_thumbnail() -> None:
    for seed in range(25):
        thumbnail = pictures.plasma(64, 64, seed)
        for turn, hashed in phash_dihedral(thumbnail).items():
            assert hashed == oracle(turned(thumbnail, turn))


def test_hasher_turns_a_picture_as_pdq_is_turned_and_states_no_quality() -> None:
    for view, turn in (("original", "original"), ("trimmed", "rotate-90"), ("frame-2", "transpose")):
        picture = Picture(pictures.plasma(90, 120), 120, 90, view=view, turn=turn)
        hashes = list(PhashHasher().hash(picture))
        assert hashes[0].value == oracle(picture.pixels)
        assert [each.probe for each in hashes] == [each.probe for each in PdqHasher().hash(picture)]
        assert {(each.algorithm, each.quality) for each in hashes} == {("phash", None)}
