"""Numbers that no medium can have do not end a scan: what states them is listed, and the rest is examined."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.case.storable import LARGEST_INTEGER
from forensics.triage.scan import ScanResult
from tests.evidence.images import ad1_writer

RunScan = Callable[..., ScanResult]

_LARGEST_WORD = (1 << 64) - 1
_SIZE, _CHUNKS = 32, 24
"""Offsets in an item of an AD1."""


def _rows(case: Path, query: str) -> list[tuple[object, ...]]:
    with CaseReader.open(case) as reader:
        return reader._connection.execute(query).fetchall()


def _gpt(path: Path, *partitions: tuple[int, int]) -> Path:
    """A disk of 4 MiB with these partitions, from sector to sector; checksums are right."""
    entries = bytearray(128 * 128)
    for number, (first, last) in enumerate(partitions):
        struct.pack_into("<16s16sQQ", entries, number * 128, b"\1" * 16, bytes([number + 1]) * 16, first, last)
    header = bytearray(92)
    fields = (b"EFI PART", 0x10000, 92, 0, 0, 1, 8191, 34, 8100, b"\2" * 16, 2, 128, 128, zlib.crc32(entries))
    struct.pack_into("<8sIIIIQQQQ16sQIII", header, 0, *fields)
    struct.pack_into("<I", header, 16, zlib.crc32(header))
    disk = bytearray(4 << 20)
    struct.pack_into("<B3xB3xII", disk, 446, 0, 0xEE, 1, 8191)
    disk[510:512] = b"\x55\xaa"
    disk[512:604] = header
    disk[1024 : 1024 + len(entries)] = entries
    path.write_bytes(disk)
    return path


def test_a_partition_larger_than_any_medium_is_listed(run_scan: RunScan, tmp_path: Path) -> None:
    path = _gpt(tmp_path / "disk.raw", (2048, 1 << 60), (4096, (1 << 63) + 5))
    for _ in range(2):
        assert run_scan("a.case", path, jobs=1).errors == ()
    volumes = "SELECT label, offset, size FROM volumes WHERE allocated"
    assert _rows(tmp_path / "a.case", volumes) == [
        ("p1", 2048 * 512, LARGEST_INTEGER),
        ("p2", 4096 * 512, LARGEST_INTEGER),
    ]
    with CaseReader.open(tmp_path / "a.case") as reader:
        assert {(gap.locator, gap.reason) for gap in reader.gaps()} >= {
            ("E1/p1", "beyond-end-of-image"),
            ("E1/p2", "beyond-end-of-image"),
        }


@pytest.mark.parametrize("field", [_SIZE, _CHUNKS])
def test_a_file_larger_than_any_medium_is_listed_and_the_next_one_hashed(
    run_scan: RunScan, tmp_path: Path, field: int
) -> None:
    items = [ad1_writer.Item("damaged", b"a" * 100), ad1_writer.Item("whole", b"b" * 200)]
    medium = bytearray(ad1_writer.medium(items))
    struct.pack_into("<Q", medium, medium.index(b"damaged") - 48 + field, _LARGEST_WORD)
    path = ad1_writer.write(tmp_path / "image.ad1", ad1_writer.segments(bytes(medium)))
    assert run_scan("a.case", path, jobs=1).errors == ()
    assert _rows(tmp_path / "a.case", "SELECT path, state, reason FROM streams ORDER BY path") == [
        ("E:/taken/damaged", "skipped", "implausible-size"),
        ("E:/taken/whole", "hashed", None),
    ]
