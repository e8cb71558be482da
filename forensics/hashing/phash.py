"""pHash, the 256-bit hash of the lowest frequencies of a 64x64 thumbnail, exactly as ``imagehash`` computes it.

A second opinion beside PDQ: it survives small crops and turns that PDQ does not, and errs on other pictures.

Source: ``imagehash.phash`` with ``hash_size=16``, after Zauner (2010) and Krawetz' description.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from forensics.hashing.perceptual import ORIGINAL, PerceptualHash, PictureHasher
from forensics.hashing.turns import TURNS, Turn, probes_of

if TYPE_CHECKING:
    from forensics.media.picture import Picture

    Pixels = npt.NDArray[np.uint8]

_THUMBNAIL_SIDE = 64
_HASH_SIDE = 16


class PhashHasher(PictureHasher):
    """256-bit pHash of a view of a picture, turned as PDQ is. It has no quality measure of its own."""

    algorithm = "phash"
    bits = 256

    def hash(self, picture: Picture) -> Iterator[PerceptualHash]:
        """Hash the view, as it is first, then turned."""
        hashes = phash_dihedral(picture.pixels)
        for turn, probe in probes_of(picture).items():
            yield PerceptualHash(self.algorithm, hashes[turn], None, probe, picture.decode)


def phash(pixels: Pixels) -> str:
    """Hash a picture.

    Args:
        pixels: Grey ``(height, width)`` or red, green, blue ``(height, width, 3)``.

    Returns:
        64 characters of lower-case hexadecimal, as ``imagehash`` writes it.
    """
    return phash_dihedral(pixels)[ORIGINAL]


def phash_dihedral(pixels: Pixels) -> dict[str, str]:
    """Hash a picture in all eight orientations, by turning its thumbnail.

    The thumbnail of the turned picture may differ from the turned thumbnail by one grey value here and there, since
    Pillow rounds between its passes over rows and columns: the hash differs by a few bits at most
    (``docs/perceptual.md``).

    Args:
        pixels: As for :func:`phash`.

    Returns:
        The hash for each name in :data:`forensics.hashing.turns.TURNS`, as :func:`phash` gives it.
    """
    # mirroring the thumbnail changes the sign of the odd frequencies, transposing it transposes them
    frequencies = _MIRRORED_SIGNS * _frequencies(pixels)
    above = frequencies > np.median(frequencies, axis=(1, 2), keepdims=True)
    return {name: _hexadecimal(above[2 * turn.upside_down + turn.left_right], turn) for name, turn in TURNS.items()}


def _frequencies(pixels: Pixels) -> npt.NDArray[np.float64]:
    """The 16x16 lowest frequencies of the thumbnail, by the very operations of ``imagehash``."""
    import scipy.fftpack  # type: ignore[import-untyped]  # it takes a worker a third of a second to load

    image = Image.fromarray(pixels)
    grey = image if image.mode == "L" else image.convert("L")
    thumbnail = np.asarray(grey.resize((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.LANCZOS))
    transformed = scipy.fftpack.dct(scipy.fftpack.dct(thumbnail, axis=0), axis=1)
    lowest: npt.NDArray[np.float64] = transformed[:_HASH_SIDE, :_HASH_SIDE]
    return lowest


def _hexadecimal(bits: npt.NDArray[np.bool_], turn: Turn) -> str:
    """The bits of a hash, the lowest frequency first."""
    return np.packbits(bits.T if turn.transposed else bits).tobytes().hex()


def _mirrored_signs() -> npt.NDArray[np.float64]:
    """What mirroring makes of each frequency, shape (4, 16, 16): as it is, left to right, upside down, both."""
    same, mirrored = np.ones(_HASH_SIDE), np.where(np.arange(_HASH_SIDE) % 2, -1.0, 1.0)
    return np.stack([np.outer(rows, columns) for rows in (same, mirrored) for columns in (same, mirrored)])


_MIRRORED_SIGNS = _mirrored_signs()
