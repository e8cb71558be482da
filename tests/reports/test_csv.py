"""The tables."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.case.reader import PUBLIC_HIT_FIELDS, CaseReader
from forensics.errors import ReportError
from forensics.reports.csv import BYTE_ORDER_MARK, CsvExporter, cell, write_gaps
from forensics.reports.pseudonym import Pseudonyms
from forensics.reports.recipient import Recipient
from hashsets.match import Tier
from plugins import loader
from tests.reports.conftest import ISSUER_REFERENCE, MARKER, NOTABLE, PERCEPTUAL_VALUE, NewCase, match

ROWS = [Recipient.LABORATORY, Recipient.PROSECUTOR, Recipient.DEFENCE]
DIGESTS = {"md5", "sha1", "sha256"}


def export(case: Path, recipient: Recipient, name: str = "hits.csv") -> bytes:
    output = case.parent / name
    with CaseReader.open(case) as reader:
        CsvExporter().export(reader, output, recipient)
    return output.read_bytes()


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def test_it_is_registered_under_its_name() -> None:
    assert [exporter for exporter in loader.exporters() if exporter.name == "csv" and isinstance(exporter, CsvExporter)]


def test_the_file_is_rfc_4180_with_a_byte_order_mark(sample_case: Path) -> None:
    content = export(sample_case, Recipient.PROSECUTOR)
    assert content.startswith(BYTE_ORDER_MARK)
    assert content.endswith(b"\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")


def test_the_laboratory_gets_every_field_of_every_hit(sample_case: Path) -> None:
    rows = table(export(sample_case, Recipient.LABORATORY))
    assert set(rows[0]) >= set(PUBLIC_HIT_FIELDS)
    with CaseReader.open(sample_case) as case:
        hits = list(case.hits())
        assert len(rows) == sum(case.hit_counts().values()) == len(hits)
    for row, hit in zip(rows, hits, strict=True):
        for name in PUBLIC_HIT_FIELDS:
            value = getattr(hit, name)
            assert row[name] == ("" if value is None or value is False else str(value)), name
        assert row["reference"] == hit.reference
        assert row["entry"] == str(hit.position)
        assert row["agreeing"].split() == list(hit.agreeing)
        assert row["modified"] == "2023-11-14T22:13:20.123456789Z"


@pytest.mark.parametrize("recipient", ROWS)
def test_who_may_not_see_a_column_does_not_get_it(sample_case: Path, recipient: Recipient) -> None:
    content = export(sample_case, recipient)
    text, columns = content.decode(), set(table(content)[0])
    laboratory = recipient is Recipient.LABORATORY
    assert (MARKER in text) == ("path" in columns) == laboratory
    assert (ISSUER_REFERENCE in text) == ("reference" in columns) == laboratory
    assert columns & DIGESTS == (set() if recipient is Recipient.DEFENCE else DIGESTS)
    assert PERCEPTUAL_VALUE not in text


def test_pseudonyms_stand_for_paths_and_are_the_same_for_everyone(sample_case: Path) -> None:
    tables = [table(export(sample_case, recipient, f"{recipient}.csv")) for recipient in ROWS]
    keys = [[(row["locator"], row["pseudonym"], row["content"]) for row in rows] for rows in tables]
    assert keys[0] == keys[1] == keys[2]
    pseudonyms = Pseudonyms.of_case(sample_case)
    with CaseReader.open(sample_case) as case:
        assert [row["pseudonym"] for row in tables[0]] == [pseudonyms.of_path(hit.stored_path) for hit in case.hits()]
    assert all(row["content"] == pseudonyms.of_content(row["sha256"]) for row in tables[0])


def test_a_court_gets_no_rows(sample_case: Path) -> None:
    with pytest.raises(ReportError, match="counts only"):
        export(sample_case, Recipient.COURT)
    assert not (sample_case.parent / "hits.csv").exists()


def test_an_export_without_the_key_fails_before_it_writes(sample_case: Path) -> None:
    sample_case.with_name(sample_case.name + ".key").unlink()
    with pytest.raises(ReportError, match="key"):
        export(sample_case, Recipient.LABORATORY)
    assert not (sample_case.parent / "hits.csv").exists()


def test_an_existing_file_is_refused(sample_case: Path) -> None:
    export(sample_case, Recipient.PROSECUTOR)
    with pytest.raises(ReportError, match="exists already"):
        export(sample_case, Recipient.PROSECUTOR)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b'=HYPERLINK("x")', '\'=HYPERLINK("x")'),
        (b"+1", "'+1"),
        (b"-1", "'-1"),
        (b"@SUM(1)", "'@SUM(1)"),
        (b"  =1", "'  =1"),
        ("\uff1d1".encode(), "'\uff1d1"),
        (b"'=1", "''=1"),
        (b"\t=1", "\\u0009=1"),
        (b"\r=1", "\\u000d=1"),
        (b'a\nb,"c"', 'a\\u000ab,"c"'),
        ("\u202egpj.exe".encode(), "\\u202egpj.exe"),
        (b"\xff\xfe.jpg", "\\xff\\xfe.jpg"),
        (b"a/b.jpg", "a/b.jpg"),
        (b"a;b;c", "a;b;c"),
        (b"a;=1", "a\\u003b=1"),
        (b'a; "+1', 'a\\u003b "+1'),
        (";\uff1d1".encode(), "\\u003b\uff1d1"),
    ],
)
def test_a_hostile_name_is_text_and_one_row(new_case: NewCase, path: bytes, expected: str) -> None:
    writer = new_case()
    writer.add(path, b"one", match(NOTABLE, 1))
    rows = table(export(writer.finish(), Recipient.LABORATORY))
    assert [row["path"] for row in rows] == [expected]


@given(st.text())
def test_a_cell_never_begins_a_formula_and_gives_its_value_back(text: str) -> None:
    made = cell(text)
    assert not made.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
    assert made.isprintable() or not any(ord(character) < 32 for character in made)
    for part in made.split(";"):  # where programs of many countries split
        assert not part.lstrip(' "').startswith(("=", "+", "-", "@"))
    restored = made.removeprefix("'")
    assert cell(restored) == made
    if text.isprintable() and "\\u003b" not in made:
        assert restored == text


def test_perceptual_hits_carry_distance_and_probe(sample_case: Path) -> None:
    rows = {row["tier"]: row for row in table(export(sample_case, Recipient.PROSECUTOR))}
    assert (rows[Tier.NEAR]["basis"], rows[Tier.NEAR]["distance"], rows[Tier.NEAR]["probe"]) == (
        "pdq",
        "12",
        "original",
    )
    assert (rows[Tier.SIMILAR]["distance"], rows[Tier.SIMILAR]["probe"]) == ("28", "rotate-90")


def test_everything_not_examined_has_a_row(sample_case: Path) -> None:
    output = sample_case.parent / "gaps.csv"
    with CaseReader.open(sample_case) as case:
        write_gaps(case, output)
        expected = [(gap.locator, gap.reason, gap.detail) for gap in case.gaps()]
    assert [(row["locator"], row["reason"], row["detail"]) for row in table(output.read_bytes())] == expected
    assert len(expected) == 4
