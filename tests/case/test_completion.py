"""What can be done better is done again, and what the case holds stands until something better takes its place."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from forensics.case.findings import FindingRecorder
from forensics.case.reader import CaseReader
from forensics.case.recorder import ScanRecorder
from forensics.case.sources import SourceRecorder
from forensics.case.store import CaseStore
from forensics.case.stream_plan import Everything, Placement
from forensics.evidence.stream import NotExamined
from forensics.outcome import ExaminedContent, Outcome, PerceptualState
from forensics.reason import Reason
from hashsets.match import EntryReference, Match, Tier
from tests.case.conftest import content, description, exact_match, film, picture, stream


@pytest.fixture
def source_id(sources: SourceRecorder, findings: FindingRecorder, tmp_path: Path) -> int:
    """A source with six streams, all listed."""
    source_id = sources.register(description(tmp_path / "disk.raw"), None, None).id
    volume = sources.volumes(source_id)[0]
    findings.add_walked(source_id, volume.id, [stream(number) for number in range(1, 7)], last=True)
    return source_id


def outcome(number: int, examined: ExaminedContent) -> Outcome:
    return Outcome(number, 3, sha256=examined.digests.sha256, content=examined)


def failed(examined: ExaminedContent, reason: Reason, state: PerceptualState = PerceptualState.FAILED) -> Outcome:
    content = dataclasses.replace(
        examined, perceptual=state, perceptual_reason=reason, width=None, height=None, perceptual_hashes=(), film=None
    )
    return outcome(1, content)


def fates(store: CaseStore) -> dict[int, tuple[str, str | None]]:
    return {row[0]: row[1:] for row in store.connection.execute("SELECT id, state, reason FROM streams")}


def test_what_failed_waits_and_of_what_was_hashed_in_part_one_stream_is_examined_again(
    store: CaseStore, findings: FindingRecorder, source_id: int
) -> None:
    findings.add_outcomes(
        [
            failed(picture(b"1"), Reason.CRASHED),
            outcome(2, picture(b"2", reason=Reason.TIMED_OUT)),
            Outcome(3, 3, Reason.READ_ERROR, "in the way"),
            outcome(4, picture(b"4")),
            Outcome(5, 3, Reason.EXCLUDED_BY_FILTER),
            Outcome(6, 3, sha256=picture(b"2").digests.sha256),
        ]
    )
    before = fates(store)
    findings.try_again(source_id, "E1", ["p1"], ())
    after = fates(store)
    assert {number for number in after if after[number] != before[number]} == {3}
    assert after[3] == ("pending", None)
    again = findings.incomplete(source_id, ["p1"], (), in_part=True)
    assert {each.id for each in again} in ({1, 2}, {1, 6})
    assert {each.id for each in findings.streams(each.id for each in again)} == {each.id for each in again}
    assert findings.incomplete(source_id, ["p1"], ()) == []
    assert findings.incomplete(source_id, ["p2"], (), in_part=True) == []
    known = set(findings.known_contents((), in_part=True))
    assert known == {picture(b"4").digests.sha256}
    assert set(findings.known_contents(())) == known | {each.digests.sha256 for each in (picture(b"1"), picture(b"2"))}


def test_what_the_scan_leaves_out_is_not_tried_again(
    store: CaseStore, findings: FindingRecorder, source_id: int
) -> None:
    class Nothing(Everything):
        leaves_nothing_out = False

        def place(self, path: bytes, size: int, allocation: str) -> Placement:
            return Placement(0, Reason.EXCLUDED_BY_FILTER)

    findings.add_outcomes([failed(picture(b"1"), Reason.CRASHED), Outcome(2, 3, Reason.READ_ERROR)])
    findings.try_again(source_id, "E1", ["p1"], ())
    findings.choose_again(source_id, Nothing())
    assert fates(store)[2] == ("skipped", "excluded-by-filter")
    assert fates(store)[1] == ("hashed", None)
    assert findings.incomplete(source_id, ["p1"], (), in_part=True, plan=Nothing()) == []


def test_what_failed_in_a_volume_that_cannot_be_opened_now_stays_as_it_is(
    store: CaseStore, findings: FindingRecorder, source_id: int
) -> None:
    findings.add_outcomes([Outcome(1, 3, Reason.READ_ERROR)])
    findings.try_again(source_id, "E1", [], ())
    assert fates(store)[1] == ("failed", "read-error")


def test_a_picture_that_is_hashed_now_takes_the_place_of_the_failure(
    store: CaseStore, findings: FindingRecorder, source_id: int
) -> None:
    findings.add_outcomes([failed(picture(b"1"), Reason.CRASHED), outcome(2, picture(b"2", reason=Reason.TIMED_OUT))])
    assert len(findings.incomplete(source_id, ["p1"], (), in_part=True)) == 2
    findings.add_outcomes([outcome(1, picture(b"1")), outcome(2, picture(b"2"))])
    assert store.connection.execute("SELECT perceptual, perceptual_reason, width FROM contents").fetchall() == (
        [("hashed", None, 64)] * 2
    )
    assert store.connection.execute("SELECT count(*) FROM perceptual_hashes").fetchone() == (4,)
    assert list(CaseReader(store).gaps()) == []


def test_a_nearer_match_of_a_further_view_takes_the_place_of_the_one_found_before(
    store: CaseStore, findings: FindingRecorder, recorder: ScanRecorder, source_id: int
) -> None:
    def match(tier: Tier, distance: int, probe: str) -> Match:
        return Match(EntryReference("n", 7), "pdq", distance, tier, probe)

    assert recorder
    findings.add_outcomes([outcome(1, picture(b"1", match(Tier.SIMILAR, 40, "original"), reason=Reason.CRASHED))])
    findings.add_outcomes([outcome(1, picture(b"1", match(Tier.NEAR, 2, "thumbnail")))])
    findings.add_outcomes([outcome(2, picture(b"1", match(Tier.SIMILAR, 1, "original")))])
    (hit,) = {(hit.tier, hit.distance, hit.probe) for hit in CaseReader(store).hits()}
    assert hit == ("near", 2, "thumbnail")


@pytest.mark.parametrize(
    "worse",
    [
        Outcome(1, 3, Reason.READ_ERROR, "gone"),
        Outcome(1, 3, Reason.CRASHED),
        Outcome(1, 3, Reason.EXCLUDED_BY_PROFILE),
    ],
)
def test_a_worse_try_costs_nothing(
    store: CaseStore, findings: FindingRecorder, recorder: ScanRecorder, source_id: int, worse: Outcome
) -> None:
    """A hit by digest stays a hit though the evidence cannot be read, or is not looked at, the next time."""
    assert recorder
    examined = picture(b"1", exact_match(), reason=Reason.TIMED_OUT)
    findings.add_outcomes([outcome(1, examined)])
    findings.try_again(source_id, "E1", ["p1"], ())
    assert [each.id for each in findings.incomplete(source_id, ["p1"], (), in_part=True)] == [1]
    findings.add_outcomes([worse])
    findings.add_outcomes([failed(picture(b"1"), Reason.OUT_OF_MEMORY)])
    assert store.connection.execute("SELECT perceptual, perceptual_reason, width FROM contents").fetchall() == [
        ("hashed", "timed-out", 64)
    ]
    assert fates(store)[1] == ("hashed", None)
    assert [hit.tier for hit in CaseReader(store).hits()] == ["exact"]


def test_more_frames_of_a_film_take_the_place_of_fewer(
    store: CaseStore, findings: FindingRecorder, source_id: int
) -> None:
    whole = film(b"1")
    assert whole.film is not None
    begun = dataclasses.replace(whole.film.hashed, frames=whole.film.hashed.frames[:2])
    part = dataclasses.replace(
        film(b"1", reason=Reason.CRASHED), film=dataclasses.replace(whole.film, frames=2, hashed=begun)
    )
    findings.add_outcomes([outcome(1, part)])
    findings.add_outcomes([outcome(1, whole)])
    assert store.connection.execute("SELECT frames FROM films").fetchall() == [(whole.film.frames,)]
    assert store.connection.execute("SELECT count(*) FROM film_frames").fetchone() == (5,)
    findings.add_outcomes([outcome(2, part)])
    assert store.connection.execute("SELECT frames FROM films").fetchall() == [(whole.film.frames,)]


def test_a_volume_that_was_listed_with_gaps_is_listed_again(
    store: CaseStore, sources: SourceRecorder, findings: FindingRecorder, source_id: int
) -> None:
    volume = sources.volumes(source_id)[0]
    lasting = NotExamined("E1/p1", Reason.VOLUME_ENCRYPTED, "")
    passing = [NotExamined("E1/p1/ntfs:9", Reason.READ_ERROR, ""), NotExamined("E1/p1", Reason.CRASHED, "")]
    findings.add_walked(source_id, volume.id, [lasting, *passing], last=True)
    findings.try_again(source_id, "E1", [], ())
    assert sources.volumes(source_id)[0].walked
    findings.try_again(source_id, "E1", ["p1"], [passing[0]])
    assert not sources.volumes(source_id)[0].walked
    assert {(gap.locator, gap.reason) for gap in CaseReader(store).gaps()} == {
        ("E1/p1", "volume-encrypted"), ("E1/p1/ntfs:9", "read-error")
    }  # fmt: skip


def test_a_volume_without_gaps_is_not(sources: SourceRecorder, findings: FindingRecorder, source_id: int) -> None:
    findings.add_outcomes([outcome(1, content(b"1"))])
    findings.try_again(source_id, "E1", ["p1"], ())
    assert sources.volumes(source_id)[0].walked


def test_a_film_that_comes_twice_at_once_is_written_as_if_one_after_the_other(
    store: CaseStore, findings: FindingRecorder, source_id: int
) -> None:
    whole = film(b"1")
    assert whole.film is not None
    key_frames = dataclasses.replace(whole, film=dataclasses.replace(whole.film, sampling="key-frames", frames=1))
    begun = dataclasses.replace(whole.film.hashed, frames=whole.film.hashed.frames[:2])
    part = dataclasses.replace(
        film(b"1", reason=Reason.CRASHED), film=dataclasses.replace(whole.film, frames=2, hashed=begun)
    )
    findings.add_outcomes([outcome(1, key_frames)])
    findings.add_outcomes([outcome(2, part), outcome(3, whole)])
    assert store.connection.execute("SELECT frames, sampling FROM films").fetchall() == [(9, "one-a-second")]
    assert store.connection.execute("SELECT perceptual_reason FROM contents").fetchall() == [(None,)]
