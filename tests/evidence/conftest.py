"""Images for the tests of reading evidence, built by the tools that make such file systems.

Contents are numbers and noise.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from plugins.sample_evidence import programs
from plugins.sample_evidence.ntfs_volume import NtfsVolume, format_ntfs
from tests.evidence.noise import noise

_PACKAGES = {
    **programs.PACKAGES,
    "ewfacquirestream": "ewf-tools",
    "ewfinfo": "ewf-tools",
    "cryptsetup": "cryptsetup-bin",
    "fls": "sleuthkit",
    "icat": "sleuthkit",
    "losetup": "mount",
    "lvm": "lvm2",
    "mkfs.exfat": "exfatprogs",
    "mkfs.xfs": "xfsprogs",
    "mmls": "sleuthkit",
    "qemu-img": "qemu-utils",
    "qemu-io": "qemu-utils",
    "split": "coreutils",
    "xz": "xz-utils",
}
_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_NAMED_DATA = 0x80
_REPARSE_POINT = 0xC0
_WOF_REPARSE_POINT = bytes.fromhex("17000080 1000 0000") + bytes(16)
_DEDUPLICATION_REPARSE_POINT = bytes.fromhex("13000080 1000 0000") + bytes(16)

Run = Callable[..., None]
Require = Callable[..., None]


@pytest.fixture(scope="session")
def require() -> Require:
    """Skip a test where a program is missing, naming the Debian package that brings it."""

    def check(*names: str) -> None:
        for name in names:
            there = (
                programs.ntfs_library() if name == programs.NTFS_LIBRARY else shutil.which(name, path=_SYSTEM_FOLDERS)
            )
            if not there:
                pytest.skip(f"{name} is not installed: apt install {_PACKAGES[name]}")

    return check


@pytest.fixture(scope="session")
def run(require: Require) -> Run:
    """Run a program that builds an image, or skip where it is missing."""

    def call(*command: str | Path, standard_input: str = "") -> None:
        require(str(command[0]))
        path = shutil.which(str(command[0]), path=_SYSTEM_FOLDERS)
        assert path is not None
        subprocess.run(
            [path, *command[1:]],
            input=standard_input.encode(),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    return call


@pytest.fixture(scope="session")
def ext4_image(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """An ext4 file system without a partition table: deep, sparse, linked, deleted and oddly named files."""
    folder = tmp_path_factory.mktemp("ext4")
    tree = folder / "tree"
    draw = noise(4)
    for number in range(60):
        path = tree / f"d{number % 6}" / f"s{number % 12}" / f"f{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw.randbytes(draw.choice([0, 1, 50, 1024, 5000, 30_000])))
    deep = tree.joinpath(*(f"n{depth}" for depth in range(100)))
    deep.mkdir(parents=True)
    (deep / "bottom").write_bytes(b"deep down")
    (tree / "fast link").symlink_to("d0")
    (tree / "slow link").symlink_to("x" * 200)
    (tree / "hard link").hardlink_to(tree / "d0/s0/f0.bin")
    with (tree / "hole").open("wb") as file:
        file.seek(700_000)
        file.write(b"after the hole")
    with (tree / "all hole").open("wb") as file:
        file.truncate(2 << 30)
    (tree / "small hole").write_bytes(b"")
    with (tree / "small hole").open("wb") as file:
        file.truncate(100_000)
    Path(f"{tree}/line\nfeed").write_bytes(b"name with a line feed")
    for name in ("gone.bin", "later.bin"):
        (tree / name).write_bytes(draw.randbytes(20_000))
    image = folder / "ext4.raw"
    run("mke2fs", "-q", "-t", "ext4", "-b", "1024", "-O", "^has_journal", "-d", tree, image, "12M")
    run("debugfs", "-w", "-R", "rm /gone.bin", image)
    return image


@pytest.fixture(scope="session")
def fat_image(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """A FAT16 file system without a partition table, with a deleted file and a deleted folder."""
    folder = tmp_path_factory.mktemp("fat")
    image = folder / "fat.raw"
    with image.open("xb") as file:
        file.truncate(9 << 20)
    run("mkfs.vfat", "-F", "16", image)
    draw = noise(5)
    for name in ("kept.bin", "deleted with a long name.bin", "last.bin"):
        (folder / name).write_bytes(draw.randbytes(30_000))
        run("mcopy", "-i", image, folder / name, f"::/{name}")
    run("mmd", "-i", image, "::/folder")
    run("mcopy", "-i", image, folder / "last.bin", "::/folder/inside.bin")
    run("mdel", "-i", image, "::/deleted with a long name.bin")
    run("mdeltree", "-i", image, "::/folder")
    return image


@pytest.fixture(scope="session")
def ntfs_image(tmp_path_factory: pytest.TempPathFactory, require: Require) -> Path:
    """An NTFS file system without a partition table: alternate streams, deleted files, what cannot be hashed."""
    require("mkntfs", programs.NTFS_LIBRARY)
    image = tmp_path_factory.mktemp("ntfs") / "ntfs.raw"
    format_ntfs(image, 12 << 20, 0, "T")
    draw = noise(6)
    with _Volume(image) as volume:
        volume.create("a/b/large.bin", draw.randbytes(70_000))
        volume.create("a/b/resident.bin", draw.randbytes(300))
        volume.create("a/empty.bin", b"")
        volume.add_stream("a/b/large.bin", "hidden", draw.randbytes(20_000))
        volume.add_attribute("a/b", _NAMED_DATA, "on a folder", b"content of a folder's stream")
        volume.add_attribute("", _NAMED_DATA, "on the root", b"content of the root's stream")
        volume.create("compact.exe", bytes(40_000))
        volume.add_attribute("compact.exe", _REPARSE_POINT, "", _WOF_REPARSE_POINT)
        volume.add_attribute("compact.exe", _NAMED_DATA, "WofCompressedData", b"compressed content")
        volume.create("deduplicated.bin", bytes(40_000))
        volume.add_attribute("deduplicated.bin", _REPARSE_POINT, "", _DEDUPLICATION_REPARSE_POINT)
        volume.create("secret.bin", draw.randbytes(9000))
        volume.create("gone/deleted.bin", draw.randbytes(50_000))
        volume.add_stream("gone/deleted.bin", "with a stream", draw.randbytes(6000))
        volume.create("gone/deleted resident.bin", draw.randbytes(100))
        for path in ("gone/deleted.bin", "gone/deleted resident.bin"):
            volume.delete(path)
    _mark_encrypted(image, "secret.bin")
    return image


class _Volume(NtfsVolume):
    """Adds attributes of any type, to folders as well."""

    def add_attribute(self, path: str, kind: int, name: str, content: bytes) -> None:
        where = PurePosixPath(path)
        stored = name.encode("utf-16-le")
        record = self._folders.get(where) or self._record(where)
        with self._inode(record) as inode:
            result = self._call("ntfs_attr_add", inode, kind, stored or None, len(stored) // 2, content, len(content))
            assert result == 0


def _mark_encrypted(image: Path, name: str) -> None:
    """Set the flag of EFS on a file's data attribute, as Windows would after encrypting it."""
    data = bytearray(image.read_bytes())
    # the name stands in the file's MFT record and in its folder's index; a record has 1,024 bytes
    starts = {match.start() // 1024 * 1024 for match in re.finditer(re.escape(name.encode("utf-16-le")), data)}
    (record,) = (start for start in starts if data[start : start + 4] == b"FILE")
    attribute = record + int.from_bytes(data[record + 20 : record + 22], "little")
    while data[attribute] != _NAMED_DATA:
        attribute += int.from_bytes(data[attribute + 4 : attribute + 8], "little")
    data[attribute + 13] |= 0x40
    image.write_bytes(data)


@pytest.fixture(scope="session")
def disk_image(tmp_path_factory: pytest.TempPathFactory, run: Run, ntfs_image: Path, fat_image: Path) -> Path:
    """A disk with a DOS table: a gap, NTFS as the second primary, a gap, FAT as a logical partition."""
    image = tmp_path_factory.mktemp("disk") / "disk.raw"
    with image.open("xb") as file:
        file.truncate(32 << 20)
    ntfs_sectors, fat_sectors = ntfs_image.stat().st_size // 512, fat_image.stat().st_size // 512
    run(
        "sfdisk",
        image,
        standard_input="label: dos\n"
        f"2 : start=2048, size={ntfs_sectors}, type=7\n"
        "4 : start=30720, size=30720, type=5\n"
        f"5 : start=32768, size={fat_sectors}, type=6\n",
    )
    with image.open("r+b") as file:
        file.seek(2048 * 512)
        file.write(ntfs_image.read_bytes())
        file.seek(32768 * 512)
        file.write(fat_image.read_bytes())
    return image


@pytest.fixture(scope="session")
def acquired_image(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """A FAT file system full of noise, so that its compressed image needs several segments."""
    folder = tmp_path_factory.mktemp("acquired")
    image = folder / "acquired.raw"
    with image.open("xb") as file:
        file.truncate(5 << 20)
    run("mkfs.vfat", "-F", "12", image)
    draw = noise(7)
    for number in range(20):
        (folder / "noise.bin").write_bytes(draw.randbytes(180_000 + number))
        run("mcopy", "-i", image, folder / "noise.bin", f"::/noise{number}.bin")
    return image


@pytest.fixture(scope="session")
def e01_image(tmp_path_factory: pytest.TempPathFactory, run: Run, acquired_image: Path) -> Path:
    """The file system of :func:`acquired_image` acquired as a compressed E01 in several segments."""
    base = tmp_path_factory.mktemp("e01") / "disk"
    details = ("-C", "C-17", "-D", "a disk", "-E", "E1", "-e", "Perita", "-N", "none")
    # one MiB is the least ewfacquire takes
    options = ("-u", "-q", "-f", "encase6", "-c", "fast", "-d", "sha1", "-S", "1MiB")
    run("ewfacquire", *options, *details, "-t", base, acquired_image)
    return base.with_suffix(".E01")
