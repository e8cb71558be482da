"""Where chunks lie: damaged tables, offsets beyond 2 and 4 GiB, and memory that does not grow with the disk."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import pyewf
import pytest

from forensics.errors import ImageError
from forensics.evidence.image import open_image
from tests.evidence.images.ewf_writer import (
    CHUNK,
    COMPRESSED,
    DESCRIPTOR,
    FIRST_SECTION,
    adler,
    checked,
    descriptor,
    image,
    sections,
    segment,
    table,
    volume,
)
from tests.evidence.noise import noise

_HEADER = 24


@pytest.fixture
def content() -> bytes:
    return noise(3).randbytes(20 * CHUNK)


@pytest.fixture
def path(content: bytes, tmp_path: Path) -> Path:
    """An image of 20 chunks, each second one compressed."""
    pieces = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
    packed = [number % 2 == 1 for number in range(len(pieces))]
    stored = [zlib.compress(piece) if pack else checked(piece) for piece, pack in zip(pieces, packed, strict=True)]
    path = tmp_path / "disk.E01"
    path.write_bytes(image(stored, packed))
    return path


def _damage(path: Path, kind: str, place: int) -> None:
    """Change a byte of a table, counted from the start of its data."""
    data = bytearray(path.read_bytes())
    data[sections(bytes(data))[kind] + DESCRIPTOR + place] ^= 0x40
    path.write_bytes(data)


def test_the_image_is_right(path: Path, content: bytes) -> None:
    oracle = pyewf.handle()
    oracle.open([str(path)])
    assert oracle.read_buffer_at_offset(len(content), 0) == content
    oracle.close()
    with open_image(path) as opened:
        assert opened.read_at(0, len(content)) == content


@pytest.mark.parametrize("place", [0, 9, _HEADER, _HEADER + 41, _HEADER + 80])
def test_a_damaged_table_is_replaced_by_its_mirror(path: Path, content: bytes, place: int) -> None:
    _damage(path, "table", place)
    with open_image(path) as opened:
        assert opened.read_at(0, len(content)) == content
        assert not opened.damage


@pytest.mark.parametrize("place", [0, 9, _HEADER, _HEADER + 41, _HEADER + 80])
def test_a_damaged_mirror_does_no_harm(path: Path, content: bytes, place: int) -> None:
    _damage(path, "table2", place)
    with open_image(path) as opened:
        assert opened.read_at(0, len(content)) == content


def test_of_two_damaged_tables_every_chunk_that_proves_itself_is_read(path: Path, content: bytes) -> None:
    for kind in ("table", "table2"):
        _damage(path, kind, _HEADER + 4 * 7 + 1)
    with open_image(path) as opened:
        assert opened.size == len(content)
        with pytest.raises(ImageError, match="sectors 448 to 511 of the medium cannot be read"):
            opened.read_at(0, len(content))
        assert opened.read_at(0, 7 * CHUNK) == content[: 7 * CHUNK]
        assert opened.read_at(8 * CHUNK, 12 * CHUNK) == content[8 * CHUNK :]


def test_without_any_table_header_nothing_can_be_read(path: Path) -> None:
    for kind in ("table", "table2"):
        _damage(path, kind, 0)
    with pytest.raises(ImageError, match=r"nothing in it can be read \(the table of chunks at byte \d+ of segment 1"):
        open_image(path)


def test_the_map_ends_at_the_first_table_that_is_lost(content: bytes, tmp_path: Path) -> None:
    parts: list[tuple[str, bytes]] = [("volume", volume(20))]
    for first in (0, 8, 16):
        pieces = [checked(content[n * CHUNK : (n + 1) * CHUNK]) for n in range(first, min(first + 8, 20))]
        start = len(segment(parts))  # the end section is as long as a descriptor
        entries = [start + number * len(pieces[0]) for number in range(len(pieces))]
        lost = bytes(200) if first == 8 else table(entries)
        parts += [("sectors", b"".join(pieces)), ("table", lost), ("table2", lost)]
    path = tmp_path / "disk.E01"
    path.write_bytes(segment(parts))
    with open_image(path) as opened:
        assert opened.damage.startswith("the table of chunks at byte")
        assert opened.damage.endswith(f"{8 * CHUNK} of {20 * CHUNK} bytes of the medium can be read")
        assert opened.read_at(0, opened.size) == content[: 8 * CHUNK]


def test_offsets_that_outgrow_31_bits(tmp_path: Path) -> None:
    """Segments of more than 2 GiB as EnCase 6.7 wrote them: libewf takes 32 bits from the first chunk beyond."""
    sectors, count = 32768, 132
    size = sectors * 512
    marked = {number: noise(number).randbytes(size) for number in (0, 126, 127, 128, 131)}
    start = FIRST_SECTION + 2 * DESCRIPTOR + len(volume(1))
    entries = [start + number * (size + 4) for number in range(count)]
    zero = adler(bytes(size))
    tables = table(entries)
    path = tmp_path / "disk.E01"
    with path.open("wb") as file:
        head = segment([("volume", volume(count, sectors))])[:-DESCRIPTOR]
        end = start + count * (size + 4)
        file.write(head + descriptor("sectors", end, end - len(head)))
        for number, offset in enumerate(entries):
            file.seek(offset)
            if number in marked:
                file.write(checked(marked[number]))
            else:
                file.seek(size, os.SEEK_CUR)
                file.write(zero)
        for kind in ("table", "table2"):
            file.write(descriptor(kind, file.tell() + DESCRIPTOR + len(tables), DESCRIPTOR + len(tables)) + tables)
        file.write(descriptor("done", file.tell(), 0))
    oracle = pyewf.handle()
    oracle.open([str(path)])
    with open_image(path) as opened:
        assert opened.size == count * size == oracle.get_media_size()
        for number in (0, 1, 126, 127, 128, 129, 131):
            expected = marked.get(number, bytes(size))
            assert opened.read_at(number * size, size) == expected
            assert oracle.read_buffer_at_offset(1 << 16, number * size) == expected[: 1 << 16]
    oracle.close()


def test_offsets_are_counted_from_the_base_of_their_table(content: bytes, tmp_path: Path) -> None:
    base = 5 << 30
    pieces = [zlib.compress(content[start : start + CHUNK]) for start in range(0, len(content), CHUNK)]
    entries, offset = [], 1000
    for piece in pieces:
        entries.append(offset | COMPRESSED)
        offset += len(piece)
    tables = table(entries, base)
    path = tmp_path / "disk.E01"
    with path.open("wb") as file:
        head = segment([("volume", volume(len(pieces)))])[:-DESCRIPTOR]
        file.write(head + descriptor("sectors", base + offset, base + offset - len(head)))
        file.seek(base + 1000)
        file.write(b"".join(pieces))
        for kind in ("table", "table2"):
            file.write(descriptor(kind, file.tell() + DESCRIPTOR + len(tables), DESCRIPTOR + len(tables)) + tables)
        file.write(descriptor("done", file.tell(), 0))
    oracle = pyewf.handle()
    oracle.open([str(path)])
    assert oracle.read_buffer_at_offset(len(content), 0) == content
    oracle.close()
    with open_image(path) as opened:
        assert opened.read_at(0, len(content)) == content


def test_memory_does_not_grow_with_the_disk(tmp_path: Path) -> None:
    """A table of 4 million chunks, 128 GiB of disk, which all lie at the same place but one."""
    count, different = 4_000_000, 3_210_987
    stored = [zlib.compress(b"A" * CHUNK), zlib.compress(b"B" * CHUNK)]
    first = FIRST_SECTION + 2 * DESCRIPTOR + len(volume(1))
    entries = bytearray(struct.pack("<I", first | COMPRESSED) * count)
    entries[different * 4 : different * 4 + 4] = struct.pack("<I", first + len(stored[0]) | COMPRESSED)
    header = checked(struct.pack("<I4xQ4x", count, 0))
    path = tmp_path / "disk.E01"
    path.write_bytes(
        segment(
            [
                ("volume", volume(count)),
                ("sectors", b"".join(stored)),
                ("table", header + checked(bytes(entries))),
            ]
        )
    )
    del entries
    draw = noise(8)
    tracemalloc.start()
    try:
        with open_image(path) as opened:
            assert opened.size == count * CHUNK
            assert opened.read_at(different * CHUNK, 1) == b"B"
            for _ in range(3000):
                chunk = draw.randrange(count)
                assert opened.read_at(chunk * CHUNK + 5, 1) == (b"B" if chunk == different else b"A")
        # 32 MiB of chunks and 16 pages of the map
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
