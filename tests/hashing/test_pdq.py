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
from forensics.hashing.turns import TURNS
from forensics.media.picture import DECODE_PATH, Picture
from tests import pictures
from tests.hashing.turned import turned
from tests.pictures import Pixels


def oracle(pixels: Pixels) -> tuple[str, int]:
    """Hash and quality by ``pdqhash``."""
    coloured = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    bits, quality = pdqhash.compute(np.ascontiguousarray(coloured))
    return np.packbits(bits).tobytes().hex(), quality


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
        for name in TURNS:
            assert hashes[name] == oracle(turned(pixels, name)), (name, pixels.shape)


@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from(sorted(TURNS)), st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_turning_a_picture_permutes_its_eight_hashes(height: int, width: int, name: str, seed: int) -> None:
    pixels = pictures.plasma(height, width, seed)
    mine, others = pdq_dihedral(pixels), pdq_dihedral(np.ascontiguousarray(turned(pixels, name)))
    assert mine[name] == others[ORIGINAL]
    assert sorted(mine.values()) == sorted(others.values())


def test_buffer_is_the_reference_buffer_but_for_rounding() -> None:
    for pixels in pictures.many(40, seed=7):
        if pixels.shape[:2] != (64, 64):
            assert np.abs(pdq_buffer(pixels) - reference_buffer(pixels)).max() < 0.05


def test_hasher_gives_every_orientation_the_original_first() -> None:
    picture = Picture(pictures.plasma(290, 320), 320, 290)
    assert all(oracle(turned(picture.pixels, turn)) == pdq_dihedral(picture.pixels)[turn] for turn in TURNS)
    hashes = list(PdqHasher().hash(picture))
    assert [hashed.probe for hashed in hashes] == list(TURNS)
    for hashed in hashes:
        assert (hashed.value, hashed.quality) == oracle(turned(picture.pixels, hashed.probe)), hashed.probe
        assert (hashed.algorithm, hashed.decode, len(hashed.value) * 4) == ("pdq", DECODE_PATH, PdqHasher.bits)


def test_turns_that_are_leads_only_are_spared_the_slow_arithmetic_and_differ_by_two_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow: list[Pixels] = []

    def slowly(pixels: Pixels) -> PdqHash:
        slow.append(pixels)
        return PdqHash(*oracle(pixels))

    monkeypatch.setattr(pdq, "_reference_hash", slowly)
    samples = [pictures.photo(240, 360, seed) for seed in range(30)]
    for pixels in samples:
        for hashed in PdqHasher().hash(Picture(pixels, 360, 240, turn="rotate-90")):
            value, quality = oracle(turned(pixels, "rotate-90" if hashed.probe == "displayed" else hashed.probe))
            moved = (int(hashed.value, 16) ^ int(value, 16)).bit_count()
            assert moved <= (0 if hashed.probe in {"original", "displayed"} else 2)
            assert abs((hashed.quality or 0) - quality) <= 1
    in_all = len(slow)
    for pixels in samples:
        pdq_dihedral(pixels)
    assert in_all < (len(slow) - in_all) / 2


def test_hasher_hashes_other_views_as_they_are_and_as_displayed() -> None:
    picture = Picture(pictures.photo(90, 120), 120, 90, view="frame-3", turn="rotate-270")
    as_it_is, displayed = PdqHasher().hash(picture)
    assert (as_it_is.probe, displayed.probe) == ("frame-3", "frame-3/displayed")
    assert (as_it_is.value, as_it_is.quality) == oracle(picture.pixels)
    assert (displayed.value, displayed.quality) == oracle(turned(picture.pixels, "rotate-270"))


@pytest.mark.parametrize("turn", [turn for turn in TURNS if turn != ORIGINAL])
def test_a_picture_stored_turned_is_displayed_with_the_hash_of_the_upright_one(turn: str) -> None:
    upright = pictures.plasma(200, 310, seed=9)
    back = {"rotate-90": "rotate-270", "rotate-270": "rotate-90"}.get(turn, turn)
    stored = np.ascontiguousarray(turned(upright, back))
    hashes = {
        each.probe: each for each in PdqHasher().hash(Picture(stored, stored.shape[1], stored.shape[0], turn=turn))
    }
    assert hashes["displayed"].value == pdq_hash(upright).value
    assert turn not in hashes
