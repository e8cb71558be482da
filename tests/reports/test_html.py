"""The page: what it says, to whom, and that nothing in a case can harm it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.case.status import status
from forensics.case.store import CaseStore, pseudonym_key_path
from forensics.errors import ReportError
from forensics.evidence.stream import Allocation
from forensics.reason import Reason
from forensics.reports import html
from forensics.reports.html import integrity, write_html
from forensics.reports.recipient import Recipient
from forensics.reports.translation import LANGUAGES
from hashsets.format import Disposition
from hashsets.match import Tier
from tests.reports.conftest import (
    BENIGN,
    EXAMINER,
    ISSUER_REFERENCE,
    MARKER,
    NOTABLE,
    OTHER,
    PARTITION_NAME,
    PERCEPTUAL_VALUE,
    SETS,
    NewCase,
    known_set,
    match,
)
from tests.reports.page import Element, check_valid, parse

Render = Callable[..., str]


@pytest.fixture
def render(tmp_path: Path) -> Render:
    """Writes the page of a case and gives its text."""

    def write(case: Path, language: str = "es", recipient: Recipient = Recipient.PROSECUTOR) -> str:
        output = tmp_path / f"{language}-{recipient}.html"
        with CaseReader.open(case) as reader:
            write_html(reader, output, language, recipient)
        return output.read_text("utf-8")

    return write


def digests(case: Path) -> set[str]:
    with CaseReader.open(case) as reader:
        return {value for hit in reader.hits() for value in (hit.md5, hit.sha1, hit.sha256)}


# What it is made of


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("recipient", Recipient)
def test_the_page_is_valid_and_needs_nothing_else(
    sample_case: Path, render: Render, language: str, recipient: Recipient
) -> None:
    text = render(sample_case, language, recipient)
    page = parse(text)
    check_valid(page)
    assert text.startswith("<!DOCTYPE html>")
    assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", text, re.IGNORECASE)
    tags = {element.tag for element in page.everything()}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "input", "audio", "video", "base"}
    attributes = {name for element in page.everything() for name in element.attributes}
    assert not attributes & {"src", "srcset", "style", "action", "xlink:href"}
    assert not any(name.startswith("on") for name in attributes)
    policy = [one for one in page.all("meta") if one.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in (policy[0].attributes["content"] or "")


def test_the_page_says_its_language(sample_case: Path, render: Render) -> None:
    assert parse(render(sample_case, "es")).all("html")[0].attributes["lang"] == "es-MX"
    assert parse(render(sample_case, "en")).all("html")[0].attributes["lang"] == "en-US"


def test_no_placeholder_or_empty_value_is_left(sample_case: Path, render: Render) -> None:
    for language in LANGUAGES:
        words = parse(render(sample_case, language, Recipient.LABORATORY)).all("body")[0].text
        assert not re.search(r"\bNone\b|\{\{|%\(|Undefined", words)


# Who sees what


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("recipient", Recipient)
def test_secrets_reach_only_whom_they_may(
    sample_case: Path, render: Render, language: str, recipient: Recipient
) -> None:
    text = render(sample_case, language, recipient)
    laboratory, court = recipient is Recipient.LABORATORY, recipient is Recipient.COURT
    assert (MARKER in text) == laboratory
    assert (PARTITION_NAME in text) == laboratory
    assert (ISSUER_REFERENCE in text) == laboratory
    assert ("lista nacional" in text) == (not court)
    for stated in ("oficio 17/2026", "emisor de ejemplo", "v-jitomate", "devolver tras el caso"):
        assert (stated in text) == (not court)
    assert ("E1/p1/ntfs:" in text) == (not court)
    assert bool(re.search(r"\bN-(?!3f9a1c2e77)[0-9a-f]{10}", text)) == (not court)
    assert any(digest in text for digest in digests(sample_case)) == (
        recipient in {Recipient.LABORATORY, Recipient.PROSECUTOR}
    )
    assert ("case new" in text) == (recipient in {Recipient.LABORATORY, Recipient.DEFENCE})
    assert PERCEPTUAL_VALUE not in text
    assert pseudonym_key_path(sample_case).read_text() not in text


def test_everyone_gets_what_shows_integrity(sample_case: Path, render: Render) -> None:
    with CaseReader.open(sample_case) as case:
        expected = {digest["value"] for source in case.sources() for digest in source["digests"]}
        expected |= {one["file_sha256"] for one in case.sets_used()}
        expected |= {status(case)["ledger_head"]["hash"], case.logical_digest()}
    for recipient in Recipient:
        text = render(sample_case, "en", recipient)
        assert all(value in text for value in expected)


def test_a_court_needs_no_key_and_the_others_do(sample_case: Path, render: Render) -> None:
    pseudonym_key_path(sample_case).unlink()
    assert render(sample_case, "es", Recipient.COURT)
    for recipient in (Recipient.PROSECUTOR, Recipient.DEFENCE, Recipient.LABORATORY):
        with pytest.raises(ReportError, match="key"):
            render(sample_case, "es", recipient)


# Nothing in a case can harm the page

HOSTILE = [
    b"<script>alert(1)</script>.jpg",
    b'"><img src=x onerror=alert(1)>.jpg',
    b"</td></tr></table></body>.jpg",
    b"</style><style>*{display:none}",
    b"{{ 7*7 }}{% raw %}.jpg",
    b"%(number)s %s %d%.jpg",
    "\u202egpj.\u2066exe\u2069".encode(),
    b"a\x00b\x1b[31mc\r\nd\x7f.jpg",
    b"\xff\xfe\xed\xa0\x80.jpg",
    b"=cmd|' /C calc'!A0",
    b"&lt;b&gt;&amp;&#60;",
    b"x" * 5000 + b".jpg",
]


def test_hostile_names_are_harmless_text(new_case: NewCase, render: Render) -> None:
    writer = new_case()
    for number, name in enumerate(HOSTILE):
        writer.add(name, f"content {number}".encode(), match(NOTABLE, number + 1), allocation=Allocation.DELETED)
    case = writer.finish()
    text = render(case, "es", Recipient.LABORATORY)
    page = parse(text)
    check_valid(page)
    assert not page.all("script") + page.all("img")
    assert len(page.all("article")) == len(HOSTILE)
    words = page.text
    for shown in (
        "<script>alert(1)</script>.jpg",
        "{{ 7*7 }}{% raw %}.jpg",
        "%(number)s %s %d%.jpg",
        "&lt;b&gt;&amp;&#60;",
    ):
        assert shown in words
    assert "\\u202egpj.\\u2066exe\\u2069" in words
    assert "a\\u0000b\\u001b[31mc\\u000d\\u000ad\\u007f.jpg" in words
    assert not set(text) & {"\u202e", "\u2066", "\u2069", "\x00", "\x1b", "\r", "\x7f"}


def test_hostile_case_texts_are_harmless_text(new_case: NewCase, render: Render) -> None:
    evil = "<script>x</script>\u202e{{ 1 }}%s"
    sets = (known_set(NOTABLE, evil, Disposition.NOTABLE, evil),)
    writer = new_case(number=evil, authority=evil, sets=sets)
    writer.add(b"a.jpg", b"one", match(NOTABLE, 1, category=evil))
    writer.fail(b"b.jpg", Reason.READ_ERROR, evil)
    case = writer.finish()
    for recipient in Recipient:
        text = render(case, "en", recipient)
        check_valid(parse(text))
        assert "<script" not in text
        assert "\u202e" not in text
        assert "&lt;script&gt;x&lt;/script&gt;\\u202e{{ 1 }}%s" in text


# What it says


def rows_of(page: Element, section: str, caption: str) -> list[list[str]]:
    table = next(one for one in page.by_id(section).all("table") if one.all("caption")[0].text == caption)
    return [[cell.text for cell in row.children if isinstance(cell, Element)] for row in table.all("tr")]


@pytest.mark.parametrize("recipient", Recipient)
def test_its_numbers_are_those_of_status(sample_case: Path, render: Render, recipient: Recipient) -> None:
    page = parse(render(sample_case, "en", recipient))
    with CaseReader.open(sample_case) as case:
        state = status(case)
    streams = state["streams"]
    assert (
        f"{streams['seen']} seen = {streams['hashed']} hashed + {streams['skipped']} skipped"
        f" + {streams['failed']} failed ✓ adds up"
    ) in page.by_id("coverage").text
    outcomes = rows_of(page, "coverage", "Streams by outcome")
    assert sum(int(row[3]) for row in outcomes[1:-1]) == int(outcomes[-1][1]) == streams["seen"] == 52
    totals = {one.attributes["data-tier"]: int(one.text) for one in page.all("td") if "data-tier" in one.attributes}
    assert totals == state["hits"] == {"exact": 6, "near": 1, "similar": 1}
    by_exhibit = [row for row in rows_of(page, "results", "By exhibit and tier")[1:] if row[0] != "All exhibits"]
    assert sum(int(row[4]) for row in by_exhibit) == sum(state["hits"].values())
    gaps = rows_of(page, "not-examined", "Not examined, by reason")[1:]
    assert sum(int(row[1]) for row in gaps) == len(state["not_examined"]) == 4
    contents = {row[0]: int(row[2]) for row in rows_of(page, "coverage", "Distinct contents")[1:]}
    assert contents["All distinct contents hashed"] == state["contents"]
    assert contents["Pictures"] == state["pictures"]


def test_the_bar_shows_every_outcome_in_its_share(sample_case: Path, render: Render) -> None:
    bars = parse(render(sample_case)).by_id("coverage").all("rect")
    widths = {str(one.attributes["class"]): float(one.attributes["width"] or 0) for one in bars}
    assert set(widths) == {"hashed", "skipped", "failed"}
    assert sum(widths.values()) == pytest.approx(1000, abs=0.1)
    assert widths["hashed"] / 1000 == pytest.approx(48 / 52, abs=0.01)


def test_a_hit_is_stated_as_a_fact(sample_case: Path, render: Render) -> None:
    words = parse(render(sample_case, "es")).by_id("hits").text
    assert "Coincide con la entrada 1204 de la lista L3 lista nacional 2026-02 : base: PDQ, distancia 12" in words
    assert "girada 90° a la izquierda" in words
    english = parse(render(sample_case, "en")).by_id("hits").text
    assert "Matches entry 17 of set L3 lista nacional 2026-02 : basis SHA-256, distance 0 exact" in english
    assert "vics-2.0-mx / 1" in english


def test_conflicts_are_flagged_where_they_are(sample_case: Path, render: Render) -> None:
    page = parse(render(sample_case, "en"))
    flagged = [article.text for article in page.all("article") if "Conflict" in article.text]
    assert len(flagged) == 2
    assert "different categories" in flagged[0]
    assert "lists this content as benign" in flagged[1]
    assert "Matches entry 8 of set L4 programas comunes" in flagged[1]
    assert "disagree: size" in flagged[1]
    assert "1 content is notable in one set and benign in another." in page.by_id("summary").text


def test_sets_that_disagree_are_named_with_how_much(sample_case: Path, render: Render) -> None:
    rows = rows_of(parse(render(sample_case, "en")), "sets", "Where sets disagree")[1:]
    assert rows == [
        ["L2 intercambio internacional / L3 lista nacional 2026-02", "different categories of one scheme", "1"],
        ["L3 lista nacional 2026-02 / L4 programas comunes", "notable in one, benign in the other", "1"],
    ]
    assert "notable en una, benigno en la otra" in render(sample_case, "es")


@pytest.mark.parametrize(
    ("language", "retracted", "disputed", "all_retracted", "counted"),
    [
        ("en", "RETRACTED by its issuer", "DISPUTED: sha1 (2 members)", "Every entry that this content matches",
         "2 of these contents match an entry that its issuer has retracted (1 match no other entry)"),
        ("es", "RETIRADA por su emisor", "IMPUGNADA: sha1 (2 members)", "Todas las entradas con las que coincide",
         "2 de estos contenidos coinciden con una entrada que su emisor retiró (1 no coinciden con ninguna otra)"),
    ],
)  # fmt: skip
def test_retracted_and_disputed_entries_are_marked_and_counted_apart(
    new_case: NewCase, render: Render, language: str, retracted: str, disputed: str, all_retracted: str, counted: str
) -> None:
    writer = new_case()
    taken_back = match(NOTABLE, 1, attributes={"retracted": "true"})
    writer.add(b"a", b"one", taken_back)
    writer.add(b"b", b"two", taken_back, match(OTHER, 2, attributes={"disputed": "sha1 (2 members)"}))
    writer.add(b"c", b"three", match(OTHER, 3))
    case = writer.finish()
    page = parse(render(case, language))
    articles = [article.text for article in page.all("article")]
    assert [retracted in text for text in articles] == [True, True, False]
    assert [disputed in text for text in articles] == [False, True, False]
    assert [all_retracted in text for text in articles] == [True, False, False]
    assert counted in page.by_id("summary").text
    with CaseReader.open(case) as reader:
        assert status(reader)["hits"]["exact"] == 4  # a fact all the same


def test_an_entry_that_matches_too_much_is_an_alarm(new_case: NewCase, render: Render) -> None:
    writer = new_case()
    for number in range(25):
        writer.add(b"%d" % number, b"picture %d" % number, match(NOTABLE, 7, Tier.NEAR, 3))
    case = writer.finish()
    page = parse(render(case, "en"))
    assert "entry 7 matches 25 contents" in page.by_id("summary").text
    assert page.by_id("hits").text.count("Matches entry 7") == 25
    assert "la entrada 7 coincide con 25 contenidos" in render(case, "es")


def test_what_was_not_examined_is_listed_with_its_reason(sample_case: Path, render: Render) -> None:
    rows = rows_of(parse(render(sample_case, "es")), "not-examined", "No examinado, elemento por elemento")[1:]
    assert ["E1/p2", "volumen cifrado, no desbloqueado", "BitLocker signature at offset 7516192768"] in rows
    assert any(row[1:] == ["no pudieron leerse bytes", "sector 81920 unreadable"] for row in rows)


def test_an_examination_with_gaps_is_not_called_complete(sample_case: Path, render: Render) -> None:
    words = parse(render(sample_case, "en")).by_id("summary").text
    assert "The examination is not complete" in words
    assert "The examination is complete" not in words


def test_missing_values_are_stated_as_missing(new_case: NewCase, render: Render) -> None:
    case = new_case(authority=None).finish()
    header = parse(render(case, "es")).all("header")[0]
    abbreviation = header.all("abbr")[0]
    assert (abbreviation.text, abbreviation.attributes["title"]) == ("S.I.", "sin información")


def test_a_finished_case_without_a_hit_promises_nothing(new_case: NewCase, render: Render) -> None:
    writer = new_case()
    writer.add(b"a.txt", b"nothing known")
    words = parse(render(writer.finish(), "en")).by_id("summary").text
    assert "No content that was examined matches an entry" in words
    assert "This says nothing about what was not examined" in words


def test_a_new_case_has_a_report_too(tmp_path: Path, render: Render) -> None:
    CaseStore.create(tmp_path / "n.case", "CI/2", EXAMINER, None, []).close()
    for language in LANGUAGES:
        for recipient in Recipient:
            check_valid(parse(render(tmp_path / "n.case", language, recipient)))
    english = (tmp_path / "en-court.html").read_text("utf-8")
    assert "No scan has been made" in english
    assert "No known-hash set was used" in english


def test_an_interrupted_scan_is_told(new_case: NewCase, render: Render) -> None:
    writer = new_case()
    writer.add(b"a.jpg", None)
    writer.scan.end("interrupted", {})
    writer.store.close()
    page = parse(render(writer.store.path, "en"))
    words = page.by_id("not-examined").text
    assert "1 stream is still waiting" in words
    assert "have not been walked to their ends" in words
    assert "The last scan did not finish." in words
    assert "1 seen = 0 hashed + 0 skipped + 0 failed + 1 pending ✓ adds up" in page.by_id("coverage").text


def test_long_lists_are_cut_and_say_so(new_case: NewCase, render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST_CONTENTS", 3)
    monkeypatch.setattr(html, "MOST_STREAMS", 2)
    monkeypatch.setattr(html, "MOST_GAPS", 4)
    writer = new_case()
    for number in range(5):
        for copy in range(4):
            writer.add(f"{number}/{copy}".encode(), f"content {number}".encode(), match(NOTABLE, number + 1))
        writer.fail(f"{number}/x".encode(), Reason.READ_ERROR)
    page = parse(render(writer.finish(), "en"))
    check_valid(page)
    assert len(page.all("article")) == 3
    assert "Shown here: 3 of 5 contents." in page.by_id("hits").text
    assert page.by_id("hits").text.count("2 further streams are in the table hits.csv.") == 3
    assert "3 further items are in the file not-examined.csv." in page.by_id("not-examined").text
    assert "5 exact contents in 20 streams" in page.by_id("summary").text


def test_a_broken_ledger_is_shouted(sample_case: Path, render: Render) -> None:
    with CaseStore.open(sample_case) as store:
        store.connection.execute("DROP TRIGGER ledger_no_update")
        store.connection.execute("UPDATE ledger SET actor = 'Someone Else' WHERE sequence = 2")
    for recipient in Recipient:
        page = parse(render(sample_case, "en", recipient))
        assert "its chain breaks at row 2" in page.by_id("summary").text
        assert "The ledger is broken at row 2" in page.by_id("integrity").text
        assert "The ledger is whole" not in page.text


def test_changed_evidence_is_shouted(new_case: NewCase, render: Render) -> None:
    writer = new_case()
    case = writer.finish()
    with CaseStore.open(case) as store:
        store.connection.execute("UPDATE source_digests SET value = ? WHERE phase = 'after'", ("0" * 64,))
    page = parse(render(case, "en"))
    assert "the evidence file changed" in page.by_id("summary").text
    assert "CHANGED" in page.by_id("exhibits").text
    assert "Unchanged" not in page.by_id("exhibits").text


@pytest.mark.parametrize(
    ("digests", "verdict"),
    [
        ([], "not-computed"),
        ([("acquisition", "sha256", "aa")], "not-computed"),
        ([("before", "sha256", "aa")], "not-repeated"),
        ([("before", "sha256", "aa"), ("after", "md5", "bb")], "not-repeated"),
        ([("before", "sha256", "aa"), ("after", "sha256", "aa")], "unchanged"),
        ([("before", "sha256", "aa"), ("after", "sha256", "bb")], "changed"),
        ([("before", "sha256", "aa"), ("before", "sha256", "bb"), ("after", "sha256", "bb")], "changed"),
        ([("acquisition", "sha256", "cc"), ("before", "sha256", "aa"), ("after", "sha256", "aa")], "unchanged"),
    ],
)
def test_integrity_of_a_source(digests: list[tuple[str, str, str]], verdict: str) -> None:
    rows = [
        {"scan_id": 1, "phase": phase, "algorithm": algorithm, "value": value} for phase, algorithm, value in digests
    ]
    assert integrity(rows, 1) == verdict


def test_a_digest_first_taken_by_a_later_scan_does_not_cover_the_first() -> None:
    rows = [{"scan_id": 2, "phase": phase, "algorithm": "sha256", "value": "aa"} for phase in ("before", "after")]
    assert integrity(rows, 1) == "late"
    assert integrity(rows, 2) == "unchanged"


def test_hits_in_benign_sets_alone_are_not_listed(new_case: NewCase, render: Render) -> None:
    writer = new_case()
    writer.add(b"a.dll", b"benign", match(BENIGN, 1, category=None))
    page = parse(render(writer.finish(), "en"))
    assert page.all("article") == []
    assert "1 stream holds a content that a benign set knows" in page.by_id("coverage").text


def test_sets_are_numbered_alike_for_everyone(sample_case: Path, render: Render) -> None:
    for recipient in Recipient:
        headings = [one.text[:2] for one in parse(render(sample_case, "es", recipient)).by_id("sets").all("h3")]
        assert headings == [f"L{number}" for number in range(1, len(SETS) + 1)]
