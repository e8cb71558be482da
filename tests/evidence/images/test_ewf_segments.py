"""How the segments of an E01 are named and counted."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from forensics.errors import MissingSegmentError
from forensics.evidence.images.ewf_segments import EWF_MAGIC, find_segments, segment_extensions


def test_extensions_go_on_after_99() -> None:
    extensions = list(segment_extensions("E01"))
    assert extensions[:2] == ["E01", "E02"]
    assert extensions[98:102] == ["E99", "EAA", "EAB", "EAC"]
    assert extensions[99 + 26 * 26 - 1 : 99 + 26 * 26 + 1] == ["EZZ", "FAA"]
    assert extensions[-1] == "ZZZ"
    assert len(extensions) == len(set(extensions)) == 99 + 22 * 26 * 26


def test_extensions_keep_their_case() -> None:
    assert list(segment_extensions("e01"))[97:101] == ["e98", "e99", "eaa", "eab"]


def _segment(number: int, end: bytes, entries: int) -> bytes:
    """A segment file with one table of offsets and an end section."""
    content = EWF_MAGIC + struct.pack("<BHH", 1, number, 0)
    table = struct.pack("<I", entries)
    for kind, body in ((b"table", table), (end, b"")):
        length = 76 + len(body)
        following = len(content) + (length if body else 0)
        descriptor = struct.pack("<16sQQ40x", kind, following, length)
        content += descriptor + struct.pack("<I", zlib.adler32(descriptor)) + body
    return content


def test_more_than_99_segments_are_found(tmp_path: Path) -> None:
    paths = [
        tmp_path / f"disk.{extension}" for _, extension in zip(range(120), segment_extensions("E01"), strict=False)
    ]
    for number, path in enumerate(paths, start=1):
        path.write_bytes(_segment(number, b"done" if number == len(paths) else b"next", 10))
    found = find_segments(paths[0])
    assert list(found.paths) == paths
    assert found.chunks == 10 * len(paths)
    assert not found.damage
    paths[100].unlink()
    with pytest.raises(MissingSegmentError, match=r"segment 101 is missing: disk\.EAB"):
        find_segments(paths[0])


def test_a_first_segment_of_an_unusual_name_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "disk.ewf"
    path.write_bytes(_segment(1, b"done", 3))
    assert find_segments(path).chunks == 3
    path.write_bytes(_segment(1, b"next", 3))
    with pytest.raises(MissingSegmentError, match=r"name the first segment \.E01"):
        find_segments(path)


def test_a_section_with_a_wrong_checksum_ends_the_image(tmp_path: Path) -> None:
    path = tmp_path / "disk.E01"
    data = bytearray(_segment(1, b"done", 3))
    data[13 + 20] ^= 1
    path.write_bytes(data)
    found = find_segments(path)
    assert found.damage == "segment 1 breaks off at byte 13"
    assert found.chunks == 0
