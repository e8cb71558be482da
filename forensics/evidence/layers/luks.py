"""Volumes encrypted with LUKS, versions 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from forensics.errors import ImageError, VolumeError
from forensics.evidence.image import DiskImage
from forensics.evidence.keys import KeyKind, VolumeKeys
from forensics.evidence.layer import InnerVolume, Inside, LayerPlace, VolumeImage, VolumeLayer
from forensics.evidence.layers.luks_header import LuksHeader, read_header
from forensics.evidence.layers.sector_cipher import SectorCipher, UnsupportedCipherError
from forensics.evidence.layers.unlocking import locked, unlocked_with

_LABEL = "luks"


class LuksImage(VolumeImage):
    """The decrypted bytes of a LUKS volume.

    Args:
        parent: The image the volume lies in.
        start: Byte offset in it of the encrypted data.
        size: Bytes of it that the image holds.
        header: The header.
        cipher: Decrypts it.
    """

    def __init__(self, parent: DiskImage, start: int, size: int, header: LuksHeader, cipher: SectorCipher) -> None:
        super().__init__(parent, size)
        self._start = start
        self._header = header
        self._cipher = cipher

    def read_at(self, offset: int, length: int) -> bytes:
        """Read and decrypt bytes (see :meth:`DiskImage.read_at`)."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        unit = self._header.sector_size
        first, last = offset // unit * unit, -(-(offset + length) // unit) * unit
        data = self.parent.read_at(self._start + first, last - first)
        if len(data) < last - first:
            raise ImageError(f"byte {first + len(data)} of the encrypted volume cannot be read")
        plain = self._cipher.decrypt(data, self._header.first_sector + first // 512)
        return plain[offset - first : offset - first + length]

    def offset_in_parent(self, offset: int) -> int | None:
        """Where the encrypted form of a byte lies in the image."""
        return self._start + offset


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
    image = LuksImage(place.image, start, there, header, cipher)
    description = unlocked_with(f"{_name(header)}, {header.cipher}", kind)
    return InnerVolume(_LABEL, LuksLayer.name, description, claimed, start, image, volume_key=volume_key)


def _name(header: LuksHeader) -> str:
    return f"LUKS {header.version}"
