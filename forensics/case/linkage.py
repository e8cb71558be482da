"""What cases have in common: equal contents, and pictures that look alike. The cases are only read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import combinations, groupby
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from forensics.case.store import CaseStore
from forensics.errors import CaseError
from forensics.hashing.perceptual import FAITHFUL_PROBES
from hashsets.hamming import Hashes, pack
from hashsets.known_hashes import LEAST_QUALITY
from hashsets.multi_index import index_of
from hashsets.picture_search import RADIUS
from hashsets.uninformative import is_uninformative

SAME, NEAR = "same", "near"
"""Equal by SHA-256; PDQ within 31 bits."""

MOST_STREAMS = 50
"""How many streams are told of one content in one case."""

_ALGORITHM = "pdq"
_QUERIES_AT_ONCE = 4096

_CHOSEN = (
    "size > 0 AND sha256 NOT IN (SELECT content FROM hits JOIN sets_used ON uuid = set_uuid "
    "WHERE disposition = 'benign') AND (:everything OR perceptual = 'hashed' OR media_type GLOB 'image/*' "
    "OR media_type GLOB 'video/*' OR sha256 IN (SELECT content FROM hits))"
)
"""Contents that are compared: no empty ones, none that a benign set of the case knows."""


@dataclass(frozen=True, slots=True)
class LinkedStream:
    """A stream that holds a linked content: where it is, and its times as the file system states them."""

    exhibit: str
    exhibit_uuid: str
    locator: str
    allocation: str
    modified: str | None
    accessed: str | None
    changed: str | None
    created: str | None


@dataclass(frozen=True, slots=True)
class LinkedContent:
    """A content in one of the cases.

    Attributes:
        case: Number of the case in the order given, from 0.
        sha256: The content.
        size: Bytes.
        media_type: As its first bytes say.
        notable: Whether it matches an entry of a notable set in that case.
        stream_count: How many streams hold it there.
        streams: At most :data:`MOST_STREAMS` of them.
    """

    case: int
    sha256: str
    size: int
    media_type: str
    notable: bool
    stream_count: int
    streams: tuple[LinkedStream, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """Something that cases have in common.

    Attributes:
        kind: :data:`SAME` or :data:`NEAR`.
        distance: Bits; 0 of equal contents.
        contents: The content in each case that has it; of two that look alike, one of either case.
    """

    kind: str
    distance: int
    contents: tuple[LinkedContent, ...]


def find_links(cases: Sequence[CaseStore], *, everything: bool = False) -> Iterator[Link]:
    """Find what cases have in common: first what is equal, then what looks alike.

    Args:
        cases: At least two.
        everything: Compare all contents by SHA-256, not only pictures, films and what was hit.

    Raises:
        CaseError: One case is given twice.
    """
    identities = [case.connection.execute("SELECT uuid FROM case_info").fetchone()[0] for case in cases]
    for first, second in combinations(range(len(cases)), 2):
        if identities[first] == identities[second]:
            raise CaseError("is the same case as another that is given", str(cases[second].path), "leave one out")
    yield from _equal(cases, everything=everything)
    for first, second in combinations(range(len(cases)), 2):
        yield from _alike(cases, first, second)


def _equal(cases: Sequence[CaseStore], *, everything: bool) -> Iterator[Link]:
    """Each case gives its contents in order: memory does not grow with them."""
    query = f"SELECT sha256, :number FROM contents WHERE {_CHOSEN} ORDER BY sha256"  # noqa: S608
    cursors = [
        case.connection.execute(query, {"everything": everything, "number": number})
        for number, case in enumerate(cases)
    ]
    for sha256, rows in groupby(merge(*cursors), key=itemgetter(0)):
        holders = [number for _, number in rows]
        if len(holders) > 1:
            yield Link(SAME, 0, tuple(_content(cases[number], number, sha256) for number in holders))


def _alike(cases: Sequence[CaseStore], first: int, second: int) -> Iterator[Link]:
    known, known_hashes = _hashes(cases[first])
    asked, asked_hashes = _hashes(cases[second])
    index = index_of(known_hashes, RADIUS[_ALGORITHM])
    for start in range(0, len(asked), _QUERIES_AT_ONCE):
        rows, found, distances = index.search(asked_hashes[start : start + _QUERIES_AT_ONCE], RADIUS[_ALGORITHM])
        for (one, other), distance in _nearest(
            [(known[place], asked[start + row]) for row, place in zip(rows.tolist(), found.tolist(), strict=True)],
            distances,
        ):
            yield Link(NEAR, distance, (_content(cases[first], first, one), _content(cases[second], second, other)))


def _nearest(pairs: list[tuple[str, str]], distances: npt.NDArray[np.int64]) -> Iterator[tuple[tuple[str, str], int]]:
    """Pairs of different contents, each once, with their least distance; the nearest first."""
    least: dict[tuple[str, str], int] = {}
    for pair, distance in zip(pairs, distances.tolist(), strict=True):
        if pair[0] != pair[1]:
            least[pair] = min(distance, least.get(pair, distance))
    yield from sorted(least.items(), key=lambda item: (item[1], item[0]))


def _hashes(case: CaseStore) -> tuple[list[str], Hashes]:
    """PDQ of the pictures of a case, as stored and as viewers show them, and the content of each."""
    rows = [
        (content, value)
        for content, value in case.connection.execute(
            f"SELECT DISTINCT content, value FROM perceptual_hashes JOIN contents ON sha256 = content "  # noqa: S608
            f"WHERE algorithm = :algorithm AND quality >= :quality AND probe IN (SELECT value FROM json_each(:probes)) "
            f"AND {_CHOSEN} ORDER BY content, value",
            {
                "algorithm": _ALGORITHM,
                "quality": LEAST_QUALITY,
                "probes": json.dumps(sorted(FAITHFUL_PROBES)),
                "everything": True,
            },
        )
        if not is_uninformative(value)
    ]
    return [content for content, _ in rows], pack(value for _, value in rows)


def _content(case: CaseStore, number: int, sha256: str) -> LinkedContent:
    execute = case.connection.execute
    size, media_type, notable, count = execute(
        "SELECT size, media_type, EXISTS (SELECT 1 FROM hits JOIN sets_used ON uuid = set_uuid "
        "WHERE content = sha256 AND disposition = 'notable'), "
        "(SELECT count(*) FROM streams WHERE content = sha256) FROM contents WHERE sha256 = ?",
        (sha256,),
    ).fetchone()
    streams = execute(
        "SELECT exhibits.label, exhibits.uuid, locator, allocation, modified, accessed, changed, streams.created "
        "FROM streams JOIN sources ON sources.id = source_id JOIN exhibits ON exhibits.id = exhibit_id "
        "WHERE content = ? ORDER BY exhibits.label, locator, streams.path LIMIT ?",
        (sha256, MOST_STREAMS),
    )
    return LinkedContent(
        number, sha256, size, media_type, bool(notable), count, tuple(LinkedStream(*row) for row in streams)
    )
