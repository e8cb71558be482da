"""Finds a plain border round a picture: bars above and below, frames, the empty parts of a screenshot.

A border of five per cent moves a perceptual hash beyond every radius; hashed without it the picture is itself again.
The picture inside is one more view, never a replacement: a dark picture may be taken for a border.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from forensics.hashing.turns import TRIMMED
from forensics.media.picture import Picture

SMALLEST_SHARE = 4
"""What is left must be at least a quarter of each side; else the picture is mostly empty, not bordered."""

_TOLERANCE = 12
"""Grey values by which a border may differ from its colour; JPEG leaves such traces in plain areas."""

_STRAY_SHARE = 0.01
"""Share of a line's pixels that may differ by more and leave it a line of the border."""

_ISLAND_SHARE = 0.04
"""A band of lines this thin with border on both sides (the clock and battery of a telephone) belongs to the border."""

_SAMPLES = 256
"""Pixels of a line that are looked at."""

_RINGING_LINES = 8
"""JPEG blurs an edge over as many lines: where the border ends, the sharpest step within them is the edge."""

_Plane = npt.NDArray[np.uint8]


def trimmed(picture: Picture) -> Picture | None:
    """The picture without its border, or ``None`` if it has none.

    Every side has its own colour and may have no border. A picture without any costs a look at its outermost lines.
    """
    # one channel tells: a border whose green is even and whose red is not is none that anyone makes
    plane: _Plane = picture.pixels if picture.pixels.ndim == 2 else picture.pixels[:, :, 1]
    height, width = plane.shape
    rows = _content(plane)
    if rows[0] == rows[1]:  # nothing but border
        return None
    columns = _content(plane[slice(*rows)].T)
    lengths = rows[1] - rows[0], columns[1] - columns[0]
    if lengths == (height, width) or lengths[0] * SMALLEST_SHARE < height or lengths[1] * SMALLEST_SHARE < width:
        return None
    return Picture(
        np.ascontiguousarray(picture.pixels[slice(*rows), slice(*columns)]),
        _full_length(columns, width, picture.width),
        _full_length(rows, height, picture.height),
        TRIMMED,
        picture.turn,
        picture.truncated,
        picture.decode,
    )


def _full_length(lines: tuple[int, int], reduced: int, full: int) -> int:
    """How many lines of the file the kept lines of a reduced picture stand for."""
    step = -(-full // reduced)
    return min(lines[1] * step, full) - lines[0] * step


def _content(plane: _Plane) -> tuple[int, int]:
    """First line of the picture within a plane and the line after its last."""
    start, stop = 0, len(plane)
    if (colour := _plain_colour(plane[0])) is not None:
        start = _edge(plane, colour)
    if start < stop and (colour := _plain_colour(plane[-1])) is not None:
        stop -= _edge(plane[::-1], colour)
    return (start, stop) if start < stop else (0, 0)


def _plain_colour(line: _Plane) -> int | None:
    """The colour of a plain line, ``None`` of any other."""
    counts = np.bincount(line, minlength=256)
    colour = int(counts.argmax())
    near = counts[max(0, colour - _TOLERANCE) : colour + _TOLERANCE + 1].sum()
    return colour if near >= len(line) * (1 - _STRAY_SHARE) else None


def _edge(plane: _Plane, colour: int) -> int:
    """Lines of the border on the first side of a plane."""
    quarter = plane[: len(plane) // SMALLEST_SHARE]
    for part in (quarter, plane):  # most borders are narrow, and the whole plane is much to look at
        sampled = part[:, :: -(-plane.shape[1] // _SAMPLES)]
        first = _first_band(_strays(sampled, colour), len(plane) * _ISLAND_SHARE)
        if first is not None:
            return _sharpest(sampled, first)
    return len(plane)


def _strays(lines: _Plane, colour: int) -> npt.NDArray[np.intp]:
    """The lines that are none of a border of this colour."""
    low, high = max(0, colour - _TOLERANCE), min(255, colour + _TOLERANCE)
    # in eight bits what lies below the range wraps round to above it
    strays = (lines - np.uint8(low)) > np.uint8(high - low)
    counts = np.bitwise_count(np.packbits(strays, axis=1)).sum(axis=1)
    return np.flatnonzero(counts > lines.shape[1] * _STRAY_SHARE)


def _first_band(lines: npt.NDArray[np.intp], island: float) -> int | None:
    """First line of the first band of consecutive lines that is thicker than an island; ``None`` without one."""
    if not len(lines):
        return None
    starts = np.concatenate([[0], np.flatnonzero(np.diff(lines) > 1) + 1])
    thickness = np.diff(np.append(starts, len(lines)))
    thick = np.flatnonzero(thickness > island)
    return int(lines[starts[thick[0]]]) if len(thick) else None


def _sharpest(plane: _Plane, first: int) -> int:
    """The sharpest step near the first line that is no border."""
    start, stop = max(0, first - 1), min(len(plane), first + _RINGING_LINES)
    if first == 0 or stop - start < 2:
        return first
    steps = np.abs(np.diff(plane[start:stop].astype(np.int16), axis=0)).mean(axis=1)
    return start + 1 + int(steps.argmax())
