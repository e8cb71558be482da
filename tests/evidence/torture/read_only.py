"""ISO 9660, HFS+, UFS and XFS for the torture set: file systems that a program fills from a folder, once.

UDF is there to be told: The Sleuth Kit does not read it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from forensics.reason import Reason
from tests.evidence.noise import noise
from tests.evidence.torture import names, programs
from tests.evidence.torture.manifest import BuiltImage, planted
from tests.evidence.torture.tree import Tree

_LIMIT_OF_JOLIET = 60


def builders() -> dict[str, Callable[[Path, int], BuiltImage]]:
    """How to build each of these images, by name."""
    return {
        "ISO 9660, Rock Ridge": _rock_ridge,
        "ISO 9660, Joliet": _joliet,
        "ISO 9660, plain": _plain_iso,
        "HFS+": _hfs,
        "UFS1": _ufs,
        "XFS": _xfs,
        "UDF": _udf,
    }


def build(folder: Path, entries: int) -> Iterator[BuiltImage]:
    """Build these images."""
    for builder in builders().values():
        yield builder(folder, entries)


def _tree(folder: Path, entries: int, hostile: tuple[str, ...], seed: int, depth: int = 7) -> Tree:
    tree = Tree(folder)
    draw = noise(seed)
    for size in (0, 1, 2048, 70_000, 1_500_000):
        tree.write("plain", f"plain/f{size}.bin", draw.randbytes(size))
    tree.write("deep directory", "/".join(f"n{level}" for level in range(depth)) + "/bottom.bin", draw.randbytes(3000))
    for name in hostile:
        tree.write("hostile name", f"names/{name}", draw.randbytes(600))
    for number in range(entries):
        tree.write("large directory", f"many/entry {number:06}.txt", b"content of entry %d\n" % number)
    return tree


def _rock_ridge(folder: Path, entries: int) -> BuiltImage:
    hostile = (*names.EVERYWHERE, *names.UNIX_AND_POSIX_NTFS)
    tree = _tree(folder / "rr.tree", entries, hostile, 401)
    image = folder / "rock-ridge.iso"
    # without a partition table, and read through no character set: names go in byte for byte
    programs.run("xorriso", "-as", "mkisofs", "-quiet", "-r", "-o", image, tree.folder)
    tree.remove()
    lost = "The Sleuth Kit gives the names of ISO 9660 itself, not those of Rock Ridge"
    return BuiltImage("ISO 9660, Rock Ridge", image, tuple(replace(item, name_lost=lost) for item in tree.planted))


def _joliet(folder: Path, entries: int) -> BuiltImage:
    hostile = tuple(name for name in names.EVERYWHERE if ord(max(name)) < 0x10000 and not set("*/:;?\\") & set(name))
    tree = _tree(folder / "joliet.tree", entries, (*hostile, "x" * _LIMIT_OF_JOLIET + ".bin"), 402, depth=5)
    image = folder / "joliet.iso"
    programs.run("genisoimage", "-quiet", "-J", "-input-charset", "utf-8", "-o", image, tree.folder)
    tree.remove()
    return BuiltImage("ISO 9660, Joliet", image, tuple(tree.planted))


def _plain_iso(folder: Path, entries: int) -> BuiltImage:
    tree = Tree(folder / "iso.tree")
    draw = noise(403)
    for size in (0, 1, 2048, 70_000):
        tree.write("plain", f"PLAIN/F{size}.BIN", draw.randbytes(size))
    for number in range(min(entries, 1000)):
        tree.write("large directory", f"MANY/E{number:06}.TXT", b"content of entry %d\n" % number)
    image = folder / "plain.iso"
    programs.run("genisoimage", "-quiet", "-o", image, tree.folder)
    tree.remove()
    return BuiltImage("ISO 9660, plain", image, tuple(tree.planted))


def _hfs(folder: Path, entries: int) -> BuiltImage:
    """A medium for Macintosh: HFS+ in a partition, over the same bytes as an ISO 9660 that stands outside of it."""
    tree = _tree(folder / "hfs.tree", entries, (*names.EVERYWHERE, "\u00f1" * 120), 404)
    for number in range(200):
        tree.write("many folders", f"folders/folder {number}/file", b"in folder %d\n" % number)
    image = folder / "hfs.iso"
    programs.run("xorriso", "-as", "mkisofs", "-quiet", "-hfsplus", "-r", "-o", image, tree.folder)
    tree.remove()
    # HFS+ stores every name decomposed
    truth = [
        replace(item, volume="p3", path=unicodedata.normalize("NFD", item.path.decode()).encode())
        for item in tree.planted
    ]
    told = frozenset({("p1", Reason.NO_FILE_SYSTEM), ("p2", Reason.NO_FILE_SYSTEM), ("p4", Reason.NO_FILE_SYSTEM)})
    return BuiltImage("HFS+", image, tuple(truth), told)


def _ufs(folder: Path, entries: int) -> BuiltImage:
    hostile = (*names.EVERYWHERE, *names.UNIX_AND_POSIX_NTFS, "\u00f1" * 127)
    tree = _tree(folder / "ufs.tree", entries, hostile, 405)
    for name in names.NOT_UTF8:
        tree.write("hostile name", b"names/" + name, noise(406).randbytes(500))
    tree.write_sparsely("sparse", "sparse", {0: b"a" * 9000, 900_000: b"b" * 100})
    image = folder / "ufs.raw"
    size = str((16 << 20) + entries * 2048)
    options = ("-t", "ffs", "-o", "version=1", "-s", size, "-f", str(entries + 500))
    programs.run("makefs", *options, image, tree.folder)
    tree.remove()
    return BuiltImage("UFS1", image, tuple(tree.planted))


def _xfs(folder: Path, entries: int) -> BuiltImage:
    """XFS by the prototype of mkfs.xfs, which takes names without white space only."""
    tree = Tree(folder / "xfs.tree")
    draw = noise(407)
    groups: dict[str, list[str]] = {"plain": [], "names": [], "many": []}
    for size in (0, 1, 4096, 70_000, 3_000_000):
        tree.write("plain", f"plain/{size}", draw.randbytes(size))
    unix = (*names.EVERYWHERE, *names.UNIX_AND_POSIX_NTFS, "x" * 255)
    for name in unix:
        if not set(name) & set(" \n\r\t") and name != "$(reboot)`":
            tree.write("hostile name", f"names/{name}", draw.randbytes(600))
    for number in range(entries):
        tree.write("large directory", f"many/entry-{number:06}.txt", b"content of entry %d\n" % number)
    for number, item in enumerate(tree.planted):
        group, _, name = item.path.decode().partition("/")
        source = folder / f"xfs-{number}"
        (tree.folder / item.path.decode()).rename(source)
        groups[group].append(f"{name} ---644 0 0 {source}")
    lines = ["/", "0 0", "d--755 0 0"]
    for group, rows in groups.items():
        lines += [f"{group} d--755 0 0", *rows, "$"]
    prototype = folder / "xfs.prototype"
    prototype.write_text("\n".join([*lines, "$", ""]))
    image = folder / "xfs.raw"
    length = f"{300 + entries * 6 // 1000}m"
    programs.run("mkfs.xfs", "-q", "-d", f"file,name={image},size={length}", "-p", prototype)
    for number in range(len(tree.planted)):
        (folder / f"xfs-{number}").unlink()
    tree.remove()
    return BuiltImage("XFS", image, tuple(tree.planted))


def _udf(folder: Path, entries: int) -> BuiltImage:
    image = folder / "udf.raw"
    with image.open("xb") as file:
        file.truncate(16 << 20)
    programs.run("mkudffs", "-b", "512", image)
    truth = (replace(planted("not readable, but told", "any", b"any"), recoverable=False, why="UDF is not read"),)
    return BuiltImage("UDF", image, truth, frozenset({("p0", Reason.NO_FILE_SYSTEM)}))
