"""Contents of a case as the entries of a list of one's own. Nothing of names goes along unless it is asked for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from forensics.case.store import CaseStore
from forensics.errors import CaseError
from forensics.hashing.perceptual import FAITHFUL_PROBES
from hashsets.fields import LONGEST_TEXT, PICTURE_HASHES
from hashsets.format import KnownEntry, KnownPerceptualHash
from hashsets.match import Tier
from hashsets.standing import RETRACTED

FIRM_TIERS = (Tier.EXACT, Tier.NEAR)
"""Hits of which contents are listed unless others are asked for: a ``similar`` one is a lead, and no ground to list."""


IS_MEDIA = "(perceptual = 'hashed' OR media_type GLOB 'image/*' OR media_type GLOB 'video/*')"
"""Which contents are pictures and films, in SQL."""


class Choice(StrEnum):
    """Which contents of a case are listed."""

    HITS = "hits"
    """Those that match entries of notable (or of named) sets."""
    MEDIA = "media"
    """All pictures and films."""
    ALL = "all"
    """Everything but empty files."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What of a case is listed, and how.

    Attributes:
        choice: Which contents.
        sets: With :attr:`Choice.HITS`, names of the sets whose hits count; all notable ones if empty.
        tiers: With :attr:`Choice.HITS`, tiers of the hits that count.
        category: Category of all entries.
        with_names: Give an entry the path of a stream that holds the content, as its reference.
    """

    choice: Choice
    sets: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = FIRM_TIERS
    category: str | None = None
    with_names: bool = False


def known_entries(store: CaseStore, listing: Listing) -> Iterator[KnownEntry]:
    """Turn contents into entries, in order of SHA-256.

    An entry has the three digests, the size, the media type, and of pictures and films what can be found again
    by its looks: PDQ and pHash of the picture as stored and as viewers show it, the PDQ of each sampled frame.

    Raises:
        CaseError: The case cannot be read, or knows no set of a name that was given.
    """
    try:
        connection = store.connection
        _refuse_unknown_sets(connection, listing.sets)
        condition, values = _condition(listing)
        contents = connection.execute(
            f"SELECT md5, sha1, sha256, size, media_type FROM contents WHERE size > 0 AND {condition} ORDER BY sha256",  # noqa: S608
            values,
        )
        for position, (md5, sha1, sha256, size, media_type) in enumerate(contents, start=1):
            yield KnownEntry(
                position, md5, sha1, sha256, size, tuple(_perceptual(connection, sha256)), listing.category,
                _name(connection, sha256) if listing.with_names else None,
                {"mime_type": media_type},
            )  # fmt: skip
    except sqlite3.DatabaseError as error:
        raise CaseError(f"cannot be read ({error})", str(store.path), "restore it from a copy") from error


def left_out(store: CaseStore, listing: Listing) -> int:
    """How many contents that were hit are not listed: a benign set lists them, or every entry was retracted."""
    if listing.choice is not Choice.HITS:
        return 0
    condition, values = _hit_condition(listing, sound=False)
    kept, kept_values = _condition(listing)
    query = f"SELECT count(*) FROM contents WHERE size > 0 AND {condition} AND NOT ({kept})"  # noqa: S608
    return int(store.connection.execute(query, (*values, *kept_values)).fetchone()[0])


def _condition(listing: Listing) -> tuple[str, Sequence[str]]:
    """Which contents, in SQL, and the values of its question marks."""
    match listing.choice:
        case Choice.ALL:
            return "TRUE", ()
        case Choice.MEDIA:
            return IS_MEDIA, ()
    condition, values = _hit_condition(listing, sound=True)
    benign = "SELECT content FROM hits JOIN sets_used ON uuid = set_uuid WHERE disposition = 'benign'"
    return f"{condition} AND sha256 NOT IN ({benign})", values


def _hit_condition(listing: Listing, *, sound: bool) -> tuple[str, Sequence[str]]:
    """Contents that were hit; `sound` leaves out what only retracted entries match."""
    chosen = "name IN (SELECT value FROM json_each(?))" if listing.sets else "disposition = 'notable' AND ? IS NOT NULL"
    standing = f"AND json_extract(attributes, '$.{RETRACTED}') IS NULL" if sound else ""
    query = (
        "sha256 IN (SELECT content FROM hits JOIN sets_used ON uuid = hits.set_uuid "  # noqa: S608
        "JOIN entries_hit ON entries_hit.set_uuid = hits.set_uuid AND entries_hit.position = hits.position "
        f"WHERE {chosen} AND tier IN (SELECT value FROM json_each(?)) {standing})"
    )
    return query, (json.dumps(listing.sets), json.dumps(listing.tiers))


def _refuse_unknown_sets(connection: sqlite3.Connection, names: Sequence[str]) -> None:
    for name in names:
        if connection.execute("SELECT 1 FROM sets_used WHERE name = ?", (name,)).fetchone() is None:
            raise CaseError(
                f"the case was matched against no set named '{name}'", None, "see 'tamiz report' or the name"
            )


def _perceptual(connection: sqlite3.Connection, sha256: str) -> Iterator[KnownPerceptualHash]:
    probes, algorithms = json.dumps(sorted(FAITHFUL_PROBES)), json.dumps(PICTURE_HASHES)
    query = (
        "SELECT algorithm, value, max(quality) FROM perceptual_hashes WHERE content = ? "
        "AND probe IN (SELECT value FROM json_each(?)) AND algorithm IN (SELECT value FROM json_each(?)) "
        "GROUP BY algorithm, value UNION ALL "
        "SELECT 'vpdq', value, max(quality) FROM film_frames WHERE content = ? GROUP BY value"
    )
    for row in connection.execute(query, (sha256, probes, algorithms, sha256)):
        yield KnownPerceptualHash(*row)


def _name(connection: sqlite3.Connection, sha256: str) -> str | None:
    query = "SELECT path FROM streams WHERE content = ? ORDER BY locator, path LIMIT 1"
    row = connection.execute(query, (sha256,)).fetchone()
    return None if row is None else str(row[0])[-LONGEST_TEXT:]
