"""PDQ's two box filters and its decimation to 64x64, as one sparse matrix for each length of an axis.

PDQ smooths a picture with two passes of a moving average along each axis and keeps 64 samples of each. All of that is
linear: for height h and width w the buffer is ``A(h) @ L @ A(w).T``. A row of ``A(n)`` has about n/32 values that are
not zero, side by side, so it is kept as a band.

A JPEG decoded at half scale holds averages of 2x2 pixels. ``A(n)`` of the full length can be applied to them too, each
weight to the pixels it averages: that moves the hash far less than filtering the small picture as if it were the whole.

Source: the public description of PDQ (facebook/ThreatExchange, ``hashing.pdf`` and ``pdq/cpp``).
"""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

BUFFER_SIDE = 64
"""Rows and columns of the buffer."""

LUMA = (0.299, 0.587, 0.114)
"""Parts of red, green and blue in the grey value; JPEG's own."""

_Band = tuple[int, int, npt.NDArray[np.float32]]


def window_size(length: int) -> int:
    """Width of the moving average along an axis of ``length`` pixels: a 128th of it, rounded up."""
    return -(-length // (2 * BUFFER_SIDE))


@cache
def sample_positions(length: int) -> npt.NDArray[np.intp]:
    """The 64 positions along an axis that are kept: the centres of 64 equal parts."""
    return ((np.arange(BUFFER_SIDE) + 0.5) * length / BUFFER_SIDE).astype(np.intp)


def decimate(
    lines: npt.NDArray[np.generic], length: int | None = None, both_ways: bool = False
) -> npt.NDArray[np.float32]:
    """Filter along the first axis and keep 64 samples of it.

    Args:
        lines: Shape (n, m), of any number type.
        length: Length of the axis before the picture was reduced, so that n is ``length`` over a whole number, rounded
            up; ``None`` if it was not reduced.
        both_ways: Also do so with the first axis turned round, in the same pass over the data.

    Returns:
        Shape (1, 64, m); shape (2, 64, m) with ``both_ways``, the second for the turned axis.

    Raises:
        ValueError: ``length`` reduces to no such number of lines.
    """
    ways = 2 if both_ways else 1
    samples = np.empty((ways, BUFFER_SIDE, lines.shape[1]), np.float32)
    for index, (start, stop, weights) in enumerate(_bands(length or len(lines), len(lines))):
        averages = weights[:ways] @ lines[start:stop].astype(np.float32)
        samples[0, index] = averages[0]
        if both_ways:
            samples[1, BUFFER_SIDE - 1 - index] = averages[1]
    return samples


@cache
def dct_matrix() -> npt.NDArray[np.float32]:
    """The 16x64 matrix of the discrete cosine transform, without the constant term, as the reference rounds it."""
    scale = float(np.float32(math.sqrt(2.0 / BUFFER_SIDE)))
    step = math.pi / 2.0 / BUFFER_SIDE
    rows = [
        [scale * math.cos(step * (row + 1) * (2 * column + 1)) for column in range(BUFFER_SIDE)] for row in range(16)
    ]
    return np.array(rows, np.float32)


@lru_cache(maxsize=1024)
def _bands(length: int, reduced_length: int) -> list[_Band]:
    """The rows of ``A(length)``, each with its mirror image: first line, line after the last, weights of shape (2, n).

    The sample that lies at ``index`` from one end and the one at ``63 - index`` from the other are at most a line
    apart, so both are taken from the same lines.
    """
    step = -(-length // reduced_length)
    if -(-length // step) != reduced_length:
        raise ValueError(f"{length} lines do not reduce to {reduced_length}")
    rows = _filter_matrix_rows(length)
    bands = []
    for index in range(BUFFER_SIDE):
        first, weights = rows[index]
        opposite, mirrored_weights = rows[BUFFER_SIDE - 1 - index]
        mirrored_first = length - opposite - len(mirrored_weights)
        start = min(first, mirrored_first) // step
        stop = -(-max(first + len(weights), mirrored_first + len(mirrored_weights)) // step)
        pair = np.zeros((2, (stop - start) * step))
        pair[0, first - start * step :][: len(weights)] = weights
        pair[1, mirrored_first - start * step :][: len(mirrored_weights)] = mirrored_weights[::-1]
        # one reduced line stands for `step` lines
        bands.append((start, stop, pair.reshape(2, stop - start, step).sum(axis=2).astype(np.float32)))
    return bands


def _filter_matrix_rows(length: int) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """The rows of ``A(length)``: where the values that are not zero begin, and these values."""
    window = window_size(length)
    behind = window - (window + 2) // 2
    positions = np.arange(length)
    first = np.maximum(0, positions - behind)
    after = np.minimum(length, positions + window - behind)
    rows = []
    for position in sample_positions(length):
        # the second pass averages the first pass' averages around the position
        averaged = positions[first[position] : after[position]]
        start, stop = int(first[averaged[0]]), int(after[averaged[-1]])
        steps = np.zeros(stop - start + 1)
        share = 1.0 / (len(averaged) * (after[averaged] - first[averaged]))
        np.add.at(steps, first[averaged] - start, share)
        np.add.at(steps, after[averaged] - start, -share)
        rows.append((start, np.cumsum(steps[:-1])))
    return rows
