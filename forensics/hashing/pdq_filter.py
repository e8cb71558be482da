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
    starts, weights = _bands(length or len(lines), len(lines))
    width = weights.shape[2]
    for index, start in enumerate(starts):
        averages = weights[index, :ways] @ lines[start : start + width].astype(np.float32)
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
def _bands(length: int, reduced_length: int) -> tuple[list[int], npt.NDArray[np.float32]]:
    """The rows of ``A(length)``, each with its mirror image: the first line of each, and weights of shape (64, 2, n).

    The sample that lies at ``index`` from one end and the one at ``63 - index`` from the other are at most a line
    apart, so both are taken from the same n lines.
    """
    step = -(-length // reduced_length)
    if -(-length // step) != reduced_length:
        raise ValueError(f"{length} lines do not reduce to {reduced_length}")
    first, weights = _filter_matrix(length)
    lines = first[:, None] + np.arange(weights.shape[1])
    pairs = np.stack([lines, length - 1 - lines[::-1]], axis=1)
    # a row that is cut at an end of the axis is filled up with weights of zero, for which any line will do
    pairs = pairs.clip(0, length - 1) // step
    width = int((pairs.max(axis=(1, 2)) - pairs.min(axis=(1, 2))).max()) + 1
    starts = pairs.min(axis=(1, 2)).clip(max=reduced_length - width)
    # one reduced line stands for `step` lines
    cells = pairs - starts[:, None, None] + width * np.arange(2 * BUFFER_SIDE).reshape(BUFFER_SIDE, 2, 1)
    both = np.stack([weights, weights[::-1]], axis=1)
    summed = np.bincount(cells.ravel(), both.ravel(), 2 * BUFFER_SIDE * width)
    return starts.tolist(), summed.reshape(BUFFER_SIDE, 2, width).astype(np.float32)


def _filter_matrix(length: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The rows of ``A(length)``: where the values that are not zero begin, and these values, shape (64, n)."""
    window = window_size(length)
    behind = window - (window + 2) // 2
    # the second pass averages the first pass' averages around each sample
    averaged = sample_positions(length)[:, None] - behind + np.arange(window)
    inside = (averaged >= 0) & (averaged < length)
    first = (averaged - behind).clip(0, length)
    after = (averaged - behind + window).clip(0, length)
    starts = np.where(inside, first, length).min(axis=1)
    shares = inside / (inside.sum(axis=1, keepdims=True) * (after - first).clip(min=1))
    # each average spreads its share over the lines it was taken from: up at the first, down after the last
    width = 2 * window
    cells = width * np.arange(BUFFER_SIDE)[:, None] - starts[:, None]
    ups, downs = ((cells + np.where(inside, ends, starts[:, None])).ravel() for ends in (first, after))
    size = BUFFER_SIDE * width
    steps = np.bincount(ups, shares.ravel(), size) - np.bincount(downs, shares.ravel(), size)
    return starts, steps.reshape(BUFFER_SIDE, width).cumsum(axis=1)
