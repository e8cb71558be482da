"""Which streams of a source wait, in which order, and which a scan leaves out by choice.

A scan decides this for each stream when a walk finds it, and once more, when a later scan begins, for every stream
that has not been examined: what the case says of those is what the latest scan chose.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from forensics.case import utc
from forensics.case.storable import storable
from forensics.evidence.stream import Stream
from forensics.reason import LEFT_OUT, Reason

PAGE = 4096
"""How many streams are read from the case at a time."""

WITHHELD_PATH = "[privileged]"
"""Stands for the path of every stream that a privilege filter withholds."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What a scan does with a stream.

    Attributes:
        priority: Number of its class; smaller ones are examined earlier.
        reason: Why it is left out; ``None`` if it is examined.
    """

    priority: int
    reason: Reason | None = None


class Plan(Protocol):
    """What a scan examines, and in which order."""

    @property
    def leaves_nothing_out(self) -> bool:
        """Whether every stream is examined."""

    @property
    def withholds(self) -> bool:
        """Whether there is a privilege filter."""

    def place(self, path: bytes, size: int, allocation: str) -> Placement:
        """Tell what is done with a stream.

        Args:
            path: As the file system stores it.
            size: Bytes.
            allocation: A :class:`forensics.evidence.stream.Allocation`.
        """


class Everything:
    """The plan that examines everything in physical order."""

    leaves_nothing_out = True
    withholds = False

    def place(self, path: bytes, size: int, allocation: str) -> Placement:  # noqa: ARG002 - see Plan
        """Examine it."""
        return Placement(0)


INSERT_STREAM = (
    "INSERT INTO streams (source_id, volume_id, locator, path, path_bytes, size, allocation, "
    "recovery, physical_offset, modified, accessed, changed, created, priority, state, reason) "
    "VALUES (rows) "
    # only what is there already may be passed over; anything else refused must be heard of
    "ON CONFLICT (source_id, locator, path, coalesce(path_bytes, '')) DO NOTHING"
)


def stream_row(source_id: int, volume_id: int, stream: Stream, plan: Plan) -> tuple[Any, ...]:
    """The row of a stream that a walk found, for :data:`INSERT_STREAM`.

    Of a privileged one it holds neither name nor times. Codes are made plain text and numbers: sqlite3 takes its time
    over any other class.
    """
    placement = plan.place(stream.path, stream.size, stream.allocation)
    reason: Reason | None
    file_times: tuple[str | None, ...]
    if placement.reason is Reason.PRIVILEGED:
        path, path_bytes, offset, reason = WITHHELD_PATH, None, None, placement.reason
        file_times = (None, None, None, None)
    else:
        path, times = stream.display_path, stream.times
        path_bytes = None if path.encode("utf-8", "surrogatepass") == stream.path else stream.path.hex()
        offset, reason = stream.physical_offset, stream.not_hashable or placement.reason
        file_times = tuple(map(utc.from_nanoseconds, (times.modified, times.accessed, times.changed, times.created)))
    return (
        source_id, volume_id, str(stream.locator), path, path_bytes, storable(stream.size), str(stream.allocation),
        str(stream.recovery), storable(offset), *file_times, int(placement.priority),
        "pending" if reason is None else "skipped", reason,
    )  # fmt: skip


def choose_again(connection: sqlite3.Connection, source_id: int, plan: Plan) -> None:
    """Decide anew on the streams of a source that are not examined, inside the caller's transaction.

    What stands in the case as privileged stays so.

    Args:
        connection: The case.
        source_id: The source.
        plan: What this scan examines.
    """
    choices = tuple(sorted(LEFT_OUT - {Reason.PRIVILEGED}))
    marks = ",".join("?" * len(choices))
    if plan.leaves_nothing_out:
        connection.execute(
            "UPDATE streams SET state = 'pending', reason = NULL, detail = NULL "  # noqa: S608 - question marks only
            f"WHERE source_id = ? AND state = 'skipped' AND reason IN ({marks})",
            (source_id, *choices),
        )
        return
    if plan.withholds:
        connection.execute("PRAGMA secure_delete = ON")  # the names must be gone from the file, not only from the rows
    open_to_choice = f"(state = 'pending' OR (state = 'skipped' AND reason IN ({marks})))"
    wanted = "state <> 'hashed' AND reason IS NOT 'privileged'" if plan.withholds else open_to_choice
    query = (
        "SELECT id, path, path_bytes, size, allocation, reason, "  # noqa: S608 - literals and question marks only
        f"{open_to_choice} FROM streams WHERE source_id = ? AND {wanted}"
    )
    values = (*choices, source_id, *(() if plan.withholds else choices))
    for row in _paged(connection, query, values):
        stream_id, path, path_bytes, size, allocation, reason, is_open = row
        stored = path.encode("utf-8", "surrogatepass") if path_bytes is None else bytes.fromhex(path_bytes)
        placement = plan.place(stored, size, allocation)
        if placement.reason is Reason.PRIVILEGED:
            connection.execute(
                # OR REPLACE: several names of one file become one
                "UPDATE OR REPLACE streams SET path = ?, path_bytes = NULL, physical_offset = NULL, modified = NULL, "
                "accessed = NULL, changed = NULL, created = NULL, priority = ?, state = 'skipped', reason = ?, "
                "detail = NULL WHERE id = ?",
                (WITHHELD_PATH, placement.priority, Reason.PRIVILEGED, stream_id),
            )
        elif is_open and placement.reason != reason:
            connection.execute(
                "UPDATE streams SET state = ?, reason = ?, detail = NULL WHERE id = ?",
                ("pending" if placement.reason is None else "skipped", placement.reason, stream_id),
            )


def examined_although_privileged(connection: sqlite3.Connection, plan: Plan) -> int:
    """How many streams that a privilege filter would withhold were examined already.

    Args:
        connection: The case.
        plan: What a scan to come examines.
    """
    query = "SELECT id, path, path_bytes, size, allocation FROM streams WHERE state = 'hashed'"
    count = 0
    for _, path, path_bytes, size, allocation in _paged(connection, query, ()):
        stored = path.encode("utf-8", "surrogatepass") if path_bytes is None else bytes.fromhex(path_bytes)
        count += plan.place(stored, size, allocation).reason is Reason.PRIVILEGED
    return count


def _paged(connection: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Rows of a query in order of their first column, the id, so that they can be changed meanwhile."""
    last = 0
    while page := connection.execute(f"{query} AND id > ? ORDER BY id LIMIT {PAGE}", (*values, last)).fetchall():
        yield from page
        last = page[-1][0]
