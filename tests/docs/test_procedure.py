"""docs/procedure.md and its Spanish twin: every reason a case can hold is explained, and what is no gap is said so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forensics.reason import LEFT_OUT, NOTHING_TO_EXAMINE, Reason
from forensics.triage.scan import Profile

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("procedure.md", "procedure.es.md")

OF_THE_CASE = {"source-refused", "exhibit-without-source"}
"""Gaps that concern no stream, named by the reader of a case."""


def sections(page: str) -> list[list[str]]:
    """The codes in the first column of each table, a list for each section."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        [
            code
            for cell in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
            for code in re.findall("`([a-z-]+)`", cell)
        ]
        for section in text.split("\n## ")[1:]
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_reason_stands_in_one_table(page: str) -> None:
    codes = [code for section in sections(page) for code in section]
    assert sorted(codes) == sorted(set(Reason) | OF_THE_CASE | {f"{profile}" for profile in Profile})


@pytest.mark.parametrize("page", PAGES)
def test_what_is_no_gap_stands_in_a_table_of_its_own(page: str) -> None:
    no_gap = {*map(str, NOTHING_TO_EXAMINE | LEFT_OUT)}
    assert no_gap in [set(section) for section in sections(page)]


def test_both_languages_have_the_same_codes_in_the_same_tables() -> None:
    english, spanish = map(sections, PAGES)
    assert english == spanish
