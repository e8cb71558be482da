"""Patterns of paths, as ``--include``, ``--exclude`` and a privilege filter take them.

``*`` stands for any characters within a name, ``?`` for one, ``[abc]`` for one of some, ``**`` for any number of
folders. A pattern without ``/`` is looked for among all names of a path (``*.pst``, ``Mail``); one with ``/`` begins at
the root of the file system (``Users/*/Desktop``). Whatever matches a folder matches all that lies in it. Upper and
lower case are one, and so are the forms in which Unicode writes a letter with an accent (HFS+ keeps them apart).

A name that is not UTF-8 is compared as Latin-1 as well. Of an alternate data stream (``name:stream``) both the name of
the file and that of the stream with it are compared.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from forensics.errors import PatternError

LONGEST = 1000
"""Characters a pattern may have."""

MOST = 10_000
"""Patterns a file may hold."""

_Name: TypeAlias = Callable[[str], re.Match[str] | None]


@dataclass(frozen=True, slots=True)
class PathPattern:
    """One pattern. Make it with :meth:`parse`.

    Attributes:
        names: What each name from the root must match; ``None`` stands for any number of folders.
    """

    names: tuple[_Name | None, ...]

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        r"""Read a pattern.

        Raises:
            PatternError: It is empty or too long, has a backslash, a drive letter, ``.`` or ``..``, or ``**`` beside
                other characters. The message does not repeat the pattern.
        """
        if len(text) > LONGEST:
            raise PatternError(f"a pattern of more than {LONGEST:,} characters", None, "shorten it")
        if "\\" in text:
            raise PatternError("a pattern with a backslash", None, "write / between folders")
        if re.match(r"[A-Za-z]:", text):
            raise PatternError(
                "a pattern with a drive letter", None, "begin at the root of the volume: Users/*/Desktop"
            )
        parts = text.strip("/").split("/")
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise PatternError("a pattern that is empty or has an empty folder, . or ..", None, "name the folders")
        if any("**" in part and part != "**" for part in parts):
            raise PatternError("a pattern with ** beside other characters", None, "let ** stand alone: a/**/b")
        if "/" not in text.rstrip("/"):
            parts.insert(0, "**")
        while len(parts) > 1 and parts[-1] == "**":  # all that lies in a folder matches with the folder
            parts.pop()
        return cls(tuple(None if part == "**" else _name_pattern(_folded(part)) for part in parts))

    def matches(self, names: Sequence[frozenset[str]]) -> bool:
        """Whether a path or a folder it lies in matches.

        Args:
            names: As :func:`names_of` gave them.
        """
        reached = self._opened({0})
        for forms in names:
            if len(self.names) in reached:
                return True
            step = set()
            for place in reached:
                name = self.names[place]
                if name is None:
                    step.add(place)
                elif any(name(form) for form in forms):
                    step.add(place + 1)
            reached = self._opened(step)
        return len(self.names) in reached

    def _opened(self, places: set[int]) -> set[int]:
        """Places in the pattern, with those behind ``**``, which may stand for no folder."""
        opened = set(places)
        for place, name in enumerate(self.names):
            if place in opened and name is None:
                opened.add(place + 1)
        return opened


def names_of(path: bytes) -> tuple[frozenset[str], ...]:
    """The names in a path from its root, each in the forms in which it may be compared.

    Args:
        path: As the file system stores it; any bytes.
    """
    folder, _, name = path.rpartition(b"/")
    folders = _folders_of(folder) if len(folder) < _REMEMBERED else _folders_of.__wrapped__(folder)
    return (*folders, _forms(name))


def read_patterns(file: Path) -> tuple[PathPattern, ...]:
    """Read a file of patterns: UTF-8, one a line; blank lines and those that begin with ``#`` are passed over.

    Raises:
        PatternError: It cannot be read, holds none, or one is unusable. The message names the line, not the pattern.
    """
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise PatternError(f"cannot be read ({error.strerror})", str(file), "check the path") from error
    except UnicodeDecodeError as error:
        raise PatternError("is not UTF-8", str(file), "save it as UTF-8") from error
    patterns = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            patterns.append(PathPattern.parse(line.strip()))
        except PatternError as error:
            raise PatternError(error.what, f"{file}, line {number}", error.remedy) from error
    if not 0 < len(patterns) <= MOST:
        what = "holds no pattern" if not patterns else f"holds more than {MOST:,} patterns"
        raise PatternError(what, str(file), "write one pattern a line, such as Users/*/Mail")
    return tuple(patterns)


_REMEMBERED = 1000
"""Bytes of the longest folder that is remembered; hostile ones have many thousand."""


@lru_cache(maxsize=1024)
def _folders_of(folder: bytes) -> tuple[frozenset[str], ...]:
    return tuple(map(_forms, folder.split(b"/"))) if folder else ()


def _forms(name: bytes) -> frozenset[str]:
    if name.isascii():
        texts = [name.decode("ascii")]
    else:
        texts = [name.decode("utf-8", "surrogateescape")]
        if not texts[0].isprintable():
            texts.append(name.decode("latin-1"))
    forms = {_folded(text) for text in texts}
    return frozenset(forms | {form.partition(":")[0] for form in forms if ":" in form})


def _folded(text: str) -> str:
    return (
        text.lower() if text.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    )


def _name_pattern(text: str) -> _Name:
    return re.compile(fnmatch.translate(text)).match
