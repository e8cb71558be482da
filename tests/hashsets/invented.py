"""Invented hashes and entries: random bits that belong to nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import strategies as st

from forensics.hashing.digests import Digests
from forensics.hashing.perceptual import ORIGINAL, PerceptualHash
from hashsets.format import KnownEntry, KnownPerceptualHash


def seeded(seed: int) -> random.Random:
    """Chance that repeats itself."""
    return random.Random(seed)  # noqa: S311  nothing secret is made of it


def hexadecimal(chance: random.Random, digits: int) -> str:
    """A random hash."""
    return f"{chance.getrandbits(4 * digits):0{digits}x}"


def digests(chance: random.Random) -> Digests:
    """Digests of a content that does not exist."""
    return Digests(
        hexadecimal(chance, 32), hexadecimal(chance, 40), hexadecimal(chance, 64), chance.randint(1, 10_000_000)
    )


def picture_hash(
    value: str, quality: int | None = 100, probe: str = ORIGINAL, algorithm: str = "pdq"
) -> PerceptualHash:
    """A perceptual hash of a picture that does not exist."""
    return PerceptualHash(algorithm, value, quality, probe, "decode-v1")


def flipped(value: str, bits: Sequence[int]) -> str:
    """A 256-bit hash with some bits turned over."""
    number = int(value, 16)
    for bit in bits:
        number ^= 1 << bit
    return f"{number:064x}"


def distance(one: str, other: str) -> int:
    """Hamming distance, the slow and obvious way."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def hashes(digits: int) -> st.SearchStrategy[str]:
    """Any lower-case hash of so many digits."""
    return st.integers(0, 16**digits - 1).map(lambda number: f"{number:0{digits}x}")


def texts() -> st.SearchStrategy[str]:
    """Texts as they stand in a list: one line, no surrounding space, never empty."""
    alphabet = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))
    return st.text(alphabet, max_size=40).map(str.strip).filter(lambda text: bool(text) and len(text.splitlines()) == 1)


def entries(
    perceptual: Sequence[str] = ("pdq", "phash"), *, has_texts: bool = True, has_quality: bool = True
) -> st.SearchStrategy[KnownEntry]:
    """Any valid entry, at position 1."""
    optional_text = st.none() | texts() if has_texts else st.none()

    def build(
        values: tuple[str | None, str | None, str | None],
        size: int | None,
        known: list[KnownPerceptualHash],
        category: str | None,
        reference: str | None,
    ) -> KnownEntry:
        return KnownEntry(1, *values, size, tuple(known), category, reference)

    known = st.tuples(
        *(
            st.none()
            | st.builds(
                KnownPerceptualHash,
                st.just(algorithm),
                hashes(64),
                st.none() | st.integers(0, 100) if has_quality and algorithm == "pdq" else st.none(),
            )
            for algorithm in perceptual
        )
    ).map(lambda found: [each for each in found if each is not None])
    return st.builds(
        build,
        st.tuples(st.none() | hashes(32), st.none() | hashes(40), st.none() | hashes(64)),
        st.none() | st.integers(0, 2**63 - 1),
        known,
        optional_text,
        optional_text,
    ).filter(lambda entry: bool(entry.md5 or entry.sha1 or entry.sha256 or entry.perceptual))
