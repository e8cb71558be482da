"""What an AFF4 container says about itself: RDF statements in Turtle.

Only as much of Turtle as AFF4 tools write: prefixes, statements with several predicates and objects, literals with
types. Anonymous nodes and lists are skipped. Format: W3C, "RDF 1.1 Turtle", section 6.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from forensics.errors import ImageError

AFF4 = "http://aff4.org/Schema#"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
    |(?P<iri><[^<>"{}|^`\x00-\x20]*>)
    |(?P<text>\"{3}(?:[^"\\]|\\.|\"(?!\"{2}))*\"{3}|'{3}(?:[^'\\]|\\.|'(?!'{2}))*'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<directive>@prefix|@base|PREFIX\b|BASE\b)
    |(?P<language>@[a-zA-Z-]+)
    |(?P<datatype>\^\^)
    |(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>_:[\w.-]*\w|(?:[^\W\d_][\w.-]*)?:(?:(?:[\w:%-]|\\.|\.(?=[\w:%-]))*)|a\b|true\b|false\b)
    |(?P<mark>[.;,()\[\]])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


class Term(NamedTuple):
    """An object of a statement.

    Attributes:
        value: The text of a literal, or an IRI.
        datatype: IRI of the literal's type; empty if none is given.
    """

    value: str
    datatype: str = ""


Statements = Mapping[str, Mapping[str, list[Term]]]
"""Objects by subject and predicate, both IRIs."""


def parse_turtle(data: bytes, where: str) -> Statements:
    """Parse Turtle.

    Args:
        data: The text in UTF-8.
        where: The image, for errors.

    Raises:
        ImageError: It is damaged.
    """
    try:
        return _Parser(data.decode("utf-8")).parse()
    except (UnicodeDecodeError, ValueError, IndexError, OverflowError) as error:
        raise ImageError("its description (information.turtle) is damaged", where, "copy the image again") from error


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0
        self._prefixes: dict[str, str] = {}
        self._found: dict[str, dict[str, list[Term]]] = {}

    def parse(self) -> Statements:
        while self._place < len(self._tokens):
            kind, text = self._tokens[self._place]
            if kind == "directive":
                self._directive(text)
            else:
                self._statement()
        return self._found

    def _next(self) -> tuple[str, str]:
        self._place += 1
        return self._tokens[self._place - 1]

    def _accept(self, mark: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place] == ("mark", mark):
            self._place += 1
            return True
        return False

    def _directive(self, text: str) -> None:
        self._next()
        if text.lower().endswith("prefix"):
            name = self._next()[1]
            self._prefixes[name.removesuffix(":")] = self._iri(*self._next())
        else:
            self._next()
        if text.startswith("@") and not self._accept("."):
            raise ValueError("a directive does not end")

    def _statement(self) -> None:
        # what an anonymous node says is of no use without a name for it
        properties = {} if self._skip() else self._found.setdefault(self._iri(*self._next()), {})
        while not self._accept("."):
            if self._accept(";"):
                continue
            predicate = self._iri(*self._next())
            objects = properties.setdefault(predicate, [])
            while True:
                if not self._skip():
                    objects.append(self._object())
                if not self._accept(","):
                    break

    def _skip(self) -> bool:
        """Skip an anonymous node or a list, if one begins here."""
        if self._tokens[self._place] not in {("mark", "["), ("mark", "(")}:
            return False
        depth = 0
        while True:
            kind, text = self._next()
            if kind == "mark":
                depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(text, 0)
            if not depth:
                return True

    def _object(self) -> Term:
        kind, text = self._next()
        if kind == "text":
            quotes = 3 if text.startswith(('"""', "'''")) else 1
            value = _ESCAPE.sub(_unescape, text[quotes:-quotes])
            following = self._tokens[self._place][0]
            if following == "datatype":
                self._next()
                return Term(value, self._iri(*self._next()))
            if following == "language":
                self._next()
            return Term(value)
        if kind == "number" or text in {"true", "false"}:
            return Term(text)
        return Term(self._iri(kind, text))

    def _iri(self, kind: str, text: str) -> str:
        if kind == "iri":
            return text[1:-1]
        if kind != "name":
            raise ValueError("an IRI is missing")
        if text == "a":
            return TYPE
        prefix, _, local = text.partition(":")
        return text if prefix == "_" else self._prefixes.get(prefix, f"{prefix}:") + local.replace("\\", "")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError("a character that Turtle does not have")
        if match.lastgroup and match.lastgroup != "space":
            yield match.lastgroup, match[0]
        place = match.end()


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if code[0] in "uU" and len(code) > 1 else _ESCAPED.get(code, code)
