"""Reads images whole, right or damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from forensics.errors import ImageError
from forensics.evidence.image import DiskImage, open_image

PIECE = 16 * 1024


@dataclass
class Reading:
    """What came of reading an image piece by piece.

    Attributes:
        pieces: What could be read, by offset.
        errors: One line for each piece that could not, or for the image if it was refused.
        damage: What the image declared.
    """

    pieces: dict[int, bytes] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    damage: str = ""

    @property
    def told(self) -> bool:
        return bool(self.errors or self.damage)

    def wrong(self, medium: bytes) -> list[int]:
        """Offsets of pieces that are not what the medium holds."""
        return [offset for offset, data in self.pieces.items() if data != medium[offset : offset + PIECE]]


def read_image(path: Path, opened: Callable[[Path], DiskImage] = open_image, most: int = 64 << 20) -> Reading:
    """Read an image; nothing but an ImageError of one line may be raised."""
    reading = Reading()
    try:
        with opened(path) as image:
            reading.damage = image.damage
            for offset in range(0, min(image.size, most), PIECE):
                try:
                    reading.pieces[offset] = image.read_at(offset, PIECE)
                except ImageError as error:
                    reading.errors.append(str(error))
    except ImageError as error:
        reading.errors.append(str(error))
    assert all(len(error.splitlines()) == 1 for error in [*reading.errors, reading.damage or "-"])
    return reading


def whole(path: Path, opened: Callable[[Path], DiskImage] = open_image) -> bytes:
    """All bytes of the medium."""
    with opened(path) as image:
        return image.read_at(0, image.size)
