"""The short way to libmagic's answers gives libmagic's answers: for every one of its signatures, and for anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import magic
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media.kind import HEAD_SIZE, media_type
from forensics.media.magic_database import Anywhere, AtPlace, CompiledDatabase, Number
from forensics.media.magic_sieve import MagicSieve, open_sieve
from forensics.media.posix_expression import longest_literal, translated
from tests import pictures
from tests.pictures import encoded

DATABASE = Path("/usr/lib/file/magic.mgc")


@pytest.fixture(scope="module")
def sieve() -> MagicSieve:
    opened = open_sieve(magic)
    if opened is None:
        pytest.skip("libmagic's database is of another layout here")
    return opened


@pytest.fixture(scope="module")
def whole() -> magic.Magic:
    return magic.Magic(mime=True)


def agree(sieve: MagicSieve, whole: magic.Magic, head: bytes) -> bool:
    """Ask the sieve often enough for it to make a part; tell whether it answered, which must be libmagic's answer."""
    answers = {sieve.media_type(head) for _ in range(5)} - {None}
    assert answers <= {whole.from_buffer(head)}
    return bool(answers)


def every_signature() -> Iterator[bytes]:
    """For each test of the database, a content that has what it needs, and hardly anything else."""
    random = np.random.default_rng(1)
    for number, group in enumerate(CompiledDatabase(DATABASE.read_bytes()).groups):
        filling = (bytes(HEAD_SIZE), random.bytes(HEAD_SIZE), b"some words " * 372)[number % 3]
        match group.needs:
            case AtPlace(offset, literals) if offset < HEAD_SIZE - 200:
                yield (filling[:offset] + literals[0] + filling[offset + len(literals[0]) :])[:HEAD_SIZE]
            case Anywhere(word, start):
                yield (filling[:start] + word + b" " + filling)[:512]
                yield (filling[:start] + word.upper() + b"\n" + filling)[:512]
            case Number(place):
                yield filling[: place.start] + random.bytes(8) + filling[place.stop :]


@pytest.mark.skipif(not DATABASE.exists(), reason="libmagic's database lies elsewhere")
def test_every_signature(sieve: MagicSieve, whole: magic.Magic) -> None:
    answered = [agree(sieve, whole, head) for head in every_signature()]
    assert len(answered) > 3000
    assert sum(answered) > 0.9 * len(answered)


@pytest.mark.parametrize(
    "encoding", ["ascii", "utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-be", "cp037", "utf-7"]
)
def test_texts_in_every_encoding(sieve: MagicSieve, whole: magic.Magic, encoding: str) -> None:
    accent = "" if encoding == "ascii" else "á ñ "
    for beginning in (
        "",
        "#!/bin/sh\n",
        "<html>",
        "<?xml version='1.0'?>",
        "%PDF-1.4",
        "import os\ndef f():\n",
        "{\\rtf1",
    ):
        agree(sieve, whole, (beginning + accent + "harmless words\n" * 9).encode(encoding))


@given(st.binary(min_size=1, max_size=700))
@settings(max_examples=300, deadline=None)
def test_any_bytes(sieve: MagicSieve, whole: magic.Magic, head: bytes) -> None:
    agree(sieve, whole, head)


@pytest.mark.parametrize("first", ["GIF", "PNG", "JPEG", "BMP", "TIFF", "WEBP", "ICO", "PPM"])
@pytest.mark.parametrize(
    "second", [b"%PDF-1.7\n", b"PK\x03\x04\x14\0\0\0\x08\0", b"<html><script>", b"MZ\x90\0\x03\0\0\0"]
)
def test_contents_of_two_kinds(whole: magic.Magic, first: str, second: bytes) -> None:
    picture = encoded(pictures.photo(40, 40), first)
    for head in (picture + second, picture[:64] + second * 9, second + picture, picture[:8] + second):
        cut = head[: HEAD_SIZE if b"\0" in head[:512] else 512]
        assert {media_type(head) for _ in range(5)} == {whole.from_buffer(cut)}


def test_a_database_of_another_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="another layout"):
        MagicSieve(b"\x1c\x04\x1e\xf1" + (99).to_bytes(4, "little") + bytes(8 + 360), magic)


@pytest.mark.parametrize(
    ("expression", "literal"),
    [
        (rb"^[ \t]{0,50}\.globl", b".globl"),
        (rb"ha:rnd-menu-v[0-9]+[ \t\r\n]*[{]", b"ha:rnd-menu-v"),
        (rb"ab?cd", b"cd"),
        (rb"ab+cd", b"ab"),
        (rb"one|another", b""),
        (rb"(one|another)x*yz", b"yz"),
        (rb"a{2}bc", b"bc"),
        (rb"[]x]yz", b"yz"),
    ],
)
def test_what_every_match_holds(expression: bytes, literal: bytes) -> None:
    assert longest_literal(expression) == literal


def test_expressions_that_are_read_differently_are_not_translated() -> None:
    assert translated(rb"\bword", ignore_case=False) is None
    assert translated(rb"[\.]", ignore_case=False) is None
    assert translated(rb"[[:alpha:]]", ignore_case=False) is None
    assert translated(rb".*a.*b.*c", ignore_case=False) is None


def test_translated_expressions_are_found_where_they_should_be() -> None:
    pattern = translated(rb"^[[:space:]]*(class|module)[[:space:]][A-Z]", ignore_case=False)
    assert isinstance(pattern, re.Pattern)
    assert pattern.search(b"x\n  module M\n")
    assert not pattern.search(b"x module M\n")
