"""Referrals to another authority: recorded, corrected by further rows, and closed by a receipt."""

from __future__ import annotations

import uuid

import pytest

from forensics.case.referrals import Receipt, Referral, add_receipt, refer, referrals
from forensics.case.stated import Missing, stated_time
from forensics.case.store import CaseStore
from forensics.case.subject import find_subject
from forensics.errors import CaseError
from tests.case.conftest import EXAMINER


def referral(store: CaseStore, authority: str = "Fiscalía de ejemplo") -> Referral:
    about = find_subject(store, "E1", None)
    return Referral(authority, stated_time("2026-03-01T10:00-06:00"), about, "oficio 12/2026", Missing.UNKNOWN)


RECEIPT = Receipt(stated_time("2026-03-02T09:00-06:00"), "Rosa Ejemplo", Missing.UNKNOWN)


def test_a_referral_waits_for_its_receipt(store: CaseStore) -> None:
    number = refer(store, EXAMINER, referral(store))
    (found,) = referrals(store)
    assert (found.number, found.referral, found.receipts) == (number, referral(store), ())
    assert uuid.UUID(found.uuid).version == 4
    receipt = add_receipt(store, EXAMINER, number, RECEIPT)
    (found,) = referrals(store)
    assert found.receipts == ((receipt, RECEIPT),)


def test_mistakes_are_put_right_by_further_rows(store: CaseStore) -> None:
    wrong = refer(store, EXAMINER, referral(store, "Otra"))
    right = refer(store, EXAMINER, referral(store), corrects=wrong)
    assert [each.corrected_by for each in referrals(store)] == [right, None]
    with pytest.raises(CaseError, match=f"row {wrong} was corrected by row {right}"):
        add_receipt(store, EXAMINER, wrong, RECEIPT)
    first = add_receipt(store, EXAMINER, right, RECEIPT)
    second = add_receipt(store, EXAMINER, right, RECEIPT, corrects=first)
    assert [number for number, _ in list(referrals(store))[1].receipts] == [second]


def test_what_was_not_referred_has_no_receipt(store: CaseStore) -> None:
    with pytest.raises(CaseError, match="no row 3"):
        add_receipt(store, EXAMINER, 3, RECEIPT)
    with pytest.raises(CaseError, match="no authority is named"):
        refer(store, EXAMINER, referral(store, "  "))
    assert list(referrals(store)) == []
