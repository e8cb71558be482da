"""Where, when and how often the contents that were hit lie on the media: facts that bear on possession or distribution.

Neutral counts for a lawyer, told for exact and near hits of notable sets; leads are left out. What they mean is not
said here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from forensics.case.reader import CaseReader
from forensics.reports.folder_role import FolderRole, folder_roles
from hashsets.format import Disposition
from hashsets.match import Tier

TIERS = (Tier.EXACT, Tier.NEAR)
"""Hits that are told of."""

COPIES = ((1, 1), (2, 2), (3, 5), (6, 10), (11, None))
"""Classes by number of streams that hold a content, first and last."""

MAP_CELLS = 200
"""Into how many parts a map divides a medium."""

_MOST_PERIODS = 48
"""A timeline of more months than this goes by years."""

_FIRST_YEAR, _LAST_YEAR = 1990, 2099
"""Times outside of these are counted apart: clocks that were not set, fields that are not times."""

_QUERY = """
SELECT exhibits.label AS exhibit, sources.label AS source, volumes.label AS volume, streams.content, streams.path,
       streams.path_bytes, streams.allocation, streams.physical_offset, streams.modified, streams.created
FROM streams JOIN sources ON sources.id = streams.source_id JOIN exhibits ON exhibits.id = sources.exhibit_id
     JOIN volumes ON volumes.id = streams.volume_id
WHERE streams.content IN (
    SELECT hits.content FROM hits JOIN sets_used ON sets_used.uuid = hits.set_uuid
    WHERE sets_used.disposition = ? AND hits.tier IN (?, ?)
)
"""


@dataclass(slots=True)
class Count:
    """Streams, and the distinct contents in them."""

    streams: int = 0
    contents: set[str] = field(default_factory=set)

    def add(self, content: str) -> None:
        """Count a stream."""
        self.streams += 1
        self.contents.add(content)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Streams by the time that the file system states.

    Attributes:
        periods: Months (``2026-11``) or years (``2026``), without gaps: first to last, each with its streams.
        outside: Streams with a time that no clock set right gives.
        missing: Streams without such a time.
    """

    periods: tuple[tuple[str, int], ...]
    outside: int
    missing: int

    @property
    def highest(self) -> int:
        """Most streams in a period."""
        return max((count for _, count in self.periods), default=0)


@dataclass(frozen=True, slots=True)
class DiskMap:
    """Where on a medium streams with hits begin.

    Attributes:
        source: Label of the source.
        volumes: Label, left edge and width of each volume that holds a file system; of :data:`MAP_CELLS`.
        cells: Place and number of streams of the parts that hold any.
        unplaced: Streams without a place of their own: inside other structures or containers.
    """

    source: str
    volumes: tuple[tuple[str, float, float], ...]
    cells: tuple[tuple[int, int], ...]
    unplaced: int

    @property
    def highest(self) -> int:
        """Most streams in a part."""
        return max((count for _, count in self.cells), default=0)


@dataclass(slots=True)
class Circumstances:
    """All of it.

    Attributes:
        total: All streams and contents told of.
        by_allocation: By allocation code, most streams first.
        by_role: By folder role, in the order of :class:`FolderRole`; a stream may count under several.
        copies: Contents by how many streams hold them, in the order of :data:`COPIES`.
        most_copies: Streams that hold the content with the most.
        on_several_exhibits: Contents on more than one exhibit.
        created: Timeline of creation.
        modified: Timeline of modification.
        maps: One for each source that has hits and a medium.
    """

    total: Count
    by_allocation: list[tuple[str, Count]]
    by_role: list[tuple[FolderRole, Count]]
    copies: list[tuple[tuple[int, int | None], int]]
    most_copies: int
    on_several_exhibits: int
    created: Timeline
    modified: Timeline
    maps: list[DiskMap]


def gather_circumstances(case: CaseReader) -> Circumstances:
    """Read the streams with hits once."""
    total = Count()
    allocations: dict[str, Count] = defaultdict(Count)
    roles: dict[FolderRole, Count] = defaultdict(Count)
    copies: Counter[str] = Counter()
    exhibits: dict[str, set[str]] = defaultdict(set)
    times = {"created": _Times(), "modified": _Times()}
    offsets: dict[str, list[int | None]] = defaultdict(list)
    for row in case.query(_QUERY, Disposition.NOTABLE, *TIERS):
        content = row["content"]
        total.add(content)
        allocations[row["allocation"]].add(content)
        for role in folder_roles(_stored_path(row)):
            roles[role].add(content)
        copies[content] += 1
        exhibits[content].add(row["exhibit"])
        for name, counted in times.items():
            counted.add(row[name])
        offsets[row["source"]].append(row["physical_offset"])
    return Circumstances(
        total,
        sorted(allocations.items(), key=lambda item: (-item[1].streams, item[0])),
        [(role, roles[role]) for role in FolderRole if role in roles],
        list(_by_copies(copies)),
        max(copies.values(), default=0),
        sum(len(labels) > 1 for labels in exhibits.values()),
        times["created"].timeline(),
        times["modified"].timeline(),
        [_map(source, offsets[source["label"]]) for source in case.sources() if source["label"] in offsets],
    )


def _stored_path(row: dict[str, Any]) -> bytes:
    stored: bytes = row["path"].encode() if row["path_bytes"] is None else bytes.fromhex(row["path_bytes"])
    return stored


def _by_copies(copies: Counter[str]) -> Iterator[tuple[tuple[int, int | None], int]]:
    numbers = Counter(copies.values())
    for first, last in COPIES:
        yield (first, last), sum(count for number, count in numbers.items() if first <= number <= (last or number))


class _Times:
    """Counts times by month."""

    def __init__(self) -> None:
        self._months: Counter[tuple[int, int]] = Counter()
        self._outside = 0
        self._missing = 0

    def add(self, moment: str | None) -> None:
        if moment is None:
            self._missing += 1
            return
        year, month = int(moment[:4]), int(moment[5:7])
        if _FIRST_YEAR <= year <= _LAST_YEAR:
            self._months[year, month] += 1
        else:
            self._outside += 1

    def timeline(self) -> Timeline:
        if not self._months:
            return Timeline((), self._outside, self._missing)
        first, last = min(self._months), max(self._months)
        length = (last[0] - first[0]) * 12 + last[1] - first[1] + 1
        if length > _MOST_PERIODS:
            years: Counter[int] = Counter()
            for (year, _), count in self._months.items():
                years[year] += count
            periods = [(str(year), years[year]) for year in range(first[0], last[0] + 1)]
        else:
            numbers = range(first[0] * 12 + first[1] - 1, last[0] * 12 + last[1])
            months = [(number // 12, number % 12 + 1) for number in numbers]
            periods = [(f"{year}-{month:02}", self._months[year, month]) for year, month in months]
        return Timeline(tuple(periods), self._outside, self._missing)


def _map(source: dict[str, Any], offsets: Sequence[int | None]) -> DiskMap:
    size = max(source["size"], 1)
    placed = [offset for offset in offsets if offset is not None and offset < size]
    volumes = tuple(
        (volume["label"], _part(volume["offset"], size), _part(min(volume["size"], size - volume["offset"]), size))
        for volume in source["volumes"]
        if volume["file_system"] is not None and volume["offset"] < size
    )
    cells = Counter(offset * MAP_CELLS // size for offset in placed)
    return DiskMap(source["label"], volumes, tuple(sorted(cells.items())), len(offsets) - len(placed))


def _part(length: int, size: int) -> float:
    return round(length * MAP_CELLS / size, 2)
