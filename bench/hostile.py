"""A disk with 200 hostile streams beside innocent ones: does the scan end, is all hashed, is each culprit listed?

    python -m bench hostile [SECONDS]

Traps (a hasher that aborts, reads address 8, exits, overflows its stack, takes 8 GB, kills itself, spins, sleeps),
bombs (PNG, GIF, TIFF, WebP, BMP, gzip), a sparse file of 1 TB, headers that lie, and everything cut short. SECONDS: of
the processor for a decoder, and of standing still, instead of the product's 120 and 180. Exit code 1 if something is
wrong.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from forensics.case.ledger import Actor
from forensics.case.reader import CaseReader
from forensics.case.status import status
from forensics.case.store import CaseStore
from forensics.triage.environment import available_cores
from forensics.triage.pool import Limits
from forensics.triage.progress import NoDisplay
from forensics.triage.scan import ScanRequest, scan
from hashsets.library import Library
from tests.triage import hostile_disk
from tests.triage.traps import TRAPS, install_traps

HOSTILE, INNOCENT = 200, 200
FEW = {"spin": 5, "sleep": 3}
"""Each of these takes its whole limit."""
MANY = 8


def main() -> None:
    """Build, scan, hold against the truth, print."""
    seconds = next((float(word) for word in sys.argv[1:] if word.isdigit()), 0.0)
    limits = Limits(decoding_seconds=seconds, idle_seconds=seconds) if seconds else Limits()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sys.path.insert(0, str(install_traps(folder / "plugin")))
        traps = {deed: FEW.get(deed, MANY) for deed in TRAPS}
        others = HOSTILE - sum(traps.values()) - 1  # and the sparse file
        disk = hostile_disk.build(folder, traps, others=others, innocents=INNOCENT)
        with Library(folder / "library"):
            pass
        request = ScanRequest((disk.image,), None, (), folder / "library")
        actor = Actor("Bench", "bench")
        CaseStore.create(folder / "a.case", "1", actor, None, []).close()
        began = time.perf_counter()
        with CaseStore.open(folder / "a.case") as store:
            result = scan(store, actor, request, NoDisplay(), limits)
        took = time.perf_counter() - began
        with CaseReader.open(folder / "a.case") as case:
            wrong = _wrong(case, disk)
            _show(case, disk, took)
    wrong += [str(error) for error in (*result.errors, *result.problems)]
    for line in wrong:
        print(f"FAILED {line}")
    print(f"{len(wrong)} wrong")
    if wrong:
        raise SystemExit(1)


def _wrong(case: CaseReader, disk: hostile_disk.HostileDisk) -> list[str]:
    """Whatever is not as it must be."""
    streams = {row["path"].rpartition("/")[2]: row for row in case._rows("SELECT * FROM streams")}  # noqa: SLF001
    listed = {(gap.locator, gap.reason) for gap in case.gaps()}
    wrong = [f"{name}: not hashed right" for name, sha256 in disk.sha256.items() if streams[name]["content"] != sha256]
    for name, reason in disk.traps.items():
        if (streams[name]["locator"], reason) not in listed:
            wrong.append(f"{name}: not listed as {reason}")
    counts = case.stream_counts()
    if not counts.reconciles or counts.pending:
        wrong.append(f"{counts}")
    return wrong


def _show(case: CaseReader, disk: hostile_disk.HostileDisk, took: float) -> None:
    document = status(case)
    streams = document["streams"]
    print(f"{len(disk.hostile)} hostile and {len(disk.sha256) + 1 - len(disk.hostile)} innocent files")
    print(
        f"{took:.0f} s on {available_cores()} cores: {streams['seen']} seen = {streams['hashed']} hashed"
        f" + {streams['skipped']} skipped + {streams['failed']} failed"
    )
    for gap, count in Counter(gap["reason"] for gap in document["not_examined"]).most_common():
        print(f"  not examined: {gap} {count}")
    for picture in document["pictures_not_hashed"]:
        print(f"  without perceptual hash: {picture['reason']} {picture['count']}")
    for partly in document["partly_hashed"]:
        print(f"  of a part only: {partly['reason']} {partly['count']}")
