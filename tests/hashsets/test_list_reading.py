"""A list is read alike in this process and in one of its own, and whatever ends that one is one clear line."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.errors import ListFormatError
from hashsets import list_reading
from hashsets.format import Disposition
from hashsets.library import Library
from hashsets.list_reading import Batch, ListEnd, read_list
from hashsets.recognition import recognise

Read = Callable[[Path], list[Batch | ListEnd]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def run(path: Path) -> list[Batch | ListEnd]:
        with path.open("rb", buffering=0) as file:
            return list(read_list(file, path, recognise(file, path, None, tmp_path / "scratch")))

    return run


@pytest.fixture
def in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_reading, "WORTH_A_PROCESS", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def vics(path: Path, entries: int) -> Path:
    media = ",".join(
        f'{{"MediaID": {n}, "Category": 1, "MD5": "{n:032x}", "MediaSize": {n}, "Tags": "a é",'
        f' "AlternativeHashes": [{{"HashName": "PDQ", "HashValue": "{n * 0x9E3779B97F4A7C15 % 2**256:064x}"}}]}}'
        for n in range(1, entries + 1)
    )
    path.write_text('{"@odata.context": "http://x/v2.0/US/$metadata#Media", "value": [' + media + ',{"MD5": "zz"}]}')
    return path


def csv(path: Path, entries: int) -> Path:
    path.write_text("md5,category\n" + "".join(f"{n:032x},{n % 3}\n" for n in range(entries)) + "nothing,1\n")
    return path


@pytest.mark.parametrize("write", [vics, csv])
def test_both_ways_read_the_same(
    write: Callable[[Path, int], Path], read: Read, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = write(tmp_path / "list", 3000)
    here = read(path)
    request.getfixturevalue("in_a_process")
    there = read(path)
    assert [message.others if isinstance(message, Batch) else message for message in there] == [
        message.others if isinstance(message, Batch) else message for message in here
    ]
    for one, other in zip(here, there, strict=True):
        if isinstance(one, Batch) and one.rows is not None:
            assert isinstance(other, Batch)
            assert other.rows is not None
            assert [list(column) for column in one.rows] == [list(column) for column in other.rows]


@pytest.mark.usefixtures("in_a_process")
def test_an_import_of_a_large_list_holds_what_a_small_one_does(tmp_path: Path) -> None:
    path = vics(tmp_path / "list.json", 500)
    with Library(tmp_path / "library") as library:
        known_set = library.import_list(path, "large", Disposition.NOTABLE)
        assert (known_set.entries, known_set.rejected, known_set.format) == (500, 1, "vics")
        (found,) = library.lookup([f"{7:032x}"])
    assert [match.entry.position for match in found] == [7]


@pytest.mark.usefixtures("in_a_process")
def test_what_is_wrong_with_a_list_is_told_as_ever(read: Read, tmp_path: Path) -> None:
    path = vics(tmp_path / "list.json", 50)
    path.write_text(path.read_text()[:-40])
    with pytest.raises(ListFormatError, match="ends too early after entry 49"):
        read(path)


@pytest.mark.usefixtures("in_a_process")
def test_a_reading_process_that_is_killed_ends_the_import_with_one_line(tmp_path: Path) -> None:
    path = csv(tmp_path / "list.csv", 100_000)
    with path.open("rb", buffering=0) as file:
        received = recognise(file, path, None, tmp_path / "scratch")
        reading = read_list(file, path, received)
        next(reading)
        for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
        with pytest.raises(ListFormatError, match="reading it ended a process"):
            list(reading)


@pytest.mark.usefixtures("in_a_process")
def test_a_file_that_is_replaced_meanwhile_is_refused(tmp_path: Path) -> None:
    path = csv(tmp_path / "list.csv", 10)
    with path.open("rb", buffering=0) as file:
        received = recognise(file, path, None, tmp_path / "scratch")
        path.rename(tmp_path / "old")
        csv(path, 10)
        with pytest.raises(ListFormatError, match="was replaced"):
            list(read_list(file, path, received))


@pytest.mark.usefixtures("in_a_process")
def test_no_process_is_left_when_reading_is_given_up(tmp_path: Path) -> None:
    path = csv(tmp_path / "list.csv", 100_000)
    with path.open("rb", buffering=0) as file:
        reading = read_list(file, path, recognise(file, path, None, tmp_path / "scratch"))
        next(reading)
        reading.close()  # type: ignore[attr-defined]
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert not [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
