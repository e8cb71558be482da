"""A whole scan of an ext4 image beside fiwalk (The Sleuth Kit's own walk with MD5 and SHA-1) in the same run.

tamiz computes one digest more, recognises every content, decodes and hashes the pictures, matches, and writes a case;
fiwalk writes DFXML. The digests of every allocated file must be the same. Beside both stands the limit: the three
digests of as many bytes by openssl's code, on as many cores.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from forensics.case.reader import CaseReader
from forensics.triage.environment import available_cores
from tests.pictures import encoded, photo

FILES, PICTURES = 8_000, 400
_ENVIRONMENT = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


def main() -> None:
    """Build the image, run both, compare, print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image, size = _build(folder)
        print(
            f"ext4, {FILES:,} files, {size / 1e6:,.0f} MB of content, {PICTURES} of them JPEG pictures of 2 megapixels"
        )
        fiwalk_seconds, expected = _fiwalk(image, folder)
        limit = _openssl_seconds(size)
        print(
            f"fiwalk (MD5, SHA-1, one core)              {fiwalk_seconds:6.1f} s"
            f"  {size / 1e6 / fiwalk_seconds:6.0f} MB/s"
        )
        print(
            f"limit: three digests on {available_cores()} cores            {limit:6.1f} s"
            f"  {size / 1e6 / limit:6.0f} MB/s"
        )
        for options in ([], ["--no-source-digest"], ["--no-source-digest", "--jobs", "1"]):
            seconds, found = _tamiz(image, folder, options)
            wrong = sum(found.get(path) != digests for path, digests in expected.items())
            print(
                f"tamiz scan {' '.join(options):31} {seconds:6.1f} s  {size / 1e6 / seconds:6.0f} MB/s"
                f"  {fiwalk_seconds / seconds:4.2f} x fiwalk  {limit / seconds:4.0%} of the limit"
                f"  {len(expected) - wrong:,}/{len(expected):,} files with fiwalk's MD5 and SHA-1"
            )


def _build(folder: Path) -> tuple[Path, int]:
    random = np.random.default_rng(1)
    sizes = np.minimum(random.lognormal(10.6, 1.2, FILES - PICTURES), 5e6).astype(int)
    total = 0
    for number, size in enumerate(sizes):
        file = folder / "tree" / f"d{number % 97:02}" / f"f{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(random.bytes(int(size)))
        total += int(size)
    for number in range(PICTURES):
        data = encoded(photo(1200, 1600, seed=number % 40), "JPEG", quality=85 + number // 40)
        (folder / "tree" / f"p{number}.jpg").write_bytes(data)
        total += len(data)
    image = folder / "disk.raw"
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-d", folder / "tree", image, f"{total * 11 // 10 + (64 << 20) >> 20}M"],
        check=True,
        env=_ENVIRONMENT,
    )
    subprocess.run(["rm", "-r", folder / "tree"], check=True)
    return image, total


def _fiwalk(image: Path, folder: Path) -> tuple[float, dict[str, tuple[str, str]]]:
    output = folder / "fiwalk.xml"
    began = time.perf_counter()
    subprocess.run(["fiwalk", "-X", output, image], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    digests = {}
    for _, element in ET.iterparse(output):  # noqa: S314 - fiwalk's own output
        if element.tag.rpartition("}")[2] != "fileobject":
            continue
        fields = {child.tag.rpartition("}")[2]: child for child in element}
        values = {child.get("type"): child.text for child in element if child.tag.endswith("hashdigest")}
        is_file = "name_type" in fields and fields["name_type"].text == "r"
        if is_file and "unalloc" not in fields and values and (path := fields["filename"].text):
            digests[path] = (values["md5"] or "", values["sha1"] or "")
        element.clear()
    return seconds, digests


def _tamiz(image: Path, folder: Path, options: list[str]) -> tuple[float, dict[str, tuple[str, str]]]:
    case = folder / f"{len(options)}.case"
    command = [sys.executable, "-c", "import cli; cli.main()", "--library", str(folder / "library")]
    subprocess.run(
        [*command, "case", "new", case, "--number", "1", "--examiner", "B"], check=True, stdout=subprocess.DEVNULL
    )
    began = time.perf_counter()
    subprocess.run(
        [*command, "scan", case, image, "--quiet", *options],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    with CaseReader.open(case) as reader:
        query = "SELECT path, md5, sha1 FROM streams JOIN contents ON sha256 = content"
        found = {row["path"]: (row["md5"], row["sha1"]) for row in reader._rows(query)}  # noqa: SLF001
    return seconds, found


def _openssl_seconds(size: int) -> float:
    """Time that the bare digests of so many bytes take on all cores."""
    piece = os.urandom(1 << 20)
    cores = available_cores()

    def work(pieces: int) -> None:
        digests = [hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False), hashlib.sha256()]
        for _ in range(pieces):
            for digest in digests:
                digest.update(piece)

    began = time.perf_counter()
    with ThreadPoolExecutor(cores) as threads:
        list(threads.map(work, [size // len(piece) // cores] * cores))
    return time.perf_counter() - began
