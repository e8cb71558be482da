"""A library to import into, and lists to import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hashsets.library import Library
from tests.hashsets.invented import hexadecimal, seeded


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A new, empty library."""
    with Library(tmp_path / "library") as library:
        yield library


@pytest.fixture
def md5_list(tmp_path: Path) -> Path:
    """A list of 1,000 invented MD5 values with two malformed lines, 3 and 500."""
    chance = seeded(1)
    lines = [f"{hexadecimal(chance, 32)}  IMG_{number}.jpg" for number in range(1, 1001)]
    lines[2] = "not a digest"
    lines[499] = lines[499][1:]
    path = tmp_path / "list.md5"
    path.write_text("\n".join(lines) + "\n")
    return path
