"""What a worker sends back about a stream."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from forensics.hashing.digests import Digests
from forensics.hashing.perceptual import FilmHash, PerceptualHash
from forensics.reason import Reason
from hashsets.match import Match


class PerceptualState(StrEnum):
    """What became of perceptual hashing for a content."""

    HASHED = "hashed"
    NOT_APPLICABLE = "not-applicable"
    """Not a picture."""
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ExaminedFilm:
    """What is known of a film.

    Attributes:
        duration: Milliseconds, as the file states; ``None`` if it states none.
        rotation: Degrees by which a viewer turns it clockwise: 0, 90, 180 or 270.
        sampling: ``one-a-second`` or ``key-frames``.
        frames: How many frames were sampled, those of poor quality included.
        hashed: Their hashes.
    """

    duration: int | None
    rotation: int
    sampling: str
    frames: int
    hashed: FilmHash


@dataclass(frozen=True, slots=True)
class ExaminedContent:
    """All that is known of a distinct content.

    Attributes:
        digests: Its digests and length.
        media_type: What it is, by its first bytes.
        perceptual: What became of perceptual hashing.
        perceptual_reason: Why it was skipped or failed; with ``hashed``, why only a part of it was (cut short,
            more frames than the limit).
        width: Pixels, as the file states; ``None`` unless hashed.
        height: Pixels, as the file states; ``None`` unless hashed.
        perceptual_hashes: The hashes.
        matches: Entries of the scan's sets it matches.
        film: What is known of it as a film; ``None`` for all else.
    """

    digests: Digests
    media_type: str
    perceptual: PerceptualState = PerceptualState.NOT_APPLICABLE
    perceptual_reason: Reason | None = None
    width: int | None = None
    height: int | None = None
    perceptual_hashes: tuple[PerceptualHash, ...] = ()
    matches: tuple[Match, ...] = ()
    film: ExaminedFilm | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one stream.

    Exactly one of ``reason`` and ``sha256`` is set.

    Attributes:
        stream_id: The stream's row.
        size: The stream's length in bytes.
        reason: Why it could not be hashed.
        detail: The library's own words; no names.
        sha256: Its content.
        content: The content, unless a worker has already reported it.
    """

    stream_id: int
    size: int
    reason: Reason | None = None
    detail: str = ""
    sha256: str | None = None
    content: ExaminedContent | None = None
