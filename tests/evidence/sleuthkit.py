"""The Sleuth Kit's own programs, Debian's build, as an independent oracle: what ``fls`` lists and ``icat`` gives."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.volume import Volume

_LINE = re.compile(rb"(.)/(.) (\* )?([0-9]+(?:-[0-9]+-[0-9]+)?)(\(realloc\))?:\t(.*)")


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of ``fls -r -p``."""

    address: str
    path: bytes
    directory: bool
    link: bool
    deleted: bool
    reallocated: bool


def fls(image: Path, sector: int = 0) -> list[Listed]:
    """What fls lists, directories included."""
    output = subprocess.run(["fls", "-r", "-p", "-o", str(sector), image], capture_output=True, check=True).stdout
    found = []
    for line in output.splitlines():
        match = _LINE.fullmatch(line)
        assert match is not None, line
        kind = match[2]
        found.append(
            Listed(
                match[4].decode(),
                match[6],
                kind in {b"d", b"V"},
                kind == b"l",
                match[3] is not None,
                match[5] is not None,
            )
        )
    return found


def icat(image: Path, address: str, sector: int = 0) -> bytes:
    """What icat gives for an address."""
    return subprocess.run(["icat", "-o", str(sector), image, address], capture_output=True, check=False).stdout


def walk(source: Source, volume: Volume) -> tuple[list[Stream], list[NotExamined]]:
    """A walk, parted into streams and the rest."""
    items = list(source.walk(volume))
    return (
        [item for item in items if isinstance(item, Stream)],
        [item for item in items if isinstance(item, NotExamined)],
    )


def read_whole(source: Source, locator: Locator) -> bytes:
    """All bytes of a stream."""
    reader = source.open_stream(locator)
    return reader.read_at(0, reader.size)


def differences(image: Path, source: Source, volume: Volume) -> Iterator[str]:
    """Compare a walk with fls, and each hashable stream's bytes with icat's."""
    sector = volume.offset // 512
    streams, _ = walk(source, volume)
    by_address: dict[str, list[Stream]] = {}
    for stream in streams:
        by_address.setdefault(stream.locator.address or "", []).append(stream)
    for listed in fls(image, sector):
        # fls lists a directory's alternate streams as d/r, once under its name and once under "."
        if listed.directory:
            continue
        own = by_address.get(listed.address, [])
        if not own:
            yield f"{listed} is not in the walk"
        elif listed.path not in {stream.path for stream in own} and b"/.:" not in listed.path:
            yield f"{listed} has other paths in the walk: {[stream.path for stream in own]}"
        for stream in own:
            if stream.not_hashable is not None or (listed.link and not stream.size):
                continue  # icat gives zeros for the target of a link that stands in its inode
            if read_whole(source, stream.locator) != icat(image, listed.address, sector):
                yield f"{listed} has other bytes"
