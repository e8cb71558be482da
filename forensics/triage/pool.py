"""A pool of worker processes in which no job is lost: a worker that dies or hangs is replaced and its job handed back.

``spawn``, never ``fork``: an evidence handle that crosses a fork shares its file offset with the parent and gives
wrong bytes without any error.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection as connections
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Self

from forensics.triage import worker
from forensics.triage.messages import Done, Job, Message, Refused, WorkerSetup

SILENCE_SECONDS = 600.0
"""A worker that has a job and says nothing for so long is taken for hung."""


@dataclass(frozen=True, slots=True)
class Died:
    """A worker ended in the middle of a job.

    Attributes:
        hung: It was killed because it said nothing any more.
        detail: Signal or exit code.
    """

    hung: bool
    detail: str


@dataclass(slots=True, eq=False)
class _Member:
    process: SpawnProcess
    connection: Connection
    job: Job | None = None
    heard: float = field(default_factory=time.monotonic)


class WorkerPool:
    """N workers, each with a pipe of its own.

    Args:
        size: How many workers.
        setup: What they need to know.
        silence_seconds: See :data:`SILENCE_SECONDS`.
    """

    def __init__(self, size: int, setup: WorkerSetup, silence_seconds: float = SILENCE_SECONDS) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._setup = setup
        self._silence_seconds = silence_seconds
        self._members = [self._start() for _ in range(size)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def idle(self) -> int:
        """How many workers have no job."""
        return sum(member.job is None for member in self._members)

    @property
    def busy(self) -> bool:
        """Whether any worker has a job."""
        return any(member.job is not None for member in self._members)

    def submit(self, job: Job) -> None:
        """Give a job to an idle worker; there must be one."""
        member = next(member for member in self._members if member.job is None)
        member.job = job
        member.heard = time.monotonic()
        # if it died while idle, messages() sees the end of its pipe and hands the job back
        with suppress(BrokenPipeError, ConnectionResetError):
            member.connection.send(job)

    def messages(self, timeout: float = 0.25) -> Iterator[tuple[Job, Message | Died]]:
        """Wait for workers to say something, at most for a while; give everything that has arrived.

        Args:
            timeout: Seconds to wait when nothing is there.
        """
        by_connection = {member.connection: member for member in self._members if member.job is not None}
        for ready in connections.wait(list(by_connection), timeout):
            member = by_connection[ready]  # type: ignore[index]
            yield from self._receive(member)
        now = time.monotonic()
        for member in list(self._members):
            if member.job is not None and now - member.heard > self._silence_seconds:
                job = member.job
                member.process.kill()
                self._replace(member)
                yield job, Died(hung=True, detail=f"silent for {self._silence_seconds:.0f} s")

    def _receive(self, member: _Member) -> Iterator[tuple[Job, Message | Died]]:
        job = member.job
        assert job is not None  # noqa: S101 - only members with a job are waited for
        try:
            message: Message = member.connection.recv()
        except (EOFError, ConnectionResetError):
            member.process.join(5)
            code = member.process.exitcode
            self._replace(member)
            yield (
                job,
                Died(hung=False, detail=f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"),
            )
            return
        member.heard = time.monotonic()
        if isinstance(message, Done | Refused):
            member.job = None
        yield job, message

    def reset(self) -> None:
        """Drop all jobs and begin with new workers."""
        size = len(self._members)
        self.close()
        self._members = [self._start() for _ in range(size)]

    def close(self) -> None:
        """End all workers at once; what they were doing is still pending in the case."""
        for member in self._members:
            member.connection.close()
            member.process.kill()
        for member in self._members:
            member.process.join()

    def _replace(self, member: _Member) -> None:
        member.connection.close()
        member.process.join(5)
        self._members[self._members.index(member)] = self._start()

    def _start(self) -> _Member:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=worker.run, args=(theirs, self._setup), daemon=True)
        with _environment(worker.single_threaded_environment()), _without_main_module(), _interrupts_held_back():
            process.start()
        theirs.close()
        return _Member(process, ours)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables while a child starts, so that it has them before it imports anything."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start children to whom Ctrl-C never comes, from their first moment on; it reaches this process afterwards.

    A child inherits what is blocked. It ends when its coordinator does.
    """
    resource_tracker.ensure_running()  # started with the first child else, and it lets interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Start children that do not run the parent's main program again: a worker needs nothing of it.

    ``spawn`` would otherwise import whatever script called us, with all the command line needs.
    """
    names: dict[str, object] = vars(sys.modules["__main__"])
    hidden: dict[str, object] = {name: names.pop(name) for name in ("__file__", "__spec__") if name in names}
    names["__spec__"] = None
    try:
        yield
    finally:
        names.update(hidden)
