"""Reads the metadata of LVM2: labels of physical volumes, and the text that describes a volume group.

Formats: lvm2's ``format_text/layout.h`` and ``format-text.c``. Read here and not
with libvslvm, which does not tell where a logical volume lies on the disk and gives nothing of a volume group one of
whose disks is missing; the tests hold the result against libvslvm and lvm2.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from forensics.errors import VolumeError
from forensics.evidence.layers.lvm_text import Section, TextError, parse

SECTOR = 512
LABEL_SECTORS = 4
"""The label lies in one of so many first sectors."""

_LABEL = struct.Struct("<8sQII8s")
_LABEL_ID = b"LABELONE"
_LABEL_TYPE = b"LVM2 001"
_PV_HEADER = struct.Struct("<32sQ")
_AREA = struct.Struct("<QQ")
_MDA_HEADER = struct.Struct("<I16sIQQ")
_MDA_MAGIC = b" LVM2 x[5A%r0N*>"
_RAW_LOCATION = struct.Struct("<QQII")
_IGNORED = 1
_CRC_SEED = 0xF597A6CF
_MAX_TEXT = 64 * 1024 * 1024

Read = Callable[[int, int], bytes]
"""Reads bytes of a physical volume: offset, length."""


@dataclass(frozen=True, slots=True)
class PhysicalVolume:
    """The header of a physical volume.

    Attributes:
        identifier: Its UUID, 32 characters without hyphens.
        metadata_areas: Offset and size in bytes of each metadata area.
    """

    identifier: str
    metadata_areas: tuple[tuple[int, int], ...]


def read_label(read: Read) -> PhysicalVolume | None:
    """Read the label and header of a physical volume.

    Returns:
        ``None`` where there is none.

    Raises:
        VolumeError: A label is there but damaged.
    """
    for sector in range(LABEL_SECTORS):
        block = read(sector * SECTOR, SECTOR)
        if len(block) < SECTOR or block[:8] != _LABEL_ID:
            continue
        _, number, checksum, header_offset, kind = _LABEL.unpack_from(block)
        if kind != _LABEL_TYPE or number != sector:
            continue
        if _crc(block[20:]) != checksum:
            raise VolumeError("the label of the physical volume is damaged")
        return _read_header(block[header_offset:])
    return None


def _read_header(block: bytes) -> PhysicalVolume:
    try:
        identifier, _ = _PV_HEADER.unpack_from(block)
        offset = _PV_HEADER.size
        lists: list[list[tuple[int, int]]] = [[], []]
        for areas in lists:  # data areas, then metadata areas, each list ended by zeros
            while (area := _AREA.unpack_from(block, offset)) != (0, 0):
                areas.append(area)
                offset += _AREA.size
            offset += _AREA.size
    except struct.error as error:
        raise VolumeError("the header of the physical volume is damaged") from error
    return PhysicalVolume(identifier.decode("ascii", "replace"), tuple(lists[1]))


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of extents of a logical volume.

    Attributes:
        start: First extent in the logical volume.
        count: How many extents.
        kind: ``striped`` (linear ones included), or what this version cannot read: ``raid1``, ``thin`` ...
        stripe_size: Sectors a stripe; 0 for a linear one.
        stripes: Physical volume, by its name in the group, and its first extent there, for each stripe.
    """

    start: int
    count: int
    kind: str
    stripe_size: int = 0
    stripes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class LogicalVolume:
    """A logical volume as the metadata describes it; ``visible`` unless it is a piece of another one."""

    name: str
    visible: bool
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class VolumeGroup:
    """A volume group.

    Attributes:
        sequence: Grows with each change.
        extent_size: Sectors an extent.
        members: UUID of each physical volume by its name in the group.
        first_extents: Sector of the first extent of each physical volume, by name.
        logical_volumes: In the order of the metadata.
    """

    sequence: int
    extent_size: int
    members: dict[str, str]
    first_extents: dict[str, int]
    logical_volumes: tuple[LogicalVolume, ...]


def read_group(read: Read, physical_volume: PhysicalVolume) -> VolumeGroup | None:
    """Read the newest description, on one physical volume, of the volume group it belongs to.

    Args:
        read: Reads the physical volume.
        physical_volume: Its header.

    Returns:
        ``None`` where the volume belongs to no group, or holds no copy of the description.

    Raises:
        VolumeError: Every copy is damaged.
    """
    problem: VolumeError | None = None
    newest: VolumeGroup | None = None
    for offset, size in physical_volume.metadata_areas:
        try:
            text = _read_text(read, offset, size)
            group = None if text is None else _group(text)
        except VolumeError as error:
            problem = error
            continue
        if group is not None and (newest is None or group.sequence > newest.sequence):
            newest = group
    if newest is None and problem is not None:
        raise problem
    return newest


def _read_text(read: Read, area: int, size: int) -> str | None:
    header = read(area, SECTOR)
    if len(header) < SECTOR:
        raise VolumeError("the metadata area lies beyond the end of the image")
    checksum, magic, _, _, _ = _MDA_HEADER.unpack_from(header)
    if magic != _MDA_MAGIC or _crc(header[4:]) != checksum:
        raise VolumeError("the header of the metadata area is damaged")
    offset, length, text_checksum, flags = _RAW_LOCATION.unpack_from(header, _MDA_HEADER.size)
    if offset == 0 or flags & _IGNORED:
        return None
    if not SECTOR <= offset < size or not 0 < length <= min(size, _MAX_TEXT):
        raise VolumeError("the metadata lies outside its area")
    first = min(length, size - offset)
    # the area is a ring: a text that reaches its end goes on after the header
    text = read(area + offset, first) + (read(area + SECTOR, length - first) if first < length else b"")
    if _crc(text) != text_checksum:
        raise VolumeError("the metadata is damaged: its checksum is wrong")
    return text.decode("utf-8", "replace")


def _crc(data: bytes) -> int:
    """LVM's CRC-32: that of zlib with another seed and without the final inversion."""
    return zlib.crc32(data, _CRC_SEED ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def _group(text: str) -> VolumeGroup:
    try:
        _, group = next(parse(text).sections())
        physical_volumes = group.section("physical_volumes")
        return VolumeGroup(
            group.number("seqno"),
            group.number("extent_size"),
            {name: found.text("id").replace("-", "") for name, found in physical_volumes.sections()},
            {name: found.number("pe_start") for name, found in physical_volumes.sections()},
            tuple(_logical_volume(name, found) for name, found in group.section("logical_volumes").sections()),
        )
    except (TextError, ValueError, StopIteration) as error:
        raise VolumeError("the metadata is no description of a volume group") from error


def _logical_volume(name: str, section: Section) -> LogicalVolume:
    segments = (_segment(found) for key, found in section.sections() if key.startswith("segment"))
    ordered = tuple(sorted(segments, key=lambda segment: segment.start))
    return LogicalVolume(name, "VISIBLE" in section.list("status"), ordered)


def _segment(section: Section) -> Segment:
    start, count, kind = section.number("start_extent"), section.number("extent_count"), section.text("type")
    if kind != "striped":
        return Segment(start, count, kind)
    values = section.list("stripes")
    stripes = tuple((str(name), int(extent)) for name, extent in zip(values[::2], values[1::2], strict=True))
    if not stripes or not count or count % len(stripes) or min(extent for _, extent in stripes) < 0:
        raise TextError("a segment without extents")
    stripe_size = section.number("stripe_size", 0) if len(stripes) > 1 else 0
    if len(stripes) > 1 and not stripe_size:
        raise TextError("stripes without a size")
    return Segment(start, count, kind, stripe_size, stripes)
