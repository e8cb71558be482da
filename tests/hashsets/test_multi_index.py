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
from hashsets.multi_index import CHUNKS, LEAST_HASHES, MultiIndex, index_of, is_worth_it, make_tables, table_shapes
from tests.pictures import many, plasma

RADIUS = 31
PHASH_RADIUS = 56
RADII = (RADIUS, PHASH_RADIUS)


def made(hashes: Hashes, radius: int = RADIUS) -> MultiIndex:
    return MultiIndex(hashes, make_tables(hashes, radius))


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
    @pytest.mark.parametrize("radius", RADII)
    def test_planted_pairs_at_every_distance_wherever_the_flips_are(self, radius: int) -> None:
        random = np.random.default_rng(radius)
        known = uniform(radius, 20_000)
        dealt = multi_index._DEALT  # the bits chunk by chunk
        flips: list[list[int]] = []
        for distance in range(radius + 1):
            spread = [dealt[int(place)] for place in np.linspace(0, 255, distance)]  # as evenly as can be
            together = dealt[5 : 5 + distance]
            last = dealt[256 - distance :]
            anywhere = [random.permutation(256)[:distance].tolist() for _ in range(5)]
            flips += [spread, together, last, list(range(distance)), *anywhere]
        rows = random.permutation(len(known))[: len(flips)]
        queries = turned(known[rows], flips)
        expected = [(query, int(row), len(of_row)) for query, (row, of_row) in enumerate(zip(rows, flips, strict=True))]
        assert results(made(known, radius), queries, radius) == expected

    @pytest.mark.usefixtures("never_scans")
    @pytest.mark.parametrize("radius", RADII)
    def test_each_chunk_alone_can_find(self, radius: int) -> None:
        """Every other chunk is off by one bit more than it looks for: only one leads to the hash."""
        known = uniform(1, 20_000)
        most, width = multi_index._flips(radius), 256 // CHUNKS
        flips = []
        for kept in range(CHUNKS):
            bits: list[int] = []
            for chunk in range(CHUNKS):
                count = most[chunk] if chunk == kept else most[chunk] + 1
                bits += multi_index._DEALT[chunk * width : chunk * width + count]
            flips.append(bits)
        assert {len(bits) for bits in flips} == {radius}
        queries = turned(known[:CHUNKS], flips)
        assert results(made(known, radius), queries, radius) == [(n, n, radius) for n in range(CHUNKS)]

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
        index = made(known, data.draw(st.sampled_from(RADII)))
        radius = data.draw(st.sampled_from([0, 1, 7, 15, 30, 31, 32, 56, 128, 256]))
        with pytest.MonkeyPatch.context() as patch:
            if radius <= PHASH_RADIUS:  # by the tables, though comparing all would be faster
                patch.setattr(multi_index, "_SCAN_COST", 10**9)
                patch.setattr(multi_index, "_CANDIDATES_AT_ONCE", data.draw(st.sampled_from([1, 50, 1 << 17])))
            assert results(index, queries, radius) == results(FlatIndex(known), queries, radius)

    @pytest.mark.parametrize("radius", [0, 10, 15, 21, 31, 32, 40])
    def test_any_radius_is_answered_by_the_tables_made_for_one(self, radius: int) -> None:
        known = np.concatenate((uniform(4, 30_000), of_pictures()))
        random = np.random.default_rng(5)
        rows = random.permutation(len(known))[:100]
        queries = turned(known[rows], [random.permutation(256)[: n % 42].tolist() for n in range(100)])
        index = made(known)
        assert results(index, queries, radius) == results(FlatIndex(known), queries, radius)

    def test_hashes_of_pictures_that_have_much_in_common(self) -> None:
        pictures = of_pictures()
        random = np.random.default_rng(6)
        flips = [random.permutation(256)[: random.integers(0, 20)].tolist() for _ in range(40_000)]
        known = turned(pictures[random.integers(0, len(pictures), 40_000)], flips)
        index = made(known)
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
        for made_for in RADII:
            index = made(known, made_for)
            assert results(index, queries, radius) == results(FlatIndex(known), queries, radius)
            assert len(index.search(queries, radius)[0]) == pairs

    def test_nothing_in_nothing(self) -> None:
        empty = uniform(1, 0)
        assert results(made(empty), uniform(2, 3), RADIUS) == []
        some = uniform(1, 20_000)
        assert results(made(some), empty, RADIUS) == []


