"""PDQ, the 256-bit perceptual hash of pictures published by Meta, as matrix products.

Bit for bit the hash and quality that ``pdqhash`` gives for the same pixels, at a fraction of the cost: see
``docs/perceptual.md``. All eight orientations of a picture cost about two hashes.

Source: the public description of PDQ and the reference implementation in facebook/ThreatExchange, ``pdq/``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from forensics.hashing.pdq_filter import BUFFER_SIDE, LUMA, dct_matrix, decimate
from forensics.hashing.pdq_reference import reference_buffer, reference_coefficients
from forensics.hashing.perceptual import ORIGINAL, PerceptualHash, PictureHasher
from forensics.hashing.turns import TURNS, Turn, probes_of

if TYPE_CHECKING:
    from forensics.media.picture import Picture

    Pixels = npt.NDArray[np.uint8]
    Buffer = npt.NDArray[np.float32]
    Size = tuple[int, int]

SMALLEST_SIDE = 5
"""Pictures with a shorter side have no hash: all bits are zero and so is the quality."""

_HALF_THE_BITS = 128
_REFERENCE_IS_FAST = 128
"""Up to this length of the longer side the reference's own arithmetic is fast enough to be used at once."""


class PdqHash(NamedTuple):
    """A PDQ hash.

    Attributes:
        value: 64 characters of lower-case hexadecimal, as the published vectors write it.
        quality: 0 to 100; hashes below 50 say too little to be matched.
    """

    value: str
    quality: int


class _Margin(NamedTuple):
    """How far the reference's rounding errors can carry it from the true value, with room to spare.

    Attributes:
        coefficient: Distance of two coefficients below which their order is open.
        gradient: Distance of a gradient to a whole number below which its whole part is open.
    """

    coefficient: float
    gradient: float


# Largest errors seen on some thousand generated pictures of every kind (docs/perceptual.md): coefficients 0.007 grey
# and 0.022 coloured, gradients 0.002 and 0.004. Whole grey values are summed without error in the first pass.
_GREY_MARGIN = _Margin(coefficient=0.02, gradient=0.003)
_COLOUR_MARGIN = _Margin(coefficient=0.06, gradient=0.006)
# Where the reference's errors do not matter, what is left is that every machine gives the same hash.
_OWN_MARGIN = _Margin(coefficient=0.001, gradient=0.0002)


class PdqHasher(PictureHasher):
    """PDQ of a view of a picture; of the original and the trimmed one in all eight orientations."""

    algorithm = "pdq"
    bits = 256

    def hash(self, picture: Picture) -> Iterator[PerceptualHash]:
        """Hash the view, as it is first, then turned."""
        full_size = (picture.height, picture.width)
        probes = probes_of(picture)
        if len(probes) == 1:
            hashes = {ORIGINAL: pdq_hash(picture.pixels, full_size)}
        else:
            # other turns are leads, not evidence
            hashes = pdq_dihedral(picture.pixels, full_size, exact=(ORIGINAL, picture.turn))
        for turn, probe in probes.items():
            yield PerceptualHash(self.algorithm, *hashes[turn], probe, picture.decode)


def pdq_hash(pixels: Pixels, full_size: Size | None = None) -> PdqHash:
    """Hash a picture.

    Args:
        pixels: Grey ``(height, width)`` or red, green, blue ``(height, width, 3)``, C-contiguous.
        full_size: Height and width of the picture before it was reduced by a whole number, rounded up; ``None`` if it
            was not. A reduced picture has very nearly the hash of the full one.
    """
    if min(pixels.shape[:2]) < SMALLEST_SIDE:
        return _no_hash()
    if max(full_size or pixels.shape[:2]) <= _REFERENCE_IS_FAST:
        return _reference_hash(pixels)
    (certain,) = _certain_hashes(_buffers(pixels, full_size, turned=False), _margin(pixels, full_size))
    return certain[0] or _reference_hash(pixels)


def pdq_buffer(pixels: Pixels, full_size: Size | None = None) -> Buffer:
    """The 64x64 grey picture that PDQ transforms, shape (64, 64).

    Exact to about a thousandth of a grey value; :func:`forensics.hashing.pdq_reference.reference_buffer` repeats the
    reference's roundings.

    Args:
        pixels: As for :func:`pdq_hash`, of at least one pixel.
        full_size: As for :func:`pdq_hash`.
    """
    buffer: Buffer = _buffers(pixels, full_size, turned=False)[0]
    return buffer


def pdq_dihedral(
    pixels: Pixels, full_size: Size | None = None, exact: Collection[str] = tuple(TURNS)
) -> dict[str, PdqHash]:
    """Hash a picture in all eight orientations, each exactly as if its pixels had been turned first.

    Args:
        pixels: As for :func:`pdq_hash`.
        full_size: As for :func:`pdq_hash`.
        exact: The orientations that must have the reference's own rounding errors where it is they that decide. The
            others may differ there by two bits and a point of quality, and are spared the slow arithmetic.

    Returns:
        The hash for each name in :data:`forensics.hashing.turns.TURNS`.
    """
    if min(pixels.shape[:2]) < SMALLEST_SIDE:
        return dict.fromkeys(TURNS, _no_hash())
    buffers = _buffers(pixels, full_size, turned=True)
    margin = _margin(pixels, full_size)
    certain = _certain_hashes(buffers, margin)
    if margin != _OWN_MARGIN and not set(TURNS).issubset(exact) and any(each[0] is None for each in certain):
        probable = _certain_hashes(buffers, _OWN_MARGIN)
    else:
        probable = certain
    hashes = {}
    for name, turn in TURNS.items():
        mirrored = 2 * turn.upside_down + turn.left_right
        hashed = (certain if name in exact else probable)[mirrored][turn.transposed]
        hashes[name] = hashed or _reference_hash(_turned(pixels, turn))
    return hashes


