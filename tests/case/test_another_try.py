"""What could not be examined waits again when asked for, and what is found then takes the place of what was missing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from forensics.case.findings import FindingRecorder
from forensics.case.reader import CaseReader
from forensics.case.sources import SourceRecorder
from forensics.case.store import CaseStore
from forensics.evidence.stream import NotExamined
from forensics.outcome import ExaminedContent, Outcome, PerceptualState
from forensics.reason import Reason
from tests.case.conftest import content, description, film, picture, stream


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


def test_what_failed_or_was_hashed_in_part_waits_and_nothing_else(
    store: CaseStore, findings: FindingRecorder, source_id: int
) -> None:
    findings.add_outcomes(
        [
            failed(picture(b"1"), Reason.CRASHED),
            outcome(2, picture(b"2", reason=Reason.TIMED_OUT)),
            Outcome(3, 3, Reason.READ_ERROR, "in the way"),
            outcome(4, picture(b"4")),
            Outcome(5, 3, Reason.EXCLUDED_BY_FILTER),
            dataclasses.replace(failed(picture(b"6"), Reason.BENIGN, PerceptualState.SKIPPED), stream_id=6),
        ]
    )
    before = fates(store)
    findings.try_again(source_id, ())
    after = fates(store)
    assert {number for number in after if after[number] == ("pending", None)} == {1, 2, 3}
    assert {number: after[number] for number in (4, 5, 6)} == {number: before[number] for number in (4, 5, 6)}
    known = set(findings.known_contents((), whole_only=True))
    assert known == {each.digests.sha256 for each in (picture(b"4"),)}
    assert set(findings.known_contents(())) == known | {each.digests.sha256 for each in (picture(b"1"), picture(b"2"))}


def test_a_picture_that_is_hashed_now_takes_the_place_of_the_failure(
    store: CaseStore, findings: FindingRecorder, source_id: int
) -> None:
    findings.add_outcomes([failed(picture(b"1"), Reason.CRASHED), outcome(2, picture(b"2", reason=Reason.TIMED_OUT))])
    findings.try_again(source_id, ())
    findings.add_outcomes([outcome(1, picture(b"1")), outcome(2, picture(b"2"))])
    assert store.connection.execute("SELECT perceptual, perceptual_reason, width FROM contents").fetchall() == (
        [("hashed", None, 64)] * 2
    )
    assert store.connection.execute("SELECT count(*) FROM perceptual_hashes").fetchone() == (4,)
    assert list(CaseReader(store).gaps()) == []


def test_what_was_hashed_is_not_lost_to_a_worse_try(
    store: CaseStore, findings: FindingRecorder, source_id: int
) -> None:
    findings.add_outcomes([outcome(1, picture(b"1", reason=Reason.TIMED_OUT))])
    findings.try_again(source_id, ())
    findings.add_outcomes([failed(picture(b"1"), Reason.OUT_OF_MEMORY)])
    assert store.connection.execute("SELECT perceptual, perceptual_reason, width FROM contents").fetchall() == [
        ("hashed", "timed-out", 64)
    ]


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
    findings.try_again(source_id, ())
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
    findings.try_again(source_id, [passing[0]])
    assert not sources.volumes(source_id)[0].walked
    assert {(gap.locator, gap.reason) for gap in CaseReader(store).gaps()} == {
        ("E1/p1", "volume-encrypted"), ("E1/p1/ntfs:9", "read-error")
    }  # fmt: skip


def test_a_volume_without_gaps_is_not(sources: SourceRecorder, findings: FindingRecorder, source_id: int) -> None:
    findings.add_outcomes([outcome(1, content(b"1"))])
    findings.try_again(source_id, ())
    assert sources.volumes(source_id)[0].walked
