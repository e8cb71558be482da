"""Which entries a picture is near, and how strong that is: the radii, and what a view of a picture is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from forensics.hashing.perceptual import FAITHFUL_PROBES, ORIGINAL, PerceptualHash
from hashsets.hamming import pack
from hashsets.known_hashes import LEAST_QUALITY, EntryKey, KnownHashes
from hashsets.match import EntryReference, Match, Tier

RADIUS: Mapping[str, int] = {"pdq": 31, "phash": 31, "vpdq": 31}
"""The strict radius of each algorithm that is searched, in bits, inclusive. PDQ's is that of its authors."""

WIDER_RADIUS: Mapping[str, int] = {"pdq": 31, "phash": 56}
"""How far any view of a picture may be from an entry to be a lead, in bits, inclusive.

Cropped pictures are pHash's alone: at 51 bits it finds 90 % of those cropped by 2.5 % a side, at 56 bits 97 %; of 800
million pairs of unrelated pictures none was within 71 (docs/perceptual.md)."""

WIDEST_RADIUS: Mapping[str, int] = {**RADIUS, **WIDER_RADIUS}
"""The widest radius within which known hashes of each algorithm are searched: what their indexes are made for."""

_SEARCHED_IN: Mapping[str, tuple[str, ...]] = {"pdq": ("pdq", "vpdq"), "phash": ("phash",)}
"""A frame of a film has a PDQ: the hash of a picture is searched among the frames of known films too."""

_HEX_DIGITS = 64


class Query(NamedTuple):
    """One hash to be searched: which content it is of, which view of it, and within what radius."""

    content: int
    algorithm: str
    probe: str
    value: str
    radius: int


class Found(NamedTuple):
    """One hash of a content near an entry. Compares by strength, the strongest first."""

    is_similar: bool
    distance: int
    basis: str
    is_altered: bool
    probe: str


def queries_of(content: int, hashes: Iterable[PerceptualHash]) -> list[Query]:
    """Turn the hashes of a picture into queries.

    A hash is compared when its picture's PDQ quality is at least :data:`~hashsets.known_hashes.LEAST_QUALITY`; a pHash,
    having none of its own, goes by the PDQ of the same probe, else by that of the original.

    Args:
        content: Number of the picture.
        hashes: All of its hashes.
    """
    hashes = tuple(hashes)
    qualities = {each.probe: each.quality for each in hashes if each.algorithm == "pdq"}
    queries = []
    for each in hashes:
        quality = each.quality
        if each.algorithm == "phash":
            quality = qualities.get(each.probe, qualities.get(ORIGINAL))
        says_enough = quality is not None and quality >= LEAST_QUALITY
        if says_enough and each.algorithm in _SEARCHED_IN and len(each.value) == _HEX_DIGITS:
            queries.append(Query(content, each.algorithm, each.probe, each.value, WIDER_RADIUS[each.algorithm]))
    return queries


def query_of_hash(content: int, value: str) -> list[Query]:
    """Ask for a hash given by hand, which may be a PDQ or a pHash; within the strict radius."""
    if len(value) != _HEX_DIGITS:
        return []
    return [Query(content, algorithm, ORIGINAL, value, RADIUS[algorithm]) for algorithm in _SEARCHED_IN]


def search(
    known_hashes: Mapping[str, KnownHashes], queries: Sequence[Query]
) -> dict[tuple[int, EntryKey], list[Found]]:
    """Search all queries at once; equal hashes are searched once.

    Args:
        known_hashes: By algorithm; those of which there are none are left out.
        queries: For any number of contents.

    Returns:
        What was found, by content and entry.
    """
    found: dict[tuple[int, EntryKey], list[Found]] = {}
    asked: dict[tuple[str, int], dict[str, list[Query]]] = {}
    for query in queries:
        for basis in _SEARCHED_IN[query.algorithm]:
            if basis in known_hashes:
                radius = query.radius if basis == query.algorithm else RADIUS[basis]
                asked.setdefault((basis, radius), {}).setdefault(query.value, []).append(query)
    for (basis, radius), by_value in asked.items():
        known, same_value = known_hashes[basis], list(by_value.values())
        for row, entry, distance in known.near_entries(pack(by_value), radius):
            for query in same_value[row]:
                key = (query.content, known.key(entry))
                found.setdefault(key, []).append(_found(query, basis, distance))
    return found


def picture_match(entry: EntryReference, found: Sequence[Found]) -> Match:
    """Keep the strongest finding, and name the algorithms that confirm it in its tier."""
    best = min(found)
    agreeing = {each.basis for each in found if each.is_similar == best.is_similar}
    return Match(
        entry,
        best.basis,
        best.distance,
        Tier.SIMILAR if best.is_similar else Tier.NEAR,
        best.probe,
        tuple(algorithm for algorithm in RADIUS if algorithm in agreeing),
    )


def _found(query: Query, basis: str, distance: int) -> Found:
    """Say what a finding is worth: a picture that is like a frame of a film is a lead, however close."""
    is_near = basis == query.algorithm and query.probe in FAITHFUL_PROBES and distance <= RADIUS[basis]
    return Found(not is_near, distance, basis, query.probe != ORIGINAL, query.probe)
