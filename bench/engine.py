"""The whole pipeline on generated disks, beside The Sleuth Kit's own and beside what the processor can do at best.

    python -m bench engine [--folder FOLDER] [--megabytes N] [--pictures N] [--disks ext4,ntfs,jpeg]

* ext4 and ntfs: a disk without pictures, with files of the sizes and kinds that disks of people hold. ``tamiz scan``
  (three digests, media type, a case) beside ``fiwalk`` (two digests, DFXML) and beside three digests of as many bytes
  by openssl's code on all cores. The digests of every allocated file must be fiwalk's.
* jpeg: a disk of photo-like JPEG files, raw and as E01, beside the bare sum of reduced decode and digests on all cores.

Wall time means little on a machine that does other work too. So processor time stands beside it: what it gives, shared
out over the cores, is what a quiet machine would show but for the time in which cores have nothing to do.

Disks are kept in the folder if one is given, and used again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from forensics.case.reader import CaseReader
from forensics.triage.environment import available_cores
from tests.photographs import photograph_file

MEDIAN_SIZE, SPREAD, LARGEST_SIZE = 8_000, 2.4, 128 << 20
"""Bytes. Sizes of files are log-normal with a long tail, half small, most bytes in few: 140 KB on average.
Source: Agrawal and others, "A Five-Year Study of File-System Metadata", FAST 2007: median 4 KB, mean 189 KB."""

KINDS = {
    "words": 25, "markup": 10, "program": 20, "zip": 10, "gzip": 4, "pdf": 5, "sqlite": 4, "without signature": 22,
}  # fmt: skip
"""What files begin like, and how many in a hundred."""

MEGAPIXELS = (2, 12)
PICTURES = 400
_PIECE = 1 << 20
_ENVIRONMENT = {
    **os.environ,
    "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
    "OPENBLAS_NUM_THREADS": "1",
}
_ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed tamiz has its byte code
_SCAN = """
import atexit, json, resource, sys
@atexit.register
def tell():
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"coordinator": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss}), file=sys.stderr)
import cli
cli.main()
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What something took.

    Attributes:
        wall: Seconds.
        processor: Seconds of all processes and cores, user and system.
    """

    wall: float
    processor: float


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan.

    Attributes:
        run: What it took as a whole.
        coordinator: Processor seconds of the coordinator.
        found: MD5 and SHA-1 by path.
    """

    run: Run
    coordinator: float
    found: dict[str, tuple[str, str]]


def main() -> None:
    """Build the disks, run everything, print."""
    parser = argparse.ArgumentParser(prog="python -m bench engine")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--megabytes", type=int, default=1536)
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--disks", default="ext4,ntfs,jpeg")
    options, _ = parser.parse_known_args()
    chosen = options.disks.split(",")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        _warm_up(folder)
        for name in ("ext4", "ntfs"):
            if name in chosen:
                _digests_only(name, folder, options.megabytes * 1_000_000)
        if "jpeg" in chosen:
            _pictures(folder, options.pictures)


def _warm_up(folder: Path) -> None:
    """Scan next to nothing, so that Python's byte code is written and in the page cache."""
    _ENVIRONMENT["PYTHONPYCACHEPREFIX"] = str(folder.absolute() / "byte-code")
    image = folder / "small.raw"
    image.unlink(missing_ok=True)
    _write_ext4(image, iter([("a.txt", b"harmless"), ("p.jpg", photograph_file(np.random.default_rng(1), 0.3))]))
    _scan(image, folder)


# The two measurements


