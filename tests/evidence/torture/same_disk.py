"""One disk in every format of images: a real scan of each must give the same hits and the same contents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forensics.case.ledger import Actor
from forensics.case.reader import CaseReader
from forensics.case.store import CaseStore
from forensics.triage.progress import NoDisplay
from forensics.triage.scan import ScanRequest, scan
from hashsets.format import Disposition
from hashsets.library import Library
from tests.evidence.images.every_format import FORMATS
from tests.evidence.torture import fat, ntfs, programs
from tests.evidence.torture.disks import in_volume, write_gpt
from tests.evidence.torture.manifest import BuiltImage

_ENTRIES = 30
_LISTED = 5
_BASIC = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7")


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan of the disk in one format put into a case.

    Attributes:
        name: The format.
        hits: Place, state, path and entry of each hit.
        contents: SHA-256 of every content.
        streams: Place and SHA-256 of every stream.
    """

    name: str
    hits: frozenset[tuple[str, ...]]
    contents: frozenset[str]
    streams: frozenset[tuple[str, str, str]]


def build_disk(folder: Path) -> BuiltImage:
    """A disk with NTFS and FAT, both with deleted files."""
    first = next(ntfs.build(folder, _ENTRIES))
    second = next(fat.build(folder, _ENTRIES))
    disk = folder / "disk.raw"
    write_gpt(disk, [(first.path.read_bytes(), _BASIC), (second.path.read_bytes(), _BASIC)], 512)
    return BuiltImage("disk", disk, (*in_volume(first.planted, "p1"), *in_volume(second.planted, "p2")))


def listed(disk: BuiltImage) -> frozenset[str]:
    """MD5 of the streams that the invented list names: every fifth of those that can be found."""
    found = [item.md5 for item in disk.planted if item.recoverable and item.size]
    return frozenset(found[::_LISTED])


def scan_formats(disk: BuiltImage, folder: Path, names: tuple[str, ...] = tuple(FORMATS)) -> Iterator[Scanned]:
    """Convert the disk to each format and scan it into a case of its own."""
    file = folder / "list.csv"
    file.write_text("md5,category\n" + "".join(f"{digest},7\n" for digest in sorted(listed(disk))))
    with Library(folder / "library") as library:
        library.import_list(file, "invented", Disposition.NOTABLE)
        sets = tuple(library.sets())
    for number, name in enumerate(names):
        place = folder / str(number)
        place.mkdir()
        image = FORMATS[name](programs.run, disk.path, place)
        case = folder / f"{number}.case"
        CaseStore.create(case, "1", Actor("Ana Prueba", "laboratory"), None, []).close()
        with CaseStore.open(case) as store:
            scan(
                store,
                Actor("Ana Prueba", "laboratory"),
                ScanRequest((image,), None, sets, folder / "library", jobs=2),
                NoDisplay(),
            )
        yield _scanned(name, case)
        for part in place.iterdir():
            part.unlink()


def expected_hits(disk: BuiltImage) -> frozenset[tuple[str, str]]:
    """Volume and path of each stream that the list must hit, deleted ones without a name of their own left out."""
    known = listed(disk)
    return frozenset(
        (item.volume, item.path.hex())
        for item in disk.planted
        if item.md5 in known and item.recoverable and not item.name_lost
    )


def _scanned(name: str, case: Path) -> Scanned:
    with CaseReader.open(case) as reader:
        hits = frozenset(
            (hit.volume, hit.stored_path.hex(), hit.locator, hit.allocation, hit.md5, hit.tier) for hit in reader.hits()
        )
        rows = list(reader._rows("SELECT locator, path, content FROM streams WHERE content IS NOT NULL"))
    streams = frozenset((row["locator"], row["path"], row["content"]) for row in rows)
    return Scanned(name, hits, frozenset(row["content"] for row in rows), streams)


def digest(items: frozenset[str]) -> str:
    """One short figure for a set of digests, to show that two sets are the same."""
    return hashlib.sha256("".join(sorted(items)).encode()).hexdigest()[:16]
