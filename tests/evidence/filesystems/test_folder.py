"""A folder's files are those the operating system shows, read without a trace, and found again by address."""

from __future__ import annotations

import gc
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from forensics.errors import EvidenceError, LocatorError, StreamReadError
from forensics.evidence.filesystem import StreamReader
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import Stream
from forensics.reason import Reason
from tests.evidence.folders import in_own_mounts, regular_files, varied_tree, walk


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return varied_tree(tmp_path / "tree")


def read(source: Source, stream: Stream) -> bytes:
    reader = source.open_stream(stream.locator)
    return b"".join(reader.read_at(offset, 1000) for offset in range(0, reader.size, 1000))


def open_source(folder: Path) -> Source:
    return Source.open(folder, "E1", allow_writable=True)


def named(streams: list[Stream], path: bytes) -> Stream:
    return next(stream for stream in streams if stream.path == path)


def test_every_regular_file_is_listed_and_read_as_the_system_shows_it(tree: Path) -> None:
    streams, gaps = walk(tree)
    expected = regular_files(tree)
    with open_source(tree) as source:
        found = {stream.path: read(source, stream) for stream in streams if stream.path in expected}
    assert found == expected
    assert gaps == []
    assert {stream.path: stream.size for stream in streams if stream.path in expected} == {
        path: len(content) for path, content in expected.items()
    }


def test_links_pipes_and_sockets_are_named_and_never_opened(tree: Path) -> None:
    streams, _ = walk(tree)
    special = {stream.path: stream for stream in streams if stream.path not in regular_files(tree)}
    assert set(special) == {b"link", b"link to a folder", b"link to nowhere", b"pipe", b"socket"}
    with open_source(tree) as source:
        assert {read(source, stream) for stream in special.values()} == {b""}


def test_every_name_of_a_file_leads_to_one_address(tree: Path) -> None:
    streams, _ = walk(tree)
    assert named(streams, b"text07.txt").locator == named(streams, b"deep/again.txt").locator
    others = [stream.locator for stream in streams if stream.path != b"deep/again.txt"]
    assert len(set(others)) == len(others)


def test_addresses_hold_no_name_and_can_be_parsed(tree: Path) -> None:
    for stream in walk(tree)[0]:
        assert re.fullmatch(r"E1/p0/folder:\d+-\d+-\d+", str(stream.locator))
        assert Locator.parse(str(stream.locator)) == stream.locator


def test_times_are_those_of_the_system(tree: Path) -> None:
    os.utime(tree / "text01.txt", ns=(1_234_567_890_123_456_789, 1_111_111_111_111_111_111))
    times = named(walk(tree)[0], b"text01.txt").times
    assert (times.accessed, times.modified) == (1_234_567_890_123_456_789, 1_111_111_111_111_111_111)
    assert times.changed == (tree / "text01.txt").stat().st_ctime_ns


@pytest.mark.parametrize("seconds", [-1_500_000_000, 10_413_792_000], ids=["1922", "2300"])
def test_a_time_that_no_computer_can_have_set_yet_hinders_nothing(tree: Path, seconds: int) -> None:
    os.utime(tree / "text01.txt", ns=(0, seconds * 1_000_000_000))
    if (tree / "text01.txt").stat().st_mtime != seconds:
        pytest.skip("this file system holds no such times")
    os.utime(tree, ns=(0, seconds * 1_000_000_000))
    streams, gaps = walk(tree)
    assert gaps == []
    stream = named(streams, b"text01.txt")
    assert stream.times.modified == seconds * 1_000_000_000
    with open_source(tree) as source:
        assert read(source, stream) == (tree / "text01.txt").read_bytes()


def test_walking_and_reading_leave_no_trace(tree: Path) -> None:
    paths = [Path(folder) / name for folder, inner, names in os.walk(tree) for name in (".", *inner, *names)]
    for path in paths:
        os.utime(path, ns=(1, 2), follow_symlinks=False)
    streams, _ = walk(tree)
    with open_source(tree) as source:
        for stream in streams:
            read(source, stream)
    assert {path.lstat().st_atime_ns for path in paths} == {1}
    (tree / "text04.txt").read_bytes()
    assert (tree / "text04.txt").stat().st_atime_ns > 1, "this file system keeps no access times: nothing was shown"


def test_the_same_order_and_addresses_in_a_copy_at_another_place(tree: Path, tmp_path: Path) -> None:
    subprocess.run(["cp", "-a", tree, tmp_path / "copy"], check=True)
    first, second = ([(s.path, s.locator, s.size) for s in walk(folder)[0]] for folder in (tree, tmp_path / "copy"))
    assert first == second


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda tree: (tree / "deep/er/7").write_bytes(b"short"), "has changed since"),
        (lambda tree: os.truncate(tree / "deep/er/7", 9999), "has changed since"),
        (lambda tree: (tree / "deep/er/7").unlink(), "has changed since"),
        (lambda tree: (tree / "deep/er/60").write_bytes(b"one more"), "has changed since"),
        (lambda tree: os.utime(tree / "deep/er/7", ns=(0, 5)), "has changed since"),
    ],
)
def test_what_changed_after_the_walk_is_an_error_and_never_another_file(
    tree: Path, change: object, problem: str
) -> None:
    stream = named(walk(tree)[0], b"deep/er/7")
    assert callable(change)
    change(tree)
    with open_source(tree) as source, pytest.raises(StreamReadError, match=problem):
        source.open_stream(stream.locator)


