"""File systems that no partition table names are found where partitions begin, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forensics.evidence import lost_file_systems, volume_tree
from forensics.evidence.image import open_image
from forensics.evidence.images.raw import RawImage
from forensics.evidence.locator import Locator
from forensics.evidence.lost_file_systems import MAX_PROBES, find_lost_file_systems
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.volume import Volume
from forensics.reason import Reason
from tests.evidence.conftest import Require, Run
from tests.evidence.sleuthkit import differences, read_whole

_MIB = 1 << 20
_TRACK, _CYLINDER = 63, 63 * 255


def _disk(path: Path, size: int, contents: dict[int, Path]) -> Path:
    """A disk with file systems at these sectors."""
    with path.open("xb") as file:
        file.truncate(size)
        for sector, content in contents.items():
            file.seek(sector * 512)
            file.write(content.read_bytes())
    return path


def _lost(source: Source) -> list[Volume]:
    return [volume for volume in source.volumes() if "/lost" in volume.label]


def test_deleted_partitions_are_found_in_the_gaps_they_leave(
    tmp_path: Path, run: Run, require: Require, ntfs_image: Path, fat_image: Path, ext4_image: Path
) -> None:
    require("fls", "icat")
    starts = {"1": 2048, "2": 40960, "3": 69632}
    images = dict(zip(starts.values(), (ntfs_image, ext4_image, fat_image), strict=True))
    path = _disk(tmp_path / "disk.raw", 48 * _MIB, images)
    table = "".join(
        f"{number} : start={start}, size={images[start].stat().st_size // 512}, type=83\n"
        for number, start in starts.items()
    )
    run("sfdisk", "--wipe", "never", path, standard_input="label: dos\n" + table)
    run("sfdisk", "--delete", path, "1")
    run("sfdisk", "--delete", path, "3")
    with Source.open(path, "E1") as source:
        found = _lost(source)
        # p2 ends at sector 40960 + 24576
        assert [volume.label for volume in found] == ["u1/lost2048", f"u2/lost{69632 - 65536}"]
        assert [volume.offset for volume in found] == [2048 * 512, 69632 * 512]
        assert all("found by its signature" in volume.description for volume in found)
        assert not any(volume.allocated for volume in found)
        for volume in found:
            assert list(differences(path, source, volume)) == []


def test_all_partitions_of_a_disk_without_its_table_are_found_and_reopened(tmp_path: Path, disk_image: Path) -> None:
    path = tmp_path / "disk.raw"
    content = bytearray(disk_image.read_bytes())
    content[: 2048 * 512] = bytes(2048 * 512)
    path.write_bytes(content)
    with Source.open(disk_image, "E1") as source:
        expected = {
            (stream.path, stream.physical_offset, stream.size, volume.offset)
            for volume in source.volumes()
            for stream in source.walk(volume)
            if isinstance(stream, Stream)
        }
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in source.volumes()] == ["p0", "p0/lost2048", "p0/lost32768"]
        items = [(volume, item) for volume in source.volumes() for item in source.walk(volume)]
        contents = {
            str(item.locator): read_whole(source, item.locator)
            for _, item in items
            if isinstance(item, Stream) and not item.not_hashable
        }
    streams = {(s.path, s.physical_offset, s.size, volume.offset) for volume, s in items if isinstance(s, Stream)}
    assert streams == expected
    gaps = [item for _, item in items if isinstance(item, NotExamined)]
    assert gaps == [NotExamined("E1/p0", Reason.NO_FILE_SYSTEM, "", len(content))]
    with Source.open(path, "E1") as source:
        assert all(read_whole(source, Locator.parse(text)) == content for text, content in contents.items())


@pytest.mark.parametrize("sector", [_TRACK, _CYLINDER, _CYLINDER + _TRACK, 3 * 2048, 2 * 2048 * 1024 + 2048])
def test_partitions_of_old_and_new_systems_are_found(tmp_path: Path, fat_image: Path, sector: int) -> None:
    path = _disk(tmp_path / "disk.raw", sector * 512 + 16 * _MIB, {sector: fat_image})
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in _lost(source)] == [f"p0/lost{sector}"]
        assert _lost(source)[0].size == fat_image.stat().st_size


def test_what_follows_a_file_system_is_found_wherever_that_ends(
    tmp_path: Path, fat_image: Path, ext4_image: Path, ntfs_image: Path
) -> None:
    second = 2048 + fat_image.stat().st_size // 512
    third = second + ext4_image.stat().st_size // 512
    fourth = third + ntfs_image.stat().st_size // 512 + _TRACK
    contents = {2048: fat_image, second: ext4_image, third: ntfs_image, fourth: fat_image}
    path = _disk(tmp_path / "disk.raw", 64 * _MIB, contents)
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in _lost(source)] == [f"p0/lost{sector}" for sector in contents]


def test_the_table_of_a_newer_system_does_not_hide_the_rest_of_an_older_one(
    tmp_path: Path, run: Run, fat_image: Path, ext4_image: Path
) -> None:
    path = _disk(tmp_path / "disk.raw", 64 * _MIB, {0: fat_image, 20480 + 2048: ext4_image})
    run("sfdisk", "--wipe", "never", path, standard_input="label: dos\n3 : start=61440, size=4096, type=83\n")
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in source.volumes()] == ["u1", "u1/lost22528", "p3", "u2"]
        assert source.file_system(source.volumes()[0]) is not None


def test_a_lost_extended_partition_is_searched_once(tmp_path: Path, disk_image: Path) -> None:
    path = tmp_path / "disk.raw"
    content = bytearray(disk_image.read_bytes())
    content[30720 * 512 : 30720 * 512 + 512] = bytes(512)  # the table of the extended partition
    path.write_bytes(content)
    with Source.open(path, "E1") as source:
        (found,) = _lost(source)
        assert found.offset == 32768 * 512


def test_images_that_are_files_of_a_file_system_are_not_lost(
    tmp_path: Path, run: Run, fat_image: Path, ntfs_image: Path
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name, image in (("a", fat_image), ("b", ntfs_image)):
        (tree / name).write_bytes(image.read_bytes())
    run("mke2fs", "-q", "-t", "ext4", "-d", tree, tmp_path / "ext4", "64M")
    path = _disk(tmp_path / "disk.raw", 80 * _MIB, {2048: tmp_path / "ext4"})
    with Source.open(tmp_path / "ext4", "E1") as source:
        assert _lost(source) == []
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in _lost(source)] == ["p0/lost2048"]


def test_copies_of_a_superblock_are_no_file_systems(tmp_path: Path, run: Run) -> None:
    image = tmp_path / "ext.raw"
    run("mke2fs", "-q", "-t", "ext2", "-b", "1024", "-g", "8184", image, "64M")
    with image.open("r+b") as file:
        file.write(bytes(4096))
        # block group 1 begins at block 8185: moved on to 8 MiB, its copy stands where a superblock would
        file.seek(8185 * 1024)
        copy = file.read(1024)
        assert copy[56:58] == b"\x53\xef"
        file.seek(8 * _MIB + 1024)
        file.write(copy)
    with Source.open(image, "E1") as source:
        assert _lost(source) == []


def test_an_encrypted_volume_without_a_table_is_listed(tmp_path: Path, fat_image: Path) -> None:
    path = _disk(tmp_path / "disk.raw", 32 * _MIB, {2 * 2048: fat_image})
    with path.open("r+b") as file:
        file.seek(_MIB)
        file.write(b"LUKS\xba\xbe\0\x02")
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in _lost(source)] == ["p0/lost2048", "p0/lost4096"]
        encrypted = _lost(source)[0]
        assert [item.reason for item in source.walk(encrypted) if isinstance(item, NotExamined)] == [
            Reason.VOLUME_ENCRYPTED
        ]


def test_remains_that_do_not_open_are_passed_over(tmp_path: Path, ntfs_image: Path, fat_image: Path) -> None:
    path = _disk(tmp_path / "disk.raw", 32 * _MIB, {8 * 2048: fat_image})
    with path.open("r+b") as file:
        file.seek(_MIB)
        file.write(ntfs_image.read_bytes()[:512])
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in _lost(source)] == [f"p0/lost{8 * 2048}"]


@pytest.mark.parametrize("size", [1 << 30, 6 << 30, 4 << 40, 100 << 40])
def test_the_search_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    path = tmp_path / "disk.raw"
    with path.open("xb") as file:
        try:
            os.truncate(file.fileno(), size)
        except OSError:
            pytest.skip("this file system holds no file so large")
    places: list[int] = []
    with open_image(path) as image:
        assert isinstance(image, RawImage)
        read_at = image.read_at

        def noted(offset: int, length: int) -> bytes:
            places.append(offset)
            return read_at(offset, length)

        monkeypatch.setattr(image, "read_at", noted)
        search = find_lost_file_systems(image, Volume("p0", "none", "", 0, size), 0)
        assert search.found == ()
    assert places == sorted(set(places))
    assert len(places) <= MAX_PROBES
    assert set(range(0, min(size, 1 << 30), _MIB)) <= set(places)
    assert (search.stopped is None) == (size <= 4 << 40)
    if search.stopped is not None:
        assert len(places) == MAX_PROBES
        assert search.stopped > places[-1]


def test_where_the_search_ends_at_its_limits_the_volume_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fat_image: Path
) -> None:
    monkeypatch.setattr(lost_file_systems, "MAX_FOUND", 2)
    step = fat_image.stat().st_size // 512
    path = _disk(tmp_path / "disk.raw", 64 * _MIB, {2048 + number * step: fat_image for number in range(3)})
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in _lost(source)] == ["p0/lost2048", f"p0/lost{2048 + step}"]
        limits = [item for item in source.walk(source.volumes()[0]) if isinstance(item, NotExamined)]
    from_byte = (2048 + 2 * step) * 512
    assert limits[0] == NotExamined(
        "E1/p0",
        Reason.WALK_LIMIT,
        f"2 lost file systems found, not searched for from byte {from_byte} on",
        64 * _MIB - from_byte,
    )


def test_an_old_swap_area_at_the_start_of_a_gap_is_listed_and_hides_nothing(
    tmp_path: Path, run: Run, ext4_image: Path
) -> None:
    swap = tmp_path / "swap"
    swap.write_bytes(bytes(4 * _MIB))
    run("mkswap", swap)
    path = _disk(tmp_path / "disk.raw", 64 * _MIB, {4096: swap, 4096 + 8192: ext4_image})
    run("sfdisk", "--wipe", "never", path, standard_input="label: dos\n1 : start=2048, size=2048, type=83\n")
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in source.volumes()] == ["u1", "p1", "u2", "u2/lost8192"]
        gap = source.volumes()[2]
        assert list(source.walk(gap)) == [NotExamined("E1/u2", Reason.NO_FILE_SYSTEM, "Linux swap", gap.size)]
        assert any(isinstance(item, Stream) for item in source.walk(source.volumes()[3]))


def _items(source: Source) -> list[tuple[Volume, Stream | NotExamined]]:
    return [(volume, item) for volume in source.volumes() for item in source.walk(volume)]


@pytest.mark.parametrize("most", [64, 2])
def test_who_is_told_what_a_search_found_sees_the_same_and_does_not_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fat_image: Path, ext4_image: Path, most: int
) -> None:
    monkeypatch.setattr(lost_file_systems, "MAX_FOUND", most)
    step = fat_image.stat().st_size // 512
    contents = {8192: fat_image, 8192 + step: fat_image, 131072: ext4_image}
    path = _disk(tmp_path / "disk.raw", 96 * _MIB, contents)
    with Source.open(path, "E1") as source:
        assert len(_lost(source)) == min(most, 3)
        expected, searched = _items(source), source.searched_areas()

    def search(*_: object) -> None:
        raise AssertionError("searched again")

    monkeypatch.setattr(volume_tree, "find_lost_file_systems", search)
    with Source.open(path, "E1", searched=searched) as source:
        assert _items(source) == expected
        assert source.searched_areas() == searched


def test_what_is_no_longer_where_a_search_found_it_is_searched_for_again(tmp_path: Path, fat_image: Path) -> None:
    path = _disk(tmp_path / "disk.raw", 64 * _MIB, {8192: fat_image})
    with Source.open(path, "E1") as source:
        searched = source.searched_areas()
    with path.open("r+b") as file:
        file.seek(8192 * 512)
        file.write(bytes(4096))
    with Source.open(path, "E1") as source:
        expected = _items(source)
    with Source.open(path, "E1", searched=searched) as source:
        assert _items(source) == expected
        assert _lost(source) == []
