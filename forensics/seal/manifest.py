"""The manifest: what was sealed, in digests and counts. It is what gets signed and time-stamped.

A JSON object, keys sorted, two spaces of indent, UTF-8. It holds no name from the evidence and no digest of a content:

    {"format": "tamiz-seal-1",
     "case": {"uuid", "number"},
     "file": {"name", "size", "sha256"},
     "sealed": {"at", "actor", "system_user", "tool_version", "sqlite_version"},   from the ledger's last row
     "schema": {"version", "sha256"},
     "tables": {NAME: {"rows", "sha256"}},
     "sealed_digest": over schema and all tables but the ledger; stands in the ledger's last row too
     "logical_digest": over the findings alone; the same for another scan of the same evidence with the same lists
     "ledger": {"rows", "head"},
     "counts": {"streams": {"seen", "hashed", "skipped", "failed", "pending"}, "bytes", "contents", "not_examined",
                "hits": {"exact", "near", "similar"}},
     "scans": [{"id", "kind", "state", "profile", "started", "ended", "tool_version"}],
     "signer": {"algorithm": "ed25519", "public_key", "fingerprint"} or null}
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from forensics.case import ledger
from forensics.case.table_digests import TableDigest
from forensics.errors import SealError
from forensics.seal.final_copy import FinalCopy
from forensics.seal.keys import PublicKey

FORMAT = "tamiz-seal-1"

SEAL_ACTION = "seal"
"""What the ledger calls the row that a seal leaves."""

MOST_MANIFEST_BYTES = 16 << 20
"""No manifest is larger; a planted one must not be read whole."""

SCAN_FIELDS = ("id", "kind", "state", "profile", "started", "ended", "tool_version")
STATES = ("hashed", "skipped", "failed", "pending")
TIERS = ("exact", "near", "similar")


def build_manifest(
    connection: sqlite3.Connection, name: str, copy: FinalCopy, schema: str, tables: Mapping[str, TableDigest],
    signer: PublicKey | None,
) -> dict[str, Any]:  # fmt: skip
    """Gather what a sealed case states of itself.

    Args:
        connection: The final copy, or the case it was made of.
        name: Name of the sealed file.
        copy: The sealed file.
        schema: Digest of its schema.
        tables: Digests of its tables.
        signer: Whose signature will stand over the manifest; ``None``: nobody's.
    """
    *_, last = ledger.rows(connection)
    details = json.loads(last.details)
    uuid, number = connection.execute("SELECT uuid, number FROM case_info").fetchone()
    return {
        "format": FORMAT,
        "case": {"uuid": uuid, "number": number},
        "file": {"name": name, "size": copy.size, "sha256": copy.sha256},
        "sealed": {
            "at": last.at,
            "actor": last.actor,
            "system_user": last.system_user,
            "tool_version": details["tool_version"],
            "sqlite_version": details["sqlite_version"],
        },
        "schema": {"version": connection.execute("PRAGMA user_version").fetchone()[0], "sha256": schema},
        "tables": {table: asdict(digest) for table, digest in tables.items()},
        "sealed_digest": details["sealed_digest"],
        "logical_digest": details["logical_digest"],
        "ledger": {"rows": last.sequence, "head": last.hash},
        "counts": count(connection),
        "scans": scans(connection),
        "signer": None if signer is None else describe_signer(signer),
    }


def describe_signer(signer: PublicKey) -> dict[str, str]:
    """How a manifest names a key."""
    return {"algorithm": "ed25519", "public_key": signer.raw.hex(), "fingerprint": signer.fingerprint}


def count(connection: sqlite3.Connection) -> dict[str, Any]:
    """Count what a case holds. ``seen`` is counted by itself, so that the sum of the states can be held against it."""
    states = dict.fromkeys(STATES, 0) | dict(
        connection.execute("SELECT state, count(*) FROM streams GROUP BY state").fetchall()
    )
    hits = dict.fromkeys(TIERS, 0) | dict(
        connection.execute(
            "SELECT tier, count(*) FROM hits JOIN sets_used ON uuid = set_uuid "
            "JOIN streams ON streams.content = hits.content WHERE disposition <> 'benign' GROUP BY tier"
        ).fetchall()
    )
    return {
        "streams": {"seen": _number(connection, "SELECT count(*) FROM streams"), **states},
        "bytes": _number(connection, "SELECT coalesce(sum(size), 0) FROM streams WHERE state = 'hashed'"),
        "contents": _number(connection, "SELECT count(*) FROM contents"),
        "not_examined": _number(connection, "SELECT count(*) FROM not_examined"),
        "hits": hits,
    }


def scans(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """What scans there were."""
    rows = connection.execute(f"SELECT {', '.join(SCAN_FIELDS)} FROM scans ORDER BY id")  # noqa: S608
    return [dict(zip(SCAN_FIELDS, row, strict=True)) for row in rows]


def encode_manifest(manifest: Mapping[str, Any]) -> bytes:
    """Write a manifest: the same bytes each time."""
    return (json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def read_manifest(path: Path) -> bytes:
    """Read the bytes of a manifest.

    Raises:
        SealError: It cannot be read, or is too large to be one.
        FileNotFoundError: There is none.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_MANIFEST_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SealError(f"cannot be read ({error.strerror})", str(path), "check permissions") from error
    if len(data) > MOST_MANIFEST_BYTES:
        raise SealError("is too large for a manifest", str(path), "bring it back from a copy")
    return data


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
