"""Authorities: what a case rests on, each statement told from what is missing, mistakes put right by a further row."""

from __future__ import annotations

import pytest

from forensics.case.authorities import KINDS, ORIGINS, Authority, add_authority, authorities
from forensics.case.stated import Missing
from forensics.case.store import CaseStore
from forensics.errors import CaseError
from tests.case.conftest import EXAMINER

WARRANT = Authority(
    "warrant", "ncmec", "CT-17/2026", "Juzgado de ejemplo", "2026-02-03", "MX-JAL", Missing.UNKNOWN,
    Missing.NOT_APPLICABLE,
)  # fmt: skip


def test_what_is_recorded_is_read_back(store: CaseStore) -> None:
    number = add_authority(store, EXAMINER, WARRANT)
    (found,) = authorities(store)
    assert (found.number, found.authority, found.recorded_by) == (number, WARRANT, EXAMINER.name)
    assert isinstance(found.authority.foreign_reference, Missing)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_and_origin_can_be_recorded(store: CaseStore, kind: str) -> None:
    for origin in ORIGINS:
        add_authority(store, EXAMINER, Authority(kind, origin))
    assert [each.authority.origin for each in authorities(store)] == list(ORIGINS)


def test_a_mistake_is_put_right_by_a_further_row(store: CaseStore) -> None:
    wrong = add_authority(store, EXAMINER, Authority("request", reference="1/2025"))
    right = add_authority(store, EXAMINER, Authority("request", reference="1/2026"), corrects=wrong)
    first, second = authorities(store)
    assert (first.corrected_by, second.corrects) == (right, wrong)
    assert first.authority.reference == "1/2025"
    with pytest.raises(CaseError, match=f"row {wrong} was corrected by row {right}"):
        add_authority(store, EXAMINER, Authority("request"), corrects=wrong)
    with pytest.raises(CaseError, match="no row 77"):
        add_authority(store, EXAMINER, Authority("request"), corrects=77)


@pytest.mark.parametrize("authority", [Authority("letter"), Authority("request", origin="rumour")])
def test_a_code_that_is_none_is_refused(store: CaseStore, authority: Authority) -> None:
    with pytest.raises(CaseError, match="Choose one of"):
        add_authority(store, EXAMINER, authority)
