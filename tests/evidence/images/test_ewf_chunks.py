"""Damaged chunks: told by their sectors, while every other one is read."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.errors import ImageError
from forensics.evidence.image import open_image
from forensics.evidence.images import ewf_chunks
from tests.evidence.images.ewf_writer import CHUNK, DESCRIPTOR, FIRST_SECTION, checked, image, volume
from tests.evidence.noise import noise

_CHUNKS = 40


@pytest.fixture
def content() -> bytes:
    return noise(5).randbytes(_CHUNKS * CHUNK)


@pytest.fixture
def stored(content: bytes) -> list[bytes]:
    """The chunks as they are stored, each second one compressed."""
    pieces = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
    return [zlib.compress(piece) if number % 2 else checked(piece) for number, piece in enumerate(pieces)]


@pytest.fixture
def write(stored: list[bytes], tmp_path: Path) -> Callable[..., Path]:
    """Write an image of these chunks, some replaced."""

    def write(**fields: int) -> Path:
        path = tmp_path / "disk.E01"
        path.write_bytes(image(stored, [number % 2 == 1 for number in range(len(stored))], **fields))
        return path

    return write


@pytest.mark.parametrize("bad", [0, 7, 8, _CHUNKS - 1])
def test_one_damaged_chunk_is_told_and_all_others_are_read(
    write: Callable[..., Path], stored: list[bytes], content: bytes, bad: int
) -> None:
    broken = bytearray(stored[bad])
    broken[len(broken) // 2] ^= 1
    stored[bad] = bytes(broken)
    with open_image(write()) as opened:
        assert not opened.damage
        for number in range(_CHUNKS):
            if number == bad:
                with pytest.raises(ImageError, match=f": sectors {bad * 64} to {bad * 64 + 63} of the medium"):
                    opened.read_at(number * CHUNK + 100, 1)
            else:
                assert opened.read_at(number * CHUNK, CHUNK) == content[number * CHUNK : (number + 1) * CHUNK]
        # the same with what is kept from before
        with pytest.raises(ImageError, match=f": sectors {bad * 64} to {bad * 64 + 63} of the medium"):
            opened.read_at(0, opened.size)


def test_damaged_chunks_that_follow_each_other_are_one_range(write: Callable[..., Path], stored: list[bytes]) -> None:
    for number in (2, 3, 4, 10, 20, 30, 39):
        stored[number] = bytes(len(stored[number]))
    with (
        open_image(write()) as opened,
        pytest.raises(ImageError, match=r"sectors 128 to 319, 640 to 703, 1280 to 1343 and 2 more ranges of"),
    ):
        opened.read_at(0, opened.size)


@pytest.mark.parametrize(
    ("replacement", "why"),
    [
        (zlib.compress(bytes(CHUNK + 1)), "inflates to more than 32768 bytes"),
        (zlib.compress(bytes(30_000_000)), "inflates to more than 32768 bytes"),
        (zlib.compress(bytes(CHUNK - 1)), "inflates to 32767 bytes instead of 32768"),
        (zlib.compress(bytes(CHUNK))[:-5], "compressed data"),
        (b"?", "compressed data"),
    ],
)
def test_why_a_chunk_cannot_be_read_is_told(
    write: Callable[..., Path], stored: list[bytes], content: bytes, replacement: bytes, why: str
) -> None:
    stored[5] = replacement
    with open_image(write()) as opened:
        with pytest.raises(ImageError, match=f"sectors 320 to 383 of the medium .*{why}.* of segment 1") as caught:
            opened.read_at(5 * CHUNK, 10)
        assert "\n" not in str(caught.value)
        assert opened.read_at(6 * CHUNK, CHUNK) == content[6 * CHUNK : 7 * CHUNK]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kept", [512, 5 * 512, CHUNK])
def test_a_last_chunk_may_be_stored_whole(
    write: Callable[..., Path], stored: list[bytes], content: bytes, kept: int, compressed: bool
) -> None:
    del stored[-1 if not compressed else _CHUNKS :]
    with open_image(write(sectors=(len(stored) - 1) * 64 + kept // 512)) as opened:
        assert opened.size == (len(stored) - 1) * CHUNK + kept
        assert opened.read_at(0, opened.size + 1) == content[: opened.size]
        assert opened.read_at(opened.size - 1, 100) == content[opened.size - 1 : opened.size]


def test_chunks_used_last_are_kept_within_bounds(
    write: Callable[..., Path], content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ewf_chunks, "CACHE_BYTES", 3 * CHUNK)
    read: list[int] = []
    pread = os.pread

    def counted(descriptor: int, length: int, offset: int) -> bytes:
        read.append(offset)
        return pread(descriptor, length, offset)

    with open_image(write()) as opened:
        for number in (0, 1, 2):
            opened.read_at(number * CHUNK, 1)
        monkeypatch.setattr(os, "pread", counted)
        assert opened.read_at(0, 3 * CHUNK) == content[: 3 * CHUNK]
        assert not read
        opened.read_at(3 * CHUNK, 1)
        opened.read_at(1 * CHUNK, 1)
        assert len(read) == 1
        opened.read_at(0, 1)
        assert len(read) == 2


def test_chunks_that_lie_side_by_side_are_read_in_one_go(
    write: Callable[..., Path], content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_image(write()) as opened:
        opened.read_at(0, 1)
        lengths: list[int] = []
        pread = os.pread

        def counted(descriptor: int, length: int, offset: int) -> bytes:
            lengths.append(length)
            return pread(descriptor, length, offset)

        monkeypatch.setattr(os, "pread", counted)
        assert opened.read_at(0, opened.size) == content
        assert len(lengths) == 1


def test_one_bad_sector_under_the_image_costs_one_chunk(
    write: Callable[..., Path], content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk on which the image is stored fails to read one byte."""
    bad = FIRST_SECTION + 2 * DESCRIPTOR + len(volume(1)) + 4 * (CHUNK + 10)
    pread = os.pread

    def failing(descriptor: int, length: int, offset: int) -> bytes:
        if offset <= bad < offset + length:
            raise OSError(5, "Input/output error")
        return pread(descriptor, length, offset)

    with open_image(write()) as opened:
        opened.read_at(0, 1)
        monkeypatch.setattr(os, "pread", failing)
        with pytest.raises(ImageError, match=r"sectors 256 to 319 of the medium .*Input/output error"):
            opened.read_at(0, opened.size)
        assert opened.read_at(0, 4 * CHUNK) == content[: 4 * CHUNK]
        assert opened.read_at(5 * CHUNK, opened.size) == content[5 * CHUNK :]


def test_an_image_that_shrinks_while_it_is_open(write: Callable[..., Path], content: bytes) -> None:
    path = write()
    with open_image(path) as opened:
        opened.read_at(0, 1)
        os.truncate(path, 10 * CHUNK)
        assert opened.read_at(0, 5 * CHUNK) == content[: 5 * CHUNK]
        with pytest.raises(ImageError, match="of the medium cannot be read"):
            opened.read_at(30 * CHUNK, CHUNK)
