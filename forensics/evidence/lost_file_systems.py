"""Finds file systems that no partition table names: a deleted partition, a table written over, an older disk below.

An area that a table leaves free, or in which nothing was recognised, is searched at the places where partitioning
programs begin partitions: multiples of 1 MiB (all since 2006), sector 63 and the bounds of cylinders of 255 heads and
63 sectors (older ones), and the end of the file system found before. Only the head of each place is read, and what
looks like a file system counts only if it opens. The search is bounded:

- every such place in the first GiB of the area, and again in the GiB behind each file system found;
- beyond them, up to the end of the area, whole GiB and whole GiB plus 1 MiB;
- at most :data:`MAX_PROBES` places and :data:`MAX_FOUND` file systems an area; where that ends it, the search says so.

The same bytes always give the same answer, so that labels made from it stay true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge

from forensics.errors import EvidenceError
from forensics.evidence import signature
from forensics.evidence.filesystem import FileSystem
from forensics.evidence.image import DiskImage
from forensics.evidence.volume import Volume
from plugins import loader

MAX_PROBES = 16_384
MAX_FOUND = 64

SECTOR = 512
"""Bytes; what the labels of lost file systems count in, whatever the sectors of the disk."""

_MIB, _GIB = 1 << 20, 1 << 30
_DENSE = _GIB
_HEAD_SIZE = 4096
_TRACK = 63 * SECTOR
_CYLINDER = 255 * _TRACK
_RESTS = (0, *(SECTOR << power for power in range(8)))
"""What may lie between the end of a file system and that of its partition: the part of a cluster that is too small for
one, and the sector in which NTFS keeps the copy of its boot sector."""
_EXT_MAGIC, _EXT_BLOCK_GROUP = 1080, 1114
"""In a superblock 1,024 bytes into the volume (Linux kernel, ``struct ext4_super_block``)."""


@dataclass(frozen=True, slots=True)
class LostFileSystem:
    """What was found.

    Attributes:
        offset: Byte offset in the image.
        size: Length in bytes: what the file system claims, or, where that is unknown, what is left of the area.
        kind: What it begins like: ``NTFS``, ``LUKS`` ...
        file_system: It, open; ``None`` if it is encrypted.
    """

    offset: int
    size: int
    kind: str
    file_system: FileSystem | None


@dataclass(frozen=True, slots=True)
class LostSearch:
    """What a search of an area gave.

    Attributes:
        found: What was found, in order of offset.
        stopped: Byte offset in the image from where on there were places left when a limit was reached; ``None`` if it
            was searched to its end.
    """

    found: tuple[LostFileSystem, ...]
    stopped: int | None

    def places(self, label: str) -> SearchedArea:
        """The same as it travels to other processes.

        Args:
            label: Label of the volume that was searched.
        """
        return SearchedArea(label, tuple(lost.offset for lost in self.found), self.stopped)


@dataclass(frozen=True, slots=True)
class SearchedArea:
    """Where a search found something, for other processes that open the same source: thousands of reads less.

    Attributes:
        label: Label of the volume that was searched.
        places: Byte offsets in the image of what was found.
        stopped: As in :class:`LostSearch`.
    """

    label: str
    places: tuple[int, ...]
    stopped: int | None


def find_lost_file_systems(image: DiskImage, area: Volume, start: int) -> LostSearch:
    """Search an area.

    Args:
        image: The image.
        area: The area.
        start: Where in the image to begin, at or behind the start of the area.
    """
    end = min(area.offset + area.size, image.size)
    places = _places(start, end)
    found: list[LostFileSystem] = []
    for _ in range(MAX_PROBES):
        place = next(places, None)
        if place is None:
            return LostSearch(tuple(found), None)
        if len(found) == MAX_FOUND:
            return LostSearch(tuple(found), place)
        lost = _probe(image, area, place, end)
        if lost is None:
            continue
        found.append(lost)
        if lost.file_system is not None:
            places = _places(place + max(lost.size, SECTOR), end, _RESTS)
    return LostSearch(tuple(found), next(places, None))


def reopen_lost_file_systems(image: DiskImage, area: Volume, searched: SearchedArea) -> LostSearch | None:
    """Open what a search of an area found before.

    Args:
        image: The image.
        area: The area.
        searched: Where it was found.

    Returns:
        What the search gave; ``None`` if that is not all there any more.
    """
    end = min(area.offset + area.size, image.size)
    found = [lost for place in searched.places if (lost := _probe(image, area, place, end)) is not None]
    return LostSearch(tuple(found), searched.stopped) if len(found) == len(searched.places) else None


def _places(start: int, end: int, rests: tuple[int, ...] = (0,)) -> Iterator[int]:
    """Where a partition may begin, each place once, in order.

    Args:
        start: Where something ends.
        end: Where the area ends.
        rests: How many unused bytes may follow before the next partition.
    """
    near = min(start + _DENSE, end)
    nearby = sorted(start + rest + track for rest in rests for track in (0, _TRACK) if start + rest + track < end)
    last = -1
    for place in merge(
        nearby,
        _multiples(_MIB, 0, start, near),
        _multiples(_CYLINDER, 0, start, near),
        _multiples(_CYLINDER, _TRACK, start, near),
        _multiples(_GIB, 0, near, end),
        _multiples(_GIB, _MIB, near, end),
    ):
        if place != last:
            yield place
        last = place


def _multiples(step: int, remainder: int, start: int, end: int) -> range:
    """Multiples of a step plus a remainder, from ``start`` up to ``end``."""
    return range(max(start - remainder + step - 1, 0) // step * step + remainder, end, step)


def _probe(image: DiskImage, area: Volume, place: int, end: int) -> LostFileSystem | None:
    try:
        head = image.read_at(place, min(_HEAD_SIZE, end - place))
        encryption = signature.encryption(head)
        if encryption is not None:
            return LostFileSystem(place, end - place, encryption, None)
        kind = signature.supported_file_system(head)
        if kind is None or _is_copy_of_superblock(head):
            return None
        volume = Volume(area.label, "none", "", place, end - place, allocated=False)
        for family in loader.file_systems():
            file_system = family.open(image, volume)
            if file_system is not None:
                return LostFileSystem(place, file_system.size, kind, file_system)
    except EvidenceError:
        pass  # unreadable, or the remains of a file system that do not open; the area as a whole is reported or a gap
    return None


def _is_copy_of_superblock(head: bytes) -> bool:
    """Tell a copy that ext keeps at the start of later block groups from the superblock itself."""
    return head[_EXT_MAGIC : _EXT_MAGIC + 2] == b"\x53\xef" and head[_EXT_BLOCK_GROUP : _EXT_BLOCK_GROUP + 2] != bytes(
        2
    )
