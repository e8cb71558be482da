"""Walks over real file systems, held against fls and icat of The Sleuth Kit's own programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import EvidenceError, LocatorError, StreamReadError
from forensics.evidence.filesystem import FileSystem
from forensics.evidence.filesystems.tsk import TskFileSystemFormat
from forensics.evidence.image import open_image
from forensics.evidence.source import Source
from forensics.evidence.stream import Allocation, NotExamined, Recovery, Stream
from forensics.reason import Reason
from plugins.sample_evidence import programs
from plugins.sample_evidence.ntfs_volume import NtfsVolume, format_ntfs
from tests.evidence.conftest import Require, Run
from tests.evidence.noise import noise
from tests.evidence.sleuthkit import differences, fls, icat, read_whole, walk

_IMAGES = ["ext4_image", "ntfs_image", "fat_image"]


@pytest.fixture
def ntfs(ntfs_image: Path) -> Iterator[Source]:
    with Source.open(ntfs_image, "E1") as source:
        yield source


@pytest.fixture
def ext4(ext4_image: Path) -> Iterator[Source]:
    with Source.open(ext4_image, "E1") as source:
        yield source


@pytest.fixture
def fat(fat_image: Path) -> Iterator[Source]:
    with Source.open(fat_image, "E1") as source:
        yield source


def _streams(source: Source) -> dict[bytes, Stream]:
    return {stream.path: stream for stream in walk(source, source.volumes()[0])[0]}


# every file system


@pytest.mark.parametrize("fixture", ["ext4_image", "fat_image", "ntfs_image"])
def test_lists_what_fls_lists_with_the_bytes_icat_gives(
    request: pytest.FixtureRequest, fixture: str, require: Require
) -> None:
    require("fls", "icat")
    image: Path = request.getfixturevalue(fixture)
    with Source.open(image, "E1") as source:
        assert list(differences_but_names(image, source)) == []


def differences_but_names(image: Path, source: Source) -> Iterator[str]:
    """Differences, but for the line feed that fls prints as a caret."""
    return (text for text in differences(image, source, source.volumes()[0]) if "line^feed" not in text)


@pytest.mark.parametrize("fixture", _IMAGES)
def test_walks_in_the_same_order_each_time(request: pytest.FixtureRequest, fixture: str) -> None:
    image: Path = request.getfixturevalue(fixture)
    walks = []
    for _ in range(2):
        with Source.open(image, "E1") as source:
            walks.append(list(source.walk(source.volumes()[0])))
    assert walks[0] == walks[1]
    assert len(walks[0]) > 5


@pytest.mark.parametrize("fixture", _IMAGES)
def test_the_physical_offset_is_where_the_bytes_stand(request: pytest.FixtureRequest, fixture: str) -> None:
    image: Path = request.getfixturevalue(fixture)
    disk = image.read_bytes()
    checked = 0
    with Source.open(image, "E1") as source:
        for stream in walk(source, source.volumes()[0])[0]:
            if stream.physical_offset is None or stream.not_hashable is not None:
                continue
            start = read_whole(source, stream.locator)[:512]
            if any(start):  # a stream may begin with a hole
                assert disk[stream.physical_offset : stream.physical_offset + len(start)] == start
                checked += 1
    assert checked > 2


@pytest.mark.parametrize("fixture", _IMAGES)
def test_reading_in_pieces_gives_the_same_bytes(request: pytest.FixtureRequest, fixture: str) -> None:
    image: Path = request.getfixturevalue(fixture)
    with Source.open(image, "E1") as source:
        streams = [stream for stream in walk(source, source.volumes()[0])[0] if stream.not_hashable is None]
        for stream in noise(1).sample(streams, min(12, len(streams))):
            reader = source.open_stream(stream.locator)
            whole = reader.read_at(0, reader.size)
            assert len(whole) == reader.size == stream.size
            pieces = [reader.read_at(offset, 700) for offset in range(0, reader.size + 700, 700)]
            assert b"".join(pieces) == whole


@settings(max_examples=60, deadline=None)
@given(offset=st.integers(0, 71_000), length=st.integers(0, 71_000))
def test_any_part_of_a_stream_is_that_part_of_its_bytes(ntfs_image: Path, offset: int, length: int) -> None:
    with Source.open(ntfs_image, "E1") as source:
        stream = _streams(source)[b"a/b/large.bin"]
        reader = source.open_stream(stream.locator)
        assert reader.read_at(offset, length) == reader.read_at(0, reader.size)[offset : offset + length]


@pytest.mark.parametrize("address", ["99999999", "64-128-99", "64-999-1"])
def test_an_address_of_nothing_is_a_locator_error(ntfs: Source, address: str) -> None:
    file_system = ntfs.file_system(ntfs.volumes()[0])
    assert file_system is not None
    with pytest.raises(LocatorError):
        file_system.open(address)


def test_a_directory_is_no_stream(ext4: Source) -> None:
    file_system = ext4.file_system(ext4.volumes()[0])
    assert file_system is not None
    with pytest.raises(LocatorError, match="is a directory"):
        file_system.open("2")


def test_a_reader_is_refused_in_a_forked_process(ext4: Source) -> None:
    stream = _streams(ext4)[b"hole"]
    reader = ext4.open_stream(stream.locator)
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:  # no coverage, no pytest in the child: it only writes what happened
        try:
            reader.read_at(0, 10)
            os.write(writable, b"read")
        except EvidenceError as error:
            os.write(writable, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert b"opened in another process" in os.read(readable, 1000)
    os.close(readable)
    os.close(writable)


# NTFS


def test_ntfs_alternate_data_streams_are_streams(ntfs: Source) -> None:
    streams = _streams(ntfs)
    assert streams[b"a/b/large.bin"].size == 70_000
    assert streams[b"a/b/large.bin:hidden"].size == 20_000
    assert read_whole(ntfs, streams[b"a/b:on a folder"].locator) == b"content of a folder's stream"
    assert read_whole(ntfs, streams[b".:on the root"].locator) == b"content of the root's stream"


def test_ntfs_files_deleted_with_a_name_are_recovered(ntfs: Source) -> None:
    # The sequence number of the record moved on, which is where TSK's own listing gives up
    streams = _streams(ntfs)
    draw = noise(6)
    draw.randbytes(70_000), draw.randbytes(300), draw.randbytes(20_000), draw.randbytes(9000)
    written = draw.randbytes(50_000), draw.randbytes(6000), draw.randbytes(100)
    found = [
        streams[name] for name in (b"gone/deleted.bin", b"gone/deleted.bin:with a stream", b"gone/deleted resident.bin")
    ]
    assert {stream.allocation for stream in found} == {Allocation.DELETED}
    assert {stream.not_hashable for stream in found} == {None}
    assert tuple(read_whole(ntfs, stream.locator) for stream in found) == written


def test_ntfs_names_in_an_index_block_that_was_given_up_are_deleted(tmp_path: Path, require: Require) -> None:
    """The last name of a block stands in it as live for ever, since the emptied block is not written again."""
    require("mkntfs", programs.NTFS_LIBRARY)
    format_ntfs(tmp_path / "ntfs.raw", 8 << 20, 0, "T")
    contents = {f"folder/file {number:02}.bin": noise(number).randbytes(5000) for number in range(30)}
    with NtfsVolume(tmp_path / "ntfs.raw") as volume:
        for path, content in contents.items():
            volume.create(path, content)
        for path in contents:
            volume.delete(path)
    with Source.open(tmp_path / "ntfs.raw", "E1") as source:
        streams = _streams(source)
        for path, content in contents.items():
            stream = streams[path.encode()]
            assert stream.allocation is Allocation.DELETED
            assert read_whole(source, stream.locator) == content


def test_ntfs_addresses_name_the_attribute(ntfs: Source) -> None:
    addresses = [stream.locator.address or "" for stream in _streams(ntfs).values() if stream.size]
    assert addresses
    assert all(address.count("-") == 2 for address in addresses)


def test_what_would_read_as_zeros_or_ciphertext_is_not_hashable(ntfs: Source) -> None:
    streams = _streams(ntfs)
    assert streams[b"compact.exe"].not_hashable is Reason.UNSUPPORTED_COMPRESSION
    assert streams[b"compact.exe:WofCompressedData"].not_hashable is None
    assert streams[b"deduplicated.bin"].not_hashable is Reason.UNSUPPORTED_COMPRESSION
    assert streams[b"secret.bin"].not_hashable is Reason.ENCRYPTED
    assert streams[b"$BadClus:$Bad"].not_hashable is Reason.BAD_CLUSTER_FILE


def test_ntfs_times_are_nanoseconds_of_now(ntfs: Source, ntfs_image: Path) -> None:
    times = _streams(ntfs)[b"a/b/large.bin"].times
    built = ntfs_image.stat().st_mtime_ns
    for time in (times.modified, times.accessed, times.changed, times.created):
        assert time is not None
        assert abs(time - built) < 600 * 10**9


def test_an_empty_file_reads_as_nothing(ntfs: Source) -> None:
    stream = _streams(ntfs)[b"a/empty.bin"]
    assert stream.size == 0
    assert stream.not_hashable is None
    assert read_whole(ntfs, stream.locator) == b""


def test_compressed_ntfs_files_are_read(tmp_path: Path, run: Run) -> None:
    """Windows' own compression (LZNT1), as opposed to the kinds above."""
    image = tmp_path / "ntfs.raw"
    with image.open("xb") as file:
        file.truncate(12 << 20)
    run("mkntfs", "-q", "-F", "-f", "-C", image)
    content = b"".join(b"line %d of text\n" % (number * 7919 % 1000) for number in range(8000))
    (tmp_path / "text").write_bytes(content)
    run("ntfscp", "-q", image, tmp_path / "text", "text")
    with Source.open(image, "E1") as source:
        stream = _streams(source)[b"text"]
        assert read_whole(source, stream.locator) == content


