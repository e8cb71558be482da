"""The worker process: opens its own handles, does one job after another, ends when the coordinator does."""

from __future__ import annotations

import hashlib
import os
import signal
import time
import traceback
from collections import deque
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from forensics.errors import EvidenceError, TamizError, TriageError
from forensics.evidence.description import describe
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.media import film, kind
from forensics.media.picture import Picture
from forensics.outcome import Outcome
from forensics.reason import Reason
from forensics.triage import sandbox
from forensics.triage.examination import Examiner
from forensics.triage.messages import (
    Described,
    DescribeJob,
    Done,
    Examined,
    ExamineJob,
    Job,
    Refused,
    SourceAccess,
    Verified,
    VerifyJob,
    Walked,
    WalkJob,
    WorkerSetup,
)
from forensics.triage.plan import Task
from forensics.triage.pulse import Pulse, Stage
from forensics.triage.seen import SeenContents
from hashsets.library import home_expanded
from hashsets.matcher import Matcher
from plugins import loader

PROCESS_NAME = "tamiz-worker"
"""What a process list calls a worker: 15 characters at most."""

WALK_BATCH = 2000
"""Streams a message while walking."""

VERIFY_PIECE = 4 * 1024 * 1024
"""Bytes read at a time while the medium is verified."""

REPORT_SECONDS = 0.2
"""How often outcomes are sent while examining: seldom enough to cost nothing, often enough to lose little."""


def run(connection: Connection, pulse: Pulse, setup: WorkerSetup) -> None:
    """Entry point of a worker process.

    Args:
        connection: Pipe to the coordinator.
        pulse: Where it says what it is at.
        setup: What it needs to know.
    """
    # Ctrl-C goes to the coordinator, which ends its workers in order
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _show_name()
    # no coordinator, no work
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            silence_libraries()
            _load_what_needs_programs()
            _confine(setup)
        except Exception as error:  # noqa: BLE001 - whatever it is, the user must hear of it
            connection.send(Refused(_cannot_start(error), traceback.format_exc()))
            return
        worker = _Worker(connection, pulse, setup)
        while True:
            pulse.begin(Stage.READING, 0)
            worker.do(connection.recv())


def _cannot_start(error: Exception) -> TamizError:
    if isinstance(error, TamizError):
        return error
    what = f"a worker cannot start ({type(error).__name__})"
    return TriageError(what, None, "run with --debug and report it")


def _show_name() -> None:
    """Let ``top`` and ``ps`` tell workers from the coordinator."""
    with suppress(OSError):  # it is a convenience
        Path("/proc/self/comm").write_text(PROCESS_NAME, "ascii")


