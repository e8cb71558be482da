"""hashsets.formats.vpdq: held against Meta's published sample hashes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ListFormatError
from hashsets.format import KnownEntry, KnownPerceptualHash, ListFormat
from hashsets.formats import vpdq
from hashsets.formats.vpdq import VpdqFormat
from tests.hashsets.formats.contract import ListFormatContract, entries_of, read, rejected_of
from tests.hashsets.invented import hashes, hexadecimal, seeded

VPDQ = VpdqFormat()
CHANCE = seeded(8)
VALUES = [hexadecimal(CHANCE, 64) for _ in range(4)]


def film(*values: str, quality: int = 100) -> bytes:
    """A film of some frames, as the tool writes it."""
    return "".join(f"{n},{quality},{value},{n / 30:.3f}\n" for n, value in enumerate(values)).encode()


class TestContract(ListFormatContract):
    list_format: ClassVar[ListFormat] = VPDQ
    samples: ClassVar[list[bytes]] = [film(*VALUES), film(*VALUES[:2]) + film(*VALUES[2:]), film(VALUES[0].upper())]
    endless: ClassVar[tuple[bytes, bytes]] = (film(*VALUES), film(*VALUES))


def test_a_film_is_one_entry_with_a_hash_for_each_frame_and_its_quality() -> None:
    (entry,) = entries_of(VPDQ, film(*VALUES, quality=49))
    assert entry == KnownEntry(1, perceptual=tuple(KnownPerceptualHash("vpdq", value, 49) for value in VALUES))


def test_films_put_one_after_the_other_are_an_entry_each_at_the_line_of_its_first_frame() -> None:
    entries = entries_of(VPDQ, film(*VALUES[:3]) + b"\n" + film(VALUES[3], VALUES[0]) + film(VALUES[1]) * 2)
    assert [(entry.position, len(entry.perceptual)) for entry in entries] == [(1, 3), (5, 2), (7, 1), (8, 1)]


def test_equal_frames_are_kept_once() -> None:
    (entry,) = entries_of(VPDQ, film(VALUES[0], VALUES[0], VALUES[1]))
    assert [known.value for known in entry.perceptual] == VALUES[:2]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"1,100,{VALUES[0]}", "3 columns where vPDQ has 4"),
        (f"1,100,{VALUES[0][1:]},0.1", "vpdq is not 64 hexadecimal digits"),
        (f"1,101,{VALUES[0]},0.1", "quality is not a whole number from 0 to 100"),
        (f"-1,100,{VALUES[0]},0.1", "frame is not a whole number"),
        (f",100,{VALUES[0]},0.1", "a frame without its number or quality"),
        (f"1,,{VALUES[0]},0.1", "a frame without its number or quality"),
        ("x" * 70_000, "line too long"),
    ],
)
def test_a_malformed_frame_is_set_aside_and_its_film_kept(line: str, reason: str) -> None:
    data = film(VALUES[0]) + f"{line}\n2,100,{VALUES[1]},0.2\n".encode()
    assert rejected_of(VPDQ, data) == [(2, reason)]
    (entry,) = [item for item in read(VPDQ, data) if isinstance(item, KnownEntry)]
    assert [known.value for known in entry.perceptual] == VALUES[:2]


def test_a_film_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vpdq, "MOST_FRAMES", 3)
    assert len(entries_of(VPDQ, film(*VALUES[:3]))) == 1
    with pytest.raises(ListFormatError, match=r"line 4.*more than 3 frames"):
        read(VPDQ, film(*VALUES))


@given(st.lists(st.lists(hashes(64), min_size=1, max_size=5, unique=True), min_size=1, max_size=4))
def test_what_was_written_is_read(films: list[list[str]]) -> None:
    entries = entries_of(VPDQ, b"".join(film(*values) for values in films))
    assert [[known.value for known in entry.perceptual] for entry in entries] == films


def test_published_samples(corpora: Path) -> None:
    samples = sorted((corpora / "perceptual" / "video").glob("*.vpdq.txt"))
    assert len(samples) == 3
    for sample in samples:
        assert VPDQ.recognises(sample.read_bytes()[:4096])
        (entry,) = entries_of(VPDQ, sample.read_bytes())
        rows = [line.split(",") for line in sample.read_text().split()]
        assert {(known.value, known.quality) for known in entry.perceptual} == {(row[2], int(row[1])) for row in rows}
