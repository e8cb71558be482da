"""Counts for statistics: they are those of the hits, they add up, and small ones are for the laboratory only."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scipy.optimize import linprog  # type: ignore[import-untyped]

from forensics.case.exhibits import Field, describe_exhibit
from forensics.case.reader import CaseReader
from forensics.case.stated import Missing
from forensics.reports.exporter import write_export
from forensics.reports.recipient import Recipient
from forensics.reports.small_cells import LEAST_COUNT
from forensics.reports.statistic_tables import VALUE, Known, StatisticTables, Table
from forensics.reports.statistics import TOTAL, StatisticsExporter, _hidden
from hashsets.match import Tier
from tests.reports.conftest import EXAMINER, MARKER, NOTABLE, OTHER, REFERENCE, NewCase, match

OTHERS = [Recipient.PROSECUTOR, Recipient.DEFENCE, Recipient.COURT]


def export(case: Path, recipient: Recipient = Recipient.LABORATORY, suffix: str = ".json") -> Path:
    output = case.parent / f"{recipient}{suffix}"
    with CaseReader.open(case) as reader:
        write_export(StatisticsExporter(), reader, output, recipient)
    return output


def rows_of(case: Path, recipient: Recipient = Recipient.LABORATORY) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(export(case, recipient).read_text("utf-8"))["rows"]
    return rows


def counts(rows: list[dict[str, Any]], table: str, measure: str) -> dict[tuple[str, ...], int | None]:
    return {
        tuple(row[name] or row[f"{name}_status"] for name in ("first", "second") if row[f"{name}_status"]): row["count"]
        for row in rows
        if (row["table"], row["measure"]) == (table, measure)
    }


@pytest.fixture
def many(new_case: NewCase) -> Path:
    """A case with large and small counts, whose exhibit is described."""
    writer = new_case()
    for number in range(20):
        writer.add(b"a%d" % number, b"exact %d" % number, match(NOTABLE, 1 + number, category="1"))
    for number in range(12):
        writer.add(b"b%d" % number, b"near %d" % number, match(NOTABLE, 100 + number, Tier.NEAR, 4))
    for number in range(2):
        writer.add(b"c%d" % number, b"rare %d" % number, match(NOTABLE, 200 + number, category="2"))
    for number in range(3):
        writer.add(b"d%d" % number, b"exact 0", match(NOTABLE, 1, category="1"))
    for number in range(8):
        writer.add(b"e%d" % number, b"own %d" % number, match(REFERENCE, 1 + number, category=None))
    facts = {Field.KIND: "phone", Field.STATE: "Jalisco", Field.MUNICIPALITY: Missing.UNKNOWN}
    describe_exhibit(writer.store, EXAMINER, "E1", facts)
    return writer.finish()


def test_the_counts_are_those_of_the_hits(many: Path) -> None:
    rows = rows_of(many)
    with CaseReader.open(many) as case:
        hits = list(case.hits())
    files = Counter((hit.locator, hit.path) for hit in hits)
    assert counts(rows, "tier", "files") == {
        ("exact",): 33, ("near",): 12, ("similar",): 0, ("total",): len(files),
    }  # fmt: skip
    assert counts(rows, "tier", "contents") == {
        ("exact",): 30, ("near",): 12, ("similar",): 0, ("total",): len({hit.sha256 for hit in hits}),
    }  # fmt: skip
    assert counts(rows, "category", "files") == {
        ("vics-2.0-mx/1",): 23, ("vics-2.0-mx/2",): 2, ("unknown",): 8, ("not-assessed",): 12, ("total",): 45,
    }  # fmt: skip
    assert counts(rows, "tier-by-category", "contents")["exact", "vics-2.0-mx/1"] == 20
    assert counts(rows, "disposition", "files") == {("notable",): 37, ("reference",): 8, ("total",): 45}


def test_missing_values_are_four_different_things(many: Path) -> None:
    rows = rows_of(many)
    assert counts(rows, "state-by-municipality", "exhibits") == {
        ("Jalisco", "unknown"): 1, ("not-assessed", "not-assessed"): 1, ("total",): 2,
    }  # fmt: skip
    assert counts(rows, "exhibit-type", "files") == {("phone",): 45, ("not-assessed",): 0, ("total",): 45}
    assert counts(rows, "offence", "files") == {("not-assessed",): 45, ("total",): 45}


@pytest.mark.parametrize("recipient", OTHERS)
def test_others_see_no_small_count_and_cannot_work_one_out(many: Path, recipient: Recipient) -> None:
    rows = rows_of(many, recipient)
    shown = [row["count"] for row in rows if row["table"] not in {"coverage", "reconciliation"} and row["count"]]
    assert min(shown) >= LEAST_COUNT
    category = counts(rows, "category", "files")
    assert category["vics-2.0-mx/2",] is None
    assert sum(count is None for count in category.values()) >= 2
    assert counts(rows, "tier", "files")["near",] == 12
    assert all(row["count_status"] == ("withheld" if row["count"] is None else "value") for row in rows)


def test_everyone_else_gets_the_same_but_a_court_nothing_of_exhibits(many: Path) -> None:
    prosecutor, defence, court = (rows_of(many, recipient) for recipient in OTHERS)
    assert prosecutor == defence
    of_exhibits = ("state", "state-by-municipality", "exhibit-type")
    assert court == [
        row
        for row in prosecutor
        if row["table"] not in of_exhibits and not str(row["first"]).removesuffix(" adds up").startswith(of_exhibits)
    ]
    assert "Jalisco" not in json.dumps(court)
    assert "phone" in json.dumps(prosecutor)


def test_everything_reconciles_and_a_table_adds_up_to_its_total(many: Path) -> None:
    rows = rows_of(many)
    verdicts = [row["second"] for row in rows if row["table"] == "reconciliation"]
    assert set(verdicts) == {"reconciles"}
    for table, measure in {(row["table"], row["measure"]) for row in rows} - {
        ("coverage", "files"), *((row["table"], row["measure"]) for row in rows if row["table"] == "reconciliation"),
    }:  # fmt: skip
        of_table = counts(rows, table, measure)
        total = of_table.pop(("total",))
        assert sum(count or 0 for count in of_table.values()) == total
    with CaseReader.open(many) as case:
        streams = case.stream_counts()
    coverage = counts(rows, "coverage", "files")
    assert coverage["seen",] == streams.seen == streams.hashed + streams.skipped + streams.failed


def equations(keys: list[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Every sum that a reader of the tables of one measure knows: a total, and the rows that add up to it."""
    for table in {key[0] for key in keys}:
        yield (table, "total"), [key for key in keys if key[0] == table and key[1:] != ("total",)]
        yield (table, "total"), [("tier", "total")]
    for table, margins in (("tier-by-category", ("tier", "category")), ("state-by-municipality", ("state",))):
        for number, margin in enumerate(margins):
            for key in keys:
                if key[0] == margin and key[1:] != ("total",) and any(one[0] == table for one in keys):
                    yield key, [one for one in keys if one[0] == table and len(one) == 3 and one[1 + number] == key[1]]


