"""The coordinator of a scan: hands out work, writes what comes back, and is the only writer of the case."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from forensics.case.findings import FindingRecorder
from forensics.case.sources import RecordedVolume, SourceRecorder
from forensics.errors import EvidenceError, ImageError, TamizError, TriageError
from forensics.evidence.description import COULD_CHANGE, SourceDescription
from forensics.evidence.keys import Keyring
from forensics.evidence.stream import NotExamined
from forensics.media.film import Sampling
from forensics.outcome import Outcome
from forensics.reason import Reason
from forensics.triage import source_digest
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
)
from forensics.triage.plan import Task, Unit, units
from forensics.triage.pool import Died, WorkerPool
from forensics.triage.presence import Presence
from forensics.triage.progress import Phase, ProgressDisplay
from forensics.triage.seen import SeenContents
from forensics.triage.selection import Selection
from forensics.triage.suspects import after_death

COMMIT_OUTCOMES = 4_000
COMMIT_SECONDS = 1.0
"""Outcomes are written when they are so many, or after so long. The more at once, the fewer pages are written twice."""

UNNAMED = "source"
"""Label of a source until the case has told which one it is."""

_UNREADABLE = frozenset({Reason.READ_ERROR, Reason.SHORT_READ})
"""Reasons that may lie in the evidence, or in its being there no more."""

WALK_ATTEMPTS = 2
"""How often a walk that killed its worker is tried before the volume is given up."""


@dataclass(slots=True)
class _InFlight:
    """A unit at work: the tasks whose outcome has not come back yet."""

    waiting: dict[int, Task]


@dataclass(slots=True)
class SourceScan:
    """Scans one source after another with a given pool.

    Attributes:
        sources: Writes sources.
        findings: Writes streams and contents.
        pool: The workers.
        display: Shows how far it is.
        selection: What is examined, and in which order.
        with_digest: Compute the SHA-256 of the evidence files before and after.
        notable_sets: UUIDs of the sets whose hits count in the display, as the library and as the case has them.
        benign_sets: UUIDs of the benign sets, as the case has them.
        verify_image: Recompute the digests that the acquisition tool stored, while streams are examined.
        keyring: Keys to encrypted volumes.
        deep: Examine also what only the profile ``deep`` does.
        allow_writable: Examine a folder or device even if something could write to it.
        sampling: Which frames of films are hashed; ``None`` if films cannot be decoded.
        include_privileged: Examine also what earlier scans withheld as privileged.
        retry_failed: Examine again what earlier scans could not, or only in part.
        problems: What was found wrong with sources and did not stop their examination.
    """

    sources: SourceRecorder
    findings: FindingRecorder
    pool: WorkerPool
    display: ProgressDisplay
    selection: Selection
    with_digest: bool
    notable_sets: frozenset[str]
    benign_sets: tuple[str, ...]
    verify_image: bool = False
    keyring: Keyring = field(default_factory=Keyring)
    deep: bool = False
    allow_writable: bool = False
    sampling: Sampling | None = None
    include_privileged: bool = False
    retry_failed: bool = False
    problems: list[TamizError] = field(default_factory=list)
    _outcomes: list[Outcome] = field(default_factory=list)
    _committed: float = field(default_factory=time.monotonic)
    _presence: Presence = field(default_factory=lambda: Presence(()))
    _faults: set[str] = field(default_factory=set)
    _hits_by_content: dict[str, int] = field(default_factory=dict)

    def scan(self, path: Path, exhibit: str | None) -> None:
        """Examine a source as far as it goes. What the case has of it already is not done again.

        Raises:
            EvidenceError: It cannot be opened, or has changed.
            CaseError: It is not the evidence the case knows by this place or exhibit.
        """
        self.display.phase(Phase.OPENING)
        description, keyring = self._describe(SourceAccess(path, UNNAMED, self.keyring, self.deep, self.allow_writable))
        self._presence = Presence.of(description)
        digest = self._digest(Phase.DIGESTING_BEFORE, UNNAMED, description) if self.with_digest else None
        source = self.sources.register(description, exhibit, digest)
        if source.new_exhibit:
            self.display.note(f"exhibit {source.exhibit} was not in the case before and has been added")
        if COULD_CHANGE in description.metadata:
            self.display.note(f"{source.label} {description.metadata[COULD_CHANGE]}; the case says so")
        if digest is not None:
            self._hold_against_first(source.id, description, "before", digest)
        access = SourceAccess(path, source.label, keyring, self.deep, self.allow_writable)
        volumes = [volume.label for volume, _ in description.volumes]
        if self.retry_failed:
            self.findings.try_again(source.id, source.label, volumes, description.not_examined)
        self.findings.choose_again(source.id, self.selection)
        if self.include_privileged:
            self.sources.release_privileged(source.id, volumes)
        for volume in self.sources.volumes(source.id):
            if not volume.walked:
                self._walk(access, source.id, volume)
        verify = VerifyJob(access) if self.verify_image and description.stored_digests else None
        for digests in self._examine(access, source.id, volumes, verify):
            self._hold_against_acquisition(source.id, description, digests)
        if self.with_digest:
            after = self._digest(Phase.DIGESTING_AFTER, source.label, description)
            self._hold_against_first(source.id, description, "after", after)
        self.sources.accept(source)

    def flush(self) -> list[Task]:
        """Write the outcomes at hand; give back the tasks that must be done again."""
        again = self.findings.add_outcomes(self._outcomes)
        sizes = {outcome.stream_id: outcome.size for outcome in self._outcomes} if again else {}
        self._outcomes.clear()
        self._committed = time.monotonic()
        return [Task(stream_id, self.findings.locator(stream_id), sizes[stream_id], whole=True) for stream_id in again]

    # Opening

    def _describe(self, access: SourceAccess) -> tuple[SourceDescription, Keyring]:
        """What the source is, and the keys that open it."""
        described: Described | None = None
        for message in self._only(DescribeJob(access)):
            if isinstance(message, Described):
                described = message
            elif isinstance(message, Died):
                what = f"opening it ended the worker ({message.detail})"
                raise EvidenceError(what, str(access.path), "check the image")
        if described is None:
            raise TriageError("a worker gave no answer", str(access.path), "run again with --debug")
        return described.description, described.keyring

    def _digest(self, phase: Phase, label: str, description: SourceDescription) -> str:
        """Compute the digest of the evidence."""
        total = sum(size for _, size in description.segments)
        self.display.phase(phase, label, bytes_total=total)
        digest = source_digest.digest_source(description, lambda count: self.display.advance(bytes_read=count))
        self._presence.check()  # of a file that was cut short meanwhile, there is a digest too
        return digest

    def _hold_against_first(self, source_id: int, description: SourceDescription, phase: str, value: str) -> None:
        """Record a digest of the evidence; it must be the first one ever computed."""
        first = self.sources.first_digest(source_id, description.digest_algorithm)
        self.sources.add_digest(source_id, phase, description.digest_algorithm, value)
        if first not in {None, value}:
            what = source_digest.what_is_digested(description)
            raise ImageError(
                f"has changed: the SHA-256 of the {what} is not what it was when first scanned (both are in the case)",
                str(description.path),
                "find out who wrote to it before going on",
            )

    def _hold_against_acquisition(
        self, source_id: int, description: SourceDescription, digests: Mapping[str, str]
    ) -> None:
        """Record the medium's digests and say so where they are not those of the acquisition."""
        for algorithm, value in digests.items():
            self.sources.add_digest(source_id, "medium", algorithm, value)
            if value != description.stored_digests[algorithm]:
                self.problems.append(
                    ImageError(
                        f"the medium's {algorithm.upper()} is not the one stored at acquisition (both are in the case)",
                        str(description.path),
                        "acquire again or explain the difference",
                    )
                )

    # Walking

    def _walk(self, access: SourceAccess, source_id: int, volume: RecordedVolume) -> None:
        self.display.phase(Phase.LISTING, f"{access.label}/{volume.label}")
        died: Died | None = None
        for attempt in range(1, WALK_ATTEMPTS + 1):
            died = None
            for message in self._only(WalkJob(access, volume.label)):
                if isinstance(message, Walked):
                    if any(isinstance(item, NotExamined) for item in message.items):
                        self._presence.check()
                    self.findings.add_walked(source_id, volume.id, message.items, last=False, plan=self.selection)
                    if attempt == 1:
                        self.display.advance(streams=len(message.items))
                elif isinstance(message, Died):
                    self._presence.check()
                    died = message
            if died is None:
                self.findings.add_walked(source_id, volume.id, (), last=True, plan=self.selection)
                return
        assert died is not None  # noqa: S101 - each attempt ended so
        gap = NotExamined(f"{access.label}/{volume.label}", died.reason, f"listing its streams: {died.detail}")
        self.findings.add_walked(source_id, volume.id, [gap], last=True, plan=self.selection)

    def _only(self, job: Job) -> Iterator[object]:
        """Run one job alone and give its messages up to the end.

        Raises:
            TamizError: The worker refused it.
        """
        self.pool.submit(job)
        while self.pool.busy:
            for _, message in self.pool.messages():
                if isinstance(message, Refused):
                    message.error.add_note(message.trace)
                    raise message.error
                if not isinstance(message, Done):
                    yield message

    # Examining

    def _examine(
        self, access: SourceAccess, source_id: int, volumes: Sequence[str], verify: VerifyJob | None
    ) -> list[Mapping[str, str]]:
        """Examine what waits, then what can be hashed more completely than before."""
        in_part, benign, sampling = self.retry_failed, self.benign_sets, self.sampling
        incomplete = self.findings.incomplete(
            source_id, volumes, benign, sampling, in_part=in_part, plan=self.selection
        )
        count, size = self.findings.pending_totals(source_id)
        count, size = count + len(incomplete), size + sum(each.size for each in incomplete)
        self.display.phase(Phase.EXAMINING, access.label, bytes_total=size, streams_total=count)
        seen = SeenContents.create(count + self.findings.count_contents())
        try:
            for sha256 in self.findings.known_contents(benign, sampling, in_part=in_part):
                seen.add(sha256)
            self._hits_by_content = self.findings.hits_by_content(self.notable_sets)
            waiting = units(self.findings.pending(source_id), self.selection)
            further = units(self.findings.streams(each.id for each in incomplete))
            return self._work_off(access, chain(waiting, further), seen, verify)
        finally:
            seen.close()

    def _work_off(
        self, access: SourceAccess, planned: Iterator[Unit], seen: SeenContents, verify: VerifyJob | None
    ) -> list[Mapping[str, str]]:
        """Hand out all units, and the verification if one is asked for; give the digests it found."""
        verified: list[Mapping[str, str]] = []
        if verify is not None:
            self.pool.submit(verify)
        again: deque[Unit] = deque()
        at_work: dict[Job, _InFlight] = {}
        exhausted = False
        while True:
            while self.pool.has_room and not (exhausted and not again):
                unit = again.popleft() if again else next(planned, None)
                if unit is None:
                    exhausted = True
                    break
                examine = ExamineJob(access, unit, seen.name)
                at_work[examine] = _InFlight({task.stream_id: task for task in unit.tasks})
                self.pool.submit(examine)
            if not self.pool.busy:
                again.extend(Unit((task,)) for task in self.flush())
                if exhausted and not again:
                    return verified
                continue
            for job, message in self.pool.messages():
                if job in at_work:
                    again.extend(self._take(message, at_work, job, seen))
                else:
                    verified.extend(self._take_verification(message, access.path))
            if len(self._outcomes) >= COMMIT_OUTCOMES or time.monotonic() - self._committed > COMMIT_SECONDS:
                again.extend(Unit((task,)) for task in self.flush())

    def _take(self, message: object, at_work: dict[Job, _InFlight], job: Job, seen: SeenContents) -> Sequence[Unit]:
        """Take a message about a unit; give the units that must be done over because a worker died."""
        flight = at_work[job]
        match message:
            case Examined():
                if any(outcome.reason in _UNREADABLE for outcome in message.outcomes):
                    self._presence.check()
                self.display.advance(
                    bytes_read=message.bytes_read, streams=len(message.outcomes), hits=self._hits(message.outcomes)
                )
                for outcome in message.outcomes:
                    flight.waiting.pop(outcome.stream_id, None)
                    if outcome.content is not None:
                        seen.add(outcome.content.digests.sha256)
                self._outcomes.extend(message.outcomes)
                self._tell_of(message.faults)
            case Done():
                del at_work[job]
            case Refused():
                message.error.add_note(message.trace)
                raise message.error
            case Died():
                del at_work[job]
                self._presence.check()
                consequence = after_death(message, flight.waiting)
                self._outcomes.extend(consequence.outcomes)
                self.display.advance(streams=len(consequence.outcomes))
                return consequence.units
        return ()

    def _tell_of(self, faults: Sequence[str]) -> None:
        """Tell of defects that streams brought out, each once."""
        for fault in faults:
            if fault not in self._faults:
                self._faults.add(fault)
                self.display.note(f"unexpected {fault}: the streams are listed as crashed; please report it")

    def _take_verification(self, message: object, path: Path) -> Sequence[Mapping[str, str]]:
        """Take a message about the verification; its failure is a problem of its own and stops nothing."""
        match message:
            case Verified() if message.digests:
                return [message.digests]
            case Refused():
                self.problems.append(message.error)
            case Died():
                what = f"verifying the image ended the worker ({message.detail})"
                self.problems.append(ImageError(what, str(path), "verify it with another tool"))
        return ()

    def _hits(self, outcomes: Sequence[Outcome]) -> int:
        """Count the hits among streams just examined, further copies of a content included."""
        count = 0
        for outcome in outcomes:
            if outcome.content is not None and outcome.content.matches:
                matched = sum(match.entry.set_uuid in self.notable_sets for match in outcome.content.matches)
                if matched:
                    self._hits_by_content[outcome.content.digests.sha256] = matched
            count += self._hits_by_content.get(outcome.sha256 or "", 0)
        return count
