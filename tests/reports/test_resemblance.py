"""What a report says of how a content resembles an entry."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cli import cli
from forensics.case.reader import CaseReader
from forensics.reports.html import write_html
from forensics.reports.recipient import Recipient
from forensics.reports.report import write_report
from forensics.reports.resemblance import probe_in_words
from forensics.reports.translation import translation
from hashsets.match import EntryReference, Match, Tier
from tests.reports.conftest import NOTABLE, NewCase

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("probe", "english", "spanish"),
    [
        ("original", "as it is", "tal cual"),
        ("trimmed", "its border removed", "sin su borde"),
        ("trimmed/rotate-90", "its border removed, turned by 90° counter-clockwise",
         "sin su borde, girada 90° a la izquierda"),
        ("flip-left-right", "mirrored left to right", "reflejada de izquierda a derecha"),
        ("thumbnail/displayed", "the thumbnail in the file, as viewers show it",
         "la miniatura dentro del archivo, como se muestra"),
        ("frame-12", "frame 12 of the animation", "fotograma 12 de la animación"),
        ("page-1200/displayed", "page 1,200, as viewers show it", "página 1,200, como se muestra"),
        ("layer-2", "layer 2", "capa 2"),
        ("preview-2", "preview 2 in the file", "vista previa 2 dentro del archivo"),
        ("cover-1", "attached picture 1", "imagen adjunta 1"),
        ("frame-at-12s", "the frame at 0:00:12", "el fotograma en 0:00:12"),
        ("frame-at-7384s", "the frame at 2:03:04", "el fotograma en 2:03:04"),
        ("<plug-in>", "&lt;plug-in&gt;", "&lt;plug-in&gt;"),
    ],
)  # fmt: skip
def test_a_probe_in_words(probe: str, english: str, spanish: str) -> None:
    assert str(probe_in_words(translation("en"), probe)) == english
    assert str(probe_in_words(translation("es"), probe)) == spanish


@given(st.text("ab-/\n\r\x1b\u202e<&", max_size=30))
def test_any_probe_that_a_plug_in_may_give_is_printable_and_escaped(probe: str) -> None:
    words = str(probe_in_words(translation("es"), probe))
    assert not set(words) & set("\n\r\x1b\u202e")
    assert "<" not in words


@pytest.fixture
def case(new_case: NewCase) -> Path:
    """A case with a film that holds a known one, a frame like a known picture, and a picture like a known frame."""
    writer = new_case()
    entry = EntryReference(NOTABLE, 1)
    film = Match(entry, "vpdq", 7, Tier.NEAR, "original", ("vpdq",), query_covered=0.97, known_covered=1 / 3)
    writer.add(b"a.mp4", b"one", film)
    writer.add(b"b.mp4", b"two", Match(entry, "pdq", 8, Tier.SIMILAR, "frame-at-75s", ("pdq",)))
    writer.add(b"c.jpg", b"three", Match(entry, "vpdq", 9, Tier.SIMILAR, "rotate-180", ("vpdq",)))
    writer.add(b"d.jpg", b"four", Match(entry, "pdq", 9, Tier.NEAR, "original", ("pdq",)))
    return writer.finish()


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "en",
            (
                "frames: 97.0 % of this film, 33.3 % of the known film",
                "seen as: the frame at 0:01:15",
                "seen as: turned by 180° · like a frame of the known film",
            ),
        ),
        (
            "es",
            (
                "fotogramas: 97.0 % de este video, 33.3 % del video conocido",
                "vista: el fotograma en 0:01:15",
                "vista: girada 180° · como un fotograma del video conocido",
            ),
        ),
    ],
)
def test_the_page_says_it_in_both_languages(
    case: Path, tmp_path: Path, language: str, sentences: tuple[str, ...]
) -> None:
    with CaseReader.open(case) as reader:
        write_html(reader, tmp_path / "page.html", language, Recipient.LABORATORY)
    page = (tmp_path / "page.html").read_text("utf-8").replace(NO_BREAK_SPACE, " ")
    for sentence in sentences:
        assert page.count(sentence) == 1
    assert "tal cual" not in page
    assert "as it is ·" not in page


def test_the_table_has_the_shares_as_figures(case: Path, tmp_path: Path) -> None:
    with CaseReader.open(case) as reader:
        write_report(reader, tmp_path / "report", "es", Recipient.LABORATORY)
    with (tmp_path / "report" / "hits.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert (float(rows["a.mp4"]["query_covered"]), float(rows["a.mp4"]["known_covered"])) == (0.97, 1 / 3)
    assert {(rows[name]["query_covered"], rows[name]["known_covered"]) for name in ("b.mp4", "c.jpg")} == {("", "")}


def test_hits_are_listed_with_it(case: Path) -> None:
    lines = CliRunner().invoke(cli, ["hits", str(case)], catch_exceptions=False).output.replace(NO_BREAK_SPACE, " ")
    header, *rows = lines.splitlines()
    assert header.split()[-1] == "remark"
    assert rows[0].rstrip().endswith("frames: 97.0 % of this film, 33.3 % of the known film")
    assert rows[2].rstrip().endswith("seen as: turned by 180° · like a frame of the known film")
    assert rows[3].split()[-2:] == ["near", "-"]


def test_where_nothing_is_to_be_remarked_there_is_no_such_column(new_case: NewCase) -> None:
    writer = new_case()
    writer.add(b"a.jpg", b"one", Match(EntryReference(NOTABLE, 1), "sha256", 0, Tier.EXACT, None, ("sha256",)))
    lines = CliRunner().invoke(cli, ["hits", str(writer.finish())], catch_exceptions=False).output
    assert "remark" not in lines
    assert lines.splitlines()[1].split()[-1] == "exact"