def test_a_folder_that_came_later_leads_no_address_astray(tree: Path) -> None:
    streams, _ = walk(tree)
    expected = regular_files(tree)
    (tree / "a new folder").mkdir()
    (tree / "a new folder/0").write_bytes(b"0")
    refused = 0
    with open_source(tree) as source:
        for stream in streams:
            if stream.path in expected:
                try:
                    assert read(source, stream) == expected[stream.path]
                except EvidenceError:
                    refused += 1
    assert refused


def test_a_file_that_is_written_to_while_it_is_read_is_an_error(tree: Path) -> None:
    file = tree / "deep/er/9"
    stream = named(walk(tree)[0], b"deep/er/9")
    with open_source(tree) as source:
        reader: StreamReader = source.open_stream(stream.locator)
        assert reader.read_at(0, 100) == file.read_bytes()[:100]
        with file.open("ab") as appended:
            appended.write(b"more")
        with pytest.raises(StreamReadError, match="written to while"):
            reader.read_at(100, 9999)
        reader = source.open_stream(named(walk(tree)[0], b"deep/er/8").locator)
        os.truncate(tree / "deep/er/8", 10)
        with pytest.raises(StreamReadError, match="ends at byte 10 of 508"):
            reader.read_at(0, 9999)


@pytest.mark.parametrize("address", ["7", "9999-0-1", "0-9999-1", "0-0-1"])
def test_addresses_of_nothing_are_refused(tree: Path, address: str) -> None:
    with open_source(tree) as source, pytest.raises((LocatorError, StreamReadError)):
        source.open_stream(Locator("E1", "p0", "folder", address))


def test_what_is_mounted_inside_is_a_gap_and_not_entered(tree: Path) -> None:
    script = """
        mount -t tmpfs none "$1/deep/er"; echo hidden > "$1/deep/er/inside"
        touch /tmp/one-file; mount --bind "$1/text01.txt" "$1/text02.txt"
        mkdir "$1/bound"; mount --bind "$1/deep" "$1/bound"
        "$PYTHON" -c "$2" "$1"
    """
    program = """
import sys; from pathlib import Path
from tests.evidence.folders import walk
streams, gaps = walk(Path(sys.argv[1]))
print([s.path for s in streams if b"inside" in s.path or b"text02" in s.path or b"bound" in s.path])
print(len(gaps), {str(gap.reason) for gap in gaps})
"""
    assert in_own_mounts(script, tree, program) == "[]\n3 {'other-file-system'}\n"


def test_what_may_not_be_read_is_recorded_one_by_one(tmp_path: Path) -> None:
    program = """
import sys; from pathlib import Path
from forensics.errors import StreamReadError
from forensics.evidence.source import Source
from tests.evidence.folders import walk
streams, gaps = walk(Path(sys.argv[1]))
print(sorted(s.path for s in streams), [(str(gap.reason), gap.detail) for gap in gaps])
with Source.open(Path(sys.argv[1]), "E1", allow_writable=True) as source:
    for stream in streams:
        try:
            print(source.open_stream(stream.locator).read_at(0, 9))
        except StreamReadError as error:
            print(error.what)
"""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "closed").mkdir()
    (folder / "closed/inside").write_bytes(b"x")
    (folder / "open").write_bytes(b"open")
    (folder / "secret").write_bytes(b"secret")
    (folder / "secret").chmod(0)
    (folder / "closed").chmod(0)
    drop = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    try:
        command: list[str | Path] = [*drop, sys.executable, "-c", program, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        (folder / "closed").chmod(0o700)
    gap = ("directory-unreadable", "directory 1 in the order of the walk: cannot be opened (Permission denied)")
    assert done.stdout.splitlines() == [
        f"[b'open', b'secret'] [{gap}]",
        "b'open'",
        "cannot be opened (Permission denied)",
    ]


def test_nearly_empty_giants_are_not_read_for_days(tmp_path: Path) -> None:
    with (tmp_path / "nothing").open("wb") as file:
        file.truncate(2 << 30)
    with (tmp_path / "almost nothing").open("wb") as file:
        file.truncate(100 << 30)
        file.write(b"something")
    assert {stream.path: stream.not_hashable for stream in walk(tmp_path)[0]} == {
        b"nothing": Reason.SPARSE,
        b"almost nothing": Reason.TOO_SPARSE,
    }


def test_paths_longer_than_the_system_takes(tmp_path: Path) -> None:
    place = os.open(tmp_path, os.O_RDONLY)
    depth, name = 40, "d" * 200
    for _ in range(depth):
        os.mkdir(name, dir_fd=place)
        inner = os.open(name, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    file = os.open("file", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=place)
    os.write(file, b"far down")
    os.close(file)
    os.close(place)
    (stream,), gaps = walk(tmp_path)
    assert (len(stream.path), gaps) == (depth * 201 + 4, [])
    with open_source(tmp_path) as source:
        assert read(source, stream) == b"far down"


def test_twenty_thousand_files_are_all_found_and_read(tmp_path: Path) -> None:
    for number in range(200):
        folder = tmp_path / f"{number % 10}/{number % 100}/{number}"
        folder.mkdir(parents=True)
        for inner in range(100):
            (folder / f"{inner}").write_bytes(b"%d of %d" % (inner, number))
    streams, gaps = walk(tmp_path)
    assert (len(streams), gaps) == (20_000, [])
    command = ["find", ".", "-type", "f", "-exec", "sha256sum", "{}", "+"]
    oracle = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    expected = sorted(line.split()[0] for line in oracle.splitlines())
    gc.collect()  # what earlier tests left open
    before = len(list(Path("/proc/self/fd").iterdir()))
    with open_source(tmp_path) as source:
        found = sorted(hashlib.sha256(read(source, stream)).hexdigest() for stream in streams)
        assert len(list(Path("/proc/self/fd").iterdir())) < before + 100
    assert found == expected
