"""Workers: what the first finds out the others are told, and no job is lost."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

import pytest

from forensics.evidence.keys import Keyring
from forensics.evidence.stream import Stream
from forensics.triage.messages import (
    DescribeJob,
    Done,
    Examined,
    ExamineJob,
    Job,
    Message,
    SourceAccess,
    VerifyJob,
    Walked,
    WalkJob,
    WorkerSetup,
)
from forensics.triage.plan import Task, Unit
from forensics.triage.pool import QUEUED_BYTES, QUEUED_UNITS, Died, WorkerPool
from forensics.triage.seen import SeenContents
from tests.conftest import Evidence

SEEN = "nothing"


def answers(pool: WorkerPool, job: Job) -> list[Message | Died]:
    pool.submit(job)
    found: list[Message | Died] = []
    while pool.busy:
        found.extend(message for _, message in pool.messages())
    return found


def reads(pid: int | None) -> int:
    """How often a process has asked the system to read."""
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    return next(int(line.partition(": ")[2]) for line in lines if line.startswith("syscr"))


def test_a_worker_does_not_search_again_for_the_lost_file_systems_another_has_found(
    evidence: Evidence, tmp_path: Path
) -> None:
    path = tmp_path / "disk.raw"
    with path.open("xb") as file:
        file.truncate(1 << 30)
        file.seek(512 << 20)
        file.write(evidence.image.read_bytes())
    access = SourceAccess(path, "E1", Keyring(), deep=False)
    with WorkerPool(1, WorkerSetup(tmp_path / "library", (), readable=(tmp_path,))) as pool:
        first = pool._members[0].process.pid
        before = reads(first)
        answers(pool, DescribeJob(access))
        searching = reads(first) - before
        pool._replace(pool._members[0])
        second = pool._members[0].process.pid
        before = reads(second)
        walked = answers(pool, WalkJob(access, f"p0/lost{(512 << 20) // 512}"))
        assert sum(len(message.items) for message in walked if isinstance(message, Walked)) >= len(evidence.md5)
        assert second != first
        assert searching - (reads(second) - before) > 700


def units_of(pool: WorkerPool, access: SourceAccess, count: int) -> list[ExamineJob]:
    """The streams of the sample disk in so many units."""
    answers(pool, DescribeJob(access))
    walked = answers(pool, WalkJob(access, "p0"))
    items = [item for message in walked if isinstance(message, Walked) for item in message.items]
    streams = [item for item in items if isinstance(item, Stream) and item.not_hashable is None]
    tasks = [Task(number, str(each.locator), each.size) for number, each in enumerate(streams, start=1)]
    length = -(-len(tasks) // count)
    return [ExamineJob(access, Unit(tuple(tasks[at : at + length])), SEEN) for at in range(0, len(tasks), length)]


def worked_off(pool: WorkerPool, jobs: list[ExamineJob], kill_at: int | None = None) -> dict[Job, list[Message | Died]]:
    """What is said of jobs that are given ahead as far as there is room."""
    waiting, said = list(jobs), dict[Job, list[Message | Died]]()
    while waiting or pool.busy:
        while waiting and pool.has_room:
            pool.submit(waiting.pop(0))
        for job, message in pool.messages():
            said.setdefault(job, []).append(message)
            if kill_at is not None and len(said) == kill_at:
                kill_at = None
                pool._members[0].process.kill()
    return said


@pytest.mark.parametrize("kill_at", [None, 2])
def test_units_given_ahead_are_done_in_their_order_and_none_is_lost_with_its_worker(
    evidence: Evidence, tmp_path: Path, kill_at: int | None
) -> None:
    access = SourceAccess(evidence.image, "E1", Keyring(), deep=False)
    setup = WorkerSetup(tmp_path / "library", (), readable=(evidence.image.parent,))
    with closing(SeenContents.create(10_000)) as seen, WorkerPool(1, setup) as pool:
        jobs = [replace(job, seen=seen.name) for job in units_of(pool, access, 12)]
        said = worked_off(pool, jobs, kill_at)
    outcomes = [
        outcome.stream_id
        for messages in said.values()
        for message in messages
        if isinstance(message, Examined)
        for outcome in message.outcomes
    ]
    died = [job for job, messages in said.items() if isinstance(messages[-1], Died)]
    done = [job for job, messages in said.items() if isinstance(messages[-1], Done)]
    assert [*said] == jobs
    assert len(died) <= (0 if kill_at is None else 1)  # none where it was killed between two
    assert len(done) + len(died) == len(jobs)
    whole = {task.stream_id for job in done if isinstance(job, ExamineJob) for task in job.unit.tasks}
    assert whole <= set(outcomes)
    assert len(outcomes) == len(set(outcomes))


def test_a_worker_is_given_little_ahead(evidence: Evidence, tmp_path: Path) -> None:
    access = SourceAccess(evidence.image, "E1", Keyring(), deep=False)

    def unit(size: int) -> ExamineJob:
        return ExamineJob(access, Unit((Task(1, "E1/p0/ntfs:5-128-1", size),)), SEEN)

    with WorkerPool(1, WorkerSetup(tmp_path / "library", (), readable=(evidence.image.parent,))) as pool:
        for _ in range(QUEUED_UNITS):
            assert pool.has_room
            pool.submit(unit(10))
        assert not pool.has_room
        pool.reset()
        pool.submit(unit(QUEUED_BYTES))
        assert not pool.has_room
        pool.reset()
        pool.submit(VerifyJob(access))
        assert not pool.has_room


def test_a_worker_that_ends_in_the_middle_of_a_message_is_one_that_died(evidence: Evidence, tmp_path: Path) -> None:
    access = SourceAccess(evidence.image, "E1", Keyring(), deep=False)
    with WorkerPool(1, WorkerSetup(tmp_path / "library", (), readable=(evidence.image.parent,))) as pool:
        answers(pool, DescribeJob(access))
        member = pool._members[0]
        ours, theirs = Pipe()
        # what multiprocessing sends of a message of 1,000 bytes before the sender is killed
        os.write(theirs.fileno(), (1000).to_bytes(4, "big") + b"begun")
        member.connection.close()
        member.connection = ours
        member.jobs.append(WalkJob(access, "p0"))
        member.process.kill()
        theirs.close()
        (died,) = [message for _, message in pool.messages(5)]
        assert isinstance(died, Died)
        assert not pool.busy
        assert any(isinstance(message, Walked) for message in answers(pool, WalkJob(access, "p0")))
