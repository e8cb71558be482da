"""What a perceptual hash survives, and how often it errs: ``python -m bench robustness``.

Known are photo-like pictures, by the hashes that other tools give them (full decode, ``pdqhash``, ``imagehash``).
Each is changed in many ways, written to a file, and examined as a scan does. Then unrelated pictures are compared,
every pair of them, at every radius that could be chosen.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in a worker; must be set before numpy is loaded

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from bench.perceptual import apart, reference, reference_phash
from forensics.hashing.pdq import pdq_dihedral
from forensics.hashing.perceptual import FAITHFUL_PROBES, ORIGINAL
from forensics.hashing.phash import phash_dihedral
from forensics.hashing.turns import TURNS
from forensics.media.views import views
from plugins.loader import picture_hashers
from tests.photographs import photograph, photograph_of
from tests.pictures import encoded

PICTURES = 250
MEGAPIXELS = (0.4, 2.5)
UNRELATED = 14_200
"""Pictures of which each is compared with each: 100,813,000 pairs."""

UNRELATED_SIDE = 256
NEAR = 31
_TAIL = (31, 51, 56, 61, 66, 71, 76, 81, 86, 91)
_LEAST_QUALITY = 50
_BLOCK = 1024

Change = Callable[[Image.Image], bytes]
Distances = dict[tuple[str, str], int]
"""Bits between a known picture and each probe of a changed one: by algorithm and probe."""


def main() -> None:
    """Print what is found, then what is found wrongly."""
    _found()
    _found_wrongly()


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    return encoded(image, "JPEG", quality=quality)


def resized(share: float) -> Change:
    return lambda image: jpeg(image.resize((int(image.width * share), int(image.height * share))))


def cropped(image: Image.Image, share: float) -> Image.Image:
    across, down = round(image.width * share), round(image.height * share)
    return image.crop((across, down, image.width - across, image.height - down))


def bordered(share: float, colour: str) -> Change:
    return lambda image: jpeg(ImageOps.expand(image, round(min(image.size) * share), colour))


def letterboxed(image: Image.Image) -> bytes:
    bar = round(image.height * 0.125)
    return jpeg(ImageOps.expand(image, (0, bar, 0, bar), "black"))


def watermarked(image: Image.Image) -> bytes:
    marked = image.copy()
    place = (marked.width * 0.1, marked.height * 0.85)
    ImageDraw.Draw(marked).text(place, "harmless watermark", fill="white", font_size=marked.height // 16)
    return jpeg(marked)


def transposed(turn: Image.Transpose, crop: float = 0) -> Change:
    return lambda image: jpeg(cropped(image.transpose(turn), crop))


CHANGES: dict[str, Change] = {
    "resize to 50 %": resized(0.5),
    "resize to 25 %": resized(0.25),
    "JPEG quality 75": lambda image: jpeg(image, 75),
    "JPEG quality 30": lambda image: jpeg(image, 30),
    "JPEG quality 10": lambda image: jpeg(image, 10),
    "WebP": lambda image: encoded(image, "WEBP", quality=60, method=0),
    "grey": lambda image: jpeg(image.convert("L")),
    "brightness x 1.4": lambda image: jpeg(ImageEnhance.Brightness(image).enhance(1.4)),
    "watermark": watermarked,
    "border 2 %": bordered(0.02, "black"),
    "border 5 %": bordered(0.05, "white"),
    "letterbox": letterboxed,
    "crop 1 % a side": lambda image: jpeg(cropped(image, 0.01)),
    "crop 2.5 % a side": lambda image: jpeg(cropped(image, 0.025)),
    "rotate by 90": transposed(Image.Transpose.ROTATE_90),
    "rotate by 180": transposed(Image.Transpose.ROTATE_180),
    "rotate by 270": transposed(Image.Transpose.ROTATE_270),
    "mirror": transposed(Image.Transpose.FLIP_LEFT_RIGHT),
    "rotate by 90, crop 1 %": transposed(Image.Transpose.ROTATE_90, 0.01),
    "rotate by 90, crop 2.5 %": transposed(Image.Transpose.ROTATE_90, 0.025),
}


Rule = Callable[[str, str, int], bool]
"""Whether a probe finds the known picture: algorithm, probe, bits apart."""


def faithful_within(radius: int, *algorithms: str) -> Rule:
    return lambda algorithm, probe, bits: algorithm in algorithms and probe in FAITHFUL_PROBES and bits <= radius


def any_within(radius: int, *algorithms: str) -> Rule:
    return lambda algorithm, _, bits: algorithm in algorithms and bits <= radius


RULES: dict[str, Rule] = {
    "PDQ alone, as it is, 31": lambda algorithm, probe, bits: (algorithm, probe) == ("pdq", ORIGINAL) and bits <= NEAR,
    "near: faithful, 31": faithful_within(NEAR, "pdq", "phash"),
    "any PDQ 31": any_within(31, "pdq"),
    "any 31": any_within(31, "pdq", "phash"),
    "faithful pHash 51": faithful_within(51, "phash"),
    "near or similar": lambda *probe: any_within(31, "pdq")(*probe) or any_within(56, "phash")(*probe),
    "any 46": any_within(46, "pdq", "phash"),
    "any 51": any_within(51, "pdq", "phash"),
    "any 56": any_within(56, "pdq", "phash"),
    "any 61": any_within(61, "pdq", "phash"),
}


def _found() -> None:
    random = np.random.default_rng(4)
    found: dict[str, list[Distances]] = {name: [] for name in CHANGES}
    for _ in range(PICTURES):
        image = photograph_of(random, random.uniform(*MEGAPIXELS))
        pixels = np.asarray(image)
        known = {"pdq": reference(pixels).value, "phash": reference_phash(pixels)}
        for name, change in CHANGES.items():
            found[name].append(_distances(change(image), known))
    print(f"{PICTURES} pictures of {MEGAPIXELS[0]} to {MEGAPIXELS[1]} megapixels; share found within each radius, in %")
    print("| change | " + " | ".join(RULES) + " |\n|---" + "|---" * len(RULES) + "|")
    for name, each in found.items():
        shares = [
            sum(any(rule(*key, bits) for key, bits in distances.items()) for distances in each) / len(each)
            for rule in RULES.values()
        ]
        print(f"| {name} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |", flush=True)


def _distances(data: bytes, known: dict[str, str]) -> Distances:
    """Examine a file and compare each of its hashes that is good enough with the known ones."""
    return {
        (each.algorithm, each.probe): apart(each.value, known[each.algorithm])
        for view in views(data)
        for hasher in picture_hashers()
        for each in hasher.hash(view)
        if each.quality is None or each.quality >= _LEAST_QUALITY
    }


def _found_wrongly() -> None:
    hashes = _unrelated_hashes()
    pairs = UNRELATED * (UNRELATED - 1) // 2
    print(f"\n{UNRELATED} unrelated pictures, {pairs:,} pairs; pairs within each radius")
    print(
        "| hash | orientations | nearest | "
        + " | ".join(map(str, _TAIL))
        + " |\n|---|---|---"
        + "|---" * len(_TAIL)
        + "|"
    )
    for algorithm, turned in hashes.items():
        original = turned[0]
        counts = np.zeros((2, 257), np.int64)
        for turn, ways in enumerate(turned):
            for bits in _pair_distances(ways, original):
                counts[min(turn, 1)] += np.bincount(bits, minlength=257)
        for name, histogram in (("as it is", counts[0]), ("7 turns", counts[1])):
            within = np.cumsum(histogram)
            nearest = np.flatnonzero(histogram)[0]
            print(
                f"| {algorithm} | {name} | {nearest} | " + " | ".join(f"{within[bit]:,}" for bit in _TAIL) + " |",
                flush=True,
            )


def _unrelated_hashes() -> dict[str, npt.NDArray[np.float32]]:
    """The hashes of all pictures in each orientation as rows of 1 and -1, shape (8, pictures, 256)."""
    random = np.random.default_rng(6)
    values: dict[str, list[str]] = {"pdq": [], "phash": []}
    for _ in range(UNRELATED):
        pixels = np.asarray(photograph(random, UNRELATED_SIDE, UNRELATED_SIDE).convert("L"))
        values["pdq"] += [hashed.value for hashed in pdq_dihedral(pixels).values()]
        values["phash"] += phash_dihedral(pixels).values()
    signs = {}
    for algorithm, texts in values.items():
        octets = np.frombuffer(bytes.fromhex("".join(texts)), np.uint8).reshape(UNRELATED, len(TURNS), 32)
        bits = np.unpackbits(octets, axis=2).astype(np.float32)
        signs[algorithm] = np.ascontiguousarray((2 * bits - 1).transpose(1, 0, 2))
    return signs


def _pair_distances(queries: npt.NDArray[np.float32], known: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.intp]]:
    """Distances of at most 100 bits between each query and each later known picture."""
    for start in range(0, len(queries), _BLOCK):
        alike = queries[start : start + _BLOCK] @ known[start:].T
        near = alike >= 256 - 2 * 100
        near &= np.arange(near.shape[1]) > np.arange(len(near))[:, None]
        yield ((256 - alike[near]) / 2).astype(np.intp)


if __name__ == "__main__":
    main()
