"""Partition tables, made by sfdisk."""

from __future__ import annotations

import struct
import uuid
import zlib
from pathlib import Path

import pytest

from forensics.evidence.image import open_image
from forensics.evidence.locator import Locator
from forensics.evidence.volume import Volume
from forensics.evidence.volumes.tsk import TskVolumeSystem
from tests.evidence.conftest import Run

_MIB = 1 << 20


def _volumes(path: Path) -> list[Volume] | None:
    with open_image(path) as image:
        found = TskVolumeSystem().volumes(image)
        return None if found is None else list(found)


def _disk(path: Path, run: Run, table: str, *options: str) -> Path:
    with path.open("xb") as file:
        file.truncate(64 * _MIB)
    run("sfdisk", *options, path, standard_input=table)
    return path


def test_dos_partitions_are_labelled_as_linux_numbers_them(tmp_path: Path, run: Run) -> None:
    path = _disk(
        tmp_path / "disk.raw",
        run,
        "label: dos\n"
        "1 : start=40960, size=2048, type=83\n"  # slot and order on disk differ
        "2 : start=2048, size=4096, type=7\n"
        "4 : start=61440, size=40960, type=5\n"
        "5 : start=63488, size=2048, type=83\n"
        "6 : start=67584, size=2048, type=83\n",
    )
    volumes = _volumes(path)
    assert volumes is not None
    allocated = {volume.label: (volume.offset, volume.size) for volume in volumes if volume.allocated}
    assert allocated == {
        "p1": (40960 * 512, 2048 * 512),
        "p2": (2048 * 512, 4096 * 512),
        "p5": (63488 * 512, 2048 * 512),
        "p6": (67584 * 512, 2048 * 512),
    }
    assert {volume.scheme for volume in volumes} == {"dos"}


def test_gaps_are_volumes_with_labels_of_their_own(disk_image: Path) -> None:
    volumes = _volumes(disk_image)
    assert volumes is not None
    assert [volume.offset for volume in volumes] == sorted(volume.offset for volume in volumes)
    gaps = [volume for volume in volumes if not volume.allocated]
    assert [gap.label for gap in gaps] == [f"u{number}" for number in range(1, len(gaps) + 1)]
    assert gaps[0].offset == 0
    assert gaps[0].size == _MIB
    assert len({volume.label for volume in volumes}) == len(volumes)


def test_every_label_makes_a_locator(disk_image: Path) -> None:
    for volume in _volumes(disk_image) or []:
        locator = Locator("E1", volume.label)
        assert Locator.parse(str(locator)) == locator


def test_gpt_partitions_are_labelled_by_their_slot(tmp_path: Path, run: Run) -> None:
    path = _disk(
        tmp_path / "disk.raw",
        run,
        "label: gpt\n3 : start=4096, size=8192, name=third\n7 : start=20480, size=16384, name=seventh\n",
    )
    volumes = _volumes(path)
    assert volumes is not None
    assert [(volume.label, volume.scheme, volume.offset, volume.size) for volume in volumes if volume.allocated] == [
        ("p3", "gpt", 2 * _MIB, 4 * _MIB),
        ("p7", "gpt", 10 * _MIB, 8 * _MIB),
    ]
    assert any("seventh" in volume.description for volume in volumes)


def test_gpt_of_a_disk_with_sectors_of_4096_bytes(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(_gpt_4096(first=512, last=1535))
    volumes = _volumes(path)
    assert volumes is not None
    assert [(volume.label, volume.offset, volume.size) for volume in volumes if volume.allocated] == [
        ("p1", 512 * 4096, 1024 * 4096)
    ]


def _gpt_4096(first: int, last: int) -> bytes:
    """A disk with one GPT partition (UEFI specification 2.10, section 5.3); sfdisk writes only 512-byte sectors."""
    sector, sectors = 4096, 4096
    kind = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le
    entries = struct.pack("<16s16sQQQ72s", kind, b"u" * 16, first, last, 0, "one".encode("utf-16-le"))
    entries = entries.ljust(128 * 128, b"\0")

    def header(checksum: int) -> bytes:
        fields = (b"EFI PART", 0x10000, 92, checksum, 0, 1, sectors - 1, 6, sectors - 6, b"d" * 16, 2, 128, 128)
        return struct.pack("<8sIIIIQQQQ16sQII", *fields) + struct.pack("<I", zlib.crc32(entries))

    protective = struct.pack("<B3sB3sII", 0, bytes(3), 0xEE, bytes(3), 1, sectors - 1)
    boot = bytes(446) + protective.ljust(64, b"\0") + b"\x55\xaa"
    disk = boot.ljust(sector, b"\0") + header(zlib.crc32(header(0))).ljust(sector, b"\0") + entries
    return disk.ljust(sector * sectors, b"\0")


def test_a_partition_beyond_the_end_is_listed_as_the_table_claims(tmp_path: Path, run: Run) -> None:
    path = _disk(tmp_path / "disk.raw", run, "label: dos\n1 : start=2048, size=100000, type=7\n")
    with path.open("r+b") as file:
        file.truncate(8 * _MIB)
    volumes = _volumes(path)
    assert volumes is not None
    assert [volume.size for volume in volumes if volume.label == "p1"] == [100000 * 512]


def test_an_extended_partition_whose_table_is_lost_is_a_volume(tmp_path: Path, run: Run) -> None:
    table = "2 : start=2048, size=100000, type=5\n5 : start=4096, size=2048\n6 : start=20480, size=2048\n"
    path = _disk(tmp_path / "disk.raw", run, "label: dos\n" + table)
    with path.open("r+b") as file:
        file.truncate(4 * _MIB)
    volumes = _volumes(path)
    assert volumes is not None
    assert [volume.label for volume in volumes if volume.allocated] == ["p5", "p6"]
    assert "its table cannot be read" in volumes[-1].description


@pytest.mark.parametrize("fixture", ["ntfs_image", "fat_image", "ext4_image"])
def test_a_file_system_alone_is_no_table(request: pytest.FixtureRequest, fixture: str) -> None:
    assert _volumes(request.getfixturevalue(fixture)) is None


@pytest.mark.parametrize("content", [bytes(_MIB), bytes(range(256)) * 4096])
def test_something_without_a_table_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(content)
    assert _volumes(path) is None
