"""Writes L01 logical images as EnCase 6 lays them out, right or wrong. libewf reads what it writes."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.evidence.images.ewf_writer import CHUNK, FIRST_SECTION, adler, checked, segment, table, volume

MAGIC = b"LVF\x09\x0d\x0a\xff\x00"
COMPRESSED = 0x80000000
TAGS = [
    "p",
    "n",
    "id",
    "opr",
    "src",
    "sub",
    "cid",
    "jq",
    "cr",
    "ac",
    "wr",
    "mo",
    "dl",
    "aq",
    "ha",
    "sha",
    "ls",
    "du",
    "lo",
    "po",
    "mid",
    "be",
    "pm",
    "lpt",
]


@dataclass(frozen=True)
class Item:
    """A file or folder to be written; ``values`` are added to, or replace, those that follow from the content."""

    name: str
    content: bytes | None = None
    children: Sequence[Item] = ()
    values: dict[str, str] = field(default_factory=dict)


def tree(items: Sequence[Item]) -> tuple[str, bytes]:
    """The text of the tree, and the content of all files one after another."""
    lines: list[str] = []
    medium = bytearray()
    _write(Item("", None, items), lines, medium)
    categories = [
        f"rec\ntb\n{len(medium)}\n",
        "perm\n0\t1\np\tn\ts\tpr\tnta\tnti\tnts\n0\t0\n\t\t\t10\t\t\t\n",
        "srce\n0\t1\np\tn\tid\tev\ttb\tlo\tpo\tah\tgu\taq\n0\t0\n\t\t\t\t\t-1\t-1\t\t\t\n",
        "sub\n0\t1\np\tn\tid\tnu\tco\tgu\n0\t0\n\t\t\t\t1\t\n",
        "entry\n0\t1\n" + "\t".join(TAGS) + "\n" + "".join(f"{line}\n" for line in lines),
    ]
    return "5\n" + "\n".join(categories) + "\n", bytes(medium)


def ltree(text: str) -> bytes:
    data = text.encode("utf-16-le")
    head = hashlib.md5(data, usedforsecurity=False).digest() + struct.pack("<Q", len(data))
    checksum = adler(head + bytes(24))
    return head + checksum + bytes(20) + data


def image(text: str, medium: bytes) -> bytes:
    """An L01 of one segment."""
    chunks = [zlib.compress(medium[start : start + CHUNK]) for start in range(0, len(medium), CHUNK)]
    start = FIRST_SECTION + 2 * 76 + len(volume(1))
    entries = []
    for chunk in chunks:
        entries.append(start | COMPRESSED)
        start += len(chunk)
    fields = struct.pack("<4xIIIQ", len(chunks), 64, 512, 0)
    sections = [
        ("volume", checked((b"\x0e" + fields[1:]).ljust(1048, b"\0"))),
        ("sectors", b"".join(chunks)),
        ("table", table(entries)),
        ("table2", table(entries)),
        ("ltree", ltree(text)),
    ]
    return MAGIC + segment(sections)[len(MAGIC) :]


def _write(item: Item, lines: list[str], medium: bytearray) -> None:
    values = {"p": "1" if item.content is None else "", "n": item.name, "id": str(len(lines) // 2), "wr": "1738555506"}
    if item.content is not None:
        values |= {
            "ls": str(len(item.content)),
            "be": f"1 {len(medium):x} {len(item.content):x}" if item.content else "",
            "ha": hashlib.md5(item.content, usedforsecurity=False).hexdigest(),
        }
        medium += item.content
    values |= item.values
    lines.append(f"0\t{len(item.children)}")
    lines.append("\t".join(values.get(tag, "") for tag in TAGS))
    for child in item.children:
        _write(child, lines, medium)
