"""Codes that an analyst attaches: to a hit, an exhibit or the case; taken away by a further row, never by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from forensics.case.ledger import Actor
from forensics.case.offence_tags import attach, offence_tags, remove
from forensics.case.proceedings import changed_rows
from forensics.case.stated import Missing
from forensics.case.store import CaseStore
from forensics.case.subject import find_subject
from forensics.errors import CaseError
from forensics.offences.catalogue import Offence, all_offences, find
from tests.case.conftest import EXAMINER
from tests.reports.conftest import NOTABLE, SETS, CaseWriter, match

SECOND = Actor("Beto Prueba", "other")


@pytest.fixture
def offence(tmp_path: Path) -> Offence:
    return find(all_offences(tmp_path), "mx-cpf/202-bis")


@pytest.fixture
def hit(tmp_path: Path, store: CaseStore) -> str:
    """A stream whose content matches an entry of a notable set, as LOCATOR/SET."""
    locator = CaseWriter(store, tmp_path).add(b"a.jpg", b"one", match(NOTABLE, 17))
    return f"{locator}/{SETS[0].name}"


def test_nothing_is_attached_by_itself(store: CaseStore, hit: str) -> None:
    assert list(offence_tags(store)) == []
    assert store.connection.execute("SELECT count(*) FROM offences").fetchone() == (0,)


def test_a_code_is_attached_to_a_hit_an_exhibit_and_the_case(store: CaseStore, offence: Offence, hit: str) -> None:
    for exhibit, about in ((None, hit), ("E1", None), (None, None)):
        attach(store, EXAMINER, offence, find_subject(store, exhibit, about), "to be assessed")
    of_hit, of_exhibit, of_case = offence_tags(store)
    assert (of_hit.subject.kind, of_hit.subject.locator, of_hit.subject.set) == (
        "hit", hit.removesuffix(f"/{SETS[0].name}"), SETS[0].name,
    )  # fmt: skip
    assert (of_exhibit.subject.kind, of_exhibit.subject.exhibit) == ("exhibit", "E1")
    assert of_case.subject.kind == "case"
    for tag in (of_hit, of_exhibit, of_case):
        assert (tag.catalogue, tag.version, tag.code) == (offence.catalogue, offence.version, "202-bis")
        assert (tag.note, tag.by, tag.removed_by) == ("to be assessed", EXAMINER.name, None)


def test_the_case_keeps_the_offence_as_it_stood(store: CaseStore, offence: Offence) -> None:
    attach(store, EXAMINER, offence, find_subject(store, None, None), Missing.NOT_ASSESSED)
    row = next(store.database.query("SELECT * FROM offences"))
    assert (row["law"], row["provision"], row["catalogue_sha256"]) == (
        offence.law, offence.provision, offence.catalogue_sha256,
    )  # fmt: skip


def test_taking_a_code_away_is_a_further_row(store: CaseStore, offence: Offence) -> None:
    about = find_subject(store, "E1", None)
    number = attach(store, EXAMINER, offence, about, Missing.NOT_ASSESSED)
    with pytest.raises(CaseError, match=f"is attached to that already \\(row {number}\\)"):
        attach(store, SECOND, offence, about, Missing.NOT_ASSESSED)
    remove(store, SECOND, number, "purpose not shown")
    assert list(offence_tags(store)) == []
    (removed,) = offence_tags(store, also_removed=True)
    assert (removed.number, removed.by, removed.removed_by) == (number, EXAMINER.name, SECOND.name)
    with pytest.raises(CaseError, match="was taken away already"):
        remove(store, SECOND, number, Missing.NOT_ASSESSED)
    again = attach(store, EXAMINER, offence, about, Missing.NOT_ASSESSED)
    assert [tag.number for tag in offence_tags(store)] == [again]
    assert changed_rows(store.connection) == []


def test_a_row_that_attaches_nothing_cannot_be_taken_away(store: CaseStore, offence: Offence) -> None:
    number = attach(store, EXAMINER, offence, find_subject(store, None, None), Missing.NOT_ASSESSED)
    removal = remove(store, EXAMINER, number, Missing.NOT_ASSESSED)
    for row in (removal, 99):
        with pytest.raises(CaseError, match=f"row {row} attaches no offence"):
            remove(store, EXAMINER, row, Missing.NOT_ASSESSED)


def test_a_hit_that_is_not_there_is_refused(store: CaseStore, hit: str) -> None:
    name = SETS[0].name
    locator = hit.removesuffix(f"/{name}")
    for wrong in ("", locator, f"{locator}x/{name}", f"{locator}/{SETS[1].name}", f"/{name}", name):
        with pytest.raises(CaseError, match="no such hit"):
            find_subject(store, None, wrong)
    with pytest.raises(CaseError, match="an exhibit and a hit are named"):
        find_subject(store, "E1", hit)


def test_a_catalogue_changed_under_its_version_is_refused(store: CaseStore, offence: Offence) -> None:
    attach(store, EXAMINER, offence, find_subject(store, None, None), Missing.NOT_ASSESSED)
    changed = replace(offence, catalogue_sha256="0" * 64)
    with pytest.raises(CaseError, match="knows another catalogue 'mx-cpf'"):
        attach(store, EXAMINER, changed, find_subject(store, "E1", None), Missing.NOT_ASSESSED)
