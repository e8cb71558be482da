"""What finding known perceptual hashes costs: ``python -m bench matching [--known=N,N...] [--no-faiss]``.

Processor time of one core. First the making of the indexes, each in a process of its own whose peak of memory is told,
and the search of PDQ within 31 bits, in even hashes and in such that go together bit by bit as those of pictures do,
beside the flat scan and, where ``faiss`` can be imported, its exact indexes in the same run. Then what a picture costs
with all of its views, and a film. ``--kinds=even`` or ``pictures`` leaves out the other hashes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from forensics.hashing.pdq import pdq_hash
from forensics.hashing.perceptual import ORIGINAL, FilmHash, FrameHash, PerceptualHash, probe_name
from forensics.hashing.turns import TRIMMED, TURNS
from hashsets.array_file import ArrayFile
from hashsets.digest_index import DigestIndexBuilder
from hashsets.film_search import FilmSearch
from hashsets.hamming import BITS, WORDS, FlatIndex, HammingIndex, Hashes, pack
from hashsets.known_hashes import KnownHashes
from hashsets.perceptual_index import KIND, PerceptualIndex, PerceptualIndexBuilder
from hashsets.picture_search import WIDEST_RADIUS, queries_of, search
from tests.pictures import many

PROBES = [probe_name(view, turn) for view in (ORIGINAL, TRIMMED) for turn in TURNS]
PROBES += ["composited", "thumbnail", "frame-2", "frame-3"]
PICTURES = 4
FILM_FRAMES = 60
KNOWN_FRAMES = 100
"""Of each known film."""
RADIUS = WIDEST_RADIUS["pdq"]
BATCHES = (1, 16, 64)
DRAWN_AT_ONCE = 65536
PICTURE_HASHES = ("pdq", "phash")
MODEL_PICTURES = 600
"""Generated pictures whose PDQ tell how bits go together."""


def even_hashes(random: np.random.Generator) -> Callable[[int], Hashes]:
    """Hashes of which every bit is a coin toss."""
    return lambda count: random.integers(0, 2**64, (count, WORDS), np.uint64)


def picture_hashes(random: np.random.Generator) -> Callable[[int], Hashes]:
    """Hashes of which any two bits are equal as often as in PDQ of generated pictures: signs of normal variates."""
    values = [pdq_hash(pixels).value for pixels in many(MODEL_PICTURES, seed=1, sides=(64, 200))]
    signs = 2.0 * np.unpackbits(pack(values).view(np.uint8), axis=1) - 1
    together = np.sin(np.pi / 2 * (signs.T @ signs) / len(signs))
    sizes, directions = np.linalg.eigh(together)
    mixing = (directions * np.sqrt(np.maximum(sizes, 0))).T.astype(np.float32)

    def draw(count: int) -> Hashes:
        parts = [
            np.packbits(random.standard_normal((min(65536, count - start), BITS), np.float32) @ mixing > 0, axis=1)
            for start in range(0, count, 65536)
        ]
        return np.concatenate(parts).view(np.uint64)

    return draw


DRAWN: dict[str, Callable[[np.random.Generator], Callable[[int], Hashes]]] = {
    "even": even_hashes,
    "pictures": picture_hashes,
}


class Costs:
    """Processor time of some calls among others."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._start = time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.process_time() - self._start


