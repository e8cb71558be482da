"""vPDQ, the hash of a film published by Meta: the PDQ hashes of sampled frames, as a bag.

Source: facebook/ThreatExchange, ``vpdq/``. As there, frames are hashed at the size they have, and those of a quality
below 50 say too little. Which frames are sampled is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from forensics.hashing.pdq import pdq_hash
from forensics.hashing.perceptual import FilmHash, FrameHash

if TYPE_CHECKING:
    from forensics.media.picture import Picture

ALGORITHM = "vpdq"

LOWEST_QUALITY = 50
"""Frames of a lower PDQ quality are left out, as the reference does."""


def film_hash(frames: Iterable[tuple[int, Picture]], decode: str) -> FilmHash:
    """Hash a film.

    Args:
        frames: Milliseconds from the start of the film, and the frame, in any order. Each is let go before the next is
            asked for.
        decode: Name of the path by which they were decoded.

    Returns:
        The hashes of the frames that say enough, in order of time; of equal ones the first.
    """
    first: dict[str, FrameHash] = {}
    for milliseconds, picture in frames:
        value, quality = pdq_hash(picture.pixels)
        if quality < LOWEST_QUALITY:
            continue
        known = first.get(value)
        if known is None or milliseconds < known.milliseconds:
            first[value] = FrameHash(milliseconds, value, quality)
    ordered = sorted(first.values(), key=lambda frame: (frame.milliseconds, frame.value))
    return FilmHash(ALGORITHM, tuple(ordered), decode)
