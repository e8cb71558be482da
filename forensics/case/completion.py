"""What a later scan of the same evidence can do better: streams that failed, contents that were not hashed whole.

Evidence may lie on a better disk by now, the machine have more memory, this version decode what the last one could not,
a benign list have been withdrawn. What the case holds stands until something better takes its place: a stream that was
hashed stays so, whatever becomes of another try.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

from forensics.case.stream_plan import Plan
from forensics.errors import LocatorError
from forensics.evidence.locator import Locator
from forensics.media.film import Sampling
from forensics.reason import Reason

HASHED_IN_PART = "(perceptual_reason IS NOT NULL AND perceptual_reason <> 'benign')"
"""Condition on contents: a picture or film of which something, or all, has no perceptual hash for want of power."""

_MAY_PASS = (
    Reason.CRASHED, Reason.TIMED_OUT, Reason.OUT_OF_MEMORY, Reason.READ_ERROR, Reason.DIRECTORY_UNREADABLE,
)  # fmt: skip
"""Why a volume, or a folder in it, could not be listed, though another time it may."""


class Incomplete(NamedTuple):
    """A stream whose content can be hashed more completely. Compares by place.

    Attributes:
        physical_offset: Where it lies; -1 if that is not known.
        id: Its row in the case.
        size: Bytes.
    """

    physical_offset: int
    id: int
    size: int


def try_again(connection: sqlite3.Connection, source_id: int, label: str, volumes: Collection[str]) -> None:
    """Make streams wait that failed, and volumes that were listed with gaps. The caller holds a transaction.

    Args:
        connection: The case.
        source_id: The source.
        label: Its label.
        volumes: Labels of the volumes that can be opened now; others stay as they are.
    """
    for volume in volumes:
        connection.execute(
            "UPDATE streams SET state = 'pending', reason = NULL, detail = NULL WHERE source_id = ?1 "
            "AND state = 'failed' AND volume_id = (SELECT id FROM volumes WHERE source_id = ?1 AND label = ?2)",
            (source_id, volume),
        )
    marks = ",".join("?" * len(_MAY_PASS))
    gaps = connection.execute(
        f"SELECT locator, reason FROM not_examined WHERE source_id = ? AND reason IN ({marks})",  # noqa: S608 - marks
        (source_id, *_MAY_PASS),
    ).fetchall()
    for locator, reason in gaps:
        within = _volume(locator, label)
        if within in volumes:
            values = (source_id, locator, reason)
            connection.execute("DELETE FROM not_examined WHERE source_id = ? AND locator = ? AND reason = ?", values)
            connection.execute("UPDATE volumes SET walked = 0 WHERE source_id = ? AND label = ?", (source_id, within))


def incomplete(
    connection: sqlite3.Connection,
    source_id: int,
    volumes: Collection[str],
    condition: tuple[str, Sequence[str]],
    plan: Plan,
) -> list[Incomplete]:
    """Streams to examine again, one for each content that can be hashed more completely, in physical order.

    Args:
        connection: The case.
        source_id: The source.
        volumes: Labels of the volumes that can be opened now.
        condition: What such contents are, and the values of its question marks.
        plan: What the scan examines.
    """
    chosen, values = condition
    marks = ",".join("?" * len(volumes))
    rows = connection.execute(
        "SELECT content, coalesce(physical_offset, -1), id, size, allocation, path, path_bytes FROM streams "  # noqa: S608
        f"WHERE source_id = ? AND content IN (SELECT sha256 FROM contents WHERE {chosen}) "
        f"AND volume_id IN (SELECT id FROM volumes WHERE source_id = ? AND label IN ({marks}))",
        (source_id, *values, source_id, *volumes),
    )
    found: dict[str, Incomplete] = {}
    for content, offset, stream_id, size, allocation, path, path_bytes in rows:
        if content not in found:
            stored = path.encode("utf-8", "surrogatepass") if path_bytes is None else bytes.fromhex(path_bytes)
            if plan.place(stored, size, allocation).reason is None:
                found[content] = Incomplete(offset, stream_id, size)
    return sorted(found.values())


def hashed_less(benign_sets: Sequence[str], sampling: Sampling | None, *, in_part: bool) -> tuple[str, Sequence[str]]:
    """Condition on contents of which this scan can hash more, and the values of its question marks.

    These are pictures and films spared for a benign entry that this scan does not know, films that an earlier one
    could not decode, and films of which it hashed key frames only.

    Args:
        benign_sets: UUIDs of the benign sets of this scan.
        sampling: Which frames of films this scan hashes; ``None`` if it cannot decode films.
        in_part: Also those that were hashed in part, or not at all, for any other reason.
    """
    marks = ",".join("?" * len(benign_sets))
    condition = (
        "(perceptual_reason IS 'benign' AND (NOT EXISTS (SELECT 1 FROM hits WHERE hits.content = contents.sha256 "  # noqa: S608
        f"AND disagreeing = '' AND basis IN ('sha1', 'sha256') AND set_uuid IN ({marks})) "
        "OR EXISTS (SELECT 1 FROM hits JOIN sets_used ON uuid = set_uuid "
        "WHERE hits.content = contents.sha256 AND disposition <> 'benign')))"
    )
    if sampling is not None:
        condition += " OR perceptual_reason IS 'video-support-missing'"
    if sampling == Sampling.ONE_A_SECOND:
        condition += " OR sha256 IN (SELECT content FROM films WHERE sampling = 'key-frames')"
    if in_part:
        condition += f" OR {HASHED_IN_PART}"
    return condition, tuple(benign_sets)


def _volume(locator: str, label: str) -> str | None:
    """Label of the volume that a locator lies in; ``None`` if it names none of this source."""
    try:
        parsed = Locator.parse(locator)
    except LocatorError:
        return None
    return parsed.volume if parsed.source == label else None
