"""Patterns of paths match what people mean by them, in any spelling that a file system has for a name."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import PatternError
from forensics.triage.path_pattern import PathPattern, names_of, read_patterns


def matches(pattern: str, path: bytes | str) -> bool:
    stored = path.encode() if isinstance(path, str) else path
    return PathPattern.parse(pattern).matches(names_of(stored))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.pst", "Users/ana/Documents/mail.PST"),
        ("Mail", "Users/ana/Mail"),
        ("mail", "Users/ana/Mail/2020/inbox/1.eml"),
        ("Mail/", "Users/ana/Mail/a"),
        ("Users/*/Mail", "Users/ana/Mail/a"),
        ("/Users/*/Mail", "users/ANA/mail/a"),
        ("Users/**/Mail", "Users/Mail"),
        ("Users/**/Mail", "Users/a/b/c/Mail/x"),
        ("Users/**", "Users/a"),
        ("**/Mail", "a/b/Mail"),
        ("a?c", "x/abc/y"),
        ("[0-9]*.jpg", "x/1.jpg"),
        ("Peña", "Abogado/Peña/carta.txt"),
        ("PEÑA", unicodedata.normalize("NFD", "Abogado/peña/carta.txt")),
        ("Peña", b"Abogado/Pe\xf1a/carta.txt"),
        ("Stra\u00dfe", "STRASSE/a"),
        ("*.doc", "letter.doc:Zone.Identifier"),
        ("*", "anything"),
        ("**", "any/thing"),
        ("back[[]up", "back[up/a"),
        ("a\nb", "a\nb"),
    ],
)
def test_a_pattern_matches(pattern: str, path: bytes | str) -> None:
    assert matches(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.pst", "Users/ana/mail.pst.txt"),
        ("Mail", "Users/ana/Mailbox"),
        ("Users/*/Mail", "backup/Users/ana/Mail"),
        ("Users/*/Mail", "Users/a/b/Mail"),
        ("/a", "x/a"),
        ("a/**/b", "a/c"),
        ("Mail", ""),
    ],
)
def test_a_pattern_does_not_match(pattern: str, path: str) -> None:
    assert not matches(pattern, path)


@pytest.mark.parametrize(
    "pattern", ["", "/", "a//b", "a/../b", "./a", "C:/Users", "Users\\ana", "a**b/c", "x" * 1001, "a\0b"]
)
def test_an_unusable_pattern_is_refused_and_not_repeated(pattern: str) -> None:
    with pytest.raises(PatternError) as raised:
        PathPattern.parse(pattern)
    assert len(str(raised.value).splitlines()) == 1
    assert len(pattern) < 3 or pattern not in str(raised.value)


@given(st.binary(max_size=200), st.sampled_from(["*.jpg", "a/**/b", "Peña/*", "**", "[!a]*"]))
def test_any_bytes_may_be_a_path(path: bytes, pattern: str) -> None:
    assert matches(pattern, path) in {True, False}


@given(st.lists(st.text("abA.", min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_path_matches_itself_every_folder_above_it_and_each_of_its_names(names: list[str]) -> None:
    names = [name for name in names if name not in {".", ".."}] or ["a"]
    path = "/".join(names)
    for depth in range(1, len(names) + 1):
        assert matches("/" + "/".join(names[:depth]), path)
    for name in names:
        assert matches(name, path)


def test_a_hostile_path_is_matched_in_time() -> None:
    pattern = PathPattern.parse("*a*a*a*a*a*a*b")
    assert not pattern.matches(names_of(b"a" * 60_000))
    assert not PathPattern.parse("a/**/a/**/a/**/b").matches(names_of(b"a/" * 30_000))


def test_a_file_of_patterns_is_read_with_its_comments(tmp_path: Path) -> None:
    file = tmp_path / "privileged.txt"
    file.write_bytes("\ufeff# lawyers\n\n  Users/*/Mail \r\n*.pst\n".encode())
    patterns = read_patterns(file)
    assert [pattern.matches(names_of(b"Users/ana/Mail/1")) for pattern in patterns] == [True, False]


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"# nothing\n", "holds no pattern"), (b"\xff\xfe", "is not UTF-8"), (b"fine\nSecreto\\Carta\n", "line 2")],
)
def test_an_unusable_file_is_refused_without_showing_it(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "privileged.txt"
    file.write_bytes(content)
    with pytest.raises(PatternError) as raised:
        read_patterns(file)
    assert what in str(raised.value)
    assert "Secreto" not in str(raised.value)
    with pytest.raises(PatternError, match="cannot be read"):
        read_patterns(tmp_path / "absent")
