"""The volumes of an APFS container, read with libfsapfs."""

from __future__ import annotations

from typing import ClassVar

import pyfsapfs

from forensics.errors import FileSystemError
from forensics.evidence.filesystems.apfs import ApfsFileSystem
from forensics.evidence.keys import KeyKind, VolumeKeys
from forensics.evidence.layer import Gap, InnerVolume, Inside, LayerPlace, VolumeLayer
from forensics.evidence.layers.unlocking import locked, unlocked_with
from forensics.evidence.volume_file import LIBYAL_ERRORS, VolumeFile
from forensics.reason import Reason

_MAGIC_OFFSET, _MAGIC = 32, b"NXSB"
_BLOCK_SIZE = 4096
_MAX_VOLUMES = 100
"""A container has no more (``NX_MAX_FILE_SYSTEMS``)."""


class ApfsLayer(VolumeLayer):
    """An APFS container."""

    name: ClassVar[str] = "apfs"

    def open(self, place: LayerPlace) -> Inside | None:
        """List the volumes of the container (see :meth:`VolumeLayer.open`), numbered as it numbers them.

        Raises:
            FileSystemError: The container cannot be opened.
        """
        if place.read_at(_MAGIC_OFFSET, len(_MAGIC)) != _MAGIC:
            return None
        file = VolumeFile(place.image, place.volume)
        container = pyfsapfs.container()
        try:
            container.open_file_object(file)
            count = min(int(container.number_of_volumes), _MAX_VOLUMES)
            size = _size(place, int(container.size))
        except LIBYAL_ERRORS as error:
            raise FileSystemError(f"the container cannot be opened ({file.explain(error)})") from error
        return Inside(tuple(_open_volume(place, file, container, index, size) for index in range(count)))


def _size(place: LayerPlace, claimed: int) -> int:
    """Size of a container; one converted from HFS+ counts as whole the part of a block at its end."""
    return place.volume.size if 0 < claimed - place.volume.size < _BLOCK_SIZE else claimed


def _open_volume(
    place: LayerPlace, file: VolumeFile, container: pyfsapfs.container, index: int, size: int
) -> InnerVolume:
    """Open one volume. All share the space of the container, so its size is given for each."""
    label, start = f"apfs{index + 1}", place.volume.offset
    try:
        volume = container.get_volume(index)
        name = str(volume.name or "")
        if volume.is_locked():
            kind = _unlock(volume, place.keys, label)
            if kind is None:
                return InnerVolume(label, ApfsLayer.name, name, size, start, gaps=(locked("APFS", place, label, size),))
            name = unlocked_with(name, kind)
    except LIBYAL_ERRORS as error:
        gap = Gap(Reason.FILE_SYSTEM_DAMAGED, f"the volume cannot be opened ({file.explain(error)})", size)
        return InnerVolume(label, ApfsLayer.name, "", size, start, gaps=(gap,))
    file_system = ApfsFileSystem(file, start, size, container, volume)
    return InnerVolume(label, ApfsLayer.name, name, size, start, file_system=file_system)


def _unlock(volume: pyfsapfs.volume, keys: VolumeKeys, label: str) -> KeyKind | None:
    """Try the keys; give the kind of the one that fits."""
    for kind, give in (
        (KeyKind.PASSWORD, volume.set_password),
        (KeyKind.RECOVERY, volume.set_recovery_password),
    ):
        for key in keys.of_kind(kind, label):
            text = key.text()
            if text is not None:
                give(text)
                if volume.unlock():
                    return kind
    return None
