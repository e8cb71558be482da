"""What is generated of a list format: a list with the truth about it, a hostile one, and broken ones.

All hashes are random bits.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from hashsets.format import KnownEntry
from tests.hashsets.invented import hexadecimal

Chance: TypeAlias = random.Random
HUGE = "9" * 5000


@dataclass(frozen=True, slots=True)
class Sample:
    """A list, and the truth about it."""

    data: bytes
    entries: list[KnownEntry]
    is_text: bool = True


@dataclass(frozen=True, slots=True)
class Hostile:
    """A list with malformed entries among sound ones.

    Attributes:
        data: The list.
        imported: How many entries must be imported.
        rejected: How many must be set aside.
    """

    data: bytes
    imported: int
    rejected: int


@dataclass(frozen=True, slots=True)
class FormatSamples:
    """What is generated of one format.

    Attributes:
        sample: Makes a sound list of so many entries.
        hostile: Makes a hostile one.
        broken: Lists that must be refused whole, by what is wrong with them.
    """

    sample: Callable[[Chance, int], Sample]
    hostile: Callable[[Chance], Hostile]
    broken: Mapping[str, bytes] = field(default_factory=dict)


def triple(chance: Chance) -> tuple[str, str, str]:
    return hexadecimal(chance, 32), hexadecimal(chance, 40), hexadecimal(chance, 64)


def photodna(chance: Chance) -> bytes:
    return chance.randbytes(144)


def database(statements: str, rows: Mapping[str, Iterable[tuple[Any, ...]]]) -> bytes:
    """Make an SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.db"
        connection = sqlite3.connect(path)
        connection.executescript(statements)
        for insert, values in rows.items():
            connection.executemany(insert, values)
        connection.commit()
        connection.close()
        return path.read_bytes()
