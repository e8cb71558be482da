"""Volumes are named by what they begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.evidence import signature


@pytest.mark.parametrize(
    ("offset", "magic", "name"),
    [
        (3, b"-FVE-FS-", "BitLocker"),
        (0, b"LUKS\xba\xbe\x00\x02", "LUKS"),
        (424, bytes.fromhex("3bd66749292ed84a8399f6a339e3d001"), "BitLocker To Go"),
    ],
)
def test_encryption_is_named(offset: int, magic: bytes, name: str) -> None:
    head = (bytes(offset) + magic).ljust(signature.HEAD_SIZE, b"\0")
    assert signature.encryption(head) == name


@pytest.mark.parametrize(("fixture", "name"), [("ntfs_image", "NTFS"), ("fat_image", "FAT16"), ("ext4_image", "ext")])
def test_sound_file_systems_are_named(request: pytest.FixtureRequest, fixture: str, name: str) -> None:
    path: Path = request.getfixturevalue(fixture)
    head = path.read_bytes()[: signature.HEAD_SIZE]
    assert signature.supported_file_system(head) == name
    assert signature.encryption(head) is None
    assert signature.unsupported_content(head) is None


def test_what_cannot_be_opened_is_named(corpora: Path) -> None:
    head = (corpora / "disk-images" / "dfvfs" / "apfs.raw").read_bytes()[: signature.HEAD_SIZE]
    assert signature.unsupported_content(head) == "APFS"
    assert signature.supported_file_system(head) is None


def test_a_short_or_empty_head_names_nothing() -> None:
    assert signature.encryption(b"") is None
    assert signature.unsupported_content(b"\0" * 10) is None