def largest_possible(shown: dict[tuple[str, ...], int | None], key: tuple[str, ...]) -> float:
    """The largest value of a withheld count that agrees with all that is shown, by linear programming."""
    keys = list(shown)
    matrix = []
    for total, parts in equations(keys):
        row = [0.0] * len(keys)
        row[keys.index(total)] -= 1
        for part in parts:
            row[keys.index(part)] += 1
        matrix.append(row)
    limits = [(1, None) if count is None else (count, count) for count in shown.values()]
    objective = [-1.0 if one == key else 0.0 for one in keys]
    found = linprog(objective, A_eq=matrix, b_eq=[0.0] * len(matrix), bounds=limits)
    assert found.status in {0, 3}  # solved, or without a bound
    return -found.fun + 1e-6 if found.status == 0 else float("inf")


@pytest.mark.parametrize("measure", ["files", "contents"])
def test_from_all_tables_together_no_small_count_can_be_told(many: Path, measure: str) -> None:
    """Worked out anew from what is in the file, over every sum that a reader knows."""
    laboratory, shown = (
        {
            (table, *row): count
            for table in sorted({row["table"] for row in rows} - {"coverage", "reconciliation"})
            for row, count in counts(rows, table, measure).items()
        }
        for rows in (rows_of(many), rows_of(many, Recipient.PROSECUTOR))
    )
    small = [key for key, count in laboratory.items() if count and count < LEAST_COUNT]
    assert small
    assert min(largest_possible(shown, key) for key in small) >= LEAST_COUNT


@pytest.mark.parametrize("cells", [(3, 50, 40, 60), (50, 3, 2, 60), (1, 1, 1, 90), (4, 0, 30, 7)])
def test_the_margins_of_a_table_of_two_dimensions_do_not_tell_its_cells(cells: tuple[int, ...]) -> None:
    tier, category, both = Table(("tier",)), Table(("category",)), Table(("tier", "category"))
    for number, count in enumerate(cells):
        row: tuple[Known, ...] = Known(f"tier {number // 2}", VALUE), Known(f"category {number % 2}", VALUE)
        both.files[row] += count
        tier.files[row[:1]] += count
        category.files[row[1:]] += count
    hidden = _hidden(StatisticTables([tier, category, both], sum(cells)))["files"]
    known: dict[tuple[str, ...], int] = {}
    shown: dict[tuple[str, ...], int | None] = {}
    for table in (tier, category, both):
        for row, count in table.files.items():
            key = (table.name, *(one.value for one in row))
            known[key], shown[key] = count, None if (table.name, row) in hidden else count
        shown[table.name, "total"] = None if TOTAL in hidden else sum(cells)
    small = [key for key, count in known.items() if 0 < count < LEAST_COUNT]
    assert all(shown[key] is None for key in small)
    assert min(largest_possible(shown, key) for key in small) >= LEAST_COUNT


def test_it_is_a_dated_snapshot_with_the_head_of_the_ledger_and_no_names(many: Path) -> None:
    text = export(many, Recipient.COURT).read_text("utf-8")
    document = json.loads(text)
    with CaseReader.open(many) as case:
        assert document["ledger_hash"] == list(case.ledger())[-1].hash
        assert document["case"] == case.case_info()["uuid"]
    assert document["snapshot"].endswith("Z")
    for name in ("CI/FE/017/2026", "Oficio", EXAMINER.name, MARKER, "lista nacional", "E1"):
        assert name not in text


def test_the_table_says_the_same_as_the_json(many: Path) -> None:
    table = export(many, Recipient.PROSECUTOR, ".csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table, newline=""), strict=True))
    assert [
        {name: value or None for name, value in row.items()} | {"count": int(row["count"]) if row["count"] else None}
        for row in rows
    ] == [
        {name: row.get(name) or None for name in rows[0]}
        | {"count": row["count"]}
        | {name: rows[0][name] for name in ("case", "ledger_sequence", "ledger_hash")}
        | {"snapshot": mine["snapshot"]}
        for row, mine in zip(rows_of(many, Recipient.PROSECUTOR), rows, strict=True)
    ]


def test_two_lists_that_disagree_are_several(new_case: NewCase) -> None:
    writer = new_case()
    writer.add(b"a", b"one", match(NOTABLE, 1, category="1"), match(OTHER, 1, category="2"))
    rows = rows_of(writer.finish())
    assert counts(rows, "category", "files") == {("several",): 1, ("total",): 1}
