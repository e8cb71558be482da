"""Volumes encrypted with FileVault 2: the logical volumes of Apple's Core Storage."""

from __future__ import annotations

from typing import ClassVar

from forensics.errors import VolumeError
from forensics.evidence.keys import KeyKind, VolumeKeys
from forensics.evidence.layer import InnerVolume, Inside, LayerPlace, VolumeLayer
from forensics.evidence.layers.core_storage import MAGIC, MAGIC_OFFSET, LogicalVolume, logical_volumes
from forensics.evidence.layers.decrypted_image import DecryptedImage
from forensics.evidence.layers.sector_cipher import SECTOR, SectorCipher
from forensics.evidence.layers.unlocking import locked, unlocked_with

_NAME = "FileVault 2"


class FilevaultLayer(VolumeLayer):
    """A physical volume of Core Storage with encrypted logical volumes."""

    name: ClassVar[str] = "filevault"

    def open(self, place: LayerPlace) -> Inside | None:
        """Unlock the logical volumes (see :meth:`VolumeLayer.open`), numbered as Core Storage orders them."""
        if place.read_at(MAGIC_OFFSET, len(MAGIC)) != MAGIC or place.read_at(8, 4) != b"\x01\0\x10\0":
            return None
        try:
            volumes = logical_volumes(place.read_at)
        except VolumeError as error:
            return Inside(gaps=(locked("Core Storage", place, None, place.volume.size, error.what),))
        return Inside(tuple(_open_volume(place, volume, f"fvde{n}") for n, volume in enumerate(volumes, 1)))


def _open_volume(place: LayerPlace, volume: LogicalVolume, label: str) -> InnerVolume:
    offset = place.volume.offset + volume.start
    found = None if volume.unsupported else _unlock(volume, place.keys, label)
    if found is None:
        gap = locked(_NAME, place, label, volume.size, volume.unsupported)
        return InnerVolume(label, FilevaultLayer.name, volume.name, volume.size, offset, gaps=(gap,))
    wrapping_key, sector_key, kind = found
    there = max(min(volume.size, place.size - volume.start) // SECTOR * SECTOR, 0)
    cipher = SectorCipher("aes-xts-plain64", sector_key)
    image = DecryptedImage(place.image, offset, there, cipher, unit=SECTOR, first_sector=0)
    description = unlocked_with(f"{volume.name}, {_NAME}".removeprefix(", "), kind)
    return InnerVolume(label, FilevaultLayer.name, description, volume.size, offset, image, volume_key=wrapping_key)


def _unlock(volume: LogicalVolume, keys: VolumeKeys, label: str) -> tuple[bytes, bytes, KeyKind] | None:
    """Find the key that wraps the volume key, the key of the sectors, and what kind of key gave it."""
    for key in keys.of_kind(KeyKind.VOLUME, label):
        sector_key = volume.sector_key(key.secret)
        if sector_key is not None:
            return key.secret, sector_key, KeyKind.VOLUME
    for kind in (KeyKind.PASSWORD, KeyKind.RECOVERY):
        for key in keys.of_kind(kind, label):
            for passphrase in key.passphrases():
                wrapping_key = volume.wrapping_key(passphrase)
                sector_key = volume.sector_key(wrapping_key) if wrapping_key else None
                if wrapping_key is not None and sector_key is not None:
                    return wrapping_key, sector_key, kind
    return None
