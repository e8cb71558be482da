"""Writes EWF version 2 segment files (Ex01), right or wrong. libewf reads what it writes."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Sequence

from tests.evidence.images.ewf_writer import adler, checked

MAGIC = b"EVF2\x0d\x0a\x81\x00"
DEVICE, CASE, SECTORS, TABLE, ERRORS, MD5, SHA1, KEYS, NEXT, DONE = 1, 2, 3, 4, 5, 8, 9, 0xB, 0xD, 0xF
COMPRESSED, CHECKSUMMED, PATTERN = 1, 2, 4
CHUNK = 32768

Section = tuple[int, bytes]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def strings(values: dict[str, str], method: int) -> bytes:
    text = "1\nmain\n" + "\t".join(values) + "\n" + "\t".join(values.values()) + "\n\n"
    data = b"\xff\xfe" + text.encode("utf-16-le")
    return zlib.compress(data) if method else data


def store(chunk: bytes, *, compress: bool) -> tuple[bytes, int, bytes]:
    """The stored bytes of a chunk, its flags, and its pattern."""
    if compress and len(chunk) % 8 == 0 and chunk == chunk[:8] * (len(chunk) // 8):
        return b"", COMPRESSED | PATTERN, chunk[:8]
    packed = zlib.compress(chunk)
    if compress and len(packed) < len(chunk):
        return packed, COMPRESSED, b""
    return checked(chunk), CHECKSUMMED, b""


def segment(
    sections: Iterable[Section], number: int = 1, method: int = 1, *, encrypted: bool = False, guid: bytes = b"g" * 16
) -> bytes:
    """A segment file of these sections, in order."""
    data = MAGIC + struct.pack("<BBHI16s", 2, 1, method, number, guid)
    previous = 0
    for kind, content in sections:
        body = padded(content)
        data += body
        digest = hashlib.md5(body, usedforsecurity=False).digest() if body else bytes(16)
        fields = (kind, bool(body) | 2 * encrypted, previous, len(body), 64, len(body) - len(content))
        previous = len(data)
        data += checked(struct.pack("<IIQQII16s12x", *fields, digest))
    return data


def table(entries: Sequence[tuple[int | bytes, int, int]], first: int = 0) -> bytes:
    """A sector table: offset or pattern, size and flags of each chunk."""
    data = b"".join(
        (place if isinstance(place, bytes) else struct.pack("<Q", place)) + struct.pack("<II", size, flags)
        for place, size, flags in entries
    )
    return checked(struct.pack("<QI4x", first, len(entries))) + bytes(12) + data + adler(data)


def image(
    medium: bytes, *, compress: bool = True, in_segment: int = 10_000, in_table: int = 50, errors: bytes = b"",
    method: int = 1, case: dict[str, str] | None = None, device: dict[str, str] | None = None,
) -> list[bytes]:  # fmt: skip
    """An image of a medium, as the bytes of its segment files."""
    chunks = [medium[start : start + CHUNK] for start in range(0, len(medium), CHUNK)]
    drive = {"sn": "s3r", "md": "model", "ts": str(len(medium) // 512), "dt": "f", "bp": "512", "ph": "1"}
    drive |= device or {}
    details = {
        "nm": "a disk",
        "cn": "7/2025",
        "ex": "Núñez",
        "nt": "two\x01lines",
        "tt": "1738555506",
        "at": "1738555507",
    }
    details |= {"tb": str(len(chunks)), "cp": str(method), "sb": "64", "gr": "1"} | (case or {})
    files: list[bytes] = []
    for start in range(0, len(chunks), in_segment):
        stop = min(start + in_segment, len(chunks))
        sections: list[Section] = [(DEVICE, strings(drive, method)), (CASE, strings(details, method))]
        position = 32 + sum(len(padded(content)) + 64 for _, content in sections)
        for first in range(start, stop, in_table):
            stored = [store(chunk, compress=compress) for chunk in chunks[first : min(first + in_table, stop)]]
            entries: list[tuple[int | bytes, int, int]] = []
            data = b""
            for content, flags, pattern in stored:
                entries.append((pattern or position + len(data), len(content), flags))
                data += padded(content)
            sections += [(SECTORS, data), (TABLE, table(entries, first))]
            position += sum(len(padded(content)) + 64 for _, content in sections[-2:])
        last = stop == len(chunks)
        if last:
            sections += [(ERRORS, errors)] if errors else []
            sections.append((MD5, checked(hashlib.md5(medium, usedforsecurity=False).digest())))
            sections.append((SHA1, checked(hashlib.sha1(medium, usedforsecurity=False).digest())))
        sections.append((DONE if last else NEXT, b""))
        files.append(segment(sections, len(files) + 1, method))
    return files
