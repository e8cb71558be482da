"""Builds the sample evidence: a partitioned disk as raw and E01, its lists, and the truth about it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import TamizError
from plugins.sample_evidence import known_lists, planting, programs
from plugins.sample_evidence.ground_truth import GroundTruth, VolumeTruth
from plugins.sample_evidence.innocents import innocent_files
from plugins.sample_evidence.volumes import WRITERS, SampleFile

_SECTOR = 512
_MIB = 1024 * 1024
_DISK_SIZE = 96 * _MIB
_DISK_GUID = "5AAD0E11-0000-4000-8000-000000000000"
_BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
_LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
_INNOCENT_SEED = 1_000_000
_ABSENT_ENTRIES = 300


@dataclass(frozen=True, slots=True)
class _Partition:
    label: str
    file_system: str
    type_guid: str
    offset: int
    size: int


# A gap stays free at the end: disks are seldom full.
_PARTITIONS = (
    _Partition("p1", "ntfs", _BASIC_DATA, 1 * _MIB, 40 * _MIB),
    _Partition("p2", "ext4", _LINUX_DATA, 41 * _MIB, 32 * _MIB),
    _Partition("p3", "fat16", _BASIC_DATA, 73 * _MIB, 16 * _MIB),
)


@dataclass(frozen=True, slots=True)
class SampleEvidence:
    """Where everything is.

    Attributes:
        folder: The folder of it all.
        raw: The disk as a raw image.
        ewf: The same disk as an E01.
        notable: The VICS list of listed sample pictures.
        benign: The hashdeep list of innocent files.
        truth_file: The ground truth as JSON.
        truth: The ground truth.
    """

    folder: Path
    raw: Path
    ewf: Path
    notable: Path
    benign: Path
    truth_file: Path
    truth: GroundTruth


def build(folder: Path) -> SampleEvidence:
    """Build the sample evidence; needs neither root nor network.

    Args:
        folder: Where to put it; made if it is not there. None of the files to be built may be there yet.

    Raises:
        TamizError: A program is missing or fails, or the folder cannot be written.
    """
    programs.require_all()
    try:
        return _build(folder)
    except OSError as error:
        raise TamizError(f"cannot be written ({error.strerror})", str(folder), "choose another folder") from error


def _build(folder: Path) -> SampleEvidence:
    folder.mkdir(parents=True, exist_ok=True)
    raw, truth_file = folder / "disk.raw", folder / "ground-truth.json"
    notable, benign = folder / "notable.json", folder / "benign.hashdeep"
    files = {partition.label: _files(partition, number) for number, partition in enumerate(_PARTITIONS)}

    _write_disk(raw, files)
    _acquire(raw, folder / "disk")
    listed = planting.listed_pictures() + known_lists.absent_pictures(_ABSENT_ENTRIES)
    known_lists.write_vics(notable, listed)
    known = _benign_files(files)
    known_lists.write_hashdeep(benign, known)

    volumes = {partition.label: _volume_truth(partition, files[partition.label]) for partition in _PARTITIONS}
    truth = GroundTruth(volumes, tuple(planting.planted_streams()), len(listed), len(known))
    truth.write(truth_file)
    return SampleEvidence(folder, raw, folder / "disk.E01", notable, benign, truth_file, truth)


def _files(partition: _Partition, number: int) -> list[SampleFile]:
    """Innocent and planted files of one volume; the planted ones stand in the middle."""
    innocents = list(innocent_files(partition.label, _INNOCENT_SEED * (number + 1)))
    planted = planting.planted_files(item for item in planting.PLANTINGS if item.volume == partition.label)
    middle = len(innocents) // 2
    return [*innocents[:middle], *planted, *innocents[middle:]]


def _write_disk(raw: Path, files: dict[str, list[SampleFile]]) -> None:
    with raw.open("xb") as disk:
        disk.truncate(_DISK_SIZE)
    _write_partition_table(raw)
    with tempfile.TemporaryDirectory(dir=raw.parent, prefix="volumes-") as work, raw.open("r+b") as disk:
        for partition in _PARTITIONS:
            image = Path(work) / partition.label
            write = WRITERS[partition.file_system]
            write(image, partition.size, partition.offset // _SECTOR, files[partition.label])
            with image.open("rb") as volume:
                disk.seek(partition.offset)
                while piece := volume.read(_MIB):
                    # what is all zeros stays a hole
                    if piece.strip(b"\0"):
                        disk.write(piece)
                    else:
                        disk.seek(len(piece), 1)


def _write_partition_table(raw: Path) -> None:
    lines = ["label: gpt", f"label-id: {_DISK_GUID}", "unit: sectors"]
    for number, partition in enumerate(_PARTITIONS, start=1):
        start, size = partition.offset // _SECTOR, partition.size // _SECTOR
        guid = f"{_DISK_GUID[:-1]}{number}"
        lines.append(f'start={start}, size={size}, type={partition.type_guid}, uuid={guid}, name="{partition.label}"')
    programs.run("sfdisk", "--quiet", "--no-reread", raw, standard_input="\n".join(lines) + "\n")


def _acquire(raw: Path, target: Path) -> None:
    """Acquire the disk as an E01, as a laboratory would."""
    programs.run(
        *("ewfacquire", "-u", "-q", "-f", "encase6", "-c", "fast", "-d", "sha1", "-t", target),
        *("-C", "DEMO-2024-001", "-E", "E2", "-e", "Demo Examiner"),
        *("-D", "harmless sample disk", "-N", "built by tamiz demo", raw),
    )


def _benign_files(files: dict[str, list[SampleFile]]) -> list[tuple[str, bytes]]:
    """Every second innocent file of the disk, with its full path."""
    planted = {(item.volume, item.path) for item in planting.PLANTINGS}
    return [
        (f"{label}/{file.path}", file.content)
        for label, volume_files in files.items()
        for number, file in enumerate(volume_files)
        if number % 2 == 0 and file.stream is None and (label, file.path) not in planted
    ]


def _volume_truth(partition: _Partition, files: Sequence[SampleFile]) -> VolumeTruth:
    alternate = sum(file.stream is not None for file in files)
    deleted = sum(file.deleted for file in files)
    return VolumeTruth(
        file_system=partition.file_system,
        offset=partition.offset,
        size=partition.size,
        files=len(files) - alternate - deleted,
        deleted=deleted,
        alternate_streams=alternate,
        bytes=sum(len(file.content) for file in files),
    )
