"""The decrypted bytes of a volume whose sectors are encrypted one by one, in their place."""

from __future__ import annotations

from forensics.errors import ImageError
from forensics.evidence.image import DiskImage
from forensics.evidence.layer import VolumeImage
from forensics.evidence.layers.sector_cipher import SECTOR, SectorCipher


class DecryptedImage(VolumeImage):
    """A volume that is decrypted as it is read.

    Args:
        parent: The image the volume lies in.
        start: Byte offset in it of the encrypted data.
        size: Bytes of it that the image holds.
        cipher: Decrypts it.
        unit: Bytes that are encrypted together.
        first_sector: Number of the first sector, in units of 512 bytes, as the cipher counts.
    """

    def __init__(
        self, parent: DiskImage, start: int, size: int, cipher: SectorCipher, *, unit: int, first_sector: int
    ) -> None:
        super().__init__(parent, size)
        self._start = start
        self._cipher = cipher
        self._unit = unit
        self._first_sector = first_sector

    def read_at(self, offset: int, length: int) -> bytes:
        """Read and decrypt bytes (see :meth:`DiskImage.read_at`)."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        first, last = offset // self._unit * self._unit, -(-(offset + length) // self._unit) * self._unit
        data = self.parent.read_at(self._start + first, last - first)
        if len(data) < last - first:
            raise ImageError(f"byte {first + len(data)} of the encrypted volume cannot be read")
        plain = self._cipher.decrypt(data, self._first_sector + first // SECTOR)
        return plain[offset - first : offset - first + length]

    def offset_in_parent(self, offset: int) -> int | None:
        """Where the encrypted form of a byte lies in the image."""
        return self._start + offset