def _turned(pixels: Pixels, turn: Turn) -> Pixels:
    turned = pixels[:: -1 if turn.upside_down else 1, :: -1 if turn.left_right else 1]
    return turned.swapaxes(0, 1) if turn.transposed else turned


def _buffers(pixels: Pixels, full_size: Size | None, turned: bool) -> Buffer:
    """The buffers of the picture, shape (1, 64, 64).

    With ``turned``, shape (4, 64, 64): as it is, left to right, upside down, both.
    """
    height, width = pixels.shape[:2]
    full_height, full_width = full_size or (height, width)
    rows = decimate(pixels.reshape(height, -1), full_height, turned)
    if pixels.ndim == 3:
        # grey values are a weighted sum too, and taken here it is one of 64 rows instead of all
        rows = rows.reshape(len(rows), BUFFER_SIDE, width, 3) @ np.array(LUMA, np.float32)
    columns = decimate(np.ascontiguousarray(rows.reshape(-1, width).T), full_width, turned)
    ways = columns.reshape(len(columns), BUFFER_SIDE, len(rows), BUFFER_SIDE)
    buffers: Buffer = ways.transpose(2, 0, 3, 1).reshape(-1, BUFFER_SIDE, BUFFER_SIDE)
    return buffers


def _certain_hashes(buffers: Buffer, margin: _Margin) -> list[tuple[PdqHash | None, PdqHash | None]]:
    """Hash each buffer and its transpose; ``None`` where the margin leaves a bit or the quality open.

    Transposing the buffer transposes its coefficients and leaves the quality as it is.
    """
    qualities = _certain_qualities(buffers, margin.gradient)
    matrix = dct_matrix()
    coefficients: Buffer = np.matmul(matrix @ buffers, matrix.T, dtype=np.float32)
    middle = np.partition(coefficients.reshape(len(buffers), -1), (_HALF_THE_BITS - 1, _HALF_THE_BITS), axis=1)
    gaps = middle[:, _HALF_THE_BITS] - middle[:, _HALF_THE_BITS - 1]
    hashes: list[tuple[PdqHash | None, PdqHash | None]] = []
    for values, median, gap, quality in zip(coefficients, middle[:, _HALF_THE_BITS - 1], gaps, qualities, strict=True):
        if quality is None or gap < margin.coefficient:
            hashes.append((None, None))
        else:
            above = values > median
            hashes.append((PdqHash(_hexadecimal(above), quality), PdqHash(_hexadecimal(above.T), quality)))
    return hashes


def _certain_qualities(buffers: Buffer, margin: float) -> list[int | None]:
    """The quality of each buffer, or ``None`` where gradients within the margin of a whole number leave it open."""
    across, down = (np.abs(np.diff(buffers, axis=axis)).reshape(len(buffers), -1) for axis in (1, 2))
    gradients = np.concatenate([across, down], axis=1) * np.float32(100 / 255)
    least = np.floor(gradients - margin).clip(0).sum(axis=1)
    most = np.floor(gradients + margin).sum(axis=1)
    bounds = [(_scaled(int(low)), _scaled(int(high))) for low, high in zip(least, most, strict=True)]
    return [low if low == high else None for low, high in bounds]


def _reference_hash(pixels: Pixels) -> PdqHash:
    """Hash with the reference's own roundings."""
    buffer = reference_buffer(pixels)
    total = 0
    for axis in (0, 1):
        gradients = np.diff(buffer, axis=axis) * np.float32(100) / np.float32(255)
        total += int(np.abs(gradients.astype(np.int32)).sum())
    return PdqHash(_bits(reference_coefficients(buffer)), _scaled(total))


def _scaled(gradient_sum: int) -> int:
    return min(100, gradient_sum // 90)


def _bits(coefficients: Buffer) -> str:
    """One bit for each coefficient above the median."""
    return _hexadecimal(coefficients > np.partition(coefficients.ravel(), _HALF_THE_BITS - 1)[_HALF_THE_BITS - 1])


def _hexadecimal(bits: npt.NDArray[np.bool_]) -> str:
    """The bits of a hash, the last coefficient first."""
    return np.packbits(bits.ravel()[::-1]).tobytes().hex()


def _margin(pixels: Pixels, full_size: Size | None) -> _Margin:
    if full_size not in {None, pixels.shape[:2]}:
        return _OWN_MARGIN  # reduced pixels are not those of the reference anyway
    return _GREY_MARGIN if pixels.ndim == 2 else _COLOUR_MARGIN


def _no_hash() -> PdqHash:
    return PdqHash("0" * 64, 0)
