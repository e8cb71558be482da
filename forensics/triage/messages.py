"""What the coordinator and its workers say to each other over a pipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import TamizError
from forensics.evidence.description import SourceDescription
from forensics.evidence.keys import Keyring
from forensics.evidence.lost_file_systems import SearchedArea
from forensics.evidence.stream import NotExamined, Stream
from forensics.media.film import Sampling
from forensics.outcome import Outcome
from forensics.triage import wire
from forensics.triage.plan import Unit
from forensics.triage.sandbox import Confinement


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What every worker of a scan needs to know. Sent once, when it starts.

    Attributes:
        library: Folder of the known-hash sets.
        sets: UUIDs of the sets to match against.
        sampling: Which frames of films are hashed.
        readable: Evidence files and folders, the only ones beside the library that a worker may read.
        confinement: What is enforced upon it; the pool decides.
    """

    library: Path
    sets: tuple[str, ...]
    sampling: Sampling = Sampling.ONE_A_SECOND
    readable: tuple[Path, ...] = ()
    confinement: Confinement | None = None


@dataclass(frozen=True, slots=True)
class SourceAccess:
    """How a worker opens a source.

    Attributes:
        path: The evidence file.
        label: Source label.
        keyring: Keys to its encrypted volumes. They travel through the pipe only.
        deep: Open also what only the profile ``deep`` examines.
        allow_writable: Open a folder or device even if something could write to it.
        searched: Where the worker that described it found lost file systems; the pool adds it, and none searches again.
    """

    path: Path
    label: str
    keyring: Keyring
    deep: bool
    allow_writable: bool = False
    searched: tuple[SearchedArea, ...] | None = None


@dataclass(frozen=True, slots=True)
class DescribeJob:
    """Open a source and say what it is."""

    source: SourceAccess


@dataclass(frozen=True, slots=True)
class WalkJob:
    """Walk one volume of a source."""

    source: SourceAccess
    volume: str


@dataclass(frozen=True, slots=True, eq=False)  # a key of dictionaries: to hash all its tasks each time takes long
class ExamineJob:
    """Examine a unit of streams.

    Attributes:
        seen: Name of the shared table of contents already in the case.
    """

    source: SourceAccess
    unit: Unit
    seen: str

    def __reduce__(self) -> tuple[object, ...]:
        return _examine_job, (self.source, wire.packed_tasks(self.unit.tasks), self.seen)


def _examine_job(source: SourceAccess, tasks: list[wire.Row], seen: str) -> ExamineJob:
    return ExamineJob(source, Unit(wire.unpacked_tasks(tasks)), seen)


@dataclass(frozen=True, slots=True)
class VerifyJob:
    """Recompute the digests of the medium that the acquisition tool stored in the image."""

    source: SourceAccess


Job = DescribeJob | WalkJob | ExamineJob | VerifyJob


@dataclass(frozen=True, slots=True)
class Described:
    """Answer to a :class:`DescribeJob`.

    Attributes:
        description: What it is.
        keyring: The keys it was opened with, and those of the volumes they unlocked, to spare the others the work.
    """

    description: SourceDescription
    keyring: Keyring


@dataclass(frozen=True, slots=True)
class Walked:
    """Part of the answer to a :class:`WalkJob`, in order."""

    items: Sequence[Stream | NotExamined]

    def __reduce__(self) -> tuple[object, ...]:
        return _walked, (wire.packed_items(self.items),)


def _walked(items: list[wire.Row | NotExamined]) -> Walked:
    return Walked(wire.unpacked_items(items))


@dataclass(frozen=True, slots=True)
class Examined:
    """Part of the answer to an :class:`ExamineJob`: outcomes in the order of the unit, and bytes read since the last.

    With no outcome it only says that the worker is alive and reading. ``faults`` are defects met on the way, of ours or
    of a plug-in: kind of exception and line of code, never its words, which may name evidence.
    """

    outcomes: Sequence[Outcome]
    bytes_read: int
    faults: Sequence[str] = ()

    def __reduce__(self) -> tuple[object, ...]:
        return _examined, (wire.packed_outcomes(self.outcomes), self.bytes_read, self.faults)


def _examined(outcomes: list[wire.Row], bytes_read: int, faults: Sequence[str]) -> Examined:
    return Examined(wire.unpacked_outcomes(outcomes), bytes_read, faults)


@dataclass(frozen=True, slots=True)
class Verified:
    """Answer to a :class:`VerifyJob`: the digests by algorithm. Empty while it is being read, to say so."""

    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Done:
    """The job is finished; the worker waits for the next."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The job cannot be done.

    Attributes:
        error: Why; in one line for the user.
        trace: The traceback, for ``--debug``.
    """

    error: TamizError
    trace: str


Message = Described | Walked | Examined | Verified | Done | Refused
