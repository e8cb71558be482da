"""Cuts the work into units: runs of streams in physical order, small enough to share out and to redo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from forensics.case.findings import PendingStream
from forensics.reason import Reason

UNIT_STREAMS = 128
"""At most so many streams a unit."""

UNIT_BYTES = 32 * 1024 * 1024
"""A unit is closed once it holds so many bytes; one larger stream is a unit of its own."""


@dataclass(frozen=True, slots=True)
class Task:
    """One stream to examine.

    Attributes:
        stream_id: Its row in the case.
        locator: Text of its locator.
        size: Bytes.
        whole: Report the content in full even if it seems to be known.
        deaths: How many workers have ended while they examined it.
        undecoded: Read it for its digests only, call no decoder, and record this as the reason; ``None``: examine all.
    """

    stream_id: int
    locator: str
    size: int
    whole: bool = False
    deaths: int = 0
    undecoded: Reason | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """Streams that one worker examines in one go, in physical order."""

    tasks: tuple[Task, ...]

    def halves(self) -> tuple[Unit, ...]:
        """The unit cut in two, to close in on a stream that kills workers."""
        middle = len(self.tasks) // 2
        return tuple(Unit(part) for part in (self.tasks[:middle], self.tasks[middle:]) if part)


def units(streams: Iterable[PendingStream]) -> Iterator[Unit]:
    """Cut streams, given in physical order, into units."""
    tasks: list[Task] = []
    size = 0
    for stream in streams:
        tasks.append(Task(stream.id, stream.locator, stream.size))
        size += stream.size
        if len(tasks) >= UNIT_STREAMS or size >= UNIT_BYTES:
            yield Unit(tuple(tasks))
            tasks, size = [], 0
    if tasks:
        yield Unit(tuple(tasks))