def _digests_only(name: str, folder: Path, size: int) -> None:
    image = folder / f"{name}-{size // 1_000_000}.raw"
    if not image.exists():
        _WRITERS[name](image, files(size))
    _read_once(image)
    walked, expected = _fiwalk(image, folder)
    size = sum(size for size, *_ in expected.values())
    cores = available_cores()
    limit = _spent(lambda: _on_all_cores(_digest_pieces, [size // _PIECE // cores] * cores))
    print(f"\n{name}: {len(expected):,} files, {size / 1e6:,.0f} MB; {cores} cores")
    _show("fiwalk: MD5, SHA-1", walked, size)
    _show("limit: MD5, SHA-1, SHA-256 and nothing else", limit, size)
    scan = _scan(image, folder)
    _show("tamiz scan", scan.run, size)
    wrong = sum(scan.found.get(path) != (md5, sha1) for path, (_, md5, sha1) in expected.items())
    print(
        f"  {walked.wall / scan.run.wall:.2f} x fiwalk by the clock,"
        f" {walked.processor / (scan.run.processor / cores):.2f} x by processor time;"
        f" {limit.wall / scan.run.wall:.0%} of the limit, {limit.processor / scan.run.processor:.0%} by processor time"
    )
    print(
        f"  coordinator {scan.coordinator:.2f} s, {scan.coordinator / scan.run.processor:.0%} of the processor time;"
        f" {len(expected) - wrong:,} of {len(expected):,} files with fiwalk's MD5 and SHA-1"
    )


def _pictures(folder: Path, count: int) -> None:
    image, sizes = folder / f"jpeg-{count}.raw", folder / f"jpeg-{count}.json"
    pictures = folder / f"jpeg-{count}"
    if not image.exists():
        pictures.mkdir()
        _on_all_cores(_write_picture, [(pictures, number) for number in range(count)])
        sizes.write_text(json.dumps(sum(file.stat().st_size for file in pictures.iterdir())))
        _make_ext4(pictures, image)
        _run("ewfacquire", "-u", "-q", "-f", "encase6", "-c", "fast", "-t", image.with_suffix(""), image)
    size = json.loads(sizes.read_text())
    cores = available_cores()
    _read_once(image)
    _read_once(image.with_suffix(".E01"))
    parts = [(pictures, list(range(core, count, cores))) for core in range(cores)]
    limit = _spent(lambda: _on_all_cores(_decode_and_digest, parts))
    print(
        f"\njpeg: {count} files of {MEGAPIXELS[0]} to {MEGAPIXELS[1]} megapixels, {size / 1e6:,.0f} MB; {cores} cores"
    )
    _show("limit: reduced decode and digests, nothing else", limit, size)
    raw = _scan(image, folder)
    e01 = _scan(image.with_suffix(".E01"), folder)
    for name, scan in (("raw", raw), ("E01", e01)):
        _show(f"tamiz scan, {name}", scan.run, size)
        print(
            f"  {limit.wall / scan.run.wall:.0%} of the limit, {limit.processor / scan.run.processor:.0%} by processor"
            f" time; coordinator {scan.coordinator:.2f} s"
        )
    print(
        f"  E01: {raw.run.wall / e01.run.wall:.0%} of raw, {raw.run.processor / e01.run.processor:.0%} by processor"
        f" time; same digests: {raw.found == e01.found}"
    )


def _show(what: str, run: Run, size: int) -> None:
    print(
        f"  {what:48} {run.wall:6.2f} s {size / 1e6 / run.wall:6.0f} MB/s;"
        f" processor {run.processor:6.2f} s, {size / 1e6 / run.processor:5.0f} MB/s a core",
        flush=True,
    )


# What is run


def _fiwalk(image: Path, folder: Path) -> tuple[Run, dict[str, tuple[int, str, str]]]:
    """Size, MD5 and SHA-1 of every allocated file that fiwalk digests, and what that took."""
    output = folder / "fiwalk.xml"
    output.unlink(missing_ok=True)
    run = _spent(lambda: _run("fiwalk", "-X", output, image))
    digests: dict[str, tuple[int, str, str]] = {}
    for _, element in ET.iterparse(output):  # noqa: S314 - fiwalk's own output
        if element.tag.rpartition("}")[2] != "fileobject":
            continue
        fields = {child.tag.rpartition("}")[2]: child for child in element}
        values = {child.get("type"): child.text or "" for child in element if child.tag.endswith("hashdigest")}
        is_file = "name_type" in fields and fields["name_type"].text == "r"
        path = fields["filename"].text if is_file and "unalloc" not in fields and values else None
        if path and path != "$Secure":  # an NTFS file without a stream of its own, of which fiwalk digests a named one
            digests[path] = (int(fields["filesize"].text or 0), values["md5"], values["sha1"])
        element.clear()
    output.unlink()
    return run, digests


def _scan(image: Path, folder: Path) -> Scan:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        case = Path(place) / "1.case"
        command = (sys.executable, "-c", _SCAN, "--library", str(Path(place) / "library"))
        _run(*command, "case", "new", case, "--number", "1", "--examiner", "B")
        told: list[str] = []
        scan = (*command, "scan", case, image, "--no-source-digest", "--quiet")
        run = _spent(lambda: told.append(_run(*scan, accepted=(0, 3))))
        with CaseReader.open(case) as reader:
            query = "SELECT path, md5, sha1 FROM streams JOIN contents ON sha256 = content"
            found = {row["path"]: (row["md5"], row["sha1"]) for row in reader._rows(query)}  # noqa: SLF001
    return Scan(run, json.loads(told[0].splitlines()[-1])["coordinator"], found)


def _spent(work: Callable[[], object]) -> Run:
    """What some work took, processes that it ran to their end included."""
    before, began = _processor_seconds(), time.perf_counter()
    work()
    return Run(time.perf_counter() - began, _processor_seconds() - before)


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _run(*command: str | Path, accepted: Sequence[int] = (0,)) -> str:
    """Run a program to its end; give what it wrote to standard error."""
    done = subprocess.run(command, env=_ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode not in accepted:
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stderr


def _read_once(image: Path) -> None:
    """Have all of a file in the page cache, so that everything that is measured reads from there."""
    with image.open("rb") as file:
        while file.read(_PIECE):
            pass


def _on_all_cores(work: Callable[..., float], arguments: Sequence[object]) -> None:
    with ProcessPoolExecutor(available_cores()) as pool:
        list(pool.map(work, arguments))


def _digest_pieces(count: int) -> float:
    from forensics.hashing.digests import DigestComputer

    piece = os.urandom(_PIECE)
    computer = DigestComputer()
    for _ in range(count):
        computer.update(piece)
    return computer.finish().size


def _decode_and_digest(part: tuple[Path, list[int]]) -> float:
    from bench.hashing import floor

    folder, numbers = part
    for number in numbers:
        floor((folder / f"p{number}.jpg").read_bytes())
    return 0


# The disks


def files(size: int) -> Iterator[tuple[str, bytes]]:
    """Paths and contents of files of about so many bytes in all, no two the same."""
    random = np.random.default_rng(1)
    noise = random.bytes(LARGEST_SIZE + _PIECE)
    words = b" ".join(random.permutation(np.array(_VOCABULARY * 4000))) + b"\n"
    text = words * (LARGEST_SIZE // len(words) + 2)
    kinds = random.choice(list(KINDS), 1_000_000, p=np.array(list(KINDS.values())) / 100)
    number = total = 0
    while total < size:
        wanted = int(min(random.lognormal(np.log(MEDIAN_SIZE), SPREAD), LARGEST_SIZE))
        kind = str(kinds[number])
        start = int(random.integers(0, _PIECE))
        head = _head(kind, number)
        body = text if kind in {"words", "markup"} else noise
        content = (head + body[start : start + wanted])[: max(wanted, len(head))]
        yield f"d{number % 113:03}/e{number % 7}/f{number}", content
        total += len(content)
        number += 1


_VOCABULARY = tuple(
    b"the of and harmless sample words go here with numbers 42 and 7 then more some longer A\n".split(b" ")
)


def _head(kind: str, number: int) -> bytes:
    """The first bytes of a file of some kind, different in every file."""
    if kind == "markup":
        heads = (
            b'<?xml version="1.0" encoding="utf-8"?>\n<a>',
            b"<!DOCTYPE html>\n<html><head><title>",
            b'{"number": ',
        )
        return heads[number % 3] + str(number).encode() + b" "
    if kind == "words":
        heads = (b"", b"#!/bin/sh\n# ", b"import os\n# ", b"// ")
        return heads[number % 4] + str(number).encode() + b" "
    signature = {
        "program": (_ELF, _PE)[number % 2],
        "zip": b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(16) + b"\x05\0\0\0a.txt",
        "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "sqlite": b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20",
        "without signature": b"",
    }[kind]
    return signature + number.to_bytes(8, "big")


_ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\0\x3e\0\x01\0\0\0" + bytes(32) + b"\x40\0\x38\0\0\0\x40\0\0\0\0\0"
_PE = (
    b"MZ\x90\0"
    + bytes(56)
    + b"\x80\0\0\0"
    + bytes(64)
    + b"PE\0\0\x64\x86\x02\0"
    + bytes(12)
    + b"\xf0\0\x22\x20\x0b\x02"
)


def _write_ext4(image: Path, contents: Iterator[tuple[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory(dir=image.parent) as place:
        for path, content in contents:
            file = Path(place) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        _make_ext4(Path(place), image)


def _make_ext4(folder: Path, image: Path) -> None:
    total = sum(file.stat().st_size + 4096 for file in folder.rglob("*"))
    _run("mke2fs", "-q", "-t", "ext4", "-d", folder, image, f"{(total * 11 // 10 >> 20) + 128}M")


def _write_ntfs(image: Path, contents: Iterator[tuple[str, bytes]]) -> None:
    from plugins.sample_evidence.ntfs_volume import NtfsVolume, format_ntfs

    # larger than 2 GiB: fiwalk leaves out longer streams, so it does not digest $BadClus:$Bad, which is all zeros
    format_ntfs(image, 3 << 30, 0, "BENCH")
    with NtfsVolume(image) as volume:
        for path, content in contents:
            volume.create(path, content)


_WRITERS: dict[str, Callable[[Path, Iterator[tuple[str, bytes]]], None]] = {"ext4": _write_ext4, "ntfs": _write_ntfs}


def _write_picture(place: tuple[Path, int]) -> float:
    folder, number = place
    random = np.random.default_rng(number)
    (folder / f"p{number}.jpg").write_bytes(photograph_file(random, random.uniform(*MEGAPIXELS)))
    return 0
