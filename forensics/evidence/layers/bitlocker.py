"""Volumes encrypted with BitLocker, BitLocker To Go included, read with libbde."""

from __future__ import annotations

import os
from typing import ClassVar

import pybde

from forensics.errors import ImageError
from forensics.evidence import signature
from forensics.evidence.image import DiskImage
from forensics.evidence.keys import Key, KeyKind, VolumeKeys
from forensics.evidence.layer import InnerVolume, Inside, LayerPlace, VolumeImage, VolumeLayer
from forensics.evidence.layers.unlocking import locked, unlocked_with
from forensics.evidence.libyal_reader import LibyalReader
from forensics.evidence.volume_file import LIBYAL_ERRORS, VolumeFile

_LABEL = "bitlocker"
_PIECE = 1 << 24
_METHODS = {
    0x8000: "AES-CBC 128 with diffuser",
    0x8001: "AES-CBC 256 with diffuser",
    0x8002: "AES-CBC 128",
    0x8003: "AES-CBC 256",
    0x8004: "AES-XTS 128",
    0x8005: "AES-XTS 256",
}


class BitlockerImage(VolumeImage):
    """The decrypted bytes of a BitLocker volume.

    Args:
        parent: The image the volume lies in.
        start: Byte offset in it of the volume.
        file: What the library reads from.
        volume: The ``pybde.volume``, unlocked.
        size: Bytes of it that the image holds.
    """

    def __init__(self, parent: DiskImage, start: int, file: VolumeFile, volume: pybde.volume, size: int) -> None:
        super().__init__(parent, size)
        self._start = start
        self._reader = LibyalReader(volume, size, file, _PIECE, _unreadable)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read and decrypt bytes (see :meth:`DiskImage.read_at`)."""
        return self._reader.read_at(offset, length)

    def offset_in_parent(self, offset: int) -> int | None:
        """Where the encrypted form of a byte lies; all but the first sectors, kept elsewhere, lie in their place."""
        return self._start + offset


class BitlockerLayer(VolumeLayer):
    """A BitLocker volume."""

    name: ClassVar[str] = "bitlocker"

    def open(self, place: LayerPlace) -> Inside | None:
        """Unlock a BitLocker volume (see :meth:`VolumeLayer.open`).

        One whose protection was suspended holds its key in the clear and needs no other.
        """
        name = signature.encryption(place.read_at(0, signature.HEAD_SIZE))
        if name is None or not name.startswith("BitLocker"):
            return None
        file = VolumeFile(place.image, place.volume)
        try:
            volume, kind = _opened(file, None), None
            if volume.is_locked():
                unlocked = _unlock(file, place.keys)
                if unlocked is None:
                    failure = file.take_failure()
                    cause = f"while a key was tried: {failure}" if failure else ""
                    return Inside(gaps=(locked(name, place, _LABEL, place.volume.size, cause),))
                volume, kind = unlocked
            size = int(volume.get_size())
            image = BitlockerImage(place.image, place.volume.offset, file, volume, min(size, place.size))
            method = _METHODS.get(int(volume.get_encryption_method()), "")
        except LIBYAL_ERRORS as error:
            cause = f"its metadata cannot be read: {file.explain(error)}"
            return Inside(gaps=(locked(name, place, _LABEL, place.volume.size, cause),))
        description = ", ".join(filter(None, (name, method)))
        description = unlocked_with(description, kind) if kind else f"{description}, key stored in the clear"
        inner = InnerVolume(_LABEL, self.name, description, size, place.volume.offset, image)
        return Inside((inner,))


def _unreadable(offset: int, cause: str) -> ImageError:
    return ImageError(f"byte {offset} of the encrypted volume cannot be read" + (f" ({cause})" if cause else ""))


def _unlock(file: VolumeFile, keys: VolumeKeys) -> tuple[pybde.volume, KeyKind] | None:
    """Try the keys; give the volume and the kind of the key that fits.

    What of the image could not be read meanwhile is kept by the file: the library does not tell it from a wrong key.
    """
    for kind in (KeyKind.PASSWORD, KeyKind.RECOVERY):
        for key in keys.of_kind(kind, _LABEL):
            try:
                volume = _opened(file, key)
                if not volume.is_locked():
                    return volume, kind
            except LIBYAL_ERRORS:
                continue  # by its form no key of BitLocker
    return None


def _opened(file: VolumeFile, key: Key | None) -> pybde.volume:
    """Open the volume with a key, which the library wants to have before."""
    volume = pybde.volume()
    text = key.text() if key else None
    if key is None:
        pass
    elif text and "\0" not in text:
        give = volume.set_password if key.kind is KeyKind.PASSWORD else volume.set_recovery_password
        give(text)
    elif key.kind is KeyKind.RECOVERY:
        # a .BEK file; the library reads it by its path only, so it gets one that leads into our memory
        with os.fdopen(os.memfd_create("key"), "wb", buffering=0) as memory:
            memory.write(key.secret)
            volume.read_startup_key(f"/proc/self/fd/{memory.fileno()}")
    volume.open_file_object(file)
    return volume
