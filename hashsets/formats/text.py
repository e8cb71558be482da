"""Bytes of a list to text: byte-order marks, wrong bytes and endless lines, handled once for every format.

Lists come as UTF-8 with or without a byte-order mark, and as UTF-16 with one (PowerShell writes it). A byte that is
no valid text becomes U+FFFD: it can only stand in a file name or a remark, and tamiz imports neither.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

LONGEST_LINE = 65536
"""Characters. A longer line is no entry of any list; it is skipped without being held in memory."""

_CHUNK_SIZE = 1 << 14  # small enough that the parsed pieces stay in the processor's cache
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def head_text(head: bytes) -> str:
    """Decode the first bytes of a file, to recognise its format by."""
    encoding, mark = _encoding(head)
    return codecs.getincrementaldecoder(encoding)("replace").decode(head[mark:])


def text_chunks(file: BinaryIO) -> Iterator[str]:
    """Read a file as text without its byte-order mark, in pieces that are never empty."""
    chunk = file.read(_CHUNK_SIZE)
    encoding, mark = _encoding(chunk)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    chunk = chunk[mark:]
    while chunk:
        if text := decoder.decode(chunk):
            yield text
        chunk = file.read(_CHUNK_SIZE)
    if text := decoder.decode(b"", final=True):
        yield text


def numbered_lines(file: BinaryIO) -> Iterator[tuple[int, str | None]]:
    """Read a text file line by line, in memory bounded by :data:`LONGEST_LINE`.

    Yields:
        The line's number, from 1, and its text without the line end; ``None`` for a line that is too long.
    """
    number, rest, too_long = 0, "", False
    for chunk in text_chunks(file):
        lines = (rest + chunk).split("\n")
        rest = lines.pop()
        for line in lines:
            number += 1
            yield number, None if too_long or len(line) > LONGEST_LINE else line.removesuffix("\r")
            too_long = False
        if len(rest) > LONGEST_LINE:
            rest, too_long = "", True
    if rest or too_long:
        yield number + 1, None if too_long else rest.removesuffix("\r")


def _encoding(head: bytes) -> tuple[str, int]:
    """Name the encoding that a byte-order mark announces, and the mark's length."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    return "utf-8", 0
