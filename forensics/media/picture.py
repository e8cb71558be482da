"""Pixels on their way to a hash. They exist only inside a worker and leave it only as a hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DECODE_PATH = "decode-v1"
"""Name of the decode policy below; stored with every perceptual hash. Any change of pixels needs a new name."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        luminance: Grey values as floats 0 to 255, shape (height, width), of the picture as decoded (a large JPEG is
            decoded at a reduced scale).
        width: Width in pixels as the file states, before any reduction.
        height: Height in pixels as the file states.
        decode: Name of the decode path.
    """

    luminance: npt.NDArray[np.float32]
    width: int
    height: int
    decode: str = DECODE_PATH
