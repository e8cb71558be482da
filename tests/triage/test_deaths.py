"""Whatever a file does to the worker that decodes it: it is hashed and listed, and nothing else is lost."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from forensics.case.reader import CaseReader
from forensics.case.status import status
from forensics.reason import Reason
from forensics.triage.plan import Task
from forensics.triage.pool import Died, Limits
from forensics.triage.progress import NoDisplay, Phase
from forensics.triage.scan import ScanResult
from forensics.triage.suspects import after_death
from tests.conftest import Evidence
from tests.triage import hostile_disk
from tests.triage.hostile_disk import SPARSE_FILE, HostileDisk
from tests.triage.processes import workers
from tests.triage.traps import TRAPS, install_traps

SOON = Limits(decoding_seconds=3, idle_seconds=3)
RunScan = Callable[..., ScanResult]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> HostileDisk:
    return hostile_disk.build(tmp_path_factory.mktemp("hostile"), dict.fromkeys(TRAPS, 1), others=31, innocents=40)


def logical_digest(case: Path) -> str:
    with CaseReader.open(case) as reader:
        return reader.logical_digest()


def test_every_hostile_stream_is_listed_with_its_reason_and_all_others_are_hashed(
    run_scan: RunScan, hostile: HostileDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(install_traps(tmp_path / "plugin"))
    result = run_scan("a.case", hostile.image, jobs=2, limits=SOON)
    assert (result.errors, result.problems, result.gaps) == ((), (), True)
    with CaseReader.open(tmp_path / "a.case") as case:
        streams = {row["path"].rpartition("/")[2]: row for row in case._rows("SELECT * FROM streams")}
        contents = {row["sha256"]: row for row in case._rows("SELECT * FROM contents")}
        hashes = list(case._rows("SELECT * FROM perceptual_hashes"))
        document = status(case)
    assert {name: streams[name]["content"] for name in hostile.sha256} == hostile.sha256
    assert (streams[SPARSE_FILE]["state"], streams[SPARSE_FILE]["reason"]) == ("skipped", "sparse")
    listed = {(gap["locator"], gap["reason"]) for gap in document["not_examined"]}
    for name, reason in hostile.traps.items():
        content = contents[streams[name]["content"]]
        # the trap is a plug-in's hasher: the hashes made before it are kept
        assert (name, content["perceptual"], content["perceptual_reason"]) == (name, "hashed", reason)
        assert (streams[name]["locator"], reason) in listed
        assert {row["algorithm"] for row in hashes if row["content"] == content["sha256"]} == {"pdq", "phash"}
    for name in hostile.sha256.keys() - hostile.hostile:
        expected = ("hashed", None) if name.endswith(".jpg") else ("not-applicable", None)
        content = contents[streams[name]["content"]]
        assert (content["perceptual"], content["perceptual_reason"]) == expected
    counts = document["streams"]
    assert counts["seen"] == counts["hashed"] + counts["skipped"] + counts["failed"]
    assert document["pending"] == 0


class KillingDisplay(NoDisplay):
    """Kills a worker once, when so many streams have been examined."""

    def __init__(self, streams: int) -> None:
        super().__init__()
        self.streams = streams
        self.has_killed = False

    def show(self, *, changed: bool) -> None:
        if self.state.phase is Phase.EXAMINING and self.state.streams_done >= self.streams and not self.has_killed:
            self.has_killed = True
            os.kill(workers()[-1], signal.SIGKILL)


@pytest.mark.parametrize("streams", [0, 1, 30])
def test_a_worker_killed_by_hand_costs_nothing(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path, streams: int
) -> None:
    """What a stream is taken to have done is tried once more: chance must not decide what is found."""
    run_scan("whole.case", evidence.image)
    display = KillingDisplay(streams)
    run_scan("a.case", evidence.image, display=display, jobs=1)
    assert display.has_killed
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "whole.case")


class CountingDisplay(NoDisplay):
    """Notes which workers there were."""

    def __init__(self) -> None:
        super().__init__()
        self.workers: set[int] = set()

    def show(self, *, changed: bool) -> None:
        self.workers.update(workers())


def test_workers_are_replaced_after_so_many_units_and_when_they_hold_much_memory(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_scan("whole.case", evidence.image)
    monkeypatch.setattr("forensics.triage.plan.UNIT_STREAMS", 13)
    for case, limits, least in (
        ("usual", Limits(), 1),
        ("units", Limits(units=2, units_least=0), 3),
        ("memory", Limits(memory=0, units_least=0), 5),
    ):
        display = CountingDisplay()
        run_scan(f"{case}.case", evidence.image, limits=limits, display=display, jobs=1)
        assert (len(display.workers) == 1) if least == 1 else (len(display.workers) >= least), case
        assert logical_digest(tmp_path / f"{case}.case") == logical_digest(tmp_path / "whole.case")


def test_time_in_which_the_coordinator_stood_still_does_not_count(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after Ctrl-Z, or when the machine slept."""
    run_scan("whole.case", evidence.image)
    jumping = itertools.count(0, 100_000)
    clock = SimpleNamespace(monotonic=lambda: next(jumping), clock_gettime=time.clock_gettime)
    monkeypatch.setattr("forensics.triage.pool.time", clock)
    run_scan("a.case", evidence.image, jobs=2)
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "whole.case")


