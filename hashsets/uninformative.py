"""Perceptual hashes that say nothing: those of blank pictures, and all zeros or ones.

A bit of a PDQ or pHash says whether one frequency is above the median of all 256, so half of the bits are set. On the
1,450 public PDQ hashes of real pictures it is 112 to 142. Only a picture with nothing in it breaks the rule, because
its frequencies are ties: flat pictures give 0, 1 or 80 set bits, depending on the implementation. A known hash of that
kind would be "near" half of what a disk holds, by accident or by someone's intent, and is never searched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_SET_BITS = 81
MOST_SET_BITS = 175
"""Six standard deviations of a random hash around 128. No hash with 112 to 144 set bits lies within 31 bits of one
beyond these bounds, so leaving them out loses nothing that a real picture could match."""


def is_uninformative(value: str) -> bool:
    """Tell whether a 256-bit perceptual hash, in hexadecimal, is one that says nothing."""
    return not LEAST_SET_BITS <= int(value, 16).bit_count() <= MOST_SET_BITS


def are_uninformative(values: Sequence[str]) -> list[bool]:
    """Tell of each of many 256-bit perceptual hashes, in hexadecimal, whether it is one that says nothing."""
    words = np.frombuffer(bytes.fromhex("".join(values)), np.uint64).reshape(-1, 4)
    set_bits = np.bitwise_count(words).sum(axis=1)
    found: list[bool] = ((set_bits < LEAST_SET_BITS) | (set_bits > MOST_SET_BITS)).tolist()
    return found
