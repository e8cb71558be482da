"""hashsets.formats.csv_row: a plain row gives the entry that a look at each field gives, and no other row any."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashsets.format import KnownEntry
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
    st.sampled_from(["", "0", "007", "12.0", "-1", "9" * 18, "9" * 19, " 5"]),
    digests(64),
    st.sampled_from(["", "0", "100", "101", "50"]),
    st.sampled_from(["", "1", "A b", "x" * 200, "x" * 201, "ñ", "\x1b"]),
    st.sampled_from(["", "R-1", " R", '"R"']),
    st.sampled_from(["", "TRUE", "no", "maybe"]),
    st.sampled_from(["", "image/jpeg", "a b"]),
)


@settings(deadline=None)
@given(st.lists(FIELDS, min_size=1, max_size=8))
def test_the_short_way_gives_what_the_long_way_gives(rows: list[tuple[str, ...]]) -> None:
    data = "\n".join([HEADER, *map(";".join, rows)]).encode()
    short = list(CsvFormat().read(io.BytesIO(data)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv, "plain_row", lambda *_: lambda *_: None)
        assert short == list(CsvFormat().read(io.BytesIO(data)))


def test_a_plain_row_goes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "_entry_or_rejected", None)
    row = ";".join(["A" * 32, "", "name", "b" * 64, "5", "c" * 64, "90", "1", "R-1", "true", "image/jpeg"])
    _, entry = CsvFormat().read(io.BytesIO(f"{HEADER}\n{row}".encode()))
    assert isinstance(entry, KnownEntry)
    assert (entry.md5, entry.size, entry.perceptual[0].quality) == ("a" * 32, 5, 90)
