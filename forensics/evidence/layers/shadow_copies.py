"""Shadow copies of an NTFS volume (Windows' Volume Shadow Copy Service), read with libvshadow.

Each shows the whole volume as it was. Which of its streams are given is told by
:mod:`forensics.evidence.shadow_history`.
"""

from __future__ import annotations

from typing import ClassVar

import pyvshadow

from forensics.errors import FileSystemError, ImageError
from forensics.evidence.image import DiskImage
from forensics.evidence.layer import Gap, InnerVolume, Inside, LayerPlace, VolumeImage, VolumeLayer
from forensics.evidence.volume_file import LIBYAL_ERRORS, VolumeFile
from forensics.reason import Reason

_HEADER_OFFSET = 0x1E00
_IDENTIFIER = bytes.fromhex("6b87083876c1484eb7ae04046e6cc752")
_PIECE = 1 << 24
_MAX_COPIES = 512
"""Windows keeps no more of a volume."""


class ShadowCopyImage(VolumeImage):
    """The bytes of a volume as they were when a shadow copy was made.

    Args:
        parent: The image the volume lies in.
        file: What the library reads from.
        volume: The ``pyvshadow.volume``, kept open.
        store: The ``pyvshadow.store``.
    """

    def __init__(self, parent: DiskImage, file: VolumeFile, volume: pyvshadow.volume, store: pyvshadow.store) -> None:
        super().__init__(parent, int(store.volume_size))
        self._file = file
        self._volume = volume
        self._store = store

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes as they were (see :meth:`DiskImage.read_at`)."""
        remaining = min(length, self.size - offset)
        pieces = []
        while remaining > 0:
            try:
                piece: bytes = self._store.read_buffer_at_offset(min(remaining, _PIECE), offset)
            except LIBYAL_ERRORS as error:
                cause = self._file.explain(error)
                raise ImageError(f"byte {offset} of the shadow copy cannot be read ({cause})") from error
            if not piece:
                raise ImageError(f"byte {offset} of the shadow copy cannot be read")
            pieces.append(piece)
            offset += len(piece)
            remaining -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def offset_in_parent(self, offset: int) -> int | None:  # noqa: ARG002  blocks of other copies may stand in for it
        """Not told: the bytes may lie in this or a later copy, or still in the volume itself."""
        return None


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
        volume = pyvshadow.volume()
        try:
            volume.open_file_object(file)
            stores = [volume.get_store(index) for index in range(min(int(volume.number_of_stores), _MAX_COPIES))]
            stores.sort(key=lambda store: int(store.get_creation_time_as_integer()))
            copies = tuple(_copy(place, file, volume, store, number) for number, store in enumerate(stores, start=1))
        except LIBYAL_ERRORS as error:
            raise FileSystemError(f"the shadow copies cannot be listed ({file.explain(error)})") from error
        return Inside(copies, divided=False) if copies else None


def _copy(
    place: LayerPlace, file: VolumeFile, volume: pyvshadow.volume, store: pyvshadow.store, number: int
) -> InnerVolume:
    label, size = f"vss{number}", int(store.volume_size)
    description = f"shadow copy of {store.creation_time:%Y-%m-%dT%H:%M:%SZ}"
    if not store.has_in_volume_data():
        gap = Gap(Reason.FILE_SYSTEM_DAMAGED, "the blocks of the shadow copy are not in this volume", size)
        return InnerVolume(label, ShadowCopyLayer.name, description, size, gaps=(gap,), copy_of_parent=True)
    image = ShadowCopyImage(place.image, file, volume, store)
    return InnerVolume(label, ShadowCopyLayer.name, description, size, place.volume.offset, image, copy_of_parent=True)
