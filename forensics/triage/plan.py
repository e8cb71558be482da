"""Cuts the work into units: runs of streams in the order of the plan, small enough to share out and to redo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forensics.reason import Reason
from forensics.triage.selection import Selection

if TYPE_CHECKING:
    from forensics.case.findings import PendingStream

UNIT_STREAMS = 128
"""At most so many streams a unit."""

UNIT_BYTES = 32 * 1024 * 1024
"""A unit is closed once it holds so many bytes; one larger stream is a unit of its own."""


_EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Task:
    """One stream to examine.

    Attributes:
        stream_id: Its row in the case.
        locator: Text of its locator.
        size: Bytes.
        whole: Report the content in full even if it seems to be known.
        deaths: How many workers have ended while they examined it.
        only_media: Look at its first bytes and leave it unless it begins as media do.
        undecoded: Why it is decoded and hashed no further than ``steps``, which is recorded as the reason; ``None``:
            examine all.
        steps: How many steps of that have gone well (:class:`forensics.triage.steps.Steps`); with 0 no decoder is
            called.
    """

    stream_id: int
    locator: str
    size: int
    whole: bool = False
    deaths: int = 0
    undecoded: Reason | None = None
    steps: int = 0
    only_media: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """Streams that one worker examines in one go, in physical order."""

    tasks: tuple[Task, ...]

    @property
    def size(self) -> int:
        """Bytes of all of its streams."""
        return sum(task.size for task in self.tasks)

    def halves(self) -> tuple[Unit, ...]:
        """The unit cut in two, to close in on a stream that kills workers."""
        middle = len(self.tasks) // 2
        return tuple(Unit(part) for part in (self.tasks[:middle], self.tasks[middle:]) if part)


def units(streams: Iterable[PendingStream], selection: Selection = _EVERYTHING) -> Iterator[Unit]:
    """Cut streams, given in the order in which they are to be read, into units.

    Args:
        streams: The streams.
        selection: Tells which of them are read only if they begin as media do.
    """
    tasks: list[Task] = []
    size = 0
    for stream in streams:
        only_media = selection.quick and selection.looks_first(stream.stored_path, stream.size)
        tasks.append(Task(stream.id, stream.locator, stream.size, only_media=only_media))
        size += stream.size
        if len(tasks) >= UNIT_STREAMS or size >= UNIT_BYTES:
            yield Unit(tuple(tasks))
            tasks, size = [], 0
    if tasks:
        yield Unit(tuple(tasks))
