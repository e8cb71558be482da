"""Counts of a case for statistics: a dated snapshot, divided by place, offence, exhibit type, tier and category.

No names, no digests, no case number: the case is known by its UUID, so that figures of several cases can be added and
one that is counted twice is noticed. What changes later is a new snapshot. Small counts are withheld from everyone but
the laboratory (:mod:`forensics.reports.small_cells`), and what is stated of exhibits from those who may not know it.
Rows named ``reconciliation`` show that the figures add up.

The file is CSV, or JSON if its name ends in ``.json``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from forensics.case import utc
from forensics.case.content_walk import Scope
from forensics.case.reader import CaseReader
from forensics.new_file import new_file, refuse_existing
from forensics.reports.csv import write_table
from forensics.reports.exporter import Exporter
from forensics.reports.printable import printable
from forensics.reports.recipient import Recipient, disclosure
from forensics.reports.small_cells import Sum, withheld
from forensics.reports.statistic_tables import OF_EXHIBITS, Row, StatisticTables, Table, gather_tables

COLUMNS = (
    "snapshot", "case", "ledger_sequence", "ledger_hash", "table", "first", "first_status", "second", "second_status",
    "measure", "count", "count_status",
)  # fmt: skip
SHOWN, WITHHELD = "value", "withheld"
TOTAL = "total"
_LINKED = {"tier-by-category": ("tier", "category"), "state-by-municipality": ("state",)}
"""Tables whose rows add up to those of others, by one of their dimensions."""


class StatisticsExporter(Exporter):
    """Counts only, for every recipient."""

    name: ClassVar[str] = "statistics"

    def export(self, case: CaseReader, output: Path, recipient: Recipient, scope: Scope = Scope.HITS) -> None:  # noqa: ARG002
        """Write the counts.

        Raises:
            ReportError: The file exists or cannot be written.
        """
        refuse_existing(output)
        allowed = disclosure(recipient)
        gathered = gather_tables(case)
        if not allowed.custody:
            gathered.leave_out(OF_EXHIBITS)
        hidden = {} if allowed.small_cells else _hidden(gathered)
        head = case.ledger_head()
        snapshot = {
            "snapshot": utc.now(),
            "case": case.case_info()["uuid"],
            "ledger_sequence": head["sequence"],
            "ledger_hash": head["hash"],
        }
        rows = [*_rows(gathered, hidden), *_reconciliation(case, gathered, hidden)]
        if output.suffix.lower() == ".json":
            document = json.dumps({**snapshot, "rows": rows}, indent=1, ensure_ascii=False)
            with new_file(output) as file:
                file.write(document.encode() + b"\n")
            return
        table = ({**snapshot, **row} for row in rows)
        write_table(output, COLUMNS, ([_cell(row[column]) for column in COLUMNS] for row in table))


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _measures(gathered: StatisticTables, table: Table) -> dict[str, tuple[Counter[Row], int]]:
    """The measures that a table has, each with its counts and its total."""
    every = {
        "files": (table.files, gathered.files),
        "contents": (table.contents, gathered.contents),
        "exhibits": (table.exhibits, gathered.exhibits),
    }
    return {name: (counts, total) for name, (counts, total) in every.items() if counts}


def _hidden(gathered: StatisticTables) -> dict[str, set[Hashable]]:
    """The keys of the counts that are withheld, by measure."""
    counts: dict[str, dict[Hashable, int]] = {
        "files": {TOTAL: gathered.files},
        "contents": {TOTAL: gathered.contents},
        "exhibits": {TOTAL: gathered.exhibits},
    }
    sums: list[Sum] = []
    by_name = {table.name: table for table in gathered.tables}
    for name, table in by_name.items():
        for measure, (of_table, _) in _measures(gathered, table).items():
            counts[measure] |= {(name, row): count for row, count in of_table.items()}
        sums.append(Sum(TOTAL, tuple((name, row) for row in table.rows())))
        for number, other in enumerate(_LINKED.get(name, ())):
            for row in by_name[other].rows():
                parts = tuple((name, each) for each in table.rows() if each[number] == row[0])
                sums.append(Sum((other, row), parts))
    both = withheld((counts["files"], counts["contents"]), sums)
    return {"files": both, "contents": both, "exhibits": withheld((counts["exhibits"],), sums)}


def _rows(gathered: StatisticTables, hidden: dict[str, set[Hashable]]) -> Iterator[dict[str, Any]]:
    for table in gathered.tables:
        for measure, (counts, total) in _measures(gathered, table).items():
            withheld_keys = hidden.get(measure, set())
            for row in sorted(counts):
                values: dict[str, str] = {}
                for name, known in zip(("first", "second"), row, strict=False):
                    values |= {name: printable(known.value), f"{name}_status": known.status}
                yield _row(table.name, measure, counts[row], (table.name, row) in withheld_keys, **values)
            yield _row(table.name, measure, total, TOTAL in withheld_keys, first="", first_status=TOTAL)


def _row(table: str, measure: str, count: int, is_withheld: bool, **values: str) -> dict[str, Any]:
    blank = {"first": None, "first_status": None, "second": None, "second_status": None}
    return {
        "table": table,
        **blank,
        **values,
        "measure": measure,
        "count": None if is_withheld else count,
        "count_status": WITHHELD if is_withheld else SHOWN,
    }


def _reconciliation(
    case: CaseReader, gathered: StatisticTables, hidden: dict[str, set[Hashable]]
) -> Iterator[dict[str, Any]]:
    """What must be equal, and whether it is. It tells no count that is withheld."""
    streams = case.stream_counts()
    for name in ("seen", "hashed", "skipped", "failed", "pending"):
        yield _row("coverage", "files", getattr(streams, name), is_withheld=False, first=name, first_status=SHOWN)
    parts = streams.hashed + streams.skipped + streams.failed + streams.pending
    yield _reconciled("seen = hashed + skipped + failed + pending", "files", streams.seen == parts, streams.seen)
    for table in gathered.tables:
        for measure, (counts, total) in _measures(gathered, table).items():
            shown = None if TOTAL in hidden.get(measure, set()) else total
            yield _reconciled(f"{table.name} adds up", measure, sum(counts.values()) == total, shown)


def _reconciled(what: str, measure: str, agrees: bool, count: int | None) -> dict[str, Any]:
    verdict = "reconciles" if agrees else "does not reconcile"
    row = _row("reconciliation", measure, count or 0, count is None, first=what, first_status=SHOWN)
    return row | {"second": verdict, "second_status": SHOWN}
