"""Approvals: a second person reads a report and signs that its like may be given out.

A case made with ``--require-approval`` writes reports and exports for the laboratory only, until somebody who did not
make the findings approves: for one action (report or export), one recipient, one language or format. Approved is what
the case says, by its digest (:func:`forensics.case.proceedings.state_digest`). A report of that kind can then be
written as often as it is needed, and no longer once the findings or what was stated of the case have changed.

What is signed, with Ed25519, is :func:`statement`: the digest of the document that was read, that of what the case
says, and the head of the ledger among it. Anyone can recompute it from the row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from forensics.case import proceedings, utc
from forensics.case.ledger import Actor, canonical_json
from forensics.case.people import same_person
from forensics.case.store import CaseStore
from forensics.errors import ApprovalError
from forensics.reports.recipient import Recipient
from forensics.seal.keys import PublicKey, SigningKey

REPORT, EXPORT = "report", "export"
"""What can be approved."""

PREFIX = b"tamiz approval 1\n"
"""What a signed statement begins with, so that a signature for anything else is none for an approval."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is given out.

    Attributes:
        action: :data:`REPORT` or :data:`EXPORT`.
        recipient: For whom.
        variant: Language of a report, format of an export.
    """

    action: str
    recipient: Recipient
    variant: str

    def __str__(self) -> str:
        return f"{self.action} for {self.recipient} ({self.variant})"


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval as the case holds it.

    Attributes:
        number: Its row.
        kind: What may be given out.
        approver: Who approved: name and account.
        at: When.
        document_name: The file that was read.
        document_sha256: Its digest.
        state_digest: Of what the case said then.
        ledger_sequence: Last row of the ledger then.
        ledger_hash: Its hash.
        public_key: The approver's.
        valid: Whether the signature is the key's over this approval of this case.
    """

    number: int
    kind: Kind
    approver: Actor
    at: str
    document_name: str
    document_sha256: str
    state_digest: str
    ledger_sequence: int
    ledger_hash: str
    public_key: PublicKey
    valid: bool


