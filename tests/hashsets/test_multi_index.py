"""hashsets.multi_index: not a pair may be missed that the flat index finds, whatever the hashes are like."""

from __future__ import annotations

import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.hashing.pdq import pdq_hash
from hashsets import multi_index
from hashsets.hamming import FlatIndex, HammingIndex, Hashes, pack
from hashsets.multi_index import MultiIndex, chunk_count, is_worth_it, make_tables, table_shapes
from tests.pictures import many, plasma

RADIUS = 31
CHUNKS = (12, 16, 20, 24)
SMALL_TABLES = (16, 20, 24)


def made(hashes: Hashes, chunks: int) -> MultiIndex:
    return MultiIndex(hashes, make_tables(hashes, chunks))


@pytest.fixture
def never_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is found must be found by the tables: no scan is ever cheap enough."""
    monkeypatch.setattr(multi_index, "_SCAN_COST", 10**9)
    monkeypatch.setattr(FlatIndex, "search", None)


def uniform(seed: int, count: int) -> Hashes:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), np.uint64)


def turned(hashes: Hashes, bits: list[list[int]]) -> Hashes:
    """Flip some bits of each hash; bit 0 is the lowest of the first word."""
    flips = np.zeros_like(hashes)
    for row, of_row in enumerate(bits):
        for bit in of_row:
            flips[row, bit // 64] |= np.uint64(1 << bit % 64)
    return hashes ^ flips


def results(index: HammingIndex, queries: Hashes, radius: int) -> list[tuple[int, int, int]]:
    return list(zip(*(column.tolist() for column in index.search(queries, radius)), strict=True))


@cache
def of_pictures() -> Hashes:
    """PDQ hashes of generated pictures, and of series of pictures that share much of their structure."""
    hashes = [pdq_hash(pixels).value for pixels in many(150, seed=71, sides=(64, 160))]
    base = plasma(96, 96, seed=72).astype(np.float64)
    for seed in range(250):
        share = 0.05 + 0.5 * (seed % 10) / 10
        mixed = (1 - share) * base + share * plasma(96, 96, seed=100 + seed)
        hashes.append(pdq_hash(mixed.astype(np.uint8)).value)
    return pack(hashes)


class TestFinding:
    @pytest.mark.usefixtures("never_scans")
    @pytest.mark.parametrize("chunks", CHUNKS)
    def test_planted_pairs_at_every_distance_wherever_the_flips_are(self, chunks: int) -> None:
        random = np.random.default_rng(chunks)
        known = uniform(chunks, 20_000)
        dealt = multi_index._DEALT  # the bits chunk by chunk
        flips: list[list[int]] = []
        for distance in range(RADIUS + 1):
            spread = [dealt[int(place)] for place in np.linspace(0, 255, distance)]  # as evenly as can be
            together = dealt[5 : 5 + distance]
            last = dealt[256 - distance :]
            anywhere = [random.permutation(256)[:distance].tolist() for _ in range(5)]
            flips += [spread, together, last, list(range(distance)), *anywhere]
        rows = random.permutation(len(known))[: len(flips)]
        queries = turned(known[rows], flips)
        expected = [(query, int(row), len(of_row)) for query, (row, of_row) in enumerate(zip(rows, flips, strict=True))]
        assert results(made(known, chunks), queries, RADIUS) == expected

    @pytest.mark.usefixtures("never_scans")
    def test_each_chunk_alone_can_find(self) -> None:
        """Every other chunk is off by one bit more than it looks for: only one leads to the hash."""
        known = uniform(1, 20_000)
        chunks = 12
        widths, most = multi_index._widths(chunks), multi_index._flips(chunks, RADIUS)
        ends = np.cumsum(widths)
        flips = []
        for kept in range(chunks):
            bits: list[int] = []
            for chunk in range(chunks):
                first = int(ends[chunk]) - widths[chunk]
                count = most[chunk] if chunk == kept else most[chunk] + 1
                bits += multi_index._DEALT[first : first + count]
            flips.append(bits)
        assert {len(bits) for bits in flips} == {RADIUS}
        queries = turned(known[:chunks], flips)
        assert results(made(known, chunks), queries, RADIUS) == [(n, n, RADIUS) for n in range(chunks)]

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_agrees_with_comparing_all(self, data: st.DataObject) -> None:
        random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
        centres = uniform(int(random.integers(2**32)), data.draw(st.integers(1, 5)))
        spread = data.draw(st.integers(0, 40))
        rows = random.integers(0, len(centres), data.draw(st.integers(0, 300)))
        flips = [random.permutation(256)[: random.integers(0, spread + 1)].tolist() for _ in rows]
        known = turned(centres[rows], flips)
        queries = np.concatenate((centres, known[:20], uniform(3, 3)))
        index = made(known, data.draw(st.sampled_from(SMALL_TABLES)))
        radius = data.draw(st.sampled_from([0, 1, 7, 15, 30, 31, 32, 56, 128, 256]))
        assert results(index, queries, radius) == results(FlatIndex(known), queries, radius)

    @pytest.mark.parametrize("radius", [0, 10, 15, 21, 31, 32, 40])
    def test_any_radius_is_answered_by_the_tables_made_for_one(self, radius: int) -> None:
        known = np.concatenate((uniform(4, 30_000), of_pictures()))
        random = np.random.default_rng(5)
        rows = random.permutation(len(known))[:100]
        queries = turned(known[rows], [random.permutation(256)[: n % 42].tolist() for n in range(100)])
        index = made(known, 16)
        assert results(index, queries, radius) == results(FlatIndex(known), queries, radius)

    @pytest.mark.parametrize("chunks", [12, 16])
    def test_hashes_of_pictures_that_have_much_in_common(self, chunks: int) -> None:
        pictures = of_pictures()
        random = np.random.default_rng(6)
        flips = [random.permutation(256)[: random.integers(0, 20)].tolist() for _ in range(40_000)]
        known = turned(pictures[random.integers(0, len(pictures), 40_000)], flips)
        index = made(known, chunks)
        found = index.search(pictures[::3], RADIUS)
        expected = FlatIndex(known).search(pictures[::3], RADIUS)
        assert all((one == other).all() for one, other in zip(found, expected, strict=True))
        assert len(found[0]) > 20_000

    @pytest.mark.parametrize(("radius", "pairs"), [(0, 50), (15, 151), (31, 250), (47, 287), (63, 352)])
    def test_the_published_haystack_and_needles(self, corpora: Path, radius: int, pairs: int) -> None:
        known, queries = (
            pack((corpora / "perceptual" / "pdq" / f"{name}.txt").read_text().split())
            for name in ("haystack", "needles")
        )
        for chunks in SMALL_TABLES:
            index = made(known, chunks)
            assert results(index, queries, radius) == results(FlatIndex(known), queries, radius)
            assert len(index.search(queries, radius)[0]) == pairs

    def test_nothing_in_nothing(self) -> None:
        empty = uniform(1, 0)
        assert results(made(empty, 24), uniform(2, 3), RADIUS) == []
        some = uniform(1, 20_000)
        assert results(made(some, 16), empty, RADIUS) == []


class TestCrowds:
    """Hashes that stand in the same places of the tables, by nature or by somebody's intent."""

    def test_a_million_equal_hashes(self) -> None:
        known = np.tile(uniform(1, 1), (1_000_000, 1))
        known[500_000:500_010] = uniform(2, 10)
        index = made(known, 16)
        tracemalloc.start()
        query_rows, known_rows, distances = index.search(known[[0, 500_003]], RADIUS)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(query_rows) == 999_990 + 1
        assert known_rows[-1] == 500_003
        assert not distances.any()
        assert peak < 400 * 2**20

    def test_a_million_hashes_that_share_chunks_cost_a_query_no_more_than_a_scan(self) -> None:
        chunks = 12
        known = uniform(3, 1_000_000)
        shared = multi_index._DEALT[: sum(multi_index._widths(chunks)[:6])]
        mask = turned(np.zeros((1, 4), np.uint64), [shared])
        known = (known & ~mask) | (uniform(4, 1) & mask)  # all alike in six of the twelve
        queries = np.concatenate((known[:16], uniform(5, 16)))
        index = made(known, chunks)
        tracemalloc.start()
        found = results(index, queries, RADIUS)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found == results(FlatIndex(known), queries, RADIUS)
        assert peak < 100 * 2**20

    def test_a_crowd_below_the_limit_is_fetched_in_parts(self) -> None:
        known = uniform(6, 400_000)
        known[:18_000] = known[0]
        known[:18_000, 3] ^= np.arange(18_000, dtype=np.uint64) & np.uint64(0xFF)
        queries = known[[0, 1, 399_999]]
        found = results(made(known, 16), queries, 7)
        assert found == results(FlatIndex(known), queries, 7)
        assert len(found) > 30_000


