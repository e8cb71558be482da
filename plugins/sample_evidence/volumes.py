"""Writes files into a new volume: NTFS by libntfs-3g, ext4 by e2fsprogs, FAT by mtools. Deletion comes last.

Nothing is written after the deletions, so every deleted file stays whole where the file system left it. ``debugfs``
frees an inode's blocks but leaves its extents in place, as a crash between deletion and commit would; Linux itself
clears them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from plugins.sample_evidence import programs
from plugins.sample_evidence.ntfs_volume import NtfsVolume, format_ntfs

_SECTOR = 512
_VOLUME_LABEL = "MUESTRA"


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A file, or an alternate data stream of one, to be written into a volume.

    Attributes:
        path: Path inside the volume, parts joined by ``/``.
        content: Its bytes.
        stream: Name of the alternate data stream; ``None`` for the file's own data.
        deleted: Whether it is deleted in the end.
    """

    path: str
    content: bytes
    stream: str | None = None
    deleted: bool = False

    @property
    def full_path(self) -> str:
        """The path as tamiz shows it: an alternate data stream follows a colon."""
        return self.path if self.stream is None else f"{self.path}:{self.stream}"


Writer = Callable[[Path, int, int, Iterable[SampleFile]], None]
"""Takes the image file to make, its size in bytes, its first sector on the disk, and the files."""


def write_ntfs(image: Path, size: int, start_sector: int, files: Iterable[SampleFile]) -> None:
    """Make an NTFS volume that holds the files; files come before their alternate data streams."""
    format_ntfs(image, size, start_sector, _VOLUME_LABEL)
    deleted = []
    with NtfsVolume(image) as volume:
        for file in files:
            if file.stream is None:
                volume.create(file.path, file.content)
            else:
                volume.add_stream(file.path, file.stream, file.content)
            if file.deleted:
                deleted.append(file.path)
        for path in deleted:
            volume.delete(path)


def write_ext4(image: Path, size: int, start_sector: int, files: Iterable[SampleFile]) -> None:  # noqa: ARG001
    """Make an ext4 volume that holds the files."""
    with tempfile.TemporaryDirectory() as name:
        deleted = _write_folder(Path(name), files)
        options = ("-q", "-F", "-t", "ext4", "-m", "0", "-E", "root_owner=0:0", "-L", _VOLUME_LABEL)
        programs.run("mke2fs", *options, "-d", name, image, f"{size // 1024}k")
    # debugfs exits with 0 whatever happens to a command
    commands = "".join(f'rm "/{path}"\n' for path in deleted)
    programs.run("debugfs", "-w", "-f", "-", image, standard_input=commands)


def write_fat(image: Path, size: int, start_sector: int, files: Iterable[SampleFile]) -> None:
    """Make a FAT16 volume that holds the files."""
    with image.open("xb") as file:
        file.truncate(size)
    programs.run("mkfs.vfat", "-F", "16", "-h", str(start_sector), "-n", _VOLUME_LABEL, image)
    with tempfile.TemporaryDirectory() as name:
        deleted = _write_folder(Path(name), files)
        programs.run("mcopy", "-i", image, "-s", "-Q", *sorted(Path(name).iterdir()), "::/")
    if deleted:
        programs.run("mdel", "-i", image, *(f"::/{path}" for path in deleted))


WRITERS: Mapping[str, Writer] = {"ntfs": write_ntfs, "ext4": write_ext4, "fat16": write_fat}
"""Writers by The Sleuth Kit's name of the file system."""


def _write_folder(folder: Path, files: Iterable[SampleFile]) -> list[str]:
    """Write files below a folder, for a program to copy from; gives the paths to delete afterwards."""
    deleted = []
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        if file.deleted:
            deleted.append(file.path)
    return deleted
