"""Writes what a scan finds: streams, contents, hits, and what could not be examined."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from forensics.case.completion import HASHED_IN_PART, Incomplete, hashed_less, incomplete, try_again
from forensics.case.ledger import canonical_json
from forensics.case.many_rows import write_many
from forensics.case.storable import storable
from forensics.case.store import CaseStore
from forensics.case.stored_contents import StoredContent, contents_after
from forensics.case.stream_plan import INSERT_STREAM, PAGE, Everything, Plan, choose_again, stream_row
from forensics.evidence.stream import NotExamined, Stream
from forensics.media.film import Sampling
from forensics.outcome import ExaminedContent, ExaminedFilm, Outcome
from forensics.reason import LEFT_OUT
from hashsets.match import Match

_EVERYTHING = Everything()

_HASHED = (  # all in one statement: row by row it takes twice as long
    "UPDATE streams SET state = 'hashed', content = json_extract(value, '$[1]') FROM json_each(?) "
    "WHERE streams.id = json_extract(value, '$[0]') AND state = 'pending'"
)
_UNHASHED = (
    "WITH outcome (stream_id, became, why, words) AS (VALUES (rows)) "
    "UPDATE streams SET state = became, reason = why, detail = words "
    "FROM outcome WHERE id = stream_id AND state = 'pending'"
)
_CONTENT = (
    "INSERT INTO contents VALUES (rows) ON CONFLICT DO UPDATE SET media_type = excluded.media_type, "
    "perceptual = excluded.perceptual, perceptual_reason = excluded.perceptual_reason, "
    "width = excluded.width, height = excluded.height "
)
_HASHED_LESS_BEFORE = (
    "WHERE (perceptual_reason = 'benign' AND excluded.perceptual_reason IS NOT 'benign') "
    "OR (perceptual_reason = 'video-support-missing' AND (perceptual <> 'hashed' OR excluded.perceptual = 'hashed')) "
    f"OR ({HASHED_IN_PART} AND (perceptual <> 'hashed' OR excluded.perceptual = 'hashed'))"
)
_ENTRY = "INSERT INTO entries_hit VALUES (rows) ON CONFLICT DO NOTHING"
_STRENGTH = "(CASE {0}tier WHEN 'exact' THEN 0 WHEN 'near' THEN 1 ELSE 2 END, {0}distance)"
_HIT = (
    # of a picture that was hashed in part before, a further view may be nearer
    "INSERT INTO hits VALUES (rows) ON CONFLICT DO UPDATE SET basis = excluded.basis, distance = excluded.distance, "  # noqa: S608
    "tier = excluded.tier, probe = excluded.probe, agreeing = excluded.agreeing, disagreeing = excluded.disagreeing, "
    "query_covered = excluded.query_covered, known_covered = excluded.known_covered "
    f"WHERE {_STRENGTH.format('excluded.')} < {_STRENGTH.format('hits.')}"
)


@dataclass(frozen=True, slots=True)
class PendingStream:
    """A stream that waits to be examined."""

    id: int
    locator: str
    size: int
    allocation: str
    path: str
    path_bytes: str | None

    @property
    def stored_path(self) -> bytes:
        """The path byte for byte, as the file system stores it."""
        return self.path.encode() if self.path_bytes is None else bytes.fromhex(self.path_bytes)


class FindingRecorder:
    """Records findings and hands out what is still to be examined.

    Args:
        store: The case, open for writing.
        set_uuids: Under which UUID the case knows each set of the scan, where that is another.
    """

    def __init__(self, store: CaseStore, set_uuids: Mapping[str, str] | None = None) -> None:
        self._set_uuids = set_uuids or {}
        self._store = store
        self._connection = store.connection

    def add_walked(
        self,
        source_id: int,
        volume_id: int,
        items: Iterable[Stream | NotExamined],
        *,
        last: bool,
        plan: Plan = _EVERYTHING,
    ) -> None:
        """Record a batch of a walk. A walk that was cut short is walked again: what is known stays as it is.

        Args:
            source_id: The source.
            volume_id: The volume.
            items: What the walk yielded.
            last: The walk has come to its end.
            plan: What the scan examines, and in which order.
        """
        items = list(items)
        with self._store.transaction():
            rows = [stream_row(source_id, volume_id, item, plan) for item in items if isinstance(item, Stream)]
            write_many(self._connection, INSERT_STREAM, rows)
            insert_not_examined(self._connection, source_id, (item for item in items if isinstance(item, NotExamined)))
            if last:
                self._connection.execute("UPDATE volumes SET walked = 1 WHERE id = ?", (volume_id,))

    def choose_again(self, source_id: int, plan: Plan) -> None:
        """Decide anew what becomes of streams that earlier scans found and did not examine.

        What an earlier scan left out by choice waits again unless this one leaves it out too.
        """
        with self._store.transaction():
            choose_again(self._connection, source_id, plan)

    def try_again(
        self, source_id: int, label: str, volumes: Collection[str], not_examined: Iterable[NotExamined]
    ) -> None:
        """Make wait what earlier scans of a source could not examine.

        Args:
            source_id: The source.
            label: Its label.
            volumes: Labels of the volumes that can be opened now.
            not_examined: What still cannot be examined, as the source is opened now.
        """
        with self._store.transaction():
            try_again(self._connection, source_id, label, volumes)
            insert_not_examined(self._connection, source_id, not_examined)

    # The work and its outcomes

    def pending_totals(self, source_id: int) -> tuple[int, int]:
        """How many streams of a source wait, and their bytes."""
        row = self._connection.execute(
            "SELECT count(*), CAST(total(size) AS INTEGER) FROM streams WHERE source_id = ? AND state = 'pending'",
            (source_id,),
        ).fetchone()
        return int(row[0]), int(row[1])

    def pending(self, source_id: int) -> Iterator[PendingStream]:
        """The streams of a source that wait: by class, in physical order, those without a place of their own last.

        Reads a page at a time, so that the case can be written meanwhile and memory stays flat.
        """
        classes = self._connection.execute(
            "SELECT DISTINCT priority FROM streams WHERE source_id = ? AND state = 'pending' ORDER BY 1", (source_id,)
        )
        for (priority,) in classes.fetchall():
            for condition, order in (
                ("physical_offset IS NOT NULL", "physical_offset"),
                ("physical_offset IS NULL", "id"),
            ):
                after = (-2, -1)
                while True:
                    page = self._connection.execute(
                        f"SELECT id, locator, size, allocation, path, path_bytes, {order} FROM streams "  # noqa: S608
                        f"WHERE source_id = ? AND state = 'pending' AND priority = ? AND {condition} "
                        f"AND ({order}, id) > (?, ?) ORDER BY {order}, id LIMIT {PAGE}",
                        (source_id, priority, *after),
                    ).fetchall()
                    for row in page:
                        yield PendingStream(*row[:6])
                    if len(page) < PAGE:
                        break
                    after = (page[-1][6], page[-1][0])

    def add_outcomes(self, outcomes: Sequence[Outcome]) -> list[int]:
        """Record what became of some streams. Of a stream that has an outcome already, it stays as it is.

        Returns:
            Ids of streams whose outcome rests on a content this case does not hold: they must be examined again.
        """
        again: list[int] = []
        hashed: dict[int, str] = {}
        unhashed: dict[int, tuple[str, str | None, str | None]] = {}
        with self._store.transaction():
            self._add_contents([outcome.content for outcome in outcomes if outcome.content is not None])
            told = {outcome.sha256 for outcome in outcomes if outcome.content is None and outcome.sha256 is not None}
            held = self._held(told)
            for outcome in outcomes:
                stream_id, sha256 = outcome.stream_id, outcome.sha256
                if stream_id in hashed or stream_id in unhashed:
                    continue
                if sha256 is None:
                    state = "skipped" if outcome.reason in LEFT_OUT else "failed"
                    unhashed[stream_id] = (state, outcome.reason and str(outcome.reason), outcome.detail or None)
                elif outcome.content is None and sha256 not in held:
                    again.append(stream_id)
                else:
                    hashed[stream_id] = sha256
            self._connection.execute(_HASHED, (json.dumps(sorted(hashed.items())),))
            write_many(self._connection, _UNHASHED, [(stream_id, *row) for stream_id, row in unhashed.items()])
        return again

    def locator(self, stream_id: int) -> str:
        """Text of the locator of a stream."""
        return str(self._connection.execute("SELECT locator FROM streams WHERE id = ?", (stream_id,)).fetchone()[0])

    def count_contents(self) -> int:
        """How many contents the case holds."""
        return int(self._connection.execute("SELECT count(*) FROM contents").fetchone()[0])

    def known_contents(
        self, benign_sets: Sequence[str], sampling: Sampling | None = None, *, in_part: bool = False
    ) -> Iterator[str]:
        """SHA-256 of every content in the case that need not be examined again.

        Args:
            benign_sets: UUIDs of the benign sets of this scan.
            sampling: Which frames of films this scan hashes; ``None`` if it cannot decode films.
            in_part: Leave out also those hashed in part, or not at all, for any other reason.
        """
        condition, values = hashed_less(benign_sets, sampling, in_part=in_part)
        query = f"SELECT sha256 FROM contents WHERE NOT ({condition})"  # noqa: S608 - question marks only
        for row in self._connection.execute(query, tuple(values)):
            yield row[0]

    def incomplete(
        self,
        source_id: int,
        volumes: Collection[str],
        benign_sets: Sequence[str],
        sampling: Sampling | None = None,
        *,
        in_part: bool = False,
        plan: Plan = _EVERYTHING,
    ) -> list[Incomplete]:
        """Streams to examine again, for this scan can hash more of their contents; what the case has of them stands.

        Args:
            source_id: The source.
            volumes: Labels of the volumes that can be opened now.
            benign_sets: As for :meth:`known_contents`.
            sampling: As for :meth:`known_contents`.
            in_part: As for :meth:`known_contents`.
            plan: What the scan examines.
        """
        condition = hashed_less(benign_sets, sampling, in_part=in_part)
        return incomplete(self._connection, source_id, volumes, condition, plan)

    def streams(self, ids: Iterable[int]) -> Iterator[PendingStream]:
        """Some streams, whatever their state.

        Args:
            ids: Their rows.
        """
        for stream_id in ids:
            row = self._connection.execute(
                "SELECT id, locator, size, allocation, path, path_bytes FROM streams WHERE id = ?", (stream_id,)
            ).fetchone()
            yield PendingStream(*row)

    def hits_by_content(self, sets: Iterable[str]) -> dict[str, int]:
        """How many entries of some sets each content was found to match; contents without a match are left out."""
        chosen = set(sets)
        counts: dict[str, int] = {}
        for content, set_uuid in self._connection.execute("SELECT content, set_uuid FROM hits"):
            if set_uuid in chosen:
                counts[content] = counts.get(content, 0) + 1
        return counts

    def add_matches(self, sha256: str, matches: Iterable[Match]) -> None:
        """Record the entries a content matches, inside the caller's transaction."""
        self._add_matches((sha256, match) for match in matches)

    def _add_matches(self, matches: Iterable[tuple[str, Match]]) -> None:
        entries: dict[tuple[str, int], tuple[Any, ...]] = {}
        hits: list[tuple[Any, ...]] = []
        for sha256, match in matches:
            entry = match.entry
            set_uuid = self._set_uuids.get(entry.set_uuid, entry.set_uuid)
            if (set_uuid, entry.position) not in entries:
                entries[set_uuid, entry.position] = (
                    set_uuid, entry.position, entry.reference, entry.category, entry.md5, entry.sha1, entry.sha256,
                    entry.size, canonical_json(dict(entry.attributes)),
                )  # fmt: skip
            hits.append(
                (
                    sha256, set_uuid, entry.position, match.basis, match.distance, str(match.tier), match.probe,
                    ",".join(match.agreeing), ",".join(match.disagreeing), match.query_covered, match.known_covered,
                )
            )  # fmt: skip
        write_many(self._connection, _ENTRY, list(entries.values()))
        write_many(self._connection, _HIT, hits)

    def _held(self, contents: set[str]) -> set[str]:
        """Which of some contents the case holds."""
        if not contents:
            return set()
        query = "SELECT sha256 FROM contents WHERE sha256 IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self._connection.execute(query, (json.dumps(sorted(contents)),))}

    def _add_contents(self, contents: Sequence[ExaminedContent]) -> None:
        """Add contents, or complete those that were not hashed whole; their matches are recorded in any case.

        Another scan may have added a content meanwhile, with other sets. Of a content that comes twice, the first is
        written before the second is looked at.
        """
        firsts = {content.digests.sha256: content for content in reversed(contents)}
        if len(firsts) < len(contents):
            self._add_contents(list(firsts.values()))
            self._add_contents([content for content in contents if firsts[content.digests.sha256] is not content])
            return
        rows: list[tuple[Any, ...]] = []
        resampled: list[tuple[Any, ...]] = []
        for content in contents:
            digests, film = content.digests, content.film
            fate = (str(content.perceptual), content.perceptual_reason, content.width, content.height)
            row = (digests.sha256, digests.sha1, digests.md5, digests.size, content.media_type, *fate)
            is_resampled = film is not None and self._forget_fewer_frames(digests.sha256, film)
            (resampled if is_resampled else rows).append(row)
        rows.sort(key=itemgetter(0))  # as the table is: neighbours then go to the same page
        write_many(self._connection, _CONTENT + _HASHED_LESS_BEFORE, rows)
        write_many(self._connection, _CONTENT + "WHERE TRUE", resampled)
        write_many(
            self._connection,
            "INSERT INTO perceptual_hashes VALUES (rows) ON CONFLICT DO NOTHING",
            [
                (content.digests.sha256, item.algorithm, item.probe, item.value, item.quality, item.decode)
                for content in contents
                for item in content.perceptual_hashes
            ],
        )
        for content in contents:
            if content.film is not None:
                self._add_film(content.digests.sha256, content.film)
        self._add_matches((content.digests.sha256, match) for content in contents for match in content.matches)

    def _forget_fewer_frames(self, sha256: str, film: ExaminedFilm) -> bool:
        """Make room for the frames of a film that an earlier scan hashed by key frames only, or not to its end.

        Its matches with the sets of this scan, which rest on those frames, are found anew; others stay as found.

        Returns:
            Whether it did so.
        """
        where = (
            "content = ?1 AND EXISTS (SELECT 1 FROM films JOIN contents ON sha256 = films.content "  # noqa: S608 - literals
            "WHERE films.content = ?1 AND ((sampling = ?2 AND ?3 <> ?2) "
            f"OR (sampling = ?3 AND frames < ?4 AND {HASHED_IN_PART})))"
        )
        values = (sha256, Sampling.KEY_FRAMES, film.sampling, film.frames)
        self._connection.execute(f"DELETE FROM film_frames WHERE {where}", values)  # noqa: S608 - literals only
        for set_uuid in self._set_uuids.values():
            self._connection.execute(
                f"DELETE FROM hits WHERE {where} AND set_uuid = ?5 "  # noqa: S608 - literals only
                "AND (query_covered IS NOT NULL OR probe GLOB 'frame-at-*')",
                (*values, set_uuid),
            )
        return bool(self._connection.execute(f"DELETE FROM films WHERE {where}", values).rowcount)  # noqa: S608

    def _add_film(self, sha256: str, film: ExaminedFilm) -> None:
        hashed = film.hashed
        self._connection.execute(
            "INSERT INTO films VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                sha256,
                hashed.algorithm,
                hashed.decode,
                storable(film.duration),
                film.rotation,
                film.sampling,
                film.frames,
            ),
        )
        write_many(
            self._connection,
            "INSERT INTO film_frames VALUES (rows) ON CONFLICT DO NOTHING",
            # a damaged or forged film states times that no number of a case can hold
            [(sha256, storable(frame.milliseconds), frame.value, frame.quality) for frame in hashed.frames],
        )

    def contents_after(self, sha256: str, count: int) -> list[StoredContent]:
        """The next contents in order of SHA-256, with their perceptual hashes and those of the frames of films.

        Args:
            sha256: Start after this one; empty for the first.
            count: At most so many; fewer if they have very many frames.
        """
        return contents_after(self._connection, sha256, count)


def insert_not_examined(connection: sqlite3.Connection, source_id: int, items: Iterable[NotExamined]) -> None:
    """Record what could not be examined, inside the caller's transaction."""
    write_many(
        connection,
        "INSERT INTO not_examined VALUES (rows) ON CONFLICT DO NOTHING",
        [(source_id, item.locator, item.reason, item.detail, storable(item.size)) for item in items],
    )
