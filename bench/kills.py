"""Scans killed at any moment and run again: is the case what an uninterrupted scan makes of the disk?

    python -m bench kills [N]

Each of N times (100 unless told), ``kill -9`` hits the whole process group of ``tamiz scan`` at another moment of its
run, half of them on a raw image, half on the same disk as E01: every other time from its first import on, else from
when it begins to list streams. The same command then goes on to the end. The logical digest (streams, contents, hits,
coverage) and the account must be those of a scan that nobody touched. Exit code 1 if one is not.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from forensics.case.ledger import Actor
from forensics.case.reader import CaseReader
from forensics.case.store import CaseStore
from hashsets.format import Disposition
from hashsets.library import Library
from tests.pictures import encoded, plasma

TEXTS, PICTURES, LISTED = 250, 30, 10
_ENVIRONMENT = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
_TAMIZ = "import sys; from cli import main; sys.argv[0] = 'tamiz'; main()"
_DONE = (0, 3)


def main() -> None:
    """Build, kill, run again, compare, print."""
    times = next((int(word) for word in sys.argv[1:] if word.isdigit()), 100)
    choose = random.Random(1)  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = _build(folder)
        print(f"{images[0].stat().st_size / 1e6:.0f} MB, {TEXTS + PICTURES + 1} files, {PICTURES} of them pictures")
        whole = {image: _whole(folder, image) for image in images}
        for image, (digest, account, seconds, listing) in whole.items():
            print(
                f"{image.suffix[1:]:4} uninterrupted: {seconds:.1f} s, lists streams after {listing:.1f} s,"
                f" digest {digest[:16]}, {account}",
                flush=True,
            )
        # every part of the run has its share of the moments, in no order
        parts = [(number + choose.random()) / times for number in range(times)]
        choose.shuffle(parts)
        killed_while: Counter[str] = Counter()
        wrong = 0
        began = time.perf_counter()
        for number, part in enumerate(parts):
            image = images[number % len(images)]
            digest, account, seconds, listing = whole[image]
            case = folder / f"{number}.case"
            late = number // len(images) % 2 == 1
            after = part * (seconds - listing if late else seconds)
            killed_while[_kill(folder, case, image, after, late=late)] += 1
            _scan(folder, case, image)
            with CaseReader.open(case) as reader:
                found = (reader.logical_digest(), _account(reader))
            if found != (digest, account):
                wrong += 1
                print(f"FAILED {image.suffix[1:]} killed after {after:.2f} s: {found[0][:16]}, {found[1]}")
            for file in folder.glob(f"{case.name}*"):
                file.unlink()
        print(f"{times - wrong} of {times} equal, {time.perf_counter() - began:.0f} s")
        print("killed " + ", ".join(f"{what} {count}" for what, count in killed_while.most_common()))
    if wrong:
        raise SystemExit(1)


def _build(folder: Path) -> tuple[Path, Path]:
    """The disk as a raw image and as E01, and a library with a list of some of its pictures."""
    tree = folder / "tree"
    random_bytes = np.random.default_rng(3)
    for number in range(TEXTS):
        file = tree / f"texts{number % 9}" / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(random_bytes.bytes(int(random_bytes.lognormal(8.5, 1.5))))
    listed = folder / "listed"
    listed.mkdir()
    for number in range(PICTURES):
        data = encoded(plasma(300, 400, seed=number), "JPEG", quality=88)
        (tree / f"{number}.jpg").write_bytes(data)
        if number < LISTED:
            (listed / f"{number}.jpg").write_bytes(data)
    (tree / "gone.jpg").write_bytes(encoded(plasma(300, 300, seed=999), "PNG"))
    raw = folder / "disk.raw"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, raw, "32M"], check=True, env=_ENVIRONMENT)
    subprocess.run(["debugfs", "-w", "-R", "rm gone.jpg", raw], check=True, env=_ENVIRONMENT, capture_output=True)
    shutil.rmtree(tree)
    acquire = ["ewfacquire", "-u", "-c", "fast", "-t", folder / "disk", "-w", raw]
    subprocess.run(acquire, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    with Library(folder / "library") as library:
        entries = "".join(f"{_sha1(file)},1\n" for file in sorted(listed.iterdir()))
        (folder / "listed.csv").write_text(f"sha1,category\n{entries}")
        library.import_list(folder / "listed.csv", "listed", Disposition.NOTABLE)
    return raw, folder / "disk.E01"


def _sha1(file: Path) -> str:
    return hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()


def _whole(folder: Path, image: Path) -> tuple[str, str, float, float]:
    """Scan without a stop: logical digest, account, seconds from the program's start to its end, and to listing."""
    case = folder / f"whole-{image.suffix[1:]}.case"
    CaseStore.create(case, "1", Actor("Bench", "bench"), None, []).close()
    began = time.perf_counter()
    with _begun(folder, case, image) as process:
        _wait_until_it_lists(process)
        listing = time.perf_counter() - began
        process.communicate()
    seconds = time.perf_counter() - began
    with CaseReader.open(case) as reader:
        return reader.logical_digest(), _account(reader), seconds, listing


def _command(folder: Path, case: Path, image: Path) -> list[str]:
    return [
        sys.executable,
        "-c",
        _TAMIZ,
        "--library",
        str(folder / "library"),
        "scan",
        str(case),
        str(image),
    ]


def _begun(folder: Path, case: Path, image: Path) -> subprocess.Popen[str]:
    """A scan in a process group of its own."""
    return subprocess.Popen(
        _command(folder, case, image),
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _wait_until_it_lists(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if "listing" in line:
            return


def _scan(folder: Path, case: Path, image: Path) -> None:
    done = subprocess.run(_command(folder, case, image), capture_output=True, text=True, check=False)
    if done.returncode not in _DONE:
        raise SystemExit(f"a scan failed: {done.stderr}")


def _kill(folder: Path, case: Path, image: Path, seconds: float, *, late: bool) -> str:
    """Begin a scan and kill it; say what it had come to. One that was quicker is begun again and killed earlier."""
    while True:
        CaseStore.create(case, "1", Actor("Bench", "bench"), None, []).close()
        with _begun(folder, case, image) as process:
            if late:
                _wait_until_it_lists(process)
            time.sleep(seconds)
            running = process.poll() is None
            if running:
                os.killpg(process.pid, signal.SIGKILL)
        if running:
            with CaseReader.open(case) as reader:
                return _reached(reader)
        for file in folder.glob(f"{case.name}*"):
            file.unlink()
        seconds *= 0.9


def _reached(reader: CaseReader) -> str:
    """What a killed scan had come to, by its case."""
    counts = reader.stream_counts()
    if not reader.scans():
        return "before it began"
    if not counts.seen:
        return "while opening and digesting"
    if reader.unwalked_volumes():
        return "while listing"
    return "while hashing" if counts.pending else "while ending"


def _account(reader: CaseReader) -> str:
    counts = reader.stream_counts()
    streams = f"{counts.seen} seen = {counts.hashed} hashed + {counts.skipped} skipped + {counts.failed} failed"
    return f"{streams}, {counts.pending} pending, {reader.contents()} contents, hits {reader.hit_counts()}"
