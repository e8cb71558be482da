"""Worker processes of which no job is lost: a worker that dies or hangs is replaced and its job handed back."""

from __future__ import annotations

import logging
import math
import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import connection as connections
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from forensics.errors import TriageError
from forensics.evidence.lost_file_systems import SearchedArea
from forensics.reason import Reason
from forensics.spawning import ChildProcess, single_threaded_environment, spawn
from forensics.triage.messages import Described, Done, ExamineJob, Job, Message, Refused, WorkerSetup
from forensics.triage.nursery import Nursery, NurseryGoneError
from forensics.triage.pulse import Moment, Pulse, Stage
from forensics.triage.sandbox import Confinement

_log = logging.getLogger(__name__)

CHECK_SECONDS = 0.25
"""How often workers are looked at, and how long is waited for them to say something."""

QUEUED_UNITS, QUEUED_BYTES = 4, 16 * 1024 * 1024
"""So many units of streams a worker is given at most, if it has fewer bytes than that: what it was given ahead it does
while the coordinator writes. Few, for all of them together must fit into the pipe, or both could wait for each other;
and small, lest one worker have much to do in the end and others nothing."""

FALSE_STARTS = 3
"""So many workers in a row that end before they begin to work are no accident."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a worker may go without getting on, and when it is replaced by a fresh one.

    A decoder is measured by the processor's time: it has all it needs in memory, and how busy the machine is must not
    decide what is found. Reading waits for disks and is measured by the clock. Time in which the coordinator itself
    stood still (stopped from the terminal, a sleeping machine) does not count.

    Attributes:
        decoding_seconds: Of the processor, for one view of a picture, or from one read or frame of a film to the next.
        idle_seconds: In which a decoder has used less than a hundredth of them.
        silence_seconds: For everything else.
        units: After so many units of streams a worker is replaced: native libraries leak.
        memory: Bytes of its own that a worker may hold after a unit; beyond that it is replaced.
        units_least: Before so many units it is not, whatever it holds.
    """

    decoding_seconds: float = 120.0
    idle_seconds: float = 180.0
    silence_seconds: float = 600.0
    units: int = 2000
    memory: int = 2**30
    units_least: int = 100


@dataclass(frozen=True, slots=True)
class Died:
    """A worker ended in the middle of a job.

    Attributes:
        reason: ``crashed``, ``timed-out`` (it was killed because it did not get on) or ``out-of-memory``.
        detail: Signal or exit code, or what it did not do.
        decoding: It was in a decoder, not reading.
        stream: Id of the stream it said it was at; 0 for none. A hint: see :mod:`forensics.triage.pulse`.
        steps: How many steps of decoding and hashing that stream it said had gone well.
    """

    reason: Reason
    detail: str
    decoding: bool = False
    stream: int = 0
    steps: int = 0


@dataclass(slots=True, eq=False)
class _Member:
    process: ChildProcess
    connection: Connection
    pulse: Pulse
    jobs: deque[Job] = field(default_factory=deque)  # the one at work, and those it has been given ahead
    units: int = 0
    last: Moment = field(default_factory=lambda: Moment(Stage.STARTING, 0, 0))
    silent: float = 0.0
    processor: float = 0.0

    @property
    def job(self) -> Job | None:
        """The job at work."""
        return self.jobs[0] if self.jobs else None

    @property
    def has_room(self) -> bool:
        """Whether it may be given another job."""
        return not self.jobs or (len(self.jobs) < QUEUED_UNITS and self.load < QUEUED_BYTES)

    @property
    def load(self) -> float:
        """Bytes of the streams that it has been given; what is no unit of streams leaves no room for others."""
        return sum(job.unit.size if isinstance(job, ExamineJob) else math.inf for job in self.jobs)

    def heard(self) -> None:
        """It has said something, or made a step."""
        self.last = self.pulse.look()
        self.silent = 0.0
        self.processor = self.processor_seconds()

    def processor_seconds(self) -> float:
        """Processor time it has used since it was started; no more than before once it has ended."""
        assert self.process.pid is not None  # noqa: S101 - it was started
        with suppress(OSError):
            return time.clock_gettime((~self.process.pid) << 3 | 2)  # as clock_getcpuclockid(3) makes it
        return self.processor

    def own_memory(self) -> int:
        """Bytes that it alone holds, files mapped for reading not counted."""
        with suppress(OSError, ValueError, IndexError):
            pages = Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()
            return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")
        return 0


