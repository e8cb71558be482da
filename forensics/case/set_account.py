"""What the lists used say against each other and against themselves, and entries that match suspiciously much.

Nothing is resolved and nothing is left out: whoever reads the hits is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

from hashsets.standing import DISPUTED, RETRACTED

Query: TypeAlias = Callable[[str], Iterable[dict[str, Any]]]
"""Gives the rows of an SQL query by the names of their columns."""

MOST_CONTENTS = 1000
"""An entry that matches more contents than this is reported, on whatever basis."""

MOST_PICTURES_PERCENT = 1
LEAST_PICTURES = 25
"""One that matches more than this share of all hashed pictures and films by a perceptual hash is reported as well, if
they are at least so many: it is the hash of next to nothing, or was put into the list to flood whoever uses it."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two sets, or two entries of one set, that say different things of the same contents.

    Attributes:
        kind: ``disposition`` (notable in one, benign in the other) or ``category`` (two codes of one scheme).
        sets: Names of both, in order.
        set_uuids: Their UUIDs.
        contents: Of how many contents.
    """

    kind: str
    sets: tuple[str, str]
    set_uuids: tuple[str, str]
    contents: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Contents hit in notable and reference sets whose entries are called into question.

    Attributes:
        retracted: Contents that match an entry which its issuer has taken back.
        only_retracted: Those of them that match no other.
        disputed: Contents that match an entry which others dispute.
    """

    retracted: int
    only_retracted: int
    disputed: int


@dataclass(frozen=True, slots=True)
class CrowdedEntry:
    """An entry that matches very many contents.

    Attributes:
        set: Name of its set.
        set_uuid: Its UUID.
        position: Its place in the list.
        contents: How many it matches.
        by_perceptual_hash: How many of them by a perceptual hash.
    """

    set: str
    set_uuid: str
    position: int
    contents: int
    by_perceptual_hash: int


def disagreements(query: Query) -> list[Disagreement]:
    """Find the sets that contradict each other, those with the most contents first."""
    counts: Counter[tuple[str, tuple[str, str], tuple[str, str]]] = Counter()
    rows = query(
        "SELECT content, uuid, name, disposition, scheme, category FROM hits JOIN sets_used ON uuid = hits.set_uuid "
        "JOIN entries_hit ON entries_hit.set_uuid = hits.set_uuid AND entries_hit.position = hits.position "
        "WHERE content IN (SELECT content FROM hits GROUP BY content HAVING count(*) > 1) ORDER BY content"
    )
    for _, of_content in groupby(rows, key=lambda row: row["content"]):
        counts.update(set(_contradictions(list(of_content))))
    found = [Disagreement(*key, count) for key, count in counts.items()]
    return sorted(found, key=lambda each: (-each.contents, each.kind, each.sets))


def _contradictions(rows: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, str], tuple[str, str]]]:
    """Pairs of entries of one content that contradict each other."""
    for number, one in enumerate(rows):
        for other in rows[:number]:
            first, second = sorted((one, other), key=lambda row: (row["name"], row["uuid"]))
            pair = (first["name"], second["name"]), (first["uuid"], second["uuid"])
            if {one["disposition"], other["disposition"]} == {"notable", "benign"}:
                yield "disposition", *pair
            elif (
                "benign" not in (one["disposition"], other["disposition"])
                and None not in (one["scheme"], one["category"], other["category"])
                and one["scheme"] == other["scheme"]
                and one["category"] != other["category"]
            ):
                yield "category", *pair


def standing(query: Query) -> Standing:
    """Count the contents whose entries are called into question."""
    (row,) = query(
        f"""
        SELECT count(*) FILTER (WHERE retracted > 0) AS retracted,
               count(*) FILTER (WHERE retracted = entries) AS only_retracted,
               count(*) FILTER (WHERE disputed > 0) AS disputed
        FROM (
            SELECT count(*) AS entries,
                   sum(json_extract(attributes, '$.{RETRACTED}') IS NOT NULL) AS retracted,
                   sum(json_extract(attributes, '$.{DISPUTED}') IS NOT NULL) AS disputed
            FROM hits JOIN sets_used ON uuid = hits.set_uuid
            JOIN entries_hit ON entries_hit.set_uuid = hits.set_uuid AND entries_hit.position = hits.position
            WHERE disposition <> 'benign' GROUP BY content
        )
        """  # noqa: S608 - names of attributes
    )
    return Standing(**row)


def crowded_entries(query: Query) -> list[CrowdedEntry]:
    """Find the entries that match very many contents, the worst first."""
    return [
        CrowdedEntry(**row)
        for row in query(
            f"""
            SELECT name AS "set", set_uuid, position, count(*) AS contents, count(probe) AS by_perceptual_hash
            FROM hits JOIN sets_used ON uuid = set_uuid GROUP BY set_uuid, position
            HAVING contents > {MOST_CONTENTS} OR (
                by_perceptual_hash >= {LEAST_PICTURES} AND 100 * by_perceptual_hash
                > {MOST_PICTURES_PERCENT} * (SELECT count(*) FROM contents WHERE perceptual = 'hashed')
            )
            ORDER BY contents DESC, name, position
            """  # noqa: S608 - numbers only
        )
    ]
