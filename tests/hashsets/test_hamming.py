"""hashsets.hamming: the flat index against counting bits one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashsets.hamming import FlatIndex, HammingIndex, pack
from tests.hashsets.invented import distance, flipped, hashes, hexadecimal, seeded


def search(index: HammingIndex, queries: list[str], radius: int) -> list[tuple[int, int, int]]:
    """Search hashes in hexadecimal."""
    found = index.search(pack(queries), radius)
    return list(zip(*(column.tolist() for column in found), strict=True))


def brute_force(known: list[str], queries: list[str], radius: int) -> list[tuple[int, int, int]]:
    """The oracle."""
    return [
        (row, place, distance(query, value))
        for row, query in enumerate(queries)
        for place, value in enumerate(known)
        if distance(query, value) <= radius
    ]


def test_finds_what_counting_finds_at_every_distance_from_0_to_33() -> None:
    chance = seeded(11)
    known = [hexadecimal(chance, 64) for _ in range(1500)]
    queries = []
    for bits in range(34):
        original = chance.choice(known)
        queries += [
            flipped(original, chance.sample(range(256), bits)),  # spread over the whole hash
            flipped(original, range(bits)),  # all in one word
            flipped(original, [round(place * 255 / max(bits - 1, 1)) for place in range(bits)]),  # evenly spread
        ]
    found = search(FlatIndex(pack(known)), queries, 31)
    assert found == brute_force(known, queries, 31)
    assert len(found) == 3 * 32


@settings(max_examples=60, deadline=None)
@given(
    st.lists(hashes(64), max_size=20),
    st.lists(hashes(64), max_size=5),
    st.lists(st.tuples(st.integers(0, 19), st.sets(st.integers(0, 255), max_size=40)), max_size=5),
    st.sampled_from([0, 1, 31, 64, 127, 128, 255, 256]),
)
def test_finds_what_counting_finds(
    known: list[str], strangers: list[str], turned: list[tuple[int, set[int]]], radius: int
) -> None:
    queries = strangers + [flipped(known[place], sorted(bits)) for place, bits in turned if place < len(known)]
    assert search(FlatIndex(pack(known)), queries, radius) == brute_force(known, queries, radius)


def test_opposite_hashes_are_256_bits_apart_and_not_0() -> None:
    assert search(FlatIndex(pack(["0" * 64])), ["f" * 64], 31) == []
    assert search(FlatIndex(pack(["0" * 64])), ["f" * 64], 256) == [(0, 0, 256)]


def test_more_hashes_than_one_pass_takes() -> None:
    chance = seeded(12)
    known = [hexadecimal(chance, 64) for _ in range(40_000)]
    places = [0, 16383, 16384, 32767, 32768, 39_999]
    queries = [flipped(known[place], chance.sample(range(256), 31)) for place in places]
    assert search(FlatIndex(pack(known)), queries, 31) == [(row, place, 31) for row, place in enumerate(places)]


def test_equal_hashes_are_all_found() -> None:
    assert search(FlatIndex(pack(["a5" * 32] * 3)), ["a5" * 32], 0) == [(0, 0, 0), (0, 1, 0), (0, 2, 0)]


def test_nothing_in_nothing() -> None:
    assert search(FlatIndex(pack([])), ["0" * 64], 31) == []
    assert search(FlatIndex(pack(["0" * 64])), [], 31) == []
    assert len(FlatIndex(pack([]))) == 0


@pytest.mark.parametrize(("radius", "pairs"), [(0, 50), (15, 151), (31, 250), (47, 287), (63, 352)])
def test_the_published_haystack_and_needles(corpora: Path, radius: int, pairs: int) -> None:
    known, queries = (
        (corpora / "perceptual" / "pdq" / f"{name}.txt").read_text().split() for name in ("haystack", "needles")
    )
    assert len(search(FlatIndex(pack(known)), queries, radius)) == pairs


def test_packing_keeps_every_bit() -> None:
    chance = seeded(13)
    values = [hexadecimal(chance, 64) for _ in range(10)]
    assert [f"{int.from_bytes(row.astype('>u8').tobytes()):064x}" for row in pack(values)] == values
    assert pack(values).dtype == np.uint64
