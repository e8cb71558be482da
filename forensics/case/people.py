"""When two names are one person's."""

from __future__ import annotations

import unicodedata


def same_person(name: str, other: str) -> bool:
    """Whether two names are the same but for case, accents and spaces."""
    return _bare(name) == _bare(other)


def _bare(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name).casefold()
    return " ".join("".join(letter for letter in parts if not unicodedata.combining(letter)).split())
