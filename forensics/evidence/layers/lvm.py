"""Logical volumes of LVM2: linear and striped ones, on one or several partitions of the same disk."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from forensics.errors import EvidenceError, ImageError, VolumeError
from forensics.evidence.image import DiskImage
from forensics.evidence.layer import Gap, InnerVolume, Inside, LayerPlace, VolumeImage, VolumeLayer
from forensics.evidence.layers.lvm_metadata import (
    SECTOR,
    LogicalVolume,
    PhysicalVolume,
    Read,
    VolumeGroup,
    read_group,
    read_label,
)
from forensics.evidence.volume import Volume
from forensics.reason import Reason


@dataclass(frozen=True, slots=True)
class _Place:
    """Where bytes of a logical volume lie: first byte in the image, end of its partition there, how many together."""

    start: int
    end: int
    together: int


@dataclass(frozen=True, slots=True)
class _Mapping:
    """A part of a logical volume, mapped to the image; bytes throughout.

    Attributes:
        start: First byte in the logical volume.
        length: Its length.
        stripes: Where each stripe begins in the image, and where its partition ends; one for a linear part.
        stripe_size: Bytes a stripe; as long as the part for a linear one.
    """

    start: int
    length: int
    stripes: tuple[tuple[int, int], ...]
    stripe_size: int

    def place(self, offset: int) -> _Place:
        """Where a byte of the logical volume, and those after it, lie."""
        within = offset - self.start
        number, rest = divmod(within, self.stripe_size)
        row, column = divmod(number, len(self.stripes))
        start, end = self.stripes[column]
        together = min(self.stripe_size - rest, self.length - within)
        return _Place(start + row * self.stripe_size + rest, end, together)


class LogicalVolumeImage(VolumeImage):
    """The bytes of a logical volume.

    Args:
        parent: The image its physical volumes lie in.
        mappings: Its parts in order, without gaps.
    """

    def __init__(self, parent: DiskImage, mappings: Sequence[_Mapping]) -> None:
        super().__init__(parent, mappings[-1].start + mappings[-1].length)
        self._mappings = mappings
        self._starts = [mapping.start for mapping in mappings]

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the logical volume (see :meth:`DiskImage.read_at`)."""
        length = min(length, self.size - offset)
        pieces = []
        while length > 0:
            place = self._place(offset)
            wanted = min(place.together, length)
            piece = self.parent.read_at(place.start, max(min(wanted, place.end - place.start), 0))
            if len(piece) < wanted:
                what = f"byte {offset + len(piece)} of the logical volume lies beyond the end of its partition or image"
                raise ImageError(what)
            pieces.append(piece)
            offset += wanted
            length -= wanted
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def offset_in_parent(self, offset: int) -> int | None:
        """Where a byte lies in the image."""
        return self._place(offset).start if 0 <= offset < self.size else None

    def missing(self) -> int:
        """How many of its bytes lie beyond the end of their partition or of the image."""
        return sum(
            max(start + mapping.length // len(mapping.stripes) - min(end, self.parent.size), 0)
            for mapping in self._mappings
            for start, end in mapping.stripes
        )

    def _place(self, offset: int) -> _Place:
        return self._mappings[bisect_right(self._starts, offset) - 1].place(offset)


class LvmLayer(VolumeLayer):
    """Logical volumes of LVM2."""

    name: ClassVar[str] = "lvm2"

    def open(self, place: LayerPlace) -> Inside | None:
        """List the logical volumes of the group a physical volume belongs to (see :meth:`VolumeLayer.open`).

        A group on several partitions is listed once, with the first of them. Logical volumes are numbered in the
        order of the metadata, those that are only pieces or pools of others left out.

        Raises:
            VolumeError: The metadata is damaged.
        """
        image, volume = place.image, place.volume
        own = read_label(place.read_at)
        if own is None:
            return None
        present = {**_physical_volumes(image, place.neighbours), own.identifier: (volume, own)}
        group = _newest_group(image, own, present)
        if group is None:
            detail = "an LVM2 physical volume without a description of its volume group"
            return Inside(gaps=(Gap(Reason.NO_FILE_SYSTEM, detail, volume.size),))
        partitions = {name: present[uuid][0] for name, uuid in group.members.items() if uuid in present}
        if min(partition.offset for partition in partitions.values()) != volume.offset:
            return Inside()
        visible = [found for found in group.logical_volumes if found.visible and not _is_pool(found)]
        return Inside(
            tuple(_inner(image, group, partitions, found, index) for index, found in enumerate(visible, start=1))
        )


def _is_pool(found: LogicalVolume) -> bool:
    """Tell whether a logical volume only holds the blocks of others, which are listed themselves."""
    return bool(found.segments) and all(segment.kind.endswith("-pool") for segment in found.segments)


def _reader(image: DiskImage, volume: Volume) -> Read:
    def read(offset: int, length: int) -> bytes:
        return image.read_at(volume.offset + offset, max(min(length, volume.size - offset), 0))

    return read


def _physical_volumes(image: DiskImage, volumes: Iterable[Volume]) -> dict[str, tuple[Volume, PhysicalVolume]]:
    """Find the physical volumes among the volumes of an image, by UUID."""
    found = {}
    for volume in volumes:
        with suppress(EvidenceError):  # reported when that volume itself is opened
            header = read_label(_reader(image, volume))
            if header is not None:
                found[header.identifier] = (volume, header)
    return found


def _newest_group(
    image: DiskImage, own: PhysicalVolume, present: Mapping[str, tuple[Volume, PhysicalVolume]]
) -> VolumeGroup | None:
    """The newest description, on whichever physical volume, of the group a physical volume belongs to."""
    newest: VolumeGroup | None = None
    problem: VolumeError | None = None
    for volume, header in present.values():
        try:
            group = read_group(_reader(image, volume), header)
        except VolumeError as error:
            problem = error
            continue
        if group is None or own.identifier not in group.members.values():
            continue
        if newest is None or group.sequence > newest.sequence:
            newest = group
    if newest is None and problem is not None:
        raise problem
    return newest


def _inner(
    image: DiskImage, group: VolumeGroup, partitions: Mapping[str, Volume], found: LogicalVolume, index: int
) -> InnerVolume:
    """Map one logical volume to the image, or say why that cannot be done."""
    label, size = f"lvm{index}", sum(segment.count for segment in found.segments) * group.extent_size * SECTOR
    obstacle = _obstacle(group, partitions, found)
    if obstacle is not None:
        return InnerVolume(label, LvmLayer.name, found.name, size, gaps=(Gap(Reason.NO_FILE_SYSTEM, obstacle, size),))
    mapped = LogicalVolumeImage(image, list(_mappings(group, partitions, found)))
    missing = mapped.missing()
    gaps = (Gap(Reason.BEYOND_END_OF_IMAGE, "its extents reach beyond the image", missing),) if missing else ()
    return InnerVolume(label, LvmLayer.name, found.name, size, mapped.offset_in_parent(0), mapped, gaps=gaps)


def _obstacle(group: VolumeGroup, partitions: Mapping[str, Volume], found: LogicalVolume) -> str | None:
    """Why a logical volume cannot be read."""
    kinds = sorted({segment.kind for segment in found.segments if segment.kind != "striped"})
    if kinds:
        return f"a logical volume of type {', '.join(kinds)}, which this version cannot read"
    needed = {name for segment in found.segments for name, _ in segment.stripes}
    missing = sorted(group.members.get(name, name) for name in needed - partitions.keys())
    if missing:
        return f"needs the physical volume {', '.join(missing)}, which is not in this image"
    expected = 0
    for segment in found.segments:
        if segment.start != expected:
            return "its segments do not follow one another"
        expected += segment.count
    return None if expected else "has no extents"


def _mappings(group: VolumeGroup, partitions: Mapping[str, Volume], found: LogicalVolume) -> Iterator[_Mapping]:
    extent = group.extent_size * SECTOR
    for segment in found.segments:
        stripes = tuple(
            (
                partitions[name].offset + group.first_extents[name] * SECTOR + first * extent,
                partitions[name].offset + partitions[name].size,
            )
            for name, first in segment.stripes
        )
        length = segment.count * extent
        yield _Mapping(segment.start * extent, length, stripes, segment.stripe_size * SECTOR or length)
