"""Writing what people state and decide: every row goes with a row of the ledger that holds its digest.

A row of these tables is never changed. That it was not can be seen: the ledger's ``details`` name the table, the row,
and SHA-256 over the canonical JSON (:func:`forensics.case.ledger.canonical_json`) of an object of all its columns.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from forensics.case import ledger, logical_digest
from forensics.case.ledger import Actor, canonical_json
from forensics.case.store import CaseStore
from forensics.case.table_digests import table_digest
from forensics.errors import CaseError

TABLES = (
    "authorities", "exhibit_statements", "custody_events", "offences", "offence_tags", "approvals", "referrals",
    "referral_receipts",
)  # fmt: skip
"""The tables of ``proceedings.sql``."""

_STATEMENTS = ("authorities", "exhibit_statements", "custody_events", "offence_tags")
"""Those that say something of the case; an approval or a referral made of it changes nothing it says."""


def add(
    store: CaseStore, actor: Actor, action: str, table: str, row: Mapping[str, Any], shown: Mapping[str, Any]
) -> int:
    """Add a row and its line in the ledger, inside the caller's transaction.

    Args:
        store: The case, open for writing.
        actor: Who.
        action: What the ledger calls it.
        table: One of :data:`TABLES`.
        row: The row, without its number.
        shown: What the ledger says besides: no names of people or places.

    Returns:
        The number of the row.
    """
    number = store.insert(table, row)
    details = {"table": table, "row": number, "sha256": _digest(store.connection, table, number), **shown}
    ledger.append(store.connection, actor, action, details)
    return number


def check_correctable(store: CaseStore, table: str, number: int | None) -> None:
    """Refuse to correct what is not there, or was corrected before.

    Raises:
        CaseError: There is no such row, or another corrects it already.
    """
    if number is None:
        return
    query = f"SELECT (SELECT max(id) FROM {table} AS later WHERE corrects_id = {table}.id) FROM {table} WHERE id = ?"  # noqa: S608
    found = store.connection.execute(query, (number,)).fetchone()
    if found is None:
        raise CaseError(f"there is no row {number} to correct", str(store.path), "see the list for its number")
    if found[0] is not None:
        raise CaseError(f"row {number} was corrected by row {found[0]}", str(store.path), "correct that one")


def exhibit_id(store: CaseStore, label: str) -> int:
    """The number of an exhibit.

    Raises:
        CaseError: The case has none of that label.
    """
    row = store.connection.execute("SELECT id FROM exhibits WHERE label = ?", (label,)).fetchone()
    if row is None:
        raise CaseError(f"the case has no exhibit '{label}'", str(store.path), "see 'tamiz exhibit list'")
    return int(row[0])


def changed_rows(connection: sqlite3.Connection) -> list[str]:
    """Rows that are not as the ledger says they were written, are gone, or were never in it, as ``table row``."""
    witnessed: dict[str, dict[int, str]] = {table: {} for table in TABLES}
    for (text,) in connection.execute("SELECT details FROM ledger WHERE details LIKE '%\"table\":%' ORDER BY sequence"):
        details = json.loads(text)
        if details.get("table") in witnessed and {"row", "sha256"} <= details.keys():
            witnessed[details["table"]][details["row"]] = details["sha256"]
    changed = []
    for table, digests in witnessed.items():
        numbers = {int(row[0]) for row in connection.execute(f"SELECT id FROM {table}")}  # noqa: S608
        changed += [
            f"{table} {number}"
            for number in sorted(numbers | set(digests))
            if number not in numbers or _digest(connection, table, number) != digests.get(number)
        ]
    return changed


def state_digest(connection: sqlite3.Connection) -> str:
    """One digest of what a case says: its findings, and what is stated of it but for approvals and referrals.

    SHA-256 over the canonical JSON of ``{"findings": logical digest, "statements": {table: digest}}`` (see
    :mod:`forensics.case.logical_digest` and :mod:`forensics.case.table_digests`). Reads the whole case.
    """
    tables = {name: table_digest(connection, name).sha256 for name in ("exhibits", *_STATEMENTS)}
    said = {"findings": logical_digest.of_case(connection), "statements": tables}
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def _digest(connection: sqlite3.Connection, table: str, number: int) -> str:
    cursor = connection.execute(f"SELECT * FROM {table} WHERE id = ?", (number,))  # noqa: S608 - our own names only
    names = [column[0] for column in cursor.description]
    row = dict(zip(names, cursor.fetchone(), strict=True))
    return hashlib.sha256(canonical_json(row).encode()).hexdigest()
