"""A block device is read as a raw image, and only where the kernel lets nobody write to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forensics.errors import ImageError
from forensics.evidence.description import COULD_CHANGE, describe
from forensics.evidence.image import open_image
from forensics.evidence.images.block_device import mounted_for_writing, stacked_devices
from forensics.evidence.source import Source
from tests.conftest import Evidence

Attach = Callable[..., Path]


@pytest.fixture
def attach(monkeypatch: pytest.MonkeyPatch) -> Iterator[Attach]:
    """Make loop devices of files; skips where the system has none to give."""
    monkeypatch.setenv("PATH", os.environ["PATH"] + ":/usr/sbin:/sbin")
    devices: list[str] = []

    def attached(file: Path, *options: str) -> Path:
        command: list[str | Path] = ["losetup", "--find", "--show", *options, file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no loop device can be had here: {done.stderr.strip()}")
        devices.append(done.stdout.strip())
        return Path(devices[-1])

    yield attached
    for device in devices:
        subprocess.run(["losetup", "--detach", device], check=True)


def test_a_device_gives_the_bytes_and_streams_of_its_image(attach: Attach, evidence: Evidence) -> None:
    device = attach(evidence.image, "--read-only")
    with Source.open(device, "E1") as read, Source.open(evidence.image, "E1") as image:
        assert read.image.size == evidence.image.stat().st_size
        assert read.image.read_at(0, 1 << 20) == image.image.read_at(0, 1 << 20)
        assert read.image.format == "raw"
        assert read.image.writable == ""
        (volume,) = read.volumes()
        assert (volume,) == image.volumes()
        assert list(read.walk(volume)) == list(image.walk(volume))


def test_what_it_is_stands_in_its_description(attach: Attach, evidence: Evidence) -> None:
    device = attach(evidence.image, "--read-only")
    with Source.open(device, "E1") as source:
        description = describe(source)
    assert description.segments == ((device.name, evidence.image.stat().st_size),)
    assert description.metadata == {"read from": "block device"}
    assert description.sector_size == 512


def test_the_sector_size_is_the_device_s_own(attach: Attach, evidence: Evidence) -> None:
    with open_image(attach(evidence.image, "--read-only", "--sector-size", "4096")) as image:
        assert image.sector_size == 4096


def test_a_device_that_can_be_written_to_is_refused_unless_that_is_accepted(attach: Attach, tmp_path: Path) -> None:
    file = tmp_path / "disk"
    file.write_bytes(bytes(1 << 20))
    device = attach(file)
    with pytest.raises(ImageError, match=r"can be written to.*--allow-writable"):
        Source.open(device, "E1")
    with Source.open(device, "E1", allow_writable=True) as source:
        assert describe(source).metadata[COULD_CHANGE] == "is a device that can be written to"


def test_mounts_for_writing_are_told_by_the_file_system_not_by_the_mount() -> None:
    mounts = (
        "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
        "37 35 98:1 / /ro ro,noatime - ext4 /dev/sdb1 ro\n"
        "38 35 98:2 / /bound ro - ext4 /dev/sdb2 rw,discard\n"
        "39 35 0:22 / /odd\\040name rw shared:2 - fuse.x y rw,user_id=0\n"
    )
    assert mounted_for_writing(mounts) == {"98:0", "98:2", "0:22"}
    assert mounted_for_writing(Path("/proc/self/mountinfo").read_text()) - {"0:0"}


def test_partitions_and_what_is_made_of_them_belong_to_a_device(tmp_path: Path) -> None:
    def device(place: str, number: str, *, partition: bool = False) -> None:
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "dev").write_text(f"{number}\n")
        if partition:
            (tmp_path / place / "partition").write_text("1\n")

    device("8:0", "8:0")
    device("8:0/sda1", "8:1", partition=True)
    device("8:0/sda2", "8:2", partition=True)
    device("8:2/holders/dm-0", "254:0")
    device("254:0/holders/dm-1", "254:1")
    assert list(stacked_devices("8:0", tmp_path)) == ["8:0", "8:1", "8:2", "254:0", "254:1"]
    assert list(stacked_devices("7:7", tmp_path)) == ["7:7"]


def test_partitions_of_a_real_device_are_found(attach: Attach, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(4 << 20))
    subprocess.run(["sfdisk", "-q", disk], input="start=64, size=1024\nstart=2048, size=1024\n", text=True, check=True)
    device = attach(disk, "--read-only", "--partscan")
    number = device.stat().st_rdev
    found = list(stacked_devices(f"{os.major(number)}:{os.minor(number)}"))
    listed = subprocess.run(["lsblk", "-nro", "MAJ:MIN", device], check=True, capture_output=True, text=True).stdout
    assert sorted(found) == sorted(listed.split())