def silence_libraries() -> None:
    """Libraries write warnings to the terminal that may name what they read. Errors of ours go through the pipe."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def load_what_all_need() -> None:
    """Load what a worker will need, whatever the evidence, but no plug-in of a laboratory: they may start threads."""
    kind.media_type(b"\0")
    film.is_supported()
    practice = Picture(np.add.outer(np.arange(128, dtype=np.uint8), np.arange(128, dtype=np.uint8)), 128, 128)
    for hasher in loader.load_builtin():  # a hasher may load libraries with its first picture only
        deque(hasher.hash(practice), maxlen=0)


def _load_what_needs_programs() -> None:
    """Load libraries that are found by asking other programs, and plug-ins that may do the same."""
    kind.media_type(b"\0")
    loader.picture_hashers()


def _confine(setup: WorkerSetup) -> None:
    confinement = setup.confinement or sandbox.Confinement.available()
    try:
        sandbox.enter((*setup.readable, home_expanded(setup.library)), confinement)
    except OSError as error:
        what = f"a worker cannot be confined as the kernel promised ({error.strerror})"
        raise TriageError(what, None, "see 'tamiz doctor'") from error


class _Worker:
    def __init__(self, connection: Connection, pulse: Pulse, setup: WorkerSetup) -> None:
        self._connection = connection
        self._pulse = pulse
        self._setup = setup
        self._source: Source | None = None
        self._access: SourceAccess | None = None
        self._seen: SeenContents | None = None
        self._examiner: Examiner | None = None
        self._matcher: Matcher | None = None
        self._outcomes: list[Outcome] = []
        self._faults: list[str] = []
        self._bytes_read = 0
        self._reported = time.monotonic()

    def do(self, job: Job) -> None:
        """Do one job and say so."""
        try:
            match job:
                case DescribeJob():
                    source = self._open(job.source)
                    self._connection.send(Described(describe(source), source.unlocked_keyring()))
                case WalkJob():
                    self._walk(job)
                case ExamineJob():
                    self._examine(job)
                case VerifyJob():
                    self._verify(job)
        except TamizError as error:
            self._connection.send(Refused(error, traceback.format_exc()))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # noqa: BLE001 - a defect must reach the coordinator, not end in a dead worker
            problem = TriageError(
                f"unexpected {type(error).__name__} in a worker", job.source.label, "run with --debug and report it"
            )
            self._connection.send(Refused(problem, traceback.format_exc()))
        else:
            self._connection.send(Done())

    def _open(self, access: SourceAccess) -> Source:
        """The source, opened in this process and kept for the jobs that follow."""
        if self._source is None or self._access != access:
            if self._source is not None:
                self._source.close()
            self._source, self._examiner = None, None
            self._source = Source.open(
                access.path,
                access.label,
                access.keyring,
                deep=access.deep,
                allow_writable=access.allow_writable,
                searched=access.searched,
            )
            self._access = access
        return self._source

    def _walk(self, job: WalkJob) -> None:
        source = self._open(job.source)
        volume = next((volume for volume in source.volumes() if volume.label == job.volume), None)
        if volume is None:
            what = f"volume {job.volume} cannot be opened any more"
            raise EvidenceError(what, job.source.label, "give the same key files and the same profile again")
        batch: list[Stream | NotExamined] = []
        for item in source.walk(volume):
            self._pulse.beat()
            batch.append(item)
            if len(batch) >= WALK_BATCH:
                self._connection.send(Walked(batch))
                batch = []
        if batch:
            self._connection.send(Walked(batch))

    def _verify(self, job: VerifyJob) -> None:
        image = self._open(job.source).image
        digests = {name: hashlib.new(name, usedforsecurity=False) for name in image.stored_digests}
        for offset in range(0, image.size, VERIFY_PIECE):
            self._pulse.beat()
            piece = image.read_at(offset, VERIFY_PIECE)
            for digest in digests.values():
                digest.update(piece)
            if time.monotonic() - self._reported > 5 * REPORT_SECONDS:
                self._connection.send(Verified({}))
                self._reported = time.monotonic()
        self._connection.send(Verified({name: digest.hexdigest() for name, digest in digests.items()}))

    def _examine(self, job: ExamineJob) -> None:
        examiner = self._prepare(job)
        for task in job.unit.tasks:
            self._pulse.begin(Stage.READING, task.stream_id)
            self._outcomes.append(self._outcome(examiner, task))
            if time.monotonic() - self._reported > REPORT_SECONDS:
                self._report()
        self._report()

    def _outcome(self, examiner: Examiner, task: Task) -> Outcome:
        """Examine a stream. A defect that it brings out is told and costs what it shows, at most the stream itself."""
        try:
            return examiner.examine(task)
        except (TamizError, EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # noqa: BLE001 - one stream must not stop the job, whatever it does to a decoder
            where = traceback.extract_tb(error.__traceback__)[-1]
            self._faults.append(f"{type(error).__name__} in {Path(where.filename).name}, line {where.lineno}")
            if task.undecoded is None:
                steps = self._pulse.look().steps
                return self._outcome(examiner, replace(task, undecoded=Reason.CRASHED, steps=steps))
            if task.steps:
                return self._outcome(examiner, replace(task, steps=0))
            return Outcome(task.stream_id, task.size, Reason.CRASHED, type(error).__name__)

    def _prepare(self, job: ExamineJob) -> Examiner:
        source = self._open(job.source)
        if self._seen is None or self._seen.name != job.seen:
            if self._seen is not None:
                self._seen.close()
            self._seen, self._examiner = SeenContents.attach(job.seen), None
        if self._matcher is None and self._setup.sets:
            self._matcher = Matcher.open(self._setup.library, self._setup.sets)
        if self._examiner is None:
            hashers = loader.picture_hashers()
            self._examiner = Examiner(
                source, self._matcher, hashers, self._seen, self._count_bytes, self._setup.sampling,
                self._pulse.begin, self._pulse.step,
            )  # fmt: skip
        return self._examiner

    def _count_bytes(self, count: int) -> None:
        self._pulse.beat()
        self._bytes_read += count
        if time.monotonic() - self._reported > 5 * REPORT_SECONDS:
            self._report()  # one long stream: say that it goes on, and what became of those before it

    def _report(self) -> None:
        self._connection.send(Examined(tuple(self._outcomes), self._bytes_read, tuple(self._faults)))
        self._outcomes.clear()
        self._faults.clear()
        self._bytes_read = 0
        self._reported = time.monotonic()
