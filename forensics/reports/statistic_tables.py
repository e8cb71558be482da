"""What a case adds to statistics: files and contents that were hit, divided by what is known of them.

Everything is divided without overlap, so that the parts of a table add up to its total: a file counts once, under its
strongest match. Where a value is missing, a code says why: ``unknown`` (S.I., nobody knows), ``not-applicable``
(N.A.), ``not-assessed`` (nobody asked or said). None of them is zero.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from forensics.case.content_walk import HoldingStream, Scope, WalkedContent, walk_contents
from forensics.case.reader import CaseReader
from forensics.reports.results import TIERS
from hashsets.format import Disposition
from hashsets.match import Tier

VALUE, UNKNOWN, NOT_APPLICABLE, NOT_ASSESSED = "value", "unknown", "not-applicable", "not-assessed"
"""Whether there is a value, and if not why: the codes of ``forensics/case/proceedings.sql``."""

SEVERAL = "several"
"""Stands for a category where entries with a digest of the content state different ones."""


class Known(NamedTuple):
    """A value, or the code for why there is none.

    Attributes:
        value: Empty if there is none.
        status: One of the four codes.
    """

    value: str
    status: str


_NOT_ASSESSED = Known("", NOT_ASSESSED)
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


def gather_tables(case: CaseReader) -> StatisticTables:
    """Read a case once and count.

    Args:
        case: The case.
    """
    exhibits, offences = _exhibits(case), _Offences(case)
    dimensions = (
        ("disposition",), ("tier",), ("category",), ("tier", "category"),
        ("state",), ("state", "municipality"), ("exhibit-type",), ("offence",),
    )  # fmt: skip
    tables = {names: Table(names) for names in dimensions}
    for tier in TIERS:  # none at all is a value
        tables["tier",].files[Known(tier, VALUE),] = tables["tier",].contents[Known(tier, VALUE),] = 0
    result = StatisticTables(list(tables.values()), exhibits=len(exhibits))
    for content in walk_contents(case.query, Scope.HITS):
        of_content = _of_content(content)
        result.contents += 1
        for names, table in tables.items():
            if set(names) <= of_content.keys():
                table.contents[tuple(of_content[name] for name in names)] += 1
        for stream in content.streams:
            result.files += 1
            values = of_content | exhibits[stream.exhibit] | {"offence": offences.of(stream)}
            for names, table in tables.items():
                table.files[tuple(values[name] for name in names)] += 1
    for values in exhibits.values():
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
    return Known("", UNKNOWN) if tier == Tier.EXACT else _NOT_ASSESSED


_FIELDS = {"kind": "exhibit-type", "state": "state", "municipality": "municipality"}


def _exhibits(case: CaseReader) -> dict[str, dict[str, Known]]:
    """What was stated last of each exhibit."""
    found = {row["label"]: dict.fromkeys(_FIELDS.values(), _NOT_ASSESSED) for row in case.exhibits()}
    for row in case.query(
        "SELECT label, field, value, value_missing FROM exhibit_statements "
        "JOIN exhibits ON exhibits.id = exhibit_id ORDER BY exhibit_statements.id"
    ):
        if row["field"] in _FIELDS:
            found[row["label"]][_FIELDS[row["field"]]] = _known(row)
    return found


def _known(row: dict[str, Any]) -> Known:
    return Known(row["value"], VALUE) if row["value"] is not None else Known("", row["value_missing"])


class _Offences:
    """The offence codes that an analyst attached to the case, to an exhibit or to a hit."""

    def __init__(self, case: CaseReader) -> None:
        self._of_case: set[str] = set()
        self._of_exhibit: dict[str, set[str]] = defaultdict(set)
        self._of_locator: dict[str, set[str]] = defaultdict(set)
        for row in case.query(
            "SELECT catalogue, code, subject, exhibits.label AS exhibit, locator FROM offence_tags "
            "JOIN offences ON offences.id = offence_id LEFT JOIN exhibits ON exhibits.id = exhibit_id "
            "WHERE removes_id IS NULL AND offence_tags.id NOT IN "
            "(SELECT removes_id FROM offence_tags WHERE removes_id IS NOT NULL)"
        ):
            code = f"{row['catalogue']}:{row['code']}"
            match row["subject"]:
                case "case":
                    self._of_case.add(code)
                case "exhibit":
                    self._of_exhibit[row["exhibit"]].add(code)
                case _:
                    self._of_locator[row["locator"]].add(code)

    def of(self, stream: HoldingStream) -> Known:
        """All codes of a file, joined: so each file counts once."""
        codes = (
            self._of_case | self._of_exhibit.get(stream.exhibit, set()) | self._of_locator.get(stream.locator, set())
        )
        return Known(" + ".join(sorted(codes)), VALUE) if codes else _NOT_ASSESSED
