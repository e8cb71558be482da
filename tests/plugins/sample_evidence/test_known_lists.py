"""The lists follow their formats, by other programs' reading."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest

from plugins.sample_evidence.known_lists import (
    ListedPicture,
    absent_pictures,
    write_hashdeep,
    write_vics,
)

_WITH_ALL = ListedPicture(700_001, 1, "ab" * 16, "cd" * 20, 1234, "0f" * 32)
_MD5_ONLY = ListedPicture(700_002, 2, "12" * 16, None, 99, None)


def _digest(algorithm: str, content: bytes) -> str:
    return hashlib.new(algorithm, content).hexdigest()


def test_vics_names_its_version_and_writes_digests_in_upper_case(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    write_vics(path, [_WITH_ALL, _MD5_ONLY])
    document = json.loads(path.read_bytes())
    assert document["@odata.context"].endswith("/DataModels/2.0.xml/US/$metadata#Media")
    first, second = document["value"]
    assert (first["MediaID"], first["Category"], first["MediaSize"]) == (700_001, 1, 1234)
    assert (first["MD5"], first["SHA1"]) == ("AB" * 16, "CD" * 20)
    assert first["AlternativeHashes"] == [{"HashName": "PDQ", "HashValue": "0f" * 32}]
    assert second["MD5"] == "12" * 16
    assert not second.keys() & {"SHA1", "AlternativeHashes"}


def test_entries_describe_nothing_but_a_listed_sample_picture(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    write_vics(path, [_WITH_ALL, *absent_pictures(30)])
    assert {media["Comments"] for media in json.loads(path.read_bytes())["value"]} == {"listed sample picture"}


def test_absent_entries_are_the_same_each_time_and_all_distinct() -> None:
    first, second = absent_pictures(300), absent_pictures(300)
    assert first == second
    assert len({entry.md5 for entry in first}) == len({entry.media_id for entry in first}) == 300


def test_absent_pdq_hashes_have_half_of_their_bits_set_and_lie_far_apart() -> None:
    hashes = [entry.pdq for entry in absent_pictures(300) if entry.pdq is not None]
    assert len(hashes) == 100
    assert {int(value, 16).bit_count() for value in hashes} == {128}
    numbers = [int(value, 16) for value in hashes]
    assert min((first ^ second).bit_count() for first, second in combinations(numbers, 2)) > 70


@pytest.mark.skipif(shutil.which("hashdeep") is None, reason="hashdeep is not installed")
def test_hashdeep_itself_accepts_the_benign_list(tmp_path: Path) -> None:
    contents = {"one, with a comma.txt": b"text", "two.bin": bytes(5000)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    listing = tmp_path / "benign.hashdeep"
    write_hashdeep(listing, list(contents.items()))
    audit = ["hashdeep", "-a", "-v", "-b", "-k", str(listing), *(str(tmp_path / name) for name in contents)]
    subprocess.run(audit, check=True, capture_output=True)
    (tmp_path / "two.bin").write_bytes(bytes(5001))
    assert subprocess.run(audit, check=False, capture_output=True).returncode != 0


def test_hashdeep_lines_hold_size_md5_sha256_and_name(tmp_path: Path) -> None:
    listing = tmp_path / "benign.hashdeep"
    write_hashdeep(listing, [("p1/a.txt", b"text")])
    expected = f"4,{_digest('md5', b'text')},{_digest('sha256', b'text')},p1/a.txt"
    assert listing.read_text().splitlines()[-1] == expected
