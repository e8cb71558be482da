"""A block device as a source: a disk behind a write blocker, or a loop device.

Its bytes are those of a raw image, and its source is one in all but what it is read from. Whether the kernel lets
anyone write to it is asked before it is read: ``ioctl(BLKROGET)``, and ``/proc/self/mountinfo`` for file systems on it,
on its partitions, or on what is stacked upon them (``/sys/dev/block``).
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from forensics.errors import ImageError
from forensics.evidence.image import EvidenceKind, ImageFormat
from forensics.evidence.images.raw import RawImage

_GET_READ_ONLY = 0x125E
_GET_SECTOR_SIZE = 0x1268
"""``BLKROGET`` and ``BLKSSZGET`` of ``linux/fs.h``: each gives an ``int``."""

_MOUNTS = Path("/proc/self/mountinfo")
_DEVICES = Path("/sys/dev/block")


class BlockDeviceImage(RawImage):
    """An open block device.

    Args:
        path: The device.

    Raises:
        ImageError: It cannot be opened, or does not answer.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self.sector_size = _ask(path, _GET_SECTOR_SIZE)
            self.writable = _writable(path)
        except OSError as error:
            self.close()
            raise ImageError(f"does not tell what it is ({error.strerror})", str(path), "check the device") from error
        self.metadata = {"read from": "block device"}


class BlockDeviceFormat(ImageFormat):
    """Block devices."""

    name: ClassVar[str] = "block-device"
    kind: ClassVar[EvidenceKind] = EvidenceKind.BLOCK_DEVICE

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  a device may hold anything
        """Accept any block device."""
        return True

    def open(self, path: Path) -> BlockDeviceImage:
        """Open a block device (see :meth:`ImageFormat.open`)."""
        return BlockDeviceImage(path)


def mounted_for_writing(mounts: str) -> set[str]:
    """Find the devices on which a file system is mounted for writing.

    Args:
        mounts: Text of ``/proc/self/mountinfo`` (see ``proc_pid_mountinfo(5)``).

    Returns:
        Their numbers, as ``major:minor``.
    """
    found = set()
    for line in mounts.splitlines():
        place, _, file_system = line.partition(" - ")
        # the mount may be read-only where the file system is not, and other mounts of it write
        if "rw" in file_system.split(" ")[-1].split(","):
            found.add(place.split(" ")[2])
    return found


def stacked_devices(number: str, devices: Path = _DEVICES) -> Iterator[str]:
    """Give a device, its partitions and whatever is made of them (RAID, LVM, encryption).

    Args:
        number: The device as ``major:minor``.
        devices: Folder in which the kernel describes each device under its number.
    """
    yield number
    for inner in (*devices.glob(f"{number}/*/partition"), *devices.glob(f"{number}/holders/*/dev")):
        yield from stacked_devices((inner.parent / "dev").read_text().strip(), devices)


def _writable(path: Path) -> str:
    """Say what allows writing to a device; empty if nothing does."""
    if not _ask(path, _GET_READ_ONLY):
        return "is a device that can be written to"
    device = path.stat().st_rdev
    number = f"{os.major(device)}:{os.minor(device)}"
    if mounted_for_writing(_MOUNTS.read_text(errors="surrogateescape")) & set(stacked_devices(number)):
        return "is a device with a file system that is mounted for writing"
    return ""


def _ask(path: Path, request: int) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        answer = fcntl.ioctl(descriptor, request, bytes(struct.calcsize("i")))
    finally:
        os.close(descriptor)
    return int(struct.unpack("i", answer)[0])
