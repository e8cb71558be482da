"""What a person states: a value, or why there is none. Nothing of it is ever an empty text or a zero.

In a case such a thing has two columns, ``X`` and ``X_missing``, of which exactly one is set. On the command line the
words of the reports stand for a missing value, ``S.I.`` (sin información), ``N.A.`` (no aplica) and ``N.E.`` (no
evaluado), and the codes do too. What is left out was not assessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from forensics.errors import CaseError


class Missing(StrEnum):
    """Why there is no value."""

    UNKNOWN = "unknown"
    """Nobody knows: S.I., sin información."""
    NOT_APPLICABLE = "not-applicable"
    """There can be none: N.A., no aplica."""
    NOT_ASSESSED = "not-assessed"
    """Nobody asked or said: no evaluado."""


Stated: TypeAlias = str | Missing
"""A value in words, or why there is none."""

_ABBREVIATIONS = {Missing.UNKNOWN: "S.I.", Missing.NOT_APPLICABLE: "N.A.", Missing.NOT_ASSESSED: "N.E."}
_WORDS = {
    **{word.lower(): missing for missing, word in _ABBREVIATIONS.items()},
    **{str(missing): missing for missing in Missing},
}
_OFFSET = re.compile(r"T.*([+-]\d\d:\d\d|Z)$")
_EARLIEST_YEAR = 1900


def stated(text: str | None) -> Stated:
    """Read what somebody stated.

    Args:
        text: A value, or one of the words for a missing one in upper or lower case; ``None`` if nothing was said.

    Raises:
        CaseError: The text is empty.
    """
    if text is None:
        return Missing.NOT_ASSESSED
    text = text.strip()
    if not text:
        raise CaseError("an empty text states nothing", None, "leave it out, or say S.I. (unknown) or N.A.")
    return _WORDS.get(text.lower(), text)


def columns(name: str, what: Stated) -> dict[str, str | None]:
    """The two columns of something that is stated."""
    if isinstance(what, Missing):
        return {name: None, f"{name}_missing": str(what)}
    return {name: what, f"{name}_missing": None}


def of_row(row: Mapping[str, Any], name: str) -> Stated:
    """Read the two columns back."""
    value = row[name]
    return Missing(row[f"{name}_missing"]) if value is None else str(value)


def as_json(what: Stated) -> str | dict[str, str]:
    """What is stated as JSON: a text, or an object with the one name ``missing``, which no text can be taken for."""
    return {"missing": str(what)} if isinstance(what, Missing) else what


def as_word(what: Stated) -> str:
    """What is stated for people: a text, or ``S.I.``, ``N.A.``, ``N.E.``."""
    return _ABBREVIATIONS[what] if isinstance(what, Missing) else what


@dataclass(frozen=True, slots=True)
class StatedTime:
    """A point in time as somebody stated it.

    Attributes:
        at: In UTC, as a case writes it.
        utc_offset: Of the place where it was stated, such as ``-06:00``.
    """

    at: str
    utc_offset: str

    @property
    def local(self) -> str:
        """The time as it was stated, such as ``2026-03-01 10:30:00 -06:00``."""
        sign = -1 if self.utc_offset.startswith("-") else 1
        shift = timedelta(hours=int(self.utc_offset[1:3]), minutes=int(self.utc_offset[4:]))
        moment = datetime.fromisoformat(self.at) + sign * shift
        return f"{moment:%Y-%m-%d %H:%M:%S} {self.utc_offset}"


def stated_time(text: str) -> StatedTime:
    """Read a point in time with its offset, such as ``2026-03-01T10:30-06:00``.

    Raises:
        CaseError: It is none, or has no offset: a time without one is true in no particular place.
    """
    text = text.strip().replace(" ", "T", 1)
    offset = _OFFSET.search(text)
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _no_time(text) from error
    if offset is None or moment.year < _EARLIEST_YEAR:
        raise _no_time(text)
    at = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    return StatedTime(at, "+00:00" if offset[1] == "Z" else offset[1])


def _no_time(text: str) -> CaseError:
    return CaseError(f"'{text}' is no time with its offset from UTC", None, "write it as in 2026-03-01T10:30-06:00")


def stated_day(text: str | None) -> Stated:
    """Read a day, YYYY-MM-DD, or why there is none.

    Raises:
        CaseError: It is no day.
    """
    what = stated(text)
    if not isinstance(what, Missing):
        try:
            what = date.fromisoformat(what).isoformat()
        except ValueError as error:
            raise CaseError(f"'{what}' is no day", None, "write it as in 2026-03-01") from error
    return what
