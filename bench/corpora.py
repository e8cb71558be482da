"""Every image of the public test corpora: what tamiz makes of it, beside an independent reader of the same bytes.

One line a file: refused, with what the user sees, or opened, with its volumes, file systems and streams. Where another
program reads the format (``qemu-img``, ``ewfexport``, ``cat``), the whole medium must have the same MD5; AFF4 has the
SHA-1 that its reference implementation publishes. In each file system of The Sleuth Kit, every stream must have the
bytes that ``icat`` gives from the other program's copy.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from forensics.errors import EvidenceError, ImageError
from forensics.evidence.image import DiskImage
from forensics.evidence.source import Source
from forensics.evidence.stream import Stream
from tests.evidence.sleuthkit import fls, icat, read_whole

CORPORA = Path(__file__).parents[2] / "shared" / "corpora" / "disk-images"

_PIECE = 1 << 20
_PARTITION = re.compile("[pu][0-9]+")
_PUBLISHED_SHA1 = {"Base-Linear.aff4": "7d3d27f667f95f7ec5b9d32121622c0f4b60b48d"}
"""Of the whole medium; hashing_test.py of pyaff4 0.34."""


def main() -> None:
    """Print the table."""
    if not CORPORA.is_dir():
        print("the public test corpora are not beside this checkout (../shared/corpora)")
        return
    print("| file | format | MiB | volumes | streams | medium | streams | what is told |")
    print("|---|---|---|---|---|---|---|---|")
    for path in sorted(CORPORA.rglob("*")):
        if path.is_file():
            print("| " + " | ".join(_row(path, path.relative_to(CORPORA))) + " |", flush=True)


def _row(path: Path, name: Path) -> list[str]:
    try:
        source = Source.open(path, "E1")
    except ImageError as error:
        return [str(name), "refused", "", "", "", "", "", str(error).replace(str(path), name.name)]
    with source, tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "copy.raw"
        exported = _export(source.image, copy)
        volumes, streams, told = _walk(source)
        return [
            str(name),
            source.image.format,
            f"{source.image.size / (1 << 20):.1f}",
            volumes,
            str(streams),
            _same_medium(source.image, copy, exported),
            _same_streams(source, copy) if exported else "",
            told,
        ]


def _walk(source: Source) -> tuple[str, int, str]:
    """Volumes with their file systems, the number of streams, and what is told of the rest."""
    volumes: list[str] = []
    told: Counter[str] = Counter()
    streams = 0
    if source.image.damage:
        told[source.image.damage] = 0
    try:
        for volume in source.volumes():
            try:
                file_system = source.file_system(volume)
            except EvidenceError as error:
                volumes.append(f"{volume.label} ({error.what})")
            else:
                if file_system or volume.allocated:
                    volumes.append(f"{volume.label} {file_system.type if file_system else '-'}")
            for item in source.walk(volume):
                if isinstance(item, Stream):
                    streams += 1
                else:
                    told[str(item.reason)] += 1
    except EvidenceError as error:
        told[error.what] = 0
    return ", ".join(volumes), streams, ", ".join(f"{what} ({n})" if n else what for what, n in told.items())


def _export(image: DiskImage, copy: Path) -> str:
    """Have another program write the medium to a file; gives its name, or nothing where there is none."""
    programs: dict[str, Callable[[], list[str | Path]]] = {
        "ewf": lambda: ["ewfexport", "-q", "-u", "-f", "raw", "-t", copy.with_suffix(""), *image.segments],
        "qcow2": lambda: ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", image.path, copy],
        "vmdk": lambda: ["qemu-img", "convert", "-f", "vmdk", "-O", "raw", image.path, copy],
        "vhd": lambda: ["qemu-img", "convert", "-f", "vpc", "-O", "raw", image.path, copy],
        "vhdx": lambda: ["qemu-img", "convert", "-f", "vhdx", "-O", "raw", image.path, copy],
        "udif": lambda: ["qemu-img", "convert", "-f", "dmg", "-O", "raw", image.path, copy],
    }
    if image.format in {"raw", "split-raw"}:
        with copy.open("xb") as file:
            subprocess.run(["cat", *image.segments], check=True, stdout=file)
        return "cat"
    if image.format not in programs:
        return ""
    command = programs[image.format]()
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return str(command[0]) if result.returncode == 0 and copy.is_file() else ""


def _same_medium(image: DiskImage, copy: Path, program: str) -> str:
    published = _PUBLISHED_SHA1.get(image.path.name)
    if not program and not published:
        return "no other reader"
    own = hashlib.new("sha1" if published else "md5", usedforsecurity=False)
    for offset in range(0, image.size, _PIECE):
        own.update(image.read_at(offset, _PIECE))
    if published:
        return "same as published" if own.hexdigest() == published else "OTHER THAN PUBLISHED"
    with copy.open("rb") as file:
        other = hashlib.file_digest(file, "md5").hexdigest()
    return f"same as {program}" if own.hexdigest() == other else f"OTHER THAN {program.upper()}"


def _same_streams(source: Source, copy: Path) -> str:
    """Compare every stream with icat's, in the partitions themselves."""
    counts: Counter[str] = Counter()
    for volume in source.volumes():
        if not _PARTITION.fullmatch(volume.label):
            continue
        streams = [item for item in source.walk(volume) if isinstance(item, Stream) and item.not_hashable is None]
        # icat gives zeros for the target of a link that stands in its inode
        links = {listed.address for listed in fls(copy, volume.offset // 512) if listed.link} if streams else set()
        for item in streams:
            if item.locator.address is None or item.locator.address in links:
                continue
            try:
                data = read_whole(source, item.locator)
            except EvidenceError:
                counts["unreadable"] += 1
                continue
            same = data == icat(copy, item.locator.address, volume.offset // 512)
            counts["same as icat" if same else "OTHER THAN ICAT"] += 1
    return ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))


if __name__ == "__main__":
    main()
