"""What a case says of its exhibits: which there are, what they are, and the record of how they were found."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from forensics.case import ledger, proceedings, utc
from forensics.case.ledger import Actor
from forensics.case.stated import Missing, Stated, columns, of_row
from forensics.case.store import CaseStore, check_exhibit_label
from forensics.errors import CaseError


class Field(StrEnum):
    """What can be stated of an exhibit; from :attr:`RECORD_NUMBER` on, fields of the Registro de Cadena de Custodia."""

    KIND = "kind"
    DESCRIPTION = "description"
    MAKE = "make"
    MODEL = "model"
    SERIAL_NUMBER = "serial_number"
    DEVICE_CLOCK = "device_clock"
    """What its clock showed beside a stated reference: times of files are that clock's."""
    STATE = "state"
    MUNICIPALITY = "municipality"
    RETURN_STATUS = "return_status"
    RECORD_NUMBER = "record_number"
    INSTITUTION = "institution"
    CALL_FOLIO = "call_folio"
    INTERVENTION_PLACE = "intervention_place"
    INTERVENTION_TIME = "intervention_time"
    CUSTODY_START = "custody_start"
    IDENTIFICATION = "identification"
    PLACE_FOUND = "place_found"
    COLLECTION_TIME = "collection_time"
    DOCUMENTATION = "documentation"
    COLLECTION = "collection"
    PACKING = "packing"


CODES: Mapping[Field, tuple[str, ...]] = {
    Field.KIND: (
        "phone", "tablet", "computer", "internal-disk", "external-disk", "usb-drive", "memory-card", "optical-disc",
        "camera", "console", "network-storage", "online-account", "other",
    ),
    Field.RETURN_STATUS: ("held", "returned", "confiscated", "destroyed"),
    Field.CUSTODY_START: ("located", "discovered", "handed-in"),
    Field.COLLECTION: ("manual", "instrumental"),
    Field.PACKING: ("bag", "box", "container", "other"),
}  # fmt: skip
"""Fields of which the value is a code."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """An exhibit and what is stated of it at present.

    Attributes:
        label: Its name in the laboratory.
        uuid: Its identity wherever it goes.
        created: When it was entered.
        parent: Label of the exhibit it was found in; ``None`` if there is none.
        facts: Every field; one of which nothing was said was not assessed.
    """

    label: str
    uuid: str
    created: str
    parent: str | None
    facts: Mapping[Field, Stated]


def add_exhibit(store: CaseStore, actor: Actor, label: str, parent: str | None) -> str:
    """Enter an exhibit.

    Args:
        store: The case, open for writing.
        actor: Who.
        label: Its name, such as ``E2``.
        parent: Label of the exhibit it was found in.

    Returns:
        Its UUID.

    Raises:
        CaseError: The label is unusable or taken, or there is no such parent.
    """
    check_exhibit_label(label)
    with store.transaction():
        if store.connection.execute("SELECT 1 FROM exhibits WHERE label = ?", (label,)).fetchone():
            raise CaseError(f"the case has an exhibit '{label}' already", str(store.path), "choose another label")
        parent_id = None if parent is None else proceedings.exhibit_id(store, parent)
        identity = str(uuid.uuid4())
        store.insert("exhibits", {"uuid": identity, "label": label, "created": utc.now(), "parent_id": parent_id})
        details = {"exhibit": label, "uuid": identity, "parent": parent}
        ledger.append(store.connection, actor, "exhibit added", details)
    return identity


def describe_exhibit(store: CaseStore, actor: Actor, label: str, facts: Mapping[Field, Stated]) -> None:
    """State something of an exhibit. What was stated of the same field before stays on record and no longer holds.

    Raises:
        CaseError: There is no such exhibit, nothing is stated, or a code is none of its field.
    """
    if not facts:
        raise CaseError("nothing is stated of the exhibit", label, "see 'tamiz exhibit describe --help'")
    for field, what in facts.items():
        codes = CODES.get(field)
        if codes and not isinstance(what, Missing) and what not in codes:
            raise CaseError(f"'{what}' is no {field.replace('_', ' ')}", label, f"choose one of {', '.join(codes)}")
    with store.transaction():
        number = proceedings.exhibit_id(store, label)
        for field, what in facts.items():
            row = {
                "exhibit_id": number,
                "actor_id": store.actor_id(actor),
                "recorded": utc.now(),
                "field": str(field),
                **columns("value", what),
            }
            proceedings.add(
                store, actor, "exhibit described", "exhibit_statements", row, {"exhibit": label, "field": str(field)}
            )


def exhibits(store: CaseStore) -> Iterator[Exhibit]:
    """All exhibits, by label, with what holds of them."""
    latest: dict[str, dict[Field, Stated]] = {}
    for row in store.database.query(
        "SELECT label, field, value, value_missing FROM exhibit_statements JOIN exhibits ON exhibits.id = exhibit_id "
        "ORDER BY exhibit_statements.id"
    ):
        latest.setdefault(row["label"], {})[Field(row["field"])] = of_row(row, "value")
    for row in store.database.query(
        "SELECT own.label, own.uuid, own.created, parent.label AS parent FROM exhibits AS own "
        "LEFT JOIN exhibits AS parent ON parent.id = own.parent_id ORDER BY own.label"
    ):
        known = latest.get(row["label"], {})
        facts = {field: known.get(field, Missing.NOT_ASSESSED) for field in Field}
        yield Exhibit(row["label"], row["uuid"], row["created"], row["parent"], facts)
