"""The Media objects of a VICS hash set, decoded out of a window of text that slides over the file.

This reads what nearly every list is: a root with an array ``value`` of Media objects, each of which fits the window;
some hundred are decoded in one step. At the first thing that is otherwise, be it a case, an object of unusual size or
JSON that is broken, it stops *before* it, so that :mod:`hashsets.formats.vics` goes on from there event by event. It
takes half of the time.
"""

from __future__ import annotations

import json
import json.scanner
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO, NoReturn

from hashsets.formats.text import text_chunks

WINDOW = 1 << 20
"""Characters. A longer object is read event by event."""

_READ_AT_ONCE = 1 << 16
_LARGEST_START = 1 << 14
"""Characters in which the array ``value`` must begin."""

_MOST_TRIES = 4

_SPACE = re.compile(r"[ \t\n\r]*")
_OPENING = re.compile(r"[ \t\n\r]*\{")
_COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_FIRST_KEY = re.compile(r'\{[ \t\n\r]*"[^"\\]{1,40}"')
_AFTER = re.compile(r"[ \t\n\r]*([,\]])[ \t\n\r]*")


def _refused(name: str) -> NoReturn:
    """``NaN`` and ``Infinity`` are no JSON."""
    raise ValueError(name)


_scan = json.scanner.make_scanner(json.JSONDecoder(parse_float=Decimal, parse_constant=_refused))  # type: ignore[arg-type]
_UNREADABLE = (ValueError, StopIteration, RecursionError, ArithmeticError)


class MediaObjects:
    """Reads the objects of one file.

    Args:
        file: The list, at its start.

    Attributes:
        root: Keys and plain values of the root that stand before the array.
        began: Whether the array was found; if not, nothing was taken from the text.
        ended: Whether the array came to its end.
        bytes_fed: Bytes of text taken from the file so far.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._chunks = text_chunks(file)
        self._text, self._at = "", 0
        self.root: list[tuple[str, Any]] = []
        self.ended = False
        self._singly = 0
        self.bytes_fed = 0
        while len(self._text) < _LARGEST_START and self._more():
            pass
        self.began = self._find_array()

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        """Give the objects, some at a time, until there is something else."""
        while self.began and not self.ended:
            if self._singly <= 0 and (several := self._several()):
                yield several
                continue
            start = self._at
            try:
                decoded, end = _scan(self._text, start)
                after = _AFTER.match(self._text, end)
            except _UNREADABLE:
                after = None
            # at the end of the window more may follow that belongs to it
            is_cut = after is None or after.end() == len(self._text)
            if is_cut and len(self._text) - start < WINDOW and self._more():
                continue
            if after is None or not _are_usual([decoded], self._text[start:end]):
                return
            if self._text.find("\\u", start, end) >= 0:
                decoded = _without_halves(decoded)
            self._at = after.end()
            self._singly -= self._at - start
            self.ended = after[1] == "]"
            yield [decoded]

    def _several(self) -> list[dict[str, Any]]:
        """Decode the objects up to the last in the window that begins as this one does; none if that fails.

        A cut inside an object leaves a bracket open, and inside a text there is none: a quote in it has a backslash
        before it. So what can be decoded to the end are the objects that a parser would give one by one.
        """
        if len(self._text) - self._at < _READ_AT_ONCE:
            self._more()
        start, end = self._at, len(self._text)
        first_key = _FIRST_KEY.match(self._text, start)
        tries = _MOST_TRIES if first_key else 0
        while tries and (end := self._text.rfind(first_key[0], start + 1, end)) > 0:  # type: ignore[index]
            comma = self._text.rfind(",", start, end)
            if comma < 0 or _SPACE.fullmatch(self._text, comma + 1, end) is None:
                continue  # an object in an object
            objects = self._decoded(comma)
            if objects is not None:
                self._at = end
                return objects
            tries -= 1
        self._singly = len(self._text) - start
        return []

    def _decoded(self, end: int) -> list[dict[str, Any]] | None:
        """Decode the text up to some place as objects; ``None`` if it is something else."""
        array = f"[{self._text[self._at : end]}]"
        try:
            objects, length = _scan(array, 0)
        except _UNREADABLE:
            return None
        if length < len(array) or not _are_usual(objects, array):
            return None
        decoded: list[dict[str, Any]] = _without_halves(objects) if "\\u" in array else objects
        return decoded

    def rest(self) -> Iterator[str]:
        """The text that was not taken: from the beginning of the file, of an object, or after the end of the array."""
        for start in range(self._at, len(self._text), _READ_AT_ONCE):
            yield self._text[start : start + _READ_AT_ONCE]
        self._text, self._at = "", 0
        yield from self._chunks

    def rest_bytes(self) -> int:
        """Bytes already fed of the text that was not taken."""
        return len(self._text[self._at :].encode())

    def _more(self) -> bool:
        """Let the window slide on; ``False`` at the end of the file."""
        parts = [self._text[self._at :]]
        read = 0
        for chunk in self._chunks:
            parts.append(chunk)
            read += len(chunk)
            if read >= _READ_AT_ONCE:
                break
        self.bytes_fed += sum(len(part.encode()) for part in parts[1:])
        self._text, self._at = "".join(parts), 0
        return read > 0

    def _find_array(self) -> bool:
        """Read the root up to its array ``value``, if all before it are plain values; else stay at the start."""
        opening = _OPENING.match(self._text)
        at = opening.end() if opening else 0
        try:
            while opening:
                key, at = _scan(self._text, _past(_SPACE, self._text, at))
                at = _past(_COLON, self._text, at)
                if key == "value" and self._text[at : at + 1] == "[":
                    self._at = _past(_SPACE, self._text, at + 1)
                    return True
                value, at = _scan(self._text, at)
                if not isinstance(key, str) or isinstance(value, (dict, list)) or at == len(self._text):
                    break
                self.root.append((key, value))
                at = _past(_COMMA, self._text, at)
        except _UNREADABLE:
            pass
        self.root.clear()
        return False


def _are_usual(decoded: list[Any], text: str) -> bool:
    """Tell Media from cases, and from objects of which one states its alternatives twice.

    Args:
        decoded: What stands in a text.
        text: The text.
    """
    if set(map(type, decoded)) != {dict} or any("Media" in each for each in decoded):
        return False
    stating = sum("AlternativeHashes" in each for each in decoded)
    return not stating or text.count('"AlternativeHashes"') <= stating


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where a pattern ends.

    Raises:
        ValueError: It does not stand there.
    """
    found = pattern.match(text, at)
    if found is None:
        raise ValueError
    return found.end()


def _without_halves(value: Any) -> Any:  # noqa: ANN401  whatever JSON holds
    """Put ``?`` for halves of surrogate pairs, as the parser of events does."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_without_halves(key): _without_halves(each) for key, each in value.items()}
    return [_without_halves(each) for each in value] if isinstance(value, list) else value
