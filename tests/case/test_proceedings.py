"""What people stated is held fast by the ledger: a row changed, removed or put in behind the triggers is named."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time

import pytest

from forensics.case import ledger
from forensics.case.authorities import Authority, add_authority
from forensics.case.exhibits import Field, describe_exhibit
from forensics.case.proceedings import TABLES, changed_rows, state_digest
from forensics.case.store import CaseStore
from tests.case.conftest import EXAMINER


@pytest.fixture
def stated_store(store: CaseStore) -> CaseStore:
    add_authority(store, EXAMINER, Authority("request", reference="señal 1"))
    describe_exhibit(store, EXAMINER, "E1", {Field.MAKE: "Acme"})
    return store


def test_a_stranger_can_recompute_the_digest_of_a_row(stated_store: CaseStore) -> None:
    """Written from docs/case-schema.md alone."""
    checked = 0
    for (text,) in stated_store.connection.execute("SELECT details FROM ledger").fetchall():
        details = json.loads(text)
        if "table" in details:
            cursor = stated_store.connection.execute(
                f"SELECT * FROM {details['table']} WHERE id = ?", (details["row"],)
            )
            row = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
            written = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            assert hashlib.sha256(written.encode()).hexdigest() == details["sha256"]
            checked += 1
    assert checked == 2


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE authorities SET reference = 'señal 2'", "authorities 1"),
        ("UPDATE authorities SET reference = NULL, reference_missing = 'unknown'", "authorities 1"),
        ("DELETE FROM exhibit_statements", "exhibit_statements 1"),
        (
            "INSERT INTO exhibit_statements VALUES (2, 1, 1, '2026-01-01T00:00:00Z', 'make', 'Other', NULL)",
            "exhibit_statements 2",
        ),
    ],
)
def test_a_change_behind_the_triggers_is_named(stated_store: CaseStore, statement: str, named: str) -> None:
    connection = stated_store.connection
    assert changed_rows(connection) == []
    for table in TABLES:
        connection.execute(f"DROP TRIGGER {table}_no_update")
        connection.execute(f"DROP TRIGGER {table}_no_delete")
    connection.execute(statement)
    assert changed_rows(connection) == [named]
    assert ledger.first_broken_row(connection) is None


def test_the_digest_of_what_a_case_says_moves_with_every_statement(store: CaseStore) -> None:
    digests = [state_digest(store.connection)]
    add_authority(store, EXAMINER, Authority("request"))
    digests.append(state_digest(store.connection))
    describe_exhibit(store, EXAMINER, "E1", {Field.MAKE: "Acme"})
    digests.append(state_digest(store.connection))
    assert len(set(digests)) == 3
    store.record(EXAMINER, "note", {})
    assert state_digest(store.connection) == digests[-1]


def test_people_who_state_things_at_once_lose_no_row(store: CaseStore) -> None:
    program = (
        "import sys; from pathlib import Path; from forensics.case.store import CaseStore;"
        "from forensics.case.ledger import Actor; from forensics.case.exhibits import Field, describe_exhibit\n"
        "with CaseStore.open(Path(sys.argv[1])) as store:\n"
        "    for n in range(40): describe_exhibit(store, Actor('B', 'b'), 'E1', {Field.MODEL: f'b{n}'})"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(store.path)]) as other:
        for number in range(40):
            describe_exhibit(store, EXAMINER, "E1", {Field.MODEL: f"a{number}"})
        assert other.wait(60) == 0
    values = [row[0] for row in store.connection.execute("SELECT value FROM exhibit_statements ORDER BY id").fetchall()]
    for letter in "ab":
        assert [value for value in values if value[0] == letter] == [f"{letter}{number}" for number in range(40)]
    assert changed_rows(store.connection) == []
    assert ledger.first_broken_row(store.connection) is None


def test_a_process_killed_while_stating_leaves_whole_rows_only(store: CaseStore) -> None:
    program = (
        "import sys; from pathlib import Path; from forensics.case.store import CaseStore;"
        "from forensics.case.ledger import Actor; from forensics.case.exhibits import Field, describe_exhibit\n"
        "with CaseStore.open(Path(sys.argv[1])) as store:\n"
        "    print('begun', flush=True)\n"
        "    for n in range(10**6): describe_exhibit(store, Actor('B', 'b'), 'E1', {Field.MODEL: f'b{n}'})"
    )
    store.close()
    rows = 0
    for delay in (0.02, 0.05, 0.11):
        with subprocess.Popen([sys.executable, "-c", program, str(store.path)], stdout=subprocess.PIPE) as victim:
            assert victim.stdout is not None
            victim.stdout.readline()
            time.sleep(delay)
            victim.kill()
        with CaseStore.open(store.path) as opened:
            connection = opened.connection
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert changed_rows(connection) == []
            assert ledger.first_broken_row(connection) is None
            found = int(connection.execute("SELECT count(*) FROM exhibit_statements").fetchone()[0])
            assert found >= rows
            rows = found
    assert rows > 0
