"""Asks libmagic faster, with the same answer: most of its tests cannot match and need not be tried.

libmagic tries some 3,500 tests on every content, one after the other, up to half a millisecond for bytes of which it
knows nothing. Nearly all of them need certain bytes at a certain place, or somewhere, so a few look-ups tell for all
together which may match (:mod:`~forensics.media.magic_database`). Only these few are given to libmagic itself, as a
small database in the same order: whatever it decides, it decides as with the whole.

Nothing is guessed. The whole database is asked where the compiled one is of a layout not known here, where the system
has signatures of its own beside it, where a content could be text in another encoding than ASCII or UTF-8 (libmagic
converts it first), and where a test that may match asks the whole database again.
"""

from __future__ import annotations

import ctypes
import re
from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forensics.media.magic_database import Anywhere, AtPlace, CompiledDatabase, Matching, Number

_PADDING = bytes(128)
_WORTH_A_PART, _MOST_PARTS, _MOST_ASKED = 4, 128, 4096
_LEAST_LITERAL = 2
"""Small tests that need fewer bytes than that match often by chance and cost nothing: they are always tried."""

_HASHED = 1 << 18
"""Length of the table that tells at once for all places which may hold what some test needs; few of its hits are
false."""

_PAIRS = 4
"""How many pairs of neighbouring bytes of a word are looked for before the word itself is."""

_PARAMETER_NAMES, _MOST_NAMES = 1, 64
"""The limit that python-magic raises, and to what."""

_NO_TEXT = re.compile(rb"[\x00-\x03\x0e-\x13\x18\x19\x1c-\x1f]")
"""Bytes that are in no text, in any encoding of one byte a character, EBCDIC included."""

_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff", b"+/v", b"\xef\xbb\xbf")
"""What texts in UTF-16, UTF-32 and UTF-7 begin with, and text in UTF-8 that says so."""

_Words = dict[bytes, list[tuple[Anywhere, int]]]
"""By word, what needs it, with the number of the test."""


