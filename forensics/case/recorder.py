"""Writes a scan, the sets it uses and the sources it reads. Findings go through :mod:`forensics.case.findings`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from typing import Any

from forensics import __version__
from forensics.case import ledger, utc
from forensics.case.ledger import Actor, canonical_json
from forensics.case.store import CaseStore
from hashsets.match import KnownSet

NAMING_ARGUMENTS = frozenset({"sources", "include", "exclude"})
"""Arguments of a scan that may hold names from the evidence."""


class ScanRecorder:
    """One scan's pen.

    Args:
        store: The case, open for writing.
        actor: Who runs the scan.

    Attributes:
        scan_id: The scan's row, once it has begun.
        set_uuids: For each set of the scan, the UUID under which the case knows it.
    """

    def __init__(self, store: CaseStore, actor: Actor) -> None:
        self._store = store
        self._actor = actor
        self._connection = store.connection
        self.scan_id = 0
        self.set_uuids: dict[str, str] = {}

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
            # names of evidence files and patterns of paths stay with the scan's row: more people see the ledger
            shown = {name: value for name, value in arguments.items() if name not in NAMING_ARGUMENTS}
            details = {"scan": self.scan_id, "arguments": shown, "sets": [self.set_uuids[s.uuid] for s in sets]}
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
                details = {"scan": scan_id, "noticed_by_scan_begun_next": True}
                ledger.append(self._connection, self._actor, "scan interrupted", details)

    def _use_set(self, known_set: KnownSet) -> None:
        """Record a set. The same list, imported again for the same purpose, stays the set it was."""
        same = self._connection.execute(
            "SELECT uuid FROM sets_used WHERE name = ? AND disposition = ? AND file_sha256 = ? AND scheme IS ?",
            (known_set.name, known_set.disposition, known_set.file_sha256, known_set.scheme),
        ).fetchone()
        self.set_uuids[known_set.uuid] = str(same[0]) if same else known_set.uuid
        if not same:
            self._connection.execute(
                f"INSERT INTO sets_used VALUES ({', '.join('?' * len(fields(known_set)))})",  # noqa: S608
                astuple(known_set),  # its fields are the columns, in their order
            )
        self._connection.execute(
            "INSERT INTO scan_sets VALUES (?, ?) ON CONFLICT DO NOTHING",
            (self.scan_id, self.set_uuids[known_set.uuid]),
        )

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
        return [known_set.uuid for known_set in sets if self.set_uuids[known_set.uuid] not in caught_up]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
