"""A report leaves the laboratory once a second person has signed what it says; nobody approves their own work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from forensics.case.authorities import Authority, add_authority
from forensics.case.exhibits import Field, describe_exhibit
from forensics.case.ledger import Actor
from forensics.case.offence_tags import attach
from forensics.case.proceedings import changed_rows, state_digest
from forensics.case.stated import Missing
from forensics.case.store import CaseStore
from forensics.case.subject import find_subject
from forensics.errors import ApprovalError
from forensics.offences.catalogue import all_offences, find
from forensics.release.approvals import EXPORT, REPORT, Kind, approvals, approve, is_required, release
from forensics.reports.recipient import Recipient
from forensics.seal.keys import SigningKey
from tests.reports.conftest import EXAMINER, NOTABLE, CaseWriter, match

REVIEWER = Actor("Rosa Revisora", "revision")
FOR_PROSECUTOR = Kind(REPORT, Recipient.PROSECUTOR, "es")
DOCUMENT = ("report.html", "5e" * 32)

Write = Callable[..., tuple[str, str]]


@pytest.fixture
def key() -> SigningKey:
    return SigningKey(Ed25519PrivateKey.generate())


@pytest.fixture
def store(tmp_path: Path) -> CaseStore:
    """A scanned case that needs approvals."""
    store = CaseStore.create(tmp_path / "a.case", "1", EXAMINER, None, ["E1"], approval_required=True)
    CaseWriter(store, tmp_path).add(b"a.jpg", b"one", match(NOTABLE, 17))
    return store


@pytest.fixture
def write(store: CaseStore) -> Write:
    """Leaves the ledger row of a report that the laboratory wrote for itself."""

    def write(author: Actor = EXAMINER, document: tuple[str, str] = DOCUMENT) -> tuple[str, str]:
        allowed = release(store, Kind(REPORT, Recipient.LABORATORY, "es"))
        files = [{"file": document[0], "sha256": document[1]}]
        store.record(author, "report", {"recipient": "laboratory", "files": files, **allowed})
        return document

    return write


def test_a_case_needs_no_approval_unless_it_was_made_so(tmp_path: Path) -> None:
    with CaseStore.create(tmp_path / "b.case", "1", EXAMINER, None, []) as store:
        assert not is_required(store)
        assert release(store, FOR_PROSECUTOR) == {}


def test_that_approval_is_needed_stands_in_the_ledger(store: CaseStore) -> None:
    (details,) = store.connection.execute("SELECT details FROM ledger WHERE sequence = 1").fetchone()
    assert json.loads(details)["approval"] == "required"


def test_lifting_the_requirement_behind_the_ledger_lifts_nothing(store: CaseStore) -> None:
    store.connection.execute("UPDATE case_info SET approval = 'not-required'")
    assert is_required(store)
    with pytest.raises(ApprovalError, match="not approved"):
        release(store, FOR_PROSECUTOR)


def test_nothing_leaves_without_an_approval_but_what_the_laboratory_writes_for_itself(store: CaseStore) -> None:
    for recipient in (Recipient.PROSECUTOR, Recipient.COURT, Recipient.DEFENCE):
        with pytest.raises(ApprovalError, match=f"not approved: report for {recipient}"):
            release(store, Kind(REPORT, recipient, "es"))
    assert release(store, Kind(REPORT, Recipient.LABORATORY, "es"))["approval"] is None


def test_an_approval_lets_out_its_own_kind_only(store: CaseStore, write: Write, key: SigningKey) -> None:
    number = approve(store, REVIEWER, FOR_PROSECUTOR, write(), key)
    assert release(store, FOR_PROSECUTOR) == {"approval": number, "state": state_digest(store.connection)}
    for other in (
        Kind(REPORT, Recipient.PROSECUTOR, "en"),
        Kind(REPORT, Recipient.COURT, "es"),
        Kind(EXPORT, Recipient.PROSECUTOR, "es"),
    ):
        with pytest.raises(ApprovalError, match="not approved"):
            release(store, other)
    assert changed_rows(store.connection) == []


def test_the_signature_can_be_checked_with_nothing_of_ours(store: CaseStore, write: Write, key: SigningKey) -> None:
    """Written from docs/case-schema.md alone."""
    approve(store, REVIEWER, FOR_PROSECUTOR, write(), key)
    row = next(
        store.database.query("SELECT approvals.*, name, system_user FROM approvals JOIN actors ON actors.id = actor_id")
    )
    names = (
        "action",
        "at",
        "document_sha256",
        "ledger_hash",
        "ledger_sequence",
        "recipient",
        "state_digest",
        "variant",
    )
    signed = {name: row[name] for name in names}
    signed |= {"approver": row["name"], "system_user": row["system_user"]}
    signed["case"] = store.connection.execute("SELECT uuid FROM case_info").fetchone()[0]
    message = f"tamiz approval 1\n{json.dumps(signed, sort_keys=True, separators=(',', ':'), ensure_ascii=False)}"
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(row["public_key"]))
    public.verify(bytes.fromhex(row["signature"]), message.encode())
    with pytest.raises(InvalidSignature):
        public.verify(bytes.fromhex(row["signature"]), message.replace("prosecutor", "court").encode())
    head = store.connection.execute("SELECT hash FROM ledger WHERE sequence = ?", (row["ledger_sequence"],)).fetchone()
    assert head == (row["ledger_hash"],)


def change_findings(store: CaseStore, folder: Path) -> None:
    store.connection.execute("UPDATE hits SET distance = distance + 1")


def attach_offence(store: CaseStore, folder: Path) -> None:
    offence = find(all_offences(folder), "mx-cpf/202-bis")
    attach(store, EXAMINER, offence, find_subject(store, None, None), Missing.NOT_ASSESSED)


def describe(store: CaseStore, folder: Path) -> None:
    describe_exhibit(store, EXAMINER, "E1", {Field.MAKE: "Acme"})


def authorise(store: CaseStore, folder: Path) -> None:
    add_authority(store, EXAMINER, Authority("warrant"))


@pytest.mark.parametrize("change", [change_findings, attach_offence, describe, authorise])
def test_what_changes_after_the_approval_needs_another(
    store: CaseStore, write: Write, key: SigningKey, tmp_path: Path, change: Callable[[CaseStore, Path], None]
) -> None:
    approve(store, REVIEWER, FOR_PROSECUTOR, write(), key)
    change(store, tmp_path)
    with pytest.raises(ApprovalError, match="the findings have changed since the approval"):
        release(store, FOR_PROSECUTOR)
    with pytest.raises(ApprovalError, match="does not show what the case says now"):
        approve(store, REVIEWER, FOR_PROSECUTOR, DOCUMENT, key)
    write(document=("report.html", "6f" * 32))
    again = approve(store, REVIEWER, FOR_PROSECUTOR, ("report.html", "6f" * 32), key)
    assert release(store, FOR_PROSECUTOR)["approval"] == again


def test_reading_and_recording_what_was_read_changes_nothing(store: CaseStore, write: Write, key: SigningKey) -> None:
    approve(store, REVIEWER, FOR_PROSECUTOR, write(), key)
    store.record(EXAMINER, "hits", {})
    assert release(store, FOR_PROSECUTOR)["approval"] == 1


@pytest.mark.parametrize(
    ("approver", "said"),
    [
        (Actor(EXAMINER.name, "revision"), "nobody approves their own work"),
        (Actor("ANA  PRUEBA NANDU", "revision"), "nobody approves their own work"),
        (
            Actor("Rosa Revisora", EXAMINER.system_user),
            "the account 'laboratorio' is that of somebody whose work it is",
        ),
    ],
)
def test_nobody_approves_their_own_work(
    store: CaseStore, write: Write, key: SigningKey, approver: Actor, said: str
) -> None:
    with pytest.raises(ApprovalError, match=said):
        approve(store, approver, FOR_PROSECUTOR, write(), key)
    assert list(approvals(store.connection)) == []


def test_who_wrote_the_document_does_not_approve_it(store: CaseStore, write: Write, key: SigningKey) -> None:
    write(author=REVIEWER)
    with pytest.raises(ApprovalError, match="nobody approves their own work"):
        approve(store, REVIEWER, FOR_PROSECUTOR, DOCUMENT, key)


def test_who_attached_an_offence_does_not_approve(
    store: CaseStore, write: Write, key: SigningKey, tmp_path: Path
) -> None:
    offence = find(all_offences(tmp_path), "mx-cpf/202-bis")
    attach(store, REVIEWER, offence, find_subject(store, None, None), Missing.NOT_ASSESSED)
    with pytest.raises(ApprovalError, match="nobody approves their own work"):
        approve(store, REVIEWER, FOR_PROSECUTOR, write(), key)


def test_one_key_is_one_person(store: CaseStore, write: Write, key: SigningKey) -> None:
    approve(store, REVIEWER, FOR_PROSECUTOR, write(), key)
    with pytest.raises(ApprovalError, match="this key has approved under another name"):
        approve(store, Actor("Tomás Otro", "otra"), Kind(REPORT, Recipient.COURT, "es"), DOCUMENT, key)


def test_a_document_that_was_not_written_from_this_case_is_refused(store: CaseStore, key: SigningKey) -> None:
    with pytest.raises(ApprovalError, match="no report or export that was written from this case"):
        approve(store, REVIEWER, FOR_PROSECUTOR, DOCUMENT, key)


def test_what_needs_no_approval_is_not_approved(store: CaseStore, write: Write, key: SigningKey) -> None:
    with pytest.raises(ApprovalError, match="no approval is needed"):
        approve(store, REVIEWER, Kind(REPORT, Recipient.LABORATORY, "es"), write(), key)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("recipient", "court"),
        ("variant", "en"),
        ("state_digest", "0" * 64),
        ("document_sha256", "0" * 64),
        ("ledger_hash", "0" * 64),
        ("at", "2020-01-01T00:00:00Z"),
        ("public_key", "0" * 64),
        ("signature", "0" * 128),
    ],
)
def test_an_approval_changed_behind_the_triggers_lets_nothing_out(
    store: CaseStore, write: Write, key: SigningKey, column: str, value: str
) -> None:
    approve(store, REVIEWER, FOR_PROSECUTOR, write(), key)
    store.connection.execute("DROP TRIGGER approvals_no_update")
    store.connection.execute(f"UPDATE approvals SET {column} = ?", (value,))
    (changed,) = approvals(store.connection)
    assert not changed.valid
    for kind in (FOR_PROSECUTOR, changed.kind):
        with pytest.raises(ApprovalError):
            release(store, kind)
    assert changed_rows(store.connection) == ["approvals 1"]
