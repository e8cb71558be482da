"""hashsets.formats.hashdeep: held against the real program where it is installed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ListFormatError
from hashsets.format import KnownEntry, ListFormat, ListHeader
from hashsets.formats.hashdeep import HashdeepFormat
from tests.hashsets.formats.contract import ListFormatContract, entries_of, read, rejected_of
from tests.hashsets.invented import hashes, hexadecimal, seeded, texts

HASHDEEP = HashdeepFormat()
CHANCE = seeded(4)
MD5, SHA1, SHA256 = hexadecimal(CHANCE, 32), hexadecimal(CHANCE, 40), hexadecimal(CHANCE, 64)
HEADER = "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: /x\n## \n"


class TestContract(ListFormatContract):
    list_format: ClassVar[ListFormat] = HASHDEEP
    samples: ClassVar[list[bytes]] = [
        f"{HEADER}12,{MD5.upper()},{SHA256},/a, b, c.jpg\n13,{MD5},{SHA256},x\n".encode(),
        f"%%%% HASHDEEP-1.0\n%%%% sha1,filename\n{SHA1},x\n".encode(),
    ]
    endless: ClassVar[tuple[bytes, bytes]] = (HEADER.encode(), f"12,{MD5},{SHA256},{'x' * 300}\n".encode())


def test_a_name_may_hold_commas_and_is_not_imported() -> None:
    data = f"{HEADER}12,{MD5},{SHA256},/a, b, c.jpg\n".encode()
    assert read(HASHDEEP, data) == [ListHeader("1.0"), KnownEntry(5, md5=MD5, sha256=SHA256, size=12)]


def test_listings_put_one_after_the_other_are_read() -> None:
    data = f"{HEADER}12,{MD5},{SHA256},a\n%%%% HASHDEEP-1.0\n%%%% size,sha1,filename\n3,{SHA1},b\n".encode()
    assert read(HASHDEEP, data) == [
        ListHeader("1.0"),
        KnownEntry(5, md5=MD5, sha256=SHA256, size=12),
        KnownEntry(8, sha1=SHA1, size=3),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"12,{MD5}", "2 columns where the header names 4"),
        (f"12,{MD5[:-1]},{SHA256},a", "md5 is not 32 hexadecimal digits"),
        (f"x,{MD5},{SHA256},a", "size is not a whole number"),
        (f"12,,{SHA256},a", "md5 is not 32 hexadecimal digits"),
    ],
)
def test_a_malformed_line_is_set_aside(line: str, reason: str) -> None:
    assert rejected_of(HASHDEEP, f"{HEADER}{line}\n12,{MD5},{SHA256},a\n".encode()) == [(5, reason)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"12,34\n", "line 1: no hashdeep header"),
        (b"%%%% HASHDEEP-1.0\n12,34\n", "line 2: hashdeep names no columns"),
        (b"%%%% HASHDEEP-1.0\n%%%% size,tiger,filename\n", "neither MD5"),
        (b"%%%% HASHDEEP-1.0\n%%%% size,md5,colour,filename\n", "unknown hashdeep columns"),
        (b"%%%% HASHDEEP-1.0\n%%%% filename,md5\n", "unknown hashdeep columns"),
    ],
)
def test_a_header_that_tamiz_cannot_use_is_said(data: bytes, said: str) -> None:
    with pytest.raises(ListFormatError, match=said):
        read(HASHDEEP, data)


def test_the_output_of_the_real_program_is_read(tmp_path: Path) -> None:
    if shutil.which("hashdeep") is None:
        pytest.skip("hashdeep is not installed")
    names = ["plain", "a, b", "with space"]
    for name in names:
        (tmp_path / name).write_text(name)
    output = subprocess.run(
        ["hashdeep", "-c", "md5,sha1,sha256", *names], cwd=tmp_path, check=True, capture_output=True
    ).stdout
    found = sorted((each.md5, each.sha1, each.sha256, each.size) for each in entries_of(HASHDEEP, output))
    assert found == sorted(
        (*(hashlib.new(name, data).hexdigest() for name in ("md5", "sha1", "sha256")), len(data))
        for data in (name.encode() for name in names)
    )


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), hashes(32), hashes(64), texts()), min_size=1))
def test_what_is_written_is_read(written: list[tuple[int, str, str, str]]) -> None:
    data = (HEADER + "".join(",".join(map(str, row)) + "\n" for row in written)).encode()
    assert [(each.size, each.md5, each.sha256) for each in entries_of(HASHDEEP, data)] == [row[:3] for row in written]
