"""A source as triage sees it: volumes, walks with what could not be examined, streams by locator."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.errors import ImageError, LocatorError
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.volume import Volume
from forensics.reason import Reason
from plugins import loader
from tests.evidence.conftest import Require, Run
from tests.evidence.noise import noise
from tests.evidence.sleuthkit import differences, read_whole, walk


def _volume(source: Source, label: str) -> Volume:
    return next(volume for volume in source.volumes() if volume.label == label)


def _reasons(source: Source) -> dict[str, Reason]:
    items = [item for volume in source.volumes() for item in source.walk(volume)]
    return {item.locator: item.reason for item in items if isinstance(item, NotExamined)}


def test_the_built_in_implementations_are_registered() -> None:
    assert {"raw", "ewf"} <= {image_format.name for image_format in loader.image_formats()}
    assert "tsk" in {system.name for system in loader.volume_systems()}
    assert "tsk" in {family.name for family in loader.file_systems()}


def test_every_stream_of_a_disk_is_reopened_by_the_text_of_its_locator(disk_image: Path) -> None:
    with Source.open(disk_image, "E1.2") as source:
        streams = [item for volume in source.volumes() for item in source.walk(volume) if isinstance(item, Stream)]
        contents = {
            str(stream.locator): read_whole(source, stream.locator) for stream in streams if not stream.not_hashable
        }
    assert {locator.split("/")[1] for locator in contents} == {"p2", "p5"}
    with Source.open(disk_image, "E1.2") as source:
        for text, content in contents.items():
            assert read_whole(source, Locator.parse(text)) == content


def test_a_disk_walks_as_fls_lists_each_partition(disk_image: Path, require: Require) -> None:
    require("fls", "icat")
    with Source.open(disk_image, "E1") as source:
        for label in ("p2", "p5"):
            assert list(differences(disk_image, source, _volume(source, label))) == []


def test_physical_offsets_count_from_the_start_of_the_disk(disk_image: Path) -> None:
    disk = disk_image.read_bytes()
    with Source.open(disk_image, "E1") as source:
        volume = _volume(source, "p5")
        stream = next(stream for stream in walk(source, volume)[0] if stream.path == b"kept.bin")
        assert stream.physical_offset is not None
        assert stream.physical_offset > volume.offset
        assert disk[stream.physical_offset :].startswith(read_whole(source, stream.locator))


def test_an_image_without_a_table_is_one_volume(ext4_image: Path) -> None:
    with Source.open(ext4_image, "E1") as source:
        assert source.volumes() == (Volume("p0", "none", "", 0, ext4_image.stat().st_size),)


def test_file_systems_are_opened_once(ext4_image: Path) -> None:
    with Source.open(ext4_image, "E1") as source:
        volume = source.volumes()[0]
        assert source.file_system(volume) is source.file_system(volume)


def test_gaps_without_a_file_system_yield_nothing(disk_image: Path) -> None:
    with Source.open(disk_image, "E1") as source:
        gaps = [volume for volume in source.volumes() if not volume.allocated]
        assert gaps
        assert [item for gap in gaps for item in source.walk(gap)] == []


def test_a_file_system_left_under_a_newer_table_is_found(tmp_path: Path, fat_image: Path, run: Run) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(fat_image.read_bytes() + bytes(4 << 20))
    # sfdisk writes only the table: the boot sector of the old file system stays
    run("sfdisk", "--wipe", "never", path, standard_input="label: dos\n3 : start=20480, size=4096, type=83\n")
    with Source.open(path, "E1") as source:
        streams, _ = walk(source, _volume(source, "u1"))
    assert b"kept.bin" in {stream.path for stream in streams}


def test_partitions_without_a_file_system_are_reported(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "disk.raw"
    with path.open("xb") as file:
        file.truncate(16 << 20)
    table = "".join(f"{slot} : start={2048 * slot}, size=2048, type=83\n" for slot in (1, 2, 3))
    run("sfdisk", path, standard_input="label: dos\n" + table)
    with path.open("r+b") as file:
        file.seek(2048 * 512 * 2 + 65600)
        file.write(b"_BHRfS_M")
        file.seek(2048 * 512 * 3)
        file.write(b"LUKS\xba\xbe\0\x02")
    with Source.open(path, "E1") as source:
        found = [item for volume in source.volumes() for item in source.walk(volume)]
    size = 2048 * 512
    assert found == [
        NotExamined("E1/p1", Reason.NO_FILE_SYSTEM, "", size),
        NotExamined("E1/p2", Reason.NO_FILE_SYSTEM, "Btrfs", size),
        NotExamined("E1/p3", Reason.VOLUME_ENCRYPTED, "LUKS", size),
    ]


def test_a_bitlocker_volume_is_reported_as_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(b"\xeb\x58\x90-FVE-FS-" + noise(1).randbytes((1 << 20) - 11))
    with Source.open(path, "E1") as source:
        assert _reasons(source) == {"E1/p0": Reason.VOLUME_ENCRYPTED}


def test_a_damaged_file_system_is_reported_with_its_kind(ntfs_image: Path, tmp_path: Path) -> None:
    path = tmp_path / "ntfs.raw"
    data = bytearray(ntfs_image.read_bytes())
    cluster = data[13] * 512
    start = int.from_bytes(data[48:56], "little") * cluster
    data[start : start + 8192] = bytes(8192)  # the first records of the MFT
    path.write_bytes(data)
    with Source.open(path, "E1") as source:
        found = list(source.walk(source.volumes()[0]))
    assert [item.reason for item in found if isinstance(item, NotExamined)] == [Reason.FILE_SYSTEM_DAMAGED]
    assert isinstance(found[0], NotExamined)
    assert "NTFS" in found[0].detail


def test_a_truncated_image_is_walked_as_far_as_it_goes(disk_image: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.raw"
    path.write_bytes(disk_image.read_bytes()[: 10 << 20])
    with Source.open(path, "E1") as source:
        streams, not_examined = walk(source, _volume(source, "p2"))
        assert not_examined[0].locator == "E1/p2"
        assert not_examined[0].reason is Reason.BEYOND_END_OF_IMAGE
        assert not_examined[0].size == 3 << 20
        stream = next(stream for stream in streams if stream.path == b"a/b/resident.bin")
        assert len(read_whole(source, stream.locator)) == 300
        # the extended partition lies beyond the end, and so does the list of what is in it
        beyond = _volume(source, "p4")
        assert "its table cannot be read" in beyond.description
        assert [item.reason for item in walk(source, beyond)[1]] == [Reason.BEYOND_END_OF_IMAGE]


def test_damage_of_the_image_is_told_by_its_own_reason(e01_image: Path, tmp_path: Path) -> None:
    segments = sorted(e01_image.parent.glob("disk.E*"))
    for segment in segments:
        (tmp_path / segment.name).write_bytes(segment.read_bytes())
    last = tmp_path / segments[-1].name
    last.write_bytes(last.read_bytes()[: last.stat().st_size // 2])
    with Source.open(tmp_path / e01_image.name, "E1") as source:
        assert source.image.damage
        found = walk(source, source.volumes()[0])[1]
    assert found[0] == NotExamined("E1", Reason.IMAGE_DAMAGED, source.image.damage)


@pytest.mark.parametrize("size", [1, 511, 51_200, 65_537, 1_000_001])
def test_a_file_that_cannot_be_a_disk_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file.raw"
    path.write_bytes(noise(size).randbytes(size))
    with pytest.raises(ImageError, match="not a disk image"):
        Source.open(path, "E1")


def test_a_blank_disk_is_a_disk(tmp_path: Path) -> None:
    path = tmp_path / "blank.raw"
    path.write_bytes(bytes(1 << 20))
    with Source.open(path, "E1") as source:
        assert _reasons(source) == {"E1/p0": Reason.NO_FILE_SYSTEM}


def test_an_odd_sized_image_with_a_file_system_is_a_disk(fat_image: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.raw"
    path.write_bytes(fat_image.read_bytes() + b"odd")
    with Source.open(path, "E1") as source:
        assert walk(source, source.volumes()[0])[0]


@pytest.mark.parametrize(
    "text", ["E2/p0/ext4:12", "E1", "E1/p0", "E1/p1/ext4:12", "E1/p0/ntfs:12-128-1", "E1/p0/ext4:4000000"]
)
def test_a_locator_of_something_else_is_refused(ext4_image: Path, text: str) -> None:
    with Source.open(ext4_image, "E1") as source, pytest.raises(LocatorError):
        source.open_stream(Locator.parse(text))


def test_a_label_that_fits_no_locator_is_refused(ext4_image: Path) -> None:
    with pytest.raises(LocatorError, match="source label"):
        Source.open(ext4_image, "E1/p2")


def test_errors_name_no_file_of_the_evidence(ext4_image: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.raw"
    path.write_bytes(ext4_image.read_bytes()[: 3 << 20])
    with Source.open(path, "E1") as source:
        details = " ".join(item.detail for item in walk(source, source.volumes()[0])[1])
    assert details
    assert "f0.bin" not in details
    assert str(tmp_path) not in details
