"""hashsets.perceptual_index: which entries state a hash that is near, from a file beside the set or without it."""

from __future__ import annotations

import stat
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import LibraryError
from hashsets import external_sort, multi_index, perceptual_index
from hashsets.array_file import ArrayFile, write_arrays
from hashsets.digest_index import source_of
from hashsets.format import Disposition
from hashsets.hamming import FlatIndex, Hashes, pack
from hashsets.known_hashes import SEARCHED
from hashsets.library import Library, set_path
from hashsets.match import KnownSet, Tier
from hashsets.matcher import Matcher
from hashsets.multi_index import MultiIndex
from hashsets.perceptual_index import (
    KIND,
    PerceptualIndex,
    PerceptualIndexBuilder,
    Row,
    check_index,
    index_path,
    open_index,
)
from tests.hashsets.invented import distance, flipped, hexadecimal, picture_hash, seeded


def near(index: PerceptualIndex, queries: list[str], radius: int) -> list[tuple[int, int, int]]:
    """Row of the query, position of the entry, least distance."""
    return [
        (row, int(index.positions[entry]), bits)
        for part in index.entries_of(index.search(pack(queries), radius))
        for row, entry, bits in zip(*(column.tolist() for column in part), strict=True)
    ]


def made(hashes: Hashes, positions: list[int] | np.ndarray[tuple[int], np.dtype[np.uint64]]) -> PerceptualIndex:
    builder = PerceptualIndexBuilder(Path("nowhere"), 31)
    positions = np.array(positions, np.uint64)
    for start in range(0, len(hashes), 50_000):
        builder.add(hashes[start : start + 50_000], positions[start : start + 50_000])
    return builder.in_memory()


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_agrees_with_counting_bits(data: st.DataObject) -> None:
    chance = seeded(data.draw(st.integers(0, 2**32)))
    centres = [hexadecimal(chance, 64) for _ in range(4)]
    values = [flipped(chance.choice(centres), chance.sample(range(256), chance.randint(0, 25))) for _ in range(12)]
    stated = {
        position * 2 ** chance.choice((0, 31)): sorted(set(chance.choices(values, k=chance.randint(1, 4))))
        for position in range(1, data.draw(st.integers(1, 20)))
    }
    rows: list[Row] = [(position, value) for position in sorted(stated) for value in stated[position]]
    builder = PerceptualIndexBuilder(Path("nowhere"), 31)
    with pytest.MonkeyPatch.context() as patch:  # some in memory at a time
        patch.setattr(external_sort, "RUN_BYTES", data.draw(st.sampled_from([1, 48 * 5, 1 << 20])))
        patch.setattr(external_sort, "PART_BYTES", data.draw(st.sampled_from([1, 48 * 7, 1 << 20])))
        patch.setattr(perceptual_index, "_PACKED_AT_ONCE", data.draw(st.sampled_from([1, 5, 1 << 20])))
        patch.setattr(perceptual_index, "_POSITIONS_AT_ONCE", data.draw(st.sampled_from([1, 5, 1 << 20])))
        builder.add_rows(rows)
        index = builder.in_memory()
    builder.close()
    queries = [*centres, *values[:4]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perceptual_index, "_COPIES_AT_ONCE", data.draw(st.sampled_from([1, 5, 1 << 20])))
        found = near(index, queries, 31)
    assert found == [
        (row, position, least)
        for row, query in enumerate(queries)
        for position in sorted(stated)
        if (least := min(distance(query, value) for value in stated[position])) <= 31
    ]
    assert len(index.hashes) == len({value for _, value in rows})
    for number, position in enumerate(sorted(stated)):
        assert index.hashes[index.rows(number)].tolist() == pack(stated[position]).tolist()