class WorkerPool:
    """N workers, each with a pipe and a pulse of its own.

    Args:
        size: How many workers.
        setup: What they need to know. How they are confined is decided here.
        limits: See :class:`Limits`.
    """

    def __init__(self, size: int, setup: WorkerSetup, limits: Limits | None = None) -> None:
        self._setup = replace(setup, confinement=Confinement.available(size))
        self._limits = limits or Limits()
        self._checked = time.monotonic()
        self._false_starts = 0
        self._searched: dict[Path, tuple[SearchedArea, ...]] = {}
        self._members: list[_Member] = []
        self._nursery = Nursery.open(self._setup)
        self._fill(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_room(self) -> bool:
        """Whether any worker has no job, or may be given one ahead."""
        return any(member.has_room for member in self._members)

    @property
    def busy(self) -> bool:
        """Whether any worker has a job."""
        return any(member.job is not None for member in self._members)

    def submit(self, job: Job) -> None:
        """Give a job to the worker that has least to do; one must have room."""
        member = min((each for each in self._members if each.has_room), key=lambda each: (len(each.jobs), each.load))
        if not member.jobs and member.process.exitcode is not None:  # no stream of this job has done that
            member = self._replace(member)
        self._give(member, job)

    def _give(self, member: _Member, job: Job) -> None:
        if not member.jobs:
            member.heard()
        member.jobs.append(job)
        # if it has died just now, messages() sees the end of its pipe and hands the job back
        with suppress(BrokenPipeError, ConnectionResetError):
            member.connection.send(self._informed(job))

    def _informed(self, job: Job) -> Job:
        """A job with what the worker that described its source has found out and no other need search for again."""
        return replace(job, source=replace(job.source, searched=self._searched.get(job.source.path)))

    def messages(self, timeout: float = CHECK_SECONDS) -> Iterator[tuple[Job, Message | Died]]:
        """Wait for workers to say something, at most for a while; give everything that has arrived.

        Args:
            timeout: Seconds to wait when nothing is there.

        Raises:
            TriageError: Workers end as they start.
        """
        by_connection = {member.connection: member for member in self._members if member.jobs}
        for ready in connections.wait(list(by_connection), timeout):
            member = by_connection[ready]  # type: ignore[index]
            yield from self._receive(member)
        now = time.monotonic()
        if now - self._checked >= CHECK_SECONDS:
            # a longer pause was one of ours
            passed, self._checked = min(now - self._checked, 4 * CHECK_SECONDS), now
            for member in list(self._members):
                if member.jobs:
                    yield from self._check(member, passed)

    def _receive(self, member: _Member) -> Iterator[tuple[Job, Message | Died]]:
        job = member.job
        assert job is not None  # noqa: S101 - only members with a job are waited for
        try:
            message: Message = member.connection.recv()
        except (EOFError, OSError):  # also in the middle of a message
            yield from self._ended(member, job)
            return
        self._false_starts = 0
        member.heard()
        if isinstance(message, Described):
            self._searched[job.source.path] = message.description.searched
        if isinstance(message, Done | Refused):
            member.jobs.popleft()
            member.units += isinstance(job, ExamineJob)
            if self._is_worn(member):
                self._replace(member)
        yield job, message

    def _ended(self, member: _Member, job: Job) -> Iterator[tuple[Job, Died]]:
        """Replace a worker that has ended, and hand back its job, or do it again if the worker never began.

        What it was given ahead goes to its successor.
        """
        member.process.join(5)
        code, moment = member.process.exitcode, member.pulse.look()
        detail = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        if moment.stage is Stage.STARTING:
            self._false_starts += 1
            if self._false_starts >= FALSE_STARTS:
                raise TriageError("workers end as they start", detail, "check memory and plug-ins with 'tamiz doctor'")
            self._replace(member)
            return
        member.jobs.popleft()
        self._replace(member)
        # nobody but the kernel, short of memory, sends this one; by hand it happens once, and a stream is tried twice
        killed = code == -signal.SIGKILL
        reason = Reason.OUT_OF_MEMORY if killed else Reason.CRASHED
        yield job, Died(reason, detail, moment.stage is Stage.DECODING, moment.stream, moment.steps)

    def _check(self, member: _Member, passed: float) -> Iterator[tuple[Job, Died]]:
        """Kill a worker that does not get on.

        Args:
            member: The worker; it has a job.
            passed: Seconds since it was last looked at.
        """
        if member.pulse.look() != member.last:
            member.heard()
            return
        member.silent += passed
        decoding = member.last.stage is Stage.DECODING
        used = member.processor_seconds() - member.processor
        limits = self._limits
        if not decoding and member.silent > limits.silence_seconds:
            detail = f"silent for {limits.silence_seconds:.0f} s"
        elif decoding and used > limits.decoding_seconds:
            detail = f"decoding did not end within {limits.decoding_seconds:.0f} s of processor time"
        elif decoding and member.silent > limits.idle_seconds and used < member.silent / 100:
            detail = f"decoding stood still for {limits.idle_seconds:.0f} s"
        else:
            return
        job, last = member.jobs.popleft(), member.last
        self._replace(member)
        yield job, Died(Reason.TIMED_OUT, detail, decoding, last.stream, last.steps)

    def _is_worn(self, member: _Member) -> bool:
        """Whether a worker that has just done a job should make room for a fresh one."""
        if member.units < self._limits.units_least:
            return False
        return member.units >= self._limits.units or member.own_memory() > self._limits.memory

    def reset(self) -> None:
        """Drop all jobs and begin with new workers."""
        size = len(self._members)
        self._end_all()
        self._fill(size)

    def close(self) -> None:
        """End all workers at once; what they were doing is still pending in the case."""
        try:
            self._end_all()
        finally:
            if self._nursery is not None:
                self._nursery.close()

    def _end_all(self) -> None:
        for member in self._members:
            member.connection.close()
            member.process.kill()
        for member in self._members:
            member.process.join()
            member.pulse.close()
        self._members.clear()

    def _fill(self, size: int) -> None:
        try:
            for _ in range(size):
                self._members.append(self._start())
        except BaseException:
            self.close()
            raise

    def _replace(self, member: _Member) -> _Member:
        """End a worker, if it has not ended, and start another in its place, which takes over its jobs."""
        moment = member.pulse.look()
        _log.info(
            "worker %s replaced after %d units, %s stream %s",
            member.process.pid, member.units, moment.stage.name.lower(), moment.stream,
        )  # fmt: skip
        member.connection.close()
        member.process.kill()
        member.process.join(5)
        member.pulse.close()
        successor = self._start()
        self._members[self._members.index(member)] = successor
        for job in member.jobs:
            self._give(successor, job)
        return successor

    def _start(self) -> _Member:
        pulse = Pulse()
        try:
            return _Member(*(self._forked(pulse) or self._spawned(pulse)), pulse)
        except BaseException:
            pulse.close()
            raise

    def _forked(self, pulse: Pulse) -> tuple[ChildProcess, Connection] | None:
        """A worker from the nursery; ``None`` if there is none. One that was killed is opened anew, once."""
        for _ in range(2):
            if self._nursery is None:
                break
            try:
                return self._nursery.fork(pulse)
            except NurseryGoneError:
                self._nursery = Nursery.open(self._setup)
        return None

    def _spawned(self, pulse: Pulse) -> tuple[ChildProcess, Connection]:
        from forensics.triage import worker  # which this process needs for its name only, and takes long to load

        return spawn(worker.run, pulse, self._setup, environment=single_threaded_environment())
