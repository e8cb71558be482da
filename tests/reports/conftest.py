"""Cases to report on, written the way a scan writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from forensics.case.findings import FindingRecorder
from forensics.case.ledger import Actor
from forensics.case.recorder import ScanRecorder
from forensics.case.sources import SourceRecorder
from forensics.case.store import CaseStore
from forensics.evidence.description import SourceDescription
from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, NotExamined, Recovery, Stream, Times
from forensics.evidence.volume import Volume
from forensics.hashing.digests import digests_of
from forensics.hashing.perceptual import PerceptualHash
from forensics.outcome import ExaminedContent, Outcome, PerceptualState
from forensics.reason import Reason
from forensics.triage.environment import describe_environment
from hashsets.format import Disposition
from hashsets.match import EntryReference, KnownSet, Match, Tier

EXAMINER = Actor("Ana Prueba Ñandú", "laboratorio")
NOTABLE = "5b0c7c1e-0001-4000-8000-000000000001"
OTHER = "5b0c7c1e-0002-4000-8000-000000000002"
BENIGN = "5b0c7c1e-0003-4000-8000-000000000003"
REFERENCE = "5b0c7c1e-0004-4000-8000-000000000004"

PERCEPTUAL_VALUE = "f0e1d2c3b4a5968778695a4b3c2d1e0f" * 2
"""The perceptual hash of every picture in these cases: no report may show it."""

MARKER = "zanahoria"
"""Stands in every path of these cases: who may not see paths must not find it."""

ISSUER_REFERENCE = "serie-calabaza"
"""Stands in the issuer's identifier of every entry: for the laboratory only."""

PARTITION_NAME = "particion-betabel"
"""Stands in the description of a volume: for the laboratory only."""


def known_set(uuid: str, name: str, disposition: Disposition, authority: str | None = None) -> KnownSet:
    """An invented set."""
    digest = hashlib.sha256(uuid.encode()).hexdigest()
    return KnownSet(
        uuid, name, disposition, "vics", "2.0", "vics-2.0-mx" if disposition == "notable" else None, authority,
        f"{name.replace(' ', '_')}.json", digest, 48_210, 3, "2026-02-03T09:10:11.000000Z",
        "emisor de ejemplo", "v-jitomate", "devolver tras el caso", "2026-02-01",
    )  # fmt: skip


SETS = (
    known_set(NOTABLE, "lista nacional 2026-02", Disposition.NOTABLE, "Unidad de ejemplo, oficio 17/2026"),
    known_set(OTHER, "intercambio internacional", Disposition.NOTABLE),
    known_set(BENIGN, "programas comunes", Disposition.BENIGN, "Instituto de ejemplo"),
    known_set(REFERENCE, "casos propios", Disposition.REFERENCE),
)


def match(
    set_uuid: str,
    position: int,
    tier: Tier = Tier.EXACT,
    distance: int = 0,
    category: str | None = "1",
    disagreeing: tuple[str, ...] = (),
    attributes: Mapping[str, str] | None = None,
) -> Match:
    """A match with an invented entry."""
    reference = f"{ISSUER_REFERENCE}-{position}"
    entry = EntryReference(set_uuid, position, reference, category, attributes=attributes or {})
    if tier is Tier.EXACT:
        return Match(entry, "sha256", 0, tier, None, ("sha256", "md5"), disagreeing)
    return Match(entry, "pdq", distance, tier, "original" if tier is Tier.NEAR else "rotate-90", ("pdq",))