def make_perceptual(path: Path, kind: str, known: int, algorithm: str, of_each: int) -> None:
    """Draw hashes, make their index as an import does, and tell what that took."""
    draw, making = DRAWN[kind](np.random.default_rng(2)), Costs()
    builder = PerceptualIndexBuilder(path.parent, WIDEST_RADIUS[algorithm])
    for start in range(0, known, DRAWN_AT_ONCE):
        hashes = draw(min(DRAWN_AT_ONCE, known - start))
        with making:
            builder.add(hashes, np.arange(start, start + len(hashes), dtype=np.uint64) // of_each + 1)
    with making:
        builder.write(path, "bench")
        builder.close()
    print(json.dumps([making.seconds, status_megabytes("VmHWM")]))


def make_digests(path: Path, known: int) -> None:
    """Draw digests, make their index as an import does, and tell what that took."""
    random, making, builder = np.random.default_rng(3), Costs(), DigestIndexBuilder(path.parent)
    for start in range(0, known, DRAWN_AT_ONCE):
        count = min(DRAWN_AT_ONCE, known - start)
        drawn = [random.bytes(length * count).hex() for length in (16, 20, 32)]
        columns = [
            [text[at : at + len(text) // count] for at in range(0, len(text), len(text) // count)] for text in drawn
        ]
        with making:
            builder.add(range(start + 1, start + count + 1), *columns)
    with making:
        builder.write(path, "bench")
        builder.close()
    print(json.dumps([making.seconds, status_megabytes("VmHWM")]))


def made(path: Path, call: str, *arguments: object) -> str:
    """Make an index in a process of its own, and say what that took."""
    code = f"from pathlib import Path; from bench.matching import {call}; {call}(Path({str(path)!r}), *{arguments!r})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    seconds, peak = json.loads(done.stdout)
    return f"made in {seconds:.1f} s with a peak of {peak:.0f} MB, file {path.stat().st_size / 2**20:,.0f} MB"


def opened(
    kind: str, known: int, folder: Path, algorithm: str = "pdq", of_each: int = 1
) -> tuple[PerceptualIndex, float, str]:
    """Make an index and open it, with the seconds that opening took and what making it took."""
    path = folder / f"{algorithm}-{known}"
    account = made(path, "make_perceptual", kind, known, algorithm, of_each)
    start = time.perf_counter()
    index = PerceptualIndex(ArrayFile(path, KIND, "bench"))
    return index, time.perf_counter() - start, account


def milliseconds(find: Callable[[Hashes], object], queries: Hashes, batch: int, seconds: float = 2.0) -> float:
    """Processor time a query in batches of a size; the median, since other programs take the cache away."""
    find(queries[:batch])
    times: list[float] = []
    begun = time.perf_counter()
    for start in range(0, len(queries) - batch + 1, batch):
        before = time.process_time()
        find(queries[start : start + batch])
        times.append((time.process_time() - before) / batch)
        if time.perf_counter() - begun > seconds and len(times) > 2:
            break
    return 1000 * float(np.median(times))


def status_megabytes(name: str) -> float:
    """Memory of this process: ``RssAnon`` is what it has alone, ``VmHWM`` its peak with what it maps of files."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


def faiss_indexes(hashes: Hashes) -> Iterator[tuple[str, Callable[[Hashes], Any]]]:
    """FAISS' exact indexes, if it is there: the flat one, and the multi-hash of 16 chunks with a flip in each."""
    with suppress(ImportError):
        import faiss  # type: ignore[import-not-found,unused-ignore]

        faiss.omp_set_num_threads(1)
        rows = np.ascontiguousarray(hashes).view(np.uint8)
        multi = faiss.IndexBinaryMultiHash(BITS, 16, 16)
        multi.nflip = 1
        for name, index in (("faiss flat", faiss.IndexBinaryFlat(BITS)), ("faiss multi-hash", multi)):
            before = time.process_time()
            index.add(rows)
            print(f"{'':>10} {name} made in {time.process_time() - before:.0f} s", flush=True)
            yield name, partial(_range_search, index)


def _range_search(index: Any, queries: Hashes) -> object:  # noqa: ANN401  FAISS has no types
    """FAISS leaves out what is as far away as the radius it is given."""
    return index.range_search(queries.view(np.uint8), RADIUS + 1)


def measure_search(kind: str, known: int, folder: Path, with_faiss: bool) -> None:
    """Print a row for each index over so many known hashes."""
    index, opening, account = opened(kind, known, folder)
    hashes, queries = index.hashes, DRAWN[kind](np.random.default_rng(4))(2048)
    own = status_megabytes("RssAnon")
    rows = [("tamiz", lambda some: index.search(some, RADIUS)), ("flat scan", flat_search(hashes))]
    for name, find in chain(rows, faiss_indexes(hashes) if with_faiss else ()):
        times = [milliseconds(find, queries, batch) for batch in BATCHES]
        cells = "".join(f"{each:>14.3f}" for each in times)
        print(f"{known:>10,} {kind:<9}{name:<18}{cells}", flush=True)
        if name == "tamiz":
            more = max(status_megabytes("RssAnon") - own, 0)
            print(
                f"{'':>10} {account}, opened in {1000 * opening:.1f} ms, memory of one's own {more:.0f} MB", flush=True
            )


def flat_search(hashes: Hashes) -> Callable[[Hashes], object]:
    """The oracle."""
    flat: HammingIndex = FlatIndex(hashes)
    return lambda some: flat.search(some, RADIUS)


def picture(draw: Callable[[int], Hashes]) -> list[PerceptualHash]:
    """All hashes of a picture that resembles nothing."""
    values = [row.astype(">u8").tobytes().hex() for row in draw(2 * len(PROBES))]
    return [
        PerceptualHash(algorithm, values.pop(), quality, probe, "decode-v1")
        for algorithm, quality in zip(PICTURE_HASHES, (100, None), strict=True)
        for probe in PROBES
    ]


def measure_contents(known: int, folder: Path) -> None:
    """Print what a picture costs by PDQ alone and by both hashes, and what a film costs."""
    sets = {
        algorithm: KnownHashes([opened("pictures", known, folder, algorithm)[0]], [0]) for algorithm in PICTURE_HASHES
    }
    films = {"vpdq": KnownHashes([opened("pictures", known, folder, "vpdq", KNOWN_FRAMES)[0]], [0])}
    draw = DRAWN["pictures"](np.random.default_rng(4))
    pictures = [picture(draw) for _ in range(PICTURES)]
    times = []
    for algorithms in (("pdq",), ("pdq", "phash")):
        chosen = {algorithm: sets[algorithm] for algorithm in algorithms}
        search(chosen, queries_of(0, picture(draw)))
        before = time.process_time()
        for hashes in pictures:
            search(chosen, queries_of(0, hashes))
        times.append((time.process_time() - before) / PICTURES)
    values = [row.astype(">u8").tobytes().hex() for row in draw(FILM_FRAMES)]
    frames = tuple(FrameHash(1000 * number, value, 100) for number, value in enumerate(values))
    before = time.process_time()
    FilmSearch(FilmHash("vpdq", frames, "film-v1"), films).found()
    times.append(time.process_time() - before)
    print(f"{known:>10,} " + "".join(f"{1000 * each:>20.1f} ms" for each in times), flush=True)


def main() -> None:
    """Print both tables."""
    options = dict(argument.lstrip("-").partition("=")[::2] for argument in sys.argv[1:] if argument.startswith("-"))
    numbers = [int(number) for number in options.get("known", "100000,1000000,10000000").split(",")]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for number in numbers:
        with tempfile.TemporaryDirectory() as folder:
            print(
                f"{number:>10,} entries: index of MD5, SHA-1, SHA-256 {made(Path(folder, 'd'), 'make_digests', number)}"
            )
    print(
        f"{'known PDQ':>10} {'hashes':<9}{'ms a query':<18}" + "".join(f"{f'{each} at once':>14}" for each in BATCHES)
    )
    for number in numbers:
        for kind in options.get("kinds", "even,pictures").split(","):
            with tempfile.TemporaryDirectory() as folder:
                measure_search(kind, number, Path(folder), "no-faiss" not in options)
    print(f"{'known each':>10} {'picture, 20 PDQ':>23}{'20 PDQ and 20 pHash':>23}{f'film, {FILM_FRAMES} frames':>23}")
    for number in numbers:
        if number <= 1_000_000:
            with tempfile.TemporaryDirectory() as folder:
                measure_contents(number, Path(folder))


if __name__ == "__main__":
    main()
