"""What people stated of a case, in the report of those who may know it."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.case.authorities import Authority, add_authority
from forensics.case.custody import HandOver, add_hand_over
from forensics.case.exhibits import Field, describe_exhibit
from forensics.case.reader import CaseReader
from forensics.case.stated import Missing, stated_time
from forensics.case.store import CaseStore
from forensics.reports.html import render
from forensics.reports.recipient import Recipient
from tests.reports.conftest import EXAMINER
from tests.reports.page import check_valid, parse


@pytest.fixture
def stated_case(sample_case: Path) -> Path:
    with CaseStore.open(sample_case) as store:
        add_authority(store, EXAMINER, Authority("warrant", "ncmec", "OJ-12/2026", "Juzgado de ejemplo"))
        facts = {Field.KIND: "phone", Field.MAKE: "Marca", Field.SERIAL_NUMBER: Missing.UNKNOWN}
        describe_exhibit(store, EXAMINER, "E1", facts)
        first, second = "2026-03-01T10:00:00-06:00", "2026-03-02T10:00:00-06:00"
        add_hand_over(store, EXAMINER, HandOver("E1", stated_time(first), "Rosa Perito", "Luis Almacén"))
        add_hand_over(store, EXAMINER, HandOver("E1", stated_time(second), "Otra Persona", "Ana Prueba"))
    return sample_case


def section(case: Path, recipient: Recipient, language: str = "es") -> str:
    with CaseReader.open(case) as reader:
        page = parse(render(reader, language, recipient))
    check_valid(page)
    return page.by_id("proceedings").text


@pytest.mark.parametrize("recipient", [Recipient.LABORATORY, Recipient.PROSECUTOR, Recipient.DEFENCE])
def test_grounds_exhibits_and_hand_overs_are_told(stated_case: Path, recipient: Recipient) -> None:
    words = section(stated_case, recipient)
    for expected in ("OJ-12/2026", "orden judicial", "teléfono", "Marca", "Rosa Perito", "2026-03-01 10:00:00 -06:00"):
        assert expected in words, expected


def test_why_a_value_is_missing_is_told(stated_case: Path) -> None:
    words = section(stated_case, Recipient.LABORATORY)
    assert "desconocido" in words
    assert "no evaluado" in words


def test_a_gap_in_the_chain_is_told_to_everyone(stated_case: Path) -> None:
    for recipient in Recipient:
        assert "Interrupción de la cadena de custodia en la fila 2" in section(stated_case, recipient)


def test_the_courts_copy_names_nobody(stated_case: Path) -> None:
    words = section(stated_case, Recipient.COURT)
    assert "Constan 2 entregas" in words
    for name in ("Rosa", "Luis", "Otra Persona", "Marca"):
        assert name not in words


def test_a_case_of_which_nothing_was_stated_says_so(sample_case: Path) -> None:
    words = section(sample_case, Recipient.LABORATORY, "en")
    assert "Nothing is recorded beyond the reference on the first page." in words
    assert "No hand-over is recorded." in words
