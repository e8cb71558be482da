"""The contract of a perceptual hash: pixels in, a few bits out that survive re-encoding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from forensics.media.picture import Picture

ORIGINAL = "original"
"""Name of the probe that is the picture as decoded, neither turned nor trimmed."""


@dataclass(frozen=True, slots=True)
class PerceptualHash:
    """One perceptual hash of one view of a picture.

    Attributes:
        algorithm: Name of the algorithm, such as ``pdq`` or ``phash``.
        value: The bits in lower-case hexadecimal, the most significant first (PDQ: as ``pdqhash`` and the published
            vectors write it).
        quality: The algorithm's own measure of how much the hash says, 0 to 100; ``None`` if it has none.
        probe: Which view was hashed: :data:`ORIGINAL`, or the name of a turned or trimmed one.
        decode: Name and version of the decode path that gave the pixels, such as ``decode-v1``.
    """

    algorithm: str
    value: str
    quality: int | None
    probe: str
    decode: str


class PictureHasher(ABC):
    """A perceptual hash algorithm for pictures. Stateless; registers through ``tamiz_picture_hashers``.

    Attributes:
        algorithm: Name of the algorithm, as stored in cases and lists.
        bits: Length of a hash in bits.
    """

    algorithm: ClassVar[str]
    bits: ClassVar[int]

    @abstractmethod
    def hash(self, picture: Picture) -> Iterator[PerceptualHash]:
        """Hash a decoded picture; one hash for each view the algorithm looks at, the original first."""
