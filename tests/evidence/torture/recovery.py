"""Walks over images whose truth is known and holds what was found against it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from forensics.errors import EvidenceError
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import Allocation, NotExamined, Recovery, Stream
from tests.evidence.torture.manifest import BuiltImage, Planted

_PIECE = 1 << 20
_OF_THE_FILE_SYSTEM = re.compile(
    rb"\$(?!OrphanFiles/).*|\.:\$.*|\.(?:journal|bad|rr_moved).*|lost\+found|[^/]* \(Volume Label Entry\)", re.DOTALL
)
"""Paths of a file system's own files, as The Sleuth Kit names them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A stream that a walk gave, with the digest of what was read."""

    volume: str
    stream: Stream
    sha256: str


@dataclass(slots=True)
class Line:
    """One line of the table: a class of streams on one image.

    Attributes:
        planted: How many were written.
        recoverable: How many of these are still there.
        recovered: How many of the recoverable were found with the right content and state.
        named: How many of these under their own path.
        beyond: How many were found although they count as lost.
    """

    planted: int = 0
    recoverable: int = 0
    recovered: int = 0
    named: int = 0
    beyond: int = 0


@dataclass(slots=True)
class Result:
    """What a walk over one image gave beside what it should have given.

    Attributes:
        image: The image.
        lines: By class.
        failures: What is wrong, one line each.
        stale: Deleted streams that hold other bytes than the file had, which nothing in the file system tells.
    """

    image: BuiltImage
    lines: dict[str, Line] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    stale: int = 0


def examine(image: BuiltImage) -> Result:
    """Walk over an image, read every stream, compare."""
    result = Result(image)
    found: list[Found] = []
    told = set()
    with Source.open(image.path, "E1", image.keyring) as source:
        for item in _walk(source):
            if isinstance(item, NotExamined):
                told.add((Locator.parse(item.locator).volume or "", item.reason))
            elif item.not_hashable is None:
                try:
                    found.append(Found(item.locator.volume or "", item, _sha256(source, item)))
                except EvidenceError as error:
                    if item.allocation is Allocation.ALLOCATED:
                        result.failures.append(f"{item.display_path}: {error}")
    result.failures += [f"not told: {volume} {reason}" for volume, reason in sorted(image.told - told)]
    result.failures += [f"told without need: {volume} {reason}" for volume, reason in sorted(told - image.told)]
    _compare_planted(result, found)
    _compare_found(result, found)
    return result


def _walk(source: Source) -> Iterator[Stream | NotExamined]:
    for volume in source.volumes():
        yield from source.walk(volume)


def _sha256(source: Source, stream: Stream) -> str:
    digest = hashlib.sha256()
    reader = source.open_stream(stream.locator)
    for offset in range(0, reader.size, _PIECE):
        digest.update(reader.read_at(offset, _PIECE))
    return digest.hexdigest()


def _compare_planted(result: Result, found: Iterable[Found]) -> None:
    """Look for each planted stream by its content, and under its path."""
    by_path: dict[tuple[str, bytes, str], list[Found]] = {}
    by_content: dict[tuple[str, str], list[Found]] = {}
    for one in found:
        by_path.setdefault((one.volume, one.stream.path, one.sha256), []).append(one)
        by_content.setdefault((one.volume, one.sha256), []).append(one)
    for item in result.image.planted:
        line = result.lines.setdefault(item.planted_class, Line())
        line.planted += 1
        line.recoverable += item.recoverable
        named = _in_state(item, by_path.get((item.volume, item.path, item.sha256), ()))
        seen = named or _in_state(item, by_content.get((item.volume, item.sha256), ()))
        if not item.recoverable:
            line.beyond += seen
            continue
        line.recovered += seen
        line.named += named
        if not seen:
            result.failures.append(f"missed: {_place(item)}")
        elif not named and not item.deleted and not item.name_lost:
            result.failures.append(f"under another name: {_place(item)}")


def _in_state(item: Planted, candidates: Iterable[Found]) -> bool:
    return any((found.stream.allocation is not Allocation.ALLOCATED) == item.deleted for found in candidates)


def _compare_found(result: Result, found: Iterable[Found]) -> None:
    """Look for streams that hold what nobody wrote."""
    contents = {item.sha256 for item in result.image.planted}
    deleted = {(item.volume, item.path) for item in result.image.planted if item.deleted and not item.recoverable}
    for item in found:
        stream = item.stream
        if item.sha256 in contents or not stream.size or _OF_THE_FILE_SYSTEM.match(stream.path):
            continue
        lost = (item.volume, stream.path) in deleted or stream.recovery is Recovery.ASSUMED_CONTIGUOUS
        if stream.allocation is not Allocation.ALLOCATED and lost:
            result.stale += 1
        else:
            result.failures.append(
                f"with bytes that nobody wrote: {stream.locator} {stream.display_path} ({stream.allocation})"
            )


def _place(item: Planted) -> str:
    state = "deleted" if item.deleted else "allocated"
    path = item.path.decode("utf-8", "backslashreplace").encode("unicode_escape").decode()
    return f"{item.volume} {path[:100]} ({item.planted_class}, {state}, {item.size} bytes)"
