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

DISPLAYED = "displayed"
"""Name of the turn that a viewer applies, where the file asks for one (Exif orientation)."""

COMPOSITED = "composited"
"""Name of the view of a picture with transparency that is shown on white."""

FAITHFUL_PROBES = frozenset({ORIGINAL, DISPLAYED, COMPOSITED})
"""Probes that show the picture as it is stored or as every viewer shows it. Any other is a lead only."""


def probe_name(view: str, turn: str) -> str:
    """Name of a probe: ``original``, ``trimmed``, ``rotate-90``, ``trimmed/rotate-90``.

    Args:
        view: What was hashed of the file: :data:`ORIGINAL`, ``trimmed``, ``frame-12`` ...
        turn: How it was turned; :data:`ORIGINAL` if it was not.
    """
    return "/".join(part for part in (view, turn) if part != ORIGINAL) or ORIGINAL


@dataclass(frozen=True, slots=True)
class PerceptualHash:
    """One perceptual hash of one view of a picture.

    Attributes:
        algorithm: Name of the algorithm, such as ``pdq`` or ``phash``.
        value: The bits in lower-case hexadecimal, the most significant first (PDQ: as ``pdqhash`` and the published
            vectors write it).
        quality: The algorithm's own measure of how much the hash says, 0 to 100; ``None`` if it has none.
        probe: Which view was hashed: :data:`ORIGINAL`, or the name of a turned or trimmed one.
        decode: Name and version of the decode path that gave the pixels, such as ``decode-v2``.
    """

    algorithm: str
    value: str
    quality: int | None
    probe: str
    decode: str


@dataclass(frozen=True, slots=True)
class FrameHash:
    """The hash of one frame of a film.

    Attributes:
        milliseconds: When it is shown, from the start of the film.
        value: As :attr:`PerceptualHash.value`.
        quality: As :attr:`PerceptualHash.quality`.
    """

    milliseconds: int
    value: str
    quality: int


@dataclass(frozen=True, slots=True)
class FilmHash:
    """The hashes of a film's sampled frames, compared as a bag: when a frame is shown does not count.

    Attributes:
        algorithm: Name of the algorithm, ``vpdq``.
        frames: In order of time; of frames with equal hashes the first.
        decode: Name and version of the decode path, such as ``film-v1``.
    """

    algorithm: str
    frames: tuple[FrameHash, ...]
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
