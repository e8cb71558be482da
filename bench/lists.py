"""``python -m bench lists``: every list format, a sound list, a hostile one, broken ones, and what the user sees.

The lists are those of the tests (``tests/hashsets/formats/samples.py``), imported into a library as an analyst does.
Exit code 1 if one was not read as it was made.
"""

from __future__ import annotations

import gzip
import io
import lzma
import tempfile
import time
import zipfile
from pathlib import Path

from forensics.errors import ListFormatError
from hashsets.format import Disposition
from hashsets.library import Library
from tests.hashsets.formats.samples import SAMPLES
from tests.hashsets.invented import seeded

_ENTRIES = 20_000


def main() -> None:
    """Import, count, print."""
    failures = 0
    print(f"| format | of {_ENTRIES:,} entries | a second | hostile: imported | set aside | reasons, one each |")
    print("|---|--:|--:|--:|--:|---|")
    refusals: list[tuple[str, str, str]] = []
    for name in sorted(SAMPLES):
        with tempfile.TemporaryDirectory() as folder, Library(Path(folder) / "library") as library:
            failures += _show(name, library, Path(folder) / "list", refusals)
    refusals += _bombs()
    print("\n| format | broken list | what the user sees |")
    print("|---|---|---|")
    for row in refusals:
        print("| " + " | ".join(row) + " |")
    print(f"{failures} not as they were made")
    if failures:
        raise SystemExit(1)


def _bombs() -> list[tuple[str, str, str]]:
    """Import what unpacks to 300 MiB, and say how it was answered."""
    content = b"a" * 32 + b"\n" * (300 << 20)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("list", content)
    rows = []
    for what, data in (
        ("gzip bomb", gzip.compress(content, 1)),
        ("xz bomb", lzma.compress(content, preset=0)),
        ("ZIP bomb", archive.getvalue()),
    ):
        with tempfile.TemporaryDirectory() as folder, Library(Path(folder) / "library") as library:
            path = Path(folder) / "list"
            path.write_bytes(data)
            began = time.perf_counter()
            try:
                library.import_list(path, "n", Disposition.REFERENCE)
                said = "IMPORTED"
            except ListFormatError as error:
                said = str(error).replace(str(path), "LIST")
            rows.append(("any", f"{what} of {len(data):,} bytes", f"{said} ({time.perf_counter() - began:.1f} s)"))
    return rows


def _show(name: str, library: Library, path: Path, refusals: list[tuple[str, str, str]]) -> int:
    """Import the lists of one format; returns how many were not read as they were made."""
    samples = SAMPLES[name]
    path.write_bytes(samples.sample(seeded(1), _ENTRIES).data)
    began = time.perf_counter()
    sound = library.import_list(path, "sound", Disposition.REFERENCE)
    seconds = time.perf_counter() - began
    hostile = samples.hostile(seeded(2))
    path.write_bytes(hostile.data)
    known_set = library.import_list(path, "hostile", Disposition.REFERENCE)
    reasons = dict.fromkeys(entry.reason for entry in library.rejected("hostile"))
    print(
        f"| {name} | {sound.entries:,} | {sound.entries / seconds:,.0f} | {known_set.entries} | {known_set.rejected} "
        f"| {'; '.join(reasons)} |",
        flush=True,
    )
    failures = int((sound.format, sound.entries, sound.rejected) != (name, _ENTRIES, 0))
    failures += int((known_set.entries, known_set.rejected) != (hostile.imported, hostile.rejected))
    for what, data in samples.broken.items():
        path.write_bytes(data)
        try:
            library.import_list(path, "broken", Disposition.REFERENCE)
        except ListFormatError as error:
            refusals.append((name, what, str(error).replace(str(path), "LIST")))
        else:
            failures += 1
            refusals.append((name, what, "IMPORTED"))
    return failures


if __name__ == "__main__":
    main()
