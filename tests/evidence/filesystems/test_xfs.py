"""XFS: what mkfs.xfs and the kernel wrote is read back."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import LocatorError, StreamReadError
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.reason import Reason
from tests.evidence.conftest import Run
from tests.evidence.noise import noise
from tests.evidence.sleuthkit import read_whole, walk


def bytes_at(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def copy_sparsely(source: Path, target: Path, offset: int, length: int) -> None:
    """Copy the first bytes of a file to an offset of another, without its holes."""
    with source.open("rb") as read, target.open("xb") as write:
        end = 0
        while True:
            try:
                start = os.lseek(read.fileno(), end, os.SEEK_DATA)
            except OSError:  # no more data
                break
            end = min(os.lseek(read.fileno(), start, os.SEEK_HOLE), length)
            if start >= length:
                break
            read.seek(start)
            write.seek(offset + start)
            write.write(read.read(end - start))
        write.truncate(offset + length)


@pytest.fixture(scope="module")
def xfs_image(tmp_path_factory: pytest.TempPathFactory, run: Run) -> tuple[Path, dict[bytes, bytes]]:
    """An XFS that mkfs.xfs fills from a folder, and what is in it."""
    folder = tmp_path_factory.mktemp("xfs")
    draw = noise(11)
    contents = {b"deep/er/%d" % number: draw.randbytes(draw.choice([1, 700, 5000, 70_000])) for number in range(80)}
    contents[b"empty"] = b""
    contents["ñandú".encode()] = b"name in UTF-8"
    tree: dict[bytes, list[str]] = {b"": [], b"deep": [], b"deep/er": []}
    for index, (path, content) in enumerate(contents.items()):
        source = folder / str(index)
        source.write_bytes(content)
        parent, _, name = path.rpartition(b"/")
        tree[parent].append(f"{name.decode()} ---644 0 0 {source}")
    inner = ["er d--755 0 0", *tree[b"deep/er"], "$"]
    lines = ["/", "0 0", "d--755 0 0", *tree[b""], "link l--777 0 0 empty", "deep d--755 0 0", *inner, "$", "$"]
    proto = folder / "proto"
    proto.write_text("\n".join(lines) + "\n")
    image = folder / "xfs.raw"
    run("mkfs.xfs", "-q", "-d", f"file,name={image},size=300m", "-p", proto)
    return image, contents


def test_every_file_is_listed_and_read(xfs_image: tuple[Path, dict[bytes, bytes]]) -> None:
    path, contents = xfs_image
    with Source.open(path, "E1") as source:
        (volume,) = source.volumes()
        streams, not_examined = walk(source, volume)
        assert not_examined == []
        found = {stream.path: stream for stream in streams}
        assert found.pop(b"link").size == 0
        assert set(found) == set(contents)
        for name, stream in found.items():
            content = read_whole(source, stream.locator)
            assert content == contents[name]
            assert stream.size == len(content)
            assert stream.locator.file_system == "xfs"
            assert stream.times.modified is not None
            if content:
                assert stream.physical_offset is not None
                assert bytes_at(path, stream.physical_offset, 512).startswith(content[:512])


def test_streams_are_reopened_by_their_locators(xfs_image: tuple[Path, dict[bytes, bytes]]) -> None:
    with Source.open(xfs_image[0], "E1") as source:
        streams = walk(source, source.volumes()[0])[0]
        texts = {str(stream.locator): read_whole(source, stream.locator) for stream in streams}
    with Source.open(xfs_image[0], "E1") as source:
        assert {text: read_whole(source, Locator.parse(text)) for text in texts} == texts
        for address in ("64", "999999999", "0"):
            with pytest.raises(LocatorError):
                source.open_stream(Locator("E1", "p0", "xfs", address))


def test_a_partition_is_read_where_it_lies(
    xfs_image: tuple[Path, dict[bytes, bytes]], tmp_path: Path, run: Run
) -> None:
    path, size = tmp_path / "disk.raw", xfs_image[0].stat().st_size
    copy_sparsely(xfs_image[0], path, 1 << 20, size)
    with path.open("r+b") as file:
        file.truncate((2 << 20) + size)
    run("sfdisk", path, standard_input=f"label: gpt\n3 : start=2048, size={size // 512}\n")
    with Source.open(path, "E1") as source:
        streams = walk(source, next(volume for volume in source.volumes() if volume.label == "p3"))[0]
        assert len(streams) == len(xfs_image[1]) + 1
        stream = next(stream for stream in streams if stream.size > 10_000)
        assert stream.physical_offset is not None
        assert bytes_at(path, stream.physical_offset, 4096) == read_whole(source, stream.locator)[:4096]


def test_a_truncated_image_is_walked_as_far_as_it_goes(
    xfs_image: tuple[Path, dict[bytes, bytes]], tmp_path: Path
) -> None:
    path = tmp_path / "cut.raw"
    copy_sparsely(xfs_image[0], path, 0, 200 << 20)
    with Source.open(path, "E1") as source:
        not_examined = walk(source, source.volumes()[0])[1]
    assert (not_examined[0].reason, not_examined[0].size) == (Reason.BEYOND_END_OF_IMAGE, 100 << 20)


def test_a_damaged_superblock_is_reported(xfs_image: tuple[Path, dict[bytes, bytes]], tmp_path: Path) -> None:
    path = tmp_path / "damaged.raw"
    with xfs_image[0].open("rb") as file:
        data = bytearray(file.read(4 << 20))
    data[4:8] = bytes(4)
    path.write_bytes(data)
    with Source.open(path, "E1") as source:
        (item,) = source.walk(source.volumes()[0])
    assert isinstance(item, NotExamined)
    assert item.reason is Reason.FILE_SYSTEM_DAMAGED
    assert "XFS" in item.detail


_FILL = r"""
import os, random, subprocess
draw = random.Random(3)
with open("hole", "wb") as file:
    file.seek(700_000); file.write(b"after the hole"); file.seek(5 << 20); file.write(b"more")
