"""hashsets.formats.digest_list: what md5sum and its kin write, held against the real programs."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashsets.format import KnownEntry, ListFormat
from hashsets.formats.digest_list import DigestListFormat
from tests.hashsets.formats.contract import ListFormatContract, entries_of, rejected_of
from tests.hashsets.invented import hashes, hexadecimal, seeded, texts

DIGEST_LIST = DigestListFormat()
CHANCE = seeded(3)
MD5, SHA1, SHA256 = hexadecimal(CHANCE, 32), hexadecimal(CHANCE, 40), hexadecimal(CHANCE, 64)
SAMPLE = f"""# a remark
; another

{MD5}  photo one.jpg
{SHA1.upper()} *photo.jpg
\\{MD5}  two\\nlines.jpg
MD5 (a (1) = b.jpg) = {MD5}
SHA1 (a) = {SHA1}
SHA256 (a) = {SHA256}
\\SHA256 (a\\nb) = {SHA256}
SHA2-256(a)= {SHA256}
{SHA256}
{MD5} one space
{MD5}\ttab
"""


class TestContract(ListFormatContract):
    list_format: ClassVar[ListFormat] = DIGEST_LIST
    samples: ClassVar[list[bytes]] = [SAMPLE.encode(), f"{MD5}\n{SHA1}\n".encode(), f"SHA1 (x) = {SHA1}".encode()]
    endless: ClassVar[tuple[bytes, bytes]] = (b"# x\n", f"{MD5}  {'x' * 300}\n".encode())


def test_every_kind_of_line_is_read_and_named_by_its_number() -> None:
    found = [(each.position, each.md5, each.sha1, each.sha256) for each in entries_of(DIGEST_LIST, SAMPLE.encode())]
    assert found == [
        (4, MD5, None, None),
        (5, None, SHA1, None),
        (6, MD5, None, None),
        (7, MD5, None, None),
        (8, None, SHA1, None),
        (9, None, None, SHA256),
        (10, None, None, SHA256),
        (11, None, None, SHA256),
        (12, None, None, SHA256),
        (13, MD5, None, None),
        (14, MD5, None, None),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "no digest",
        MD5[:-1],
        f"{MD5}0",
        f"{MD5},photo.jpg",
        f"x{MD5}",
        f"MD5 (a) = {SHA1}",
        f"SHA256 (a) = {MD5}",
        f"SHA512 (a) = {SHA256 * 2}",
        SHA256 * 2,
        "MD5 (a) = ",
        "\0",
        "\\",
    ],
)
def test_a_line_without_a_digest_is_set_aside(line: str) -> None:
    data = f"{MD5}\n{line}\n{SHA1}\n".encode()
    assert rejected_of(DIGEST_LIST, data) == [(2, "no MD5, SHA-1 or SHA-256 where one belongs")]


def test_an_endless_line_is_set_aside_and_the_next_is_read() -> None:
    data = f"{MD5}\n".encode() + b"a" * 1_000_000 + f"\n{SHA1}\n".encode()
    assert rejected_of(DIGEST_LIST, data) == [(2, "line too long")]
    assert rejected_of(DIGEST_LIST, data.rstrip(b"\n") + b"x" * 1_000_000)[-1] == (3, "line too long")


@pytest.mark.parametrize("program", ["md5sum", "sha1sum", "sha256sum"])
@pytest.mark.parametrize("options", [[], ["--binary"], ["--tag"]])
def test_the_output_of_the_real_programs_is_read(tmp_path: Path, program: str, options: list[str]) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    names = ["plain", "with space", "back\\slash", "new\nline", "(=) = "]
    for name in names:
        (tmp_path / name).write_text(name)
    output = subprocess.run([program, *options, "--", *names], cwd=tmp_path, check=True, capture_output=True).stdout
    algorithm = program.removesuffix("sum")
    expected = [hashlib.new(algorithm, name.encode()).hexdigest() for name in names]
    assert [getattr(entry, algorithm) for entry in entries_of(DIGEST_LIST, output)] == expected


@given(st.lists(st.tuples(hashes(32) | hashes(40) | hashes(64), texts(), st.sampled_from(["  ", " *"])), min_size=1))
def test_what_is_written_is_read(written: list[tuple[str, str, str]]) -> None:
    data = "".join(f"{digest}{separator}{name}\n" for digest, name, separator in written).encode()
    found: list[KnownEntry] = entries_of(DIGEST_LIST, data)
    assert [each.md5 or each.sha1 or each.sha256 for each in found] == [digest for digest, _, _ in written]
