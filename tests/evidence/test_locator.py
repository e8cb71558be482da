"""Locators: printed and parsed without loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import LocatorError
from forensics.evidence.locator import SOURCE_LABEL, VOLUME_LABEL, Locator

_SOURCES = st.from_regex(SOURCE_LABEL, fullmatch=True)
_VOLUMES = st.from_regex(VOLUME_LABEL, fullmatch=True)
_TYPES = st.from_regex(r"[a-z0-9+_-]+", fullmatch=True)
_ADDRESSES = st.from_regex(r"[0-9]+(-[0-9]+-[0-9]+)?", fullmatch=True)


@given(source=_SOURCES, volume=_VOLUMES, kind=_TYPES, address=_ADDRESSES, depth=st.integers(1, 3))
def test_text_and_locator_are_the_same_thing(source: str, volume: str, kind: str, address: str, depth: int) -> None:
    locator = Locator(*(source, volume, kind)[:depth], *([address] if depth == 3 else []))
    assert Locator.parse(str(locator)) == locator


def test_reads_as_documented() -> None:
    assert Locator.parse("E1/p2/ntfs:1234-128-3") == Locator("E1", "p2", "ntfs", "1234-128-3")
    assert Locator.parse("E1.2/u1/ext4:12") == Locator("E1.2", "u1", "ext4", "12")
    assert Locator.parse("E1/p1/luks/lvm1/ext4:12") == Locator("E1", "p1/luks/lvm1", "ext4", "12")
    assert Locator.parse("E1/p2/vss3") == Locator("E1", "p2/vss3")
    assert Locator.parse("E1/p2/lvm1/p1/ntfs:5-144-1") == Locator("E1", "p2/lvm1/p1", "ntfs", "5-144-1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/p1",
        "E1/",
        "E1/q1",
        "E1/p",
        "E1/p1/ntfs",
        "E1/p1/ntfs:",
        "E1/p1/ntfs:1-2",
        "E1/p1/ntfs:1\n",
        "E 1",
        "E1/lvm1/ext4:12",
        "E1/p1/luks1",
        "E1/p1/lvm/ext4:1",
        "E1/p1/lvm1/ext4",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(LocatorError, match="malformed locator"):
        Locator.parse(text)
