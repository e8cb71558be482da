"""What is shown must not tell a small count: checked by trying every table that agrees with what is shown."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forensics.reports.small_cells import LEAST_COUNT, Sum, bounds, withheld

Counts = dict[Hashable, int]
LARGEST_TRIED = 11


def one_way(*parts: int) -> tuple[Counts, list[Sum]]:
    counts: Counts = {"total": sum(parts)} | dict(enumerate(parts))
    return counts, [Sum("total", tuple(range(len(parts))))]


def two_way(cells: list[list[int]]) -> tuple[Counts, list[Sum]]:
    """A table with its rows, columns and total."""
    counts: Counts = {(i, j): cell for i, row in enumerate(cells) for j, cell in enumerate(row)}
    sums = []
    width = len(cells[0])
    for i, row in enumerate(cells):
        counts["row", i] = sum(row)
        sums.append(Sum(("row", i), tuple((i, j) for j in range(width))))
    for j in range(width):
        counts["column", j] = sum(row[j] for row in cells)
        sums.append(Sum(("column", j), tuple((i, j) for i in range(len(cells)))))
    counts["total"] = sum(map(sum, cells))
    for side, number in (("row", len(cells)), ("column", width)):
        sums.append(Sum("total", tuple((side, each) for each in range(number))))
    return counts, sums


def possible(counts: Counts, hidden: set[Hashable], height: int, width: int) -> dict[Hashable, set[int]]:
    """Every value that each withheld count takes in some table which agrees with all that is shown."""
    inner = [(i, j) for i in range(height) for j in range(width)]
    tried = [range(1, LARGEST_TRIED) if cell in hidden else (counts[cell],) for cell in inner]
    found: dict[Hashable, set[int]] = {key: set() for key in hidden}
    for values in product(*tried):
        cells = [list(values[i * width : (i + 1) * width]) for i in range(height)]
        table, _ = two_way(cells)
        if all(table[key] == count for key, count in counts.items() if key not in hidden):
            for key in hidden:
                found[key].add(table[key])
    return found


@given(st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=2, max_size=2))
@example([[0, 5], [5, 1]])
@example([[0, 0], [1, 1]])
@example([[6, 6], [6, 1]])
@settings(max_examples=12, deadline=None)
def test_no_small_count_of_a_table_can_be_told(cells: list[list[int]]) -> None:
    counts, sums = two_way(cells)
    hidden = withheld([counts], sums)
    small = {key for key, count in counts.items() if 0 < count < LEAST_COUNT}
    assert small <= hidden
    assert not {key for key in hidden if counts[key] == 0}
    values = possible(counts, hidden, 2, 2)
    for key in small:
        assert counts[key] in values[key]
        assert max(values[key]) >= LEAST_COUNT


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
@settings(deadline=None)
def test_a_row_of_counts_beside_its_total(parts: list[int]) -> None:
    counts, sums = one_way(*parts)
    hidden = withheld([counts], sums)
    unknown = [part for part in range(len(parts)) if part in hidden]
    if any(0 < parts[part] < LEAST_COUNT for part in unknown) and "total" not in hidden:
        rest = counts["total"] - sum(count for part, count in enumerate(parts) if part not in hidden)
        assert rest - (len(unknown) - 1) >= LEAST_COUNT
        assert len(unknown) > 1


@pytest.mark.parametrize(
    ("parts", "hidden"),
    [
        ((10, 20, 30), set()),
        ((0, 20, 30), set()),
        ((3, 20, 30), {0, 1}),
        ((3, 0, 30), {0, 2}),
        ((1, 1, 50, 9), {0, 1, 3}),
        ((3, 4, 50), {0, 1}),
        ((3,), {0, "total"}),
        ((0, 0), set()),
    ],
)
def test_the_smallest_that_helps_is_withheld_besides(parts: tuple[int, ...], hidden: set[Hashable]) -> None:
    assert withheld([one_way(*parts)[0]], one_way(*parts)[1]) == hidden


def test_a_cell_is_withheld_in_all_measures_or_in_none() -> None:
    files, sums = one_way(7, 30, 40)
    contents, _ = one_way(2, 30, 40)
    assert withheld([files, contents], sums) == {0, 1}
    assert withheld([files], sums) == set()


def test_what_a_table_beside_it_would_tell_is_withheld_too() -> None:
    """A small cell cannot be told from another table with the same parts and total."""
    counts: Counts = {"total": 60, "a": 3, "b": 57, ("a", 1): 3, ("b", 1): 17, ("b", 2): 40}
    sums = [
        Sum("total", ("a", "b")),
        Sum("total", (("a", 1), ("b", 1), ("b", 2))),
        Sum("a", (("a", 1),)),
        Sum("b", (("b", 1), ("b", 2))),
    ]
    assert withheld([counts], sums) == {"a", "b", ("a", 1), ("b", 1)}
    assert bounds(counts, sums, {"a", "b", ("a", 1)}, "a") == (3, 3)
    assert bounds(counts, sums, {"a", "b", ("a", 1), ("b", 1)}, "a") == (1, 19)


def test_a_total_alone_gives_a_single_part_away() -> None:
    counts, sums = one_way(7)
    assert bounds(counts, sums, {0}, 0) == (7, 7)
    assert bounds(counts, sums, {0, "total"}, 0) == (1, float("inf"))
