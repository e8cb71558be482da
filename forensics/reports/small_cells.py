"""Which counts of statistics are withheld, so that none of them singles somebody out.

A count from one to four is withheld (primary suppression). That alone hides nothing where a total and the other counts
give it away, so further counts are withheld until, from all that is shown, every small one could as well be a large
one (complementary suppression). That there is none at all is never withheld. What could be worked
out is computed by linear programming over all sums at once, those that tie tables to each other included; see L. H.
Cox, "Suppression Methodology and Statistical Disclosure Control" (1980). If nothing else helps, totals go too.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog  # type: ignore[import-untyped]

LEAST_COUNT = 5
"""The smallest count that is shown, but for none at all."""

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Sum:
    """A total and the counts that it is the sum of, by their keys."""

    total: Hashable
    parts: tuple[Hashable, ...]


def withheld(measures: Sequence[Mapping[Hashable, int]], sums: Sequence[Sum]) -> set[Hashable]:
    """Decide which counts are withheld.

    Args:
        measures: Counts of the same cells in several ways (files, contents); a cell is withheld in all or none. Not
            every cell needs a count in every measure.
        sums: How the cells are tied, in each measure that has all of them.

    Returns:
        The keys of the cells.
    """
    hidden = {key for counts in measures for key, count in counts.items() if 0 < count < LEAST_COUNT}
    # a count that is safe stays so: whatever is withheld besides leaves only more open
    for key in sorted(hidden, key=repr):
        for counts in measures:
            while key in counts and 0 < counts[key] < LEAST_COUNT and _is_exposed(counts, sums, hidden, key):
                further = _further(counts, _of(counts, sums), hidden, key)
                if further is None:  # all that is tied to it is withheld already
                    break
                hidden.add(further)
    return hidden


def bounds(
    counts: Mapping[Hashable, int], sums: Iterable[Sum], hidden: set[Hashable], key: Hashable
) -> tuple[float, float]:
    """Between which numbers a withheld count must lie, as far as what is shown tells: none of them is zero.

    Args:
        counts: Of one measure.
        sums: How they are tied.
        hidden: The keys of those that are withheld.
        key: One of them.
    """
    unknown = sorted((each for each in hidden if each in counts), key=repr)
    place = {each: number for number, each in enumerate(unknown)}
    rows, values = [], []
    for one in _of(counts, sums):
        row, known = np.zeros(len(unknown)), 0
        for each, sign in ((one.total, -1), *((part, 1) for part in one.parts)):
            if each in place:
                row[place[each]] += sign
            else:
                known += sign * counts[each]
        if row.any():
            rows.append(row)
            values.append(-known)
    objective = np.zeros(len(unknown))
    objective[place[key]] = 1
    tied = {"A_eq": np.array(rows), "b_eq": np.array(values)} if rows else {}
    least, most = (linprog(sign * objective, bounds=(1, None), **tied) for sign in (1, -1))
    return (
        float(least.fun) if least.status == 0 else 1.0,
        -float(most.fun) if most.status == 0 else float("inf"),
    )


def _is_exposed(counts: Mapping[Hashable, int], sums: Sequence[Sum], hidden: set[Hashable], key: Hashable) -> bool:
    """Whether a small count could be told to be one."""
    return bounds(counts, sums, hidden, key)[1] < LEAST_COUNT - _ROUNDING


def _further(
    counts: Mapping[Hashable, int], sums: Sequence[Sum], hidden: set[Hashable], key: Hashable
) -> Hashable | None:
    """What else to withhold: the smallest count of the nearest sum that still shows one, a total only if none does."""
    tied = _tied(counts, sums, hidden, key)
    for one in tied:
        shown = [part for part in one.parts if part not in hidden and counts[part]]
        if shown:
            return min(shown, key=lambda part: (counts[part], repr(part)))
    return next((one.total for one in tied if one.total not in hidden), None)


def _tied(counts: Mapping[Hashable, int], sums: Sequence[Sum], hidden: set[Hashable], key: Hashable) -> list[Sum]:
    """The sums that a withheld count stands in, then those of the withheld counts beside it, and so on.

    Of those as near, the one that leaves least open comes first.
    """
    found: list[Sum] = []
    reached, rest = {key}, list(sums)
    while nearest := [one for one in rest if not reached.isdisjoint((one.total, *one.parts))]:
        nearest.sort(key=lambda one: sum(counts[each] for each in (one.total, *one.parts) if each in hidden))
        found += nearest
        rest = [one for one in rest if one not in nearest]
        reached |= {each for one in nearest for each in (one.total, *one.parts) if each in hidden}
    return found


def _of(counts: Mapping[Hashable, int], sums: Iterable[Sum]) -> list[Sum]:
    """The sums of which a measure has every cell."""
    return [one for one in sums if one.total in counts and all(part in counts for part in one.parts)]