# ext


def test_ext_holes_are_zeros(ext4: Source) -> None:
    streams = _streams(ext4)
    assert read_whole(ext4, streams[b"hole"].locator) == bytes(700_000) + b"after the hole"
    assert read_whole(ext4, streams[b"small hole"].locator) == bytes(100_000)


def test_ext4_files_kept_in_their_inodes_are_streams_under_their_own_names(tmp_path: Path, run: Run) -> None:
    tree = tmp_path / "tree"
    contents = {f"folder/{size}".encode(): noise(size).randbytes(size) for size in (1, 60, 61, 100, 150)}
    (tree / "folder").mkdir(parents=True)
    for path, content in contents.items():
        (tree / path.decode()).write_bytes(content)
    options = ("-q", "-t", "ext4", "-O", "inline_data", "-I", "256")
    run("mke2fs", *options, "-d", tree, tmp_path / "ext4.raw", "8M")
    with Source.open(tmp_path / "ext4.raw", "E1") as source:
        streams = _streams(source)
        assert {path: read_whole(source, stream.locator) for path, stream in streams.items()} == contents


def test_every_kind_of_link_is_accounted_for(ext4: Source) -> None:
    streams = _streams(ext4)
    # TSK and icat give zeros for a target that stands in the inode: no content rather than a wrong one
    assert streams[b"fast link"].size == 0
    assert read_whole(ext4, streams[b"fast link"].locator) == b""
    assert read_whole(ext4, streams[b"slow link"].locator) == b"x" * 200
    assert streams[b"hard link"].locator == streams[b"d0/s0/f0.bin"].locator


