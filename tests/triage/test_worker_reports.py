"""What a worker says while it works: a long stream is never taken for a hung worker, whatever came before it."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from forensics.outcome import Outcome
from forensics.reason import Reason
from forensics.triage import worker
from forensics.triage.messages import Examined, WorkerSetup
from forensics.triage.pulse import Pulse


def test_a_long_stream_is_told_of_though_outcomes_before_it_wait(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours, theirs = multiprocessing.Pipe()
    at_work = worker._Worker(theirs, Pulse(), WorkerSetup(tmp_path, ()))
    at_work._outcomes.append(Outcome(1, 3, Reason.READ_ERROR))
    at_work._count_bytes(10)
    assert not ours.poll()
    monkeypatch.setattr(worker, "REPORT_SECONDS", 0)
    at_work._count_bytes(0)
    at_work._count_bytes(0)
    assert ours.poll(5)
    first, second = ours.recv(), ours.recv()
    assert isinstance(first, Examined)
    assert ([each.stream_id for each in first.outcomes], first.bytes_read) == ([1], 10)
    assert second == Examined((), 0)
