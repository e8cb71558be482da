"""FAT12, FAT16 and FAT32 for the torture set, written by mtools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from tests.evidence.noise import noise
from tests.evidence.torture import names, programs
from tests.evidence.torture.manifest import BuiltImage, Planted, places, planted, still_there
from tests.evidence.torture.tree import Tree

_PIECE = 512
_MOST_ENTRIES = 600
"""mtools looks through the whole directory for each file it adds."""
_SIZES = {"12": 8 << 20, "16": 24 << 20, "32": 48 << 20}
_NOT_FOR_MTOOLS = set('?*<>|":\\')


def build(folder: Path, entries: int) -> Iterator[BuiltImage]:
    """Build the FAT images."""
    for bits, size in _SIZES.items():
        yield _build(folder / f"fat{bits}.raw", bits, size, min(entries, _MOST_ENTRIES))


def _build(image: Path, bits: str, size: int, entries: int) -> BuiltImage:
    tree = Tree(image.with_suffix(".tree"))
    draw = noise(int(bits))
    for length in (0, 1, 511, 513, 70_000, 400_000):
        tree.write("plain", f"PLAIN/{length}.BIN", draw.randbytes(length))
    tree.write("long name", "Long Folder Name/A File With a Long Name.jpeg", draw.randbytes(3000))
    tree.write("long name", "long/" + "x" * 191 + ".bin", draw.randbytes(3000))
    tree.write("name of 255 characters", "long/" + "y" * 251 + ".bin", draw.randbytes(3000))
    tree.planted[-1] = replace(
        tree.planted[-1], name_lost="The Sleuth Kit drops the end of a long name of more than 195 characters"
    )
    for name in names.EVERYWHERE:
        if not _NOT_FOR_MTOOLS & set(name) and ord(max(name)) < 0x10000:
            tree.write("hostile name", f"names/{name}", draw.randbytes(600))
    for number in range(entries):
        tree.write("large directory", f"many/entry {number:06}.txt", b"content of entry %d\n" % number)
    gone = {f"gone/File to delete {number:02}.bin": draw.randbytes(9000 + number) for number in range(24)}
    for path, content in gone.items():
        tree.write("", path, content)
    with image.open("xb") as file:
        file.truncate(size)
    programs.run("mkfs.vfat", "-F", bits, "-s", "1" if bits != "12" else "8", "-n", "TORTURE", image)
    programs.run("mcopy", "-i", image, "-s", "-Q", *sorted(tree.folder.iterdir()), "::/")
    tree.remove()
    truth = [item for item in tree.planted if item.planted_class]
    return BuiltImage(f"FAT{bits}", image, (*truth, *_deleted(image, gone)))


def _deleted(image: Path, gone: dict[str, bytes]) -> list[Planted]:
    """Delete every other file, write one over part of them and one in pieces, and delete that too."""
    draw = noise(303)
    doomed = {path: content for number, (path, content) in enumerate(gone.items()) if number % 2}
    offsets = places(image, gone)
    programs.run("mdel", "-i", image, *(f"::/{path}" for path in doomed))
    later = {"over.bin": draw.randbytes(20_000), "pieces.bin": draw.randbytes(30_000)}
    for path, content in later.items():
        file = image.with_name("content")
        file.write_bytes(content)
        programs.run("mcopy", "-i", image, file, f"::/{path}")
        file.unlink()
    offsets |= places(image, later)
    programs.run("mdel", "-i", image, "::/pieces.bin")
    truth = [planted("written over deleted files", "over.bin", later["over.bin"])]
    truth += [planted("plain", path, content) for path, content in gone.items() if path not in doomed]
    for path, content in (*doomed.items(), ("pieces.bin", later["pieces.bin"])):
        there = still_there(image, content, offsets[path])
        whole = all(second - first == _PIECE for first, second in pairwise(offsets[path]))
        why = "its clusters are another file's" if not there else "" if whole else "in pieces, and its chain is cleared"
        item = planted("deleted" if whole else "deleted, in pieces", path, content)
        truth.append(replace(item, deleted=True, recoverable=not why, why=why or "one run, untouched"))
    return truth