def test_a_large_stream_without_a_block_is_not_hashable(ext4: Source) -> None:
    stream = _streams(ext4)[b"all hole"]
    assert stream.size == 2 << 30
    assert stream.not_hashable is Reason.SPARSE


def test_names_are_kept_byte_for_byte(ext4: Source) -> None:
    stream = _streams(ext4)[b"line\nfeed"]
    assert stream.display_path == "line\\u000afeed"


def test_deep_directories_are_followed(ext4: Source) -> None:
    deep = b"/".join(b"n%d" % depth for depth in range(100))
    assert read_whole(ext4, _streams(ext4)[deep + b"/bottom"].locator) == b"deep down"


def test_an_ext4_file_deleted_with_its_extents_is_recovered(ext4: Source, ext4_image: Path) -> None:
    gone = _streams(ext4)[b"gone.bin"]
    assert gone.allocation is Allocation.DELETED
    assert gone.recovery is Recovery.INTACT
    content = read_whole(ext4, gone.locator)
    assert content == icat(ext4_image, gone.locator.address or "")
    assert len(content) == 20_000


def test_a_deleted_name_whose_inode_was_given_away_is_a_name_only(ext4_image: Path, tmp_path: Path, run: Run) -> None:
    image = tmp_path / "ext4.raw"
    image.write_bytes(ext4_image.read_bytes())
    (tmp_path / "new").write_bytes(b"another file's content")
    # the first free inode is the one of the file deleted in the fixture
    run("debugfs", "-w", "-R", f"write {tmp_path / 'new'} d1/new", image)
    with Source.open(image, "E1") as source:
        streams = _streams(source)
        assert streams[b"gone.bin"].locator == streams[b"d1/new"].locator
        assert streams[b"gone.bin"].not_hashable is Reason.REALLOCATED
        assert streams[b"gone.bin"].allocation is Allocation.DELETED
        assert streams[b"d1/new"].not_hashable is None


