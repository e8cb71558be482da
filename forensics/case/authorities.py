"""The warrants and requests on which a case rests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from forensics.case import proceedings, utc
from forensics.case.ledger import Actor
from forensics.case.stated import Missing, Stated, columns, of_row
from forensics.case.store import CaseStore
from forensics.errors import CaseError

KINDS = ("warrant", "request", "consent", "statute", "other")
"""What allows an examination."""

ORIGINS = (
    "complaint", "anonymous", "interpol", "global-alliance", "ncmec", "ex-officio", "referral", "other",
)  # fmt: skip
"""How a matter comes to the authorities."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A warrant, a request or another ground.

    Attributes:
        kind: One of :data:`KINDS`.
        origin: One of :data:`ORIGINS`.
        reference: Its number.
        issued_by: Whose it is.
        issued: Day, YYYY-MM-DD.
        jurisdiction: Such as MX-JAL (ISO 3166), or in words.
        foreign_reference: Number of a foreign authority, or of a report such as a tip.
        scope: What it allows.
    """

    kind: str
    origin: Stated = Missing.NOT_ASSESSED
    reference: Stated = Missing.NOT_ASSESSED
    issued_by: Stated = Missing.NOT_ASSESSED
    issued: Stated = Missing.NOT_ASSESSED
    jurisdiction: Stated = Missing.NOT_ASSESSED
    foreign_reference: Stated = Missing.NOT_ASSESSED
    scope: Stated = Missing.NOT_ASSESSED


_STATED = tuple(field.name for field in fields(Authority) if field.name != "kind")


@dataclass(frozen=True, slots=True)
class RecordedAuthority:
    """An authority as the case holds it.

    Attributes:
        number: Its row.
        authority: What is stated.
        corrects: The row it replaces; ``None`` if it replaces none.
        corrected_by: The row that replaces it; ``None`` if it holds.
        recorded: When it was recorded.
        recorded_by: By whom.
    """

    number: int
    authority: Authority
    corrects: int | None
    corrected_by: int | None
    recorded: str
    recorded_by: str


def add_authority(store: CaseStore, actor: Actor, authority: Authority, corrects: int | None = None) -> int:
    """Record an authority and give the number of its row.

    Raises:
        CaseError: A code is unknown, or there is no row to correct.
    """
    if authority.kind not in KINDS:
        raise CaseError(f"'{authority.kind}' is no kind of authority", None, f"choose one of {', '.join(KINDS)}")
    if not isinstance(authority.origin, Missing) and authority.origin not in ORIGINS:
        raise CaseError(f"'{authority.origin}' is no origin", None, f"choose one of {', '.join(ORIGINS)}")
    with store.transaction():
        proceedings.check_correctable(store, "authorities", corrects)
        row = {
            "corrects_id": corrects,
            "actor_id": store.actor_id(actor),
            "recorded": utc.now(),
            "kind": authority.kind,
        }
        for name in _STATED:
            row |= columns(name, getattr(authority, name))
        return proceedings.add(store, actor, "authority added", "authorities", row, {"corrects": corrects})


def authorities(store: CaseStore) -> Iterator[RecordedAuthority]:
    """All rows, oldest first, also those that were corrected."""
    for row in store.database.query(
        "SELECT authorities.*, actors.name AS recorded_by, later.id AS corrected_by FROM authorities "
        "JOIN actors ON actors.id = authorities.actor_id "
        "LEFT JOIN authorities AS later ON later.corrects_id = authorities.id ORDER BY authorities.id"
    ):
        authority = Authority(row["kind"], **{name: of_row(row, name) for name in _STATED})
        yield RecordedAuthority(
            row["id"], authority, row["corrects_id"], row["corrected_by"], row["recorded"], row["recorded_by"]
        )
