"""The table of who may see what."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from forensics.reports.recipient import DISCLOSURES, Disclosure, Recipient, disclosure

FIELDS = [field.name for field in fields(Disclosure)]


def test_every_recipient_has_a_rule() -> None:
    assert set(DISCLOSURES) == set(Recipient)


def test_the_laboratory_sees_everything_and_a_court_only_what_everyone_sees() -> None:
    assert all(getattr(disclosure(Recipient.LABORATORY), name) for name in FIELDS)
    assert not any(getattr(disclosure(Recipient.COURT), name) for name in FIELDS)


def test_only_the_laboratory_sees_names_stored_on_the_evidence_and_issuers_references() -> None:
    for name in ("paths", "references"):
        assert [one for one in Recipient if getattr(disclosure(one), name)] == [Recipient.LABORATORY]


def test_the_defence_can_check_the_ledger_but_gets_no_digest_to_test_files_with() -> None:
    allowed = disclosure(Recipient.DEFENCE)
    assert allowed.ledger_rows
    assert allowed.configuration
    assert allowed.rows
    assert not allowed.digests


def test_the_documentation_has_the_same_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reports.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    order = [Recipient(name) for name in rows[0][1:]]
    documented = {row[0].split("`")[1]: row[1:] for row in rows if "`" in row[0]}
    assert set(documented) == set(FIELDS)
    for name, cells in documented.items():
        assert cells == ["yes" if getattr(disclosure(one), name) else "no" for one in order], name
