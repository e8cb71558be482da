"""Turns mean what Pillow's turns of the same names mean, and each view has its probes."""

from __future__ import annotations

import numpy as np
import pytest

from forensics.hashing.perceptual import FAITHFUL_PROBES
from forensics.hashing.turns import TURNS, probes_of
from forensics.media.picture import Picture
from tests.hashing.turned import turned

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize("name", TURNS)
def test_a_turn_is_that_of_pillow(name: str) -> None:
    turn = TURNS[name]
    ours = PIXELS[:: -1 if turn.upside_down else 1, :: -1 if turn.left_right else 1]
    np.testing.assert_array_equal(ours.T if turn.transposed else ours, turned(PIXELS, name))


def test_original_and_trimmed_views_are_turned_every_way() -> None:
    assert probes_of(Picture(PIXELS, 4, 3)) == {turn: turn for turn in TURNS}
    trimmed = probes_of(Picture(PIXELS, 4, 3, view="trimmed"))
    assert list(trimmed) == list(TURNS)
    assert list(trimmed.values())[:2] == ["trimmed", "trimmed/flip-left-right"]


def test_the_turn_the_file_asks_for_is_named_displayed_and_is_faithful_of_the_original_only() -> None:
    original = probes_of(Picture(PIXELS, 4, 3, turn="rotate-90"))
    assert {turn for turn, probe in original.items() if probe in FAITHFUL_PROBES} == {"original", "rotate-90"}
    assert original["rotate-90"] == "displayed"
    trimmed = probes_of(Picture(PIXELS, 4, 3, view="trimmed", turn="rotate-90"))
    assert trimmed["rotate-90"] == "trimmed/displayed"
    assert not FAITHFUL_PROBES.intersection(trimmed.values())


def test_other_views_are_hashed_as_they_are_and_as_displayed() -> None:
    assert probes_of(Picture(PIXELS, 4, 3, view="thumbnail")) == {"original": "thumbnail"}
    assert probes_of(Picture(PIXELS, 4, 3, view="composited", turn="rotate-180")) == {
        "original": "composited",
        "rotate-180": "composited/displayed",
    }
