"""How far the fast decode path moves a hash, and what it saves: ``python -m bench.perceptual [COUNT] [SEED]``.

Each picture is a generated JPEG of 2 to 12 megapixels: coloured noise with the spectrum of photographs, rectangles for
hard edges, some grain, any usual quality and chroma subsampling, some of them progressive. What everyone else does
(decode in full, ``pdqhash`` and ``imagehash``) is compared with ``decode`` and our hashers, in processor time of one
core.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in a worker; must be set before numpy is loaded

import io
import sys
import time
from collections.abc import Callable
from typing import Any

import imagehash
import numpy as np
import pdqhash
from PIL import Image

from forensics.hashing.pdq import pdq_hash
from forensics.hashing.phash import phash
from forensics.media.picture import decode
from tests.pictures import dyed, encoded, plasma


def photo_file(random: np.random.Generator) -> bytes:
    """A JPEG file that resembles a photograph to a hash."""
    area = random.uniform(2, 12) * 1e6
    ratio = random.choice([4 / 3, 3 / 2, 16 / 9, 3 / 4, 2 / 3, 1.0])
    width = int((area * ratio) ** 0.5)
    height = int(area / width)
    exponent = random.uniform(0.9, 1.5)
    light, red, blue = (plasma(height, width, int(seed), exponent) for seed in random.integers(0, 2**31, 3))
    pixels = dyed([light // 2 + red // 2, light, light // 2 + blue // 2]).astype(np.float32)
    for _ in range(random.integers(0, 8)):
        top, left = random.integers(0, height), random.integers(0, width)
        bottom, right = top + random.integers(20, height // 2), left + random.integers(20, width // 2)
        pixels[top:bottom, left:right] = pixels[top:bottom, left:right] * 0.4 + random.uniform(0, 150, 3)
    pixels += random.standard_normal((height, width, 1), np.float32) * random.uniform(0, 6)
    return encoded(
        pixels.clip(0, 255).astype(np.uint8),
        "JPEG",
        quality=int(random.integers(60, 96)),
        subsampling=int(random.integers(0, 3)),
        progressive=bool(random.random() < 0.15),
    )


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of some work and the processor time it took, in milliseconds."""
    start = time.process_time()
    result = work()
    return result, (time.process_time() - start) * 1000


def apart(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def main(count: int = 120, seed: int = 1) -> None:
    random = np.random.default_rng(seed)
    drift, times = [], []
    for _ in range(count):
        data = photo_file(random)
        full, full_decode = timed(lambda data=data: np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
        (bits, quality), full_pdq = timed(lambda full=full: pdqhash.compute(full))
        full_phash, full_phash_time = timed(lambda full=full: imagehash.phash(Image.fromarray(full), 16))
        picture, fast_decode = timed(lambda data=data: decode(data))
        size = (picture.height, picture.width)
        hashed, fast_pdq = timed(lambda picture=picture, size=size: pdq_hash(picture.pixels, size))
        fast_phash, fast_phash_time = timed(lambda picture=picture: phash(picture.pixels))
        if quality >= 50:
            drift.append((apart(hashed.value, np.packbits(bits).tobytes().hex()), apart(fast_phash, str(full_phash))))
        times.append((full_decode, full_pdq, full_phash_time, fast_decode, fast_pdq, fast_phash_time))
    for name, values in zip(("PDQ", "pHash"), np.array(drift).T, strict=True):
        shares = {int(bit): int((values == bit).sum()) for bit in np.unique(values)}
        print(f"{name}: {len(values)} pictures of quality >= 50, bits moved: {shares}; mean {values.mean():.2f}")
    for path, columns in (("in full", slice(0, 3)), ("tamiz", slice(3, 6))):
        medians = np.median(np.array(times)[:, columns], axis=0)
        total = np.array(times)[:, columns].sum(axis=1).mean()
        print(
            f"{path}: median ms decode {medians[0]:.1f}, PDQ {medians[1]:.1f}, pHash {medians[2]:.1f}; mean {total:.0f}"
        )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
