"""PDQ is the reference's, bit for bit: held against ``pdqhash``, the binding of Meta's own C++."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pdqhash
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from forensics.hashing import pdq
from forensics.hashing.pdq import PdqHash, PdqHasher, pdq_buffer, pdq_dihedral, pdq_hash
from forensics.hashing.pdq_reference import reference_buffer
from forensics.hashing.perceptual import ORIGINAL
from forensics.media.picture import Picture
from tests import pictures
from tests.pictures import Pixels

TURNS = {
    "original": None,
    "flip-left-right": Image.Transpose.FLIP_LEFT_RIGHT,
    "flip-top-bottom": Image.Transpose.FLIP_TOP_BOTTOM,
    "rotate-180": Image.Transpose.ROTATE_180,
    "transpose": Image.Transpose.TRANSPOSE,
    "rotate-90": Image.Transpose.ROTATE_90,
    "rotate-270": Image.Transpose.ROTATE_270,
    "transverse": Image.Transpose.TRANSVERSE,
}


def oracle(pixels: Pixels) -> tuple[str, int]:
    """Hash and quality by ``pdqhash``."""
    coloured = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    bits, quality = pdqhash.compute(np.ascontiguousarray(coloured))
    return np.packbits(bits).tobytes().hex(), quality


def turned(pixels: Pixels, turn: Image.Transpose | None) -> Pixels:
    """The pixels really turned, by Pillow."""
    return pixels if turn is None else np.asarray(Image.fromarray(pixels).transpose(turn))


@pytest.mark.parametrize("seed", range(10))
def test_hash_and_quality_are_those_of_the_reference_on_every_kind_of_picture(seed: int) -> None:
    for pixels in pictures.many(52, seed):
        assert pdq_hash(pixels) == oracle(pixels), pixels.shape


@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (4, 400), (5, 5), (5, 4000), (64, 64), (127, 128), (128, 129), (1000, 9), (1200, 1601), (3000, 4000)],
)
def test_hash_is_that_of_the_reference_at_every_size(height: int, width: int, coloured: bool) -> None:
    pixels = pictures.noise(height, width) if height * width < 1e7 else pictures.gradient(height, width, 0.05, 0.08)
    if coloured:
        pixels = np.dstack([pixels, pixels[::-1], pixels[:, ::-1]])
    assert pdq_hash(pixels) == oracle(pixels)


@pytest.mark.parametrize("value", [0, 1, 100, 255])
@pytest.mark.parametrize("side", [64, 100, 400])
def test_flat_pictures_hash_to_the_rounding_errors_of_the_reference(value: int, side: int) -> None:
    pixels = pictures.flat(side, side, value)
    assert pdq_hash(pixels) == oracle(pixels)
    assert pdq_hash(pixels).quality == 0


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**32 - 1), st.booleans())
@settings(deadline=None, max_examples=60)
def test_hash_is_that_of_the_reference_whatever_the_size(height: int, width: int, seed: int, coloured: bool) -> None:
    pixels = pictures.photo(height, width, seed) if coloured else pictures.plasma(height, width, seed)
    assert pdq_hash(pixels) == oracle(pixels)


def test_published_vectors(corpora: Path) -> None:
    folder = corpora / "perceptual" / "pdq"
    with (folder / "expected.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    for row in rows:
        pixels = np.asarray(Image.open(folder / row["file"]).convert("RGB"))
        assert pdq_hash(pixels).value == row["pdq"], row["file"]
        assert pdq_hash(pixels) == oracle(pixels), row["file"]


def test_photo_like_pictures_seldom_need_the_slow_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdq, "_reference_hash", lambda pixels: PdqHash("slow", 0))
    hashes = [pdq_hash(pictures.plasma(400, 500, seed)) for seed in range(40)]
    assert sum(hashed.value == "slow" for hashed in hashes) <= 8


@pytest.mark.parametrize("seed", range(3))
def test_each_orientation_is_hashed_as_if_the_pixels_had_been_turned(seed: int) -> None:
    for pixels in pictures.many(15, 100 + seed, sides=(5, 500)):
        hashes = pdq_dihedral(pixels)
        assert list(hashes) == list(TURNS)
        for name, turn in TURNS.items():
            assert hashes[name] == oracle(turned(pixels, turn)), (name, pixels.shape)


@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from(sorted(TURNS)), st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_turning_a_picture_permutes_its_eight_hashes(height: int, width: int, name: str, seed: int) -> None:
    pixels = pictures.plasma(height, width, seed)
    mine, others = pdq_dihedral(pixels), pdq_dihedral(np.ascontiguousarray(turned(pixels, TURNS[name])))
    assert mine[name] == others[ORIGINAL]
    assert sorted(mine.values()) == sorted(others.values())


def test_buffer_is_the_reference_buffer_but_for_rounding() -> None:
    for pixels in pictures.many(40, seed=7):
        if pixels.shape[:2] != (64, 64):
            assert np.abs(pdq_buffer(pixels) - reference_buffer(pixels)).max() < 0.05


def test_hasher_gives_the_original_view_and_its_decode_path() -> None:
    picture = Picture(pictures.plasma(90, 120), 120, 90)
    (hashed,) = PdqHasher().hash(picture)
    assert (hashed.value, hashed.quality) == oracle(picture.pixels)
    assert (hashed.algorithm, hashed.probe, hashed.decode) == ("pdq", "original", "decode-v1")
    assert len(hashed.value) * 4 == PdqHasher.bits
