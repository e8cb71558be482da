"""What a case adds to statistics: files and contents that were hit, divided by what is known of them.

Everything is divided without overlap, so that the parts of a table add up to its total: a file counts once, under its
strongest match. Where a value is missing, a code says why: ``unknown`` (S.I., nobody knows), ``not-applicable``
(N.A.), ``not-assessed`` (nobody asked or said). None of them is zero.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from forensics.case.content_walk import HoldingStream, Scope, WalkedContent, walk_contents
from forensics.case.exhibits import Field, exhibits
from forensics.case.offence_tags import offence_tags
from forensics.case.reader import CaseReader
from forensics.case.stated import Missing, Stated
from forensics.reports.results import TIERS
from hashsets.format import Disposition
from hashsets.match import Tier

VALUE = "value"
"""There is one; a code of :class:`forensics.case.stated.Missing` says why there is none."""

SEVERAL = "several"
"""Stands for a category where entries with a digest of the content state different ones."""


class Known(NamedTuple):
    """A value, or the code for why there is none.

    Attributes:
        value: Empty if there is none.
        status: :data:`VALUE`, or a code of :class:`forensics.case.stated.Missing`.
    """

    value: str
    status: str


_NOT_ASSESSED = Known("", Missing.NOT_ASSESSED)
Row = tuple[Known, ...]


@dataclass(slots=True)
class Table:
    """One way to divide.

    Attributes:
        dimensions: What it is divided by: one name or two.
        files: Streams that hold a content that was hit, by the value of each dimension.
        contents: Distinct contents that were hit; empty where one may fall under several rows.
        exhibits: Exhibits of the case, with hits or without; empty where that says nothing.
    """

    dimensions: tuple[str, ...]
    files: Counter[Row] = field(default_factory=Counter)
    contents: Counter[Row] = field(default_factory=Counter)
    exhibits: Counter[Row] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """The dimensions in one word."""
        return "-by-".join(self.dimensions)

    def rows(self) -> list[Row]:
        """Every row that has a count, in order."""
        return sorted({*self.files, *self.contents, *self.exhibits})


@dataclass(slots=True)
class StatisticTables:
    """All of them, and the totals that they must add up to."""

    tables: list[Table]
    files: int = 0
    contents: int = 0
    exhibits: int = 0

    def leave_out(self, dimensions: Collection[str]) -> None:
        """Take out the tables that are divided by any of some dimensions."""
        self.tables = [table for table in self.tables if not set(dimensions) & set(table.dimensions)]


def gather_tables(case: CaseReader) -> StatisticTables:
    """Read a case once and count.

    Args:
        case: The case.
    """
    of_exhibits, offences = _exhibits(case), _Offences(case)
    dimensions = (
        ("disposition",), ("tier",), ("category",), ("tier", "category"),
        ("state",), ("state", "municipality"), ("exhibit-type",), ("offence",),
    )  # fmt: skip
    tables = {names: Table(names) for names in dimensions}
    for tier in TIERS:  # none at all is a value
        tables["tier",].files[Known(tier, VALUE),] = tables["tier",].contents[Known(tier, VALUE),] = 0
    result = StatisticTables(list(tables.values()), exhibits=len(of_exhibits))
    for content in walk_contents(case.query, Scope.HITS):
        of_content = _of_content(content)
        result.contents += 1
        for names, table in tables.items():
            if set(names) <= of_content.keys():
                table.contents[tuple(of_content[name] for name in names)] += 1
        for stream in content.streams:
            result.files += 1
            values = of_content | of_exhibits[stream.exhibit] | {"offence": offences.of(stream)}
            for names, table in tables.items():
                table.files[tuple(values[name] for name in names)] += 1
    for values in of_exhibits.values():
        for names, table in tables.items():
            if set(names) <= values.keys():
                row = tuple(values[name] for name in names)
                table.exhibits[row] += 1
                table.files[row] += 0  # no files at all is a value
    return result


def _of_content(content: WalkedContent) -> dict[str, Known]:
    """What a content counts under: its strongest match decides."""
    is_notable = any(match.disposition == Disposition.NOTABLE for match in content.matches)
    disposition = Disposition.NOTABLE if is_notable else Disposition.REFERENCE
    tiers = [match.tier for match in content.matches if match.disposition == disposition]
    tier = min(tiers, key=TIERS.index)
    return {
        "disposition": Known(disposition, VALUE),
        "tier": Known(tier, VALUE),
        "category": _category(content, tier),
    }


def _category(content: WalkedContent, tier: str) -> Known:
    stated = sorted(f"{scheme or 'no-scheme'}/{code}" for scheme, code in content.categories)
    if stated:
        return Known(stated[0] if len(stated) == 1 else SEVERAL, VALUE)
    return Known("", Missing.UNKNOWN) if tier == Tier.EXACT else _NOT_ASSESSED


_FIELDS = {"exhibit-type": Field.KIND, "state": Field.STATE, "municipality": Field.MUNICIPALITY}
OF_EXHIBITS = tuple(_FIELDS)
"""Dimensions that are stated of exhibits."""


def _exhibits(case: CaseReader) -> dict[str, dict[str, Known]]:
    """What is stated of each exhibit, by label."""
    return {
        exhibit.label: {name: _known(exhibit.facts[fact]) for name, fact in _FIELDS.items()}
        for exhibit in exhibits(case.store)
    }


def _known(what: Stated) -> Known:
    return Known("", what) if isinstance(what, Missing) else Known(what, VALUE)


class _Offences:
    """The offence codes that an analyst attached to the case, to an exhibit or to a hit."""

    def __init__(self, case: CaseReader) -> None:
        self._of_case: set[str] = set()
        self._of_exhibit: dict[str, set[str]] = defaultdict(set)
        self._of_locator: dict[str, set[str]] = defaultdict(set)
        for tag in offence_tags(case.store):
            code = f"{tag.catalogue}:{tag.code}"
            if tag.subject.locator is not None:
                self._of_locator[tag.subject.locator].add(code)
            elif tag.subject.exhibit is not None:
                self._of_exhibit[tag.subject.exhibit].add(code)
            else:
                self._of_case.add(code)

    def of(self, stream: HoldingStream) -> Known:
        """All codes of a file, joined: so each file counts once. One who attached none said nothing."""
        of_parts = self._of_exhibit.get(stream.exhibit, set()) | self._of_locator.get(stream.locator, set())
        codes = self._of_case | of_parts
        return Known(" + ".join(sorted(codes)), VALUE) if codes else _NOT_ASSESSED
