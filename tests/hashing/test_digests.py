"""Digests are those of the published vectors, of hashlib and of coreutils."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.hashing.digests import EMPTY_SHA256, DigestComputer, digests_of

# RFC 1321 (MD5), FIPS 180-2 appendices A and B (SHA-1, SHA-256)
VECTORS = [
    (
        b"",
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    (
        b"abc",
        "900150983cd24fb0d6963f7d28e17f72",
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ),
    (
        b"a" * 1_000_000,
        "7707d6ae4e027c70eea2a935c2296f21",
        "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    ),
]


@pytest.mark.parametrize(("content", "md5", "sha1", "sha256"), VECTORS)
def test_published_vectors(content: bytes, md5: str, sha1: str, sha256: str) -> None:
    digests = digests_of([content])
    assert (digests.md5, digests.sha1, digests.sha256, digests.size) == (md5, sha1, sha256, len(content))


def test_empty_content_is_named() -> None:
    assert digests_of([]).sha256 == EMPTY_SHA256 == VECTORS[0][3]


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_how_a_content_is_cut_makes_no_difference(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    digests = digests_of(pieces)
    assert digests == digests_of([whole])
    assert digests.md5 == hashlib.md5(whole, usedforsecurity=False).hexdigest()
    assert digests.sha1 == hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    assert digests.sha256 == hashlib.sha256(whole).hexdigest()
    assert digests.size == len(whole)


def test_any_buffer_can_be_taken() -> None:
    computer = DigestComputer()
    computer.update(memoryview(b"harmless ")[0:9])
    computer.update(bytearray(b"sample"))
    assert computer.finish() == digests_of([b"harmless sample"])


@pytest.mark.skipif(shutil.which("md5sum") is None, reason="coreutils is not installed")
def test_digests_are_those_of_coreutils(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000 + b"tail"
    file = tmp_path / "sample.bin"
    file.write_bytes(content)
    digests = digests_of([content])
    for program, digest in (("md5sum", digests.md5), ("sha1sum", digests.sha1), ("sha256sum", digests.sha256)):
        output = subprocess.run([program, str(file)], capture_output=True, text=True, check=True).stdout
        assert output.split()[0] == digest
