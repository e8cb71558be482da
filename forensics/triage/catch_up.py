"""Matches contents that a case already holds against further sets; the evidence is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from forensics.case.findings import FindingRecorder
from forensics.case.store import CaseStore
from forensics.case.stored_contents import StoredContent
from forensics.triage.progress import Phase, ProgressDisplay
from hashsets.match import Match, combine
from hashsets.matcher import Matcher

BATCH = 5000
"""Contents matched and recorded at a time."""


def match_contents(
    store: CaseStore, findings: FindingRecorder, library: Path, sets: Sequence[str], display: ProgressDisplay
) -> int:
    """Match every content of a case against some sets, by digests and stored perceptual hashes.

    Args:
        store: The case.
        findings: Writes the hits.
        library: Folder of the known-hash sets.
        sets: UUIDs of the sets.
        display: Shows how far it is.

    Returns:
        How many matches were found.
    """
    if not sets:
        return 0
    matcher = Matcher.open(library, sets)
    found, last = 0, ""
    display.phase(Phase.MATCHING)
    while batch := findings.contents_after(last, BATCH):
        exact = matcher.exact([content.digests for content in batch])
        near = matcher.near([content.perceptual_hashes for content in batch])
        films = _film_matches(matcher, batch)
        matched = {
            content.digests.sha256: combine(exact_matches, combine(of_film, near_matches))
            for content, exact_matches, near_matches in zip(batch, exact, near, strict=True)
            if (of_film := films.get(content.digests.sha256, ())) or exact_matches or near_matches
        }
        if matched:
            with store.transaction():
                for sha256, matches in matched.items():
                    findings.add_matches(sha256, matches)
                    found += len(matches)
        last = batch[-1].digests.sha256
        display.advance(streams=len(batch))
    return found


def _film_matches(matcher: Matcher, contents: Sequence[StoredContent]) -> dict[str, tuple[Match, ...]]:
    """Entries that films among some contents match, by SHA-256."""
    films = {content.digests.sha256: content.film for content in contents if content.film is not None}
    return dict(zip(films, matcher.films(list(films.values())), strict=True))