def test_a_directory_inside_itself_ends(ext4_image: Path, tmp_path: Path, run: Run) -> None:
    image = tmp_path / "ext4.raw"
    image.write_bytes(ext4_image.read_bytes())
    run("debugfs", "-w", "-R", "ln d0 d0/s0/round", image)
    with Source.open(image, "E1") as source, Source.open(ext4_image, "E1") as sound:
        assert len(walk(source, source.volumes()[0])[0]) == len(walk(sound, sound.volumes()[0])[0])


def test_an_unreadable_directory_is_reported_and_the_rest_walked(ext4_image: Path, tmp_path: Path, run: Run) -> None:
    image = tmp_path / "ext4.raw"
    image.write_bytes(ext4_image.read_bytes())
    run("debugfs", "-w", "-R", "sif d2 block[2] 0x7fffffff", image)  # the extent's length and high address
    run("debugfs", "-w", "-R", "sif d2 block[5] 0x7fffffff", image)  # the extent's low address
    inode = {line.path: line.address for line in fls(ext4_image)}[b"d2"]
    with Source.open(image, "E1") as source:
        streams, not_examined = walk(source, source.volumes()[0])
    assert NotExamined(f"E1/p0/ext4:{inode}", Reason.DIRECTORY_UNREADABLE, not_examined[0].detail) in not_examined
    paths = {stream.path for stream in streams}
    assert any(path.startswith(b"d3/") for path in paths)
    assert not any(path.startswith(b"d2/") for path in paths)


def test_a_stream_cut_off_by_the_end_of_the_image_says_how_far_it_reads(ext4_image: Path, tmp_path: Path) -> None:
    with Source.open(ext4_image, "E1") as source:
        stream = max(
            (stream for stream in _streams(source).values() if stream.size > 10_000 and not stream.not_hashable),
            key=lambda stream: stream.physical_offset or 0,
        )
    assert stream.physical_offset is not None
    image = tmp_path / "cut.raw"
    image.write_bytes(ext4_image.read_bytes()[: stream.physical_offset + 4096])
    with Source.open(image, "E1") as source, pytest.raises(StreamReadError, match=rf"of {stream.size}"):
        read_whole(source, stream.locator)


# FAT


