"""Plain rows of a table turned into columns of entries, which takes a tenth of the time of a look at each field.

Plain are rows that have as many fields as the header and whose every field is as it must be. Nearly all rows are; any
other is left to :mod:`hashsets.formats.csv`, which reads it or says what is wrong. Both give the same of a plain row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

from hashsets import columns, fields
from hashsets.entries import EntryColumns
from hashsets.format import KnownPerceptualHash


def columns_of(lines: Sequence[str | None], first: int, meanings: Sequence[str | None], delimiter: str) -> EntryColumns:
    """Turn rows into columns.

    Args:
        lines: The rows, without line ends; ``None`` for one that is too long.
        first: Number of the first line.
        meanings: What each column of the table is read as; ``None`` for one that is not imported.
        delimiter: What stands between two fields.

    Raises:
        FieldError: Some row needs a closer look.
    """
    stated = {
        meaning: values
        for meaning, values in zip(meanings, _split(lines, delimiter, len(meanings)), strict=True)
        if meaning is not None
    }
    length = len(lines)
    absent: Sequence[None] = [None] * length
    md5, sha1, sha256 = (columns.digests(stated[name]) if name in stated else absent for name in fields.DIGEST_LENGTHS)
    return EntryColumns(
        range(first, first + length),
        md5,
        sha1,
        sha256,
        columns.whole_numbers(stated["size"]) if "size" in stated else absent,
        _perceptual(stated, length),
        columns.short_texts(stated["category"]) if "category" in stated else absent,
        columns.short_texts(stated["reference"]) if "reference" in stated else absent,
        columns.attributes({name: stated[name] for name in stated if name in fields.ATTRIBUTES}, length),
    )


def _split(lines: Sequence[str | None], delimiter: str, width: int) -> Iterable[Sequence[str]]:
    """Split rows into columns without spaces around the values.

    Raises:
        FieldError: The rows have not so many fields each, or a quoted field does not end on its line.
    """
    try:
        text = delimiter.join(lines)  # type: ignore[arg-type]
    except TypeError as error:
        raise columns.closer_look() from error  # a line that is too long
    if '"' in text:
        return map(columns.stripped, _split_quoted(lines, delimiter, width))  # type: ignore[arg-type]
    if set(map(str.count, lines, repeat(delimiter))) != {width - 1}:  # type: ignore[arg-type]
        raise columns.closer_look()
    values = text.split(delimiter)
    found = [values[column::width] for column in range(width)]
    return found if columns.is_free_of_spaces(text) else map(columns.stripped, found)


def _split_quoted(lines: Sequence[str], delimiter: str, width: int) -> Sequence[Sequence[str]]:
    """Split rows of which some have quotes.

    Raises:
        FieldError: As :func:`_split`.
    """
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise columns.closer_look() from error
    if len(rows) != len(lines) or set(map(len, rows)) != {width}:  # fewer rows than lines: a field ran over several
        raise columns.closer_look()
    return list(zip(*rows, strict=True))


def _perceptual(stated: Mapping[str, Sequence[str]], length: int) -> Sequence[columns.Known]:
    """The perceptual hashes of each row.

    Raises:
        FieldError: A quality is none.
    """
    names = [name for name in fields.PICTURE_HASHES if name in stated]
    if not names:
        return [()] * length
    unstated: Sequence[None] = [None] * length
    quality = columns.whole_numbers(stated["pdq_quality"]) if "pdq_quality" in stated else unstated
    if any(value is not None and value > 100 for value in quality):
        raise columns.closer_look()
    of_each = [
        [
            None if value is None else KnownPerceptualHash(name, value, of_picture)
            for value, of_picture in zip(
                columns.digests(stated[name]), quality if name == "pdq" else unstated, strict=True
            )
        ]
        for name in names
    ]
    return [tuple(known for known in row if known is not None) for row in zip(*of_each, strict=True)]
