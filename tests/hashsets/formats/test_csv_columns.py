"""hashsets.formats.csv_columns: plain rows together give what a look at each field gives, others nothing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashsets.fields import FieldError
from hashsets.format import KnownEntry, RejectedEntry
from hashsets.formats import csv
from hashsets.formats.csv import CsvFormat

HEADER = "md5;sha1;name;sha256;size;pdq;pdq_quality;category;reference;baseline;media_type"
DIGITS = st.sampled_from(["a", "F", "0", "g", ""])


def digests(digits: int) -> st.SearchStrategy[str]:
    """Nearly all of the right length."""
    return st.just("") | st.builds(
        lambda digit, more: digit * digits + more, DIGITS, st.sampled_from(["", "", "0", " "])
    )


FIELDS = st.tuples(
    digests(32),
    digests(40),
    st.sampled_from(["", "ñandú.jpg", '"a;b"', "x y"]),
    digests(64),
    st.sampled_from(["", "0", "007", "12.0", "-1", "9" * 18, "9" * 19, " 5", "\u0665", "1_0", "+1"]),
    digests(64),
    st.sampled_from(["", "0", "100", "101", "50"]),
    st.sampled_from(["", "1", "A b", "x" * 200, "x" * 201, "ñ", "\x1b", "\u3000x", "\xa0", " "]),
    st.sampled_from(["", "R-1", " R", '"R"']),
    st.sampled_from(["", "TRUE", "no", "maybe"]),
    st.sampled_from(["", "image/jpeg", "a b"]),
)


BROKEN = [
    (),
    ("",),
    (" ",),
    ("a" * 32,),
    ("x" * 70000,),
    ("a" * 32, *[""] * 12),
    ('"a', *[""] * 10),
    ("\0", *[""] * 10),
]
"""Rows that are none: too few or too many fields, a quote without its other."""


def looked_at_one_by_one(lines: Sequence[object], *_: object, **__: object) -> NoReturn:
    """Stands for the short way, and refuses whatever it is given."""
    raise FieldError


def good_rows(count: int) -> list[tuple[str, ...]]:
    """Plain rows, so that there are halves without a row that needs a closer look."""
    row = ("A" * 32, "", "n", "b" * 64, "5", "c" * 64, "90", "1", "R-1", "true", "image/jpeg")
    return [row] * count


@settings(deadline=None)
@given(
    st.lists(FIELDS | st.sampled_from(BROKEN), min_size=1, max_size=8),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from([";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_the_short_way_gives_what_the_long_way_gives(
    rows: list[tuple[str, ...]], before: int, after: int, delimiter: str, line_end: str
) -> None:
    header = HEADER.replace(";", delimiter)
    all_rows = [*good_rows(before), *rows, *good_rows(after)]
    data = line_end.join([header, *map(delimiter.join, all_rows)]).encode()
    short = list(CsvFormat().read(io.BytesIO(data)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv, "columns_of", looked_at_one_by_one)
        assert short == list(CsvFormat().read(io.BytesIO(data)))


@given(st.lists(st.text(max_size=6), max_size=6), st.sampled_from(["md5", "name,md5", "md5,"]))
def test_so_it_does_of_any_text(lines: list[str], header: str) -> None:
    data = "\n".join([header, "a" * 32, *lines]).encode("utf-8", "replace")
    short = list(CsvFormat().read(io.BytesIO(data)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv, "columns_of", looked_at_one_by_one)
        assert short == list(CsvFormat().read(io.BytesIO(data)))


@pytest.mark.parametrize("quote", ["", '"'])
def test_plain_rows_go_the_short_way(monkeypatch: pytest.MonkeyPatch, quote: str) -> None:
    monkeypatch.setattr(csv, "_entry_or_rejected", None)
    row = ";".join(["A" * 32, "", "a name", "b" * 64, f"{quote}5{quote}", *"c90", "1", " R-1", "true", "image/jpeg"])
    row = row.replace(";c;9;0;", f";{'c' * 64};90;")
    _, *items = CsvFormat().read(io.BytesIO("\n".join([HEADER, *[row] * 900]).encode()))
    entries = [item for item in items if isinstance(item, KnownEntry)]
    assert [entry.position for entry in entries] == list(range(2, 902))
    assert len(items) == len(entries)
    assert all(entry.perceptual[0].quality == 90 for entry in entries)
    entry = entries[-1]
    assert (entry.md5, entry.size, entry.reference) == ("a" * 32, 5, "R-1")


def test_only_rows_near_a_malformed_one_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    look = csv._entry_or_rejected

    def watched(number: int, *others: Any) -> Any:
        looked_at.append(number)
        return look(number, *others)

    monkeypatch.setattr(csv, "_entry_or_rejected", watched)
    lines = ["md5", *(f"{number:032x}" for number in range(1000))]
    lines[500] = "no digest"
    items = list(CsvFormat().read(io.BytesIO("\n".join(lines).encode())))
    assert [item.position for item in items if isinstance(item, RejectedEntry)] == [501]
    assert 501 in looked_at
    assert len(looked_at) <= 8
