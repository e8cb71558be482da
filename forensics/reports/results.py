"""What a case found, gathered for a report in one pass: totals of everything, the strongest contents one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby

from forensics.case.reader import CaseReader, Hit
from hashsets.format import Disposition
from hashsets.match import Tier

TIERS = tuple(str(tier) for tier in Tier)
"""Tiers, strongest first."""

_DISPOSITIONS = (Disposition.NOTABLE, Disposition.REFERENCE)


@dataclass(slots=True)
class Tally:
    """A total.

    Attributes:
        rows: Pairs of a stream and an entry, as ``tamiz hits`` counts.
        streams: Streams among them.
        contents: Distinct contents among them, as SHA-256.
    """

    rows: int = 0
    streams: int = 0
    contents: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class SetKey:
    """What the totals by list are divided by."""

    set_uuid: str
    disposition: str
    scheme: str | None
    category: str | None
    tier: str


@dataclass(slots=True)
class FoundContent:
    """A content that was hit, with every entry it matches and the first streams that hold it.

    Attributes:
        entries: A hit for each entry, strongest first, all of the same stream.
        benign: Hits in benign sets, gathered only for contents that are notable elsewhere.
        streams: A hit for each stream shown.
        stream_count: How many streams hold it in all.
    """

    entries: tuple[Hit, ...]
    benign: tuple[Hit, ...]
    streams: list[Hit]
    stream_count: int = 0

    @property
    def content(self) -> Hit:
        """Any of its hits, for what is the same in all."""
        return self.entries[0]

    @property
    def categories_differ(self) -> bool:
        """Whether entries give it different categories of the same scheme."""
        codes = defaultdict(set)
        for entry in self.entries:
            if entry.scheme is not None and entry.category is not None:
                codes[entry.scheme].add(entry.category)
        return any(len(categories) > 1 for categories in codes.values())

    @property
    def digests_disagree(self) -> bool:
        """Whether an entry states a digest or size that the content does not have."""
        return any(entry.disagreeing for entry in self.entries)

    @property
    def only_retracted(self) -> bool:
        """Whether its issuer has retracted every entry that it matches."""
        return all(entry.retracted for entry in self.entries)

    @property
    def rank(self) -> tuple[int, int]:
        """How strong its strongest hit is; lower is stronger."""
        return _rank(self.entries[0])


@dataclass(slots=True)
class Results:
    """All of it.

    Attributes:
        by_tier: Totals by tier; every tier has one.
        by_exhibit: Totals by exhibit label and tier; only those that occur.
        by_set: Totals by list, disposition, scheme, category and tier; only those that occur.
        contents: The strongest contents, strongest first, else in order of locator.
        content_count: How many contents were hit in all.
        reference_only: How many of them no notable set lists.
        categories_differ: How many of them have different categories of the same scheme.
        digests_disagree: How many of them match an entry that states something else too.
    """

    by_tier: dict[str, Tally] = field(default_factory=lambda: {tier: Tally() for tier in TIERS})
    by_exhibit: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_set: dict[SetKey, Tally] = field(default_factory=lambda: defaultdict(Tally))
    contents: list[FoundContent] = field(default_factory=list)
    content_count: int = 0
    reference_only: int = 0
    categories_differ: int = 0
    digests_disagree: int = 0


def gather(case: CaseReader, most_contents: int, most_streams: int) -> Results:
    """Read all hits of a case.

    Args:
        case: The case.
        most_contents: How many contents are kept one by one.
        most_streams: How many streams are kept of each.
    """
    results = Results()
    benign = _benign_of_conflicts(case)
    kept: dict[tuple[int, int], dict[bytes, FoundContent]] = defaultdict(dict)
    known: set[bytes] = set()
    for entries in _by_stream(case.hits()):
        key = bytes.fromhex(entries[0].sha256)
        _count(results, key, entries)
        rank = _rank(entries[0])
        if key not in known:
            known.add(key)
            found = FoundContent(entries, benign.get(key, ()), [])
            results.reference_only += entries[0].disposition == Disposition.REFERENCE
            results.categories_differ += found.categories_differ
            results.digests_disagree += found.digests_disagree
            if len(kept[rank]) < most_contents:
                kept[rank][key] = found
        if found_before := kept[rank].get(key):
            found_before.stream_count += 1
            if len(found_before.streams) < most_streams:
                found_before.streams.append(entries[0])
    results.content_count = len(known)
    results.contents = list(chain.from_iterable(kept[rank].values() for rank in sorted(kept)))[:most_contents]
    return results


def _by_stream(hits: Iterator[Hit]) -> Iterator[tuple[Hit, ...]]:
    """Hits come ordered by stream: all of one stream, strongest first, at a time."""
    for _, rows in groupby(hits, key=lambda hit: (hit.exhibit, hit.locator, hit.path)):
        yield tuple(sorted(rows, key=lambda hit: (_rank(hit), hit.distance)))


def _rank(hit: Hit) -> tuple[int, int]:
    order = (
        _DISPOSITIONS.index(Disposition(hit.disposition))
        if hit.disposition != Disposition.BENIGN
        else len(_DISPOSITIONS)
    )
    return order, TIERS.index(hit.tier)


def _count(results: Results, content: bytes, entries: tuple[Hit, ...]) -> None:
    touched: dict[int, Tally] = {}
    for hit in entries:
        key = SetKey(hit.set_uuid, hit.disposition, hit.scheme, hit.category, hit.tier)
        for tally in (
            results.by_tier[hit.tier],
            results.by_exhibit[hit.exhibit, hit.tier],
            results.by_set[key],
        ):
            tally.rows += 1
            touched[id(tally)] = tally
    for tally in touched.values():
        tally.streams += 1
        tally.contents.add(content)


def _benign_of_conflicts(case: CaseReader) -> dict[bytes, tuple[Hit, ...]]:
    """Contents that one set lists as notable and another as benign, with their hits in the benign ones."""
    if case.conflicts() == 0:
        return {}
    result: dict[bytes, tuple[Hit, ...]] = {}
    for rows in _by_stream(case.hits((Disposition.NOTABLE, Disposition.BENIGN))):
        benign = tuple(hit for hit in rows if hit.disposition == Disposition.BENIGN)
        if 0 < len(benign) < len(rows):
            result[bytes.fromhex(rows[0].sha256)] = benign
    return result
