"""The main jobs: scanning sources into a case, and matching a case against further sets."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from forensics import __version__
from forensics.case.findings import FindingRecorder
from forensics.case.ledger import Actor
from forensics.case.privilege import check_privilege
from forensics.case.reader import CaseReader
from forensics.case.recorder import ScanRecorder
from forensics.case.sources import SourceRecorder
from forensics.case.store import CaseStore, cannot_be_written
from forensics.errors import CaseWriteError, ImageError, TamizError, TriageError
from forensics.evidence.keys import KeyKind, Keyring
from forensics.evidence.stream import display_text
from forensics.media import film
from forensics.media.film import Sampling
from forensics.triage import sandbox
from forensics.triage.catch_up import match_contents
from forensics.triage.engine import SourceScan
from forensics.triage.environment import available_cores, describe_environment
from forensics.triage.messages import WorkerSetup
from forensics.triage.pool import Limits, WorkerPool
from forensics.triage.progress import Phase, ProgressDisplay
from forensics.triage.run_log import log_path, run_log
from forensics.triage.selection import Filters, Selection
from hashsets.format import Disposition
from hashsets.library import files_in_place
from hashsets.listed_sizes import listed_sizes
from hashsets.match import KnownSet
from hashsets.matcher import Matcher

_log = logging.getLogger(__name__)


class Profile(StrEnum):
    """How deep a scan goes."""

    QUICK = "quick"
    """Allocated media only, and what has the size of a listed file."""
    STANDARD = "standard"
    """Everything the file systems list: allocated, deleted, orphan."""
    DEEP = "deep"
    """As standard, and the shadow copies of NTFS volumes."""


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to scan and how.

    Attributes:
        sources: Evidence files, folders and block devices.
        exhibit: Label of the exhibit they belong to; ``None`` to find or make one.
        sets: Known-hash sets to match against.
        library: Folder of the library that holds them.
        jobs: Number of workers; ``None`` for one a core.
        profile: How deep.
        with_digest: Compute SHA-256 of the evidence files before and after.
        verify_image: Recompute the digests of the medium that the acquisition tool stored in the image.
        keyring: Keys to encrypted volumes. Only which volumes they were given for is ever recorded.
        allow_writable: Examine a folder or device even if something could write to it.
        filters: What to examine and what to leave out.
        include_privileged: Examine also what earlier scans withheld as privileged.
        retry_failed: Examine again what earlier scans could not, or only in part.
    """

    sources: tuple[Path, ...]
    exhibit: str | None
    sets: tuple[KnownSet, ...]
    library: Path
    jobs: int | None = None
    profile: Profile = Profile.STANDARD
    with_digest: bool = True
    verify_image: bool = False
    keyring: Keyring = field(default_factory=Keyring)
    allow_writable: bool = False
    filters: Filters = field(default_factory=Filters)
    include_privileged: bool = False
    retry_failed: bool = False

    def arguments(self) -> dict[str, Any]:
        """The request as the case records it."""
        return {
            "sources": [display_text(os.fsencode(path.name)) for path in self.sources],
            "exhibit": self.exhibit,
            "sets": [known_set.name for known_set in self.sets],
            "jobs": self.jobs,
            "profile": self.profile,
            "source_digest": self.with_digest,
            "verify_image": self.verify_image,
            "password_files": self.keyring.recorded(KeyKind.PASSWORD),
            "recovery_key_files": self.keyring.recorded(KeyKind.RECOVERY),
            "allow_writable": self.allow_writable,
            **self.filters.recorded(),
            "include_privileged": self.include_privileged,
            "retry_failed": self.retry_failed,
        }

    def selection(self) -> Selection:
        """What is examined, and in which order.

        Raises:
            PatternError: A pattern is unusable.
            LibraryError: A set cannot be read.
        """
        if self.profile is not Profile.QUICK:
            return Selection(self.filters)
        return Selection(self.filters, quick=True, sizes=listed_sizes(self.library, self.sets))


@dataclass(frozen=True, slots=True)
class ScanResult:
    """How a scan ended.

    Attributes:
        errors: Sources that could not be examined, or have changed.
        problems: What else is wrong with sources, though they were examined.
        gaps: Whether the case lists anything as not examined.
    """

    errors: tuple[TamizError, ...]
    problems: tuple[TamizError, ...]
    gaps: bool


