"""What a source is, in a form that travels between processes and into the case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.errors import FileSystemError
from forensics.evidence.lost_file_systems import SearchedArea
from forensics.evidence.stream import NotExamined
from forensics.evidence.volume import Volume

if TYPE_CHECKING:
    from forensics.evidence.source import Source


COULD_CHANGE = "could change while it was read"
"""Name in a source's metadata for what would have let others write to it."""


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """A source as it was found.

    Attributes:
        path: The file the user named.
        format: Name of the image format.
        size: Bytes of the medium.
        sector_size: Bytes a sector.
        segments: Name and size in bytes of each file that makes it up, in order.
        segment_paths: The same files, as paths.
        stored_digests: Digests of the medium that the acquisition tool stored, by algorithm.
        metadata: What else the acquisition tool stored, and :data:`COULD_CHANGE` where that holds.
        volumes: Each volume with the type of its file system, ``None`` where none is readable.
        not_examined: What was found unreadable on the way.
        digest_algorithm: Name of the digest of the evidence before and after.
        searched: Where lost file systems were searched for and found, for those who open it next; not for the case.
    """

    path: Path
    format: str
    size: int
    sector_size: int
    segments: tuple[tuple[str, int], ...]
    segment_paths: tuple[Path, ...]
    stored_digests: Mapping[str, str]
    metadata: Mapping[str, str]
    volumes: tuple[tuple[Volume, str | None], ...]
    not_examined: tuple[NotExamined, ...] = ()
    digest_algorithm: str = "sha256"
    searched: tuple[SearchedArea, ...] = ()


def describe(source: Source) -> SourceDescription:
    """Describe an open source.

    Args:
        source: The source.

    Raises:
        EvidenceError: Its volume system cannot be read.
    """
    image = source.image
    volumes = tuple((volume, _file_system_type(source, volume)) for volume in source.volumes())
    return SourceDescription(
        path=image.path,
        format=image.format,
        size=image.size,
        sector_size=image.sector_size,
        segments=tuple((segment.name, _segment_size(segment, image.size)) for segment in image.segments),
        segment_paths=image.segments,
        stored_digests=dict(image.stored_digests),
        metadata={**image.metadata, **({COULD_CHANGE: image.writable} if image.writable else {})},
        volumes=volumes,
        digest_algorithm=image.digest_algorithm,
        searched=source.searched_areas(),
    )


def _segment_size(path: Path, medium: int) -> int:
    """Bytes in a segment; a device does not tell its size that way, but it is all of its medium."""
    return medium if path.is_block_device() else path.stat().st_size


def _file_system_type(source: Source, volume: Volume) -> str | None:
    try:
        file_system = source.file_system(volume)
    except FileSystemError:
        return None  # the walk over this volume records it as not examined, with the reason
    return file_system.type if file_system else None