class MagicSieve:
    """libmagic with all signatures of a compiled database, for contents that can be sieved.

    Args:
        compiled: The bytes of ``magic.mgc``.
        libmagic: The module ``magic`` of python-magic.

    Raises:
        ValueError: The database is of a layout that is not known here.
    """

    def __init__(self, compiled: bytes, libmagic: Any) -> None:  # noqa: ANN401  python-magic has no types
        self._libmagic = libmagic
        self._database = CompiledDatabase(compiled)
        self._shared = self._database.shared()
        self._always: list[int] = []
        self._elsewhere = {number for number, group in enumerate(self._database.groups) if group.elsewhere}
        self._numbers: list[tuple[Number, int]] = []
        self._beginnings: dict[int, dict[bytes, list[tuple[Anywhere, int]]]] = {}
        """By a place and the two bytes there, what begins so there or one byte further on."""
        self._searched: list[tuple[Anywhere, int]] = []
        self._patterns: list[tuple[re.Pattern[bytes], int]] = []
        self._literals: dict[int, dict[int, dict[bytes, list[int]]]] = {}
        """By the rank of a place and the two bytes there, by length, the tests that need some bytes."""
        places: list[tuple[int, bytes, int]] = []
        words: _Words = {}
        for number, group in enumerate(self._database.groups):
            match group.needs:
                case AtPlace() if not group.is_small or min(map(len, group.needs.literals)) >= _LEAST_LITERAL:
                    places += [(group.needs.offset, literal, number) for literal in group.needs.literals]
                case Anywhere(word, start, stop) if stop is not None and stop - start - len(word) in {0, 1}:
                    for place in {start, stop - len(word)}:
                        self._beginnings.setdefault(place, {}).setdefault(word[:2], []).append((group.needs, number))
                case Anywhere() if group.for_binary:
                    self._searched.append((group.needs, number))
                case Anywhere(word):
                    words.setdefault(word, []).append((group.needs, number))
                case Matching():
                    self._patterns.append((group.needs.pattern, number))
                case Number() if group.elsewhere:
                    self._numbers.append((group.needs, number))
                case _ if group.elsewhere:
                    raise ValueError("a test that must always be tried asks the whole database again")
                case _:
                    self._always.append(number)
        self._any_pattern = _any_of([pattern for pattern, _ in self._patterns])
        self._index_places(places)
        self._index_words(words)
        self._asked: Counter[tuple[int, ...]] = Counter()
        self._parts: OrderedDict[tuple[int, ...], tuple[Any, Any]] = OrderedDict()

    def media_type(self, head: bytes) -> str | None:
        """What libmagic says of a content; ``None`` if the whole database must be asked.

        Args:
            head: The bytes that libmagic would be given.
        """
        if head.startswith(_MARKS):
            return None
        text = head.rstrip(b"\0") or head  # zeros behind a text leave it one
        is_binary = _NO_TEXT.search(text) is not None
        if not is_binary and not _is_utf8(text):
            return None
        found = self.candidates(head, is_binary=is_binary)
        groups = self._database.groups
        padded = head + _PADDING
        if any(groups[number].may_look_elsewhere(padded) for number in found & self._elsewhere):
            return None
        cookie = self._part(tuple(sorted(found)))
        if cookie is None:
            return None
        try:
            return bytes(self._libmagic.magic_buffer(cookie, head)).decode()
        except self._libmagic.MagicException:
            return None

    def candidates(self, head: bytes, *, is_binary: bool) -> set[int]:
        """Numbers of the tests that may match, beside those that must always be tried.

        Args:
            head: The bytes that libmagic would be given.
            is_binary: Tests that are for text only need not be tried.
        """
        padded = head + _PADDING
        text = head.rstrip(b"\0")
        found = {number for needs, number in self._numbers if needs.holds(padded)}
        found.update(self._at_places(padded))
        lower = padded.lower()
        for needs, number in self._searched:
            if needs.holds(text, lower):
                found.add(number)
        for offset, by_beginning in self._beginnings.items():
            for needs, number in by_beginning.get(lower[offset : offset + 2], ()):
                if needs.holds(text, lower):
                    found.add(number)
        if is_binary:
            groups = self._database.groups
            return {number for number in found if groups[number].for_binary}
        found.update(self._in_text(text, lower))
        if self._any_pattern.search(text):
            found.update(number for pattern, number in self._patterns if pattern.search(text))
        return found

    def _at_places(self, padded: bytes) -> Iterator[int]:
        """Numbers of the tests that need bytes at a place which are there."""
        pairs = np.ndarray((len(padded) - 1,), "<u2", padded, strides=(1,))
        within = bisect_left(self._offsets, len(pairs))
        there = pairs[self._places[:within]]
        for rank in np.flatnonzero(self._hashed[there ^ self._marks[:within]]).tolist():
            offset = self._offsets[rank]
            for length, literals in self._literals.get(rank << 16 | int(there[rank]), {}).items():
                yield from literals.get(padded[offset : offset + length], ())

    def _in_text(self, text: bytes, lower: bytes) -> Iterator[int]:
        """Numbers of the tests for text only that need a word which is there."""
        pairs = np.ndarray((len(lower) - 1,), "<u2", lower, strides=(1,))
        self._present[pairs] = True
        left = np.flatnonzero(self._present[self._word_pairs].all(0))
        self._present[pairs] = False
        for index in left.tolist():
            word, needed = self._words[index]
            if word in lower:
                yield from (number for needs, number in needed if needs.holds(text, lower))

    def _index_places(self, places: list[tuple[int, bytes, int]]) -> None:
        self._offsets = sorted({offset for offset, *_ in places})
        self._places = np.array(self._offsets, np.intp)
        rank = {offset: index for index, offset in enumerate(self._offsets)}
        for offset, literal, number in places:
            for second in literal[1:2] or bytes(range(256)):
                key = rank[offset] << 16 | second << 8 | literal[0]
                of_length = self._literals.setdefault(key, {}).setdefault(len(literal), {})
                of_length.setdefault(literal, []).append(number)
        self._marks = np.random.default_rng(0).integers(0, _HASHED, len(self._offsets), np.uint32)
        self._hashed = np.zeros(_HASHED, np.bool_)
        keys = np.fromiter(self._literals, np.uint32)
        self._hashed[self._marks[keys >> 16] ^ (keys & 0xFFFF)] = True

    def _index_words(self, words: _Words) -> None:
        """Pairs of bytes that each word holds: a content without one of them does not hold the word."""
        self._words = list(words.items())
        pairs = [[word[at] | word[at + 1] << 8 for at in range(len(word) - 1)] for word, _ in self._words]
        self._present = np.zeros(1 << 16, np.bool_)
        self._word_pairs = np.array([(each * _PAIRS)[:_PAIRS] for each in pairs]).T.copy()

    def _part(self, found: tuple[int, ...]) -> Any | None:  # noqa: ANN401  python-magic has no types
        """Make or find a libmagic with only the tests that may match; the parts used last are kept.

        ``None`` if it was not asked for often enough: a part costs more than asking the whole, until it is used again.
        """
        kept = self._parts.get(found)
        if kept is not None:
            self._parts.move_to_end(found)
            return kept[0]
        if len(self._asked) >= _MOST_ASKED:
            self._asked.clear()
        self._asked[found] += 1
        if self._asked[found] < _WORTH_A_PART:
            return None
        cookie = self._libmagic.magic_open(self._libmagic.MAGIC_MIME_TYPE)
        tests = self._database.part(sorted({*self._always, *found}))  # must live as long as the cookie
        buffers = (ctypes.c_void_p * 2)(_address(self._shared), _address(tests))
        sizes = (ctypes.c_size_t * 2)(len(self._shared), len(tests))
        load = self._libmagic.libmagic.magic_load_buffers
        load.argtypes = (self._libmagic.magic_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
        if load(cookie, buffers, sizes, 2) != 0:
            self._libmagic.magic_close(cookie)
            return None
        limit = ctypes.c_size_t(_MOST_NAMES)
        self._libmagic.libmagic.magic_setparam(cookie, _PARAMETER_NAMES, ctypes.byref(limit))
        self._parts[found] = cookie, tests
        if len(self._parts) > _MOST_PARTS:
            forgotten, (oldest, _) = self._parts.popitem(last=False)
            del self._asked[forgotten]
            self._libmagic.magic_close(oldest)
        return cookie


def open_sieve(libmagic: Any) -> MagicSieve | None:  # noqa: ANN401  python-magic has no types
    """The sieve over the database that libmagic uses here; ``None`` if there is none that can be sieved.

    Args:
        libmagic: The module ``magic`` of python-magic.
    """
    try:
        find = libmagic.libmagic.magic_getpath
        find.restype, find.argtypes = ctypes.c_char_p, (ctypes.c_char_p, ctypes.c_int)
        places = [Path(place) for place in (find(None, 0) or b"").decode().split(":") if place]
        compiled = [place for place in map(_compiled, places) if place is not None]
        return MagicSieve(compiled[0].read_bytes(), libmagic) if len(compiled) == 1 else None
    except (AttributeError, OSError, ValueError):
        return None


def _compiled(place: Path) -> Path | None:
    """The compiled database at a place; ``None`` if there is nothing.

    Raises:
        ValueError: There are signatures as text.
    """
    compiled = place if place.suffix == ".mgc" else place.with_name(place.name + ".mgc")
    if compiled.is_file():
        return compiled
    if place.is_dir():
        raise ValueError("signatures as text")
    lines = place.read_bytes().splitlines() if place.is_file() else []
    if any(line.strip() and not line.startswith(b"#") for line in lines):
        raise ValueError("signatures as text")
    return None


def _any_of(patterns: Sequence[re.Pattern[bytes]]) -> re.Pattern[bytes]:
    """A pattern that is found where any of some others is; one that never is, of none."""
    flags = {pattern.flags for pattern in patterns}
    if len(flags) > 1 or any(pattern.groupindex for pattern in patterns):
        return re.compile(b"")
    return re.compile(b"|".join(b"(?:%s)" % pattern.pattern for pattern in patterns) or rb"(?!)", *flags)


def _address(data: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(data))


def _is_utf8(head: bytes) -> bool:
    """Whether a content is ASCII or UTF-8, but for a character that it may break off in."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True