class CaseWriter:
    """Writes a case: one source with one NTFS volume and one that cannot be read, and whatever a test adds."""

    def __init__(self, store: CaseStore, folder: Path, sets: tuple[KnownSet, ...] = SETS) -> None:
        self.store = store
        self.scan = ScanRecorder(store, EXAMINER)
        self.findings = FindingRecorder(store)
        arguments = {"sources": [f"{folder.name}/disco.E01"], "jobs": 2, "sets": [one.name for one in sets]}
        self.scan.begin("scan", "standard", arguments, describe_environment(), sets)
        self.sources = SourceRecorder(store, EXAMINER, self.scan.scan_id)
        self.source_id = self.sources.register(self._description(folder / "disco.E01"), "E1", None).id
        self.sources.add_digest(self.source_id, "before", "sha256", hashlib.sha256(b"evidence").hexdigest())
        self.volume_id = self.sources.volumes(self.source_id)[1].id
        self._next = 36

    @staticmethod
    def _description(path: Path) -> SourceDescription:
        volumes = (
            (Volume("u1", "dos", "Unallocated", 0, 1 << 20, allocated=False), None),
            (Volume("p1", "dos", f"NTFS / exFAT (0x07) {PARTITION_NAME}", 1 << 20, 7 << 30), "ntfs"),
        )
        metadata = {"case_number": "A-1", "examiner_name": "A. Prueba", "acquiry_software_version": "20140816"}
        return SourceDescription(
            path, "ewf", 8 << 30, 512, (("disco.E01", 2_000_000_000), ("disco.E02", 312_004_113)), (path,),
            {"md5": hashlib.md5(b"medium", usedforsecurity=False).hexdigest()}, metadata, volumes,
            (NotExamined("E1/p2", Reason.VOLUME_ENCRYPTED, "BitLocker signature at offset 7516192768"),),
        )  # fmt: skip

    def add(
        self,
        path: bytes,
        data: bytes | None,
        *matches: Match,
        picture: PerceptualState = PerceptualState.HASHED,
        allocation: Allocation = Allocation.ALLOCATED,
        reason: Reason | None = None,
    ) -> str:
        """Add a stream that held ``data``, or that failed or was skipped for a reason, or waits; give its locator."""
        self._next += 1
        locator = Locator("E1", "p1", "ntfs", f"{self._next}-128-1")
        skipped = reason if reason is not None and data is None else None
        times = Times(1_700_000_000_123_456_789, None, 1_700_000_100_000_000_000, 1_600_000_000_000_000_000)
        recovery = Recovery.INTACT if allocation is Allocation.ALLOCATED else Recovery.ASSUMED_CONTIGUOUS
        size = len(data) if data is not None else 4096
        stream = Stream(locator, path, size, allocation, recovery, self._next * 4096, times, skipped)
        self.findings.add_walked(self.source_id, self.volume_id, [stream], last=False)
        waiting = [one for one in self.findings.pending(self.source_id) if one.locator == str(locator)]
        if waiting and data is not None:
            self._examined(waiting[0].id, data, matches, picture, reason)
        return str(locator)

    def _examined(
        self, stream: int, data: bytes, matches: tuple[Match, ...], picture: PerceptualState, reason: Reason | None
    ) -> None:
        digests = digests_of([data])
        hashed = picture is PerceptualState.HASHED
        hashes = (PerceptualHash("pdq", PERCEPTUAL_VALUE, 100, "original", "decode-v1"),) if hashed else ()
        content = ExaminedContent(
            digests, "image/jpeg" if picture is not PerceptualState.NOT_APPLICABLE else "text/plain", picture, reason,
            640 if hashed else None, 480 if hashed else None, hashes, matches,
        )  # fmt: skip
        self.findings.add_outcomes([Outcome(stream, len(data), sha256=digests.sha256, content=content)])

    def fail(self, path: bytes, reason: Reason, detail: str = "") -> str:
        """Add a stream that could not be read."""
        locator = self.add(path, None)
        waiting = [one for one in self.findings.pending(self.source_id) if one.locator == locator]
        self.findings.add_outcomes([Outcome(waiting[0].id, 4096, reason, detail)])
        return locator

    def finish(self) -> Path:
        """End the walk and the scan; give the case's path."""
        for volume in self.sources.volumes(self.source_id):
            self.findings.add_walked(self.source_id, volume.id, [], last=True)
        self.sources.add_digest(self.source_id, "after", "sha256", hashlib.sha256(b"evidence").hexdigest())
        self.scan.end("finished", {})
        self.store.close()
        return self.store.path


NewCase = Callable[..., CaseWriter]


@pytest.fixture
def new_case(tmp_path: Path) -> NewCase:
    """Makes a case to write to."""

    def make(
        number: str = "CI/FE/017/2026", authority: str | None = "Oficio 42/2026", sets: tuple[KnownSet, ...] = SETS
    ) -> CaseWriter:
        store = CaseStore.create(tmp_path / "a.case", number, EXAMINER, authority, ["E1", "IND-02"])
        return CaseWriter(store, tmp_path, sets)

    return make


@pytest.fixture
def sample_case(new_case: NewCase) -> Path:
    """A finished case with hits of every tier, conflicts, copies, gaps and an unused exhibit."""
    writer = new_case()
    fill_sample(writer)
    return writer.finish()


def fill_sample(writer: CaseWriter) -> None:
    """Write one of everything."""
    folder = f"Usuarios/x/{MARKER}".encode()
    copies = [(folder + b"/Descargas/a.jpg", Allocation.ALLOCATED), (folder + b"/b.jpg", Allocation.DELETED)]
    for path, allocation in copies:
        writer.add(path, b"one", match(NOTABLE, 17), match(OTHER, 3, category="2"), allocation=allocation)
    writer.add(folder + b"/c.png", b"two", match(NOTABLE, 1204, Tier.NEAR, 12))
    writer.add(folder + b"/d.png", b"three", match(NOTABLE, 99, Tier.SIMILAR, 28, None))
    writer.add(folder + b"/e.gif", b"four", match(NOTABLE, 5, disagreeing=("size",)), match(BENIGN, 8, category=None))
    writer.add(folder + b"/f.webp", b"five", match(REFERENCE, 2, category=None))
    writer.add(folder + b"/g.dll", b"six", match(BENIGN, 9, category=None), picture=PerceptualState.NOT_APPLICABLE)
    for number in range(40):
        path = folder + f"/notas/{number}.txt".encode()
        writer.add(path, f"text {number}".encode(), picture=PerceptualState.NOT_APPLICABLE)
    writer.add(folder + b"/h.jpg", b"seven", picture=PerceptualState.FAILED, reason=Reason.UNDECODABLE)
    writer.add(folder + b"/old.jpg", None, allocation=Allocation.DELETED, reason=Reason.REALLOCATED)
    writer.add(folder + b"/older.jpg", None, allocation=Allocation.DELETED, reason=Reason.NAME_ONLY)
    writer.fail(folder + b"/i.jpg", Reason.READ_ERROR, "sector 81920 unreadable")
    writer.fail(folder + b"/j.efs", Reason.ENCRYPTED)
