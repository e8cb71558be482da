"""What was read last is kept, up to a limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.evidence.images.chunk_cache import ChunkCache


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 50))
def test_gives_what_was_made_within_its_limit(keys: list[int], limit: int) -> None:
    cache = ChunkCache(limit)
    for key in keys:
        assert cache.get(key, lambda key=key: bytes([key]) * key) == bytes([key]) * key  # type: ignore[misc]
        assert cache._size == sum(map(len, cache._chunks.values()))
        assert cache._size <= limit or len(cache._chunks) == 1


def test_the_one_used_longest_ago_goes_first() -> None:
    cache = ChunkCache(3)
    made: list[str] = []

    def get(key: str) -> None:
        cache.get(key, lambda: made.append(key) or b"x")  # type: ignore[func-returns-value]

    for key in "abcad":
        get(key)
    for key in "acdb":
        get(key)
    assert made == ["a", "b", "c", "d", "b"]


def test_what_cannot_be_made_is_not_kept() -> None:
    cache = ChunkCache()
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: bytes(1 // 0))
    assert cache.get("a", lambda: b"a") == b"a"
    cache.clear()
    assert cache.get("a", lambda: b"b") == b"b"
