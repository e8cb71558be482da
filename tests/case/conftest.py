"""A case to write to, and the things a scan would write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case.findings import FindingRecorder
from forensics.case.ledger import Actor
from forensics.case.recorder import ScanRecorder
from forensics.case.sources import SourceRecorder
from forensics.case.store import CaseStore
from forensics.evidence.description import SourceDescription
from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, Stream
from forensics.evidence.volume import Volume
from forensics.hashing.digests import digests_of
from forensics.hashing.perceptual import FilmHash, FrameHash, PerceptualHash
from forensics.outcome import ExaminedContent, ExaminedFilm, PerceptualState
from forensics.reason import Reason
from forensics.triage.environment import describe_environment
from hashsets.format import Disposition
from hashsets.match import EntryReference, KnownSet, Match, Tier

EXAMINER = Actor("Ana Prueba", "laboratory")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaseStore]:
    """A new case."""
    with CaseStore.create(tmp_path / "a.case", "CI/1/2026", EXAMINER, None, ["E1"]) as store:
        yield store


@pytest.fixture
def recorder(store: CaseStore) -> ScanRecorder:
    """A scan just begun with two sets."""
    recorder = ScanRecorder(store, EXAMINER)
    recorder.begin("scan", "standard", {}, describe_environment(), [known_set("n"), known_set("b", Disposition.BENIGN)])
    return recorder


@pytest.fixture
def sources(store: CaseStore, recorder: ScanRecorder) -> SourceRecorder:
    """The pen for sources."""
    return SourceRecorder(store, EXAMINER, recorder.scan_id)


@pytest.fixture
def findings(store: CaseStore) -> FindingRecorder:
    """The pen for findings."""
    return FindingRecorder(store)


def known_set(uuid: str, disposition: Disposition = Disposition.NOTABLE) -> KnownSet:
    """An invented set."""
    return KnownSet(
        uuid,
        f"list {uuid}",
        disposition,
        "csv",
        None,
        None,
        None,
        f"{uuid}.csv",
        "0" * 64,
        3,
        0,
        "2026-01-01T00:00:00Z",
    )


def description(path: Path, size: int = 1 << 20) -> SourceDescription:
    """A source with one NTFS volume."""
    volume = Volume("p1", "dos", "NTFS", 1 << 16, size - (1 << 16))
    return SourceDescription(
        path, "raw", size, 512, ((path.name, size),), (path,), {"md5": "0" * 32}, {"examiner": "X"}, ((volume, "ntfs"),)
    )


def stream(number: int, path: bytes = b"a.jpg", offset: int | None = None, size: int = 3) -> Stream:
    """A stream of that volume."""
    locator = Locator("E1", "p1", "ntfs", f"{number}-128-1")
    return Stream(locator, path, size, Allocation.ALLOCATED, physical_offset=offset)


def content(data: bytes, *matches: Match) -> ExaminedContent:
    """A content that is no picture."""
    return ExaminedContent(digests_of([data]), "text/plain", matches=matches)


def exact_match(set_uuid: str = "n", position: int = 1) -> Match:
    """A match by MD5."""
    return Match(EntryReference(set_uuid, position, category="1"), "md5", 0, Tier.EXACT, agreeing=("md5",))


def film(data: bytes, *matches: Match, reason: Reason | None = None) -> ExaminedContent:
    """A content that was hashed as a film: a frame every second, two at the last one, from two video streams."""
    frames = tuple(FrameHash(1000 * min(n, 3), f"{n + 1:x}" * 64, 60 + n) for n in range(5))
    hashed = FilmHash("vpdq", frames, "film-v1")
    return ExaminedContent(
        digests_of([data]), "video/mp4", PerceptualState.HASHED, reason, 640, 360, (), matches,
        ExaminedFilm(9_500, 90, "one-a-second", 9, hashed),
    )  # fmt: skip


def picture(data: bytes, *matches: Match, reason: Reason | None = None) -> ExaminedContent:
    """A content that was hashed as a picture, in two views."""
    hashes = tuple(PerceptualHash("pdq", "5a" * 32, 90, probe, "decode-v1") for probe in ("original", "trimmed"))
    return ExaminedContent(digests_of([data]), "image/png", PerceptualState.HASHED, reason, 64, 48, hashes, matches)
