"""What a person states is a value, or says why there is none; a time says where it is true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.case.stated import Missing, as_json, as_word, columns, of_row, stated, stated_day, stated_time
from forensics.errors import CaseError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, Missing.NOT_ASSESSED),
        ("S.I.", Missing.UNKNOWN),
        (" s.i. ", Missing.UNKNOWN),
        ("unknown", Missing.UNKNOWN),
        ("N.A.", Missing.NOT_APPLICABLE),
        ("n.e.", Missing.NOT_ASSESSED),
        ("SI", "SI"),
        ("NA", "NA"),
        ("0", "0"),
        ("  a card ", "a card"),
    ],
)
def test_words_for_a_missing_value(text: str | None, expected: str | Missing) -> None:
    found = stated(text)
    assert found == expected
    assert isinstance(found, Missing) == isinstance(expected, Missing)


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_text_is_refused(text: str) -> None:
    with pytest.raises(CaseError, match=r"states nothing\. Leave it out, or say S\.I\."):
        stated(text)


@given(st.one_of(st.sampled_from(Missing), st.text(min_size=1).filter(lambda text: stated_or_none(text) is not None)))
def test_what_is_written_into_two_columns_is_read_back(what: str) -> None:
    value = what if isinstance(what, Missing) else stated(what)
    written = columns("place", value)
    assert sum(column is not None for column in written.values()) == 1
    assert of_row(written, "place") == value
    assert isinstance(of_row(written, "place"), Missing) == isinstance(value, Missing)
    assert as_word(value)
    assert as_json(value) == ({"missing": str(value)} if isinstance(value, Missing) else value)


def stated_or_none(text: str) -> object:
    try:
        return stated(text)
    except CaseError:
        return None


@pytest.mark.parametrize(
    ("text", "at", "offset", "local"),
    [
        ("2026-03-01T10:30-06:00", "2026-03-01T16:30:00Z", "-06:00", "2026-03-01 10:30:00 -06:00"),
        ("2026-03-01 10:30:05+05:30", "2026-03-01T05:00:05Z", "+05:30", "2026-03-01 10:30:05 +05:30"),
        ("2026-03-01T10:30Z", "2026-03-01T10:30:00Z", "+00:00", "2026-03-01 10:30:00 +00:00"),
        ("2026-01-01T00:30:00+14:00", "2025-12-31T10:30:00Z", "+14:00", "2026-01-01 00:30:00 +14:00"),
    ],
)
def test_a_time_keeps_the_offset_it_was_stated_with(text: str, at: str, offset: str, local: str) -> None:
    moment = stated_time(text)
    assert (moment.at, moment.utc_offset, moment.local) == (at, offset, local)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-03-01", "2026-03-01T10:30", "10:30-06:00", "2026-02-30T10:30Z", "0001-01-01T00:00Z"]
)
def test_a_time_without_an_offset_is_refused(text: str) -> None:
    with pytest.raises(CaseError, match="is no time with its offset from UTC"):
        stated_time(text)


@given(
    st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - the offset comes from the other strategy
    st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters))),
)
def test_every_time_is_the_same_moment_in_utc(naive: datetime, zone: timezone) -> None:
    moment = naive.replace(microsecond=0, tzinfo=zone)
    found = stated_time(moment.isoformat())
    assert datetime.fromisoformat(found.at) == moment.astimezone(UTC)
    assert datetime.fromisoformat(found.local.replace(" ", "T", 1).replace(" ", "")) == moment


def test_a_day() -> None:
    assert stated_day("2026-03-01") == "2026-03-01"
    assert stated_day("S.I.") is Missing.UNKNOWN
    with pytest.raises(CaseError, match="is no day"):
        stated_day("01/03/2026")