def statement(case_uuid: str, approver: Actor, row: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: :data:`PREFIX`, then canonical JSON.

    Args:
        case_uuid: Identity of the case.
        approver: Who approves.
        row: Columns of ``approvals``: ``at``, ``action``, ``recipient``, ``variant``, ``document_sha256``,
            ``state_digest``, ``ledger_sequence``, ``ledger_hash``.
    """
    names = (
        "at", "action", "recipient", "variant", "document_sha256", "state_digest", "ledger_sequence", "ledger_hash",
    )  # fmt: skip
    signed = {name: row[name] for name in names}
    signed |= {"case": case_uuid, "approver": approver.name, "system_user": approver.system_user}
    return PREFIX + canonical_json(signed).encode()


def is_required(store: CaseStore) -> bool:
    """Whether the case was made with ``--require-approval``: its row or the first of the ledger says so."""
    stated, details = store.connection.execute(
        "SELECT approval, (SELECT details FROM ledger WHERE sequence = 1) FROM case_info"
    ).fetchone()
    return "required" in {stated, json.loads(details or "{}").get("approval")}


def approve(store: CaseStore, approver: Actor, kind: Kind, document: tuple[str, str], key: SigningKey) -> int:
    """Approve that something is given out.

    Args:
        store: The case, open for writing.
        approver: The second person.
        kind: What may be given out.
        document: Name and SHA-256 of the report or export that the second person has read.
        key: Theirs.

    Returns:
        The number of the row.

    Raises:
        ApprovalError: No approval is needed; the document is none that this case wrote, or not of what it says now;
            or the approver is somebody whose work it is.
    """
    if not is_required(store) or kind.recipient is Recipient.LABORATORY:
        raise ApprovalError(f"no approval is needed: {kind}", str(store.path), "write it")
    with store.transaction():
        connection = store.connection
        state = proceedings.state_digest(connection)
        author = _author_of(connection, document, state)
        _refuse_own_work(connection, approver, key.public, author)
        sequence, head = connection.execute(
            "SELECT sequence, hash FROM ledger ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        row: dict[str, Any] = {
            "actor_id": store.actor_id(approver),
            "at": utc.now(),
            "action": kind.action,
            "recipient": str(kind.recipient),
            "variant": kind.variant,
            "document_name": document[0],
            "document_sha256": document[1],
            "state_digest": state,
            "ledger_sequence": sequence,
            "ledger_hash": head,
            "public_key": key.public.raw.hex(),
        }
        row["signature"] = key.sign(statement(_case_uuid(connection), approver, row)).hex()
        shown = {
            "action": kind.action,
            "recipient": str(kind.recipient),
            "variant": kind.variant,
            "key": key.public.fingerprint,
        }
        return proceedings.add(store, approver, "approve", "approvals", row, shown)


def approvals(connection: sqlite3.Connection) -> Iterator[Approval]:
    """All approvals, oldest first, each with whether its signature holds."""
    cursor = connection.execute(
        "SELECT approvals.*, name, system_user FROM approvals JOIN actors ON actors.id = actor_id ORDER BY approvals.id"
    )
    names = [column[0] for column in cursor.description]
    case_uuid = _case_uuid(connection)
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        approver = Actor(row["name"], row["system_user"])
        key = PublicKey(bytes.fromhex(row["public_key"]))
        yield Approval(
            row["id"], Kind(row["action"], Recipient(row["recipient"]), row["variant"]), approver, row["at"],
            row["document_name"], row["document_sha256"], row["state_digest"], row["ledger_sequence"],
            row["ledger_hash"], key,
            key.verifies(bytes.fromhex(row["signature"]), statement(case_uuid, approver, row)),
        )  # fmt: skip


def release(store: CaseStore, kind: Kind) -> dict[str, Any]:
    """Allow that something is given out, or refuse it.

    Args:
        store: The case.
        kind: What is to be given out.

    Returns:
        What the ledger's row of the report or export says of it: nothing where no approval is needed, else ``state``
        (digest of what the case says) and ``approval`` (number of the row; ``None`` for the laboratory).

    Raises:
        ApprovalError: It needs an approval that is not there, or that was given for other findings.
    """
    if not is_required(store):
        return {}
    state = proceedings.state_digest(store.connection)
    if kind.recipient is Recipient.LABORATORY:
        return {"state": state, "approval": None}
    given = [each for each in approvals(store.connection) if each.kind == kind and each.valid]
    for each in reversed(given):
        if each.state_digest == state:
            return {"state": state, "approval": each.number}
    what = f"the findings have changed since the approval: {kind}" if given else f"not approved: {kind}"
    remedy = "write the report for the laboratory, and have a second person read it and run 'tamiz approve'"
    raise ApprovalError(what, str(store.path), remedy)


def _author_of(connection: sqlite3.Connection, document: tuple[str, str], state: str) -> Actor:
    """Who wrote a document from the case as it is now."""
    query = (
        "SELECT actor, system_user, details FROM ledger WHERE action IN ('report', 'export') "
        "AND instr(details, ?) > 0 ORDER BY sequence DESC LIMIT 1"
    )
    row = connection.execute(query, (document[1],)).fetchone()
    if row is None:
        what = "is no report or export that was written from this case"
        raise ApprovalError(what, document[0], "give the file as it was written; any change shows")
    if json.loads(row[2]).get("state") != state:
        what = "does not show what the case says now"
        raise ApprovalError(what, document[0], "have it written anew, and read it")
    return Actor(row[0], row[1])


def _refuse_own_work(connection: sqlite3.Connection, approver: Actor, key: PublicKey, author: Actor) -> None:
    """Refuse an approval by somebody who made the case, ran a scan, attached an offence or wrote the document."""
    rows = connection.execute(
        "SELECT actor, system_user FROM ledger WHERE sequence = 1 "
        "UNION SELECT name, system_user FROM actors WHERE id IN "
        "(SELECT actor_id FROM scans UNION SELECT actor_id FROM offence_tags)"
    ).fetchall()
    remedy = "have somebody else read and approve it, under their own account and with their own key"
    for worker in (author, *(Actor(*row) for row in rows)):
        if same_person(approver.name, worker.name):
            raise ApprovalError("nobody approves their own work", approver.name, remedy)
        if approver.system_user == worker.system_user:
            what = f"the account '{approver.system_user}' is that of somebody whose work it is"
            raise ApprovalError(what, None, remedy)
    for earlier in approvals(connection):
        if earlier.public_key == key and not same_person(earlier.approver.name, approver.name):
            raise ApprovalError("this key has approved under another name", approver.name, remedy)


def _case_uuid(connection: sqlite3.Connection) -> str:
    return str(connection.execute("SELECT uuid FROM case_info").fetchone()[0])
