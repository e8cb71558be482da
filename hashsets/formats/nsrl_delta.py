"""What a release of the NSRL RDS version 3 adds to the one before: ``..._delta.sql``, a file of INSERT statements.

The SQL is parsed, never run. Read are the rows of the tables ``FILE`` and ``METADATA``; those of other tables hold no
hash. A statement that takes something away cannot be applied to a set of its own: it is set aside.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListFormat, ListItem, RejectedEntry
from hashsets.formats.text import LONGEST_LINE, head_text, text_chunks

_TOKEN = re.compile(
    r"\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/"  # passed over
    r"|(?P<text>[xX]?'(?:[^']++|'')*+')"
    r"|(?P<name>(?![xX]')[A-Za-z_][A-Za-z0-9_]*|\"[^\"]*\"|\[[^\]]*\]|`[^`]*`)"
    r"|(?P<number>[-+]?[0-9][0-9A-Za-z.]*)|(?P<mark>.)",
    re.DOTALL,
)
_MAY_GO_ON = frozenset("'\"/[`xX")
"""Marks that begin a text, name or remark whose end has not been read yet."""
_HEAD = re.compile(
    r"(?:\s|--[^\n]*\n|(?:BEGIN|PRAGMA)[^;]*;)*INSERT\s+(?:OR\s+\w+\s+)?INTO\s+[\"`\[]?(?:FILE|METADATA|VERSION|PKG|MFG|OS|"
    r"PACKAGE_OBJECT|APPLICATION|MANUFACTURER|OPERATING_SYSTEM|LANGUAGE)\b",
    re.IGNORECASE,
)
_MINIMAL = ("sha256", "sha1", "md5", "crc32", "file_name", "file_size", "package_id")
_TABLES = {"FILE": "file_size", "METADATA": "bytes"}
_HARMLESS = {"BEGIN", "COMMIT", "END", "PRAGMA", "ANALYZE", "VACUUM"}
_MOST_COLUMNS = 200

_Token = tuple[str, str]


class NsrlDeltaFormat(ListFormat):
    """A delta of the NSRL RDS version 3."""

    name: ClassVar[str] = "nsrl-delta"

    def recognises(self, head: bytes) -> bool:
        """Tell by a first statement that inserts into a table of the NSRL."""
        return _HEAD.match(head_text(head)) is not None

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read the rows that a delta adds; an entry's position is the ordinal of its row or statement.

        Raises:
            ListFormatError: A statement is broken, or a value is too long.
        """
        return _Statements(file).items()


class _Statements:
    """One pass over one file."""

    def __init__(self, file: BinaryIO) -> None:
        self._position = 0
        self._tokens = _tokens(file)

    def items(self) -> Iterator[ListItem]:
        """Read statement by statement."""
        for kind, word in self._tokens:
            if (kind, word) == ("mark", ";"):
                continue
            verb = word.upper() if kind == "name" else ""
            if verb == "INSERT":
                yield from self._insert()
                continue
            if verb not in _HARMLESS:
                self._position += 1
                yield RejectedEntry(self._position, "a statement that is no INSERT, not applied")
            self._skip()

    def _skip(self) -> None:
        """Pass over the rest of a statement."""
        for token in self._tokens:
            if token == ("mark", ";"):
                return

    def _insert(self) -> Iterator[ListItem]:
        """Read the rest of an INSERT."""
        for kind, word in self._tokens:
            if kind == "name" and word.upper() == "INTO":
                break
            if kind == "mark":
                raise self._broken()
        table = _plain_name(next(self._tokens, ("", ""))[1]).upper()
        if table not in _TABLES:
            self._skip()
            return
        columns: tuple[str, ...] = _MINIMAL
        token = next(self._tokens, ("", ""))
        if token == ("mark", "("):
            columns = tuple(_plain_name(word).lower() for _, word in self._group())
            token = next(self._tokens, ("", ""))
        if token[1].upper() != "VALUES":
            raise self._broken()
        yield from self._rows(columns, _TABLES[table])

    def _rows(self, columns: tuple[str, ...], size: str) -> Iterator[ListItem]:
        """Read the rows of an INSERT to its end."""
        for token in self._tokens:
            if token == ("mark", ";"):
                return
            if token == ("mark", "("):
                self._position += 1
                yield self._entry(columns, self._group(), size)
            elif token != ("mark", ","):
                raise self._broken()
        raise self._broken()

    def _group(self) -> list[_Token]:
        """Read what stands between parentheses, without the commas."""
        found: list[_Token] = []
        for token in self._tokens:
            if token == ("mark", ")"):
                return found
            if token != ("mark", ","):
                found.append(token)
            if len(found) > _MOST_COLUMNS:
                break
        raise self._broken()

    def _entry(self, columns: tuple[str, ...], values: list[_Token], size: str) -> KnownEntry | RejectedEntry:
        if len(values) != len(columns):
            return RejectedEntry(self._position, f"{len(values)} values where {len(columns)} columns are named")
        row = {column: _value(value) for column, value in zip(columns, values, strict=True)}
        try:
            digests = {name: fields.digest(name, row[name]) for name in fields.DIGEST_LENGTHS if row.get(name)}
            return fields.require_a_hash(
                KnownEntry(
                    self._position,
                    digests.get("md5"),
                    digests.get("sha1"),
                    digests.get("sha256"),
                    fields.whole_number(size, row.get(size)),
                )
            )
        except FieldError as error:
            return RejectedEntry(self._position, str(error))

    def _broken(self) -> ListFormatError:
        return ListFormatError(f"the SQL is broken after row {self._position}", None, "nothing was imported")


def _tokens(file: BinaryIO) -> Iterator[_Token]:
    """Cut SQL into texts, names, numbers and marks.

    Raises:
        ListFormatError: One is longer than a line can be.
    """
    rest = ""
    for chunk in text_chunks(file):
        text = rest + chunk
        # what may go on in the next chunk waits for it
        done = yield from _whole_tokens(text)
        rest = text[done:]
        if len(rest) > 2 * LONGEST_LINE:
            raise ListFormatError("a value or remark of the SQL is too long", None, "nothing was imported")
    for match in _TOKEN.finditer(rest):
        if match.lastgroup is not None:
            yield match.lastgroup, match[0]


def _whole_tokens(text: str) -> Generator[_Token, None, int]:
    """Cut what surely is whole, and return how far that goes."""
    done = 0
    for match in _TOKEN.finditer(text):
        if match.end() == len(text) or (match.lastgroup == "mark" and match[0] in _MAY_GO_ON):
            break
        if match.lastgroup is not None:
            yield match.lastgroup, match[0]
        done = match.end()
    return done


def _plain_name(word: str) -> str:
    return word.strip('"`[]')


def _value(token: _Token) -> str:
    kind, word = token
    if kind == "text":
        return word[1:-1].replace("''", "'") if word.startswith("'") else word[2:-1]
    return word if kind == "number" else ""
