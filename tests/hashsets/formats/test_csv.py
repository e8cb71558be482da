"""hashsets.formats.csv: tables with named columns, as laboratories make them."""

from __future__ import annotations

import csv
import io
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ListFormatError
from hashsets.format import KnownEntry, KnownPerceptualHash, ListFormat, ListHeader
from hashsets.formats.csv import CsvFormat
from tests.hashsets.formats.contract import ListFormatContract, entries_of, read, rejected_of
from tests.hashsets.invented import entries, hexadecimal, seeded

CSV = CsvFormat()
CHANCE = seeded(5)
MD5, SHA1, SHA256 = hexadecimal(CHANCE, 32), hexadecimal(CHANCE, 40), hexadecimal(CHANCE, 64)
PDQ, PHASH = hexadecimal(CHANCE, 64), hexadecimal(CHANCE, 64)
COLUMNS = ("md5", "sha1", "sha256", "size", "pdq", "pdq_quality", "phash", "category", "reference")


class TestContract(ListFormatContract):
    list_format: ClassVar[ListFormat] = CSV
    samples: ClassVar[list[bytes]] = [
        f"md5,sha1,size,category\n{MD5},{SHA1},12,1\n{MD5.upper()},,,\n".encode(),
        f'"SHA-256";"Image ID";"File Name"\n{SHA256};7;"a;b.jpg"\n'.encode(),
        f"PDQ\tPDQ quality\tpHash\n{PDQ}\t80\t{PHASH}\n{PDQ}\t\t\n".encode(),
        f"md5\n{MD5}\n".encode(),
        f"sep=;\nTamaño;MD5\n1;{MD5}\n".encode(),
    ]
    endless: ClassVar[tuple[bytes, bytes]] = (b"md5,more\n", f"{MD5},{'x' * 300}\n".encode())


def test_every_column_is_read() -> None:
    data = f"{','.join(COLUMNS)}\n{MD5},{SHA1},{SHA256},12,{PDQ},80,{PHASH},A,ref-1\n".encode()
    perceptual = (KnownPerceptualHash("pdq", PDQ, 80), KnownPerceptualHash("phash", PHASH))
    assert read(CSV, data) == [
        ListHeader(columns_read=COLUMNS),
        KnownEntry(2, MD5, SHA1, SHA256, 12, perceptual, "A", "ref-1"),
    ]


@pytest.mark.parametrize("header", ["MD5,SHA-1", "Md5,sha_1", " md5 , SHA 1 ", '"MD5","SHA1"'])
def test_columns_are_known_by_any_spelling(header: str) -> None:
    assert entries_of(CSV, f"{header}\n{MD5},{SHA1}\n".encode()) == [KnownEntry(2, md5=MD5, sha1=SHA1)]


def test_spanish_columns_are_read_whatever_their_accents_and_case() -> None:
    header = "Hash MD5;CATEGORÍA;Tamaño (bytes);Referencia;PDQ;Calidad;Víctima identificada;Distribuido"
    data = f"{header}\n{MD5};2;12;ref-1;{PDQ};80;Sí;no\n".encode()
    attributes = {"victim_identified": "Sí", "is_distributed": "no"}
    pdq = (KnownPerceptualHash("pdq", PDQ, 80),)
    assert entries_of(CSV, data) == [
        KnownEntry(2, MD5, size=12, perceptual=pdq, category="2", reference="ref-1", attributes=attributes)
    ]


def test_a_quality_without_a_pdq_is_another_quality_and_not_imported() -> None:
    assert entries_of(CSV, f"md5;Calidad\n{MD5};alta\n".encode()) == [KnownEntry(2, MD5)]


@pytest.mark.parametrize(
    "column",
    ["Nombre", "Ruta", "Víctima", "Observaciones", "File Name", "path", "Series name", "Comments", "Edad", "Age group",
     "Nombre del archivo", "Etiquetas", "PhotoDNA", "GPS", "Whatever", "имя"],
)  # fmt: skip
def test_a_column_not_known_to_hold_a_flag_or_code_is_not_imported_and_said(column: str) -> None:
    header, entry = read(CSV, f"md5;{column};Media Type\n{MD5};something told;Image\n".encode())
    assert header == ListHeader(columns_read=("md5", "media_type"), columns_ignored=(column,))
    assert entry == KnownEntry(2, MD5, attributes={"media_type": "Image"})


