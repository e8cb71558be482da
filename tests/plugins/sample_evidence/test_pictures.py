"""Synthetic pictures are repeatable, of the size asked for, and say enough for PDQ."""

from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pdqhash
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from plugins.sample_evidence import pictures

sides = st.integers(16, 400)


@pytest.mark.parametrize("name", pictures.GENERATORS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), width=sides, height=sides)
def test_equal_arguments_give_equal_pixels_of_the_size_asked_for(name: str, seed: int, width: int, height: int) -> None:
    first, second = (pictures.GENERATORS[name](seed, width, height) for _ in range(2))
    assert first.size == (width, height)
    assert first.mode == "RGB"
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("name", pictures.GENERATORS)
def test_another_seed_gives_another_picture(name: str) -> None:
    generate = pictures.GENERATORS[name]
    assert generate(1, 160, 120).tobytes() != generate(2, 160, 120).tobytes()


def test_plasma_says_enough_for_pdq_and_no_two_look_alike() -> None:
    hashes = []
    for seed in range(30):
        bits, quality = pdqhash.compute(np.asarray(pictures.plasma(seed, 400, 300)))
        assert quality >= 50
        hashes.append(bits)
    assert min(int((first != second).sum()) for first, second in combinations(hashes, 2)) > 80


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "BMP"])
def test_encodes_in_the_format_asked_for(file_format: str) -> None:
    picture = pictures.shapes(3, 120, 90)
    with Image.open(io.BytesIO(pictures.encode(picture, file_format))) as decoded:
        decoded.load()
        assert (decoded.format, decoded.size) == (file_format, (120, 90))


def test_lower_quality_gives_fewer_bytes() -> None:
    picture = pictures.plasma(4, 320, 240)
    assert len(pictures.encode(picture, "JPEG", 30)) < len(pictures.encode(picture, "JPEG", 90))


def test_resizing_keeps_the_proportions() -> None:
    assert pictures.resized(pictures.gradient(5, 200, 100), 0.25).size == (50, 25)
