"""One digest over what a case says, whatever the order in which it was written.

SHA-256 over canonical JSON lines (see :func:`forensics.case.ledger.canonical_json`): for each table below, a line with
its name, then its rows as lists, sorted by the database in binary order of the columns. Row numbers, times of scans
and places on the laboratory's disk are left out, so that the same evidence and the same lists give the same digest
with any number of workers, after any number of interruptions.

A scan ends with it, so it must not take long where there are millions of streams: their order is that of an index, and
many rows are written as JSON at once.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence

from forensics import __version__
from forensics.case import ledger
from forensics.case.ledger import canonical_json

_PAGE = 500
"""Rows that are read and written as JSON at a time."""

_PARTS = {
    "volumes": (
        "SELECT sources.label, volumes.label, scheme, description, offset, volumes.size, allocated, file_system "
        "FROM volumes JOIN sources ON sources.id = source_id"
    ),
    "streams": (
        "SELECT sources.label, locator, streams.path, path_bytes, streams.size, allocation, recovery, physical_offset, "
        "modified, accessed, changed, created, state, reason, content "
        "FROM sources CROSS JOIN streams ON sources.id = source_id"
    ),
    "contents": (
        "SELECT sha256, sha1, md5, size, media_type, perceptual, perceptual_reason, width, height FROM contents"
    ),
    "perceptual_hashes": "SELECT content, algorithm, probe, value, quality, decode FROM perceptual_hashes",
    "films": "SELECT content, algorithm, decode, duration_ms, rotation, sampling, frames FROM films",
    "film_frames": "SELECT content, milliseconds, value, quality FROM film_frames",
    "hits": (
        "SELECT content, file_sha256, disposition, hits.position, reference, category, basis, distance, tier, probe, "
        "agreeing, disagreeing, query_covered, known_covered FROM hits "
        "JOIN sets_used ON uuid = hits.set_uuid "
        "JOIN entries_hit ON entries_hit.set_uuid = hits.set_uuid AND entries_hit.position = hits.position"
    ),
    "not_examined": (
        "SELECT sources.label, locator, reason, detail, not_examined.size "
        "FROM not_examined JOIN sources ON sources.id = source_id"
    ),
}

_ORDERS = {"streams": "sources.label, locator, streams.path, coalesce(path_bytes, '')"}
"""Order of the rows where fewer columns than all decide it, and an index has them so (``streams_identity``): a NULL
comes before all text, as an empty text does, and no stream differs from another by that alone."""


def of_case(connection: sqlite3.Connection) -> str:
    """Digest a case's findings.

    Args:
        connection: The case.

    Returns:
        SHA-256 in lower-case hexadecimal.
    """
    digest = hashlib.sha256()
    for name, query in _PARTS.items():
        digest.update(f"{canonical_json(name)}\n".encode())
        columns = query.split(" FROM ")[0].count(",") + 1
        order = _ORDERS.get(name) or ", ".join(str(number) for number in range(1, columns + 1))
        cursor = connection.execute(f"{query} ORDER BY {order}")
        while rows := cursor.fetchmany(_PAGE):
            digest.update(_lines(rows).encode())
    return digest.hexdigest()


def _lines(rows: Sequence[tuple[object, ...]]) -> str:
    """Rows as lines of canonical JSON."""
    text = canonical_json(rows)
    if text.count("],[") == len(rows) - 1:  # all of them lie between two rows, none in a text
        return text[1:-1].replace("],[", "]\n[") + "\n"
    return "".join(f"{canonical_json(row)}\n" for row in rows)


def last_recorded(connection: sqlite3.Connection) -> str | None:
    """The digest over all findings that the ledger holds for what the case says now.

    Returns:
        The one in the ledger's last row about a scan; ``None`` if that scan was cut short, or another version of tamiz
        made it, whose digest may be over something else.
    """
    about_scans = [row for row in ledger.rows(connection) if row.action.partition(" ")[0] in {"scan", "match"}]
    if not about_scans:
        return None
    details = json.loads(about_scans[-1].details)
    made_by = connection.execute("SELECT tool_version FROM scans WHERE id = ?", (details.get("scan"),)).fetchone()
    return details.get("logical_digest") if made_by == (__version__,) else None
