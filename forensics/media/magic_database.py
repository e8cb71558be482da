"""What the signatures of libmagic look for: the compiled database, and bytes without which a test cannot match.

Source: ``magic.mgc`` as libmagic 5.40 to 5.45 writes it (``struct magic`` in its ``file.h``, version 18), and for what
the tests mean magic(5) and libmagic's ``apprentice.c`` and ``softmagic.c``.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from forensics.media.posix_expression import longest_literal, translated

_MAGIC, _VERSION = 0xF11E041C, 18
_ENTRY = np.dtype(
    {
        "names": [
            "level",
            "flag",
            "relation",
            "length",
            "type",
            "mask_op",
            "offset",
            "mask",
            "string_flags",
            "value",
            "says",
        ],
        "formats": ["<u2", "u1", "u1", "u1", "u1", "u1", "<i4", "<u8", "<u4", "V128", "V144"],
        "offsets": [0, 2, 4, 5, 6, 9, 12, 24, 28, 32, 160],
        "itemsize": 376,
    }
)
"""``struct magic``. Of a test of strings, the upper half of the mask holds its flags."""

_COUNTS = struct.Struct("<II")
_STRING, _REGEX, _SEARCH, _INDIRECT, _USE, _DER = 5, 17, 20, 41, 46, 48
_WIDTHS = {1: 1, 2: 2, 4: 4, 7: 2, 8: 4, 10: 2, 11: 4, 24: 8, 25: 8, 26: 8}
_BIG_ENDIAN, _LITTLE_ENDIAN = {7, 8, 26}, {10, 11, 25}
"""Types of tests: of whole numbers, those of the machine's own byte order besides."""

_ADDED = {0: 0, 3: 1, 4: -1}
"""What is done to a number before it is compared: cut out by a mask; more or less by it."""

_COMPUTED_PLACE, _UNSIGNED, _FOR_BINARY = 0b1000_0111, 0x08, 0x20
"""Flags: those of an offset that is computed; of a number; of a test that is tried on what is no text."""

_ONLY_WHERE, _FROM_START = 0b110_0000, 0b1_0000
"""Flags of tests of strings that change nothing of what is compared: on text or binary only, where a search goes on."""

_LOOSE = 0x4000 | 0b1111
"""Those that let blanks and case differ, and trim what is compared."""

_SEQUENCES = tuple(bytes([0x10 | bits << 5]) for bits in range(8))
"""What a sequence in DER may begin with, as libmagic sees it."""

_LEAST_WORD = 2
_SMALL = 4


@dataclass(frozen=True, slots=True)
class AtPlace:
    """A test that needs one of some byte strings at a place."""

    offset: int
    literals: tuple[bytes, ...]

    def holds(self, padded: bytes) -> bool:
        """Whether a content, with enough bytes behind it, has one of them."""
        return padded.startswith(self.literals, self.offset)


@dataclass(frozen=True, slots=True)
class Anywhere:
    """A test that needs some bytes, in upper or lower case, somewhere.

    Attributes:
        word: The bytes, in lower case.
        start: Where they may begin.
        stop: Where they must end; ``None``: with the content.
        patterns: Of which it needs one besides; none: it needs nothing besides.
    """

    word: bytes
    start: int = 0
    stop: int | None = None
    patterns: tuple[re.Pattern[bytes], ...] = ()

    def holds(self, head: bytes, lower: bytes) -> bool:
        """Whether a content, given as it is and in lower case, has them."""
        found = lower.find(self.word, self.start, self.stop) >= 0
        return found and (not self.patterns or any(pattern.search(head) for pattern in self.patterns))


@dataclass(frozen=True, slots=True)
class Matching:
    """A test that needs a pattern to be found."""

    pattern: re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class Number:
    """A test that needs a number at a place to be smaller or larger than another, or the same but for some bits.

    Attributes:
        place: Where it stands.
        order: Its byte order.
        mask: Its bits that count.
        added: What is added to it before.
        signed: Whether it has a sign.
        relation: ``<``, ``>`` or ``=``.
        value: What it is compared with.
    """

    place: slice
    order: Literal["big", "little"]
    mask: int
    added: int
    signed: bool
    relation: str
    value: int

    def holds(self, padded: bytes) -> bool:
        """Whether the number is, in a content with enough bytes behind it."""
        bits: int = 8 * (self.place.stop - self.place.start)
        number = (int.from_bytes(padded[self.place], self.order) + self.added) % (1 << bits) & self.mask
        if self.signed and number >> (bits - 1):
            number -= 1 << bits
        if self.relation == "=":
            return number == self.value
        return number < self.value if self.relation == "<" else number > self.value