class TestCrowds:
    """Hashes that stand in the same places of the tables, by nature or by somebody's intent."""

    def test_a_million_equal_hashes(self) -> None:
        known = np.tile(uniform(1, 1), (1_000_000, 1))
        known[500_000:500_010] = uniform(2, 10)
        index = made(known)
        tracemalloc.start()
        query_rows, known_rows, distances = index.search(known[[0, 500_003]], RADIUS)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(query_rows) == 999_990 + 1
        assert known_rows[-1] == 500_003
        assert not distances.any()
        assert peak < 400 * 2**20

    def test_a_million_hashes_that_share_chunks_cost_a_query_no_more_than_a_scan(self) -> None:
        known = uniform(3, 1_000_000)
        shared = multi_index._DEALT[: 256 // 2]
        mask = turned(np.zeros((1, 4), np.uint64), [shared])
        known = (known & ~mask) | (uniform(4, 1) & mask)  # all alike in half of the chunks
        queries = np.concatenate((known[:16], uniform(5, 16)))
        index = made(known)
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
        found = results(made(known), queries, 7)
        assert found == results(FlatIndex(known), queries, 7)
        assert len(found) > 30_000


class TestLayout:
    @given(st.integers(0, 256))
    def test_no_pair_within_the_radius_can_be_missed(self, radius: int) -> None:
        """If each chunk were off by more than it looks for, the whole would be off by more than the radius.

        And so with words: one that is near in none of its chunks is further off than the words that are compared.
        """
        flips = multi_index._flips(radius)
        of_word = CHUNKS // 4
        off = [sum(most + 1 for most in flips[word * of_word :][:of_word]) for word in range(4)]
        assert sum(off) == radius + 1
        assert [each - 1 for each in off] == [multi_index._word_radius(radius, word) for word in range(4)]

    def test_one_flip_in_each_chunk_for_31_bits(self) -> None:
        assert multi_index._flips(RADIUS) == [1] * CHUNKS

    @pytest.mark.parametrize("radius", RADII)
    def test_tables_stay_in_proportion_to_the_hashes(self, radius: int) -> None:
        for count in (16_384, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000):
            shapes = table_shapes(count, radius)
            size = sum(np.dtype(dtype).itemsize * int(np.prod(shape)) for dtype, shape in shapes.values())
            assert size < 200 * count + 2**23

    @pytest.mark.parametrize("radius", RADII)
    def test_tables_made_in_parts_are_those_made_at_once(self, radius: int, monkeypatch: pytest.MonkeyPatch) -> None:
        known = np.concatenate((uniform(7, 20_000), np.tile(uniform(8, 1), (500, 1)), uniform(9, 1000)))
        whole = make_tables(known, radius)
        monkeypatch.setattr(multi_index, "_ROWS_AT_ONCE", 3000)
        monkeypatch.setattr(multi_index, "_WRITTEN_AT_ONCE", 700)
        parts = make_tables(known, radius)
        for name, table in whole.items():
            assert (table == parts[name]).all()

    def test_a_table_is_in_order_and_holds_each_hash_once(self) -> None:
        known = uniform(10, 20_000)
        tables = make_tables(known, RADIUS)
        bits = np.unpackbits(known.view(np.uint8), axis=1, bitorder="little")[:, multi_index._DEALT]
        for chunk in range(CHUNKS):
            values = bits[:, 16 * chunk : 16 * chunk + 16] @ (1 << np.arange(16))
            starts = tables["bucket_starts"][chunk << 16 : (chunk + 1 << 16) + 1].astype(np.int64) - chunk * len(known)
            rows = tables["bucket_rows"][chunk]
            assert (rows == np.argsort(values, kind="stable")).all()
            assert (starts == np.searchsorted(values[rows], np.arange((1 << 16) + 1))).all()

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
            MultiIndex(uniform(1, 10), make_tables(uniform(1, 11), RADIUS))


def test_the_cheaper_index_is_chosen_and_finds_the_same() -> None:
    few, many = uniform(3, 100), uniform(4, LEAST_HASHES)
    assert isinstance(index_of(few, RADIUS), FlatIndex)
    index = index_of(many, RADIUS)
    assert isinstance(index, MultiIndex)
    asked = turned(many[:50], [[number, 100, 200] for number in range(50)])
    for ours, theirs in zip(index.search(asked, RADIUS), FlatIndex(many).search(asked, RADIUS), strict=True):
        assert ours.tolist() == theirs.tolist()
