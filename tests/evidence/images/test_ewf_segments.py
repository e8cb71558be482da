"""How the segments of an E01 are named and found."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.errors import MissingSegmentError
from forensics.evidence.images.ewf_segments import find_segments, segment_extensions
from tests.evidence.images.ewf_writer import DESCRIPTOR, descriptor, segment


def test_extensions_go_on_after_99() -> None:
    extensions = list(segment_extensions("E01"))
    assert extensions[:2] == ["E01", "E02"]
    assert extensions[98:102] == ["E99", "EAA", "EAB", "EAC"]
    assert extensions[99 + 26 * 26 - 1 : 99 + 26 * 26 + 1] == ["EZZ", "FAA"]
    assert extensions[-1] == "ZZZ"
    assert len(extensions) == len(set(extensions)) == 99 + 22 * 26 * 26


def test_extensions_keep_their_case() -> None:
    assert list(segment_extensions("e01"))[97:101] == ["e98", "e99", "eaa", "eab"]


def _segment(number: int, end: str) -> bytes:
    return segment([("data", b"some")], number, end)


def test_more_than_99_segments_are_found(tmp_path: Path) -> None:
    paths = [
        tmp_path / f"disk.{extension}" for _, extension in zip(range(120), segment_extensions("E01"), strict=False)
    ]
    for number, path in enumerate(paths, start=1):
        path.write_bytes(_segment(number, "done" if number == len(paths) else "next"))
    found = find_segments(paths[0])
    assert list(found.paths) == paths
    assert [section.segment for section in found.sections] == list(range(120))
    assert not found.damage
    paths[100].unlink()
    with pytest.raises(MissingSegmentError, match=r"segment 101 is missing: disk\.EAB"):
        find_segments(paths[0])


def test_a_first_segment_of_an_unusual_name_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "disk.ewf"
    path.write_bytes(_segment(1, "done"))
    assert find_segments(path).paths == (path,)
    path.write_bytes(_segment(1, "next"))
    with pytest.raises(MissingSegmentError, match=r"name the first segment \.E01"):
        find_segments(path)


def test_a_section_with_a_wrong_checksum_ends_the_image(tmp_path: Path) -> None:
    path = tmp_path / "disk.E01"
    data = bytearray(_segment(1, "done"))
    data[13 + 20] ^= 1
    path.write_bytes(data)
    found = find_segments(path)
    assert found.damage == "segment 1 breaks off at byte 13"
    assert not found.sections


def test_a_section_of_two_lengths_is_told(tmp_path: Path) -> None:
    path = tmp_path / "disk.E01"
    data = bytearray(_segment(1, "done"))
    data[13 : 13 + DESCRIPTOR] = descriptor("data", 13 + DESCRIPTOR + 4, 1000)
    path.write_bytes(data)
    assert find_segments(path).damage == "segment 1 states two lengths for the section at byte 13"


@pytest.mark.parametrize("following", [0, 12, 13, 14, 88, 1 << 40, (1 << 64) - 1])
def test_a_chain_that_goes_back_or_out_of_the_file_ends(tmp_path: Path, following: int) -> None:
    path = tmp_path / "disk.E01"
    data = bytearray(_segment(1, "done"))
    data[13 : 13 + DESCRIPTOR] = descriptor("data", following, 0)
    path.write_bytes(data)
    assert find_segments(path).damage == "segment 1 breaks off at byte 13"
