"""The ledger: a hash-chained, append-only record of every command that changed a case or read its findings.

Each row's hash is SHA-256 over the canonical JSON (sorted keys, no spaces, UTF-8) of the list
``[sequence, at, actor, system_user, action, details, previous_hash]``, where ``details`` is the JSON text as stored.
The first row's ``previous_hash`` is 64 zeros. Changing any row breaks every hash after it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from forensics.case import utc

GENESIS = "0" * 64

SAME_READING = timedelta(hours=1)
"""Whoever reads the same again within this time leaves no further row: a script that asks every second would."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who runs a command.

    Attributes:
        name: The examiner's name.
        system_user: The operating system's account.
    """

    name: str
    system_user: str


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One row of the ledger; ``details`` is canonical JSON text."""

    sequence: int
    at: str
    actor: str
    system_user: str
    action: str
    details: str
    previous_hash: str
    hash: str


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical_json(value: object) -> str:
    """JSON in the one form that hashes are taken over: sorted keys, no spaces, no escapes for non-ASCII."""
    return _encode(value)


def append(connection: sqlite3.Connection, actor: Actor, action: str, details: Mapping[str, Any]) -> LedgerRow:
    """Add a row inside the caller's transaction.

    Args:
        connection: The case, in a transaction that also holds the change recorded.
        actor: Who.
        action: What, as the command is called: ``case new``, ``scan``, ``report`` ...
        details: Parameters and counts; no secrets, no names or hashes of content.
    """
    last = connection.execute("SELECT sequence, hash FROM ledger ORDER BY sequence DESC LIMIT 1").fetchone()
    sequence, previous_hash = (last[0] + 1, last[1]) if last else (1, GENESIS)
    at, text = utc.now(), canonical_json(details)
    row = LedgerRow(
        sequence, at, actor.name, actor.system_user, action, text, previous_hash,
        _hash(sequence, at, actor.name, actor.system_user, action, text, previous_hash),
    )  # fmt: skip
    connection.execute(
        "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (row.sequence, row.at, row.actor, row.system_user, row.action, row.details, row.previous_hash, row.hash),
    )
    return row


def append_reading(connection: sqlite3.Connection, actor: Actor, action: str, details: Mapping[str, Any]) -> None:
    """Add a row for a command that read, unless one says the same (see :func:`recently_read`).

    Args and transaction as for :func:`append`.
    """
    if not recently_read(connection, actor, action, details):
        append(connection, actor, action, details)


def recently_read(connection: sqlite3.Connection, actor: Actor, action: str, details: Mapping[str, Any]) -> bool:
    """Whether the ledger has a row of the same person, command and details that is not old."""
    since = utc.written(datetime.now(UTC) - SAME_READING)
    query = "SELECT 1 FROM ledger WHERE actor = ? AND system_user = ? AND action = ? AND details = ? AND at > ?"
    same = (actor.name, actor.system_user, action, canonical_json(details), since)
    return connection.execute(query, same).fetchone() is not None


def rows(connection: sqlite3.Connection) -> Iterator[LedgerRow]:
    """All rows, oldest first."""
    for values in connection.execute(
        "SELECT sequence, at, actor, system_user, action, details, previous_hash, hash FROM ledger ORDER BY sequence"
    ):
        yield LedgerRow(*values)


def first_broken_row(connection: sqlite3.Connection) -> int | None:
    """Check the chain.

    Returns:
        Sequence number of the first row that does not follow from the one before it; ``None`` if all do.
    """
    expected_sequence, previous_hash = 1, GENESIS
    for row in rows(connection):
        recomputed = _hash(row.sequence, row.at, row.actor, row.system_user, row.action, row.details, row.previous_hash)
        if row.sequence != expected_sequence or row.previous_hash != previous_hash or row.hash != recomputed:
            return row.sequence
        expected_sequence, previous_hash = row.sequence + 1, row.hash
    return None


def _hash(*fields: str | int) -> str:
    return hashlib.sha256(canonical_json(list(fields)).encode()).hexdigest()
