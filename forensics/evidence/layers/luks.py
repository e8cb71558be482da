"""Volumes encrypted with LUKS, versions 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from forensics.errors import VolumeError
from forensics.evidence.keys import KeyKind, VolumeKeys
from forensics.evidence.layer import InnerVolume, Inside, LayerPlace, VolumeLayer
from forensics.evidence.layers.decrypted_image import DecryptedImage
from forensics.evidence.layers.luks_header import LuksHeader, read_header
from forensics.evidence.layers.sector_cipher import SectorCipher, UnsupportedCipherError
from forensics.evidence.layers.unlocking import locked, unlocked_with

_LABEL = "luks"


class LuksLayer(VolumeLayer):
    """A LUKS volume."""

    name: ClassVar[str] = "luks"

    def open(self, place: LayerPlace) -> Inside | None:
        """Unlock a LUKS volume (see :meth:`VolumeLayer.open`); without a key its signature says what it is."""
        volume_keys = place.keys.of_kind(KeyKind.VOLUME, _LABEL)
        if not volume_keys and not place.keys.any(_LABEL):
            return None
        try:
            header = read_header(place.read_at)
            if header is None:
                return None
            found = _unlock(place, header)
            if found is None:
                return Inside(gaps=(locked(_name(header), place, _LABEL, place.volume.size),))
            return Inside((_volume(place, header, *found),))
        except (VolumeError, UnsupportedCipherError) as error:
            cause = error.what if isinstance(error, VolumeError) else f"{error} is not supported"
            return Inside(gaps=(locked("LUKS", place, _LABEL, place.volume.size, cause),))


def _unlock(place: LayerPlace, header: LuksHeader) -> tuple[bytes, KeyKind] | None:
    """Find the volume key and what kind of key gave it."""
    for key in place.keys.of_kind(KeyKind.VOLUME, _LABEL):
        if header.is_volume_key(key.secret):
            return key.secret, KeyKind.VOLUME
    for kind, passphrase in _passphrases(place.keys):
        volume_key = header.unlock(place.read_at, passphrase)
        if volume_key is not None:
            return volume_key, kind
    return None


def _passphrases(keys: VolumeKeys) -> Iterator[tuple[KeyKind, bytes]]:
    for kind in (KeyKind.PASSWORD, KeyKind.RECOVERY):
        for key in keys.of_kind(kind, _LABEL):
            for passphrase in key.passphrases():
                yield kind, passphrase


def _volume(place: LayerPlace, header: LuksHeader, volume_key: bytes, kind: KeyKind) -> InnerVolume:
    claimed = place.volume.size - header.offset if header.size is None else header.size
    claimed = max(claimed // header.sector_size * header.sector_size, 0)
    there = max(min(claimed, place.size - header.offset) // header.sector_size * header.sector_size, 0)
    start = place.volume.offset + header.offset
    cipher = SectorCipher(header.cipher, volume_key, header.sector_size)
    unit, first = header.sector_size, header.first_sector
    image = DecryptedImage(place.image, start, there, cipher, unit=unit, first_sector=first)
    description = unlocked_with(f"{_name(header)}, {header.cipher}", kind)
    return InnerVolume(_LABEL, LuksLayer.name, description, claimed, start, image, volume_key=volume_key)


def _name(header: LuksHeader) -> str:
    return f"LUKS {header.version}"
