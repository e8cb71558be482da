"""Exhibits: what is stated of them holds until something else is, and nothing stated is lost."""

from __future__ import annotations

import re
import uuid

import pytest

from forensics.case import schema
from forensics.case.exhibits import CODES, Field, add_exhibit, describe_exhibit, exhibits
from forensics.case.ledger import Actor
from forensics.case.stated import Missing
from forensics.case.store import CaseStore
from forensics.errors import CaseError
from tests.case.conftest import EXAMINER


def test_an_exhibit_found_in_another_says_so(store: CaseStore) -> None:
    identity = add_exhibit(store, EXAMINER, "E2", "E1")
    assert uuid.UUID(identity).version == 4
    first, second = exhibits(store)
    assert (first.label, first.parent) == ("E1", None)
    assert (second.label, second.parent, second.uuid) == ("E2", "E1", identity)


def test_the_latest_statement_holds_and_the_earlier_one_stays(store: CaseStore) -> None:
    describe_exhibit(store, EXAMINER, "E1", {Field.KIND: "phone", Field.SERIAL_NUMBER: Missing.UNKNOWN})
    describe_exhibit(store, Actor("Beto", "other"), "E1", {Field.SERIAL_NUMBER: "123"})
    (exhibit,) = exhibits(store)
    assert exhibit.facts[Field.KIND] == "phone"
    assert exhibit.facts[Field.SERIAL_NUMBER] == "123"
    assert exhibit.facts[Field.MODEL] is Missing.NOT_ASSESSED
    assert set(exhibit.facts) == set(Field)
    rows = store.connection.execute("SELECT value_missing FROM exhibit_statements WHERE field = 'serial_number'")
    assert rows.fetchall() == [("unknown",), (None,)]


def test_a_value_can_be_taken_back_to_unknown(store: CaseStore) -> None:
    describe_exhibit(store, EXAMINER, "E1", {Field.MAKE: "Acme"})
    describe_exhibit(store, EXAMINER, "E1", {Field.MAKE: Missing.UNKNOWN})
    assert next(exhibits(store)).facts[Field.MAKE] is Missing.UNKNOWN


@pytest.mark.parametrize("field", list(CODES))
def test_a_code_is_one_of_its_field(store: CaseStore, field: Field) -> None:
    for code in (*CODES[field], Missing.NOT_APPLICABLE):
        describe_exhibit(store, EXAMINER, "E1", {field: code})
        assert next(exhibits(store)).facts[field] == code
    with pytest.raises(CaseError, match="Choose one of"):
        describe_exhibit(store, EXAMINER, "E1", {field: "zanahoria"})


def test_the_codes_are_those_of_the_schema() -> None:
    text = schema.statements()
    for field, codes in CODES.items():
        listed = re.search(rf"CHECK \(field <> '{field}' OR value IN \(([^)]*)\)\)", text)
        assert listed is not None
        assert tuple(re.findall("'([^']*)'", listed[1])) == codes
    listed = re.search(r"field TEXT NOT NULL CHECK \(field IN \(([^)]*)\)\)", text)
    assert listed is not None
    assert re.findall("'([^']*)'", listed[1]) == list(Field)


def test_what_cannot_be_stated_leaves_no_row(store: CaseStore) -> None:
    before = store.connection.execute("SELECT count(*) FROM ledger").fetchone()
    with pytest.raises(CaseError, match="no exhibit 'E9'"):
        describe_exhibit(store, EXAMINER, "E9", {Field.MAKE: "Acme"})
    with pytest.raises(CaseError, match="nothing is stated"):
        describe_exhibit(store, EXAMINER, "E1", {})
    with pytest.raises(CaseError, match="no exhibit 'E9'"):
        add_exhibit(store, EXAMINER, "E2", "E9")
    with pytest.raises(CaseError, match="has an exhibit 'E1' already"):
        add_exhibit(store, EXAMINER, "E1", None)
    assert store.connection.execute("SELECT count(*) FROM ledger").fetchone() == before
    assert [exhibit.label for exhibit in exhibits(store)] == ["E1"]
