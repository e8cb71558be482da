"""Partition tables read with The Sleuth Kit: DOS/MBR, GPT, BSD, Sun and Apple."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pytsk3

from forensics.errors import ImageError, VolumeError
from forensics.evidence import signature
from forensics.evidence.image import DiskImage
from forensics.evidence.tsk_image import TSK_ERRORS, TskImage
from forensics.evidence.volume import Volume, VolumeSystem

_SCHEMES = {
    int(pytsk3.TSK_VS_TYPE_GPT): "gpt",
    int(pytsk3.TSK_VS_TYPE_DOS): "dos",
    int(pytsk3.TSK_VS_TYPE_MAC): "mac",
    int(pytsk3.TSK_VS_TYPE_BSD): "bsd",
    int(pytsk3.TSK_VS_TYPE_SUN): "sun",
}
_SECTOR_SIZES = (512, 4096)
"""Bytes a sector of the disks that are made."""
_FIRST_LOGICAL = 5
"""Linux numbers the partitions inside a DOS extended partition from 5, whatever primary ones there are."""


class TskVolumeSystem(VolumeSystem):
    """Every kind of partition table TSK knows."""

    name: ClassVar[str] = "tsk"

    def volumes(self, image: DiskImage) -> Iterator[Volume] | None:
        """List the partitions and the gaps between them (see :meth:`VolumeSystem.volumes`).

        Partitions are labelled as Linux numbers them: by their slot in the table, logical ones from 5 on.
        """
        sizes = sorted({*_SECTOR_SIZES, image.sector_size}, key=lambda size: (size != image.sector_size, size))
        tables = [_Table.read(image, size) for size in sizes]
        found = [table for table in tables if table is not None]
        if not found:
            return None
        # Of equals the first counts, that with the sectors the image states
        return _volumes(max(found, key=lambda table: table.recognised))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row of TSK's list; start and length in blocks."""

    table: int
    slot: int
    start: int
    length: int
    description: str
    allocated: bool
    metadata: bool

    @classmethod
    def read(cls, part: pytsk3.TSK_VS_PART_INFO) -> _Entry:
        flags = int(part.flags)
        return cls(
            int(part.table_num),
            int(part.slot_num),
            int(part.start),
            int(part.len),
            part.desc.decode("utf-8", "backslashreplace"),
            bool(flags & int(pytsk3.TSK_VS_PART_FLAG_ALLOC)),
            bool(flags & int(pytsk3.TSK_VS_PART_FLAG_META)),
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """A partition table, read with one size of sectors.

    A DOS table does not say how large its sectors are, and the image may not know: a raw image never does, and USB
    adapters show disks with other sectors than they have. So it is read with each size, and what stands where its
    partitions begin tells which one is meant.

    Attributes:
        scheme: As in :class:`Volume`.
        block_size: Bytes a block of its entries.
        entries: Its rows.
        recognised: How many partitions begin with the signature of a file system or of something else known.
    """

    scheme: str
    block_size: int
    entries: list[_Entry]
    recognised: int

    @classmethod
    def read(cls, image: DiskImage, sector_size: int) -> _Table | None:
        """Read the table; ``None`` if there is none, or none of its partitions lies in the image.

        Raises:
            VolumeError: It is there, with sectors of the size the image states, but cannot be read.
        """
        tsk_image = TskImage(image, sector_size)
        try:
            table = _open_table(tsk_image)
            if table is None:
                return None
            scheme = _SCHEMES.get(int(table.info.vstype), "unknown")
            block_size = int(table.info.block_size)
            entries = [_Entry.read(part) for part in table]
        except TSK_ERRORS as error:
            if sector_size != image.sector_size:
                return None
            raise VolumeError(
                f"the partition table cannot be read ({tsk_image.explain(error)})", image.path.name
            ) from error
        starts = {entry.start * block_size for entry in entries if entry.allocated}
        starts = {start for start in starts if start < image.size}
        # The boot sector of a file system without a table ends in the same two bytes as a DOS table
        return cls(scheme, block_size, entries, sum(_is_known(image, start) for start in starts)) if starts else None


def _is_known(image: DiskImage, offset: int) -> bool:
    try:
        head = image.read_at(offset, signature.HEAD_SIZE)
    except ImageError:
        return False
    names = (signature.encryption, signature.supported_file_system, signature.unsupported_content)
    return any(name(head) is not None for name in names)


def _open_table(tsk_image: TskImage) -> pytsk3.Volume_Info | None:
    """Open the partition table, or return ``None`` if there is none."""
    try:
        return pytsk3.Volume_Info(tsk_image)
    except TSK_ERRORS:
        pass
    # Where two kinds of table fit (a hybrid of GPT and DOS, an installation medium), TSK refuses to choose
    for kind in _SCHEMES:
        try:
            table = pytsk3.Volume_Info(tsk_image, type=kind)
        except TSK_ERRORS:
            continue
        if kind != int(pytsk3.TSK_VS_TYPE_DOS) or _is_plausible(table, tsk_image.image.size):
            return table
    return None


def _is_plausible(table: pytsk3.Volume_Info, image_size: int) -> bool:
    """Tell whether each partition of a table begins inside the image; boot code read as a table does not."""
    block_size = int(table.info.block_size)
    entries = [entry for entry in map(_Entry.read, table) if entry.allocated]
    return bool(entries) and all(entry.start * block_size < image_size for entry in entries)


def _volumes(table: _Table) -> Iterator[Volume]:
    entries, scheme, block_size = table.entries, table.scheme, table.block_size
    logical: list[tuple[int, int]] = []
    if scheme == "dos":
        logical = sorted((entry.table, entry.slot) for entry in entries if entry.allocated and entry.table > 0)
    lost = _lost_extended_partitions(entries) if scheme == "dos" else set()
    gap = 0
    for entry in sorted(entries, key=lambda entry: (entry.start, entry.allocated)):
        if entry.metadata and entry not in lost:
            continue
        description = entry.description
        if entry in lost:
            label = f"p{entry.slot + 1 if entry.table == 0 else _FIRST_LOGICAL + len(logical)}"
            description += ", its table cannot be read"
        elif not entry.allocated:
            gap += 1
            label = f"u{gap}"
        elif (entry.table, entry.slot) in logical:
            label = f"p{_FIRST_LOGICAL + logical.index((entry.table, entry.slot))}"
        else:
            label = f"p{entry.slot + 1}"
        allocated = entry.allocated or entry in lost
        yield Volume(label, scheme, description, entry.start * block_size, entry.length * block_size, allocated)


def _lost_extended_partitions(entries: list[_Entry]) -> set[_Entry]:
    """Find DOS extended partitions whose own table TSK could not read, such as those beyond the end of an image.

    What they hold is unknown, so they count as volumes that could not be examined.
    """
    tables = {entry.start for entry in entries if entry.metadata and entry.slot < 0}
    return {entry for entry in entries if entry.metadata and entry.slot >= 0 and entry.start not in tables}