# Which stream is to blame


TASKS = {number: Task(number, f"E1/p0/ext:{number}-1-0", 10) for number in range(1, 6)}


def test_the_stream_that_the_worker_was_at_stands_alone_and_the_others_go_on() -> None:
    consequence = after_death(Died(Reason.CRASHED, "signal 6", decoding=True, stream=3), TASKS)
    assert [[task.stream_id for task in unit.tasks] for unit in consequence.units] == [[1, 2, 4, 5], [3]]
    assert consequence.outcomes == ()
    (alone,) = consequence.units[1].tasks
    assert (alone.deaths, alone.undecoded) == (1, None)


def test_who_ends_two_workers_is_read_without_a_decoder_and_then_given_up() -> None:
    died = Died(Reason.CRASHED, "signal 11", decoding=True, stream=3)
    waiting = {3: Task(3, "E1/p0/ext:3-1-0", 10, deaths=1)}
    ((task,),) = (unit.tasks for unit in after_death(died, waiting).units)
    assert task.undecoded is Reason.CRASHED
    given_up = after_death(died, {3: task})
    assert given_up.units == ()
    assert [(each.stream_id, each.reason, each.detail) for each in given_up.outcomes] == [(3, "crashed", "signal 11")]


def test_what_went_well_before_is_done_once_more_and_no_further() -> None:
    died = Died(Reason.CRASHED, "signal 11", decoding=True, stream=3, steps=5)
    ((task,),) = (unit.tasks for unit in after_death(died, {3: Task(3, "E1/p0/ext:3-1-0", 10, deaths=1)}).units)
    assert (task.undecoded, task.steps) == (Reason.CRASHED, 5)
    ((task,),) = (unit.tasks for unit in after_death(died, {3: task}).units)
    assert (task.undecoded, task.steps) == (Reason.CRASHED, 0)


def test_a_decoder_that_met_its_limit_is_not_called_again() -> None:
    died = Died(Reason.TIMED_OUT, "decoding did not end", decoding=True, stream=3)
    ((task,),) = (unit.tasks for unit in after_death(died, {3: TASKS[3]}).units)
    assert task.undecoded is Reason.TIMED_OUT


@pytest.mark.parametrize("reason", [Reason.CRASHED, Reason.TIMED_OUT])
def test_what_cannot_even_be_read_is_given_up(reason: Reason) -> None:
    waiting = {3: Task(3, "E1/p0/ext:3-1-0", 10, deaths=1)}
    assert after_death(Died(reason, "", decoding=False, stream=3), waiting).outcomes[0].reason is reason


@pytest.mark.parametrize("said", [0, 99, -1])
def test_without_a_word_of_the_worker_the_unit_is_halved(said: int) -> None:
    consequence = after_death(Died(Reason.CRASHED, "", decoding=True, stream=said), TASKS)
    assert [[task.stream_id for task in unit.tasks] for unit in consequence.units] == [[1, 2], [3, 4, 5]]
