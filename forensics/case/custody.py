"""The chain of custody: every hand-over of an exhibit, and where the chain has a gap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from forensics.case import proceedings, utc
from forensics.case.ledger import Actor
from forensics.case.people import same_person
from forensics.case.stated import Missing, Stated, StatedTime, columns, of_row
from forensics.case.store import CaseStore
from forensics.errors import CaseError


@dataclass(frozen=True, slots=True)
class HandOver:
    """A hand-over as somebody states it.

    Attributes:
        exhibit: Label of the exhibit.
        at: When.
        giver: Name of the person who gave it; not applicable if nobody did, as when it is found.
        receiver: Name of the person who took it.
        giver_position: Institution and position.
        receiver_position: Institution and position.
        place: Where.
        purpose: What for.
        stage: Stage of the chain, such as collection, transfer, storage, analysis.
        transport: Way and special conditions.
        seal_numbers: Numbers of the seals, one a line.
        condition: Of exhibit, packing and seals.
        remarks: Observations.
    """

    exhibit: str
    at: StatedTime
    giver: Stated
    receiver: Stated
    giver_position: Stated = Missing.NOT_ASSESSED
    receiver_position: Stated = Missing.NOT_ASSESSED
    place: Stated = Missing.NOT_ASSESSED
    purpose: Stated = Missing.NOT_ASSESSED
    stage: Stated = Missing.NOT_ASSESSED
    transport: Stated = Missing.NOT_ASSESSED
    seal_numbers: Stated = Missing.NOT_ASSESSED
    condition: Stated = Missing.NOT_ASSESSED
    remarks: Stated = Missing.NOT_ASSESSED


_STATED = tuple(field.name for field in fields(HandOver) if field.name not in {"exhibit", "at"})


@dataclass(frozen=True, slots=True)
class CustodyEvent:
    """A hand-over as the case holds it.

    Attributes:
        number: Its row.
        hand_over: What is stated.
        corrects: The row it replaces; ``None`` if it replaces none.
        corrected_by: The row that replaces it; ``None`` if it holds.
        recorded: When it was recorded.
        recorded_by: By whom.
    """

    number: int
    hand_over: HandOver
    corrects: int | None
    corrected_by: int | None
    recorded: str
    recorded_by: str


class Break(StrEnum):
    """What is wrong between two hand-overs of an exhibit."""

    OTHER_GIVER = "other-giver"
    """Who gives it is not who took it last."""
    EARLIER = "earlier"
    """It is earlier than the one before."""
    SAME_PERSON = "same-person"
    """Somebody gives it to themselves."""


@dataclass(frozen=True, slots=True)
class ChainGap:
    """A gap in a chain of custody: the row where it shows, and what is wrong there."""

    exhibit: str
    number: int
    what: Break


def add_hand_over(store: CaseStore, actor: Actor, hand_over: HandOver, corrects: int | None = None) -> int:
    """Record a hand-over.

    Args:
        store: The case, open for writing.
        actor: Who records it.
        hand_over: What happened.
        corrects: The row that was wrong, and that this one replaces in the chain.

    Returns:
        The number of its row.

    Raises:
        CaseError: There is no such exhibit, no row to correct, or that row is of another exhibit.
    """
    with store.transaction():
        exhibit_id = proceedings.exhibit_id(store, hand_over.exhibit)
        proceedings.check_correctable(store, "custody_events", corrects)
        query = "SELECT exhibit_id FROM custody_events WHERE id = ?"
        if corrects is not None and store.connection.execute(query, (corrects,)).fetchone()[0] != exhibit_id:
            raise CaseError(f"row {corrects} is of another exhibit", hand_over.exhibit, "see 'tamiz custody list'")
        row: dict[str, Any] = {
            "corrects_id": corrects,
            "exhibit_id": exhibit_id,
            "actor_id": store.actor_id(actor),
            "recorded": utc.now(),
            "at": hand_over.at.at,
            "utc_offset": hand_over.at.utc_offset,
        }
        for name in _STATED:
            row |= columns(name, getattr(hand_over, name))
        shown = {"exhibit": hand_over.exhibit, "corrects": corrects}
        return proceedings.add(store, actor, "custody added", "custody_events", row, shown)


def custody_events(store: CaseStore, exhibit: str | None = None) -> Iterator[CustodyEvent]:
    """All rows, by exhibit, oldest first, also those that were corrected.

    Args:
        store: The case.
        exhibit: Only of this one.
    """
    for row in store.database.query(
        "SELECT custody_events.*, exhibits.label AS exhibit, actors.name AS recorded_by, later.id AS corrected_by "
        "FROM custody_events JOIN exhibits ON exhibits.id = custody_events.exhibit_id "
        "JOIN actors ON actors.id = custody_events.actor_id "
        "LEFT JOIN custody_events AS later ON later.corrects_id = custody_events.id "
        "WHERE :exhibit IS NULL OR exhibits.label = :exhibit ORDER BY exhibits.label, custody_events.id",
        {"exhibit": exhibit},
    ):
        hand_over = HandOver(
            row["exhibit"], StatedTime(row["at"], row["utc_offset"]), **{name: of_row(row, name) for name in _STATED}
        )
        yield CustodyEvent(
            row["id"], hand_over, row["corrects_id"], row["corrected_by"], row["recorded"], row["recorded_by"]
        )


def chain(events: Iterable[CustodyEvent]) -> list[CustodyEvent]:
    """The hand-overs that hold, in the order of their rows; a correction stands where the mistake stood."""
    places: dict[int | None, int] = {}
    ordered = sorted(events, key=lambda event: event.number)
    for event in ordered:
        places[event.number] = places.get(event.corrects, event.number)
    held = [event for event in ordered if event.corrected_by is None]
    return sorted(held, key=lambda event: (event.hand_over.exhibit, places[event.number]))


def gaps(events: Iterable[CustodyEvent]) -> Iterator[ChainGap]:
    """Where the chain of an exhibit has a gap.

    Args:
        events: All rows, as :func:`custody_events` gives them.
    """
    last: CustodyEvent | None = None
    for event in chain(events):
        this = event.hand_over
        if _same(this.giver, this.receiver):
            yield ChainGap(this.exhibit, event.number, Break.SAME_PERSON)
        if last is not None and last.hand_over.exhibit == this.exhibit:
            if not _same(last.hand_over.receiver, this.giver):
                yield ChainGap(this.exhibit, event.number, Break.OTHER_GIVER)
            if this.at.at < last.hand_over.at.at:
                yield ChainGap(this.exhibit, event.number, Break.EARLIER)
        last = event


def _same(one: Stated, other: Stated) -> bool:
    """Whether two people are known to be the same."""
    return not isinstance(one, Missing) and not isinstance(other, Missing) and same_person(one, other)
