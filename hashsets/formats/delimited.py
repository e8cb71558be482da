"""One line of a table to its fields, for the formats whose columns are fixed."""

from __future__ import annotations

import csv


def split_line(line: str, delimiter: str) -> list[str] | None:
    """Split one line into its fields, without their quotes; ``None`` if a quoted field does not end on the line."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