def test_deleted_fat_files_are_assumed_contiguous(fat: Source) -> None:
    streams = _streams(fat)
    draw = noise(5)
    draw.randbytes(30_000)
    deleted = draw.randbytes(30_000)
    last = draw.randbytes(30_000)
    stream = streams[b"deleted with a long name.bin"]
    assert stream.allocation is Allocation.DELETED
    assert stream.recovery is Recovery.ASSUMED_CONTIGUOUS
    assert read_whole(fat, stream.locator) == deleted
    inside = next(stream for path, stream in streams.items() if path.upper().endswith(b"NSIDE.BIN"))
    assert inside.allocation is not Allocation.ALLOCATED
    assert read_whole(fat, inside.locator) == last
    assert streams[b"kept.bin"].recovery is Recovery.INTACT


def test_the_virtual_files_of_tsk_are_streams(fat: Source, fat_image: Path) -> None:
    streams = _streams(fat)
    assert read_whole(fat, streams[b"$MBR"].locator) == fat_image.read_bytes()[:512]
    assert read_whole(fat, streams[b"$FAT1"].locator) == read_whole(fat, streams[b"$FAT2"].locator)


def test_orphans_come_last(tmp_path: Path, fat_image: Path) -> None:
    # A folder whose own entry is wiped leaves its content without a path
    data = bytearray(fat_image.read_bytes())
    entry = data.index(b"\xe5OLDER")
    data[entry : entry + 32] = b"\xe5" + b"\0" * 31
    image = tmp_path / "fat.raw"
    image.write_bytes(data)
    with Source.open(image, "E1") as source:
        streams, _ = walk(source, source.volumes()[0])
        orphans = [stream for stream in streams if stream.allocation is Allocation.ORPHAN]
        assert orphans
        assert streams[-len(orphans) :] == orphans
        assert all(stream.path.startswith(b"$OrphanFiles/") for stream in orphans)
        draw = noise(5)
        draw.randbytes(60_000)
        assert draw.randbytes(30_000) in [read_whole(source, orphan.locator) for orphan in orphans]


# other file systems, from the corpora


def test_hfs_forks_are_streams(corpora: Path) -> None:
    with Source.open(corpora / "disk-images" / "dfvfs" / "hfsplus.raw", "E1") as source:
        streams = _streams(source)
        fork = streams[b"a_directory/a_resourcefork:RSRC"]
        assert fork.locator.address == "25-4353-1"
        assert len(read_whole(source, fork.locator)) == fork.size == 17
        assert b"a_directory/a_file" in streams


@pytest.mark.parametrize(
    "name",
    ["dfvfs/hfsplus.raw", "dfvfs/iso9660.raw", "dfvfs/ext2.E01", "bulk_extractor/nps-2010-emails.E01"],
)
def test_walks_of_the_corpora_equal_fls_and_icat(corpora: Path, name: str, require: Require) -> None:
    require("fls", "icat")
    image = corpora / "disk-images" / name
    with Source.open(image, "E1") as source:
        volume = next(volume for volume in source.volumes() if volume.allocated)
        assert list(differences(image, source, volume)) == []


def test_a_deleted_fat_file_whose_clusters_are_taken_is_an_error(corpora: Path) -> None:
    # icat gives its first cluster and stops without a word
    with Source.open(corpora / "disk-images" / "bulk_extractor" / "1mb_fat32.dmg", "E1") as source:
        volume = next(volume for volume in source.volumes() if volume.allocated)
        stream = next(stream for stream in walk(source, volume)[0] if stream.locator.address == "28094")
        assert stream.size == 4096
        assert stream.recovery is Recovery.ASSUMED_CONTIGUOUS
        with pytest.raises(StreamReadError, match=r"beyond byte 512 of 4096 \(no blocks are recorded"):
            read_whole(source, stream.locator)


def test_an_unknown_content_is_no_file_system(tmp_path: Path) -> None:
    path = tmp_path / "noise.raw"
    path.write_bytes(noise(9).randbytes(1 << 20))
    with Source.open(path, "E1") as source, open_image(path) as image:
        file_system: FileSystem | None = TskFileSystemFormat().open(image, source.volumes()[0])
        assert file_system is None
