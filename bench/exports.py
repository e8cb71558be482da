"""Every export of a case with many hits, and the report: ``python -m bench exports [HITS] [only=NAME,...]``.

The case is invented: digests and hashes that belong to nothing. Of three contents that were hit two are held by one
stream and one by two; there are half as many unmatched pictures, a hundredth of them near-duplicates of a hit. 200000
gives the figures in the documentation. Each export runs in a process of its own, whose largest memory is told.
"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from forensics.case.ledger import Actor
from forensics.case.store import CaseStore
from plugins import loader

_SET = "5b0c7c1e-0001-4000-8000-000000000001"
_TIME = "2026-01-02T03:04:05.000000Z"
_EXPORT = r"""
import resource, sys, re
from pathlib import Path
from forensics.case.reader import CaseReader
from forensics.reports.exporter import write_export
from forensics.reports.recipient import Recipient
from plugins import loader
from forensics.reports.report import write_report
exporter = next((one for one in loader.exporters() if one.name == sys.argv[2]), None)
with CaseReader.open(Path(sys.argv[1])) as case:
    if exporter is not None:
        write_export(exporter, case, Path(sys.argv[3]), Recipient.LABORATORY)
    else:
        write_report(case, Path(sys.argv[3]), "es", Recipient.LABORATORY, with_pdf=sys.argv[2] == "report+pdf")
usage = resource.getrusage(resource.RUSAGE_SELF)
# not ru_maxrss, which is that of the process that started this one
memory = re.search(r"VmHWM:\s+([0-9]+)", Path("/proc/self/status").read_text())[1]
print(int(memory) // 1024, usage.ru_utime + usage.ru_stime)
"""


def main() -> None:
    """Print time, memory and size of each export."""
    hits = next((int(argument) for argument in sys.argv[1:] if argument.isdigit()), 20_000)
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "a.case"
        fill(case, hits)
        only = next((word.removeprefix("only=").split(",") for word in sys.argv if word.startswith("only=")), [])
        for name in only or [*(exporter.name for exporter in loader.exporters()), "report", "report+pdf"]:
            output = Path(folder) / name
            clock = time.perf_counter()
            told = subprocess.run(
                [sys.executable, "-c", _EXPORT, case, name, output], check=True, capture_output=True, text=True
            ).stdout.split()
            clock = time.perf_counter() - clock
            files = [output] if output.is_file() else list(output.iterdir())
            size = sum(file.stat().st_size for file in files) / 1e6
            print(
                f"{name:12} {clock:6.1f} s ({float(told[1]):.1f} s of the processor), {told[0]} MB, "
                f"{size:.1f} MB written",
                flush=True,
            )


def fill(path: Path, hits: int) -> None:
    """Make a case in which so many streams hold a listed content, with one entry each."""
    actor = Actor("Bench", "bench")
    CaseStore.create(path, "BENCH-1", actor, None, ["E1"]).close()
    with CaseStore.open(path) as store, store.transaction():
        write = store.database.table
        write("actors").insert({"id": 1, "name": "Bench", "system_user": "bench"}, ignore=True)
        scan = {"id": 1, "actor_id": 1, "kind": "scan", "started": _TIME, "ended": _TIME, "state": "finished"}
        write("scans").insert(
            scan | {"profile": "standard", "tool_version": "0", "arguments": "{}", "environment": "{}"}
        )
        source = {"id": 1, "exhibit_id": 1, "label": "E1", "path": "/disk.E01", "first_scan_id": 1, "format": "ewf"}
        write("sources").insert(source | {"size": 1 << 40, "sector_size": 512, "metadata": "{}"})
        volume = {"id": 1, "source_id": 1, "label": "p1", "scheme": "gpt", "description": "Basic data", "offset": 0}
        write("volumes").insert(volume | {"size": 1 << 40, "allocated": 1, "file_system": "ntfs", "walked": 1})
        known = {"uuid": _SET, "name": "list", "disposition": "notable", "format": "vics", "scheme": "vics-2.0-us"}
        digest = hashlib.sha256(b"list").hexdigest()
        write("sets_used").insert(
            known | {"file_name": "l.json", "file_sha256": digest, "entries": hits, "rejected": 0, "imported": _TIME}
        )
        columns = [row[1] for row in store.connection.execute("PRAGMA table_info(streams)")]
        for table, row in _rows(hits):
            if table == "streams" and "priority" in columns:
                row["priority"] = 0
            names = ", ".join(row)
            marks = ", ".join("?" * len(row))
            store.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608


def _rows(hits: int) -> Iterator[tuple[str, dict[str, object]]]:
    chance = random.Random(1)  # noqa: S311
    stream = number = 0
    near: list[int] = []
    while stream < hits:
        number += 1
        value = chance.getrandbits(256)
        near.append(value)
        yield from _content(chance, number, value)
        sha256 = f"{number:064x}"
        entry = {"set_uuid": _SET, "position": number, "reference": str(number), "category": str(number % 4)}
        yield "entries_hit", entry | {"md5": f"{number:032x}", "attributes": json.dumps({})}
        hit = {"content": sha256, "set_uuid": _SET, "position": number, "basis": "md5", "distance": 0, "tier": "exact"}
        yield "hits", hit | {"agreeing": "md5", "disagreeing": ""}
        for _ in range(2 if number % 3 == 0 else 1):
            stream += 1
            yield "streams", _stream(stream, sha256)
    for extra in range(hits // 2):
        number += 1
        stream += 1
        value = chance.getrandbits(256)
        if extra % 100 == 0:
            value = near[extra % len(near)] ^ (1 << extra % 256)
        yield from _content(chance, number, value)
        yield "streams", _stream(stream, f"{number:064x}")


def _content(chance: random.Random, number: int, value: int) -> Iterator[tuple[str, dict[str, object]]]:
    sha256 = f"{number:064x}"
    digests = {
        "sha256": sha256,
        "sha1": f"{number:040x}",
        "md5": f"{number:032x}",
        "size": chance.randrange(1, 1 << 22),
    }
    fate = {"media_type": "image/jpeg", "perceptual": "hashed", "width": 640, "height": 480}
    yield "contents", digests | fate
    hashed = {"content": sha256, "algorithm": "pdq", "probe": "original", "value": f"{value:064x}"}
    yield "perceptual_hashes", hashed | {"quality": 100, "decode": "decode-v2"}


def _stream(number: int, sha256: str) -> dict[str, object]:
    path = f"Users/somebody/Pictures/2019/folder {number % 500}/picture {number}.jpg"
    place = {"source_id": 1, "volume_id": 1, "locator": f"E1/p1/ntfs:{number}-128-1", "path": path, "size": 1000}
    times = {"modified": _TIME, "accessed": _TIME, "changed": _TIME, "created": _TIME}
    state = {"allocation": "allocated", "recovery": "intact", "physical_offset": number * 4096, "state": "hashed"}
    return place | times | state | {"content": sha256}
