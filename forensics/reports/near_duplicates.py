"""Contents that no list knows and that look nearly like one that a list does, by the hashes a case has stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from forensics.case.content_walk import Query, Scope, condition
from forensics.case.listing import FIRM_TIERS
from forensics.hashing.perceptual import FAITHFUL_PROBES
from hashsets.hamming import pack
from hashsets.known_hashes import LEAST_QUALITY
from hashsets.multi_index import index_of
from hashsets.picture_search import RADIUS
from hashsets.uninformative import is_uninformative

_QUERIES_AT_ONCE = 8192
_DIGITS = 64


class NearDuplicate(NamedTuple):
    """What a content is near.

    Attributes:
        distance: Bits, of the nearest pair of hashes.
        hit: SHA-256 of the content that was hit.
    """

    distance: int
    hit: str


def near_duplicates(query: Query) -> dict[str, NearDuplicate]:
    """Find the pictures and films that no list knows within the strict radius of one with a firm notable match.

    PDQ of pictures as stored or displayed, and of sampled frames of films, are compared with each other.

    Args:
        query: Asks the case.

    Returns:
        By SHA-256 of the content, the nearest; of several as near, the one with the smaller digest.
    """
    hits = (
        "content IN (SELECT content FROM hits JOIN sets_used ON uuid = set_uuid "
        "WHERE disposition = 'notable' AND tier IN (SELECT value FROM json_each(?)))"
    )
    owners: list[str] = []
    values: list[str] = []
    for content, value in _hashes(query, hits, json.dumps(FIRM_TIERS)):
        owners.append(content)
        values.append(value)
    found: dict[str, NearDuplicate] = {}
    if not values:
        return found
    index = index_of(pack(values), RADIUS["pdq"])
    unmatched = f"content IN (SELECT sha256 FROM contents WHERE {condition(Scope.UNMATCHED_MEDIA)})"  # noqa: S608
    asked = _hashes(query, unmatched)
    while batch := list(islice(asked, _QUERIES_AT_ONCE)):
        rows, known, distances = index.search(pack(value for _, value in batch), RADIUS["pdq"])
        for row, hit, distance in zip(rows.tolist(), known.tolist(), distances.tolist(), strict=True):
            content, near = batch[row][0], NearDuplicate(distance, owners[hit])
            found[content] = min(near, found.get(content, near))
    return found


def _hashes(query: Query, chosen: str, *parameters: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - values of SQL
    """Content and PDQ of everything that says enough to be compared."""
    probes = json.dumps(sorted(FAITHFUL_PROBES))
    rows = query(
        "SELECT DISTINCT content, value FROM ("  # noqa: S608 - literals only
        "SELECT content, value FROM perceptual_hashes WHERE algorithm = 'pdq' AND quality >= ? "
        f"AND probe IN (SELECT value FROM json_each(?)) AND {chosen} "
        f"UNION ALL SELECT content, value FROM film_frames WHERE quality >= ? AND {chosen})",
        LEAST_QUALITY, probes, *parameters, LEAST_QUALITY, *parameters,
    )  # fmt: skip
    for row in rows:
        if len(row["value"]) == _DIGITS and not is_uninformative(row["value"]):
            yield row["content"], row["value"]