with open("all hole", "wb") as file:
    file.truncate(100_000)
with open("endless hole", "wb") as file:
    file.truncate(3 << 30)
os.mkdir("many")
for number in range(4000):
    with open(f"many/a file with a rather long name, number {number}", "wb") as file:
        file.write(draw.randbytes(draw.choice([0, 10, 5000])))
with open("scattered", "wb", buffering=0) as one, open("scattered too", "wb", buffering=0) as two:
    for number in range(150):
        for file in (one, two):
            os.pwrite(file.fileno(), draw.randbytes(4096), number * 3 * 4096)
            os.fsync(file.fileno())
with open("in thousands of pieces", "wb", buffering=0) as file:
    for number in range(3500):
        os.pwrite(file.fileno(), draw.randbytes(900), number * (1 + number % 3) * 16384)
with open("reserved", "wb") as file:
    file.write(b"z" * 5000); file.flush(); os.posix_fallocate(file.fileno(), 0, 1 << 20)
with open("large", "wb") as file:
    file.write(draw.randbytes(9 << 20))
subprocess.run(["cp", "--reflink=always", "large", "shared blocks"], check=True)
with open("shared blocks", "r+b") as file:
    file.seek(40_960); file.write(bytes(9000))
os.link("large", "second name")
os.symlink("x" * 900, "long link")
os.mkfifo("pipe")
with open(b"not \xff UTF-8", "wb") as file:
    file.write(b"content all the same")
os.utime("hole", ns=(1_000_000_000_123456789, 4_102_444_800_000000005))
"""


@pytest.fixture(
    scope="module", params=["", "-b size=1024 -n size=8192", "-i nrext64=1 -m bigtime=1", "-m reflink=1,rmapbt=1"]
)
def kernel_image(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, run: Run
) -> tuple[Path, dict[bytes, bytes], int]:
    """An XFS that the kernel filled, and what the kernel reads from it; a time of one of the files."""
    if os.geteuid():
        pytest.skip("mounting needs root")
    folder = tmp_path_factory.mktemp("kernel")
    image, mounted = folder / "xfs.raw", folder / "mounted"
    mounted.mkdir()
    run("mkfs.xfs", "-q", *request.param.split(), "-d", f"file,name={image},size=320m")
    if subprocess.run(["mount", "-o", "loop", image, mounted], check=False, capture_output=True).returncode:
        pytest.skip("the kernel mounts no such XFS here")
    try:
        subprocess.run(["python3", "-c", _FILL], check=True, cwd=mounted)
        contents = {
            os.fsencode(path.relative_to(mounted)): path.read_bytes()
            for path in mounted.rglob("*")
            if path.name not in {"long link", "endless hole"} and path.is_file()
        }
        modified = (mounted / "hole").stat().st_mtime_ns
    finally:
        run("umount", mounted)
    return image, contents, modified


def test_what_the_kernel_wrote_is_read_back(kernel_image: tuple[Path, dict[bytes, bytes], int]) -> None:
    path, contents, modified = kernel_image
    with Source.open(path, "E1") as source:
        streams, not_examined = walk(source, source.volumes()[0])
        assert not_examined == []
        found: dict[bytes, Stream] = {stream.path: stream for stream in streams}
        assert len(found) == len(streams)
        assert found.pop(b"pipe").size == found.pop(b"long link").size == 0
        assert found.pop(b"endless hole").not_hashable is Reason.SPARSE
        assert found[b"second name"].locator == found[b"large"].locator
        assert found[b"hole"].times.modified == modified
        assert set(found) == set(contents)
        assert b"not \xff UTF-8" in found
        for name, content in contents.items():
            assert read_whole(source, found[name].locator) == content, name
            offset = found[name].physical_offset
            if offset is not None and not name.endswith((b"hole", b"reserved")):
                assert bytes_at(path, offset, 512) == content[:512].ljust(512, b"\0")


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_damage_never_goes_beyond_what_is_damaged(
    data: st.DataObject, xfs_image: tuple[Path, dict[bytes, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    image = bytearray(bytes_at(xfs_image[0], 0, 1 << 20))
    # the superblock, the directories and inodes of the first chunk, the data behind them
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 230) | st.integers(0, 200 * 1024))
        image[place : place + 1] = data.draw(st.binary(min_size=1, max_size=8))
    path = tmp_path_factory.mktemp("damaged") / "xfs.raw"
    path.write_bytes(image[: 1 << 20])
    with Source.open(path, "E1") as source:
        for volume in source.volumes():
            for stream in walk(source, volume)[0]:
                if stream.not_hashable is None and stream.size < 1 << 20:
                    with suppress(StreamReadError):
                        assert len(read_whole(source, stream.locator)) == stream.size
