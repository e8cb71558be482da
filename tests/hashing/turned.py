"""Pictures really turned, by Pillow."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.pictures import Pixels


def turned(pixels: Pixels, turn: str) -> Pixels:
    """Turn a picture.

    Args:
        pixels: Grey or red, green, blue.
        turn: Pillow's name of the turn, in lower case and with hyphens; ``original`` for none.
    """
    if turn == "original":
        return pixels
    return np.array(Image.fromarray(pixels).transpose(Image.Transpose[turn.upper().replace("-", "_")]))
