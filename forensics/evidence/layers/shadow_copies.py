"""Shadow copies of an NTFS volume (Windows' Volume Shadow Copy Service), read with libvshadow.

Each shows the whole volume as it was. Which of its streams are given is told by
:mod:`forensics.evidence.shadow_history`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import ClassVar

import pyvshadow

from forensics.errors import FileSystemError, ImageError
from forensics.evidence.image import DiskImage
from forensics.evidence.layer import Gap, InnerVolume, Inside, LayerPlace, VolumeImage, VolumeLayer
from forensics.evidence.libyal_reader import LibyalReader
from forensics.evidence.volume_file import LIBYAL_ERRORS, VolumeFile
from forensics.reason import Reason

_HEADER_OFFSET = 0x1E00
_IDENTIFIER = bytes.fromhex("6b87083876c1484eb7ae04046e6cc752")
_PIECE = 1 << 20
"""Longest single read; the library takes four times as long for the same bytes in pieces of 4 MB."""

_BLOCK = 16 * 1024
"""Windows saves changed parts of a volume in blocks of this many bytes."""

_MAX_COPIES = 512
"""Windows keeps no more of a volume."""


class OpenCopies:
    """The shadow copies of one volume, open, the oldest first.

    Args:
        file: What the library reads from.

    Attributes:
        file: The same.
        stores: Each a ``pyvshadow.store``.
    """

    def __init__(self, file: VolumeFile) -> None:
        self.file = file
        self._volume = pyvshadow.volume()  # the stores are good only as long as it is
        self._volume.open_file_object(file)
        count = min(int(self._volume.number_of_stores), _MAX_COPIES)
        stores = [self._volume.get_store(index) for index in range(count)]
        self.stores = sorted(stores, key=lambda store: int(store.get_creation_time_as_integer()))
        self._blocks: dict[int, array[int]] = {}

    def changed_blocks(self, number: int) -> array[int]:
        """Numbers of the blocks that were saved for a copy because they changed before the next one was made, sorted.

        Blocks not in use when the copy was made are not saved: the copy shows zeros there, or what there is now.
        """
        if number not in self._blocks:
            store = self.stores[number]
            count = int(store.number_of_blocks)
            numbers = {int(store.get_block(index).original_offset) // _BLOCK for index in range(count)}
            self._blocks[number] = array("q", sorted(numbers))
        return self._blocks[number]


class ShadowCopyImage(VolumeImage):
    """The bytes of a volume as they were when a shadow copy was made.

    Args:
        parent: The image the volume lies in.
        copies: All copies of the volume.
        number: Which of them, from 0.

    Attributes:
        copies: The same.
        number: The same.
    """

    def __init__(self, parent: DiskImage, copies: OpenCopies, number: int) -> None:
        store = copies.stores[number]
        super().__init__(parent, int(store.volume_size))
        self._reader = LibyalReader(store, self.size, copies.file, _PIECE, _unreadable)
        self.copies = copies
        self.number = number

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes as they were (see :meth:`DiskImage.read_at`)."""
        return self._reader.read_at(offset, length)

    def offset_in_parent(self, offset: int) -> int | None:  # noqa: ARG002  blocks of other copies may stand in for it
        """Not told: the bytes may lie in this or a later copy, or still in the volume itself."""
        return None

    def may_differ(self, other: DiskImage, extents: Iterable[tuple[int, int]]) -> bool:
        """Tell whether a block was saved for this copy or one between both (see :meth:`VolumeImage.may_differ`)."""
        if isinstance(other, ShadowCopyImage) and other.copies is self.copies:
            first, last = sorted((self.number, other.number))
        elif other is self.parent:
            first, last = self.number, len(self.copies.stores)
        else:
            return True
        extents = list(extents)
        try:
            changed = [self.copies.changed_blocks(number) for number in range(first, last)]
        except LIBYAL_ERRORS:
            return True  # what cannot be told apart is given again
        for start, length in extents:
            for blocks in changed:
                place = bisect_left(blocks, start // _BLOCK)
                if place < len(blocks) and blocks[place] * _BLOCK < start + length:
                    return True
        return False


class ShadowCopyLayer(VolumeLayer):
    """The shadow copies of an NTFS volume."""

    name: ClassVar[str] = "vss"
    only_deep: ClassVar[bool] = True

    def open(self, place: LayerPlace) -> Inside | None:
        """List the shadow copies (see :meth:`VolumeLayer.open`), the oldest first.

        Raises:
            FileSystemError: Their catalogue cannot be read.
        """
        if isinstance(place.image, ShadowCopyImage):
            return None  # a shadow copy shows what there was of older ones; the volume itself has them whole
        if place.read_at(_HEADER_OFFSET, len(_IDENTIFIER)) != _IDENTIFIER:
            return None
        file = VolumeFile(place.image, place.volume)
        try:
            opened = OpenCopies(file)
            copies = tuple(_copy(place, opened, number) for number in range(len(opened.stores)))
        except LIBYAL_ERRORS as error:
            raise FileSystemError(f"the shadow copies cannot be listed ({file.explain(error)})") from error
        return Inside(copies, divided=False) if copies else None

    def left_out(self, place: LayerPlace) -> Gap | None:
        """Count the shadow copies that are not opened (see :meth:`VolumeLayer.left_out`).

        Raises:
            FileSystemError: Their catalogue cannot be read.
        """
        inside = self.open(place)
        if inside is None:
            return None
        count = len(inside.volumes)
        return Gap(Reason.SHADOW_COPIES_NOT_EXAMINED, f"{count} shadow {'copy' if count == 1 else 'copies'}")


def _unreadable(offset: int, cause: str) -> ImageError:
    return ImageError(f"byte {offset} of the shadow copy cannot be read" + (f" ({cause})" if cause else ""))


def _copy(place: LayerPlace, copies: OpenCopies, number: int) -> InnerVolume:
    store = copies.stores[number]
    label, size = f"vss{number + 1}", int(store.volume_size)
    description = f"shadow copy of {store.creation_time:%Y-%m-%dT%H:%M:%SZ}"
    if not store.has_in_volume_data():
        gap = Gap(Reason.FILE_SYSTEM_DAMAGED, "the blocks of the shadow copy are not in this volume", size)
        return InnerVolume(label, ShadowCopyLayer.name, description, size, gaps=(gap,), copy_of_parent=True)
    image = ShadowCopyImage(place.image, copies, number)
    return InnerVolume(label, ShadowCopyLayer.name, description, size, place.volume.offset, image, copy_of_parent=True)
