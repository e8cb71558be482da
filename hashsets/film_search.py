"""Which entries a film is near: how much of it is in a known film, and how much of the known film is in it.

Films are compared as bags of frames, as vPDQ does: when a frame is shown does not count, so a film that was cut, put
together anew or slowed down is found. Two frames are alike within PDQ's radius. vPDQ looks at the share of one film
only; here both are looked at and stored, for a known film inside a long one covers little of it.

A title, a test pattern or a dark room can stand in two films that have nothing else in common, for any number of
frames. So frames count only as far as they differ from each other: :data:`LEAST_DIFFERENT`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import NamedTuple

import numpy as np

from forensics.hashing.perceptual import ORIGINAL, FilmHash, FrameHash
from hashsets.hamming import Hashes, pack
from hashsets.known_hashes import LEAST_QUALITY, EntryKey, KnownHashes
from hashsets.match import EntryReference, Match, Tier
from hashsets.uninformative import is_uninformative

FILM_ALGORITHM = "vpdq"

FRAME_RADIUS = 31
"""Frames are alike within so many bits, inclusive: PDQ's strict radius."""

WHOLE = 0.8
"""From this share on a film is in another as good as whole; vPDQ's authors use it."""

PART = 0.2
"""From this share on a film has a part in common with another: a lead."""

LEAST_DIFFERENT = 3
"""So many frames alike, each further than :data:`FRAME_RADIUS` from the others, tell more than a title does."""

_HEX_DIGITS = 64


class FilmFound(NamedTuple):
    """A film near an entry; what its fields mean stands in :class:`hashsets.match.Match`."""

    basis: str
    distance: int
    tier: Tier
    probe: str
    query_covered: float | None = None
    known_covered: float | None = None


class FilmSearch:
    """The frames of one film that say enough to be compared, and what they are near.

    Args:
        film: The film.
        known_hashes: Known hashes by algorithm; those of which there are none are left out.
    """

    def __init__(self, film: FilmHash, known_hashes: Mapping[str, KnownHashes]) -> None:
        self._known_hashes = known_hashes
        frames: dict[str, FrameHash] = {}
        for frame in film.frames if film.algorithm == FILM_ALGORITHM else ():
            if frame.quality >= LEAST_QUALITY and len(frame.value) == _HEX_DIGITS and not is_uninformative(frame.value):
                frames.setdefault(frame.value, frame)
        self._frames = list(frames.values())
        self._hashes = pack(frames)

    def found(self) -> dict[EntryKey, FilmFound]:
        """What the film is near: known films, and known pictures that are like one of its frames."""
        return {**dict(self._pictures()), **dict(self._films())} if self._frames else {}

    def _films(self) -> Iterator[tuple[EntryKey, FilmFound]]:
        known = self._known_hashes.get(FILM_ALGORITHM)
        if known is None:
            return
        of_known = np.zeros(len(known), bool)
        distances: dict[int, dict[int, int]] = {}
        for row, entry, distance in known.near_entries(self._hashes, FRAME_RADIUS, of_known):
            distances.setdefault(entry, {})[row] = distance
        for entry, by_row in distances.items():
            known_frames, alike = known.hashes_of(entry), of_known[known.rows(entry)]
            query_covered, known_covered = len(by_row) / len(self._frames), float(alike.mean())
            different = min(_count_different(self._hashes[list(by_row)]), _count_different(known_frames[alike]))
            could_be = min(_count_different(self._hashes), _count_different(known_frames))
            tier = film_tier(query_covered, known_covered, different, could_be)
            if tier is not None:
                distance = int(median(by_row.values()))
                found = FilmFound(FILM_ALGORITHM, distance, tier, ORIGINAL, query_covered, known_covered)
                yield known.key(entry), found

    def _pictures(self) -> Iterator[tuple[EntryKey, FilmFound]]:
        """Known pictures that a frame is near: a lead, with the nearest frame, of equally near ones the first."""
        known = self._known_hashes.get("pdq")
        if known is None:
            return
        nearest: dict[int, tuple[int, int]] = {}
        for row, entry, distance in known.near_entries(self._hashes, FRAME_RADIUS):
            frame = (distance, self._frames[row].milliseconds)
            nearest[entry] = min(nearest.get(entry, frame), frame)
        for entry, (distance, milliseconds) in nearest.items():
            probe = f"frame-at-{milliseconds // 1000}s"
            yield known.key(entry), FilmFound("pdq", distance, Tier.SIMILAR, probe)


def film_match(entry: EntryReference, found: FilmFound) -> Match:
    """Put what was found together with the entry it was found of."""
    return Match(
        entry,
        found.basis,
        found.distance,
        found.tier,
        found.probe,
        (found.basis,),
        query_covered=found.query_covered,
        known_covered=found.known_covered,
    )


def film_tier(query_covered: float, known_covered: float, different: int, could_be: int) -> Tier | None:
    """Say how strong it is that two films have frames in common.

    Args:
        query_covered: Share of the frames of the one that the other has.
        known_covered: Share of the frames of the other that the one has.
        different: How many frames in common differ from each other, counted up to :data:`LEAST_DIFFERENT`.
        could_be: The same of all frames of the film that has fewer such.

    Returns:
        ``near`` if either is in the other as good as whole; ``similar`` if they have a part in common; else ``None``.
        A film that has only two different frames must have both in common. One that has a single one is as a picture
        is: in a longer film it is ``similar``, unless that shows nothing else either.
    """
    larger, smaller = max(query_covered, known_covered), min(query_covered, known_covered)
    enough = max(2, min(could_be, LEAST_DIFFERENT))
    if (larger >= WHOLE and different >= enough) or smaller >= WHOLE:
        return Tier.NEAR
    if different >= LEAST_DIFFERENT:
        return Tier.SIMILAR if larger >= PART else None
    return Tier.SIMILAR if could_be < LEAST_DIFFERENT and larger >= WHOLE else None


def _count_different(hashes: Hashes) -> int:
    """Count frames that are further than the radius from those counted before, up to :data:`LEAST_DIFFERENT`."""
    count = 0
    while len(hashes) and count < LEAST_DIFFERENT:
        count += 1
        hashes = hashes[np.bitwise_count(hashes ^ hashes[0]).sum(axis=1, dtype=np.int64) > FRAME_RADIUS]
    return count
