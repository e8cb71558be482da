"""Writes sources into the case, and recognises evidence it has met before: by content first, by place second."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics.case import findings, ledger, privilege, utc
from forensics.case.ledger import Actor, canonical_json
from forensics.case.storable import storable
from forensics.case.store import CaseStore
from forensics.errors import CaseError, TamizError
from forensics.evidence.description import COULD_CHANGE, SourceDescription
from forensics.evidence.stream import display_text
from forensics.evidence.volume import Volume
from forensics.reason import Reason

_CHANGED = "find out why before going on"


@dataclass(frozen=True, slots=True)
class RecordedSource:
    """A source as the case knows it.

    Attributes:
        id: Its row.
        label: First part of its locators.
        exhibit: Label of its exhibit.
        new_exhibit: The exhibit was not in the case before.
    """

    id: int
    label: str
    exhibit: str
    new_exhibit: bool = False


@dataclass(frozen=True, slots=True)
class RecordedVolume:
    """A volume, as the case knows it."""

    id: int
    label: str
    walked: bool


class SourceRecorder:
    """Records the sources of one scan.

    Args:
        store: The case, open for writing.
        actor: Who runs the scan.
        scan_id: The scan.
    """

    def __init__(self, store: CaseStore, actor: Actor, scan_id: int) -> None:
        self._store = store
        self._connection = store.connection
        self._actor = actor
        self._scan_id = scan_id

    def register(self, description: SourceDescription, exhibit: str | None, digest: str | None) -> RecordedSource:
        """Find the source in the case, or add it with its segments and volumes.

        A known place must hold what it held before. Evidence met again at another place is the same source if it has
        left the old one; if both exist, the user must say which exhibit the second is.

        Args:
            description: What was found at the path.
            exhibit: The exhibit the user named; ``None`` to find or make one.
            digest: SHA-256 over the evidence files; ``None`` if it was not computed.

        Raises:
            CaseError: It is not the evidence that was scanned before, or belongs to another exhibit.
        """
        with self._store.transaction():
            path = printable_path(description.path)
            known = self._row("WHERE sources.path = ?", path) or self._moved(description, exhibit, digest, path)
            if known is not None:
                if exhibit not in {None, known["exhibit"]}:
                    raise CaseError(
                        f"is in the case as a source of exhibit {known['exhibit']}", path, "leave out --exhibit"
                    )
                self._check_unchanged(known["id"], description, path)
                self._check_openable(known["id"], description, path)
                self._take_up(known["id"], known["label"], description)
                self._note_writable(known["id"], description)
                return RecordedSource(known["id"], known["label"], known["exhibit"])
            return self._add(description, exhibit, path)

    def refuse(self, path: Path, exhibit: str | None, error: TamizError) -> None:
        """Record that a file could not be examined as a source. One that is not there is no evidence."""
        if not path.exists():
            return
        with self._store.transaction():
            self._connection.execute(
                "INSERT INTO refused_sources VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "scan_id = excluded.scan_id, at = excluded.at, problem = excluded.problem, exhibit = excluded.exhibit",
                (printable_path(path), exhibit, self._scan_id, error.what, utc.now()),
            )

    def accept(self, source: RecordedSource) -> None:
        """Take back an earlier refusal of a source that has now been examined."""
        with self._store.transaction():
            self._connection.execute(
                "DELETE FROM refused_sources WHERE path = (SELECT path FROM sources WHERE id = ?)", (source.id,)
            )

    def add_digest(self, source_id: int, phase: str, algorithm: str, value: str) -> None:
        """Record a digest of a source (``before``, ``after`` or ``medium``)."""
        with self._store.transaction():
            self._add_digest(source_id, phase, algorithm, value)

    def first_digest(self, source_id: int, algorithm: str) -> str | None:
        """The first digest a scan computed over the files of a source; ``None`` if none has."""
        row = self._connection.execute(
            "SELECT value FROM source_digests WHERE source_id = ? AND algorithm = ? AND phase IN ('before', 'after') "
            "ORDER BY at LIMIT 1",
            (source_id, algorithm),
        ).fetchone()
        return str(row[0]) if row else None

    def release_privileged(self, source_id: int, volumes: Collection[str]) -> None:
        """Take up again what earlier scans withheld (:func:`forensics.case.privilege.release_privileged`)."""
        privilege.release_privileged(self._store, self._actor, self._scan_id, source_id, volumes)

    def volumes(self, source_id: int) -> list[RecordedVolume]:
        """The volumes of a source in order of offset, gaps included: a file system or its remains may begin in one."""
        query = "SELECT id, label, walked FROM volumes WHERE source_id = ? ORDER BY offset, id"
        return [RecordedVolume(row[0], row[1], bool(row[2])) for row in self._connection.execute(query, (source_id,))]

    # Recognising

    def _row(self, condition: str, *values: object) -> dict[str, Any] | None:
        query = (
            "SELECT sources.id, sources.label, sources.path, exhibits.label AS exhibit FROM sources "  # noqa: S608
            f"JOIN exhibits ON exhibits.id = exhibit_id {condition}"
        )
        return next(iter(self._store.database.query(query, values)), None)

    def _moved(
        self, description: SourceDescription, exhibit: str | None, digest: str | None, path: str
    ) -> dict[str, Any] | None:
        """Recognise evidence that was scanned at another place."""
        if digest is None:
            candidate = self._row("WHERE sources.size = ? AND format = ?", description.size, description.format)
            if candidate and not Path(candidate["path"]).exists() and self._is_alike(candidate["id"], description):
                what = f"looks like source {candidate['label']}, which has left its place"
                raise CaseError(what, path, "leave out --no-source-digest, so that it can be recognised")
            return None
        known = self._row(
            "JOIN source_digests ON source_id = sources.id WHERE value = ? AND phase IN ('before', 'after')", digest
        )
        if known is None:
            return None
        if Path(known["path"]).exists():
            if exhibit not in {None, known["exhibit"]}:
                return None  # a copy that the user has declared another exhibit
            alike = "is byte for byte" if description.segments else "lists the same files, sizes and times as"
            raise CaseError(
                f"{alike} source {known['label']} of exhibit {known['exhibit']}, which is still in its place",
                path,
                "scan that one, or say with --exhibit which other exhibit this is",
            )
        self._connection.execute("UPDATE sources SET path = ? WHERE id = ?", (path, known["id"]))
        ledger.append(self._connection, self._actor, "source moved", {"scan": self._scan_id, "source": known["label"]})
        return known

    def _check_unchanged(self, source_id: int, description: SourceDescription, path: str) -> None:
        if not self._is_alike(source_id, description):
            raise CaseError("is not what was scanned before: its size or volumes have changed", path, _CHANGED)

    def _is_alike(self, source_id: int, description: SourceDescription) -> bool:
        """Whether image, segments, volumes and stored digests are those the case has."""
        execute = self._connection.execute
        image = execute("SELECT format, size, sector_size FROM sources WHERE id = ?", (source_id,)).fetchone()
        segments = execute("SELECT size FROM source_segments WHERE source_id = ? ORDER BY ordinal", (source_id,))
        volumes = set(execute("SELECT label, offset, size FROM volumes WHERE source_id = ?", (source_id,)))
        described = {(volume.label, *_place(volume)) for volume, _ in description.volumes}
        # which volumes inside others are found depends on the keys at hand and on the profile
        in_both = {row[0] for row in volumes} & {row[0] for row in described}
        stored = execute(
            "SELECT DISTINCT algorithm, value FROM source_digests WHERE source_id = ? AND phase = 'acquisition'",
            (source_id,),
        )
        return (
            image == (description.format, description.size, description.sector_size)
            and [row[0] for row in segments] == [size for _, size in description.segments]
            and {row for row in volumes if "/" not in row[0]} == {row for row in described if "/" not in row[0]}
            and {row for row in volumes if row[0] in in_both} == {row for row in described if row[0] in in_both}
            and dict(stored) == dict(description.stored_digests)
        )

    def _check_openable(self, source_id: int, description: SourceDescription, path: str) -> None:
        """Refuse to go on where volumes with work left were opened before and cannot be opened now."""
        found = {volume.label for volume, _ in description.volumes}
        rows = self._connection.execute(
            "SELECT label FROM volumes WHERE source_id = ? AND label LIKE '%/%' AND (walked = 0 OR EXISTS "
            "(SELECT 1 FROM streams WHERE volume_id = volumes.id AND state = 'pending')) ORDER BY id",
            (source_id,),
        )
        missing = [row[0] for row in rows if row[0] not in found]
        if missing:
            what = f"an earlier scan opened volumes that cannot be opened now ({', '.join(missing)})"
            raise CaseError(what, path, "give the same key files and the same profile again")

    def _take_up(self, source_id: int, label: str, description: SourceDescription) -> None:
        """Record volumes that earlier scans of the source did not find, or could not open for want of a key."""
        known = dict(
            self._connection.execute("SELECT label, file_system FROM volumes WHERE source_id = ?", (source_id,))
        )
        self._insert_volumes(source_id, [found for found in description.volumes if found[0].label not in known])
        outer = {volume.label.rpartition("/")[0] for volume, _ in description.volumes}
        for volume, file_system in description.volumes:
            opened = volume.label in known and known[volume.label] is None and file_system is not None
            if opened:
                self._connection.execute(
                    "UPDATE volumes SET file_system = ?, description = ?, walked = 0 WHERE source_id = ? AND label = ?",
                    (file_system, volume.description, source_id, volume.label),
                )
            locator = f"{label}/{volume.label}"
            if opened or volume.label in outer:
                self._take_back(source_id, locator, Reason.VOLUME_ENCRYPTED, "volume unlocked")
            if volume.label in outer:
                self._take_back(source_id, locator, Reason.SHADOW_COPIES_NOT_EXAMINED, "shadow copies opened")

    def _take_back(self, source_id: int, locator: str, reason: Reason, action: str) -> None:
        """Take back that a volume, or what lies in it, could not be examined."""
        gone = self._connection.execute(
            "DELETE FROM not_examined WHERE source_id = ? AND locator = ? AND reason = ?", (source_id, locator, reason)
        )
        if gone.rowcount:
            details = {"scan": self._scan_id, "volume": locator}
            ledger.append(self._connection, self._actor, action, details)

    def _note_writable(self, source_id: int, description: SourceDescription) -> None:
        """Say in the case that a source could have changed in this scan, whatever held in the first one."""
        if COULD_CHANGE not in description.metadata:
            return
        execute = self._connection.execute
        metadata = json.loads(execute("SELECT metadata FROM sources WHERE id = ?", (source_id,)).fetchone()[0])
        metadata.setdefault(COULD_CHANGE, description.metadata[COULD_CHANGE])
        execute("UPDATE sources SET metadata = ? WHERE id = ?", (canonical_json(metadata), source_id))

    # Adding

    def _insert_volumes(self, source_id: int, volumes: Iterable[tuple[Volume, str | None]]) -> None:
        self._connection.executemany(
            "INSERT INTO volumes (source_id, label, scheme, description, offset, size, allocated, file_system) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (source_id, v.label, v.scheme, v.description, *_place(v), int(v.allocated), file_system)
                for v, file_system in volumes
            ],
        )

    def _add(self, description: SourceDescription, exhibit: str | None, path: str) -> RecordedSource:
        exhibit = exhibit or self._free_exhibit()
        label = self._free_label(exhibit)
        exhibit_id, new_exhibit = self._exhibit_id(exhibit)
        row = {
            "exhibit_id": exhibit_id,
            "label": label,
            "path": path,
            "first_scan_id": self._scan_id,
            "format": description.format,
            "size": description.size,
            "sector_size": description.sector_size,
            "metadata": canonical_json(dict(description.metadata)),
        }
        source_id = self._store.insert("sources", row)
        self._connection.executemany(
            "INSERT INTO source_segments VALUES (?, ?, ?, ?)",
            [
                (source_id, number, display_text(os.fsencode(name)), size)
                for number, (name, size) in enumerate(description.segments, start=1)
            ],
        )
        for algorithm, value in description.stored_digests.items():
            self._add_digest(source_id, "acquisition", algorithm, value)
        self._insert_volumes(source_id, description.volumes)
        findings.insert_not_examined(self._connection, source_id, description.not_examined)
        return RecordedSource(source_id, label, exhibit, new_exhibit)

    def _free_label(self, exhibit: str) -> str:
        used = self._connection.execute(
            "SELECT count(*) FROM sources JOIN exhibits ON exhibits.id = exhibit_id WHERE exhibits.label = ?",
            (exhibit,),
        ).fetchone()[0]
        return exhibit if used == 0 else f"{exhibit}.{used + 1}"

    def _free_exhibit(self) -> str:
        """The only exhibit without a source, else the next unused of E1, E2 ..."""
        waiting = self._labels("WHERE id NOT IN (SELECT exhibit_id FROM sources)")
        if len(waiting) == 1:
            return waiting[0]
        if waiting:
            what = f"several exhibits have no source yet ({', '.join(waiting)})"
            raise CaseError(what, None, "say which with --exhibit")
        taken = self._labels("")
        return next(label for label in (f"E{number}" for number in range(1, len(taken) + 2)) if label not in taken)

    def _labels(self, condition: str) -> Sequence[str]:
        query = f"SELECT label FROM exhibits {condition} ORDER BY label"  # noqa: S608 - literals only
        return [row[0] for row in self._connection.execute(query)]

    def _exhibit_id(self, label: str) -> tuple[int, bool]:
        row = self._connection.execute("SELECT id FROM exhibits WHERE label = ?", (label,)).fetchone()
        return (int(row[0]), False) if row else (self._store.add_exhibit(label), True)

    def _add_digest(self, source_id: int, phase: str, algorithm: str, value: str) -> None:
        self._connection.execute(
            "INSERT INTO source_digests VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (source_id, self._scan_id, phase, algorithm, value, utc.now()),
        )


def printable_path(path: Path) -> str:
    """A place on the laboratory's disk as text: a name that is no UTF-8 (common on old disks) is kept as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _place(volume: Volume) -> tuple[int, int]:
    """Offset and size of a volume as the case writes them; a table may state any."""
    return storable(volume.offset), storable(volume.size)
