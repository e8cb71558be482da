"""Inflating: what zlib inflates, whole and checked, within bounds; the same with either library."""

from __future__ import annotations

import importlib
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.evidence.images import inflate


@pytest.fixture(params=["isal", "zlib"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module as it is, and as it is where isal is not installed."""
    if request.param == "zlib":
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, inflate.__name__)
    module = importlib.import_module(inflate.__name__)
    assert request.param == module.INFLATER
    yield module
    sys.modules[inflate.__name__] = inflate


def test_isal_is_used() -> None:
    assert inflate.INFLATER == "isal"


@given(data=st.binary(max_size=100_000), level=st.integers(0, 9), behind=st.binary(max_size=10))
def test_inflates_what_zlib_deflated(data: bytes, level: int, behind: bytes) -> None:
    assert inflate.inflate(zlib.compress(data, level) + behind, len(data)) == data


def test_inflates_with_either_library(library: ModuleType) -> None:
    data = bytes(range(256)) * 128
    assert library.inflate(memoryview(zlib.compress(data)), len(data)) == data
    assert library.adler32(data) == zlib.adler32(data)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (zlib.compress(bytes(1001)), "more than 1000 bytes"),
        (zlib.compress(bytes(100_000_000)), "more than 1000 bytes"),
        (zlib.compress(b"some")[:-1], "break off"),
        (b"", "break off"),
        (b"no zlib data", "damaged"),
        (zlib.compress(b"some")[:-1] + b"\0", "damaged"),
        (b"\x78\xbb" + bytes(20), "damaged"),
    ],
)
def test_what_is_damaged_or_too_much_is_told(library: ModuleType, data: bytes, what: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(library.InflateError, match=what):
            library.inflate(data, 1000)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
