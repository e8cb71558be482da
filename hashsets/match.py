"""What a match is: a fact about one content and one entry of one set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hashsets.format import Disposition


class Tier(StrEnum):
    """How strong the fact is."""

    EXACT = "exact"
    """A cryptographic digest is equal."""
    NEAR = "near"
    """A perceptual hash lies within the strict radius."""
    SIMILAR = "similar"
    """A perceptual hash lies within a wider radius, or of a turned or trimmed view: a lead, not evidence."""


@dataclass(frozen=True, slots=True)
class KnownSet:
    """An imported list and where it came from.

    Attributes:
        uuid: Identity of this import; a newer version of the list is another set.
        name: The operator's name for it.
        disposition: What it is for.
        format: Name of the list format.
        format_version: Version of the format, where the list states one.
        scheme: Scheme of its categories; ``None`` if neither the list nor the operator named one.
        authority: Who issued it, or the reference under which the laboratory may use it; ``None`` if not stated.
        file_name: Name of the imported file, without folders.
        file_sha256: SHA-256 of the imported file.
        entries: How many entries were imported.
        rejected: How many entries were set aside as malformed.
        imported: When, UTC, ISO 8601 with ``Z``.
        issuer, list_version, note, received: As in :class:`hashsets.provenance.Provenance`.
    """

    uuid: str
    name: str
    disposition: Disposition
    format: str
    format_version: str | None
    scheme: str | None
    authority: str | None
    file_name: str
    file_sha256: str
    entries: int
    rejected: int
    imported: str
    issuer: str | None = None
    list_version: str | None = None
    note: str | None = None
    received: str | None = None


@dataclass(frozen=True, slots=True)
class EntryReference:
    """The entry that was matched, as far as a case may carry it.

    Attributes:
        set_uuid: The set it stands in.
        position: Its place in the list.
        reference: The issuer's own identifier.
        category: Raw code.
        md5, sha1, sha256, size: As in the list.
        attributes: As in the list.
    """

    set_uuid: str
    position: int
    reference: str | None = None
    category: str | None = None
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    size: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """Content C matches an entry on a basis at a distance.

    Attributes:
        entry: The entry matched.
        basis: Strongest basis: ``sha256``, ``sha1``, ``md5``, or a perceptual algorithm.
        distance: 0 for a digest; differing bits for a perceptual hash.
        tier: How strong it is.
        probe: View of the content that matched; ``None`` for a digest.
        agreeing: All bases on which content and entry agree (for ``exact``: digests, and ``size`` where stated).
        disagreeing: Digests, or ``size``, that the entry states and the content does not have. Not empty means the
            entry is inconsistent or a digest collides: a human must know.
        query_covered: For films, the share (0 to 1) of the content's frames that the known film has; else ``None``.
        known_covered: For films, the share of the known film's frames that the content has; else ``None``.
    """

    entry: EntryReference
    basis: str
    distance: int
    tier: Tier
    probe: str | None = None
    agreeing: tuple[str, ...] = ()
    disagreeing: tuple[str, ...] = ()
    query_covered: float | None = None
    known_covered: float | None = None


_TIERS = tuple(Tier)


def combine(exact: tuple[Match, ...], *weaker: tuple[Match, ...]) -> tuple[Match, ...]:
    """Put the matches of one content together: an entry is reported once, by the strongest tier, else the first.

    Args:
        exact: Matches by digest.
        weaker: Further ones, such as those of a film and those of a picture.
    """
    matches = {(match.entry.set_uuid, match.entry.position): match for match in exact}
    for group in weaker:
        for match in group:
            key = (match.entry.set_uuid, match.entry.position)
            if key not in matches or _TIERS.index(match.tier) < _TIERS.index(matches[key].tier):
                matches[key] = match
    return tuple(matches.values())
