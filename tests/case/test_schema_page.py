"""docs/case-schema.md says what the schema says: every table, column, code and reason."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from forensics.case import schema
from forensics.case.schema_page import BEGIN, END, reason_codes, rewritten, tables
from forensics.reason import Reason

PAGE = Path(__file__).parents[2] / "docs/case-schema.md"


def test_the_page_is_not_stale() -> None:
    page = PAGE.read_text("utf-8")
    assert rewritten(page) == page, "run 'make docs'"


def test_every_table_and_column_of_a_case_is_on_the_page_and_says_what_it_is() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.statements())
    expected = {
        name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    }
    connection.close()
    described = list(tables())
    assert {table.name: [column.name for column in table.columns] for table in described} == expected
    for table in described:
        assert table.meaning, table.name
        for column in table.columns:
            assert column.meaning, f"{table.name}.{column.name} has no comment in the schema"


def test_codes_and_references_are_those_of_the_schema() -> None:
    columns = {f"{table.name}.{column.name}": column for table in tables() for column in table.columns}
    assert columns["streams.state"].codes == ("pending", "hashed", "skipped", "failed")
    assert columns["streams.content"].references == "contents.sha256"
    assert columns["streams.content"].type == "TEXT or NULL"
    assert columns["hits.set_uuid"].references == "entries_hit.set_uuid"
    assert (
        dict(columns["exhibit_statements.value"].codes_where)["`field` is `packing`"]
        == "`bag` `box` `container` `other`"
    )
    assert "milliseconds" in columns["films.duration_ms"].meaning


def test_every_reason_code_has_its_words() -> None:
    listed = dict(reason_codes())
    assert set(listed) == set(Reason)
    assert all(listed.values())


def test_what_stands_around_the_tables_is_left_alone() -> None:
    page = f"before\n{BEGIN}\nSTALE ROW\n{END}\nafter\n"
    made = rewritten(page)
    assert made.startswith(f"before\n{BEGIN}\n")
    assert made.endswith(f"{END}\nafter\n")
    assert "STALE ROW" not in made
    assert rewritten(made) == made
    with pytest.raises(ValueError, match="no line"):
        rewritten("nothing")


def test_the_queries_on_the_page_run() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.statements())
    queries = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(queries) >= 2
    for query in queries:
        connection.execute(query)
    connection.close()