def test_hashes_by_the_tables_and_by_comparing_all() -> None:
    random = np.random.default_rng(1)
    given_hashes = random.integers(0, 2**64, (70_000, 4), np.uint64)
    given_hashes[40_000:] = given_hashes[random.integers(0, 20_000, 30_000)]
    positions = np.arange(70_000, dtype=np.uint64) // 2
    index = made(given_hashes, positions)
    assert isinstance(index._index, MultiIndex)
    assert len(index.hashes) == 40_000
    queries: Hashes = np.bitwise_xor(given_hashes[::1000], np.array([7, 0, 1 << 63, 0], np.uint64))
    parts = [np.stack(part) for part in index.entries_of(index.search(queries, 31))]
    rows, known, bits = (column.tolist() for column in FlatIndex(given_hashes).search(queries, 31))
    expected = {(row, of_hash // 2, away) for row, of_hash, away in zip(rows, known, bits, strict=True)}
    assert np.concatenate(parts, axis=1).T.tolist() == [list(each) for each in sorted(expected)]


def test_one_hash_in_a_million_entries_is_kept_once_and_told_in_parts() -> None:
    given_hashes = np.tile(pack([hexadecimal(seeded(2), 64)]), (1_200_000, 1))
    index = made(given_hashes, np.arange(1, 1_200_001, dtype=np.uint64))
    assert len(index.hashes) == 1
    queries = given_hashes[:3] ^ np.array([[0], [1], [3]], np.uint64) * np.array([1, 0, 0, 0], np.uint64)
    parts = list(index.entries_of(index.search(queries, 31)))
    assert [len(rows) for rows, _, _ in parts] == [1_200_000] * 3
    assert [bits[0] for _, _, bits in parts] == [0, 1, 2]


def test_memory_does_not_grow_with_the_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_sort, "RUN_BYTES", 1 << 18)
    monkeypatch.setattr(external_sort, "PART_BYTES", 1 << 20)
    monkeypatch.setattr(perceptual_index, "_POSITIONS_AT_ONCE", 10_000)
    monkeypatch.setattr(multi_index, "_ROWS_AT_ONCE", 10_000)
    monkeypatch.setattr(multi_index, "_WRITTEN_AT_ONCE", 10_000)
    random = np.random.default_rng(4)
    peaks = []
    for count in (40_000, 120_000):
        path = tmp_path / str(count)
        tracemalloc.start()
        builder = PerceptualIndexBuilder(tmp_path, 31)
        for start in range(0, count, 5000):
            hashes = random.integers(0, 2**64, (5000, 4), np.uint64)
            builder.add(hashes, np.arange(start, start + 5000, dtype=np.uint64))
        builder.write(path, "source")
        builder.close()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert path.stat().st_size > 150 * count
    assert peaks[1] < 1.1 * peaks[0]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["120000", "40000"]


class TestFiles:
    @pytest.fixture
    def values(self) -> list[str]:
        chance = seeded(3)
        return [hexadecimal(chance, 64) for _ in range(17_000)]

    @pytest.fixture
    def known_set(self, library: Library, values: list[str], tmp_path: Path) -> KnownSet:
        return self.imported(library, values, tmp_path, Disposition.NOTABLE)

    def imported(self, library: Library, values: list[str], folder: Path, disposition: Disposition) -> KnownSet:
        path = folder / "list.csv"
        path.write_text("pdq\n" + "\n".join(values) + "\n")
        return library.import_list(path, str(disposition), disposition)

    def assert_finds(self, library: Library, known_set: KnownSet, values: list[str]) -> None:
        with Matcher.open(library.folder, [known_set.uuid]) as matcher:
            ((match,),) = matcher.near([[picture_hash(flipped(values[777], range(100, 131)))]])
        assert (match.entry.position, match.distance, match.tier) == (779, 31, Tier.NEAR)

    def test_an_import_writes_a_private_file_for_each_algorithm(
        self, library: Library, known_set: KnownSet, values: list[str]
    ) -> None:
        set_file = set_path(library.folder, known_set.uuid)
        for algorithm, count in (("pdq", len(values)), ("phash", 0), ("vpdq", 0)):
            path = index_path(set_file, algorithm)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            check_index(set_file, known_set.uuid, algorithm, SEARCHED)
            assert len(open_index(set_file, known_set.uuid, algorithm, SEARCHED).hashes) == count
        self.assert_finds(library, known_set, values)

    def test_benign_sets_need_none(self, library: Library, values: list[str], tmp_path: Path) -> None:
        benign = self.imported(library, values[:10], tmp_path, Disposition.BENIGN)
        assert not index_path(set_path(library.folder, benign.uuid), "pdq").exists()

    def test_with_the_set_its_indexes_go(self, library: Library, known_set: KnownSet) -> None:
        set_file = set_path(library.folder, known_set.uuid)
        library.remove(known_set.name)
        assert list(set_file.parent.glob(f"{known_set.uuid}*")) == []

    @pytest.mark.parametrize("harm", ["missing", "empty", "cut short", "of another rule", "no index"])
    def test_what_is_stale_or_damaged_is_made_anew(
        self, harm: str, library: Library, known_set: KnownSet, values: list[str]
    ) -> None:
        set_file = set_path(library.folder, known_set.uuid)
        path = index_path(set_file, "pdq")
        whole = path.read_bytes()
        path.unlink()
        if harm == "of another rule":
            perceptual_index.open_or_make_index(set_file, known_set.uuid, "pdq", "another", 31, list)
        elif harm != "missing":
            path.write_bytes({"empty": b"", "cut short": whole[:-64], "no index": b"x" * len(whole)}[harm])
        self.assert_finds(library, known_set, values)
        assert path.read_bytes() == whole

    def test_where_nothing_can_be_written_it_is_made_in_memory(
        self, library: Library, known_set: KnownSet, values: list[str]
    ) -> None:
        path = index_path(set_path(library.folder, known_set.uuid), "pdq")
        path.unlink()
        (path / "in the way").mkdir(parents=True)
        self.assert_finds(library, known_set, values)

    def test_a_flipped_bit_is_found_by_the_check(self, library: Library, known_set: KnownSet) -> None:
        set_file = set_path(library.folder, known_set.uuid)
        path = index_path(set_file, "pdq")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(LibraryError, match="damaged"):
            check_index(set_file, known_set.uuid, "pdq", SEARCHED)

    def damage(self, library: Library, known_set: KnownSet, name: str) -> None:
        """Turn over all bits of an array, in an index that is whole otherwise."""
        set_file = set_path(library.folder, known_set.uuid)
        path = index_path(set_file, "pdq")
        source = f"{source_of(set_file, known_set.uuid)}, {SEARCHED}"
        whole = ArrayFile(path, KIND, source)
        arrays = {each["name"]: whole[each["name"]] for each in whole._description["arrays"]}
        write_arrays(path, KIND, source, {**arrays, name: np.bitwise_not(arrays[name])})

    def test_an_index_that_does_not_fit_together_is_said_and_not_searched(
        self, library: Library, known_set: KnownSet, values: list[str]
    ) -> None:
        self.damage(library, known_set, "entry_of_copy")
        with (
            Matcher.open(library.folder, [known_set.uuid]) as matcher,
            pytest.raises(LibraryError, match="index of perceptual hashes is damaged"),
        ):
            matcher.near([[picture_hash(value)] for value in values[:20]])

    def test_where_the_tables_make_no_sense_all_hashes_are_compared(
        self, library: Library, known_set: KnownSet, values: list[str]
    ) -> None:
        self.damage(library, known_set, "bucket_starts")
        self.assert_finds(library, known_set, values)
