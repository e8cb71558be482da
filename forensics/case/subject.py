"""What a decision is about: the whole case, an exhibit, or a hit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forensics.case import proceedings
from forensics.case.store import CaseStore
from forensics.errors import CaseError


@dataclass(frozen=True, slots=True)
class Subject:
    """The whole case, unless an exhibit or a hit is named.

    Attributes:
        exhibit: Label of an exhibit.
        locator: Of a hit: where its stream is.
        set: Of a hit: name of the list.
        set_uuid: Of a hit: the list.
    """

    exhibit: str | None = None
    locator: str | None = None
    set: str | None = None
    set_uuid: str | None = None

    @property
    def kind(self) -> str:
        """``case``, ``exhibit`` or ``hit``."""
        return "hit" if self.locator else "exhibit" if self.exhibit else "case"


COLUMNS = (
    "subject, exhibit_id, locator, set_uuid, "
    "(SELECT label FROM exhibits WHERE exhibits.id = exhibit_id) AS exhibit, "
    "(SELECT name FROM sets_used WHERE uuid = set_uuid) AS set_name"
)
"""What a query selects so that :func:`of_row` can read a subject back."""


def find_subject(store: CaseStore, exhibit: str | None, hit: str | None) -> Subject:
    """Find what a user named.

    Args:
        store: The case.
        exhibit: Label of an exhibit.
        hit: ``LOCATOR/SET`` of a hit, as ``tamiz hits`` shows both.

    Raises:
        CaseError: Both are named, or the case has no such exhibit or hit.
    """
    if exhibit is not None and hit is not None:
        raise CaseError("an exhibit and a hit are named", None, "name one of them")
    if exhibit is not None:
        proceedings.exhibit_id(store, exhibit)
        return Subject(exhibit=exhibit)
    return Subject() if hit is None else _find_hit(store, hit)


def columns(store: CaseStore, subject: Subject) -> dict[str, Any]:
    """The columns that hold a subject."""
    return {
        "subject": subject.kind,
        "exhibit_id": None if subject.exhibit is None else proceedings.exhibit_id(store, subject.exhibit),
        "locator": subject.locator,
        "set_uuid": subject.set_uuid,
    }


def of_row(row: Mapping[str, Any]) -> Subject:
    """Read a subject back from a row with :data:`COLUMNS`."""
    return Subject(row["exhibit"], row["locator"], row["set_name"], row["set_uuid"])


def _find_hit(store: CaseStore, hit: str) -> Subject:
    """A locator has slashes and the name of a set may: each set of the case is tried."""
    found = []
    for set_uuid, name in store.connection.execute("SELECT uuid, name FROM sets_used ORDER BY imported DESC"):
        locator = hit.removesuffix(f"/{name}")
        query = "SELECT 1 FROM streams JOIN hits ON hits.content = streams.content WHERE locator = ? AND set_uuid = ?"
        if locator != hit and store.connection.execute(query, (locator, set_uuid)).fetchone():
            found.append(Subject(locator=locator, set=name, set_uuid=set_uuid))
    if not found:
        raise CaseError("no such hit", hit, "name it LOCATOR/SET, as 'tamiz hits' shows both")
    return found[0]  # of two versions of one list the newer
