"""Reads contents back from a case for matching: a few queries for thousands of them, not some for each."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from forensics.hashing.digests import Digests
from forensics.hashing.perceptual import FilmHash, FrameHash, PerceptualHash

MOST_FRAMES = 200_000
"""Frames of films read at a time, unless a single film has more: some 100 MB."""


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A content as the case holds it, for matching against further sets."""

    digests: Digests
    perceptual_hashes: tuple[PerceptualHash, ...]
    film: FilmHash | None = None


def contents_after(connection: sqlite3.Connection, sha256: str, count: int) -> list[StoredContent]:
    """The next contents in order of SHA-256, with their perceptual hashes and those of the frames of films.

    Args:
        connection: The case.
        sha256: Start after this one; empty for the first.
        count: At most so many; fewer, but at least one, if they have very many frames.
    """
    rows = connection.execute(
        "SELECT md5, sha1, sha256, size FROM contents WHERE sha256 > ? ORDER BY sha256 LIMIT ?", (sha256, count)
    ).fetchall()
    if not rows:
        return []
    last = _last_within_bounds(connection, sha256, rows[-1][2])
    between = (sha256, last)
    hashes: dict[str, list[PerceptualHash]] = {}
    for content, *values in connection.execute(
        "SELECT content, algorithm, value, quality, probe, decode FROM perceptual_hashes "
        "WHERE content > ? AND content <= ? ORDER BY content, algorithm, probe",
        between,
    ):
        hashes.setdefault(content, []).append(PerceptualHash(*values))
    films = _films(connection, between)
    return [
        StoredContent(Digests(*row), tuple(hashes.get(row[2], ())), films.get(row[2])) for row in rows if row[2] <= last
    ]


def _last_within_bounds(connection: sqlite3.Connection, after: str, last: str) -> str:
    """The last content up to which there are not too many frames."""
    frames, within = 0, None
    for content, count in connection.execute(
        "SELECT content, count(*) FROM film_frames WHERE content > ? AND content <= ? GROUP BY 1 ORDER BY 1",
        (after, last),
    ):
        frames += count
        if frames > MOST_FRAMES:
            return within or str(content)
        within = str(content)
    return last


def _films(connection: sqlite3.Connection, between: tuple[str, str]) -> dict[str, FilmHash]:
    known = connection.execute(
        "SELECT content, algorithm, decode FROM films WHERE content > ? AND content <= ?", between
    ).fetchall()
    if not known:
        return {}
    frames: dict[str, list[FrameHash]] = {}
    for content, *values in connection.execute(
        "SELECT content, milliseconds, value, quality FROM film_frames WHERE content > ? AND content <= ? "
        "ORDER BY content, milliseconds, value",
        between,
    ):
        frames.setdefault(content, []).append(FrameHash(*values))
    return {
        content: FilmHash(algorithm, tuple(frames.get(content, ())), decode) for content, algorithm, decode in known
    }
