"""The schema of a case: the statements that make its tables. What its columns mean stands there, as comments."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

PARTS = ("schema.sql", "proceedings.sql")
"""What scans find, then what people state and decide about it."""


@cache
def statements() -> str:
    """All statements, in the order in which they are executed."""
    return "\n".join(files("forensics.case").joinpath(part).read_text("utf-8") for part in PARTS)
