"""Bytes of a list to text: byte-order marks, wrong bytes and endless lines, handled once for every format.

Lists come as UTF-8 with or without a byte-order mark, and as UTF-16 with one (PowerShell writes it). A byte that is
no valid text becomes U+FFFD: it can only stand in a file name or a remark, and tamiz imports neither.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO, TypeAlias

Block: TypeAlias = tuple[int, Sequence[str | None]]
"""Lines that follow each other: the number of the first, and their texts."""

LONGEST_LINE = 65536
"""Characters. A longer line is no entry of any list; it is skipped without being held in memory."""

_CHUNK_SIZE = 1 << 16
"""Bytes, not more than :data:`LONGEST_LINE`: small enough that the parsed pieces stay in the processor's cache."""
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


def line_blocks(file: BinaryIO) -> Iterator[Block]:
    """Read a text file some hundred lines at a time, in memory bounded by :data:`LONGEST_LINE`.

    Yields:
        The number of the first of the lines, from 1, and their texts without the line ends; ``None`` for a line that is
        too long.
    """
    first, rest, too_long = 1, "", False
    for chunk in text_chunks(file):
        text = rest + chunk
        lines: list[str | None] = [*text.split("\n")]
        rest = lines.pop() or ""
        if lines:
            # the others lie in one chunk
            if too_long or len(lines[0] or "") > LONGEST_LINE:
                lines[0], too_long = None, False
            yield first, [line and line.removesuffix("\r") for line in lines] if "\r" in text else lines
            first += len(lines)
        if len(rest) > LONGEST_LINE:
            rest, too_long = "", True
    if rest or too_long:
        yield first, [None if too_long else rest.removesuffix("\r")]


def first_line(blocks: Iterator[Block], nothing: int = 1) -> tuple[int, str | None, Iterator[Block]]:
    """Take the first line that is not empty off a file.

    Args:
        blocks: The file.
        nothing: What number to give if there is no such line.

    Returns:
        The line's number, its text, and what follows it.
    """
    for first, lines in blocks:
        for number, line in enumerate(lines, first):
            if line is None or line.strip():
                return number, line, chain([(number + 1, lines[number + 1 - first :])], blocks)
    return nothing, "", iter(())


def numbered_lines(file: BinaryIO) -> Iterator[tuple[int, str | None]]:
    """Read a text file line by line, as :func:`line_blocks` does.

    Yields:
        The line's number, from 1, and its text without the line end; ``None`` for a line that is too long.
    """
    for first, lines in line_blocks(file):
        yield from enumerate(lines, first)


def _encoding(head: bytes) -> tuple[str, int]:
    """Name the encoding that a byte-order mark announces, and the mark's length."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    return "utf-8", 0
