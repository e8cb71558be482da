"""ext2, ext3 and ext4 for the torture set, written by mke2fs and debugfs.

``debugfs`` frees inodes and blocks but leaves the lists of blocks in the inodes, as a crash would; Linux itself clears
them on ext3 and ext4, after which nothing but carving finds the content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.evidence.noise import noise
from tests.evidence.torture import names, programs
from tests.evidence.torture.manifest import BuiltImage, Planted, places, planted, still_there
from tests.evidence.torture.tree import Tree

_INODE = re.compile(r"Inode: (\d+)")
_HOLES = 700


def build(folder: Path, entries: int) -> Iterator[BuiltImage]:
    """Build the ext images."""
    for name, options in (
        ("ext2", ("-b", "1024")),
        ("ext3", ("-b", "1024")),
        ("ext4", ("-b", "1024", "-O", "inline_data,metadata_csum", "-I", "256")),
        ("ext4, blocks of 4096", ("-b", "4096", "-O", "^has_journal")),
    ):
        yield _build(folder / f"{name.replace(', blocks of ', '-')}.raw", name, entries, options)


def _build(image: Path, name: str, entries: int, options: tuple[str, ...]) -> BuiltImage:
    tree = Tree(image.with_suffix(".tree"))
    draw = noise(len(name))
    if name == "ext4":
        for size in (1, 40, 60, 61, 100, 150):
            tree.write("inline data", f"inline/{size}", draw.randbytes(size))
        tree.write("inline data", "inline/" + "\u00f1" * 20, draw.randbytes(30))
    for size in (0, 1, 1024, 4097, 13_000, 300_000, 2_000_000):
        tree.write("plain", f"plain/{size}", draw.randbytes(size))
    tree.write("deep directory", "/".join(f"n{depth}" for depth in range(200)) + "/bottom", draw.randbytes(3000))
    tree.write_sparsely("sparse", "sparse", {0: draw.randbytes(4096), 8 << 20: draw.randbytes(100)})
    tree.write_sparsely("many extents", "extents", {2 * 4096 * n: draw.randbytes(4096) for n in range(_HOLES)})
    content = draw.randbytes(7000)
    tree.write("hard link", "links/first", content)
    for other in ("links/second", "third"):
        tree.link("links/first", other)
        tree.planted.append(planted("hard link", other, content))
    unix = (*names.EVERYWHERE, *names.UNIX_AND_POSIX_NTFS, "x" * 255, "\u00f1" * 127)
    for hostile in (*(text.encode() for text in unix), *names.NOT_UTF8):
        tree.write("hostile name", b"names/" + hostile, draw.randbytes(600))
    for number in range(entries):
        tree.write("large directory", f"many/entry {number:06}.txt", b"content of entry %d\n" % number)
    gone = {f"gone/d{number % 3}/file {number:02}.bin": draw.randbytes(9000 + number) for number in range(30)}
    for path, content in gone.items():
        tree.write("", path, content)
    size = (24 << 20) + entries * 5000
    kind = ("-t", name[:4], "-N", str(entries + 1000), "-E", "root_owner=0:0")
    programs.run("mke2fs", "-q", *kind, *options, "-d", tree.folder, image, f"{size >> 10}k")
    tree.remove()
    # without this, a directory that mke2fs filled has no index
    programs.run("e2fsck", "-f", "-y", "-D", image)
    truth = [item for item in tree.planted if item.planted_class]
    return BuiltImage(name, image, (*truth, *_deleted(image, gone)))


def _deleted(image: Path, gone: dict[str, bytes]) -> list[Planted]:
    """Delete files, then write others over part of their inodes and blocks."""
    draw = noise(202)
    offsets = places(image, gone)
    inodes = {path: _inode(image, path) for path in gone}
    _debugfs(image, "".join(f'rm "/{path}"\n' for path in gone))
    later = {f"later {number}": draw.randbytes(20_000 if number % 2 else 10) for number in range(8)}
    for path, content in later.items():
        file = image.with_name("content")
        file.write_bytes(content)
        _debugfs(image, f'write {file} "{path}"\n')
        file.unlink()
    reused = {_inode(image, path) for path in later}
    truth = [planted("written over deleted files", path, content) for path, content in later.items()]
    for path, content in gone.items():
        there = still_there(image, content, offsets[path])
        why = "its inode is another file's" if inodes[path] in reused else "" if there else "its blocks are overwritten"
        item = planted("deleted", path, content)
        truth.append(replace(item, deleted=True, recoverable=not why, why=why or "inode and blocks are untouched"))
    return truth


def _debugfs(image: Path, commands: str) -> str:
    return programs.output("debugfs", "-w", "-f", "-", image, standard_input=commands)


def _inode(image: Path, path: str) -> int:
    found = _INODE.search(programs.output("debugfs", "-R", f'stat "/{path}"', image))
    assert found is not None
    return int(found[1])
