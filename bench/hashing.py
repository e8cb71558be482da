"""What hashing a picture costs, beside the usual way and beside the least that reading it can cost.

Photo-like JPEG files of 2 to 12 megapixels, one core, all ways in the same run, in processor time:

* ours: three digests, every view, PDQ and pHash in eight orientations;
* full decode and ``pdqhash``; full decode and ``imagehash``: what tools built on them do;
* the floor: three digests and libjpeg-turbo's own reduced grey decode, and nothing else.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in a worker; must be set before numpy is loaded

import hashlib
import io
import time
from collections.abc import Callable

import imagehash
import numpy as np
import pdqhash
from PIL import Image

from forensics.hashing.digests import digests_of
from forensics.hashing.pdq import PdqHasher
from forensics.hashing.phash import PhashHasher
from forensics.media.picture import REDUCED_SIDE, decode
from forensics.media.views import views
from tests.photographs import photograph_file

PICTURES = 24
MEGAPIXELS = (2, 12)
DIGESTED_BYTES = 256 * 2**20
PIECE = 2**20


def main() -> None:
    """Print both tables."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    _pictures()
    _digests()


def ours(data: bytes) -> int:
    """Everything that a scan computes for a picture; how many hashes that is."""
    digests_of([data])
    hashers = (PdqHasher(), PhashHasher())
    return sum(1 for view in views(data) for hasher in hashers for _ in hasher.hash(view))


def usual_pdq(data: bytes) -> None:
    pdqhash.compute(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def usual_phash(data: bytes) -> None:
    str(imagehash.phash(Image.open(io.BytesIO(data)), hash_size=16))


def floor(data: bytes) -> None:
    digests_of([data])
    reduced_decode(data)


def reduced_decode(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (REDUCED_SIDE, REDUCED_SIDE))  # type: ignore[no-untyped-call]
        image.load()


def milliseconds(work: Callable[[], object]) -> float:
    """Processor time of some work."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def _pictures() -> None:
    random = np.random.default_rng(1)
    warm = photograph_file(random, 1)
    ways: dict[str, Callable[[bytes], object]] = {
        "ours: digests, views, PDQ and pHash in 8 orientations": ours,
        "full decode, pdqhash": usual_pdq,
        "full decode, imagehash.phash": usual_phash,
        "floor: digests, reduced grey decode": floor,
    }
    steps: dict[str, Callable[[bytes], object]] = {
        "digests": lambda data: digests_of([data]),
        "decode": decode,
        "all views": lambda data: list(views(data)),
    }
    for way in (*ways.values(), *steps.values()):
        way(warm)
    times: dict[str, list[float]] = {name: [] for name in (*ways, *steps, "PDQ", "pHash")}
    for _ in range(PICTURES):
        data = photograph_file(random, random.uniform(*MEGAPIXELS))
        for name, way in (*ways.items(), *steps.items()):
            times[name].append(milliseconds(lambda way=way, data=data: way(data)))  # type: ignore[misc]
        picture = decode(data)
        times["PDQ"].append(milliseconds(lambda picture=picture: list(PdqHasher().hash(picture))))  # type: ignore[misc]
        times["pHash"].append(milliseconds(lambda picture=picture: list(PhashHasher().hash(picture))))  # type: ignore[misc]
    print("| one picture | ms, mean | ms, median |\n|---|---|---|")
    for name, values in times.items():
        print(f"| {name} | {np.mean(values):.1f} | {np.median(values):.1f} |")
    all_ours, pdq, phash, least = (float(np.sum(times[name])) for name in ways)
    print(f"ours takes 1/{pdq / all_ours:.1f} of full decode and pdqhash (aim: 1/15 or less),")
    print(f"1/{phash / all_ours:.1f} of full decode and imagehash, {all_ours / least:.2f} times the floor (aim: 1.5)\n")


def _digests() -> None:
    content = np.random.default_rng(1).bytes(PIECE)
    pieces = [content] * (DIGESTED_BYTES // PIECE)
    print("| digest | MB/s |\n|---|---|")
    single = {}
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, usedforsecurity=False)
        single[name] = milliseconds(lambda digest=digest: [digest.update(piece) for piece in pieces])  # type: ignore[misc]
        print(f"| OpenSSL {name} | {DIGESTED_BYTES / single[name] / 1000:.0f} |")
    print(f"| the three, one after the other | {DIGESTED_BYTES / sum(single.values()) / 1000:.0f} |")
    together = milliseconds(lambda: digests_of(pieces))
    print(f"| ours, three in one pass | {DIGESTED_BYTES / together / 1000:.0f} |")


if __name__ == "__main__":
    main()
