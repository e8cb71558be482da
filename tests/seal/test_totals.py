"""One set of totals: status, report, tables, sealed file and a query written by hand say the same."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from forensics.case.reader import CaseReader
from forensics.case.status import status
from forensics.case.store import CaseStore
from forensics.reports.recipient import Recipient
from forensics.reports.report import write_report
from forensics.reports.translation import translation
from forensics.seal.files import manifest_path
from forensics.seal.sealing import seal
from tests.reports.conftest import EXAMINER
from tests.reports.page import parse
from tests.seal.conftest import sample

_BY_HAND = """
SELECT tier, count(*) FROM hits JOIN sets_used ON sets_used.uuid = hits.set_uuid
JOIN streams ON streams.content = hits.content WHERE disposition IN ('notable', 'reference') GROUP BY tier
"""


def test_every_way_to_count_gives_the_same(tmp_path: Path) -> None:
    case = sample(tmp_path)
    with CaseReader.open(case) as reader:
        told = status(reader)
        write_report(reader, tmp_path / "report", "en", Recipient.LABORATORY)
    with CaseStore.open(case) as store:
        seal(store, EXAMINER, tmp_path / "s.case")
    sealed = json.loads(manifest_path(tmp_path / "s.case").read_text())["counts"]
    with closing(sqlite3.connect(tmp_path / "s.case")) as connection:
        by_hand = dict(connection.execute(_BY_HAND).fetchall())
        (seen,) = connection.execute("SELECT count(*) FROM streams").fetchone()
        states = dict(connection.execute("SELECT state, count(*) FROM streams GROUP BY state").fetchall())
        (contents,) = connection.execute("SELECT count(*) FROM contents").fetchone()
    with (tmp_path / "report/hits.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    in_table = {tier: sum(row["tier"] == tier for row in rows) for tier in by_hand}
    page = parse((tmp_path / "report/report.html").read_text())
    number = translation("en").number
    on_page = {
        str(cell.attributes["data-tier"]): cell.text for cell in page.all("td") if "data-tier" in cell.attributes
    }

    assert told["hits"] == sealed["hits"] == by_hand == in_table
    assert on_page == {tier: number(count) for tier, count in by_hand.items()}
    assert told["streams"]["seen"] == sealed["streams"]["seen"] == seen
    for state in ("hashed", "skipped", "failed"):
        assert told["streams"][state] == sealed["streams"][state] == states.get(state, 0)
    assert told["contents"] == sealed["contents"] == contents
    words = page.by_id("coverage").text
    assert f"{seen} seen = {states['hashed']} hashed + {states['skipped']} skipped + {states['failed']} failed" in words