def scan(
    store: CaseStore, actor: Actor, request: ScanRequest, display: ProgressDisplay, limits: Limits | None = None
) -> ScanResult:
    """Scan sources into a case. A source that cannot be examined does not stop the others.

    What an earlier scan did is not done again; a scan that was interrupted goes on where it stopped.

    Args:
        store: The case, open for writing.
        actor: Who scans.
        request: What and how.
        display: Shows how far it is.
        limits: How long a worker may go without getting on, if not as usual.

    Raises:
        CaseError: The case cannot be written, or a privilege filter speaks against this scan.
        PatternError: A pattern is unusable.
        KeyboardInterrupt: The user broke it off; everything found so far is in the case.
    """
    selection = request.selection()
    check_privilege(store, selection, lifted=request.include_privileged)
    recorder = ScanRecorder(store, actor)
    findings = FindingRecorder(store, recorder.set_uuids)
    recorder.begin("scan", request.profile, request.arguments(), describe_environment(request.jobs), request.sets)
    for lacking in sandbox.not_enforceable():
        display.note(f"this kernel does not confine workers fully ({lacking}): see 'tamiz doctor'; the case says so")
    errors: list[TamizError] = []
    problems: list[TamizError] = []
    with _ending(recorder, store, errors, display):
        match_contents(store, findings, request.library, recorder.sets_to_catch_up(request.sets), display)
        sampling = Sampling.KEY_FRAMES if request.profile is Profile.QUICK else Sampling.ONE_A_SECOND
        uuids = tuple(known_set.uuid for known_set in request.sets)
        readable = (*_readable(request.sources), *files_in_place(request.library, uuids))
        setup = WorkerSetup(request.library, uuids, sampling, readable)
        if setup.sets:
            Matcher.open(request.library, setup.sets).close()  # makes missing indexes, which workers may not write
        with WorkerPool(request.jobs or available_cores(), setup, limits) as pool:
            sources = SourceRecorder(store, actor, recorder.scan_id)
            notable = _of(request.sets, benign=False)
            source_scan = SourceScan(
                sources,
                findings,
                pool,
                display,
                selection=selection,
                with_digest=request.with_digest,
                notable_sets=frozenset({*notable, *(recorder.set_uuids[uuid] for uuid in notable)}),
                benign_sets=tuple(recorder.set_uuids[uuid] for uuid in _of(request.sets, benign=True)),
                verify_image=request.verify_image,
                keyring=request.keyring,
                deep=request.profile is Profile.DEEP,
                allow_writable=request.allow_writable,
                sampling=sampling if film.is_supported() else None,
                include_privileged=request.include_privileged,
                retry_failed=request.retry_failed,
                problems=problems,
            )
            for source in request.sources:
                try:
                    _refuse_folder_of_the_case(source, store.path)
                    source_scan.scan(source.resolve(), request.exhibit)
                except (TriageError, CaseWriteError):
                    raise
                except TamizError as error:
                    errors.append(error)
                    sources.refuse(source.resolve(), request.exhibit, error)
                    pool.reset()
                finally:
                    # a case that cannot be written is not tried again: that may take another minute
                    if not isinstance(sys.exception(), (CaseWriteError, sqlite3.Error)):
                        source_scan.flush()
    return ScanResult(tuple(errors), tuple(problems), next(CaseReader(store).gaps(), None) is not None)


def _readable(sources: Sequence[Path]) -> tuple[Path, ...]:
    """What workers must be able to read: folders, devices, and the folder of a file, in which its segments lie."""
    places = (source.resolve() for source in sources)
    return tuple(dict.fromkeys(place.parent if place.is_file() else place for place in places))


def _refuse_folder_of_the_case(source: Path, case: Path) -> None:
    """Refuse to examine a folder that the case itself is written into."""
    if source.is_dir() and case.resolve().is_relative_to(source.resolve()):
        raise ImageError("holds the case, which is written while it is read", str(source), "put the case elsewhere")


def match(store: CaseStore, actor: Actor, sets: Sequence[KnownSet], library: Path, display: ProgressDisplay) -> int:
    """Match the contents of a case against sets; the evidence is not needed.

    Args:
        store: The case, open for writing.
        actor: Who.
        sets: The known-hash sets.
        library: Folder of the library that holds them.
        display: Shows how far it is.

    Returns:
        How many matches there are between contents and entries of these sets.
    """
    recorder = ScanRecorder(store, actor)
    findings = FindingRecorder(store, recorder.set_uuids)
    arguments = {"sets": [known_set.name for known_set in sets]}
    recorder.begin("match", None, arguments, describe_environment(), sets)
    with _ending(recorder, store, [], display):
        return match_contents(store, findings, library, [known_set.uuid for known_set in sets], display)


@contextmanager
def _ending(
    recorder: ScanRecorder, store: CaseStore, errors: Sequence[TamizError], display: ProgressDisplay
) -> Iterator[None]:
    """Close a scan in the case, however it ends, and keep its log meanwhile."""
    with run_log(store.path) as no_log:
        _log.info("scan %d begins, tamiz %s, process %d", recorder.scan_id, __version__, os.getpid())
        if no_log is not None:
            display.say(f"there is no log: {log_path(store.path)} cannot be written ({no_log})")
        try:
            with _closing(recorder, store, errors, display):
                yield
        except BaseException as error:
            # not its words: they may hold a name from the evidence
            _log.warning("scan %d broke off: %s", recorder.scan_id, type(error).__name__)
            raise
        _log.info("scan %d ended, %d of its sources refused", recorder.scan_id, len(errors))


@contextmanager
def _closing(
    recorder: ScanRecorder, store: CaseStore, errors: Sequence[TamizError], display: ProgressDisplay
) -> Iterator[None]:
    try:
        yield
        display.phase(Phase.CLOSING)
        # without the places of evidence files: the ledger is shown to more people than may know their names
        # and with the digest over all findings: the ledger so covers them too
        details = {"errors": [error.what for error in errors], "logical_digest": CaseReader(store).logical_digest()}
        recorder.end("failed" if errors else "finished", {**details, **_counts(store)})
    except KeyboardInterrupt:
        recorder.end("interrupted", _counts(store))
        raise
    except CaseWriteError:
        raise  # nor can its end be written: the next scan will see to that
    except TamizError as error:
        recorder.end("failed", {"error": error.what, **_counts(store)})
        raise
    except sqlite3.Error as error:
        raise cannot_be_written(store.path, error) from error


def _counts(store: CaseStore) -> Mapping[str, Any]:
    case = CaseReader(store)
    counts = case.stream_counts()
    return {
        "streams": {"seen": counts.seen, "hashed": counts.hashed, "skipped": counts.skipped, "failed": counts.failed},
        "pending": counts.pending,
        "contents": case.contents(),
        "hits": case.hit_counts(),
    }


def _of(sets: Sequence[KnownSet], *, benign: bool) -> list[str]:
    return [known_set.uuid for known_set in sets if (known_set.disposition is Disposition.BENIGN) == benign]
