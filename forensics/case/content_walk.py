"""Contents of a case one after the other, each with the entries it matches and the streams that hold it.

Three ordered queries are read side by side, so that memory does not grow with the case, nor with the number of streams
that hold one content.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, TypeAlias

from forensics.case.listing import IS_MEDIA
from hashsets.match import Tier
from hashsets.standing import dispute, is_retracted

Query: TypeAlias = Callable[..., Iterable[dict[str, Any]]]
"""Gives the rows of an SQL query, and the values of its question marks, by the names of their columns."""


class Scope(StrEnum):
    """Which contents of a case are walked."""

    HITS = "hits"
    """Those that notable or reference sets list."""
    MEDIA = "media"
    """These, and all pictures and films."""
    ALL = "all"
    """Everything that was hashed."""
    UNMATCHED_MEDIA = "unmatched-media"
    """Pictures and films that no list knows, of whatever disposition."""


@dataclass(frozen=True, slots=True)
class ContentMatch:
    """An entry of a notable or reference set that a content matches; as in :class:`forensics.case.reader.Hit`."""

    set: str
    set_uuid: str
    disposition: str
    scheme: str | None
    category: str | None
    reference: str | None
    position: int
    basis: str
    distance: int
    tier: str
    probe: str | None
    disagreeing: tuple[str, ...]
    retracted: bool
    disputed: str | None


@dataclass(frozen=True, slots=True)
class HoldingStream:
    """A stream that holds a content.

    Attributes:
        source: Label of its source.
        exhibit: Label of the exhibit.
        volume: Label of the volume.
        physical_offset: Where its first byte lies, from the start of the image; ``None`` if it has no such place.
    """

    locator: str
    path: str
    path_bytes: str | None
    source: str
    exhibit: str
    volume: str
    size: int
    allocation: str
    recovery: str
    physical_offset: int | None
    modified: str | None
    accessed: str | None
    changed: str | None
    created: str | None

    @property
    def stored_path(self) -> bytes:
        """The path byte for byte, as the file system stores it."""
        return self.path.encode() if self.path_bytes is None else bytes.fromhex(self.path_bytes)


@dataclass(frozen=True, slots=True)
class WalkedContent:
    """A content.

    Attributes:
        matches: The entries that it matches; none if it was not hit.
        streams: Those that hold it, by locator; to be read before the next content is asked for.
    """

    sha256: str
    sha1: str
    md5: str
    size: int
    media_type: str
    width: int | None
    height: int | None
    matches: tuple[ContentMatch, ...]
    streams: Iterator[HoldingStream]

    @property
    def categories(self) -> frozenset[tuple[str | None, str]]:
        """Scheme and code of every category that a list states of this very content.

        What only resembles a known content has none of its own; an entry that was retracted, or that states another
        digest or size as well, says nothing for certain.
        """
        return frozenset(
            (match.scheme, match.category)
            for match in self.matches
            if match.category is not None and match.tier == Tier.EXACT and not match.retracted and not match.disagreeing
        )


_HIT = "(SELECT content FROM hits JOIN sets_used ON uuid = set_uuid WHERE disposition <> 'benign')"
_CONDITIONS = {
    Scope.HITS: f"sha256 IN {_HIT}",
    Scope.MEDIA: f"(sha256 IN {_HIT} OR {IS_MEDIA})",
    Scope.ALL: "TRUE",
    Scope.UNMATCHED_MEDIA: f"({IS_MEDIA} AND size > 0 AND sha256 NOT IN (SELECT content FROM hits))",  # noqa: S608 - literals only
}
_MATCHES = (
    'SELECT hits.content, name AS "set", hits.set_uuid, disposition, scheme, category, reference, hits.position, '
    "basis, distance, tier, probe, disagreeing, attributes FROM hits JOIN sets_used ON uuid = hits.set_uuid "
    "JOIN entries_hit ON entries_hit.set_uuid = hits.set_uuid AND entries_hit.position = hits.position "
    "WHERE disposition <> 'benign'"
)
_STREAMS = (
    "SELECT streams.content, locator, streams.path, path_bytes, sources.label AS source, exhibits.label AS exhibit, "
    "volumes.label AS volume, streams.size, allocation, recovery, physical_offset, modified, accessed, changed, "
    "streams.created FROM streams JOIN volumes ON volumes.id = volume_id "
    "JOIN sources ON sources.id = streams.source_id JOIN exhibits ON exhibits.id = exhibit_id"
)


def condition(scope: Scope) -> str:
    """Which rows of ``contents`` a scope holds, in SQL."""
    return _CONDITIONS[scope]


def walk_contents(query: Query, scope: Scope) -> Iterator[WalkedContent]:
    """Walk contents in order of SHA-256.

    Args:
        query: Asks the case.
        scope: Which.
    """
    chosen = f"SELECT sha256 FROM contents WHERE {condition(scope)}"  # noqa: S608 - literals only
    contents = query(
        f"SELECT sha256, sha1, md5, size, media_type, width, height FROM contents WHERE {condition(scope)} "  # noqa: S608
        "ORDER BY sha256"
    )
    matches = _Groups(query(f"{_MATCHES} ORDER BY hits.content, name, imported, hits.position"))
    streams = _Groups(
        query(f"{_STREAMS} WHERE streams.content IN ({chosen}) ORDER BY streams.content, locator, streams.path")
    )
    for content in contents:
        sha256 = content["sha256"]
        found = tuple(_match(row) for row in matches.of(sha256))
        yield WalkedContent(**content, matches=found, streams=(_stream(row) for row in streams.of(sha256)))


def walk_streams(query: Query, scope: Scope, source: str, volume: str) -> Iterator[tuple[HoldingStream, WalkedContent]]:
    """Walk the streams of one volume in order of locator, each with its content (whose own streams are left out).

    Args:
        query: Asks the case.
        scope: Which contents.
        source: Label of the source.
        volume: Label of the volume.
    """
    rows = query(
        f"{_STREAMS} WHERE sources.label = ? AND volumes.label = ? AND streams.content IN "  # noqa: S608
        f"(SELECT sha256 FROM contents WHERE {condition(scope)}) ORDER BY locator, streams.path",
        source,
        volume,
    )
    for row in rows:
        sha256 = row["content"]
        (content,) = query(
            "SELECT sha256, sha1, md5, size, media_type, width, height FROM contents WHERE sha256 = ?", sha256
        )
        matches = query(f"{_MATCHES} AND hits.content = ? ORDER BY name, imported, hits.position", sha256)
        found = tuple(_match(each) for each in matches)
        yield _stream(row), WalkedContent(**content, matches=found, streams=iter(()))


class _Groups:
    """Rows ordered by ``content``, given out group by group; groups nobody asks for are passed over."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._groups = groupby(rows, key=lambda row: str(row["content"]))
        self._next = next(self._groups, None)

    def of(self, content: str) -> Iterator[dict[str, Any]]:
        """The rows of a content that comes after all that were asked for before."""
        while self._next is not None and self._next[0] < content:
            self._next = next(self._groups, None)
        if self._next is not None and self._next[0] == content:
            yield from self._next[1]


def _match(row: dict[str, Any]) -> ContentMatch:
    attributes = json.loads(row.pop("attributes"))
    row["disagreeing"] = tuple(filter(None, row["disagreeing"].split(",")))
    row["retracted"], row["disputed"] = is_retracted(attributes), dispute(attributes)
    del row["content"]
    return ContentMatch(**row)


def _stream(row: dict[str, Any]) -> HoldingStream:
    del row["content"]
    return HoldingStream(**row)
