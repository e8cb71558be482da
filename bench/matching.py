"""What matching a picture or film by perceptual hashes costs: ``python -m bench.matching [KNOWN...]``.

Known hashes and queries are random, as many known PDQ as pHash. A picture has the hashes that the hashers give of it:
the original and the view without its border in eight orientations, and four further views. Processor time of one core.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from forensics.hashing.perceptual import ORIGINAL, FilmHash, FrameHash, PerceptualHash, probe_name
from forensics.hashing.turns import TRIMMED, TURNS
from hashsets.film_search import FilmSearch
from hashsets.hamming import WORDS, FlatIndex
from hashsets.known_hashes import EntryKey, KnownHashes
from hashsets.picture_search import queries_of, search

PROBES = [probe_name(view, turn) for view in (ORIGINAL, TRIMMED) for turn in TURNS]
PROBES += ["composited", "thumbnail", "frame-2", "frame-3"]
PICTURES = 4
FILM_FRAMES = 60
KNOWN_FRAMES = 100
"""Of each known film."""


def known_hashes(random: np.random.Generator, count: int, of_each: int) -> KnownHashes:
    """Random hashes, so many of each entry."""
    hashes = random.integers(0, 2**64, (count, WORDS), np.uint64)
    numbers = np.arange(count) // of_each
    starts = np.append(np.arange(0, count, of_each), count)
    return KnownHashes(hashes, FlatIndex(hashes), numbers, starts, [EntryKey(0, n + 1) for n in range(len(starts) - 1)])


def picture(random: np.random.Generator) -> list[PerceptualHash]:
    """All hashes of a picture that resembles nothing."""
    return [
        PerceptualHash(algorithm, random.bytes(32).hex(), quality, probe, "decode-v1")
        for algorithm, quality in (("pdq", 100), ("phash", None))
        for probe in PROBES
    ]


def main() -> None:
    """Print a row for each number of known hashes."""
    random = np.random.default_rng(1)
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()] or [10_000, 100_000, 1_000_000]
    print(f"{'known':>10} {'picture, original only':>24} {'picture, all views':>20} {'film, ' + str(FILM_FRAMES):>12}")
    for number in numbers:
        known = {algorithm: known_hashes(random, number, 1) for algorithm in ("pdq", "phash")}
        pictures = [picture(random) for _ in range(PICTURES)]
        times = []
        for probes in ({ORIGINAL}, set(PROBES)):
            chosen = [[each for each in hashes if each.probe in probes] for hashes in pictures]
            start = time.process_time()
            for hashes in chosen:
                search(known, queries_of(0, hashes))
            times.append((time.process_time() - start) / PICTURES)
        frames = tuple(FrameHash(1000 * n, random.bytes(32).hex(), 100) for n in range(FILM_FRAMES))
        films = {"vpdq": known_hashes(random, number, KNOWN_FRAMES)}
        start = time.process_time()
        FilmSearch(FilmHash("vpdq", frames, "film-v1"), films).found()
        times.append(time.process_time() - start)
        print(f"{number:>10,} " + "".join(f"{1000 * each:>18.1f} ms" for each in times), flush=True)


if __name__ == "__main__":
    main()
