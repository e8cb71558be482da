"""Parses the text in which LVM2 describes a volume group: nested ``name { ... }`` sections and ``name = value`` lines.

The grammar is that of ``lvm.conf``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MAX_DEPTH = 16
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]=,]|#[^\n]*|[A-Za-z0-9_.+/-]+|\s+|.', re.DOTALL)

Scalar = str | int | float


class TextError(Exception):
    """The text does not follow the grammar, or lacks what it must have."""


class Section(dict[str, "Scalar | list[Scalar] | Section"]):
    """A section: values and further sections by name. What is missing or of another type raises :class:`TextError`."""

    def section(self, name: str) -> Section:
        """A section in it; an empty one if it is not there."""
        value = self.get(name, Section())
        if not isinstance(value, Section):
            raise TextError(f"{name} is no section")
        return value

    def sections(self) -> Iterator[tuple[str, Section]]:
        """All sections in it, in order."""
        return ((name, value) for name, value in self.items() if isinstance(value, Section))

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number that is not negative."""
        value = self.get(name, default)
        if not isinstance(value, int) or value < 0:
            raise TextError(f"{name} is no number")
        return value

    def text(self, name: str) -> str:
        """A string."""
        value = self.get(name)
        if not isinstance(value, str):
            raise TextError(f"{name} is no string")
        return value

    def list(self, name: str) -> list[Scalar]:
        """A list; an empty one if it is not there."""
        value = self.get(name, [])
        if not isinstance(value, list):
            raise TextError(f"{name} is no list")
        return value


def parse(text: str) -> Section:
    """Parse a text of nested ``name { ... }`` sections and ``name = value`` lines.

    Raises:
        TextError: It does not follow the grammar.
    """
    words = (word for word in _WORD.findall(text.rstrip("\0")) if not word.isspace() and word[0] != "#")
    try:
        return _parse_section(words, 0)
    except StopIteration as error:
        raise TextError("the text breaks off") from error


def _parse_section(words: Iterator[str], depth: int) -> Section:
    if depth > _MAX_DEPTH:
        raise TextError("too deep")
    section = Section()
    for word in words:
        if word == "}":
            if depth == 0:
                raise TextError("unbalanced")
            return section
        sign = next(words)
        if sign == "{":
            section[word] = _parse_section(words, depth + 1)
        elif sign == "=":
            section[word] = _parse_value(words)
        else:
            raise TextError(sign)
    if depth:
        raise TextError("unbalanced")
    return section


def _parse_value(words: Iterator[str]) -> Scalar | list[Scalar]:
    word = next(words)
    if word != "[":
        return _scalar(word)
    values: list[Scalar] = []
    while (word := next(words)) != "]":
        if word != ",":
            values.append(_scalar(word))
    return values


def _scalar(word: str) -> Scalar:
    if word.startswith('"') and word.endswith('"') and len(word) > 1:
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    try:
        return float(word) if "." in word else int(word)
    except ValueError as error:
        raise TextError("neither a number nor a string") from error
