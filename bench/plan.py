"""The plan of a scan: a million small files (time, memory, share of writing), and how soon the first hit is shown.

``python -m bench plan [--files 250000,1000000] [--disk-files 20000] [--only small-files|first-hit] [--folder FOLDER]``

1. ext4 disks of many files of 1 to 4 kB: seconds a file, CPU of all processes, the coordinator's peak memory, and the
   share of the time that it spends in the database.
2. An ext4 disk of 2 GB with 20,000 files in the folders of a Windows disk, one in 13 a JPEG of 2 megapixels, a third of
   these the user's. One is known: the last of the user's, the worst place for it. Seconds until the hit is shown beside
   those of the whole scan, with streams in classes of priority and in physical order alone.

Each scan runs in a process of its own, whose measures are then those of the coordinator. Disks are kept in the folder
if one is given, and used again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.pictures import encoded, photo

SMALL_FILES = (250_000, 1_000_000)
FILES_A_FOLDER = 1000
DISK_FILES = 20_000
BYTES_A_FILE = 90_000
FILES_A_PICTURE = 13
_ENVIRONMENT = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench plan")
    parser.add_argument("--files", default=",".join(map(str, SMALL_FILES)))
    parser.add_argument("--disk-files", type=int, default=DISK_FILES)
    parser.add_argument("--only", choices=("small-files", "first-hit"))
    parser.add_argument("--folder", type=Path)
    options, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(exist_ok=True)
        if options.only != "first-hit":
            for count in map(int, options.files.split(",")):
                _small_files(folder, count)
        if options.only != "small-files":
            _first_hit(folder, options.disk_files)


# Many small files


def _small_files(folder: Path, count: int) -> None:
    image = folder / f"small-{count}.raw"
    if not image.exists():
        _write_small_files(folder / "tree", count)
        _ext4(folder / "tree", image, count * 4096 + (count << 9) + (256 << 20), inodes=count + count // 50 + 1000)
    _read_once(image)
    found = _scan_apart(folder, image, None)
    assert found["hashed"] == count, found
    print(
        f"{count:>9,} files  {found['seconds']:7.1f} s  {1e3 * found['seconds'] / count:.3f} ms a file  "
        f"CPU {found['cpu']:7.1f} s  coordinator {found['peak'] >> 10:,} MB  "
        f"database {found['writing']:.1f} s = {found['writing'] / found['seconds']:.1%} of the time, "
        f"CPU {found['writing_cpu']:.1f} s = {found['writing_cpu'] / found['cpu']:.1%} of it all  "
        f"phases {found['phases']}",
        flush=True,
    )


def _write_small_files(tree: Path, count: int) -> None:
    random = np.random.default_rng(count)
    noise = random.bytes(8 << 20)
    starts, sizes = random.integers(0, len(noise) - 8192, count).tolist(), random.integers(1000, 4000, count).tolist()
    for number, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if number % FILES_A_FOLDER == 0:
            inner = tree / f"d{number // FILES_A_FOLDER % 97:02}" / f"d{number // FILES_A_FOLDER:04}"
            inner.mkdir(parents=True)
        (inner / f"file{number:07}.dat").write_bytes(b"%d " % number + noise[start : start + size])


def _ext4(tree: Path, image: Path, size: int, inodes: int) -> None:
    command: list[str | Path] = ["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-N", str(inodes), "-d", tree, image]
    subprocess.run([*command, f"{size >> 20}M"], check=True, env=_ENVIRONMENT)
    subprocess.run(["rm", "-r", tree], check=True)


def _read_once(image: Path) -> None:
    """Have it in the page cache: what is measured is not the disk that it lies on."""
    with image.open("rb") as file:
        while file.read(1 << 20):
            pass


# The first hit


def _first_hit(folder: Path, files: int) -> None:
    image, known = folder / f"first-hit-{files}.raw", folder / f"first-hit-{files}.csv"
    if not image.exists():
        known.write_text(f"md5\n{_lay_out(folder / 'tree', files)}\n")
        _ext4(folder / "tree", image, files * BYTES_A_FILE * 11 // 10 + (64 << 20), inodes=files * 2)
    _read_once(image)
    for classes in (True, False):
        found = _scan_apart(folder, image, known, classes=classes)
        order = "classes of priority" if classes else "physical order     "
        print(
            f"{order}  first hit {found['first_hit']:5.1f} s  whole scan {found['seconds']:5.1f} s  "
            f"{found['hashed']:,} streams; the hit lies at {found['hit_at'] / image.stat().st_size:.0%} of the disk; "
            f"phases {found['phases']}",
            flush=True,
        )


def _lay_out(tree: Path, files: int) -> str:
    """Write the files and give the MD5 of the one that is known."""
    random = np.random.default_rng(20)
    noise = random.bytes(16 << 20)
    pictures = [encoded(photo(1200, 1600, seed=seed), "JPEG", quality=90) for seed in range(8)]
    count = files // FILES_A_PICTURE
    room = files * BYTES_A_FILE - count * sum(map(len, pictures)) // len(pictures)
    sizes = random.lognormal(10.4, 1.4, files - count)
    sizes = np.minimum(sizes * (room / sizes.sum()), 12e6).astype(int)
    folders = (
        "Windows/System32",
        "Windows/WinSxS",
        "Program Files/App",
        "Users/ana/AppData/Local",
        "Users/ana/Documents",
    )
    ends = ("dll", "exe", "dat", "png", "txt", "log")
    for number, size in enumerate(sizes.tolist()):
        file = tree / folders[number % 5] / f"d{number % 37:02}" / f"f{number}.{ends[number % len(ends)]}"
        file.parent.mkdir(parents=True, exist_ok=True)
        start = int(random.integers(0, 4 << 20))
        file.write_bytes(b"%d " % number + noise[start : start + size])
    homes = ("Windows/Web", "Program Files/App/help", "Users/ana/zPictures")
    for number in range(count - count % 3):  # the last one is the user's
        data = pictures[number % len(pictures)] + b"%d" % number  # another content each
        file = tree / homes[number % 3] / f"p{number:05}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


# A scan in a process of its own


def _scan_apart(folder: Path, image: Path, known: Path | None, *, classes: bool = True) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        arguments = [place, str(image), str(known or ""), "classes" if classes else "physical"]
        finished = subprocess.run(
            [sys.executable, "-m", "bench.plan", *arguments], check=True, stdout=subprocess.PIPE, stderr=sys.stderr
        )
    return dict(json.loads(finished.stdout))


def _scan(folder: Path, image: Path, known: Path | None, *, classes: bool) -> dict[str, Any]:
    from forensics.case.findings import FindingRecorder
    from forensics.case.ledger import Actor
    from forensics.case.store import CaseStore
    from forensics.triage import scan as triage
    from forensics.triage.progress import NoDisplay
    from hashsets.format import Disposition
    from hashsets.library import Library

    clock = {"writing": 0.0, "writing_cpu": 0.0}
    for name in ("add_walked", "add_outcomes"):
        _time(FindingRecorder, name, clock)
    if not classes:
        from forensics.triage import selection
        from forensics.triage.priority import Priority

        vars(selection)["priority_of"] = lambda *_: Priority.OTHER
    phases: list[tuple[str, float]] = []
    first: list[float] = []
    began = time.perf_counter()

    class Watch(NoDisplay):
        def phase(self, *names: Any, **totals: Any) -> None:  # noqa: ANN401 - handed on
            phases.append((" ".join(map(str, names)), time.perf_counter() - began))
            super().phase(*names, **totals)

        def advance(self, **more: Any) -> None:  # noqa: ANN401 - handed on
            if more.get("hits"):
                first.append(time.perf_counter() - began)
            super().advance(**more)

    with Library(folder / "library") as library:
        if known is not None and not library.sets():
            library.import_list(known, "known", Disposition.NOTABLE)
        sets = tuple(library.sets())
    case = folder / "1.case"
    actor = Actor("B", "bench")
    with CaseStore.create(case, "1", actor, None, []) as store:
        began = time.perf_counter()
        request = triage.ScanRequest((image,), None, sets, folder / "library")
        triage.scan(store, actor, request, Watch())
        seconds = time.perf_counter() - began
        (hashed,) = store.connection.execute(
            "SELECT count(*) FROM streams WHERE state = 'hashed' AND size > 0"
        ).fetchone()
        hit = store.connection.execute(
            "SELECT physical_offset FROM streams JOIN hits ON hits.content = streams.content"
        ).fetchone()
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ends = [*(at for _, at in phases[1:]), seconds]
    return {
        "seconds": seconds,
        "hashed": hashed,
        **clock,
        "peak": usage[0].ru_maxrss,
        "cpu": sum(each.ru_utime + each.ru_stime for each in usage),
        "coordinator_cpu": usage[0].ru_utime + usage[0].ru_stime,
        "first_hit": first[0] if first else None,
        "hit_at": hit[0] if hit else None,
        "phases": {name: round(end - at, 1) for (name, at), end in zip(phases, ends, strict=True)},
    }


def _time(owner: type, name: str, clock: dict[str, float]) -> None:
    """Have the clock count the time spent in a method."""
    method: Callable[..., Any] = getattr(owner, name)

    def timed(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - handed on
        began, began_cpu = time.perf_counter(), time.process_time()
        try:
            return method(*arguments, **options)
        finally:
            clock["writing"] += time.perf_counter() - began
            clock["writing_cpu"] += time.process_time() - began_cpu

    setattr(owner, name, timed)


if __name__ == "__main__":
    _folder, _image, _known, _order = sys.argv[1:]
    print(json.dumps(_scan(Path(_folder), Path(_image), Path(_known) if _known else None, classes=_order == "classes")))