@dataclass(frozen=True, slots=True)
class Group:
    """A test with those that follow where it matches.

    Attributes:
        entries: Their bytes.
        needs: What the first one needs; ``None`` if that is not known here, and it must always be tried.
        for_binary: It is tried on what is no text too.
        elsewhere: What each of its tests that ask the whole database again, at another place, cannot do so without.
    """

    entries: bytes
    needs: AtPlace | Anywhere | Matching | Number | None
    for_binary: bool
    elsewhere: tuple[tuple[AtPlace | Number, ...], ...]

    @property
    def is_small(self) -> bool:
        """Whether it is next to nothing to try."""
        return not self.elsewhere and len(self.entries) <= _SMALL * _ENTRY.itemsize

    def may_look_elsewhere(self, padded: bytes) -> bool:
        """Whether it may ask the whole database again for a content, given with enough bytes behind it."""
        return any(all(needs.holds(padded) for needs in chain) for chain in self.elsewhere)


class CompiledDatabase:
    """A compiled database, in parts.

    Args:
        compiled: The bytes of ``magic.mgc``.

    Attributes:
        groups: Its tests, in the order in which they are tried.

    Raises:
        ValueError: It is of a layout that is not known here.
    """

    def __init__(self, compiled: bytes) -> None:
        header = np.frombuffer(compiled, "<u4", 4)
        count, names = (int(number) for number in header[2:])
        known = sys.byteorder == "little" and header[0] == _MAGIC and header[1] == _VERSION
        if not known or len(compiled) != (1 + count + names) * _ENTRY.itemsize:
            raise ValueError("a compiled database of another layout")
        self._header = compiled[: _ENTRY.itemsize]
        body = memoryview(compiled)[_ENTRY.itemsize :]
        entries = np.frombuffer(body, _ENTRY)
        self._names = bytes(body[count * _ENTRY.itemsize :])
        elsewhere = _looking_elsewhere(entries, count)
        starts = np.flatnonzero(entries["level"][:count] == 0)
        columns = [entries[name][:count].tolist() for name in _ENTRY.names or ()]
        tests = [_Test(*values) for values in zip(*columns, strict=True)]
        self.groups = [
            Group(
                bytes(body[first * _ENTRY.itemsize : last * _ENTRY.itemsize]),
                _group_needs(tests[first:last]),
                bool(tests[first].flag & _FOR_BINARY),
                tuple(_above(tests[first:last], index - first) for index in elsewhere.get(first, ())),
            )
            for first, last in pairwise([*starts.tolist(), count])
        ]

    def shared(self) -> bytearray:
        """The tests that others call by name, as a compiled database."""
        return self._compiled(0, [self._names])

    def part(self, groups: Iterable[int]) -> bytearray:
        """Some groups, in their order, as a compiled database without those that are called by name."""
        tests = [self.groups[group].entries for group in groups]
        return self._compiled(sum(map(len, tests)), tests)

    def _compiled(self, size: int, parts: Sequence[bytes]) -> bytearray:
        """Tests with a header, of which so many bytes are not called by name. libmagic wants memory it may write to."""
        named = sum(map(len, parts)) - size
        counts = _COUNTS.pack(size // _ENTRY.itemsize, named // _ENTRY.itemsize)
        return bytearray().join([self._header[:8], counts, self._header[16:], *parts])


class _Test(NamedTuple):
    """A test, as :data:`_ENTRY` names its parts."""

    level: int
    flag: int
    relation: int
    length: int
    type: int
    mask_op: int
    offset: int
    mask: int
    string_flags: int
    value: bytes
    says: bytes


def _group_needs(tests: Sequence[_Test]) -> AtPlace | Anywhere | Matching | Number | None:
    """What a group cannot say anything without.

    A search for a word that says nothing itself needs one of the expressions below it too.
    """
    needs = _needs(tests[0])
    if not isinstance(needs, Anywhere) or needs.patterns or any(tests[0].says):
        return needs
    patterns = []
    for test in tests[1:]:
        if test.level > 1:
            continue
        below = _needs(test) if test.type == _REGEX and not test.offset else None
        if isinstance(below, Matching):
            patterns.append(below.pattern)
        elif isinstance(below, Anywhere) and below.patterns:
            patterns += below.patterns
        else:
            return needs
    return replace(needs, patterns=tuple(patterns))


def _needs(test: _Test) -> AtPlace | Anywhere | Matching | Number | None:
    """What a test cannot match without; ``None`` if that is not known here."""
    if test.flag & _COMPUTED_PLACE or test.offset < 0:
        return None
    if test.type in _WIDTHS:
        return _needs_number(test)
    if chr(test.relation) != "=":
        return None
    text, flags = test.value[: test.length], test.string_flags
    if test.type == _DER:
        return AtPlace(test.offset, _SEQUENCES) if text.startswith(b"seq") else None
    if test.type == _STRING and not flags & ~_ONLY_WHERE:
        return AtPlace(test.offset, (text,)) if text else None
    if test.type in {_STRING, _SEARCH} and not flags & ~(_ONLY_WHERE | _FROM_START | _LOOSE):
        return _needs_text(test, text)
    word, pattern = b"", None
    if test.type == _REGEX:
        word = longest_literal(text)
        # where no text is asked for, a zero ends what libmagic compares
        pattern = None if test.flag & _FOR_BINARY else translated(text, ignore_case=bool(flags & _LOOSE))
    if len(word) >= _LEAST_WORD:
        return Anywhere(word.lower(), patterns=() if pattern is None else (pattern,))
    return Matching(pattern) if pattern is not None else None


def _needs_text(test: _Test, text: bytes) -> Anywhere | None:
    """What a search needs, or a comparison that lets blanks and case differ."""
    # behind the first blank, what is found may be further on than what is asked for
    word = text.split()[0] if test.string_flags & _LOOSE and text.split() else text
    if len(word) < _LEAST_WORD or word[:1].isspace() or (text[:1].isspace() and test.string_flags & _LOOSE):
        return None
    reach = test.mask & 0xFFFFFFFF if test.type == _SEARCH else 1
    stop = test.offset + reach + len(word) if reach else None
    return Anywhere(word.lower(), test.offset, stop)


def _needs_number(test: _Test) -> AtPlace | Number | None:
    width, relation = _WIDTHS[test.type], chr(test.relation)
    if test.mask_op not in _ADDED or relation not in "<>=":
        return None
    order: Literal["big", "little"] = "big" if test.type in _BIG_ENDIAN else "little"
    if test.type not in _BIG_ENDIAN | _LITTLE_ENDIAN:
        order = sys.byteorder
    added = _ADDED[test.mask_op] * test.mask
    mask = (-1 if added else test.mask or -1) & ((1 << 8 * width) - 1)
    masked = mask.to_bytes(width, order)
    whole = [index for index in range(width) if masked[index] == 0xFF]
    if relation == "=" and whole and not added:
        end = next((index for index in range(whole[0], width) if masked[index] != 0xFF), width)
        stored = int.from_bytes(test.value[:width], "little").to_bytes(width, order)
        return AtPlace(test.offset + whole[0], (stored[whole[0] : end],))
    signed = not test.flag & _UNSIGNED
    value = int.from_bytes(test.value[:width], "little", signed=signed)
    return Number(slice(test.offset, test.offset + width), order, mask, added, signed, relation, value)


def _looking_elsewhere(entries: npt.NDArray[Any], count: int) -> dict[int, list[int]]:
    """By where groups begin, the tests that ask the whole database again, or call a group by name that does.

    Args:
        entries: The database.
        count: Where the groups begin that are called by name.
    """
    starts = np.flatnonzero(entries["level"] == 0)
    of_group = starts[np.searchsorted(starts, np.arange(len(entries)), "right") - 1].tolist()
    named = {_name(entries["value"][start]): start for start in starts[starts >= count].tolist()}
    calls = np.flatnonzero(entries["type"] == _USE)
    callers: dict[int, list[int]] = {}
    for call, name in zip(calls.tolist(), entries["value"][calls].tolist(), strict=True):
        callee = named.get(_name(name).lstrip(b"^"))
        if callee is not None:
            callers.setdefault(callee, []).append(call)
    found: dict[int, list[int]] = {}
    left = np.flatnonzero(entries["type"] == _INDIRECT).tolist()
    while left:
        test = left.pop()
        group = of_group[test]
        if group not in found:
            left += callers.get(group, ())
        found.setdefault(group, []).append(test)
    return found


def _above(tests: Sequence[_Test], index: int) -> tuple[AtPlace | Number, ...]:
    """What the tests need, as far as it is known, below which one stands in its group."""
    level, needs = tests[index].level, []
    for test in reversed(tests[:index]):
        if test.level < level:
            level = test.level
            needed = _needs(test)
            if isinstance(needed, AtPlace | Number):
                needs.append(needed)
    return tuple(needs)


def _name(value: Any) -> bytes:  # noqa: ANN401  bytes, or numpy's
    return bytes(value).partition(b"\0")[0]
