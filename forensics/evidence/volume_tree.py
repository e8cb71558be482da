"""Finds all volumes of an image: partitions, and what lies in them, from the outside in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from forensics.errors import EvidenceError
from forensics.evidence import signature
from forensics.evidence.filesystem import FileSystem
from forensics.evidence.image import DiskImage
from forensics.evidence.keys import Keyring
from forensics.evidence.layer import Gap, InnerVolume, Inside, LayerPlace, VolumeImage
from forensics.evidence.lost_file_systems import (
    SECTOR,
    LostSearch,
    SearchedArea,
    find_lost_file_systems,
    reopen_lost_file_systems,
)
from forensics.evidence.volume import Volume
from forensics.reason import Reason
from plugins import loader

WHOLE_IMAGE_LABEL = "p0"
"""Label of the volume that stands for an image without a partition table."""

MAX_DEPTH = 8
"""Layers in layers beyond this are not opened: no system stacks so many."""

MAX_VOLUMES = 4096
"""Most volumes listed in one partition. A logical volume that maps its own physical volume would have no end."""


@dataclass(frozen=True, slots=True)
class VolumeNode:
    """A volume, and how it is read.

    Attributes:
        volume: As the case knows it: its whole label, and its offset from the start of the medium.
        image: What it is read through.
        within: The same volume as a part of ``image``.
        file_system: Its file system, where a layer gave it.
        gaps: What of it cannot be examined.
        divided: It holds volumes instead of a file system.
        readable: Its bytes or its file system can be reached; if not, its gaps say why.
        earlier: Labels of the volumes that show the same file system at other times and are walked before it.
        volume_key: What opened it (see :class:`~forensics.evidence.layer.InnerVolume`).
        searched: Where in it lost file systems were found; ``None`` if it was not searched.
    """

    volume: Volume
    image: DiskImage
    within: Volume
    file_system: FileSystem | None = None
    gaps: tuple[Gap, ...] = ()
    divided: bool = False
    readable: bool = True
    earlier: tuple[str, ...] = ()
    volume_key: bytes | None = field(default=None, repr=False)
    searched: SearchedArea | None = None


@dataclass(frozen=True, slots=True)
class VolumeTree:
    """How the volumes of one source are found.

    Attributes:
        image: The disk image.
        keyring: Keys to encrypted volumes.
        deep: Open also what only the profile ``deep`` examines.
        searched: By label, the volumes in which another process has searched for lost file systems; ``None`` if none
            has.
    """

    image: DiskImage
    keyring: Keyring
    deep: bool
    searched: Mapping[str, SearchedArea] | None = None

    def nodes(self) -> Iterator[VolumeNode]:
        """Find every volume, an outer one before those in it.

        Raises:
            VolumeError: The image has a partition table that cannot be read.
        """
        whole = Volume(WHOLE_IMAGE_LABEL, "none", "", 0, self.image.size)
        if self.image.holds_files:
            yield VolumeNode(whole, self.image, whole)
            return
        volumes = _partitions(self.image)
        if volumes is None:
            volumes = (whole,)
        for volume in volumes:
            yield from _bounded(self._open(VolumeNode(volume, self.image, volume), volumes, 0))

    def _open(
        self, node: VolumeNode, neighbours: Sequence[Volume], depth: int, *, search: bool = True
    ) -> Iterator[VolumeNode]:
        """Give a volume and what lies in it; if wanted, with a search for file systems that no table names."""
        inside = self._inside(node, neighbours) if depth < MAX_DEPTH else None
        if inside is None:
            yield from self._searched(node, neighbours, depth) if search else (node,)
            return
        yield replace(node, gaps=(*node.gaps, *inside.gaps), divided=inside.divided)
        copies = [node.volume.label]
        for inner in inside.volumes:
            found = _place(inner, node)
            if inner.copy_of_parent:
                found = replace(found, earlier=tuple(copies))
                copies.append(found.volume.label)
            if inner.image is None:
                yield found
            else:
                yield from self._inner(inner.image, found, depth + 1)

    def _inner(self, image: VolumeImage, node: VolumeNode, depth: int) -> Iterator[VolumeNode]:
        """Give a volume that is read as an image of its own: it may have a partition table, as a disk has."""
        try:
            has_file_system = signature.supported_file_system(image.read_at(0, signature.HEAD_SIZE)) is not None
            partitions = None if has_file_system else _partitions(image)
        except EvidenceError:
            partitions = None  # the walk over it says why it cannot be read
        if partitions is None:
            yield from self._open(node, (node.within,), depth)
            return
        yield replace(node, divided=True)
        for partition in partitions:
            offset = offset_in_medium(image, partition.offset)
            label = f"{node.volume.label}/{partition.label}"
            volume = replace(partition, label=label, offset=node.volume.offset if offset is None else offset)
            yield from self._open(VolumeNode(volume, image, replace(partition, label=label)), partitions, depth)

    def _searched(self, node: VolumeNode, neighbours: Sequence[Volume], depth: int) -> Iterator[VolumeNode]:
        """Give a volume and, if it is a gap or nothing is recognised in it, file systems in it that no table names."""
        search = self._search(node, neighbours)
        if search is None:
            yield node
            return
        node = replace(node, searched=search.places(node.volume.label))
        if search.stopped is None:
            yield node
        else:
            detail = f"{len(search.found)} lost file systems found, not searched for from byte {search.stopped} on"
            left = node.within.offset + node.within.size - search.stopped
            yield replace(node, gaps=(*node.gaps, Gap(Reason.WALK_LIMIT, detail, left)))
        for lost in search.found:
            label = f"{node.volume.label}/lost{(lost.offset - node.within.offset) // SECTOR}"
            description = f"{lost.kind}, found by its signature; in no partition table"
            within = Volume(label, "none", description, lost.offset, lost.size, allocated=False)
            offset = offset_in_medium(node.image, lost.offset)
            volume = replace(within, offset=node.volume.offset if offset is None else offset)
            found = VolumeNode(volume, node.image, within, lost.file_system)
            yield from self._open(found, (within,), depth + 1, search=False)

    def _search(self, node: VolumeNode, neighbours: Sequence[Volume]) -> LostSearch | None:
        """Search a volume for lost file systems, unless it is known what there is; ``None`` if it is not searched."""
        if self.searched is not None:
            known = self.searched.get(node.volume.label)
            if known is None:
                return None
            reopened = reopen_lost_file_systems(node.image, node.within, known)
            if reopened is not None:
                return reopened
        start = _first_unexplained(node, neighbours)
        return None if start is None else find_lost_file_systems(node.image, node.within, start)

    def _inside(self, node: VolumeNode, neighbours: Sequence[Volume]) -> Inside | None:
        keys = self.keyring.of_volume(node.volume.label)
        place = LayerPlace(node.image, node.within, neighbours, keys)
        left_out: list[Gap] = []
        for layer in loader.volume_layers():
            try:
                if layer.only_deep and not self.deep:
                    gap = layer.left_out(place)
                    left_out += [gap] if gap else []
                    continue
                inside = layer.open(place)
            except EvidenceError as error:
                detail = f"{layer.name}: {error.what}"
                size = None if layer.only_deep else node.volume.size
                return Inside(gaps=(Gap(Reason.FILE_SYSTEM_DAMAGED, detail, size),), divided=not layer.only_deep)
            if inside is not None:
                # what is divided has no file system of its own, and so no copies of it
                return inside if inside.divided else replace(inside, gaps=(*left_out, *inside.gaps))
        return Inside(gaps=tuple(left_out), divided=False) if left_out else None


def _bounded(nodes: Iterator[VolumeNode]) -> Iterator[VolumeNode]:
    """Give the first volumes of a partition; the last one says so where there are more."""
    listed = islice(nodes, MAX_VOLUMES)
    yield from islice(listed, MAX_VOLUMES - 1)
    for last in listed:
        detail = f"more than {MAX_VOLUMES:,} volumes in one partition: those behind this one are not listed"
        more = (Gap(Reason.WALK_LIMIT, detail),) if next(nodes, None) is not None else ()
        yield replace(last, gaps=(*last.gaps, *more))


def _partitions(image: DiskImage) -> tuple[Volume, ...] | None:
    for volume_system in loader.volume_systems():
        found = volume_system.volumes(image)
        if found is not None:
            return tuple(found)
    return None


def _first_unexplained(node: VolumeNode, neighbours: Sequence[Volume]) -> int | None:
    """Where in a volume the search for lost file systems begins; ``None`` where it is not searched.

    Nothing is searched for within a file system: an image of a disk may be a file in it. A gap is searched behind the
    file system that it begins with, and as a whole where that is one whose size is not known here (an old swap area).
    """
    volume, image = node.within, node.image
    if not node.readable or node.file_system is not None or volume.offset >= image.size:
        return None
    if volume.allocated and any(_lies_in(volume, gap) for gap in neighbours if not gap.allocated):
        return None  # an extended partition without its table: the gap is searched
    try:
        head = image.read_at(volume.offset, signature.HEAD_SIZE)
        unsupported = signature.unsupported_content(head)
        if signature.encryption(head) or (volume.allocated and (unsupported or signature.supported_file_system(head))):
            return None
        opened = (family.open(image, volume) for family in loader.file_systems())
        file_system = next((found for found in opened if found is not None), None)
    except EvidenceError:
        return None  # the walk over it says why
    if file_system is None:
        return volume.offset + SECTOR if unsupported else volume.offset
    return None if volume.allocated else volume.offset + max(file_system.size, SECTOR)


def _lies_in(inner: Volume, outer: Volume) -> bool:
    return outer.offset <= inner.offset and inner.offset + inner.size <= outer.offset + outer.size


def _place(inner: InnerVolume, outer: VolumeNode) -> VolumeNode:
    """Say where in the source a volume lies that a layer found."""
    label = f"{outer.volume.label}/{inner.label}"
    offset = None if inner.offset is None else offset_in_medium(outer.image, inner.offset)
    volume = Volume(
        label, inner.scheme, inner.description, outer.volume.offset if offset is None else offset, inner.size
    )
    image, within = (outer.image, outer.within) if inner.image is None else (inner.image, replace(volume, offset=0))
    readable = inner.image is not None or inner.file_system is not None
    return VolumeNode(
        volume, image, within, inner.file_system, inner.gaps, readable=readable, volume_key=inner.volume_key
    )


def offset_in_medium(image: DiskImage, offset: int) -> int | None:
    """Where a byte of an image, perhaps that of a volume in a volume, lies on the medium.

    Args:
        image: The image, or a volume that is read as one.
        offset: Byte offset in it.

    Returns:
        ``None`` where it cannot be told.
    """
    while isinstance(image, VolumeImage):
        place = image.offset_in_parent(offset)
        if place is None:
            return None
        image, offset = image.parent, place
    return offset
