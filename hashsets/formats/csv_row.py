"""A plain row of a table read by one regular expression, which takes a fifth of the time of a look at each field.

Plain is a row without quotes whose every field is as it must be at first sight. Nearly all rows are; any other is left
to :mod:`hashsets.formats.csv`, which reads it or says what is wrong. Both give the same entry of a plain row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from hashsets import fields
from hashsets.format import NO_ATTRIBUTES, KnownEntry, KnownPerceptualHash

PlainRow: TypeAlias = Callable[[int, str], KnownEntry | None]
"""Gives the entry of a line, by its number and text; ``None`` if it is not plain."""

_ALWAYS = ("md5", "sha1", "sha256", "size", "category", "reference")


def plain_row(meanings: Sequence[str | None], delimiter: str) -> PlainRow:
    """Make the reader of the plain rows of one table.

    Args:
        meanings: What each column is read as; ``None`` for one that is not imported.
        delimiter: What stands between two fields.
    """
    stated = [meaning for meaning in meanings if meaning is not None]
    absent = [meaning for meaning in _ALWAYS if meaning not in stated]
    columns = [_column(meaning, delimiter) for meaning in meanings]
    match = re.compile(re.escape(delimiter).join(columns) + "()" * len(absent)).fullmatch
    groups = [*stated, *absent]
    first = [groups.index(meaning) + 1 for meaning in _ALWAYS]
    further = [(number, meaning) for number, meaning in enumerate(groups, 1) if meaning not in _ALWAYS]

    def entry(number: int, line: str) -> KnownEntry | None:
        found = match(line)
        if found is None:
            return None
        md5, sha1, sha256, size, category, reference = found.group(*first)
        if not (md5 or sha1 or sha256):
            return None
        perceptual, attributes = _further(found, further) if further else ((), NO_ATTRIBUTES)
        return KnownEntry(
            number,
            md5.lower() or None,
            sha1.lower() or None,
            sha256.lower() or None,
            int(size) if size else None,
            perceptual,
            category or None,
            reference or None,
            attributes,
        )

    return entry


def _column(meaning: str | None, delimiter: str) -> str:
    """The expression of a column, with one group if it is imported."""
    if meaning is None:
        return f'[^"{re.escape(delimiter)}]*+'
    if meaning in fields.DIGEST_LENGTHS:
        return f"([0-9a-fA-F]{{{fields.DIGEST_LENGTHS[meaning]}}}|)"
    if meaning in fields.PICTURE_HASHES:
        return f"([0-9a-fA-F]{{{fields.PERCEPTUAL_LENGTHS[meaning]}}}|)"
    if meaning == "size":
        return "([0-9]{1,18}|)"
    if meaning == "pdq_quality":
        return "(100|[0-9]{1,2}|)"
    if meaning in fields.ATTRIBUTES:
        pattern = fields.ATTRIBUTES[meaning]
        return f"((?{'i' if pattern.flags & re.IGNORECASE else ''}:{pattern.pattern})|)"
    printable = "".join(
        re.escape(chr(code)) for code in range(ord("!"), ord("~") + 1) if chr(code) not in f'"{delimiter}'
    )
    return f"([{printable}]{{0,{fields.LONGEST_TEXT}}})"  # no spaces, so none to be cut off


def _further(
    found: re.Match[str], further: Sequence[tuple[int, str]]
) -> tuple[tuple[KnownPerceptualHash, ...], dict[str, str]]:
    """The perceptual hashes and attributes of a row."""
    values = {meaning: value for number, meaning in further if (value := found[number])}
    quality = values.pop("pdq_quality", None)
    perceptual = tuple(
        KnownPerceptualHash(name, values.pop(name).lower(), int(quality) if quality and name == "pdq" else None)
        for name in fields.PICTURE_HASHES
        if name in values
    )
    return perceptual, values
