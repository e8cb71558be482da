"""pHash, the 256-bit hash of the lowest frequencies of a 64x64 thumbnail, exactly as ``imagehash`` computes it.

A second opinion beside PDQ: it survives small crops and turns that PDQ does not, and errs on other pictures.

Source: ``imagehash.phash`` with ``hash_size=16``, after Zauner (2010) and Krawetz' description.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import imagehash
from PIL import Image

from forensics.hashing.perceptual import ORIGINAL, PerceptualHash, PictureHasher

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from forensics.media.picture import Picture


class PhashHasher(PictureHasher):
    """256-bit pHash of a picture as decoded. It has no quality measure of its own."""

    algorithm = "phash"
    bits = 256

    def hash(self, picture: Picture) -> Iterator[PerceptualHash]:
        """Hash the original view."""
        yield PerceptualHash(self.algorithm, phash(picture.pixels), None, ORIGINAL, picture.decode)


def phash(pixels: npt.NDArray[np.uint8]) -> str:
    """Hash a picture.

    Args:
        pixels: Grey ``(height, width)`` or red, green, blue ``(height, width, 3)``.

    Returns:
        64 characters of lower-case hexadecimal, as ``imagehash`` writes it.
    """
    return str(imagehash.phash(Image.fromarray(pixels), hash_size=16))
