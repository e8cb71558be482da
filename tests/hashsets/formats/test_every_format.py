"""Every registered list format: what it must read, what it sets aside, what it survives. None is left out."""

from __future__ import annotations

import contextlib
import random
import re
import tracemalloc
from pathlib import Path

import pytest

from forensics.errors import ListFormatError
from hashsets.format import HEAD_SIZE, Disposition, KnownEntry, ListFormat, ListItem, RejectedEntry
from hashsets.library import Library
from plugins import loader
from tests.hashsets.formats.sample import Sample
from tests.hashsets.formats.samples import SAMPLES
from tests.hashsets.formats.samples_of_nsrl import nsrl_full, nsrl_old
from tests.hashsets.invented import seeded

FORMATS = {each.name: each for each in loader.list_formats()}
EVERY = pytest.mark.parametrize("name", sorted(FORMATS))
VARIANTS = [("nsrl", nsrl_full), ("nsrl-text", nsrl_old)]
QUOTED_HASH = re.compile(r"[0-9a-fA-F]{16}")
DAMAGE = [
    b'"',
    b"'",
    b"{",
    b"[",
    b"]",
    b"}",
    b"<",
    b"</",
    b">",
    b"&",
    b"\0",
    b"\n",
    b",",
    b";",
    b"(",
    b")",
    b"9" * 400,
    b"NaN",
]


def read(list_format: ListFormat, path: Path) -> list[ListItem]:
    with path.open("rb") as file:
        return list(list_format.read(file))


def entries_in(items: list[ListItem]) -> list[KnownEntry]:
    return [item for item in items if isinstance(item, KnownEntry)]


def rejected_in(items: list[ListItem]) -> list[RejectedEntry]:
    return [item for item in items if isinstance(item, RejectedEntry)]


def written(folder: Path, data: bytes) -> Path:
    path = folder / "list"
    path.write_bytes(data)
    return path


def first_to_recognise(path: Path) -> str | None:
    head = path.read_bytes()[:HEAD_SIZE]
    for name, each in FORMATS.items():
        if each.recognises(head) and (not each.needs_path or each.recognises_path(path)):
            return name
    return None


def test_every_registered_format_has_a_generator_and_every_generator_a_format() -> None:
    assert FORMATS.keys() == SAMPLES.keys()


@EVERY
def test_a_generated_list_is_recognised_by_its_content_and_read_as_it_was_made(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name].sample(seeded(1), 300)
    _is_read(name, sample, tmp_path)


@pytest.mark.parametrize(("name", "generator"), VARIANTS)
def test_so_are_the_other_layouts_of_a_format(name: str, generator: object, tmp_path: Path) -> None:
    assert callable(generator)
    _is_read(name, generator(seeded(2), 300), tmp_path)


def _is_read(name: str, sample: Sample, folder: Path) -> None:
    path = written(folder, sample.data)
    assert first_to_recognise(path) == name
    items = read(FORMATS[name], path)
    assert rejected_in(items) == []
    assert entries_in(items) == sample.entries


@EVERY
def test_a_byte_order_mark_utf16_and_windows_lines_change_nothing(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name].sample(seeded(3), 40)
    if not sample.is_text:
        return
    text = sample.data.decode().replace("\r\n", "\n")
    for data in (
        b"\xef\xbb\xbf" + text.encode(),
        b"\xff\xfe" + text.encode("utf-16-le"),
        b"\xfe\xff" + text.encode("utf-16-be"),
        text.replace("\n", "\r\n").encode(),
    ):
        _is_read(name, Sample(data, sample.entries), tmp_path)


@EVERY
def test_of_a_hostile_list_the_sound_entries_are_imported_and_the_others_set_aside(
    name: str, library: Library, tmp_path: Path
) -> None:
    hostile = SAMPLES[name].hostile(seeded(4))
    path = written(tmp_path, hostile.data)
    known_set = library.import_list(path, "n", Disposition.REFERENCE)
    assert known_set.format == name
    reasons = [entry.reason for entry in library.rejected("n")]
    assert (known_set.entries, known_set.rejected) == (hostile.imported, hostile.rejected), reasons
    for reason in reasons:
        assert QUOTED_HASH.search(reason) is None
        assert len(reason.splitlines()) == 1


BROKEN = [(name, what) for name in sorted(SAMPLES) for what in SAMPLES[name].broken]


@pytest.mark.parametrize(("name", "what"), BROKEN)
def test_a_broken_list_is_refused_in_one_line_and_in_little_memory(
    name: str, what: str, library: Library, tmp_path: Path
) -> None:
    path = written(tmp_path, SAMPLES[name].broken[what])
    tracemalloc.start()
    try:
        with pytest.raises(ListFormatError) as caught:
            library.import_list(path, "n", Disposition.NOTABLE)
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert "failed (" not in str(caught.value)
    assert library.sets() == []


@EVERY
def test_two_hundred_damaged_lists_give_entries_or_one_line_and_never_quote_a_hash(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name].sample(seeded(5), 12).data
    for seed in range(200):
        path = written(tmp_path, damaged(sample, seeded(seed)))
        said: list[str] = []
        items: list[ListItem] = []
        try:
            with path.open("rb") as file:
                for item in FORMATS[name].read(file):
                    items.append(item)  # noqa: PERF402  what came before an error counts
        except ListFormatError as error:
            said = [str(error)]
        for text in (*said, *(each.reason for each in rejected_in(items))):
            assert QUOTED_HASH.search(text) is None
            assert "\n" not in text
        positions = [entry.position for entry in entries_in(items)]
        assert positions == sorted(set(positions))


def damaged(sample: bytes, chance: random.Random) -> bytes:
    """Damage a list in a few places."""
    data = bytearray(sample)
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0 if data:
                data[place % len(data)] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randint(1, 60)]
            case 2:
                data[place:place] = chance.randbytes(chance.randint(1, 20))
            case 3:
                data[place:place] = chance.choice(DAMAGE)
            case _:
                data[place:place] = data[: chance.randint(1, 300)]
    return bytes(data)


@EVERY
def test_memory_does_not_grow_with_the_list(name: str, tmp_path: Path) -> None:
    peaks = []
    for count in (1500, 3000):
        path = written(tmp_path, SAMPLES[name].sample(seeded(6), count).data)
        tracemalloc.start()
        try:
            with path.open("rb") as file:
                assert sum(isinstance(item, KnownEntry) for item in FORMATS[name].read(file)) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000


@EVERY
def test_nothing_that_names_or_describes_is_imported(name: str, library: Library, tmp_path: Path) -> None:
    path = written(tmp_path, SAMPLES[name].sample(seeded(7), 50).data)
    library.import_list(path, "n", Disposition.NOTABLE)
    stored = b"".join(file.read_bytes() for file in library.folder.rglob("*") if file.is_file())
    for text in (b"invented series", b"a name", b"Invented Member", b"an invented set", b"a remark", b"plain.dll"):
        assert text not in stored


@EVERY
def test_an_empty_or_foreign_file_is_not_taken_for_a_list(name: str, tmp_path: Path) -> None:
    for data in (
        b"",
        b"\n\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"<html></html>",
        b"{}",
        b"[1, 2]",
        b"SQLite format 3\0",
    ):
        path = written(tmp_path, data)
        each = FORMATS[name]
        assert not (each.recognises(data) and (not each.needs_path or each.recognises_path(path)))
        with contextlib.suppress(ListFormatError):
            assert entries_in(read(each, path)) == []