def test_an_icse_export_is_read() -> None:
    header = (
        "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;Series name;"
        "Number of submissions;File Available;Media Type;Baseline"
    )
    (entry,) = entries_of(CSV, f"{header}\n{MD5};{SHA1};x;77;Y;n;False;a name;3;yes;Image;t\n".encode())
    assert (entry.md5, entry.sha1, entry.reference) == (MD5, SHA1, "77")
    assert entry.attributes == {
        "is_distributed": "Y", "victim_identified": "n", "offender_identified": "False", "number_of_submissions": "3",
        "file_available": "yes", "media_type": "Image", "baseline": "t",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value"),
    [("Victim identified", "Fulana de Tal"), ("Media Type", "a long story"), ("Number of submissions", "many")],
)
def test_free_text_in_a_flag_is_left_out_and_the_entry_kept(column: str, value: str) -> None:
    (entry,) = entries_of(CSV, f"md5;{column}\n{MD5};{value}\n".encode())
    assert list(entry.attributes.values()) == ["malformed, left out"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_line_by_which_excel_names_its_delimiter_is_obeyed(delimiter: str) -> None:
    data = f"sep={delimiter}\r\nmd5{delimiter}size\r\n{MD5}{delimiter}7\r\n".encode()
    assert CSV.recognises(data)
    assert entries_of(CSV, data) == [KnownEntry(3, MD5, size=7)]


def test_positions_are_line_numbers_whatever_is_empty() -> None:
    assert [entry.position for entry in entries_of(CSV, f"\nmd5\n\n{MD5}\n\n{MD5}\n".encode())] == [4, 6]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"{MD5}", "1 columns where the header names 3"),
        (f"{MD5},1,2,3", "4 columns where the header names 3"),
        (f'{MD5},"1,2', "quotes are not closed on the line"),
        (f"{MD5[:-1]},1,2", "md5 is not 32 hexadecimal digits"),
        ("=cmd(),1,2", "md5 is not 32 hexadecimal digits"),
        (f"{MD5},x,2", "size is not a whole number"),
        (f"{MD5},-1,2", "size is not a whole number"),
        (f"{MD5},1,{'x' * 201}", "category is longer than 200 characters"),
        (",1,2", "no hash that tamiz can match"),
    ],
)
def test_a_malformed_row_is_set_aside(row: str, reason: str) -> None:
    assert rejected_of(CSV, f"md5,size,category\n{row}\n{MD5},1,2\n".encode()) == [(2, reason)]


@pytest.mark.parametrize("quality", ["-1", "101", "high"])
def test_a_quality_that_is_none_is_set_aside(quality: str) -> None:
    assert rejected_of(CSV, f"pdq,pdq_quality\n{PDQ},{quality}\n".encode()) == [
        (2, "pdq_quality is not a whole number from 0 to 100")
    ]


def test_empty_columns_at_the_end_of_a_row_do_no_harm() -> None:
    assert [entry.md5 for entry in entries_of(CSV, f"md5,size\n{MD5},1,,\n".encode())] == [MD5]


@pytest.mark.parametrize("header", ["", "name,size", "photodna", '"md5', "md5,MD5"])
def test_a_header_without_a_hash_column_or_with_two_is_said(header: str) -> None:
    with pytest.raises(ListFormatError, match="line 1: the first line names"):
        read(CSV, f"{header}\n{MD5},1\n".encode() if header else b"")


@given(st.lists(entries(), min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_what_is_written_is_read(written: list[KnownEntry], delimiter: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(COLUMNS)
    for entry in written:
        by_algorithm = {known.algorithm: known for known in entry.perceptual}
        pdq, phash = by_algorithm.get("pdq"), by_algorithm.get("phash")
        writer.writerow(
            (
                entry.md5, entry.sha1, entry.sha256, entry.size, pdq and pdq.value, pdq and pdq.quality,
                phash and phash.value, entry.category, entry.reference,
            )
        )  # fmt: skip
    found = entries_of(CSV, file.getvalue().encode())
    assert [(e.md5, e.sha1, e.sha256, e.size, e.perceptual, e.category, e.reference) for e in found] == [
        (e.md5, e.sha1, e.sha256, e.size, e.perceptual, e.category, e.reference) for e in written
    ]
