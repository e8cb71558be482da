"""hashsets.formats.text: lines are those of the whole text, however it is cut into pieces."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashsets.formats import text

PIECES = st.lists(st.sampled_from(["a", "ñ", "\r", "\n", "\r\n", "\U0001f333", "x" * 30, " "]), max_size=30).map(
    "".join
)


def lines_of(whole: str, longest: int) -> list[tuple[int, str | None]]:
    """The same the plain way: a line that is too long is told by its length with what stands at its end."""
    lines = whole.split("\n")
    if not lines[-1]:
        del lines[-1]
    return [(number, None if len(line) > longest else line.removesuffix("\r")) for number, line in enumerate(lines, 1)]


@given(PIECES, st.integers(1, 40), st.sampled_from(["utf-8", "utf-16"]))
def test_lines_are_those_of_the_whole_text(whole: str, chunk_size: int, encoding: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_CHUNK_SIZE", max(2, chunk_size) if encoding == "utf-8" else 40)
        patch.setattr(text, "LONGEST_LINE", 40)
        assert list(text.numbered_lines(io.BytesIO(whole.encode(encoding)))) == lines_of(whole, 40)


@given(PIECES, st.integers(4, 40))
def test_the_first_line_that_is_not_empty_is_taken_off_and_nothing_else(whole: str, chunk_size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_CHUNK_SIZE", chunk_size)
        number, line, rest = text.first_line(text.line_blocks(io.BytesIO(whole.encode())), 7)
    expected = [each for each in lines_of(whole, text.LONGEST_LINE) if (each[1] or "").strip()]
    assert (number, line) == (expected[0] if expected else (7, ""))
    remaining = [each for first, lines in rest for each in enumerate(lines, first)]
    assert [each for each in remaining if (each[1] or "").strip()] == expected[1:]
