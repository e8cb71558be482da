"""Writes AD1 logical images as FTK Imager lays them out, right or wrong."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HEADER = 512
FILE, DELETED, FOLDER = 0, 2, 5


@dataclass(frozen=True)
class Item:
    """A file or folder to be written; ``attributes`` are added to, or replace, those that follow from the content."""

    name: str
    content: bytes = b""
    children: Sequence[Item] = ()
    kind: int = FILE
    attributes: dict[int, bytes] = field(default_factory=dict)


def folder(name: str, *children: Item) -> Item:
    return Item(name, children=children, kind=FOLDER)


def medium(items: Sequence[Item], name: bytes = b"E:\\taken", version: int = 4, chunk_size: int = 65536) -> bytes:
    """The bytes behind the headers of the segments."""
    header_size = (48 if version == 3 else 92) + len(name)
    body, first = _siblings(items, header_size, chunk_size)
    data = struct.pack("<16sIIIQQI", b"ADLOGICALIMAGE", version, 1, chunk_size, 0, first, len(name))
    ends = header_size + len(body)
    if version == 4:
        data += struct.pack("<4sQQQQQ", b"AD", 92, ends, 0, ends + 16, 0)
    return data + name + body + b"ATTRGUID".ljust(16, b"\0") + b"LOCSGUID".ljust(16, b"\0")


def segments(data: bytes, size: int = 1 << 30) -> list[bytes]:
    """Cut a medium into segment files of at most ``size`` bytes."""
    pieces = [data[start : start + size - HEADER] for start in range(0, len(data), size - HEADER)]
    return [
        struct.pack("<16sIIIIQI", b"ADSEGMENTEDFILE", 1, 2, number, len(pieces), size, HEADER).ljust(HEADER, b"\0")
        + piece
        for number, piece in enumerate(pieces, start=1)
    ]


def write(path: Path, files: Sequence[bytes]) -> Path:
    """Write segment files: ``path`` and ``.ad2``, ``.ad3`` beside it."""
    for number, data in enumerate(files, start=1):
        path.with_suffix(f".ad{number}").write_bytes(data)
    return path


def _siblings(items: Sequence[Item], start: int, chunk_size: int) -> tuple[bytes, int]:
    """Items that follow each other, each with what lies below it; and the offset of the first one."""
    data = b""
    for number, item in enumerate(items):
        last = number == len(items) - 1
        data += _item(item, start + len(data), chunk_size, last=last)
    return data, start if items else 0


def _item(item: Item, offset: int, chunk_size: int, *, last: bool) -> bytes:
    name = item.name.encode()
    position = offset + 48 + len(name) + 8
    content, table = b"", 0
    if item.content:
        table = position
        chunks = [
            zlib.compress(item.content[start : start + chunk_size]) for start in range(0, len(item.content), chunk_size)
        ]
        place = position + 8 * (len(chunks) + 2)
        offsets = [place]
        for chunk in chunks:
            offsets.append(offsets[-1] + len(chunk))
        content = struct.pack(f"<{len(offsets) + 1}Q", len(chunks), *offsets) + b"".join(chunks)
        position += len(content)
    attributes = _attributes(item, position)
    children, child = _siblings(item.children, position + len(attributes), chunk_size)
    end = position + len(attributes) + len(children)
    head = struct.pack("<QQQQQII", 0 if last else end, child, position, table, len(item.content), item.kind, len(name))
    return head + name + struct.pack("<Q", 0) + content + attributes + children


def _attributes(item: Item, offset: int) -> bytes:
    values = {0x2: b"1", 0x9: b"20250203T040506.789000"}
    if item.kind != FOLDER:
        values |= {
            0x3: b"%d" % len(item.content),
            0x5001: hashlib.md5(item.content, usedforsecurity=False).hexdigest().encode(),
            0x5002: hashlib.sha1(item.content, usedforsecurity=False).hexdigest().encode(),
        }
    values |= item.attributes
    data = b""
    for number, (kind, value) in enumerate(values.items()):
        end = offset + len(data) + 20 + len(value)
        data += struct.pack("<QIII", end if number < len(values) - 1 else 0, 1, kind, len(value)) + value
    return data
