"""A disk full of files that end, hold up or swell what opens them, beside innocent ones; with the truth about both.

Traps are pictures that set off the plug-in hasher of :mod:`tests.triage.traps`; the rest are real files of formats
whose decoders have had such faults: decompression bombs, headers that lie, files cut short, a sparse terabyte.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import struct
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from forensics.reason import Reason
from tests.pictures import encoded, plasma
from tests.triage.traps import TRAPS

TERABYTE = 2**40
SPARSE_FILE = "sparse.dat"


@dataclass
class HostileDisk:
    """The disk and what is on it.

    Attributes:
        image: The image.
        sha256: Digest of every file but the sparse one, by path.
        traps: What the case must say of each trap, by path.
        hostile: Paths of all hostile files, traps included.
    """

    image: Path
    sha256: dict[str, str] = field(default_factory=dict)
    traps: dict[str, Reason] = field(default_factory=dict)
    hostile: set[str] = field(default_factory=set)


def build(folder: Path, traps: dict[str, int], *, others: int, innocents: int) -> HostileDisk:
    """Make the disk with real tools.

    Args:
        folder: Where to.
        traps: How many pictures set off each deed of :data:`tests.triage.traps.TRAPS`.
        others: How many hostile files of other kinds; they repeat with other content.
        innocents: How many pictures and texts that do nothing.
    """
    disk = HostileDisk(folder / "hostile.raw")
    tree = folder / "tree"
    choose = random.Random(11)  # noqa: S311 - content, not secrets
    files: dict[str, bytes] = {}
    for deed, count in traps.items():
        for number in range(count):
            picture = plasma(60 + number % 40, TRAPS[deed].width, seed=choose.randrange(2**31))
            name = f"{deed.replace(' ', '-').replace(',', '')}-{number:03}.png"
            files[name] = encoded(picture, "PNG")
            disk.traps[name] = TRAPS[deed].reason
    kinds = _others(choose)
    files.update(next(kinds) for _ in range(others))
    disk.hostile = {*files, SPARSE_FILE}
    for number in range(innocents):
        if number % 4:
            files[f"innocent-{number:03}.txt"] = b"%d, nothing to fear\n" % number * (1 + 37 * number)
        else:
            files[f"innocent-{number:03}.jpg"] = encoded(plasma(200, 240, seed=number), "JPEG", quality=85)
    # among each other, as on a disk in use
    names = sorted(files)
    choose.shuffle(names)
    for place, name in enumerate(names):
        path = tree / f"{place % 7}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
        disk.sha256[name] = hashlib.sha256(files[name]).hexdigest()
    size = sum(len(content) + 4096 for content in files.values()) * 5 // 4 + (8 << 20)
    with (tree / SPARSE_FILE).open("wb") as file:
        file.truncate(TERABYTE)
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-d", tree, "-E", "root_owner=0:0", disk.image, f"{size >> 20}M"],
        check=True,
        env=environment,
    )
    return disk


def _others(choose: random.Random) -> Iterator[tuple[str, bytes]]:
    """Hostile files of all kinds, again and again with other content."""
    number = 0
    while True:
        seed = choose.randrange(2**31)
        whole = plasma(120, 160, seed=seed)
        for name, content in (*_bombs(seed), *_liars(whole, choose), *_cut_short(whole, choose)):
            stem, _, suffix = name.partition(".")
            yield f"{stem}-{number:03}.{suffix}", content
            number += 1


def _bombs(seed: int) -> Iterator[tuple[str, bytes]]:
    """Little that would become much."""
    mark = struct.pack(">I", seed)
    yield "bomb.png", _png(60_000, 60_000, _deflated_zeros(64 << 20), mark)
    yield "bomb-below-the-limit.png", _png(8_000, 8_000, _deflated_zeros(8_001 * 8_000), mark)
    profile = b"x\0\0" + _deflated_zeros(200 << 20)
    yield "bomb-in-a-profile.png", _png(8, 8, zlib.compress(bytes(72)), mark, (b"iCCP", profile))
    frame = b"\x2c" + struct.pack("<HHHH", 0, 0, 65_535, 65_535) + b"\0\2\2\x4c\1\0"
    screen = b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6)
    yield "bomb.gif", screen + b"\x21\xfe\x04" + mark + b"\0" + frame * 500 + b"\x3b"
    yield "bomb.tif", _tiff(100_000, 100_000, mark)
    yield "bomb.webp", _webp(16_384, 16_384, mark)
    yield (
        "bomb.bmp",
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 70, 0, 54, 40, 60_000, -60_000, 1, 24, 0, 0, 0, 0, 0, 0) + mark,
    )
    once, twice = _gzip_bombs()
    yield "bomb.gz", once[:4] + mark + once[8:]
    yield "bomb-twice.gz", twice[:4] + mark + twice[8:]


def _liars(whole: object, choose: random.Random) -> Iterator[tuple[str, bytes]]:
    """Headers that promise what does not follow."""
    noise = choose.randbytes(20_000)
    jpeg = encoded(whole, "JPEG")  # type: ignore[arg-type]
    frame = jpeg.index(b"\xff\xc0")
    yield "lie-of-size.jpg", jpeg[: frame + 5] + b"\xff\xff\xff\xff" + jpeg[frame + 9 :]
    yield "lie-of-content.jpg", jpeg[:600] + noise
    yield "lie.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + struct.pack(">I", 2**32 - 1) + b"meta" + noise
    yield "lie.avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + struct.pack(">I", 5_000) + b"meta" + noise
    yield "lie.mp4", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + struct.pack(">I", 2**31) + b"moov" + noise
    yield "lie.webp", b"RIFF" + struct.pack("<I", 2**32 - 1) + b"WEBPVP8X" + noise
    yield "lie.jp2", b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 " + noise
    yield "lie.psd", b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 56, 30_000, 30_000, 32, 3) + noise
    yield "lie.ico", b"\0\0\1\0\xff\xff" + noise
    yield "lie.mkv", b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xfe" + noise
    yield "lie.zip", b"PK\x03\x04" + noise + b"PK\x05\x06" + b"\xff" * 18
    yield "lie.dat", noise


def _cut_short(whole: object, choose: random.Random) -> Iterator[tuple[str, bytes]]:
    """Every format, broken off somewhere."""
    for name, suffix in (
        ("JPEG", "jpg"), ("PNG", "png"), ("GIF", "gif"), ("TIFF", "tif"), ("WEBP", "webp"), ("BMP", "bmp"),
        ("JPEG2000", "jp2"), ("ICO", "ico"), ("TGA", "tga"), ("PPM", "pgm"),
    ):  # fmt: skip
        content = encoded(whole, name)  # type: ignore[arg-type]
        yield f"cut.{suffix}", content[: choose.randrange(16, len(content))]


@cache
def _deflated_zeros(count: int) -> bytes:
    return zlib.compress(bytes(count), 9)


@cache
def _gzip_bombs() -> tuple[bytes, bytes]:
    """2 GB of zeros, and 20 GB of them compressed twice."""
    once = gzip.compress(bytes(100 << 20), 9, mtime=0)
    return once * 20, gzip.compress(once * 200, 9, mtime=0)


def _png(width: int, height: int, pixels: bytes, mark: bytes, *further: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tEXt", b"n\0" + mark.hex().encode()), *further, (b"IDAT", pixels), (b"IEND", b"")]
    parts = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _tiff(width: int, height: int, mark: bytes) -> bytes:
    """One strip of deflated zeros that is stated to hold all of a huge picture."""
    strip = _deflated_zeros(1 << 20) + mark
    fields = [
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, 8), (277, 3, 1),
        (278, 4, height), (279, 4, len(strip)),
    ]  # fmt: skip
    directory = struct.pack("<H", len(fields)) + b"".join(struct.pack("<HHII", *_entry(*item)) for item in fields)
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory + bytes(4)


def _entry(tag: int, kind: int, value: int) -> tuple[int, int, int, int]:
    return tag, kind, 1, value


def _webp(width: int, height: int, mark: bytes) -> bytes:
    """A lossless picture of one colour: five codes without a bit each, then nothing."""
    bits = (width - 1) | (height - 1) << 14
    body = b"\x2f" + struct.pack("<I", bits) + b"\x88\x88\x08" + mark
    body += bytes(len(body) % 2)
    return b"RIFF" + struct.pack("<I", len(body) + 12) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body