class TestLayout:
    @given(st.sampled_from(CHUNKS), st.integers(0, 256))
    def test_no_pair_within_the_radius_can_be_missed(self, chunks: int, radius: int) -> None:
        """If each chunk were off by more than it looks for, the whole would be off by more than the radius.

        And so with words: one that is near in none of its chunks is further off than the words that are compared.
        """
        flips = multi_index._flips(chunks, radius)
        of_word = chunks // 4
        off = [sum(most + 1 for most in flips[word * of_word :][:of_word]) for word in range(4)]
        assert sum(off) == radius + 1
        assert max(off) - 1 == multi_index._word_radius(radius)
        assert sum(multi_index._widths(chunks)) == 256

    def test_chunks_by_the_number_of_hashes(self) -> None:
        assert [chunk_count(count, RADIUS) for count in (1_000_000, 10_000_000)] == [16, 12]
        assert multi_index._flips(16, RADIUS) == [1] * 16
        assert multi_index._flips(12, RADIUS) == [1, 2, 2] * 4
        assert multi_index._widths(12) == [21, 21, 22] * 4

    def test_tables_stay_in_proportion_to_the_hashes(self) -> None:
        for count in (16_384, 100_000, 1_000_000, 10_000_000, 100_000_000):
            shapes = table_shapes(count, chunk_count(count, RADIUS))
            size = sum(np.dtype(dtype).itemsize * int(np.prod(shape)) for dtype, shape in shapes.values())
            assert size < 300 * count

    def test_tables_are_not_made_where_a_scan_is_as_fast(self) -> None:
        assert is_worth_it(100_000, 31)
        assert is_worth_it(1_000_000, 56)
        assert not is_worth_it(1_000_000, 128)

    def test_the_bits_are_dealt_out_the_same_way_for_ever(self) -> None:
        """Tables are kept in files: with another order they would find nothing."""
        assert sorted(multi_index._DEALT) == list(range(256))
        assert multi_index._DEALT[:8] == [10, 123, 115, 251, 185, 154, 141, 3]

    def test_tables_of_other_hashes_are_refused(self) -> None:
        with pytest.raises(ValueError, match="of other hashes"):
            MultiIndex(uniform(1, 10), make_tables(uniform(1, 11), 16))
