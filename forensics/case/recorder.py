"""Writes a scan, the sets it uses and the sources it reads. Findings go through :mod:`forensics.case.findings`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics import __version__
from forensics.case import findings, ledger, utc
from forensics.case.ledger import Actor, canonical_json
from forensics.case.store import CaseStore
from forensics.errors import CaseError
from forensics.evidence.description import SourceDescription
from hashsets.match import KnownSet


@dataclass(frozen=True, slots=True)
class RecordedVolume:
    """A volume with a file system, as the case knows it."""

    id: int
    label: str
    walked: bool


class ScanRecorder:
    """One scan's pen.

    Args:
        store: The case, open for writing.
        actor: Who runs the scan.
    """

    def __init__(self, store: CaseStore, actor: Actor) -> None:
        self._store = store
        self._actor = actor
        self._connection = store.connection
        self.scan_id = 0

    # The scan

    def begin(
        self,
        kind: str,
        profile: str | None,
        arguments: Mapping[str, Any],
        environment: Mapping[str, Any],
        sets: Sequence[KnownSet],
    ) -> None:
        """Open a scan: its row, the sets it uses, its first line in the ledger.

        Args:
            kind: ``scan`` or ``match``.
            profile: ``quick``, ``standard`` or ``deep``; ``None`` for a match.
            arguments: The command's parameters, without secrets.
            environment: Versions, host, process.
            sets: The known-hash sets used.
        """
        with self._store.transaction():
            self._close_dead_scans()
            row = {
                "actor_id": self._store.actor_id(self._actor),
                "kind": kind,
                "started": utc.now(),
                "state": "running",
                "profile": profile,
                "tool_version": __version__,
                "arguments": canonical_json(arguments),
                "environment": canonical_json(environment),
            }
            self.scan_id = self._store.insert("scans", row)
            for known_set in sets:
                self._use_set(known_set)
            details = {"scan": self.scan_id, "arguments": dict(arguments), "sets": [s.uuid for s in sets]}
            ledger.append(self._connection, self._actor, f"{kind} begun", details)

    def end(self, state: str, details: Mapping[str, Any]) -> None:
        """Close the scan.

        Args:
            state: ``finished``, ``interrupted`` or ``failed``.
            details: Counts for the ledger.
        """
        with self._store.transaction():
            self._connection.execute(
                "UPDATE scans SET state = ?, ended = ? WHERE id = ?", (state, utc.now(), self.scan_id)
            )
            kind = self._connection.execute("SELECT kind FROM scans WHERE id = ?", (self.scan_id,)).fetchone()[0]
            ledger.append(self._connection, self._actor, f"{kind} {state}", {"scan": self.scan_id, **details})

    def _close_dead_scans(self) -> None:
        """Scans whose process was killed could not say so themselves."""
        running = self._connection.execute("SELECT id, environment FROM scans WHERE state = 'running'").fetchall()
        for scan_id, environment in running:
            recorded = json.loads(environment)
            if recorded.get("host") != os.uname().nodename or not _is_alive(int(recorded.get("process", 0))):
                self._connection.execute(
                    "UPDATE scans SET state = 'interrupted', ended = ? WHERE id = ?", (utc.now(), scan_id)
                )

    def _use_set(self, known_set: KnownSet) -> None:
        self._connection.execute(
            "INSERT OR IGNORE INTO sets_used VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                known_set.uuid, known_set.name, known_set.disposition, known_set.format, known_set.format_version,
                known_set.scheme, known_set.authority, known_set.file_name, known_set.file_sha256,
                known_set.entries, known_set.rejected, known_set.imported,
            ),
        )  # fmt: skip
        self._connection.execute("INSERT INTO scan_sets VALUES (?, ?)", (self.scan_id, known_set.uuid))

    def sets_to_catch_up(self, sets: Sequence[KnownSet]) -> list[str]:
        """UUIDs of the sets that contents already in the case have not all been matched against.

        A set is safe only if every scan so far used it: contents may stem from any of them.
        """
        if self._connection.execute("SELECT 1 FROM contents LIMIT 1").fetchone() is None:
            return []
        caught_up = {
            row[0]
            for row in self._connection.execute(
                "SELECT set_uuid FROM scan_sets WHERE scan_id < ?1 GROUP BY set_uuid "
                "HAVING count(*) = (SELECT count(*) FROM scans WHERE id < ?1)",
                (self.scan_id,),
            )
        }
        return [known_set.uuid for known_set in sets if known_set.uuid not in caught_up]

    # Sources and what they hold

    def choose_label(self, path: Path, exhibit: str | None) -> str:
        """The label under which a source is, or is to be, known in this case.

        Args:
            path: The source, resolved.
            exhibit: The exhibit it belongs to; ``None`` to find or make one.

        Raises:
            CaseError: The source is in the case under another exhibit, or the exhibit cannot be told.
        """
        known = self._connection.execute(
            "SELECT sources.label, exhibits.label FROM sources "
            "JOIN exhibits ON exhibits.id = exhibit_id WHERE path = ?",
            (str(path),),
        ).fetchone()
        if known:
            if exhibit not in (None, known[1]):
                raise CaseError(f"is in the case as a source of exhibit {known[1]}", str(path), "leave out --exhibit")
            return str(known[0])
        exhibit = exhibit or self._free_exhibit()
        used = self._connection.execute(
            "SELECT count(*) FROM sources JOIN exhibits ON exhibits.id = exhibit_id WHERE exhibits.label = ?",
            (exhibit,),
        ).fetchone()[0]
        return exhibit if used == 0 else f"{exhibit}.{used + 1}"

    def _free_exhibit(self) -> str:
        """The only exhibit without a source, else the next unused of E1, E2 ..."""
        waiting = self._connection.execute(
            "SELECT label FROM exhibits WHERE id NOT IN (SELECT exhibit_id FROM sources) ORDER BY label"
        ).fetchall()
        if len(waiting) == 1:
            return str(waiting[0][0])
        if waiting:
            names = ", ".join(row[0] for row in waiting)
            raise CaseError(f"several exhibits have no source yet ({names})", None, "say which with --exhibit")
        labels = {row[0] for row in self._connection.execute("SELECT label FROM exhibits")}
        return next(label for label in (f"E{n}" for n in range(1, len(labels) + 2)) if label not in labels)

    def add_source(self, label: str, description: SourceDescription) -> int:
        """Record a source with its segments and volumes, unless the case has it already; give its id.

        Raises:
            CaseError: The case knows this path with another size: it is not the same evidence.
        """
        path = str(description.path)
        with self._store.transaction():
            known = self._connection.execute("SELECT id, size FROM sources WHERE path = ?", (path,)).fetchone()
            if known:
                if known[1] != description.size:
                    raise CaseError("is not what was scanned before: its size has changed", path, "find out why")
                return int(known[0])
            row = {
                "exhibit_id": self._exhibit_id(label.partition(".")[0]),
                "label": label,
                "path": path,
                "format": description.format,
                "size": description.size,
                "sector_size": description.sector_size,
                "metadata": canonical_json(dict(description.metadata)),
            }
            source_id = self._store.insert("sources", row)
            self._connection.executemany(
                "INSERT INTO source_segments VALUES (?, ?, ?, ?)",
                [(source_id, n, name, size) for n, (name, size) in enumerate(description.segments, start=1)],
            )
            for algorithm, value in description.stored_digests.items():
                self._add_digest(source_id, "acquisition", algorithm, value)
            self._connection.executemany(
                "INSERT INTO volumes (source_id, label, scheme, description, offset, size, allocated, file_system) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (source_id, v.label, v.scheme, v.description, v.offset, v.size, int(v.allocated), file_system)
                    for v, file_system in description.volumes
                ],
            )
            findings.insert_not_examined(self._connection, source_id, description.not_examined)
            return source_id

    def add_digest(self, source_id: int, phase: str, algorithm: str, value: str) -> None:
        """Record a digest of a source (``before`` or ``after``)."""
        with self._store.transaction():
            self._add_digest(source_id, phase, algorithm, value)

    def first_digest(self, source_id: int, algorithm: str) -> str | None:
        """The first digest a scan computed of a source; ``None`` if none has."""
        row = self._connection.execute(
            "SELECT value FROM source_digests WHERE source_id = ? AND algorithm = ? AND phase <> 'acquisition' "
            "ORDER BY at LIMIT 1",
            (source_id, algorithm),
        ).fetchone()
        return str(row[0]) if row else None

    def volumes(self, source_id: int) -> list[RecordedVolume]:
        """The volumes of a source to be walked, in order of offset: all but gaps without a file system of their own."""
        query = (
            "SELECT id, label, walked FROM volumes "
            "WHERE source_id = ? AND (allocated = 1 OR file_system IS NOT NULL) ORDER BY offset, id"
        )
        return [RecordedVolume(row[0], row[1], bool(row[2])) for row in self._connection.execute(query, (source_id,))]

    def _exhibit_id(self, label: str) -> int:
        row = self._connection.execute("SELECT id FROM exhibits WHERE label = ?", (label,)).fetchone()
        return int(row[0]) if row else self._store.add_exhibit(label)

    def _add_digest(self, source_id: int, phase: str, algorithm: str, value: str) -> None:
        self._connection.execute(
            "INSERT INTO source_digests VALUES (?, ?, ?, ?, ?, ?)",
            (source_id, self.scan_id, phase, algorithm, value, utc.now()),
        )


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
