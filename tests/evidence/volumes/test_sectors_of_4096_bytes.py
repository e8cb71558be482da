"""Disks with sectors of 4,096 bytes (4Kn), held against The Sleuth Kit's programs told so with ``-b 4096``.

sfdisk writes files with sectors of 512 bytes only. Tables count in sectors, so a disk of its making becomes one with
large sectors when each of its sectors is put at the start of a larger one.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from tests.evidence.conftest import Require, Run
from tests.evidence.noise import noise

_SECTOR = 4096
_SECTORS = 16384
_PARTITIONS = {"p1": (256, 4096), "p2": (4352, 5000), "p5": (9728, 2048)}
_DOS = """label: dos
1 : start=256, size=4096, type=7
2 : start=4352, size=5000, type=c
3 : start=9472, size=6000, type=5
5 : start=9728, size=2048, type=83
"""
_GPT = """label: gpt
first-lba: 34
1 : start=256, size=4096
2 : start=4352, size=5000
5 : start=9728, size=2048
"""
_ROW = re.compile(r"\d+:  (?:\d+:)?\d+ +(\d+) +\d+ +(\d+) ", re.MULTILINE)


def _table(folder: Path, run: Run, table: str) -> bytes:
    """An empty disk with a partition table and large sectors."""
    small = folder / "small.raw"
    with small.open("xb") as file:
        file.truncate(_SECTORS * 512)
    run("sfdisk", small, standard_input=table)
    data = small.read_bytes()
    if table is _DOS:
        parts = (data[start : start + 512].ljust(_SECTOR, b"\0") for start in range(0, len(data), 512))
        return b"".join(parts)
    # the list of GPT's entries runs on over sectors
    disk = data[:512].ljust(_SECTOR, b"\0") + data[512:1024].ljust(_SECTOR, b"\0") + data[1024 : 34 * 512]
    return disk.ljust(_SECTORS * _SECTOR, b"\0")


def _disk(folder: Path, run: Run, table: str) -> Path:
    """A disk with NTFS, FAT and ext4 of large sectors."""
    disk = bytearray(_table(folder, run, table))
    commands = {
        "p1": ("mkntfs", "-q", "-F", "-s", "4096", "-c", "4096"),
        "p2": ("mkfs.vfat", "-S", "4096", "-s", "1", "-F", "16"),
        "p5": ("mke2fs", "-q", "-t", "ext4", "-d", folder / "tree"),
    }
    (folder / "tree").mkdir()
    (folder / "tree/file.bin").write_bytes(noise(1).randbytes(50_000))
    for label, command in commands.items():
        start, length = _PARTITIONS[label]
        path = folder / label
        with path.open("xb") as file:
            file.truncate(length * _SECTOR)
        run(*command, path)
        if label == "p2":
            run("mcopy", "-i", path, folder / "tree/file.bin", "::/file.bin")
        disk[start * _SECTOR : (start + length) * _SECTOR] = path.read_bytes()
    image = folder / "disk.raw"
    image.write_bytes(disk)
    return image


def _mmls(image: Path) -> list[tuple[int, int]]:
    """Offset and size of each partition as mmls lists them; those that only hold others left out."""
    rows = subprocess.run(["mmls", "-b", "4096", image], capture_output=True, check=True, text=True).stdout
    return [(int(start) * _SECTOR, int(length) * _SECTOR) for start, length in _ROW.findall(rows)]


def _addresses(image: Path, start: int) -> list[str]:
    """Addresses of files as fls lists them."""
    command = ["fls", "-r", "-F", "-b", "4096", "-o", str(start), str(image)]
    lines = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    return sorted({line.partition(":\t")[0].split()[-1] for line in lines})


@pytest.mark.parametrize("table", [_DOS, _GPT], ids=["dos", "gpt"])
def test_a_raw_image_tells_its_sectors_by_what_stands_where_its_table_points(
    tmp_path: Path, run: Run, require: Require, table: str
) -> None:
    require("mmls", "fls")
    image = _disk(tmp_path, run, table)
    with Source.open(image, "E1") as source:
        volumes = [volume for volume in source.volumes() if volume.allocated]
        assert [(volume.offset, volume.size) for volume in volumes] == _mmls(image)
        for volume in volumes:
            items = list(source.walk(volume))
            assert [item for item in items if isinstance(item, NotExamined)] == []
            streams = [item for item in items if isinstance(item, Stream)]
            assert sorted({stream.locator.address for stream in streams if stream.locator.address}) == _addresses(
                image, _PARTITIONS[volume.label][0]
            )
            if volume.label != "p1":
                (file,) = (stream for stream in streams if stream.path.endswith(b"file.bin"))
                content = source.open_stream(file.locator).read_at(0, file.size)
                assert content == (tmp_path / "tree/file.bin").read_bytes()


def test_an_e01_that_records_its_sectors_is_read_with_them(tmp_path: Path, run: Run, require: Require) -> None:
    require("mmls")
    image = _disk(tmp_path, run, _DOS)
    run("ewfacquire", "-u", "-q", "-P", "4096", "-f", "encase6", "-c", "fast", "-t", tmp_path / "disk", image)
    with Source.open(tmp_path / "disk.E01", "E1") as source:
        assert source.image.sector_size == _SECTOR
        volumes = [volume for volume in source.volumes() if volume.allocated]
        assert [(volume.offset, volume.size) for volume in volumes] == _mmls(image)
        assert all(source.file_system(volume) is not None for volume in volumes)


def test_a_disk_written_with_small_sectors_and_acquired_with_large_ones_is_read_as_written(
    tmp_path: Path, run: Run, disk_image: Path
) -> None:
    run("ewfacquire", "-u", "-q", "-P", "4096", "-f", "encase6", "-c", "fast", "-t", tmp_path / "disk", disk_image)
    with Source.open(disk_image, "E1") as raw, Source.open(tmp_path / "disk.E01", "E1") as source:
        assert source.volumes() == raw.volumes()


def test_a_table_that_points_at_nothing_known_is_read_with_the_sectors_of_the_image(tmp_path: Path, run: Run) -> None:
    image = tmp_path / "disk.raw"
    image.write_bytes(_table(tmp_path, run, _DOS))
    with Source.open(image, "E1") as source:
        assert [volume.offset for volume in source.volumes() if volume.label in {"p1", "p2"}] == [256 * 512, 4352 * 512]


def test_a_damaged_first_partition_does_not_change_the_sectors(tmp_path: Path, disk_image: Path) -> None:
    image = tmp_path / "disk.raw"
    data = bytearray(disk_image.read_bytes())
    data[1 << 20 : 2 << 20] = bytes(1 << 20)
    image.write_bytes(data)
    with Source.open(disk_image, "E1") as whole, Source.open(image, "E1") as source:
        assert source.volumes() == whole.volumes()
