"""Pseudonyms for paths and contents."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.case.store import pseudonym_key_path
from forensics.errors import ReportError
from forensics.reports.pseudonym import Pseudonyms

KEY = bytes(range(32))
PATHS = st.binary()


def test_the_pseudonym_of_a_path_is_what_openssl_computes() -> None:
    path = "Usuarios/x/imagen ñ.jpg".encode() + b"\xff"
    command = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{KEY.hex()}"]
    printed = subprocess.run(command, input=path, capture_output=True, check=True).stdout.decode()
    assert Pseudonyms(KEY).of_path(path) == f"N-{printed.split()[-1][:10]}"


@given(path=PATHS, other=PATHS)
def test_it_tells_paths_apart_and_keeps_no_part_of_them(path: bytes, other: bytes) -> None:
    name = Pseudonyms(KEY).of_path(path)
    assert re.fullmatch(r"N-[0-9a-f]{10}", name)
    assert (name == Pseudonyms(KEY).of_path(other)) == (path == other)


def test_another_key_gives_other_names() -> None:
    assert Pseudonyms(KEY).of_path(b"a.jpg") != Pseudonyms(KEY[::-1]).of_path(b"a.jpg")


def test_a_content_and_a_path_that_spells_its_digest_do_not_share_a_value() -> None:
    digest = "ab" * 32
    assert Pseudonyms(KEY).of_content(digest)[2:] != Pseudonyms(KEY).of_path(digest.encode())[2:]
    assert re.fullmatch(r"C-[0-9a-f]{10}", Pseudonyms(KEY).of_content(digest))


def test_the_key_of_a_case_is_read_from_beside_it(sample_case: Path) -> None:
    key = bytes.fromhex(pseudonym_key_path(sample_case).read_text())
    assert Pseudonyms.of_case(sample_case).of_path(b"a") == Pseudonyms(key).of_path(b"a")


@pytest.mark.parametrize("content", [None, "", "zz", "ab" * 31, "é"])
def test_without_a_usable_key_there_is_one_clear_line(tmp_path: Path, content: str | None) -> None:
    case = tmp_path / "b.case"
    if content is not None:
        pseudonym_key_path(case).write_text(content, "utf-8")
    with pytest.raises(ReportError) as error:
        Pseudonyms.of_case(case)
    assert str(pseudonym_key_path(case)) in str(error.value)
    assert "\n" not in str(error.value)
