"""Whole disks for the torture set: partition tables, sectors of 4,096 bytes, volumes inside encrypted volumes."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from forensics.evidence.keys import Key, KeyKind, Keyring
from forensics.reason import Reason
from tests.evidence.layers import lvm_writer
from tests.evidence.noise import noise
from tests.evidence.torture import fat, ntfs, programs
from tests.evidence.torture.manifest import BuiltImage, Planted
from tests.evidence.torture.tree import Tree

_EXTENT = 8
_PARTITION = re.compile(r"^\d+:  \d+ +(\d+) ", re.MULTILINE)
_PASSPHRASE = b"correct horse"
_LINUX = bytes.fromhex("af3dc60f838472478e793d69d8477de4")
_BASIC = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7")


def build(folder: Path, entries: int) -> Iterator[BuiltImage]:
    """Build the disks."""
    yield _layered(folder, entries)
    yield _large_sectors(folder / "4kn.raw")


def _layered(folder: Path, entries: int) -> BuiltImage:
    """GPT; NTFS with deleted files, LUKS 2 around LVM2 around ext4, FAT."""
    first, _ = ntfs.build(folder, entries)
    fat12 = next(fat.build(folder, min(entries, 50)))
    tree = _tree(folder / "logical.tree", 601)
    ext4 = folder / "logical.raw"
    programs.run("mke2fs", "-q", "-t", "ext4", "-d", tree.folder, ext4, "12M")
    tree.remove()
    encrypted = _encrypted(_logical_volumes(ext4.read_bytes()), folder)
    parts = [(first.path.read_bytes(), _BASIC), (encrypted, _LINUX), (fat12.path.read_bytes(), _BASIC)]
    for path in (first.path, first.path.with_name("ntfs-compressed.raw"), fat12.path, ext4):
        path.unlink(missing_ok=True)
    image = folder / "layered.raw"
    write_gpt(image, parts, 512)
    truth = (
        *in_volume(first.planted, "p1"),
        *in_volume(tree.planted, "p2/luks/lvm2"),
        *in_volume(fat12.planted, "p3"),
    )
    keyring = Keyring((Key(KeyKind.PASSWORD, _PASSPHRASE, None),))
    told = frozenset({("p2/luks/lvm1", Reason.NO_FILE_SYSTEM)})
    return BuiltImage("GPT: NTFS, LUKS 2 with LVM2 with ext4, FAT12", image, truth, told, keyring)


def _large_sectors(image: Path) -> BuiltImage:
    """GPT in sectors of 4,096 bytes, with file systems that have such sectors too."""
    parts, truth = [], []
    for number, seed in ((1, 602), (2, 603)):
        tree = _tree(image.with_suffix(".tree"), seed)
        part = image.with_suffix(".part")
        if number == 1:
            programs.run("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", tree.folder, part, "12M")
        else:
            with part.open("xb") as file:
                file.truncate(32 << 20)
            programs.run("mkfs.vfat", "-S", "4096", "-s", "1", "-F", "16", part)
            programs.run("mcopy", "-i", part, "-s", "-Q", *sorted(tree.folder.iterdir()), "::/")
        parts.append((part.read_bytes(), _LINUX if number == 1 else _BASIC))
        truth += in_volume(tree.planted, f"p{number}")
        part.unlink()
        tree.remove()
    starts = write_gpt(image, parts, 4096)
    listed = programs.output("mmls", "-b", "4096", image)
    assert [int(start) for start in _PARTITION.findall(listed)] == starts
    return BuiltImage("4Kn, GPT: ext4, FAT16", image, tuple(truth))


def _tree(folder: Path, seed: int) -> Tree:
    tree = Tree(folder)
    draw = noise(seed)
    for size in (0, 1, 4096, 70_000, 1_000_000):
        tree.write("plain", f"plain/F{size}.BIN", draw.randbytes(size))
    for number in range(50):
        tree.write("plain", f"many/entry {number:06}.txt", b"content of entry %d\n" % number)
    return tree


def in_volume(items: Sequence[Planted], volume: str) -> list[Planted]:
    """The truth about streams of a file system that stands in a volume of a disk."""
    return [replace(item, volume=volume) for item in items]


def _logical_volumes(content: bytes) -> bytes:
    """A physical volume with two logical ones; the second, in two segments, holds the content."""
    extents = len(content) // (_EXTENT * lvm_writer.SECTOR)
    half = extents // 2
    segments = (lvm_writer.Segment(half, ((0, 9 + extents - half),)), lvm_writer.Segment(extents - half, ((0, 5),)))
    group = lvm_writer.Group(_EXTENT, (extents + 10,), {"first": (lvm_writer.Segment(3, ((0, 0),)),), "root": segments})
    volume = lvm_writer.physical_volume(0, lvm_writer.metadata(group), extents + 10, _EXTENT)
    lvm_writer.fill(group, "root", content, [volume])
    return bytes(volume)


def _encrypted(content: bytes, folder: Path) -> bytes:
    """Encrypt a content in place with cryptsetup, which needs no device for that."""
    key, path = folder / "key", folder / "luks.raw"
    key.write_bytes(_PASSPHRASE)
    path.write_bytes(content + bytes(32 << 20))
    cheap = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
    kind = ("--encrypt", "--type", "luks2", "--reduce-device-size", "32M", "-q", "--key-file", key)
    programs.run("cryptsetup", "reencrypt", *kind, *cheap, path)
    encrypted = path.read_bytes()
    path.unlink()
    key.unlink()
    return encrypted


def write_gpt(image: Path, parts: Sequence[tuple[bytes, bytes]], sector: int) -> list[int]:
    """Write a disk with a GUID partition table (UEFI specification 2.10, chapter 5), both copies of it.

    Args:
        image: The file to make.
        parts: Content and type GUID, as stored, of each partition.
        sector: Bytes of a sector.

    Returns:
        First sector of each partition.
    """
    align = (1 << 20) // sector
    start, entries, placed = align, b"", []
    for number, (content, kind) in enumerate(parts, start=1):
        length = -(-len(content) // sector)
        entries += struct.pack("<16s16sQQQ72s", kind, bytes([number]) * 16, start, start + length - 1, 0, b"")
        placed.append((start, content))
        start += -(-length // align) * align
    entries = entries.ljust(128 * 128, b"\0")
    table = -(-len(entries) // sector)
    last = start + align - 1
    protective = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff" * 3, 1, last)
    with image.open("xb") as file:
        file.truncate((last + 1) * sector)
        file.seek(446)
        file.write(protective)
        file.seek(510)
        file.write(b"\x55\xaa")
        for own, other, at in ((1, last, 2), (last, 1, last - table)):
            header = struct.pack(
                "<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, own, other,
                table + 2, last - table - 1, b"d" * 16, at, 128, 128, zlib.crc32(entries),
            )  # fmt: skip
            header = header[:16] + struct.pack("<I", zlib.crc32(header)) + header[20:]
            file.seek(own * sector)
            file.write(header)
            file.seek(at * sector)
            file.write(entries)
        for begin, content in placed:
            file.seek(begin * sector)
            file.write(content)
    return [begin for begin, _ in placed]
