"""Offence codes that an analyst attached to a case, an exhibit or a hit. Nothing is attached by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from forensics.case import proceedings, subject, utc
from forensics.case.ledger import Actor
from forensics.case.stated import Stated, columns, of_row
from forensics.case.store import CaseStore
from forensics.case.subject import Subject
from forensics.errors import CaseError
from forensics.offences.catalogue import Offence

_NAMED = (
    "catalogue", "version", "code", "jurisdiction", "law", "provision", "title_es", "title_en", "catalogue_sha256",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OffenceTag:
    """A code attached.

    Attributes:
        number: Its row.
        catalogue: The catalogue of the offence.
        version: The catalogue's, a day.
        code: Within the catalogue.
        jurisdiction: Of the law.
        law: Its name.
        provision: The article.
        title_es: Short description in Spanish.
        title_en: The same in English.
        subject: What it is attached to.
        note: Why.
        by: Who attached it.
        at: When.
        removed_by: Who took it away again; ``None`` if it stands.
        removed_at: When.
    """

    number: int
    catalogue: str
    version: str
    code: str
    jurisdiction: str
    law: str
    provision: str
    title_es: str
    title_en: str
    subject: Subject
    note: Stated
    by: str
    at: str
    removed_by: str | None
    removed_at: str | None


def attach(store: CaseStore, actor: Actor, offence: Offence, about: Subject, note: Stated) -> int:
    """Attach a code.

    Args:
        store: The case, open for writing.
        actor: The analyst.
        offence: Of a catalogue.
        about: To what.
        note: Why.

    Returns:
        The number of the row.

    Raises:
        CaseError: It is attached to that already.
    """
    with store.transaction():
        offence_id = _offence_id(store, actor, offence)
        where = subject.columns(store, about)
        standing = store.connection.execute(
            "SELECT id FROM offence_tags AS tag WHERE removes_id IS NULL AND offence_id = ? AND subject = ? "
            "AND exhibit_id IS ? AND locator IS ? AND set_uuid IS ? "
            "AND NOT EXISTS (SELECT 1 FROM offence_tags AS later WHERE later.removes_id = tag.id)",
            (offence_id, *where.values()),
        ).fetchone()
        if standing is not None:
            what = f"'{offence.name}' is attached to that already (row {standing[0]})"
            raise CaseError(what, str(store.path), "see 'tamiz tag --list'")
        row = {
            "removes_id": None,
            "actor_id": store.actor_id(actor),
            "recorded": utc.now(),
            "offence_id": offence_id,
            **where,
            **columns("note", note),
        }
        shown = {"offence": offence.name, "version": offence.version, "subject": about.kind}
        return proceedings.add(store, actor, "offence attached", "offence_tags", row, shown)


def remove(store: CaseStore, actor: Actor, number: int, note: Stated) -> int:
    """Take a code away again, by a further row.

    Args:
        store: The case, open for writing.
        actor: The analyst.
        number: The row that attached it.
        note: Why.

    Raises:
        CaseError: There is no such row, or it was taken away before.
    """
    with store.transaction():
        query = (
            "SELECT offence_id, subject, exhibit_id, locator, set_uuid, "
            "(SELECT id FROM offence_tags AS later WHERE later.removes_id = tag.id) AS removed "
            "FROM offence_tags AS tag WHERE id = ? AND removes_id IS NULL"
        )
        found = next(iter(store.database.query(query, (number,))), None)
        if found is None:
            raise CaseError(f"row {number} attaches no offence", str(store.path), "see 'tamiz tag --list'")
        if found.pop("removed") is not None:
            raise CaseError(f"row {number} was taken away already", str(store.path), "see 'tamiz tag --list'")
        row = {
            "removes_id": number,
            "actor_id": store.actor_id(actor),
            "recorded": utc.now(),
            **found,
            **columns("note", note),
        }
        return proceedings.add(store, actor, "offence removed", "offence_tags", row, {"removes": number})


def offence_tags(store: CaseStore, *, also_removed: bool = False) -> Iterator[OffenceTag]:
    """The codes attached, oldest first.

    Args:
        store: The case.
        also_removed: Give those too that were taken away again.
    """
    query = (
        f"SELECT offence_tags.id, {', '.join(f'offences.{name}' for name in _NAMED)}, {subject.COLUMNS}, "  # noqa: S608
        "offence_tags.note, offence_tags.note_missing, actors.name AS by, offence_tags.recorded, "
        "(SELECT name FROM offence_tags AS later JOIN actors ON actors.id = later.actor_id "
        "WHERE later.removes_id = offence_tags.id) AS removed_by, "
        "(SELECT recorded FROM offence_tags AS later WHERE later.removes_id = offence_tags.id) AS removed_at "
        "FROM offence_tags JOIN offences ON offences.id = offence_id JOIN actors ON actors.id = actor_id "
        "WHERE removes_id IS NULL ORDER BY offence_tags.id"
    )
    for row in store.database.query(query):
        if also_removed or row["removed_by"] is None:
            offence = {name: row[name] for name in _NAMED if name != "catalogue_sha256"}
            yield OffenceTag(
                number=row["id"], **offence, subject=subject.of_row(row), note=of_row(row, "note"), by=row["by"],
                at=row["recorded"], removed_by=row["removed_by"], removed_at=row["removed_at"],
            )  # fmt: skip


def _offence_id(store: CaseStore, actor: Actor, offence: Offence) -> int:
    """The row of an offence, made inside the caller's transaction when it is first attached."""
    known = store.connection.execute(
        "SELECT id, catalogue_sha256 FROM offences WHERE catalogue = ? AND version = ? AND code = ?",
        (offence.catalogue, offence.version, offence.code),
    ).fetchone()
    if known is None:
        row = {name: value for name, value in asdict(offence).items() if name in _NAMED}
        shown = {"offence": offence.name, "version": offence.version}
        return proceedings.add(store, actor, "offence added", "offences", row, shown)
    if known[1] != offence.catalogue_sha256:
        what = f"the case knows another catalogue '{offence.catalogue}' of version {offence.version}"
        raise CaseError(what, str(store.path), "give the changed catalogue another version")
    return int(known[0])
