"""The ledger is append-only, chained, and shows any change."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.case import ledger
from forensics.case.store import CaseStore
from tests.case.conftest import EXAMINER


def test_a_stranger_can_recompute_the_chain(store: CaseStore) -> None:
    """Written from the docstring alone, with nothing of ours."""
    for number in range(5):
        store.record(EXAMINER, "note", {"n": number, "word": "señal"})
    previous = "0" * 64
    query = (
        "SELECT sequence, at, actor, system_user, action, details, previous_hash, hash FROM ledger ORDER BY sequence"
    )
    for *fields, stated in store.connection.execute(query).fetchall():
        assert fields[-1] == previous
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == stated
        previous = stated


@pytest.mark.parametrize("statement", ["UPDATE ledger SET actor = 'x'", "DELETE FROM ledger"])
def test_rows_can_be_neither_changed_nor_removed(store: CaseStore, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        store.connection.execute(statement)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    column=st.sampled_from(["at", "actor", "system_user", "action", "details", "previous_hash", "hash"]),
    position=st.integers(1, 6),
)
def test_any_change_made_behind_the_triggers_is_seen(store: CaseStore, column: str, position: int) -> None:
    while store.connection.execute("SELECT count(*) FROM ledger").fetchone()[0] < 6:
        store.record(EXAMINER, "note", {})
    store.connection.execute("DROP TRIGGER IF EXISTS ledger_no_update")
    assert ledger.first_broken_row(store.connection) is None
    query = f"SELECT {column} FROM ledger WHERE sequence = ?"
    before = store.connection.execute(query, (position,)).fetchone()[0]
    after = before[:-1] + ("1" if before[-1] != "1" else "2")
    store.connection.execute(f"UPDATE ledger SET {column} = ? WHERE sequence = ?", (after, position))
    assert ledger.first_broken_row(store.connection) == position
    store.connection.execute(f"UPDATE ledger SET {column} = ? WHERE sequence = ?", (before, position))


def test_a_missing_row_is_seen(store: CaseStore) -> None:
    for _ in range(3):
        store.record(EXAMINER, "note", {})
    store.connection.execute("DROP TRIGGER ledger_no_delete")
    store.connection.execute("DELETE FROM ledger WHERE sequence = 2")
    assert ledger.first_broken_row(store.connection) == 3


def test_the_program_on_the_documents_page_checks_the_chain(store: CaseStore, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/case-schema.md").read_text("utf-8")
    program = page.partition("```python\n")[2].partition("```")[0].replace('"CASE"', repr(str(store.path)))
    store.record(EXAMINER, "note", {"word": "señal"})
    assert subprocess.run([sys.executable, "-I", "-c", program], check=False).returncode == 0
    store.connection.execute("DROP TRIGGER ledger_no_update")
    store.connection.execute("UPDATE ledger SET actor = 'x' WHERE sequence = 1")
    changed = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=False)
    assert changed.returncode == 1


def test_the_same_reading_leaves_one_row_an_hour(store: CaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ledger.Actor("Otra", "laboratory")
    for actor, action, details in (
        (EXAMINER, "hits", {"rows": 3}), (EXAMINER, "hits", {"rows": 3}), (other, "hits", {"rows": 3}),
        (EXAMINER, "locate", {"rows": 3}), (EXAMINER, "hits", {"rows": 4}), (EXAMINER, "hits", {"rows": 3}),
    ):  # fmt: skip
        store.record_reading(actor, action, details)
    assert [row.action for row in ledger.rows(store.connection)][1:] == ["hits", "hits", "locate", "hits"]
    monkeypatch.setattr(ledger, "SAME_READING", timedelta(seconds=-1))  # an hour later
    store.record_reading(EXAMINER, "hits", {"rows": 3})
    assert len(list(ledger.rows(store.connection))) == 6
    assert ledger.first_broken_row(store.connection) is None
