"""The truth about the sample disk: every planted stream, where it is, and what a scan must say of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from forensics.errors import TamizError
from forensics.evidence.stream import Allocation
from hashsets.match import Tier

_FORMAT = "tamiz-ground-truth-1"


class PlantedClass(StrEnum):
    """In which way a listed sample picture is hidden."""

    PLAIN = "plain"
    NESTED = "nested"
    WRONG_EXTENSION = "wrong-extension"
    NON_ASCII = "non-ascii-name"
    DUPLICATE = "duplicate"
    ALTERNATE_STREAM = "alternate-stream"
    DELETED_NTFS = "deleted-ntfs"
    DELETED_EXT4 = "deleted-ext4"
    DELETED_FAT = "deleted-fat"
    RESIZED = "resized"
    RECOMPRESSED = "recompressed"
    MIRRORED = "mirrored"
    TURNED = "turned"
    FRAMED = "framed"


@dataclass(frozen=True, slots=True)
class PlantedStream:
    """A planted stream and what must be found out about it.

    Attributes:
        planted_class: How it is hidden.
        volume: Volume label, such as ``p1``.
        path: Full path inside the volume; an alternate data stream is appended as ``:name``.
        allocation: How the file system accounts for it.
        size: Length in bytes.
        md5, sha1, sha256: Its digests in lower-case hexadecimal.
        media_id: The entry of the notable list that it matches.
        category: Category code of that entry.
        tier: How strong the match must be.
        basis: The strongest basis on which it must match.
        distance: 0 for a digest; for PDQ, the bits between the entry's hash and the nearest of the stream's own.
    """

    planted_class: PlantedClass
    volume: str
    path: str
    allocation: Allocation
    size: int
    md5: str
    sha1: str
    sha256: str
    media_id: int
    category: int
    tier: Tier
    basis: str
    distance: int


@dataclass(frozen=True, slots=True)
class VolumeTruth:
    """What one volume holds, file-system metadata aside.

    Attributes:
        file_system: The Sleuth Kit's name of the file system.
        offset: First byte on the disk.
        size: Length in bytes.
        files: Allocated files.
        deleted: Deleted files.
        alternate_streams: Alternate data streams.
        bytes: Length of all these streams together.
    """

    file_system: str
    offset: int
    size: int
    files: int
    deleted: int
    alternate_streams: int
    bytes: int


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """Everything there is to know of the sample disk.

    Attributes:
        volumes: By volume label.
        planted: Every planted stream.
        listed: Entries of the notable list, those that are not on the disk included.
        benign: Entries of the benign list.
    """

    volumes: Mapping[str, VolumeTruth]
    planted: tuple[PlantedStream, ...]
    listed: int
    benign: int

    def write(self, path: Path) -> None:
        """Write as JSON."""
        document = {"format": _FORMAT, **asdict(self)}
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> GroundTruth:
        """Read what :meth:`write` wrote.

        Raises:
            TamizError: The file cannot be read or is something else.
        """
        try:
            document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            volumes = {label: VolumeTruth(**volume) for label, volume in document["volumes"].items()}
            planted = tuple(_planted(**item) for item in document["planted"])
            known_format = document["format"] == _FORMAT
            truth = cls(volumes, planted, listed=document["listed"], benign=document["benign"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise TamizError("is no ground truth of sample evidence", str(path), "build the demo again") from error
        if not known_format:
            raise TamizError("is of another version of the sample evidence", str(path), "build the demo again")
        return truth


def _planted(planted_class: str, allocation: str, tier: str, **rest: Any) -> PlantedStream:  # noqa: ANN401 - JSON
    return PlantedStream(PlantedClass(planted_class), allocation=Allocation(allocation), tier=Tier(tier), **rest)
