"""Noise: content that is the same each time and compresses to nothing less."""

from __future__ import annotations

import random


def noise(seed: int) -> random.Random:
    """A source of bytes that a test can draw again to know what was written."""
    return random.Random(seed)  # noqa: S311  not for secrets
