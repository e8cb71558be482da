"""Referral for victim identification: pictures and films that no list knows, by metadata only, the likeliest first.

For qualified specialists of the laboratory, who decide what is looked at, and where. The order is one of work, not a
statement on what anything shows:

1. near-duplicates of what notable lists know: the stored PDQ of the picture, or of a sampled frame, lies within 31 bits
   of that of a content with an exact or near match;
2. what lies in a folder with such a content;
3. everything else.

Nothing of names, digests or perceptual hashes is in it. Make and model of the camera, and when a picture was taken, are
not stored in a case: they are ``not-assessed``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple

from forensics.case.content_walk import HoldingStream, Scope, WalkedContent, walk_contents
from forensics.case.reader import CaseReader
from forensics.new_file import refuse_existing
from forensics.reports.csv import write_table
from forensics.reports.exporter import Exporter
from forensics.reports.near_duplicates import NearDuplicate, near_duplicates
from forensics.reports.pseudonym import Pseudonyms
from forensics.reports.recipient import Recipient, require
from hashsets.format import Disposition

COLUMNS = (
    "priority", "why", "content", "kind", "media_type", "size", "width", "height", "duration_ms", "frames",
    "files", "allocated_files", "exhibits", "first_locator", "first_created", "first_modified", "last_modified",
    "camera_make", "camera_model", "taken", "cluster", "distance", "cluster_contents",
)  # fmt: skip
NOT_ASSESSED = "not-assessed"
_WHY = {1: "near-duplicate of a hit", 2: "in a folder with a hit", 3: "unmatched"}


class ReferralExporter(Exporter):
    """Unmatched media by metadata, for the laboratory."""

    name: ClassVar[str] = "referral"

    def export(self, case: CaseReader, output: Path, recipient: Recipient, scope: Scope = Scope.HITS) -> None:  # noqa: ARG002
        """Write the table.

        Raises:
            ReportError: The file exists or cannot be written, the case's key is missing, or the recipient gets nothing
                of contents that were not hit.
        """
        require(recipient, "unmatched", "referral")
        refuse_existing(output)
        referral = _Referral(case)
        write_table(output, COLUMNS, referral.rows())


class _Files(NamedTuple):
    """What the files that hold a content have in common."""

    number: int
    allocated: int
    exhibits: tuple[str, ...]
    first_locator: str
    created: str
    first_modified: str
    last_modified: str
    beside_a_hit: bool


class _Referral:
    """The unmatched media of a case."""

    def __init__(self, case: CaseReader) -> None:
        self._case = case
        self._pseudonyms = Pseudonyms.of_case(case.path)
        self._near = near_duplicates(case.query)
        self._cluster_sizes = Counter(near.hit for near in self._near.values())
        self._folders = _folders_with_hits(case)
        self._films = {
            row["content"]: (row["duration_ms"], row["frames"])
            for row in case.query(
                "SELECT content, duration_ms, frames FROM films WHERE content NOT IN (SELECT content FROM hits)"
            )
        }

    def rows(self) -> Iterator[list[str]]:
        """One row a content; those of one priority after those of the one before, near-duplicates by distance."""
        near = [
            (found.distance, self._row(1, content, self._files_of(content), found))
            for content in walk_contents(self._case.query, Scope.UNMATCHED_MEDIA)
            if (found := self._near.get(content.sha256))
        ]
        yield from (row for _, row in sorted(near))
        # walked again for each priority: neither memory nor a file of what is not shown yet
        for priority in (2, 3):
            for content in walk_contents(self._case.query, Scope.UNMATCHED_MEDIA):
                files = self._files_of(content)
                if content.sha256 not in self._near and files.beside_a_hit == (priority == 2):
                    yield self._row(priority, content, files, None)

    def _files_of(self, content: WalkedContent) -> _Files:
        count = allocated = 0
        exhibits: set[str] = set()
        first_locator = created = first_modified = last_modified = ""
        beside_a_hit = False
        for stream in content.streams:
            first_locator = first_locator or stream.locator
            count += 1
            allocated += stream.allocation == "allocated"
            exhibits.add(stream.exhibit)
            beside_a_hit = beside_a_hit or _folder(stream) in self._folders
            # of times written alike, the text tells which is earlier
            created = min(filter(None, (created, stream.created)), default="")
            first_modified = min(filter(None, (first_modified, stream.modified)), default="")
            last_modified = max(filter(None, (last_modified, stream.modified)), default="")
        return _Files(
            count,
            allocated,
            tuple(sorted(exhibits)),
            first_locator,
            created,
            first_modified,
            last_modified,
            beside_a_hit,
        )

    def _row(self, priority: int, content: WalkedContent, files: _Files, near: NearDuplicate | None) -> list[str]:
        film = self._films.get(content.sha256)
        is_film = film is not None or content.media_type.startswith("video/")
        duration, frames = film or (None, None)
        of_content = [
            str(priority),
            _WHY[priority],
            self._pseudonyms.of_content(content.sha256),
            "film" if is_film else "picture",
            content.media_type,
            *map(_text, (content.size, content.width, content.height, duration, frames)),
        ]
        of_files = [
            str(files.number),
            str(files.allocated),
            " ".join(files.exhibits),
            files.first_locator,
            files.created,
            files.first_modified,
            files.last_modified,
        ]
        of_cluster = ["", "", ""]
        if near is not None:
            of_cluster = [
                self._pseudonyms.of_content(near.hit),
                str(near.distance),
                str(self._cluster_sizes[near.hit]),
            ]
        return [*of_content, *of_files, NOT_ASSESSED, NOT_ASSESSED, NOT_ASSESSED, *of_cluster]


def _folders_with_hits(case: CaseReader) -> set[tuple[str, str, str]]:
    """Folders that hold a content which a notable list knows."""
    return {
        _folder(stream)
        for content in walk_contents(case.query, Scope.HITS)
        if any(match.disposition == Disposition.NOTABLE for match in content.matches)
        for stream in content.streams
    }


def _folder(stream: HoldingStream) -> tuple[str, str, str]:
    return stream.source, stream.volume, stream.path.rpartition("/")[0]


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
