"""hashsets.external_sort: all records by their keys, whatever fits into memory, and no file left of it."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashsets import external_sort
from hashsets.external_sort import ExternalSort, Records

KEYS = st.sampled_from([0, 1, 2**20, 2**52 - 1, 2**52, 2**63, 2**63 + 1, 2**64 - 1]) | st.integers(0, 2**64 - 1)


def given_back(records: Records, folder: Path, at_once: int = 1000) -> list[Records]:
    sort = ExternalSort(folder, records.shape[1])
    for start in range(0, len(records), at_once):
        sort.add(records[start : start + at_once])
    assert len(sort) == len(records)
    parts = list(sort.sorted_parts())
    assert [part.tolist() for part in sort.sorted_parts()] == [part.tolist() for part in parts]
    sort.close()
    return parts


@settings(deadline=None)
@given(st.lists(KEYS, max_size=60), st.integers(1, 200), st.integers(1, 200), st.integers(1, 20))
def test_by_key_and_those_of_one_key_as_they_came(keys: list[int], run: int, part: int, at_once: int) -> None:
    records = np.array([(key, number) for number, key in enumerate(keys)], np.uint64).reshape(-1, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "RUN_BYTES", run)
        patch.setattr(external_sort, "PART_BYTES", part)
        parts = given_back(records, Path("nowhere"), at_once)
    found = [tuple(record) for of_part in parts for record in of_part.tolist()]
    assert found == [(key, number) for key, number in sorted((key, number) for number, key in enumerate(keys))]
    firsts_and_lasts = [(of_part[0, 0], of_part[-1, 0]) for of_part in parts]
    assert all(before[1] < after[0] for before, after in pairwise(firsts_and_lasts))


def test_keys_that_differ_only_where_their_places_are_kept(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    keys = np.uint64(2**63) + random.integers(0, 2**17, 100_000).astype(np.uint64)
    records = np.stack((keys, np.arange(100_000, dtype=np.uint64)), axis=1)
    found = np.concatenate(given_back(records, tmp_path, 30_000))
    assert (found == records[np.argsort(keys, kind="stable")]).all()


def test_memory_is_that_of_a_part_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_sort, "RUN_BYTES", 1 << 18)
    monkeypatch.setattr(external_sort, "PART_BYTES", 1 << 20)
    records = np.random.default_rng(2).integers(0, 2**64, (400_000, 3), np.uint64)
    tracemalloc.start()
    sort = ExternalSort(tmp_path, 3)
    for start in range(0, len(records), 1000):
        sort.add(records[start : start + 1000])
    total = sum(int(part[:, 1].sum()) for part in sort.sorted_parts()) % 2**64
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == int(records[:, 1].sum())
    assert peak < 6 << 20 < records.nbytes
    assert list(tmp_path.iterdir()) == []
    sort.close()
