"""Referrals of a case, or a part of it, to another authority, and its receipts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.case import proceedings, subject, utc
from forensics.case.ledger import Actor
from forensics.case.stated import Stated, StatedTime, columns, of_row
from forensics.case.store import CaseStore
from forensics.case.subject import Subject
from forensics.errors import CaseError


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other authority's receipt.

    Attributes:
        at: When it was received.
        received_by: Name of the person.
        reference: Number of the receipt, or of the case there.
    """

    at: StatedTime
    received_by: Stated
    reference: Stated


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral.

    Attributes:
        authority: To whom.
        at: When.
        about: What was referred.
        reference: Number of the letter.
        reason: Why.
    """

    authority: str
    at: StatedTime
    about: Subject
    reference: Stated
    reason: Stated


@dataclass(frozen=True, slots=True)
class RecordedReferral:
    """A referral as the case holds it.

    Attributes:
        number: Its row.
        uuid: Its identity at both ends.
        referral: What is stated.
        corrects: The row it replaces; ``None`` if it replaces none.
        corrected_by: The row that replaces it; ``None`` if it holds.
        recorded: When it was recorded.
        recorded_by: By whom.
        receipts: Those that hold, oldest first, each with its row.
    """

    number: int
    uuid: str
    referral: Referral
    corrects: int | None
    corrected_by: int | None
    recorded: str
    recorded_by: str
    receipts: tuple[tuple[int, Receipt], ...]


def refer(store: CaseStore, actor: Actor, referral: Referral, corrects: int | None = None) -> int:
    """Record a referral and give the number of its row.

    Raises:
        CaseError: No authority is named, or there is no row to correct.
    """
    if not referral.authority.strip():
        raise CaseError("no authority is named", None, "say to whom with --to")
    with store.transaction():
        proceedings.check_correctable(store, "referrals", corrects)
        row = {
            "corrects_id": corrects,
            "uuid": str(uuid.uuid4()),
            "actor_id": store.actor_id(actor),
            "recorded": utc.now(),
            "at": referral.at.at,
            "utc_offset": referral.at.utc_offset,
            "authority": referral.authority.strip(),
            **subject.columns(store, referral.about),
            **columns("reference", referral.reference),
            **columns("reason", referral.reason),
        }
        shown = {"subject": referral.about.kind, "uuid": row["uuid"], "corrects": corrects}
        return proceedings.add(store, actor, "referred", "referrals", row, shown)


def add_receipt(store: CaseStore, actor: Actor, number: int, receipt: Receipt, corrects: int | None = None) -> int:
    """Record the receipt for a referral and give the number of its row.

    Args:
        store: The case, open for writing.
        actor: Who records it.
        number: The referral's row.
        receipt: The receipt.
        corrects: The row of a receipt that was wrong.

    Raises:
        CaseError: There is no such referral, it was corrected, or there is no row to correct.
    """
    with store.transaction():
        proceedings.check_correctable(store, "referrals", number)
        proceedings.check_correctable(store, "referral_receipts", corrects)
        row = {
            "corrects_id": corrects,
            "referral_id": number,
            "actor_id": store.actor_id(actor),
            "recorded": utc.now(),
            "at": receipt.at.at,
            "utc_offset": receipt.at.utc_offset,
            **columns("received_by", receipt.received_by),
            **columns("reference", receipt.reference),
        }
        shown = {"referral": number, "corrects": corrects}
        return proceedings.add(store, actor, "referral receipt", "referral_receipts", row, shown)


def referrals(store: CaseStore) -> Iterator[RecordedReferral]:
    """All referrals, oldest first, also those that were corrected."""
    receipts: dict[int, list[tuple[int, Receipt]]] = {}
    for row in store.database.query(
        "SELECT * FROM referral_receipts AS receipt WHERE NOT EXISTS "
        "(SELECT 1 FROM referral_receipts AS later WHERE later.corrects_id = receipt.id) ORDER BY id"
    ):
        receipt = Receipt(
            StatedTime(row["at"], row["utc_offset"]), of_row(row, "received_by"), of_row(row, "reference")
        )
        receipts.setdefault(row["referral_id"], []).append((row["id"], receipt))
    for row in store.database.query(
        f"SELECT referrals.*, {subject.COLUMNS}, actors.name AS recorded_by, "  # noqa: S608 - literals only
        "(SELECT later.id FROM referrals AS later WHERE later.corrects_id = referrals.id) AS corrected_by "
        "FROM referrals JOIN actors ON actors.id = referrals.actor_id ORDER BY referrals.id"
    ):
        referral = Referral(
            row["authority"], StatedTime(row["at"], row["utc_offset"]), subject.of_row(row),
            of_row(row, "reference"), of_row(row, "reason"),
        )  # fmt: skip
        yield RecordedReferral(
            row["id"], row["uuid"], referral, row["corrects_id"], row["corrected_by"], row["recorded"],
            row["recorded_by"], tuple(receipts.get(row["id"], ())),
        )  # fmt: skip
