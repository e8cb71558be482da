"""How exact the perceptual hashes are: given the same pixels, and given a JPEG that is decoded small.

Exactness: generated pictures of every kind and of 1x1 to 4000x3000 pixels, each in eight orientations, against
``pdqhash`` and ``imagehash`` on the really turned pixels. Drift: photo-like JPEG files of up to 20 megapixels, decoded
as a scan decodes them, against a full decode to red, green and blue.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in a worker; must be set before numpy is loaded

import io
from collections import Counter
from collections.abc import Iterator

import imagehash
import numpy as np
import pdqhash
from PIL import Image

from forensics.hashing.pdq import PdqHash, pdq_dihedral, pdq_hash
from forensics.hashing.phash import phash, phash_dihedral
from forensics.media import picture
from tests import pictures
from tests.hashing.turned import turned
from tests.photographs import photograph_file
from tests.pictures import Pixels

EXACT_PICTURES = 500
DRIFT_PICTURES = 220
MEGAPIXELS = (0.3, 20)
SIDES = (1024, 512, 384, 256)
"""Smallest sides of a reduced JPEG that are compared; the product's own is ``REDUCED_SIDE``."""

_EXTREMES = ((1, 1), (1, 4000), (4000, 1), (4, 4000), (5, 4000), (4000, 5), (6, 3999), (17, 2500), (3000, 4000))
_TURNED_PIXELS = 2_000_000
_LEAST_QUALITY = 50


def main() -> None:
    """Print what is exact, then how far the fast path moves hashes."""
    _exactness()
    _drift()


def _exactness() -> None:
    compared, orientations, pdq_wrong = 0, 0, 0
    phash_moved: Counter[int] = Counter()
    for pixels in _every_kind():
        compared += 1
        pdq_wrong += pdq_hash(pixels) != reference(pixels)
        phash_moved[apart(phash(pixels), reference_phash(pixels))] += 1
        if pixels.size <= _TURNED_PIXELS:
            hashes = pdq_dihedral(pixels)
            orientations += len(hashes)
            pdq_wrong += sum(hashed != reference(turned(pixels, turn)) for turn, hashed in hashes.items())
    print(f"same pixels: {compared} pictures, and {orientations} orientations of them")
    print(f"PDQ: {pdq_wrong} of {compared + orientations} differ from pdqhash in hash or quality")
    print(f"pHash: bits from imagehash: {dict(phash_moved)}")
    moved: Counter[int] = Counter()
    for seed in range(100):
        pixels = pictures.photo(301, 400, seed)
        moved.update(
            apart(hashed, reference_phash(turned(pixels, turn))) for turn, hashed in phash_dihedral(pixels).items()
        )
    print(f"pHash, turned: bits from imagehash on the turned picture, 100 pictures: {dict(sorted(moved.items()))}\n")


def _every_kind() -> Iterator[Pixels]:
    yield from pictures.many(EXACT_PICTURES - 2 * len(_EXTREMES), seed=3, sides=(1, 1200))
    for seed, (height, width) in enumerate(_EXTREMES):
        yield pictures.noise(height, width, seed)
        yield pictures.dyed([pictures.gradient(height, width, *speeds) for speeds in ((0.1, 0.2), (0.03, 0.7), (2, 0))])


def _drift() -> None:
    random = np.random.default_rng(2)
    moved: dict[tuple[int, str], list[int]] = {(side, name): [] for side in SIDES for name in ("PDQ", "pHash")}
    weak = 0
    for _ in range(DRIFT_PICTURES):
        data = photograph_file(random, random.uniform(*MEGAPIXELS))
        full = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        expected, expected_phash = reference(full), reference_phash(full)
        if expected.quality < _LEAST_QUALITY:
            weak += 1
            continue
        for side in SIDES:
            small = reduced(data, side)
            hashed = pdq_hash(small, full.shape[:2])
            moved[side, "PDQ"].append(apart(hashed.value, expected.value))
            moved[side, "pHash"].append(apart(phash(small), expected_phash))
    print(
        f"{DRIFT_PICTURES - weak} JPEG files of {MEGAPIXELS[0]} to {MEGAPIXELS[1]} megapixels, {weak} of quality < 50"
    )
    print(f"bits moved by decoding to a smallest side (the product's is {picture.REDUCED_SIDE}):")
    print("| side | hash | mean | at most 4 | at most 10 | bits: pictures |\n|---|---|---|---|---|---|")
    for (side, name), bits in moved.items():
        few, some = (sum(bit <= limit for bit in bits) / len(bits) for limit in (4, 10))
        shares = ", ".join(f"{bit}: {count}" for bit, count in sorted(Counter(bits).items()))
        print(f"| {side} | {name} | {np.mean(bits):.2f} | {few:.1%} | {some:.1%} | {shares} |")


def reduced(data: bytes, side: int) -> Pixels:
    """The pixels as ``decode`` gives them, for another smallest side."""
    product, picture.REDUCED_SIDE = picture.REDUCED_SIDE, side
    try:
        return picture.decode(data).pixels
    finally:
        picture.REDUCED_SIDE = product


def reference(pixels: Pixels) -> PdqHash:
    """Hash and quality by ``pdqhash``."""
    coloured = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    bits, quality = pdqhash.compute(np.ascontiguousarray(coloured))
    return PdqHash(np.packbits(bits).tobytes().hex(), quality)


def reference_phash(pixels: Pixels) -> str:
    """Hash by ``imagehash``."""
    return str(imagehash.phash(Image.fromarray(pixels), hash_size=16))


def apart(one: str, other: str) -> int:
    """Bits in which two hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


if __name__ == "__main__":
    main()
