"""Totals and the strongest contents, against a plain count over all hits."""

from __future__ import annotations

from pathlib import Path

from forensics.case.reader import CaseReader, Hit
from forensics.case.status import status
from forensics.reports.results import TIERS, gather
from hashsets.match import Tier
from tests.reports.conftest import BENIGN, NOTABLE, OTHER, REFERENCE, NewCase, match


def counted(hits: list[Hit]) -> tuple[int, int, int]:
    return len(hits), len({(hit.locator, hit.path) for hit in hits}), len({hit.sha256 for hit in hits})


def test_totals_are_those_of_the_hits_and_of_status(sample_case: Path) -> None:
    with CaseReader.open(sample_case) as case:
        hits, results = list(case.hits()), gather(case, 100, 100)
        for tier in TIERS:
            tally = results.by_tier[tier]
            of_tier = [hit for hit in hits if hit.tier == tier]
            assert (tally.rows, tally.streams, len(tally.contents)) == counted(of_tier)
            assert tally.rows == status(case)["hits"][tier]
        for key, tally in results.by_set.items():
            mine = [
                hit
                for hit in hits
                if (hit.set_uuid, hit.scheme, hit.category, hit.tier)
                == (key.set_uuid, key.scheme, key.category, key.tier)
            ]
            assert (tally.rows, tally.streams, len(tally.contents)) == counted(mine)
        assert sum(tally.rows for tally in results.by_set.values()) == len(hits)
        assert sum(tally.rows for tally in results.by_exhibit.values()) == len(hits)


def test_contents_are_grouped_with_all_their_entries_and_streams(sample_case: Path) -> None:
    with CaseReader.open(sample_case) as case:
        hits, results = list(case.hits()), gather(case, 100, 100)
    assert results.content_count == len(results.contents) == len({hit.sha256 for hit in hits})
    for found in results.contents:
        mine = [hit for hit in hits if hit.sha256 == found.content.sha256]
        assert {(hit.set_uuid, hit.position) for hit in mine} == {(e.set_uuid, e.position) for e in found.entries}
        assert {hit.locator for hit in mine} == {hit.locator for hit in found.streams}
        assert found.stream_count == len(found.streams)


def test_the_strongest_are_kept_when_there_are_too_many(new_case: NewCase) -> None:
    writer = new_case()
    for number in range(6):
        writer.add(b"s%d" % number, b"similar %d" % number, match(NOTABLE, 10 + number, Tier.SIMILAR, 40))
    writer.add(b"r", b"reference", match(REFERENCE, 1))
    for number in range(3):
        writer.add(b"e%d" % number, b"exact", match(NOTABLE, 1))
    with CaseReader.open(writer.finish()) as case:
        results = gather(case, 2, 2)
    assert results.content_count == 8
    assert [found.content.tier for found in results.contents] == ["exact", "similar"]
    exact = results.contents[0]
    assert (exact.stream_count, len(exact.streams)) == (3, 2)
    assert results.reference_only == 1


def test_a_reference_hit_ranks_after_every_notable_one(new_case: NewCase) -> None:
    writer = new_case()
    writer.add(b"r", b"reference", match(REFERENCE, 1))
    writer.add(b"s", b"similar", match(NOTABLE, 1, Tier.SIMILAR, 40))
    with CaseReader.open(writer.finish()) as case:
        assert [found.content.disposition for found in gather(case, 9, 9).contents] == ["notable", "reference"]


def test_conflicts_are_counted_as_status_counts_them(new_case: NewCase) -> None:
    writer = new_case()
    writer.add(b"a", b"both", match(NOTABLE, 1), match(BENIGN, 1, category=None))
    writer.add(b"b", b"only notable", match(NOTABLE, 2), match(OTHER, 2))
    writer.add(b"c", b"only benign", match(BENIGN, 3, category=None))
    writer.add(b"d", b"two categories", match(NOTABLE, 4, category="1"), match(OTHER, 4, category="2"))
    writer.add(b"e", b"wrong size", match(NOTABLE, 5, disagreeing=("size",)))
    writer.add(b"f", b"reference and benign", match(REFERENCE, 6), match(BENIGN, 6, category=None))
    with CaseReader.open(writer.finish()) as case:
        results = gather(case, 9, 9)
        assert sum(bool(found.benign) for found in results.contents) == case.conflicts() == 1
    assert results.content_count == 5
    assert results.categories_differ == 1
    assert results.digests_disagree == 1
    both = next(found for found in results.contents if found.benign)
    assert [(hit.set_uuid, hit.position) for hit in both.benign] == [(BENIGN, 1)]


def test_a_case_without_hits_has_totals_of_zero(new_case: NewCase) -> None:
    with CaseReader.open(new_case().finish()) as case:
        results = gather(case, 9, 9)
    assert (results.content_count, results.contents, list(results.by_exhibit)) == (0, [], [])
    assert all(tally.rows == tally.streams == len(tally.contents) == 0 for tally in results.by_tier.values())
