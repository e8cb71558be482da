"""How what comes in millions travels through the pipe: as plain tuples, made into objects again where they arrive.

A frozen dataclass with slots is pickled by Python code, field by field: what a stream costs on its way to be listed, to
be examined and back was a fifth of all that the coordinator did. What is rare (gaps, films) travels as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, TypeAlias

from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, NotExamined, Recovery, Stream, Times
from forensics.hashing.digests import Digests
from forensics.hashing.perceptual import PerceptualHash
from forensics.outcome import ExaminedContent, ExaminedFilm, Outcome, PerceptualState
from forensics.reason import Reason
from forensics.triage.plan import Task
from hashsets.match import EntryReference, Match

Row: TypeAlias = tuple[Any, ...]
"""The fields of an object, and those of the objects in it, in the order of their classes."""

_stream_row = attrgetter(
    *("locator.source", "locator.volume", "locator.file_system", "locator.address"),
    *("path", "size", "allocation", "recovery", "physical_offset"),
    *("times.modified", "times.accessed", "times.changed", "times.created", "not_hashable"),
)
_task_row = attrgetter("stream_id", "locator", "size", "whole", "deaths", "undecoded", "steps", "only_media")
_outcome_row = attrgetter("stream_id", "size", "reason", "detail", "sha256")
_digests_row = attrgetter("md5", "sha1", "sha256", "size")
_content_row = attrgetter("media_type", "perceptual", "perceptual_reason", "width", "height")
_hash_row = attrgetter("algorithm", "value", "quality", "probe", "decode")
_match_row = attrgetter(
    *("entry.set_uuid", "entry.position", "entry.reference", "entry.category"),
    *("entry.md5", "entry.sha1", "entry.sha256", "entry.size", "entry.attributes"),
    *("basis", "distance", "tier", "probe", "agreeing", "disagreeing", "query_covered", "known_covered"),
)


def packed_items(items: Iterable[Stream | NotExamined]) -> list[Row | NotExamined]:
    """What a walk found, as it travels."""
    return [_stream_row(item) if isinstance(item, Stream) else item for item in items]


def unpacked_items(rows: Iterable[Row | NotExamined]) -> list[Stream | NotExamined]:
    """What a walk found, as it was."""
    return [_stream(*row) if isinstance(row, tuple) else row for row in rows]


def packed_tasks(tasks: Iterable[Task]) -> list[Row]:
    """The tasks of a unit, as they travel."""
    return [_task_row(task) for task in tasks]


def unpacked_tasks(rows: Iterable[Row]) -> tuple[Task, ...]:
    """The tasks of a unit, as they were."""
    return tuple(Task(*row) for row in rows)


def packed_outcomes(outcomes: Iterable[Outcome]) -> list[Row]:
    """Outcomes, as they travel."""
    return [(*_outcome_row(outcome), *_packed_content(outcome.content)) for outcome in outcomes]


def unpacked_outcomes(rows: Iterable[Row]) -> tuple[Outcome, ...]:
    """Outcomes, as they were."""
    return tuple([_outcome(*row) for row in rows])


def _stream(
    source: str, volume: str | None, file_system: str | None, address: str | None,
    path: bytes, size: int, allocation: Allocation, recovery: Recovery, physical_offset: int | None,
    modified: int | None, accessed: int | None, changed: int | None, created: int | None, not_hashable: Reason | None,
) -> Stream:  # fmt: skip
    locator = Locator(source, volume, file_system, address)
    times = Times(modified, accessed, changed, created)
    return Stream(locator, path, size, allocation, recovery, physical_offset, times, not_hashable)


def _packed_content(content: ExaminedContent | None) -> Row:
    """The fields of a content, if one was reported; most have neither hashes nor matches."""
    if content is None:
        return ()
    row = (_digests_row(content.digests), *_content_row(content))
    if not (content.perceptual_hashes or content.matches or content.film):
        return row
    hashes, matches = map(_hash_row, content.perceptual_hashes), map(_match_row, content.matches)
    return (*row, tuple(hashes), tuple(matches), content.film)


def _outcome(
    stream_id: int, size: int, reason: Reason | None, detail: str, sha256: str | None, *content: Any  # noqa: ANN401
) -> Outcome:  # fmt: skip
    return Outcome(stream_id, size, reason, detail, sha256, _content(*content) if content else None)


def _content(
    digests: Row, media_type: str, perceptual: PerceptualState, perceptual_reason: Reason | None,
    width: int | None, height: int | None,
    hashes: tuple[Row, ...] = (), matches: tuple[Row, ...] = (), film: ExaminedFilm | None = None,
) -> ExaminedContent:  # fmt: skip
    return ExaminedContent(
        Digests(*digests), media_type, perceptual, perceptual_reason, width, height,
        tuple([PerceptualHash(*each) for each in hashes]),
        tuple([Match(EntryReference(*each[:9]), *each[9:]) for each in matches]),
        film,
    )  # fmt: skip
