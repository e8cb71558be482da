"""A damaged file system with thousands of orphans that cannot all be there does not fill the case."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.evidence.filesystems.orphan_budget import MAX_FACTOR, within_budget
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import Allocation, NotExamined, Stream
from forensics.reason import Reason
from tests.evidence.conftest import Run
from tests.evidence.sleuthkit import walk

_SIZE = 16 << 20
_FILES = 1500


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """An ext4 volume with a folder of many small files and some files beside it."""
    folder = tmp_path_factory.mktemp("orphans")
    (folder / "tree/many").mkdir(parents=True)
    for number in range(_FILES):
        (folder / f"tree/many/{number}").write_bytes(b"%d" % number * 200)
    for number in range(5):
        (folder / f"tree/z{number}").write_bytes(b"kept" * 1000)
    run("mke2fs", "-q", "-t", "ext4", "-N", "4096", "-O", "^has_journal", "-d", folder / "tree", folder / "ext4", "16M")
    return folder / "ext4"


def _orphaned(files: Path, path: Path, run: Run, size: int | None, *, first_size: int | None = None) -> Path:
    """A copy in which the folder is wiped and its files' inodes are free, with a size of our choice."""
    path.write_bytes(files.read_bytes())
    listing = subprocess.run(["fls", path, _inode(path, "many")], capture_output=True, check=True, text=True).stdout
    inodes = re.findall(r"^r/r (\d+):", listing, re.MULTILINE)
    assert len(inodes) == _FILES
    commands = [f"clri <{_inode(path, 'many')}>"]
    for number, inode in enumerate(inodes):
        stated = first_size if number == 0 and first_size else size
        commands += [f"sif <{inode}> size {stated}"] if stated else []
        commands += [f"sif <{inode}> links_count 0", f"freei <{inode}>"]
    script = path.with_suffix(".debugfs")
    script.write_text("\n".join(commands) + "\n")
    run("debugfs", "-w", "-f", script, path)
    return path


def _inode(path: Path, name: str) -> str:
    listing = subprocess.run(["fls", path], capture_output=True, check=True, text=True).stdout
    (inode,) = re.findall(rf"(\d+):\t{name}$", listing, re.MULTILINE)
    return str(inode)


def _orphans(streams: list[Stream]) -> list[Stream]:
    return [stream for stream in streams if stream.allocation is Allocation.ORPHAN]


def test_more_bytes_than_the_volume_can_hold_end_the_list(files: Path, tmp_path: Path, run: Run) -> None:
    image = _orphaned(files, tmp_path / "bogus.raw", run, 1 << 20)
    with Source.open(image, "E1") as source:
        streams, gaps = walk(source, source.volumes()[0])
    orphans = _orphans(streams)
    assert len(orphans) == MAX_FACTOR * (_SIZE >> 20) + 1
    (gap,) = gaps
    assert gap.reason is Reason.WALK_LIMIT
    assert f"{len(orphans):,} with {len(orphans) << 20:,} bytes listed" in gap.detail
    assert Locator.parse(gap.locator).file_system == "ext4"
    # what the directories name is all there, and first
    assert {stream.path for stream in streams} >= {b"z%d" % number for number in range(5)}
    assert streams[-len(orphans) :] == orphans


def test_as_many_orphans_as_can_be_there_are_all_listed(files: Path, tmp_path: Path, run: Run) -> None:
    image = _orphaned(files, tmp_path / "plausible.raw", run, None)
    with Source.open(image, "E1") as source:
        streams, gaps = walk(source, source.volumes()[0])
    assert (len(_orphans(streams)), gaps) == (_FILES, [])


def test_an_orphan_larger_than_the_volume_is_told_and_the_rest_is_listed(files: Path, tmp_path: Path, run: Run) -> None:
    image = _orphaned(files, tmp_path / "large.raw", run, None, first_size=_SIZE + 1)
    with Source.open(image, "E1") as source:
        streams, gaps = walk(source, source.volumes()[0])
    orphans = _orphans(streams)
    assert (len(orphans), gaps) == (_FILES, [])
    assert [stream.size for stream in orphans if stream.not_hashable is Reason.IMPLAUSIBLE_SIZE] == [_SIZE + 1]


def test_time_ends_the_list_but_not_that_of_whoever_takes_it() -> None:
    stream = Stream(Locator("E1", "p0", "ext4", "12"), b"orphan", 1, Allocation.ORPHAN)
    now = [0.0]

    def listing() -> Iterator[Stream]:
        for _ in range(100):
            now[0] += 1
            yield stream

    taken = []
    for item in within_budget(listing(), "E1/p0/ext4:99", 1000, seconds=10, clock=lambda: now[0]):
        taken.append(item)
        now[0] += 100
    assert len(taken) == 12
    assert isinstance(taken[-1], NotExamined)
    assert "11 with 11 bytes listed, in more than 10 seconds" in taken[-1].detail
