"""A set of inode numbers behaves like a set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forensics.evidence.filesystems.inode_set import InodeSet

_INODES = st.one_of(st.integers(0, 20), st.integers(0, 100_000), st.integers(0, 2**64))


@given(added=st.lists(_INODES), asked=st.lists(_INODES))
def test_holds_what_was_added(added: list[int], asked: list[int]) -> None:
    inodes, oracle = InodeSet(), set[int]()
    for inode in added:
        assert inodes.add(inode) is (inode not in oracle)
        oracle.add(inode)
    assert all((inode in inodes) is (inode in oracle) for inode in added + asked)
