"""What the acquisition recorded: details in any script, digests, sectors that could not be read."""

from __future__ import annotations

import re
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.errors import ImageError
from forensics.evidence.image import open_image
from tests.evidence.images.ewf_writer import CHUNK, DESCRIPTOR, FIRST_SECTION, checked, segment, table, volume

_NAMES = "a\tc\tn\te\tt\tav\tov\tm\tu\tp\tdc"
_VALUES = "Descripción — описание\tC-17\t\tPérez, Ñusta\t注記\t7.01\tLinux\t1600000000\tnot a date\t0\tx"
_LOCAL = "ein Gerät\tC-17\tE1\tM\xfcller\tn\t1\tLinux\t2020 9 13 14 26 40\t2020 13 99 0 0 0\t0\tx"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an image of one chunk of zeros with these sections in front of the end."""

    def write(*sections: tuple[str, bytes], medium: bytes = b"") -> Path:
        chunk = checked(bytes(CHUNK))
        medium = medium or volume(1)
        start = FIRST_SECTION + 2 * DESCRIPTOR + len(medium)
        base = [("volume", medium), ("sectors", chunk), ("table", table([start])), ("table2", table([start]))]
        path = tmp_path / "disk.E01"
        path.write_bytes(segment([*base, *sections]))
        return path

    return write


def _header2(values: str, encoding: str = "utf-16") -> tuple[str, bytes]:
    return "header2", zlib.compress(f"1\nmain\n{_NAMES}\n{values}\n\n".encode(encoding))


def _header(values: str, encoding: str = "utf-8") -> tuple[str, bytes]:
    return "header", zlib.compress(f"1\r\nmain\r\n{_NAMES}\r\n{values}\r\n\r\n".encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_details_in_any_script(write: Write, encoding: str) -> None:
    with open_image(write(_header2(_VALUES, encoding))) as image:
        assert image.metadata == {
            "description": "Descripción — описание",
            "case_number": "C-17",
            "examiner_name": "Pérez, Ñusta",
            "notes": "注記",
            "acquiry_software_version": "7.01",
            "acquiry_operating_system": "Linux",
            "acquiry_date": "2020-09-13T12:26:40Z",
            "system_date": "not a date",
        }


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_details_of_an_older_tool(write: Write, encoding: str) -> None:
    with open_image(write(_header(_LOCAL, encoding))) as image:
        assert image.metadata["examiner_name"] == "Müller"
        assert image.metadata["acquiry_date"] == "2020-09-13T14:26:40"
        assert image.metadata["system_date"] == "2020 13 99 0 0 0"


def test_the_newer_header_counts_and_the_older_one_adds(write: Write) -> None:
    with open_image(write(_header(_LOCAL), _header2(_VALUES))) as image:
        assert image.metadata["examiner_name"] == "Pérez, Ñusta"
        assert image.metadata["evidence_number"] == "E1"


def test_damaged_details_are_named_and_do_no_harm(write: Write) -> None:
    damaged = ("header2", b"damaged"), ("header2", zlib.compress(bytes(50_000_000))), ("hash", bytes(36))
    with open_image(write(*damaged, _header(_LOCAL))) as image:
        assert image.metadata["evidence_number"] == "E1"
        assert image.metadata["unreadable_sections"] == "header2, hash"
        assert not image.stored_digests


def test_the_second_copy_of_a_header_stands_in_for_the_first(write: Write) -> None:
    with open_image(write(("header2", b"damaged"), _header2(_VALUES))) as image:
        assert image.metadata["notes"] == "注記"
        assert "unreadable_sections" not in image.metadata


def test_digests_of_both_sections(write: Write) -> None:
    md5, sha1 = bytes(range(16)), bytes(range(20))
    sections = ("hash", checked(md5 + bytes(16))), ("digest", checked(md5 + sha1 + bytes(40)))
    with open_image(write(*sections)) as image:
        assert image.stored_digests == {"md5": md5.hex(), "sha1": sha1.hex()}
    with open_image(write(("digest", checked(bytes(76))))) as image:
        assert not image.stored_digests


def _errors(ranges: list[tuple[int, int]]) -> tuple[str, bytes]:
    entries = b"".join(struct.pack("<II", start, number) for start, number in ranges)
    return "error2", checked(struct.pack("<I512x", len(ranges))) + checked(entries)


def test_sectors_that_could_not_be_read_are_listed(write: Write, require: Callable[..., None]) -> None:
    path = write(_errors([(3, 2), (40, 1)]))
    with open_image(path) as image:
        assert image.metadata["acquisition_read_errors"] == "sectors 3 to 4, 40 to 40"
    require("ewfinfo")
    shown = subprocess.run(["ewfinfo", path], check=True, capture_output=True, text=True).stdout
    assert re.findall(r"at sector\(s\): (\d+) - (\d+) number: (\d+)", shown) == [("3", "4", "2"), ("40", "40", "1")]


def test_a_thousand_read_errors_are_counted(write: Write) -> None:
    with open_image(write(_errors([(number * 3, 1) for number in range(1000)]))) as image:
        assert image.metadata["acquisition_read_errors"].endswith(", 297 to 297 and 900 more ranges")


def test_a_number_of_read_errors_that_cannot_be_is_named(write: Write) -> None:
    with open_image(write(("error2", checked(struct.pack("<I512x", 0xFFFFFFFF))))) as image:
        assert image.metadata == {"unreadable_sections": "error2"}


def test_the_copy_of_the_geometry_stands_in_for_a_damaged_one(write: Write) -> None:
    with open_image(write(("data", volume(1)), medium=bytes(1052))) as image:
        assert image.size == CHUNK
    with pytest.raises(ImageError, match="nothing in it says how large the medium is"):
        open_image(write(medium=bytes(1052)))


def test_a_medium_of_unknown_length_is_as_long_as_its_chunks(write: Write) -> None:
    with open_image(write(medium=volume(1, sectors=0))) as image:
        assert image.read_at(0, 2 * CHUNK) == bytes(CHUNK)


@pytest.mark.parametrize(
    ("sectors_per_chunk", "sector_size"), [(0, 512), (64, 0), (1 << 31, 512), (64, 1 << 31), (1 << 16, 1 << 16)]
)
def test_a_geometry_that_no_tool_writes_is_refused(write: Write, sectors_per_chunk: int, sector_size: int) -> None:
    with pytest.raises(ImageError, match="which no tool writes"):
        open_image(write(medium=volume(1, sectors_per_chunk, sector_size, 64)))
