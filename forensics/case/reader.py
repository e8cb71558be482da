"""Reading a case: hits, coverage, and everything a report needs. Never writes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from forensics.case import ledger, logical_digest
from forensics.case.perceptual_account import PerceptualAccount, perceptual_account
from forensics.case.set_account import (
    CrowdedEntry,
    Disagreement,
    Standing,
    crowded_entries,
    disagreements,
    standing,
)
from forensics.case.store import CaseStore
from forensics.errors import CaseError
from forensics.reason import LEFT_OUT, NOTHING_TO_EXAMINE, Reason
from hashsets.format import Disposition
from hashsets.standing import dispute, is_retracted

SHOWN = (Disposition.NOTABLE, Disposition.REFERENCE)
"""Dispositions of the hits that are counted and listed unless others are asked for: benign means to be ignored."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One stream whose content matches one entry of one set.

    The first twenty-one fields are those of ``hits --json``; the rest is for reports. ``path`` is printable;
    ``path_bytes`` holds the stored name in hexadecimal where that is another. ``query_covered`` and ``known_covered``
    are as in :class:`hashsets.match.Match`; ``retracted`` says that the issuer has taken the entry back, ``disputed``
    what others say against it.
    """

    exhibit: str
    path: str
    locator: str
    allocation: str
    size: int
    media_type: str
    md5: str
    sha1: str
    sha256: str
    set: str
    disposition: str
    scheme: str | None
    category: str | None
    basis: str
    distance: int
    tier: str
    probe: str | None
    query_covered: float | None
    known_covered: float | None
    retracted: bool
    disputed: str | None
    reference: str | None
    position: int
    set_uuid: str
    agreeing: tuple[str, ...]
    disagreeing: tuple[str, ...]
    recovery: str
    volume: str
    modified: str | None
    accessed: str | None
    changed: str | None
    created: str | None
    path_bytes: str | None

    @property
    def stored_path(self) -> bytes:
        """The path byte for byte, as the file system stores it."""
        return self.path.encode() if self.path_bytes is None else bytes.fromhex(self.path_bytes)


PUBLIC_HIT_FIELDS = (
    "exhibit", "path", "locator", "allocation", "size", "media_type", "md5", "sha1", "sha256", "set", "disposition",
    "scheme", "category", "basis", "distance", "tier", "probe", "query_covered", "known_covered",
    "retracted", "disputed",
)  # fmt: skip
"""What ``hits --json`` shows, in this order."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not examined.

    Attributes:
        locator: Where.
        reason: A :class:`forensics.reason.Reason` code.
        detail: Figures or a library's words; may be empty.
    """

    locator: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """The account of all streams; ``pending`` is what a scan has yet to do."""

    seen: int
    hashed: int
    skipped: int
    failed: int
    pending: int

    @property
    def reconciles(self) -> bool:
        """Whether every stream seen has an outcome."""
        return self.seen == self.hashed + self.skipped + self.failed


_DECODER_ENDED = (Reason.CRASHED, Reason.TIMED_OUT, Reason.OUT_OF_MEMORY)
"""Why what a content shows was not examined, though a decoder for it is there."""


class CaseReader:
    """Answers questions about a case.

    Args:
        store: The open case.
    """

    def __init__(self, store: CaseStore) -> None:
        self._store = store
        self._connection = store.connection

    @classmethod
    def open(cls, path: Path) -> CaseReader:
        """Open a case for reading only.

        Raises:
            CaseError: See :meth:`CaseStore.open`.
        """
        return cls(CaseStore.open(path, read_only=True))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the case throughout, though a scan may be writing to it meanwhile."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the case."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The case file."""
        return self._store.path

    @property
    def store(self) -> CaseStore:
        """The open case, for modules that read what people stated and decided."""
        return self._store

    # The case

    def query(self, statement: str, *parameters: object) -> Iterator[dict[str, Any]]:
        """Ask the case something of one's own: rows by the names of their columns.

        Args:
            statement: An SQL query.
            parameters: Values of its question marks.

        Raises:
            CaseError: The case cannot be read.
        """
        yield from self._rows(statement, *parameters)

    def ledger_head(self) -> dict[str, Any]:
        """The last row of the ledger: ``sequence``, ``hash``, ``at``. Every case has one."""
        return next(self._rows("SELECT sequence, hash, at FROM ledger ORDER BY sequence DESC LIMIT 1"))

    def case_info(self) -> dict[str, Any]:
        """Row of the case: ``uuid``, ``number``, ``authority``, ``created``, ``tool_version``."""
        return next(self._rows("SELECT uuid, number, authority, created, tool_version FROM case_info"))

    def examiners(self) -> list[str]:
        """Names of everyone the ledger names, in order of first appearance."""
        return [row["actor"] for row in self._rows("SELECT actor FROM ledger GROUP BY actor ORDER BY min(sequence)")]

    def exhibits(self) -> list[dict[str, Any]]:
        """Exhibits: ``label``, ``uuid``, ``created``."""
        return list(self._rows("SELECT label, uuid, created FROM exhibits ORDER BY label"))

    def sources(self) -> list[dict[str, Any]]:
        """Sources: ``label``, ``exhibit``, ``file_name``, ``format``, ``size``, ``sector_size``, ``metadata``,
        ``first_scan`` (the scan that brought it into the case), ``segments`` (list of ``file_name``, ``size``),
        ``digests`` (list of ``scan_id``, ``phase``, ``algorithm``, ``value``, ``at``), ``volumes`` (list of
        ``label``, ``scheme``, ``description``, ``offset``, ``size``, ``allocated``, ``file_system``).
        """  # noqa: D205
        result = []
        for row in self._rows(
            "SELECT sources.*, exhibits.label AS exhibit FROM sources JOIN exhibits ON exhibits.id = exhibit_id "
            "ORDER BY sources.label"
        ):
            identity = row["id"]
            result.append(
                {
                    "label": row["label"],
                    "exhibit": row["exhibit"],
                    "file_name": Path(row["path"]).name,
                    "format": row["format"],
                    "size": row["size"],
                    "sector_size": row["sector_size"],
                    "first_scan": row["first_scan_id"],
                    "metadata": json.loads(row["metadata"]),
                    "segments": self._list("source_segments", "file_name, size", identity, "ordinal"),
                    "digests": self._list(
                        "source_digests", "scan_id, phase, algorithm, value, at", identity, "at, phase"
                    ),
                    "volumes": self._list(
                        "volumes",
                        "label, scheme, description, offset, size, allocated, file_system",
                        identity,
                        "offset, id",
                    ),
                }
            )
        return result

    def sets_used(self) -> list[dict[str, Any]]:
        """Known-hash sets used by any scan, with all that is known of where they came from."""
        return list(self._rows("SELECT * FROM sets_used ORDER BY name, imported"))

    def scans(self) -> list[dict[str, Any]]:
        """Scans, oldest first: ``id``, ``kind``, ``started``, ``ended``, ``state``, ``profile``, ``tool_version``,
        ``arguments``, ``environment``, ``examiner``, ``sets`` (names).
        """  # noqa: D205
        result = []
        for row in self._rows(
            "SELECT scans.*, actors.name AS examiner FROM scans JOIN actors ON actors.id = actor_id ORDER BY scans.id"
        ):
            names = self._rows(
                "SELECT name FROM scan_sets JOIN sets_used ON uuid = set_uuid WHERE scan_id = ? ORDER BY name",
                row["id"],
            )
            row["arguments"] = json.loads(row["arguments"])
            row["environment"] = json.loads(row["environment"])
            row["sets"] = [name["name"] for name in names]
            del row["actor_id"]
            result.append(row)
        return result

    def ledger(self) -> Iterator[ledger.LedgerRow]:
        """The ledger, oldest row first."""
        try:
            yield from ledger.rows(self._connection)
        except sqlite3.DatabaseError as error:
            raise CaseError(f"cannot be read ({error})", str(self.path), "restore it from a copy") from error

    def first_broken_ledger_row(self) -> int | None:
        """Sequence number of the first ledger row that breaks the chain; ``None`` if it is whole."""
        return ledger.first_broken_row(self._connection)

    def logical_digest(self) -> str:
        """One digest over all findings (see :mod:`forensics.case.logical_digest`). Reads the whole case."""
        return logical_digest.of_case(self._connection)

    def changed_sources(self) -> list[str]:
        """Labels of the sources whose files did not have the same digest every time it was computed."""
        return [
            row["label"]
            for row in self._rows(
                "SELECT label FROM sources JOIN source_digests ON source_id = sources.id "
                "WHERE phase IN ('before', 'after') GROUP BY label, algorithm HAVING count(DISTINCT value) > 1"
            )
        ]

    # Results

    def hits(self, dispositions: Sequence[str] = SHOWN) -> Iterator[Hit]:
        """Hits, one for each (stream, set entry), ordered by locator, path, set and place in the set."""
        marks = ",".join("?" * len(dispositions))
        query = f"""
            SELECT exhibits.label AS exhibit, streams.path, streams.locator, streams.allocation, streams.size,
                   contents.media_type, contents.md5, contents.sha1, contents.sha256,
                   sets_used.name AS "set", sets_used.disposition, sets_used.scheme, entries_hit.category,
                   hits.basis, hits.distance, hits.tier, hits.probe, hits.query_covered, hits.known_covered,
                   entries_hit.attributes, entries_hit.reference, hits.position,
                   hits.set_uuid, hits.agreeing, hits.disagreeing, streams.recovery, volumes.label AS volume,
                   streams.modified, streams.accessed, streams.changed, streams.created, streams.path_bytes
            FROM hits
            JOIN sets_used ON sets_used.uuid = hits.set_uuid
            JOIN entries_hit ON entries_hit.set_uuid = hits.set_uuid AND entries_hit.position = hits.position
            JOIN contents ON contents.sha256 = hits.content
            JOIN streams ON streams.content = hits.content
            JOIN volumes ON volumes.id = streams.volume_id
            JOIN sources ON sources.id = streams.source_id
            JOIN exhibits ON exhibits.id = sources.exhibit_id
            WHERE sets_used.disposition IN ({marks})
            ORDER BY exhibits.label, streams.locator, streams.path, sets_used.name, sets_used.imported, hits.position
        """  # noqa: S608 - only question marks are put in
        for row in self._rows(query, *dispositions):
            attributes = json.loads(row.pop("attributes"))
            row["retracted"], row["disputed"] = is_retracted(attributes), dispute(attributes)
            row["agreeing"] = tuple(filter(None, row["agreeing"].split(",")))
            row["disagreeing"] = tuple(filter(None, row["disagreeing"].split(",")))
            yield Hit(**row)

    def streams_at(self, locator: str) -> list[dict[str, Any]]:
        """All that the case holds of the streams at a locator, one row for each name that leads there.

        Keys: ``exhibit``, ``path``, ``size``, ``allocation``, ``recovery``, the times, ``state``, ``reason``,
        ``detail``, ``media_type``, ``md5``, ``sha1``, ``sha256``, ``hits`` (how many entries its content matches).
        """
        return list(
            self._rows(
                "SELECT exhibits.label AS exhibit, streams.path, streams.size, allocation, recovery, modified, "
                "accessed, changed, streams.created, state, reason, detail, media_type, md5, sha1, sha256, "
                "(SELECT count(*) FROM hits WHERE hits.content = streams.content) AS hits "
                "FROM streams JOIN sources ON sources.id = source_id JOIN exhibits ON exhibits.id = exhibit_id "
                "LEFT JOIN contents ON sha256 = content WHERE locator = ? ORDER BY streams.path",
                locator,
            )
        )

    def source_path(self, label: str) -> Path:
        """Where a source was when it was last scanned."""
        return Path(next(self._rows("SELECT path FROM sources WHERE label = ?", label))["path"])

    def hit_counts(self) -> dict[str, int]:
        """How many rows :meth:`hits` has, by tier."""
        counts = dict.fromkeys(("exact", "near", "similar"), 0)
        for row in self._rows(
            "SELECT tier, count(*) AS count FROM hits JOIN sets_used ON uuid = set_uuid "
            "JOIN streams ON streams.content = hits.content WHERE disposition <> 'benign' GROUP BY tier"
        ):
            counts[row["tier"]] = row["count"]
        return counts

    def benign_streams(self) -> int:
        """How many streams hold a content that a benign set knows."""
        return self._count(
            "SELECT count(*) FROM streams WHERE content IN "
            "(SELECT content FROM hits JOIN sets_used ON uuid = set_uuid WHERE disposition = 'benign')"
        )

    def conflicts(self) -> int:
        """How many contents one set lists as notable and another as benign."""
        return self._count(
            "SELECT count(*) FROM (SELECT content FROM hits JOIN sets_used ON uuid = set_uuid GROUP BY content "
            "HAVING sum(disposition = 'notable') > 0 AND sum(disposition = 'benign') > 0)"
        )

    def disagreements(self) -> list[Disagreement]:
        """Sets that say different things of the same contents."""
        return disagreements(self._rows)

    def inconsistent(self) -> int:
        """How many contents match an entry that states another digest or size as well."""
        return self._count(
            "SELECT count(DISTINCT content) FROM hits JOIN sets_used ON uuid = set_uuid "
            "WHERE disagreeing <> '' AND disposition <> 'benign'"
        )

    def standing(self) -> Standing:
        """How many contents match entries that were retracted or are disputed."""
        return standing(self._rows)

    def crowded_entries(self) -> list[CrowdedEntry]:
        """Entries that match very many contents: a poisoned list, or the hash of next to nothing."""
        return crowded_entries(self._rows)

    # Coverage

    def stream_counts(self) -> StreamCounts:
        """The account of all streams."""
        by_state = {
            row["state"]: row["count"] for row in self._rows("SELECT state, count(*) AS count FROM streams GROUP BY 1")
        }
        hashed, skipped = by_state.get("hashed", 0), by_state.get("skipped", 0)
        failed, pending = by_state.get("failed", 0), by_state.get("pending", 0)
        return StreamCounts(hashed + skipped + failed + pending, hashed, skipped, failed, pending)

    def outcome_counts(self) -> list[dict[str, Any]]:
        """Streams that were not hashed, by ``state`` and ``reason``: ``count`` and ``bytes``."""
        return list(
            self._rows(
                "SELECT state, reason, count(*) AS count, CAST(total(size) AS INTEGER) AS bytes FROM streams "
                "WHERE state IN ('skipped', 'failed') GROUP BY state, reason ORDER BY state, reason"
            )
        )

    def gaps(self) -> Iterator[Gap]:
        """Everything that could not be examined, ordered by locator.

        What holds nothing to examine, and what a scan left out by choice, is no gap; both are in
        :meth:`outcome_counts`. A content whose decoder was ended is one though it has digests: who made it may have
        meant to keep it from being compared.
        """
        no_gaps = sorted(NOTHING_TO_EXAMINE | LEFT_OUT)
        marks = ",".join("?" * len(no_gaps))
        for row in self._rows(
            f"""
            SELECT locator, reason, detail FROM not_examined
            UNION ALL
            SELECT coalesce(exhibit, '-'), 'source-refused', problem FROM refused_sources
            UNION ALL
            SELECT label, 'exhibit-without-source', '' FROM exhibits
            WHERE id NOT IN (SELECT exhibit_id FROM sources)
            AND label NOT IN (SELECT exhibit FROM refused_sources WHERE exhibit IS NOT NULL)
            UNION ALL
            SELECT locator, reason, coalesce(detail, '') FROM streams
            WHERE state IN ('skipped', 'failed') AND reason NOT IN ({marks})
            UNION ALL
            SELECT locator, perceptual_reason, CASE perceptual
                WHEN 'failed' THEN 'hashed; what it shows was not examined'
                ELSE 'hashed; of what it shows only a part was examined' END
            FROM contents JOIN streams ON content = sha256
            WHERE perceptual IN ('failed', 'hashed') AND perceptual_reason IN (?, ?, ?)
            ORDER BY locator, reason
            """,  # noqa: S608 - only question marks are put in
            *no_gaps,
            *_DECODER_ENDED,
        ):
            yield Gap(**row)

    def contents(self) -> int:
        """How many distinct contents were hashed."""
        return self._count("SELECT count(*) FROM contents")

    def perceptual_account(self) -> PerceptualAccount:
        """How many pictures and films there are, and what became of their perceptual hashes."""
        return perceptual_account(self._rows)

    def hashed_bytes(self) -> int:
        """Bytes of all streams that were hashed."""
        return self._count("SELECT CAST(total(size) AS INTEGER) FROM streams WHERE state = 'hashed'")

    def allocations(self) -> dict[str, int]:
        """Streams by allocation."""
        return {
            row["allocation"]: row["n"]
            for row in self._rows("SELECT allocation, count(*) AS n FROM streams GROUP BY 1")
        }

    def unwalked_volumes(self) -> int:
        """How many volumes, gaps between partitions included, have not been walked to the end yet."""
        return self._count("SELECT count(*) FROM volumes WHERE walked = 0")

    def _rows(self, query: str, *parameters: object) -> Iterator[dict[str, Any]]:
        try:
            yield from self._store.database.query(query, parameters)
        except sqlite3.DatabaseError as error:
            raise CaseError(f"cannot be read ({error})", str(self.path), "restore it from a copy") from error

    def _list(self, table: str, columns: str, source_id: int, order: str) -> list[dict[str, Any]]:
        query = f"SELECT {columns} FROM {table} WHERE source_id = ? ORDER BY {order}"  # noqa: S608 - literals only
        return list(self._rows(query, source_id))

    def _count(self, query: str) -> int:
        return int(next(iter(next(self._rows(query)).values())))
