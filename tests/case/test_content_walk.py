"""Contents with their entries and streams, against the list of hits."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from forensics.case.content_walk import Scope, walk_contents, walk_streams
from forensics.case.reader import CaseReader
from forensics.evidence.stream import Allocation
from forensics.outcome import PerceptualState
from hashsets.match import Tier
from tests.reports.conftest import BENIGN, NOTABLE, OTHER, NewCase, match, new_case, sample_case

__all__ = ["new_case", "sample_case"]


def test_what_was_hit_is_what_the_hits_say(sample_case: Path) -> None:
    with CaseReader.open(sample_case) as case:
        entries, streams = defaultdict(set), defaultdict(set)
        for hit in case.hits():
            entries[hit.sha256].add((hit.set_uuid, hit.position, hit.category, hit.tier, hit.distance, hit.reference))
            streams[hit.sha256].add((hit.locator, hit.stored_path, hit.allocation, hit.modified))
        walked = []
        for content in walk_contents(case.query, Scope.HITS):
            walked.append(content.sha256)
            assert entries[content.sha256] == {
                (one.set_uuid, one.position, one.category, one.tier, one.distance, one.reference)
                for one in content.matches
            }
            assert streams[content.sha256] == {
                (one.locator, one.stored_path, one.allocation, one.modified) for one in content.streams
            }
    assert walked == sorted(entries)


def test_streams_that_nobody_reads_do_not_get_into_the_next_content(sample_case: Path) -> None:
    with CaseReader.open(sample_case) as case:
        every = {content.sha256: list(content.streams) for content in walk_contents(case.query, Scope.ALL)}
        some = {
            content.sha256: list(content.streams)
            for number, content in enumerate(walk_contents(case.query, Scope.ALL))
            if number % 3 == 0
        }
    assert some.items() <= every.items()
    assert all(every.values())


def test_scopes_hold_what_they_say(new_case: NewCase) -> None:
    writer = new_case()
    nothing = PerceptualState.NOT_APPLICABLE
    writer.add(b"hit.jpg", b"hit", match(NOTABLE, 1))
    writer.add(b"hit.txt", b"hit text", match(NOTABLE, 2), picture=nothing)
    writer.add(b"free.jpg", b"free")
    writer.add(b"benign.jpg", b"benign", match(BENIGN, 1))
    writer.add(b"free.txt", b"free text", picture=nothing)
    with CaseReader.open(writer.finish()) as case:
        paths = {
            scope: {stream.path for content in walk_contents(case.query, scope) for stream in content.streams}
            for scope in Scope
        }
    assert paths == {
        Scope.HITS: {"hit.jpg", "hit.txt"},
        Scope.MEDIA: {"hit.jpg", "hit.txt", "free.jpg", "benign.jpg"},
        Scope.ALL: {"hit.jpg", "hit.txt", "free.jpg", "benign.jpg", "free.txt"},
        Scope.UNMATCHED_MEDIA: {"free.jpg"},
    }


def test_the_streams_of_a_volume_come_by_locator_each_with_its_content(sample_case: Path) -> None:
    with CaseReader.open(sample_case) as case:
        walked = [
            (stream.locator, stream.path, content.sha256, len(content.matches))
            for stream, content in walk_streams(case.query, Scope.HITS, "E1", "p1")
        ]
        counts: dict[tuple[str, str, str], int] = defaultdict(int)
        for hit in case.hits():
            counts[hit.locator, hit.path, hit.sha256] += 1
    assert walked == [(*key, count) for key, count in sorted(counts.items())]


def test_only_a_sound_exact_match_gives_a_content_a_category(new_case: NewCase) -> None:
    writer = new_case()
    writer.add(b"1", b"exact", match(NOTABLE, 1, category="1"), match(OTHER, 1, category="1"))
    writer.add(b"2", b"two say two things", match(NOTABLE, 2, category="1"), match(OTHER, 2, category="2"))
    writer.add(b"3", b"near", match(NOTABLE, 3, Tier.NEAR, 3, category="1"))
    writer.add(b"4", b"none", match(NOTABLE, 4, category=None))
    writer.add(b"5", b"contradicts", match(NOTABLE, 5, category="1", disagreeing=("sha1",)))
    writer.add(b"6", b"retracted", match(NOTABLE, 6, category="1", attributes={"retracted": "2026-01-01"}))
    writer.add(b"7", b"deleted", match(NOTABLE, 7, category="3"), allocation=Allocation.DELETED)
    with CaseReader.open(writer.finish()) as case:
        found = {next(content.streams).path: content.categories for content in walk_contents(case.query, Scope.HITS)}
    national, other = "vics-2.0-mx", "vics-2.0-mx"
    assert found == {
        "1": {(national, "1"), (other, "1")},
        "2": {(national, "1"), (other, "2")},
        "3": set(), "4": set(), "5": set(), "6": set(),
        "7": {(national, "3")},
    }  # fmt: skip
