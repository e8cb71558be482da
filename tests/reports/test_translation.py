"""Both languages are whole, and say numbers and times without ambiguity."""

from __future__ import annotations

import io
import re
import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from forensics.case.authorities import KINDS, ORIGINS
from forensics.case.custody import Break
from forensics.case.exhibits import CODES, Field
from forensics.case.stated import Missing
from forensics.errors import ReportError
from forensics.evidence.stream import Allocation, Recovery
from forensics.hashing.perceptual import FAITHFUL_PROBES
from forensics.hashing.turns import TRIMMED, TURNS
from forensics.media.views import THUMBNAIL
from forensics.reason import Reason
from forensics.reports.folder_role import FolderRole
from forensics.reports.recipient import Recipient
from forensics.reports.translation import LANGUAGES, translation
from hashsets.format import Disposition
from hashsets.match import Tier

REPORTS = Path(str(files("forensics.reports")))
PLACES = re.compile(r"%\((\w+)\)s")


def catalog(language: str) -> Catalog:
    return read_po(io.BytesIO((REPORTS / "translations" / f"{language}.po").read_bytes()), language)


def forms(message: Message) -> list[str]:
    """The wording of a message, or its two forms."""
    assert message.string is not None
    return [message.string] if isinstance(message.string, str) else list(message.string)


def sentences() -> set[str]:
    """English wording of every sentence in the templates and modules; of two forms the singular."""
    methods = [("**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
    found = extract_from_dir(str(REPORTS), method_map=methods)
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def stored_codes(column: str) -> set[str]:
    """Codes that the schema allows in a column."""
    schema = files("forensics.case").joinpath("schema.sql").read_text("utf-8")
    match = re.search(rf"\b{column} TEXT[^,]*CHECK \({column} IN \(([^)]*)\)", schema)
    assert match is not None
    return set(re.findall(r"'([^']+)'", match[1]))


def codes() -> dict[str, set[str]]:
    """Every code that a report words, by what it is a code of."""
    return {
        "reason": set(Reason),
        "recipient": set(Recipient),
        "tier": set(Tier),
        "disposition": set(Disposition),
        "allocation": set(Allocation),
        "recovery": set(Recovery),
        "phase": stored_codes("phase"),
        "scan": stored_codes("kind"),
        "profile": stored_codes("profile"),
        "scan-state": {"running", "finished", "interrupted", "failed"},
        "state": {"hashed", "skipped", "failed", "pending"},
        "algorithm": {"md5", "sha1", "sha256", "manifest-sha256", "size", "pdq", "phash", "vpdq"},
        "probe": {*TURNS, *FAITHFUL_PROBES, TRIMMED, THUMBNAIL},
        "scheme": {"dos", "gpt", "none"},
        "missing": set(Missing),
        "exhibit-kind": set(CODES[Field.KIND]),
        "custody-start": set(CODES[Field.CUSTODY_START]),
        "collection": set(CODES[Field.COLLECTION]),
        "packing": set(CODES[Field.PACKING]),
        "custody-break": set(Break),
        "folder-role": set(FolderRole),
        "authority-kind": set(KINDS),
        "authority-origin": set(ORIGINS),
    }


def test_the_spanish_catalogue_is_complete_and_holds_nothing_stale() -> None:
    translated = {str(m.id if isinstance(m.id, str) else m.id[0]): m for m in catalog("es") if m.id and not m.context}
    assert set(translated) == sentences()
    for message in translated.values():
        assert all(forms(message)), message.id
        assert not message.fuzzy


def test_the_english_catalogue_holds_codes_only() -> None:
    assert all(message.context for message in catalog("en") if message.id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_words_and_no_word_is_stale(language: str) -> None:
    worded: dict[str, set[str]] = {}
    for message in catalog(language):
        if message.context:
            assert message.string
            worded.setdefault(message.context, set()).add(str(message.id))
    assert worded == codes()


def test_translations_have_the_places_of_their_originals() -> None:
    for message in catalog("es"):
        if message.id and not message.context:
            originals = [message.id] if isinstance(message.id, str) else list(message.id)
            for original, form in zip(originals, forms(message), strict=True):
                assert sorted(PLACES.findall(original)) == sorted(PLACES.findall(form)), original


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_have_the_two_forms_that_the_code_chooses_from(language: str) -> None:
    assert catalog(language).plural_forms == "nplurals=2; plural=(n != 1);"


@pytest.mark.parametrize(("number", "expected"), [(0, "0 contenidos"), (1, "1 contenido"), (1234, "1,234 contenidos")])
def test_plurals(number: int, expected: str) -> None:
    assert translation("es").ngettext("%(number)s content", "%(number)s contents", number) == expected


def test_an_unknown_language_is_one_clear_line() -> None:
    with pytest.raises(ReportError, match=r"'fr'\. Choose one of es, en"):
        translation("fr")


def test_an_unknown_code_stands_for_itself() -> None:
    assert translation("es").code("plugin-reason", "reason") == "plugin-reason"


def test_values_are_escaped_and_made_printable() -> None:
    filled = translation("en").gettext("Case %(number)s", number="<b>\u202e&")
    assert filled == "Case &lt;b&gt;\\u202e&amp;"


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB (1,000 bytes)"), (8 << 30, "8.6 GB (8,589,934,592 bytes)")],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_sizes(language: str, size: int, expected: str) -> None:
    assert translation(language).size(size) == expected


@given(st.integers(0, 2**63 - 1))
def test_a_size_always_states_the_exact_number(size: int) -> None:
    assert f"{size:,}" in translation("es").size(size)


def test_moments_read_the_same_in_every_country() -> None:
    stored = "2026-03-04T05:06:07.123456Z"
    assert translation("es").moment(stored) == "2026-03-04 05:06:07 UTC"
    assert translation("es").long_moment(stored) == "4 de marzo de 2026, 05:06:07 UTC"
    assert translation("en").long_moment(stored) == "March 4, 2026, 05:06:07 UTC"


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (999_999, 1_000_000, "99.9\N{NO-BREAK SPACE}%"),
        (5, 5, "100.0\N{NO-BREAK SPACE}%"),
        (0, 0, "0.0\N{NO-BREAK SPACE}%"),
    ],
)
def test_not_quite_all_is_never_all(part: int, whole: int, expected: str) -> None:
    assert translation("es").percent(part, whole) == expected


def test_the_schema_is_the_one_the_codes_were_read_from() -> None:
    schema = files("forensics.case").joinpath("schema.sql").read_text("utf-8")
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema)
    connection.close()
    assert stored_codes("disposition") == set(Disposition)
    assert stored_codes("allocation") == set(Allocation)
    assert stored_codes("recovery") == set(Recovery)
    assert stored_codes("tier") == set(Tier)
