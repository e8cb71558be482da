"""The data sheet of the chain of custody: the fields of the official form, each value or why there is none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case.custody import HandOver, add_hand_over
from forensics.case.exhibits import Field, add_exhibit, describe_exhibit
from forensics.case.stated import Missing, Stated, stated_time
from forensics.case.store import CaseStore
from forensics.errors import ReportError
from forensics.reports.custody_sheet import write_custody_sheet
from tests.reports.conftest import EXAMINER, NOTABLE, CaseWriter, match
from tests.reports.page import Element, check_valid, parse

OFFICIAL = (
    "No. de referencia", "Institución o unidad administrativa", "Folio o llamado", "Lugar de intervención",
    "Fecha y hora de intervención", "Inicio de la cadena de custodia", "1. Identificación", "Identificación",
    "Descripción", "Ubicación en el lugar", "Hora de recolección", "2. Documentación", "3. Recolección y embalaje",
    "Recolección", "Embalaje", "4. Servidores públicos", "Nombre completo", "Institución y cargo", "Etapa", "Firma",
    "5. Traslado",
)  # fmt: skip
"""The fields of the first part of the Registro de Cadena de Custodia, in its order."""


def hand_over(giver: Stated, receiver: Stated, at: str, **more: Stated) -> HandOver:
    return HandOver("E1", stated_time(at), giver, receiver, **more)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaseStore]:
    with CaseStore.create(tmp_path / "a.case", "CI/7/2026", EXAMINER, None, ["E1"]) as store:
        CaseWriter(store, tmp_path).add(b"zanahoria.jpg", b"one", match(NOTABLE, 17))
        add_exhibit(store, EXAMINER, "E2", "E1")
        facts = {
            Field.KIND: "phone", Field.CUSTODY_START: "handed-in", Field.SERIAL_NUMBER: Missing.UNKNOWN,
            Field.CALL_FOLIO: Missing.NOT_APPLICABLE, Field.DESCRIPTION: "<b>Teléfono</b> negro", Field.PACKING: "bag",
        }  # fmt: skip
        describe_exhibit(store, EXAMINER, "E1", facts)
        add_hand_over(
            store, EXAMINER,
            hand_over(Missing.NOT_APPLICABLE, "Luis Campo", "2026-03-01T10:30-06:00", seal_numbers="A1\nA2",
                      receiver_position="Unidad de ejemplo, agente", stage="recolección", transport="terrestre"),
        )  # fmt: skip
        wrong = add_hand_over(store, EXAMINER, hand_over("Otro Nombre", "Ana", "2026-03-02T10:30-06:00"))
        add_hand_over(store, EXAMINER, hand_over("Luis Campo", "Ana", "2026-03-02T10:30-06:00"), corrects=wrong)
        add_hand_over(store, EXAMINER, hand_over("Tercera", "Ana", "2026-02-02T10:30-06:00"))
        yield store


def sheet(store: CaseStore, folder: Path, language: str) -> Element:
    path = folder / f"{language}.html"
    digest = write_custody_sheet(store, path, language)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    assert path.stat().st_mode & 0o777 == 0o600
    page = parse(path.read_text("utf-8"))
    check_valid(page)
    return page


def facts(page: Element) -> dict[str, str]:
    """Of the first exhibit, what stands beside each name."""
    section = page.all("section")[0]
    return {entry.all("dt")[0].text: entry.all("dd")[0].text for part in section.all("dl") for entry in part.all("div")}


def test_it_has_the_fields_of_the_official_form_in_their_order(store: CaseStore, tmp_path: Path) -> None:
    text = sheet(store, tmp_path, "es").all("section")[0].text
    missing = [field for field in OFFICIAL if not re.search(rf"(?<!\w){re.escape(field)}(?!\w)", text)]
    assert missing == []
    headings = [field for field in OFFICIAL if field[0].isdigit()]
    assert [text.index(heading) for heading in headings] == sorted(text.index(heading) for heading in headings)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "es",
            {
                "Tipo de dispositivo": "teléfono", "Inicio de la cadena de custodia": "aportación",
                "Número de serie": "S.I.", "Folio o llamado": "N.A.", "Marca": "no evaluado", "Embalaje": "bolsa",
                "Descripción": "<b>Teléfono</b> negro",
            },
        ),
        (
            "en",
            {
                "Kind of device": "phone", "Beginning of the chain of custody": "handed in", "Serial number": "unknown",
                "Folio or call": "not applicable", "Make": "not assessed", "Packing": "bag",
                "Description": "<b>Teléfono</b> negro",
            },
        ),
    ],
)  # fmt: skip
def test_a_missing_value_says_why(store: CaseStore, tmp_path: Path, language: str, expected: dict[str, str]) -> None:
    found = facts(sheet(store, tmp_path, language))
    assert {name: found[name] for name in expected} == expected
    assert all(found.values())


def test_the_chain_is_shown_as_it_holds_with_its_gap_and_what_was_corrected(store: CaseStore, tmp_path: Path) -> None:
    section = sheet(store, tmp_path, "es").all("section")[0]
    people, hand_overs, sources = section.all("table")
    rows = [[cell.text for cell in row.all("th") + row.all("td")] for row in hand_overs.all("tr")[1:]]
    assert [row[1:4] for row in rows] == [
        ["2026-03-01 10:30:00 -06:00", "N.A.", "Luis Campo"],
        ["2026-03-02 10:30:00 -06:00", "Luis Campo", "Ana"],
        ["2026-02-02 10:30:00 -06:00", "Tercera", "Ana"],
    ]
    assert rows[0][6] == "A1, A2"
    assert [row.all("th")[0].text for row in people.all("tr")[1:]] == ["Luis Campo", "Ana", "Tercera"]
    assert hashlib.sha256(b"evidence").hexdigest() in sources.text
    assert "El renglón 2 era erróneo y lo sustituye el renglón 3: de Otro Nombre a Ana" in section.text
    assert "Interrupción en el renglón 4: no consta que quien entrega sea quien recibió por última vez" in section.text
    assert "Interrupción en el renglón 4: es anterior a la entrega que la precede" in section.text


def test_every_exhibit_has_a_sheet_and_no_name_from_the_evidence_is_on_it(store: CaseStore, tmp_path: Path) -> None:
    page = sheet(store, tmp_path, "es")
    assert [section.all("h2")[0].text for section in page.all("section")] == ["Indicio E1", "Indicio E2"]
    assert "Se halló en el indicio E1." in page.all("section")[1].text
    assert "zanahoria" not in page.text


def test_no_request_leaves_the_page(store: CaseStore, tmp_path: Path) -> None:
    page = sheet(store, tmp_path, "es")
    for element in page.everything():
        assert element.tag not in {"script", "link", "img", "iframe"}
        assert not {"src", "href"} & element.attributes.keys()


def test_a_sheet_is_never_written_over_another(store: CaseStore, tmp_path: Path) -> None:
    sheet(store, tmp_path, "es")
    with pytest.raises(ReportError, match="exists already"):
        write_custody_sheet(store, tmp_path / "es.html", "es")
