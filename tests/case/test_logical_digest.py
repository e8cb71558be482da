"""The digest over all findings is what its definition says, however it is computed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

from forensics.case import logical_digest
from forensics.case.findings import FindingRecorder
from forensics.case.sources import SourceRecorder
from forensics.case.store import CaseStore
from forensics.evidence.stream import NotExamined
from forensics.outcome import Outcome
from forensics.reason import Reason
from tests.case.conftest import content, description, stream

NAMES = (b"a],[b", b'"],["', b"x]", b"[y", b"\xff", b"\\xff", "año".encode(), b"z", b"", b"\xe2\x80\xae")
"""Some look like the end of one row and the beginning of the next; two are shown alike, and one lacks a letter."""


def test_it_is_what_its_definition_says(
    store: CaseStore, sources: SourceRecorder, findings: FindingRecorder, tmp_path: Path
) -> None:
    for number, exhibit in enumerate(("E2", "E10", "E1")):  # their order is not that of their rows
        source = sources.register(description(tmp_path / f"{number}.raw", (number + 1) << 20), exhibit, None)
        (volume,) = sources.volumes(source.id)
        items = [stream(address, name) for address in (3, 20, 100, 1) for name in NAMES]
        items += [stream(address, offset=address) for address in range(1000, 1600)]
        gap = NotExamined(f"{exhibit}/p1", Reason.WALK_LIMIT, "],[")
        findings.add_walked(source.id, volume.id, [*items, gap], last=True)
        findings.add_outcomes([_outcome(pending.id, pending.size) for pending in findings.pending(source.id)])
    assert logical_digest.of_case(store.connection) == _as_defined(store.connection)


def test_one_row_and_none(store: CaseStore, sources: SourceRecorder, findings: FindingRecorder, tmp_path: Path) -> None:
    assert logical_digest.of_case(store.connection) == _as_defined(store.connection)
    source = sources.register(description(tmp_path / "disk.raw"), None, None)
    (volume,) = sources.volumes(source.id)
    findings.add_walked(source.id, volume.id, [stream(1, b"],[")], last=True)
    assert logical_digest.of_case(store.connection) == _as_defined(store.connection)


def _outcome(stream_id: int, size: int) -> Outcome:
    if stream_id % 3 == 0:
        return Outcome(stream_id, size, Reason.READ_ERROR, 'at "],[" it ended')
    examined = content(b"%d" % (stream_id // 2))
    return Outcome(stream_id, size, sha256=examined.digests.sha256, content=examined)


def _as_defined(connection: sqlite3.Connection) -> str:
    """For each table a line with its name, then its rows, all columns deciding their order."""
    lines = []
    for name, query in logical_digest._PARTS.items():
        lines.append(json.dumps(name))
        rows = [list(row) for row in connection.execute(query)]
        rows.sort(key=lambda row: [(value is not None, _binary(value)) for value in row])
        lines += [json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for row in rows]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _binary(value: object) -> object:
    return value.encode() if isinstance(value, str) else value
