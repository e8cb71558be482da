"""One line of a table to its fields."""

from __future__ import annotations

import csv

from hashsets.fields import FieldError


def split_line(line: str, delimiter: str) -> list[str] | None:
    """Split one line into its fields, without their quotes; ``None`` if a quoted field does not end on the line."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def fields_of(line: str | None, delimiter: str) -> list[str]:
    """Split the line of an entry into its fields.

    Args:
        line: As :func:`hashsets.formats.text.numbered_lines` gives it.
        delimiter: What stands between two fields.

    Raises:
        FieldError: The line is too long, or a quoted field does not end on it.
    """
    if line is None:
        raise FieldError("line too long")
    values = split_line(line, delimiter)
    if values is None:
        raise FieldError("quotes are not closed on the line")
    return values
