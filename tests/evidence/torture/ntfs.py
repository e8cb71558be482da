"""NTFS for the torture set: written by libntfs-3g, compressed files by ntfscp."""

from __future__ import annotations

import ctypes
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Self

from plugins.sample_evidence.ntfs_volume import NtfsVolume, format_ntfs
from plugins.sample_evidence.programs import ntfs_library
from tests.evidence.noise import noise
from tests.evidence.torture import names, programs
from tests.evidence.torture.manifest import BuiltImage, Planted, places, planted, still_there

_DATA = 0x80


class Volume(NtfsVolume):
    """Writes holes and further names too, and knows the MFT records."""

    def __enter__(self) -> Self:
        super().__enter__()
        library = ntfs_library()
        assert library is not None
        link: Callable[..., Any] = library.ntfs_link
        link.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint8)  # type: ignore[attr-defined]
        self._functions["ntfs_link"] = link
        return self

    def record(self, path: str) -> int:
        return self._record(PurePosixPath(path))

    def reopen_folder(self, path: str) -> None:
        """Know a folder that an earlier object made."""
        where = PurePosixPath(path)
        with self._inode(self._folder_record(where.parent)) as parent:
            self._folders[where] = self._lookup(parent, where.name)

    def link(self, path: str, name: str) -> None:
        """Give a file a further name in its folder."""
        stored = name.encode("utf-16-le")
        with (
            self._inode(self._record(PurePosixPath(path))) as inode,
            self._inode(self._folder_record(PurePosixPath(path).parent)) as folder,
        ):
            assert self._call("ntfs_link", inode, folder, stored, len(stored) // 2) == 0

    def write_sparsely(self, path: str, pieces: dict[int, bytes]) -> None:
        """Create a file that has only these pieces; holes stand between them."""
        self.create(path, b"")
        with self._inode(self._record(PurePosixPath(path))) as inode:
            attribute = self._call("ntfs_attr_open", inode, _DATA, None, 0)
            for offset, content in pieces.items():
                assert self._call("ntfs_attr_pwrite", attribute, offset, len(content), content) == len(content)
            self._call("ntfs_attr_close", attribute)

    def create_many(self, folder: str, contents: dict[str, bytes]) -> None:
        """Create files in one folder, which stays open meanwhile."""
        with self._inode(self._make_folder(PurePosixPath(folder))) as opened:
            for name, content in contents.items():
                inode = self._create(opened, name, stat.S_IFREG)
                self._write(inode, None, content)
                self._close_in_folder(inode, opened)


def build(folder: Path, entries: int) -> Iterator[BuiltImage]:
    """Build the NTFS images: one with everything, one with compressed files."""
    if ntfs_library() is None:
        raise programs.MissingProgramError("libntfs-3g is not installed: apt install ntfs-3g")
    yield _everything(folder / "ntfs.raw", entries)
    yield _compressed(folder / "ntfs-compressed.raw")


def _everything(image: Path, entries: int) -> BuiltImage:
    format_ntfs(image, (24 << 20) + entries * 2600, 0, "TORTURE")
    draw = noise(101)
    truth: list[Planted] = []
    with Volume(image) as volume:

        def create(kind: str, path: str, content: bytes) -> None:
            volume.create(path, content)
            truth.append(planted(kind, path, content))

        for size in (1, 40, 300, 600):
            create("resident", f"resident/{size}", draw.randbytes(size))
        for size in (1000, 4096, 4097, 70_000, 1_000_000):
            create("plain", f"plain/{size}", draw.randbytes(size))
        for number, size in enumerate((5, 700, 50_000)):
            content = draw.randbytes(size)
            name = ("hidden", "name with \u202e mark", "Zone.Identifier")[number]
            for host in ("resident/40", "plain/70000"):
                volume.add_stream(host, name, content)
                truth.append(planted("alternate stream", f"{host}:{name}", content))
        for number in range(120):  # more than one record holds, so that there is an attribute list
            content = draw.randbytes(30 + number)
            volume.add_stream("plain/4096", f"s{number:03}", content)
            truth.append(planted("alternate stream", f"plain/4096:s{number:03}", content))
        pieces = {0: draw.randbytes(5000), 300_000: draw.randbytes(4096), 900_000: draw.randbytes(10)}
        volume.write_sparsely("sparse", pieces)
        truth.append(planted("sparse", "sparse", _with_holes(pieces)))
        content = draw.randbytes(20_000)
        create("hard link", "links/first", content)
        for name in ("second", "third \u00f1"):
            volume.link("links/first", name)
            truth.append(planted("hard link", f"links/{name}", content))
        for name in (*names.EVERYWHERE, *names.UNIX_AND_POSIX_NTFS, "\u00f1" * 255):
            create("hostile name", f"names/{name}", draw.randbytes(2000))
        for name in names.LONE_SURROGATES:
            create("lone surrogate in a name", f"names/{name}", draw.randbytes(2000))
            truth[-1] = replace(truth[-1], name_lost="The Sleuth Kit writes ^ for half a character")
        many = {f"entry {number:06}.txt": b"content of entry %d\n" % number for number in range(entries)}
        volume.create_many("many", many)
        truth += [planted("large directory", f"many/{name}", content) for name, content in many.items()]
    return BuiltImage("NTFS", image, (*truth, *_deleted(image)))


def _with_holes(pieces: dict[int, bytes]) -> bytes:
    content = bytearray()
    for offset, piece in pieces.items():
        content += bytes(offset - len(content)) + piece
    return bytes(content)


def _deleted(image: Path) -> list[Planted]:
    """Delete files, then write others over part of their records and clusters."""
    draw = noise(102)
    contents = {f"gone/d{number % 3}/file {number:02}.bin": draw.randbytes(9000 + number) for number in range(40)}
    contents |= {f"gone/resident {number}": draw.randbytes(60) for number in range(12)}
    records = {}
    with Volume(image) as volume:
        for path, content in contents.items():
            volume.create(path, content)
            records[path] = volume.record(path)
            if path.endswith("5.bin"):
                volume.add_stream(path, "stream", content[:6000][::-1])
    contents |= {f"{path}:stream": content[:6000][::-1] for path, content in contents.items() if path.endswith("5.bin")}
    offsets = places(image, contents)
    later: dict[str, bytes] = {f"later/small {number}": draw.randbytes(50) for number in range(9)}
    later |= {f"later/large {number}": draw.randbytes(45_000) for number in range(4)}
    with Volume(image) as volume:
        for folder in ("gone", "gone/d0", "gone/d1", "gone/d2"):
            volume.reopen_folder(folder)
        for path in records:
            volume.delete(path)
    with Volume(image) as volume:
        for path, content in later.items():
            volume.create(path, content)
        reused = {volume.record(path) for path in later} | {volume._folders[PurePosixPath("later")]}
    truth = [planted("written over deleted files", path, content) for path, content in later.items()]
    for path, content in contents.items():
        record = records[path.partition(":")[0]]
        there = len(content) < 100 or still_there(image, content, offsets[path])
        why = "its record is another file's" if record in reused else "" if there else "its clusters are another file's"
        kind = "deleted alternate stream" if ":" in path else "deleted resident" if len(content) < 100 else "deleted"
        item = planted(kind, path, content)
        truth.append(replace(item, deleted=True, recoverable=not why, why=why or "record and clusters are untouched"))
    return truth


def _compressed(image: Path) -> BuiltImage:
    with image.open("xb") as file:
        file.truncate(24 << 20)
    programs.run("mkntfs", "-q", "-F", "-f", "-C", "-s", "512", "-p", "0", "-H", "255", "-S", "63", image)
    draw = noise(103)
    runs = b"".join(bytes([draw.randrange(256)]) * draw.randrange(300) for _ in range(2000))
    contents = {
        "runs": runs,
        "text": b"".join(b"%d bottles\n" % number for number in range(40_000)),
        "noise": draw.randbytes(200_000),
        "mixed": b"".join(draw.randbytes(65_536) + bytes(65_536) + runs[:65_536] for _ in range(3)),
        "zeros": bytes(300_000),
        "one unit": runs[:65_536],
        "one byte more than a unit": runs[:65_537],
    }
    for name, content in contents.items():
        source = image.with_name("content")
        source.write_bytes(content)
        programs.run("ntfscp", "-q", image, source, name)
        source.unlink()
    return BuiltImage("NTFS, compressed", image, tuple(planted("compressed", *item) for item in contents.items()))
