"""What a scan finds is written once, adds up, and can be taken up again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from forensics.case.findings import FindingRecorder
from forensics.case.reader import CaseReader
from forensics.case.recorder import ScanRecorder
from forensics.case.sources import SourceRecorder
from forensics.case.status import status, status_lines
from forensics.case.store import CaseStore
from forensics.case.stream_plan import PAGE, Everything, Placement
from forensics.errors import CaseError
from forensics.evidence.stream import NotExamined
from forensics.outcome import Outcome
from forensics.reason import Reason
from tests.case.conftest import EXAMINER, content, description, exact_match, known_set, picture, stream


@pytest.fixture
def source_id(sources: SourceRecorder, tmp_path: Path) -> int:
    return sources.register(description(tmp_path / "disk.raw"), None, None).id


def walk(sources: SourceRecorder, findings: FindingRecorder, source_id: int, *items: object) -> None:
    volume = sources.volumes(source_id)[0]
    findings.add_walked(source_id, volume.id, items, last=True)  # type: ignore[arg-type]


def test_streams_come_back_in_physical_order_and_those_without_a_place_last(
    sources: SourceRecorder, findings: FindingRecorder, source_id: int
) -> None:
    streams = [stream(n, offset=None if n % 3 == 0 else (7919 * n) % 100_003) for n in range(2 * PAGE + 10)]
    walk(sources, findings, source_id, *streams)
    placed = sorted((s for s in streams if s.physical_offset is not None), key=lambda s: s.physical_offset or 0)
    expected = [str(s.locator) for s in placed] + [str(s.locator) for s in streams if s.physical_offset is None]
    assert [pending.locator for pending in findings.pending(source_id)] == expected


def test_classes_come_before_places(sources: SourceRecorder, findings: FindingRecorder, source_id: int) -> None:
    class Plan(Everything):
        def place(self, path: bytes, size: int, allocation: str) -> Placement:
            return Placement(path[0] - ord("a"))

    names = [b"c", b"a", b"b", b"a", b"c", b"b"]
    volume = sources.volumes(source_id)[0]
    items = [stream(n, name, offset=None if n == 1 else 1000 - n) for n, name in enumerate(names)]
    findings.add_walked(source_id, volume.id, items, last=True, plan=Plan())
    order = [int(pending.locator.split(":")[1].split("-")[0]) for pending in findings.pending(source_id)]
    assert order == [3, 1, 5, 2, 4, 0]


def test_pending_streams_can_be_worked_off_while_they_are_listed(
    sources: SourceRecorder, findings: FindingRecorder, source_id: int
) -> None:
    walk(sources, findings, source_id, *(stream(n, offset=n) for n in range(2 * PAGE)))
    seen = []
    for pending in findings.pending(source_id):
        seen.append(pending.id)
        findings.add_outcomes([Outcome(pending.id, 3, Reason.READ_ERROR)])
    assert len(seen) == len(set(seen)) == 2 * PAGE
    assert findings.pending_totals(source_id) == (0, 0)


def test_a_walk_done_twice_changes_nothing(sources: SourceRecorder, findings: FindingRecorder, source_id: int) -> None:
    items = (stream(1), stream(2, b"b"), stream(2, b"hard link"), NotExamined("E1/p1", Reason.WALK_LIMIT))
    walk(sources, findings, source_id, *items)
    walk(sources, findings, source_id, *items)
    case = CaseReader(CaseStore.open(sources._store.path, read_only=True))
    assert case.stream_counts().seen == 3
    assert [gap.locator for gap in case.gaps()] == ["E1/p1"]
    case.close()


def test_names_that_are_no_text_are_kept_byte_for_byte(
    store: CaseStore, sources: SourceRecorder, findings: FindingRecorder, source_id: int
) -> None:
    names = [b"caf\xe9.jpg", b"caf\\xe9.jpg", "café\u202egpj.exe".encode(), b"plain.jpg"]
    walk(sources, findings, source_id, *(stream(n, name) for n, name in enumerate(names)))
    rows = store.connection.execute("SELECT path, path_bytes FROM streams ORDER BY id").fetchall()
    assert [bytes.fromhex(hexadecimal) if hexadecimal else path.encode() for path, hexadecimal in rows] == names
    assert all(path.isprintable() for path, _ in rows)


def test_coverage_adds_up_in_every_state(
    store: CaseStore, sources: SourceRecorder, findings: FindingRecorder, source_id: int
) -> None:
    walk(sources, findings, source_id, *(stream(n) for n in range(1, 6)))
    ids = [pending.id for pending in findings.pending(source_id)]
    known = content(b"abc", exact_match("n"), exact_match("b", 2))
    findings.add_outcomes(
        [
            Outcome(ids[0], 3, sha256=known.digests.sha256, content=known),
            Outcome(ids[1], 3, sha256=known.digests.sha256),
            Outcome(ids[2], 3, Reason.SHORT_READ, "1 of 3 bytes"),
        ]
    )
    document = status(CaseReader(store))
    assert document["streams"] == {"seen": 5, "hashed": 2, "skipped": 0, "failed": 1}
    assert document["pending"] == 2
    assert document["complete"] is False
    assert document["hits"] == {"exact": 2, "near": 0, "similar": 0}
    assert document["benign_streams"] == 2
    assert document["conflicts"] == 1
    assert document["not_examined"] == [
        {"locator": "E1/p1/ntfs:3-128-1", "reason": "short-read", "detail": "1 of 3 bytes"}
    ]
    text = "\n".join(status_lines(document))
    assert "NOT complete" in text
    assert "5 seen = 2 hashed + 0 skipped + 1 failed + 2 pending" in text


def test_an_outcome_that_rests_on_an_unknown_content_is_sent_back(
    store: CaseStore, sources: SourceRecorder, findings: FindingRecorder, source_id: int
) -> None:
    walk(sources, findings, source_id, stream(1))
    (pending,) = findings.pending(source_id)
    assert findings.add_outcomes([Outcome(pending.id, 3, sha256="f" * 64)]) == [pending.id]
    assert findings.pending_totals(source_id) == (1, 3)


def test_of_two_outcomes_of_one_stream_the_first_stands(
    store: CaseStore, sources: SourceRecorder, findings: FindingRecorder, source_id: int
) -> None:
    walk(sources, findings, source_id, stream(1), stream(2))
    first, second = (pending.id for pending in findings.pending(source_id))
    known, other = content(b"abc"), content(b"abd")
    hashed = [Outcome(first, 3, sha256=each.digests.sha256, content=each) for each in (known, other)]
    failed = Outcome(first, 3, Reason.READ_ERROR)
    assert findings.add_outcomes([*hashed, failed]) == []
    assert (
        findings.add_outcomes([Outcome(second, 3, Reason.SHORT_READ), dataclasses.replace(hashed[1], stream_id=second)])
        == []
    )
    assert store.connection.execute("SELECT state, reason, content FROM streams ORDER BY id").fetchall() == [
        ("hashed", None, known.digests.sha256),
        ("failed", "short-read", None),
    ]


def test_outcomes_written_at_once_are_those_written_one_by_one(tmp_path: Path) -> None:
    digests: set[str] = set()
    for at_once in (1, 7, 500):
        sent_back: list[int] = []
        with CaseStore.create(tmp_path / f"{at_once}.case", "1", EXAMINER, None, []) as store:
            recorder, findings = ScanRecorder(store, EXAMINER), FindingRecorder(store)
            recorder.begin("scan", "standard", {}, {}, [known_set("n")])
            sources = SourceRecorder(store, EXAMINER, recorder.scan_id)
            source_id = sources.register(description(tmp_path / f"{at_once}.raw"), None, None).id
            walk(sources, findings, source_id, *(stream(n, offset=n) for n in range(500)))
            outcomes = [_outcome(pending.id, n) for n, pending in enumerate(findings.pending(source_id))]
            for start in range(0, len(outcomes), at_once):
                sent_back += findings.add_outcomes(outcomes[start : start + at_once])
            digests.add(CaseReader(store).logical_digest())
            assert sent_back == [outcome.stream_id for outcome in outcomes[2::7]]
            assert store.connection.execute("SELECT state, count(*) FROM streams GROUP BY 1").fetchall() == [
                ("failed", 72), ("hashed", 284), ("pending", 72), ("skipped", 72),
            ]  # fmt: skip
    assert len(digests) == 1


def _outcome(stream_id: int, number: int) -> Outcome:
    """One of each kind in turn: left out, failed, resting on nothing, with hashes and matches, known, new."""
    if number % 7 == 0:
        return Outcome(stream_id, 3, Reason.EXCLUDED_BY_PROFILE)
    if number % 7 == 1:
        return Outcome(stream_id, 3, Reason.READ_ERROR, "at byte 0")
    if number % 7 == 2:
        return Outcome(stream_id, 3, sha256=f"{number:064x}")
    examined = (
        picture(b"%d" % number, exact_match("n", number)) if number % 7 == 3 else content(b"%d" % (number // 100))
    )
    known = number % 7 == 4 and number % 100 > 50
    return Outcome(stream_id, 3, sha256=examined.digests.sha256, content=None if known else examined)


def test_the_same_evidence_elsewhere_gives_the_same_logical_digest(tmp_path: Path) -> None:
    digests = set()
    for number, order in enumerate(([0, 1, 2], [2, 0, 1])):
        path = tmp_path / f"{number}.case"
        with CaseStore.create(path, "1", EXAMINER, None, []) as store:
            recorder, findings = ScanRecorder(store, EXAMINER), FindingRecorder(store)
            recorder.begin("scan", "standard", {}, {"host": "x", "process": 1}, [known_set("n")])
            sources = SourceRecorder(store, EXAMINER, recorder.scan_id)
            source_id = sources.register(description(tmp_path / f"{number}.raw"), None, None).id
            walk(sources, findings, source_id, *(stream(n, offset=n) for n in range(3)))
            ids = [pending.id for pending in findings.pending(source_id)]
            for n in order:
                known = content(bytes([n]), exact_match("n", n + 1))
                findings.add_outcomes([Outcome(ids[n], 3, sha256=known.digests.sha256, content=known)])
            digests.add(CaseReader(store).logical_digest())
            store.connection.execute("UPDATE hits SET distance = 1 WHERE position = 1")
            digests.add(CaseReader(store).logical_digest())
    assert len(digests) == 2


def test_a_scan_whose_process_is_gone_is_marked_interrupted(store: CaseStore, recorder: ScanRecorder) -> None:
    store.connection.execute("""UPDATE scans SET environment = '{"host":"elsewhere","process":1}'""")
    recorder.begin("scan", "standard", {}, {"host": "x", "process": 1}, [])
    states = [row["state"] for row in CaseReader(store).scans()]
    assert states == ["interrupted", "running"]


def test_contents_are_caught_up_with_sets_they_were_not_matched_against(
    store: CaseStore, recorder: ScanRecorder, findings: FindingRecorder, source_id: int
) -> None:
    assert recorder.sets_to_catch_up([known_set("n")]) == []  # no content yet
    walk(SourceRecorder(store, EXAMINER, recorder.scan_id), findings, source_id, stream(1))
    (pending,) = findings.pending(source_id)
    known = content(b"abc")
    findings.add_outcomes([Outcome(pending.id, 3, sha256=known.digests.sha256, content=known)])
    recorder.begin("scan", "standard", {}, {}, [known_set("n"), known_set("new")])
    assert recorder.sets_to_catch_up([known_set("n"), known_set("new")]) == ["new"]
    assert [c.digests for c in findings.contents_after("", 10)] == [known.digests]


def test_what_the_schema_refuses_is_heard_of_and_not_passed_over(
    sources: SourceRecorder, findings: FindingRecorder, source_id: int
) -> None:
    with pytest.raises(CaseError, match="CHECK"):
        walk(sources, findings, source_id, stream(1, size=-16))


def test_totals_hold_sizes_beyond_64_bits(
    store: CaseStore, sources: SourceRecorder, findings: FindingRecorder, source_id: int
) -> None:
    walk(sources, findings, source_id, *(stream(n, size=2**63 - 1) for n in range(3)))
    assert findings.pending_totals(source_id) == (3, 2**63 - 1)
    findings.add_outcomes([Outcome(pending.id, 0, Reason.READ_ERROR) for pending in findings.pending(source_id)])
    assert status(CaseReader(store))["streams"]["failed"] == 3


def test_matches_are_recorded_though_another_scan_stored_the_content_meanwhile(
    store: CaseStore, sources: SourceRecorder, findings: FindingRecorder, source_id: int
) -> None:
    walk(sources, findings, source_id, stream(1), stream(2))
    first, second = findings.pending(source_id)
    plain, matched = content(b"abc"), content(b"abc", exact_match("n"))
    findings.add_outcomes([Outcome(first.id, 3, sha256=plain.digests.sha256, content=plain)])
    findings.add_outcomes([Outcome(second.id, 3, sha256=matched.digests.sha256, content=matched)])
    assert CaseReader(store).hit_counts()["exact"] == 2


def test_the_same_list_imported_again_stays_the_set_it_was(store: CaseStore, recorder: ScanRecorder) -> None:
    again = dataclasses.replace(known_set("n"), uuid="n-again")
    recorder.begin("match", None, {}, {}, [again])
    assert recorder.set_uuids == {"n": "n", "b": "b", "n-again": "n"}
    findings = FindingRecorder(store, recorder.set_uuids)
    known = content(b"abc")
    with store.transaction():
        findings._add_contents([known])
        findings.add_matches(known.digests.sha256, [exact_match("n"), exact_match("n-again")])
    assert store.connection.execute("SELECT count(*) FROM hits").fetchone() == (1,)
