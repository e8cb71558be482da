"""What an extended regular expression of POSIX cannot be found without.

libmagic's signatures hold some seventy of them. Source: regex(7), and Python's :mod:`re` for what both read alike.
"""

from __future__ import annotations

import re

_ATOM = re.compile(
    rb"""(?xs)
    (?P<set> \[ \^? \]? (?: \[: [a-z]+ :\] | [^\]] )* \] )
    | (?P<escaped> \\ [^A-Za-z0-9] )
    | \\.
    | [.^$]
    | (?P<plain> [^\\.^$()|*+?{\[] )
    """
)
_REPEATED = re.compile(rb"\*|\?|\{[^}]*\}")


def longest_literal(expression: bytes) -> bytes:
    """The longest run of characters that every match of an extended regular expression of POSIX holds.

    Args:
        expression: The expression. What stands in brackets of any kind is passed over.

    Returns:
        Nothing if there is none, or the expression offers a choice.
    """
    longest = run = b""
    place = 0
    while place < len(expression):
        following, literal = _atom(expression, place)
        if following is None:
            return b""
        repeated = _REPEATED.match(expression, following)
        once_or_more = expression[following : following + 1] == b"+"
        run = run + literal if literal and not repeated else b""
        longest = max(longest, run, key=len)
        if once_or_more:
            run = b""
        place = repeated.end() if repeated else following + once_or_more
    return longest


def _atom(expression: bytes, place: int) -> tuple[int | None, bytes]:
    """Where the atom that begins at a place ends, and the character that it stands for, if it is one.

    ``None`` where a choice or what is not understood begins.
    """
    if expression[place : place + 1] == b"(":
        depth = 1
        place += 1
        while depth:
            match = _ATOM.match(expression, place)
            if match is None:
                depth += {b"(": 1, b")": -1}.get(expression[place : place + 1], 0)
            place = match.end() if match else place + 1
            if place > len(expression):
                return None, b""
        return place, b""
    match = _ATOM.match(expression, place)
    if match is None:
        return None, b""
    return match.end(), match["plain"] or (match["escaped"] or b"")[1:]


_MOST_REPETITIONS = 2
_UNTRANSLATED = re.compile(rb"\0|\\[A-Za-z0-9]|[*+?}][*+?{]|\(\?")
"""What POSIX and Python read differently."""


def translated(expression: bytes, *, ignore_case: bool) -> re.Pattern[bytes] | None:
    """A pattern that is found wherever an extended regular expression of POSIX is, and perhaps elsewhere.

    Args:
        expression: The expression, compiled with ``REG_NEWLINE``.
        ignore_case: Upper and lower case are the same.

    Returns:
        ``None`` if it holds anything that POSIX and Python may read differently, or could take long to look for.
    """
    if _UNTRANSLATED.search(expression):
        return None
    parts, place, repetitions = [], 0, 0
    while place < len(expression):
        match = _ATOM.match(expression, place)
        part = match[0] if match else expression[place : place + 1]
        if match and match["set"]:
            inside = part[1:-1].replace(b"[:space:]", b"\0")
            if b"\\" in inside or b"[:" in inside:
                return None
            part = b"[" + re.sub(rb"[\[&~|]", rb"\\\g<0>", inside).replace(b"\0", rb"\s") + b"]"
        if part == b"$":
            part = b""  # libmagic cuts off the last byte, so for it lines end earlier
        repetitions += part in {b"*", b"+"}
        parts.append(part)
        place += len(match[0]) if match else 1
    if repetitions > _MOST_REPETITIONS:
        return None
    try:
        return re.compile(b"".join(parts), re.MULTILINE | (re.IGNORECASE if ignore_case else 0))
    except re.error:
        return None
