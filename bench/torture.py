"""The torture set: images built by real tools, with the truth written down, walked and held against it.

``python -m bench torture`` builds directories of 2,000 files; with ``--full``, of 100,000. Exit code 1 if any stream
that is there was missed, goes by another name without a known cause, or holds bytes that nobody wrote.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.evidence.torture import same_disk
from tests.evidence.torture.programs import MissingProgramError
from tests.evidence.torture.recovery import Result, examine
from tests.evidence.torture.torture_set import BUILDERS, FULL_ENTRIES

_ENTRIES = 2000


def main() -> None:
    """Build, walk, compare, print."""
    entries = FULL_ENTRIES if "--full" in sys.argv else _ENTRIES
    print("| image | class | planted | recoverable | recovered | under its name | beyond |")
    print("|---|---|--:|--:|--:|--:|--:|")
    failures, skipped = [], []
    for name, build in BUILDERS.items():
        with tempfile.TemporaryDirectory() as folder:
            images = build(Path(folder), entries)
            try:
                for image in images:
                    image.write_manifest()
                    began = time.perf_counter()
                    result = examine(image)
                    _show(result, time.perf_counter() - began)
                    failures += [f"{image.name}: {failure}" for failure in result.failures]
                    image.path.unlink(missing_ok=True)
            except MissingProgramError as error:
                skipped.append(f"{name}: {error}")
    for line in skipped:
        print(f"not built: {line}")
    failures += _same_disk()
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{len(failures)} failures, {len(skipped)} not built")
    if failures:
        raise SystemExit(1)


def _show(result: Result, seconds: float) -> None:
    for kind, line in result.lines.items():
        figures = (line.planted, line.recoverable, line.recovered, line.named, line.beyond)
        print(f"| {result.image.name} | {kind} | " + " | ".join(f"{figure:,}" for figure in figures) + " |")
    told = ", ".join(f"{volume} {reason}" for volume, reason in sorted(result.image.told)) or "nothing"
    print(f"| {result.image.name} | {seconds:.1f} s, stale {result.stale}, told: {told} | | | | | |", flush=True)


def _same_disk() -> list[str]:
    """Scan one disk in every format and print what differs."""
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            disk = same_disk.build_disk(folder)
            print("\n| format | streams | contents | digest over contents | hits | of planted |")
            print("|---|--:|--:|---|--:|--:|")
            expected = same_disk.expected_hits(disk)
            first = None
            for scanned in same_disk.scan_formats(disk, folder):
                first = first or scanned
                hit = {place[:2] for place in scanned.hits}
                print(
                    f"| {scanned.name} | {len(scanned.streams):,} | {len(scanned.contents):,} "
                    f"| {same_disk.digest(scanned.contents)} | {len(scanned.hits)} "
                    f"| {len(expected & hit)}/{len(expected)} |",
                    flush=True,
                )
                if expected - hit:
                    failures.append(f"{scanned.name}: {len(expected - hit)} planted streams without a hit")
                if (scanned.hits, scanned.streams) != (first.hits, first.streams):
                    failures.append(f"{scanned.name}: not the hits and streams of {first.name}")
        except MissingProgramError as error:
            print(f"not built: the same disk in every format: {error}")
    return failures


if __name__ == "__main__":
    main()
