"""PDQ in the order of arithmetic of the reference, for pictures whose hash hangs on the last bit of a float.

The reference (facebook/ThreatExchange, ``pdq/cpp``, as bound by ``pdqhash``) sums in 32-bit floats, one value after the
other. Where two coefficients tie, as in flat or symmetric pictures, its hash is made of its own rounding errors. This
module repeats every rounding, so it gives the same bits for every picture, at about the cost of the reference.
:mod:`forensics.hashing.pdq` calls it only where its own faster arithmetic cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt

from forensics.hashing.pdq_filter import BUFFER_SIDE, LUMA, dct_matrix, sample_positions, window_size

_STRIP = 1024
"""Rows or columns filtered at a time: enough to hide the cost of the loop, few enough to bound the memory."""


def reference_buffer(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The 64x64 picture that PDQ transforms, rounded as the reference rounds it.

    Needs four bytes a pixel, and some strips, of memory beside the pixels.

    Args:
        pixels: Grey ``(height, width)`` or red, green, blue ``(height, width, 3)``.
    """
    height, width = pixels.shape[:2]
    if (height, width) == (BUFFER_SIDE, BUFFER_SIDE):
        return _luminance(pixels)
    # One sum runs along each row and each column; it never crosses lines, so strips of lines are independent.
    once = np.empty((height, width), np.float32)
    for rows in _strips(height):
        once[rows] = _box_filter(np.ascontiguousarray(_luminance(pixels[rows]).T)).T
    for columns in _strips(width):
        once[:, columns] = _box_filter(once[:, columns])
    narrow = np.empty((height, BUFFER_SIDE), np.float32)
    for rows in _strips(height):
        narrow[rows] = _box_filter(np.ascontiguousarray(once[rows].T))[sample_positions(width)].T
    return _box_filter(narrow)[sample_positions(height)]


def reference_coefficients(buffer: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The 16x16 lowest frequencies of a 64x64 buffer, summed one product after the other."""
    matrix = dct_matrix()
    half_done = _summed_in_order(matrix.T[:, :, None] * buffer[:, None, :])
    return _summed_in_order(half_done.T[:, :, None] * matrix.T[:, None, :])


def _summed_in_order(products: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sum along the first axis, one after the other (numpy's own sum may pair them)."""
    total = np.zeros(products.shape[1:], np.float32)
    for product in products:
        total += product
    return total


def _luminance(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Grey values as ``pdqhash`` computes them: in doubles, then rounded."""
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    red, green, blue = (pixels[:, :, channel] * LUMA[channel] for channel in range(3))
    luminance: npt.NDArray[np.float64] = red + green + blue
    return luminance.astype(np.float32)


def _strips(length: int) -> Iterator[slice]:
    """Cut an axis into strips."""
    for start in range(0, length, _STRIP):
        yield slice(start, start + _STRIP)


def _box_filter(lines: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Average over a sliding window along the first axis, by one running sum per column of ``lines``."""
    length = len(lines)
    window = window_size(length)
    behind = window - (window + 2) // 2
    averages = np.empty(lines.shape, np.float32)
    # views made once: for small pictures making them again would cost more than the sums
    inputs, sums = list(lines), list(averages)
    total = inputs[0].copy()
    following = 1  # the next line to enter the sum
    while following < window - behind:
        total += inputs[following]
        following += 1
    sums[0][:] = total
    for position in range(1, length):
        total = sums[position - 1]
        if following < length:
            total = np.add(total, inputs[following], out=sums[position])
            following += 1
        if position > behind:
            np.subtract(total, inputs[position - behind - 1], out=sums[position])
    averages /= _line_counts(length)[:, None]
    return averages


@cache
def _line_counts(length: int) -> npt.NDArray[np.float32]:
    """How many lines the window covers at each position; fewer at both ends."""
    window = window_size(length)
    behind = window - (window + 2) // 2
    positions = np.arange(length)
    counts = np.minimum(length, positions + window - behind) - np.maximum(0, positions - behind)
    return counts.astype(np.float32)
