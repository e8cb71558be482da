"""The Media objects of a VICS hash set, decoded one at a time out of a window of text that slides over the file.

This reads what nearly every list is: a root with an array ``value`` of Media objects, each of which fits the window. At
the first thing that is otherwise, be it a case, an object of unusual size or JSON that is broken, it stops *before* it,
so that :mod:`hashsets.formats.vics` goes on from there event by event. It takes a third of the time.
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

_SPACE = re.compile(r"[ \t\n\r]*")
_OPENING = re.compile(r"[ \t\n\r]*\{")
_COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
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
        self.bytes_fed = 0
        while len(self._text) < _LARGEST_START and self._more():
            pass
        self.began = self._find_array()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Give the objects, until there is something else."""
        while self.began and not self.ended:
            try:
                decoded, end = _scan(self._text, self._at)
                after = _AFTER.match(self._text, end)
            except _UNREADABLE:
                after = None
            # at the end of the window more may follow that belongs to it
            is_cut = after is None or after.end() == len(self._text)
            if is_cut and len(self._text) - self._at < WINDOW and self._more():
                continue
            if after is None or not self._is_usual(decoded, end):
                return
            if self._text.find("\\u", self._at, end) >= 0:
                decoded = _without_halves(decoded)
            self._at = after.end()
            self.ended = after[1] == "]"
            yield decoded

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

    def _is_usual(self, decoded: object, end: int) -> bool:
        """Tell a Media from a case, and from an object that states its alternatives twice."""
        return (
            type(decoded) is dict
            and "Media" not in decoded
            and self._text.count('"AlternativeHashes"', self._at, end) <= 1
        )


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
