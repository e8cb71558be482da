"""Ex01 images: the bytes that libewf reads, and what is damaged, missing or encrypted is said in one line."""

from __future__ import annotations

import hashlib
import random
import struct
import tracemalloc
import zlib
from collections.abc import Sequence
from pathlib import Path

import pyewf
import pytest

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import open_image
from forensics.evidence.images.ewf2 import Ewf2Format
from forensics.evidence.source import Source
from forensics.evidence.stream import Stream
from tests.evidence.images import ewf2_writer
from tests.evidence.images.ewf2_writer import CASE, CHUNK, DEVICE, DONE, NEXT, SECTORS, TABLE, image
from tests.evidence.images.ewf_writer import adler, checked
from tests.evidence.noise import noise

_MUTATIONS = 400
_MEMORY = 96 << 20


@pytest.fixture(scope="module")
def disk() -> bytes:
    """Noise, text, zeros and patterns; the last chunk is not whole."""
    draw = noise(61)
    kinds = [draw.randbytes(CHUNK), bytes(CHUNK), b"abcdefgh" * (CHUNK // 8), (b"line of text\n" * CHUNK)[:CHUNK]]
    return b"".join(draw.choice(kinds) for _ in range(130)) + b"the end." * 64 * 3


def write(folder: Path, files: Sequence[bytes], name: str = "disk.Ex{:02d}") -> Path:
    for number, data in enumerate(files, start=1):
        (folder / name.format(number)).write_bytes(data)
    return folder / name.format(1)


VARIANTS = {
    "compressed": {},
    "not compressed": {"compress": False},
    "small tables": {"in_table": 7},
    "three segments": {"in_segment": 50},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_reads_what_libewf_reads(tmp_path: Path, disk: bytes, variant: str) -> None:
    files = image(disk, **VARIANTS[variant])  # type: ignore[arg-type]
    path = write(tmp_path, files)
    handle = pyewf.handle()
    handle.open([str(tmp_path / f"disk.Ex{number:02d}") for number in range(1, len(files) + 1)])
    with open_image(path) as found:
        assert (found.format, found.damage, len(found.segments)) == ("ewf2", "", len(files))
        content = found.read_at(0, found.size)
        assert content == disk == handle.read(handle.get_media_size())
        assert found.sector_size == handle.get_bytes_per_sector()
        assert {name.upper(): value for name, value in found.stored_digests.items()} == handle.get_hash_values()
        assert found.stored_digests["sha1"] == hashlib.sha1(disk, usedforsecurity=False).hexdigest()
        values = handle.get_header_values()
        for name in ("case_number", "description", "examiner_name", "model", "serial_number"):
            assert found.metadata[name] == values[name]
        assert found.metadata["notes"] == "two\nlines"
        # libewf writes the same two dates in words
        assert (found.metadata["acquiry_date"][-4:], found.metadata["system_date"][-4:]) == (":07Z", ":06Z")
        assert (":07 " in values["acquiry_date"], ":06 " in values["system_date"]) == (True, True)
    handle.close()


def test_not_compressed_at_all(tmp_path: Path, disk: bytes) -> None:
    with open_image(write(tmp_path, image(disk, compress=False, method=0))) as found:
        assert found.read_at(0, found.size) == disk


def test_bytes_are_read_from_any_place(tmp_path: Path, disk: bytes) -> None:
    with open_image(write(tmp_path, image(disk, in_segment=50))) as found:
        for offset, length in [(CHUNK - 3, 7), (0, 1), (50 * CHUNK - 1, 2), (len(disk) - 10, 100), (len(disk), 5)]:
            assert found.read_at(offset, length) == disk[offset : offset + length]


def test_a_disk_has_the_same_streams_as_raw(tmp_path: Path, gpt_disk: Path) -> None:
    def streams(path: Path) -> list[tuple[str, bytes]]:
        with Source.open(path, "E1") as source:
            items = [item for volume in source.volumes() for item in source.walk(volume)]
            return [(str(item.locator), item.path) for item in items if isinstance(item, Stream)]

    assert streams(write(tmp_path, image(gpt_disk.read_bytes()))) == streams(gpt_disk) != []


def test_sectors_that_could_not_be_acquired_are_told(tmp_path: Path, disk: bytes) -> None:
    entries = struct.pack("<QI4xQI4x", 64, 8, 200, 1)
    errors = checked(struct.pack("<I12x", 2)) + bytes(12) + entries + adler(entries)
    with open_image(write(tmp_path, image(disk, errors=errors))) as found:
        assert found.metadata["acquisition_read_errors"] == "sectors 64 to 71, 200 to 200"


def test_more_than_99_segments(tmp_path: Path) -> None:
    disk = noise(62).randbytes(101 * CHUNK)
    files = image(disk, in_segment=1)
    path = write(tmp_path, files[:99])
    (tmp_path / "disk.ExAA").write_bytes(files[99])
    with pytest.raises(MissingSegmentError, match=r"segment 101 is missing: disk\.ExAB"):
        open_image(path)
    (tmp_path / "disk.ExAB").write_bytes(files[100])
    with open_image(path) as found:
        assert found.read_at(0, found.size) == disk


class TestRefused:
    def test_a_missing_segment_is_named(self, tmp_path: Path, disk: bytes) -> None:
        path = write(tmp_path, image(disk, in_segment=50))
        (tmp_path / "disk.Ex03").unlink()
        with pytest.raises(MissingSegmentError, match=r"segment 3 is missing: disk\.Ex03"):
            open_image(path)

    def test_another_segment_than_the_first(self, tmp_path: Path, disk: bytes) -> None:
        write(tmp_path, image(disk, in_segment=50))
        with pytest.raises(ImageError, match=r"is segment 2 .* Name the \.Ex01 file"):
            open_image(tmp_path / "disk.Ex02")

    def test_a_segment_of_another_acquisition(self, tmp_path: Path) -> None:
        files = [ewf2_writer.segment([(NEXT, b"")]), ewf2_writer.segment([(DONE, b"")], 2, guid=b"other" * 3 + b".")]
        with pytest.raises(ImageError, match="another acquisition"):
            open_image(write(tmp_path, files))

    @pytest.mark.parametrize("sections", [[(ewf2_writer.KEYS, b"keys" * 8), (DONE, b"")], [(DONE, b"")]])
    def test_an_encrypted_image(self, tmp_path: Path, sections: list[ewf2_writer.Section]) -> None:
        with pytest.raises(ImageError, match="is encrypted"):
            open_image(write(tmp_path, [ewf2_writer.segment(sections, encrypted=len(sections) == 1)]))

    def test_bzip2(self, tmp_path: Path, disk: bytes) -> None:
        data = bytearray(image(disk)[0])
        data[10] = 2
        with pytest.raises(ImageError, match="bzip2"):
            open_image(write(tmp_path, [bytes(data)]))

    @pytest.mark.parametrize("case", [{"sb": "0"}, {"sb": "9" * 40}, {"sb": "-1"}, {"sb": "99999999"}])
    def test_chunks_of_a_size_no_tool_writes(self, tmp_path: Path, case: dict[str, str]) -> None:
        with pytest.raises(ImageError, match="how large its sectors and chunks are"):
            open_image(write(tmp_path, image(bytes(CHUNK), case=case)))


class TestDamage:
    def test_a_last_segment_cut_off_is_declared(self, tmp_path: Path, disk: bytes) -> None:
        files = image(disk, in_segment=50)
        files[2] = files[2][:-100]
        with open_image(write(tmp_path, files)) as found:
            assert "segment 3 breaks off" in found.damage
            assert f"of {len(disk)} bytes of the medium can be read" in found.damage
            assert found.read_at(0, found.size) == disk[: 100 * CHUNK]

    def test_a_single_segment_cut_off_is_refused(self, tmp_path: Path, disk: bytes) -> None:
        with pytest.raises(ImageError, match="segment 1 breaks off"):
            open_image(write(tmp_path, [image(disk)[0][:-100]]))

    @pytest.mark.parametrize(("hidden", "told"), [(0, False), (63, False), (64, True), (128, True)])
    def test_a_medium_smaller_than_its_chunks_is_told(self, tmp_path: Path, hidden: int, told: bool) -> None:
        medium = noise(62).randbytes(3 * CHUNK)
        with open_image(write(tmp_path, image(medium, device={"ts": str(3 * 64 - hidden)}))) as found:
            assert found.size == 3 * CHUNK - hidden * 512
            assert (f"its tables lead to {3 * CHUNK} bytes" in found.damage) == told == bool(found.damage)

    def test_a_damaged_table_leaves_a_gap_and_the_rest_is_read(self, tmp_path: Path, disk: bytes) -> None:
        files = image(disk, in_table=10)
        data = bytearray(files[0])
        header = struct.pack("<QI4x", 20, 10)
        data[data.index(checked(header))] ^= 1
        with open_image(write(tmp_path, [bytes(data)])) as found:
            assert "no sector table leads to chunks 20 to 29" in found.damage
            assert found.size == len(disk)
            assert found.read_at(30 * CHUNK, CHUNK) == disk[30 * CHUNK : 31 * CHUNK]
            with pytest.raises(ImageError, match="sectors 1280 to 1343 of the medium cannot be read"):
                found.read_at(20 * CHUNK, 10)

    @pytest.mark.parametrize("compress", [True, False])
    def test_a_damaged_chunk_is_told_by_its_sectors(self, tmp_path: Path, compress: bool) -> None:
        disk = (b"line of text\n" * CHUNK)[: 3 * CHUNK]
        data = bytearray(image(disk, compress=compress)[0])
        stored = ewf2_writer.store(disk[CHUNK : 2 * CHUNK], compress=compress)[0]
        data[data.index(stored) + 40] ^= 1
        with open_image(write(tmp_path, [bytes(data)])) as found:
            with pytest.raises(ImageError, match="sectors 64 to 127 of the medium cannot be read"):
                found.read_at(0, found.size)
            assert found.read_at(2 * CHUNK, CHUNK) == disk[2 * CHUNK :]

    def test_a_changed_pattern_is_not_believed(self, tmp_path: Path) -> None:
        data = bytearray(image(b"abcdefgh" * CHUNK)[0])
        data[data.index(b"abcdefgh")] ^= 1
        with (
            open_image(write(tmp_path, [bytes(data)])) as found,
            pytest.raises(ImageError, match="no right table leads to it"),
        ):
            found.read_at(0, 10)

    def test_a_chunk_that_is_a_bomb(self, tmp_path: Path) -> None:
        bomb = zlib.compress(bytes(100_000_000), 6)
        strings = [(kind, _strings_of(image(bytes(CHUNK))[0], kind)) for kind in (DEVICE, CASE)]
        start = 32 + sum(len(data) + 64 for _, data in strings)
        sections = [*strings, (SECTORS, bomb), (TABLE, ewf2_writer.table([(start, len(bomb), 1)])), (DONE, b"")]
        path = write(tmp_path, [ewf2_writer.segment(sections)])
        tracemalloc.start()
        try:
            with open_image(path) as found, pytest.raises(ImageError, match="cannot be read"):
                found.read_at(0, 10)
            assert tracemalloc.get_traced_memory()[1] < _MEMORY
        finally:
            tracemalloc.stop()


def _strings_of(data: bytes, kind: int) -> bytes:
    """The data of the first section of a kind."""
    offset = len(data) - 64
    found = b""
    while True:
        number, _, previous, size = struct.unpack_from("<IIQQ", data, offset)
        if number == kind:
            found = data[offset - size : offset]
        if not previous:
            return found
        offset = previous


def _mutated(original: bytes, draw: random.Random) -> bytes:
    """Bytes changed, cut out and doubled at random, and fields of descriptors with their checksums made right."""
    data = bytearray(original)
    for _ in range(draw.choice([1, 1, 2, 10])):
        place = draw.choice([draw.randrange(len(data)), len(data) - 1 - draw.randrange(min(len(data), 1000))])
        match draw.randrange(8):
            case 0:
                del data[max(place, 100) :]
            case 1:
                data[place:place] = data[max(0, place - 100) : place]
            case 2 | 3:
                start = max(len(data) - 64, 0)
                data[start + draw.choice([0, 4, 8, 12, 16, 20])] = draw.randrange(256)
                data[-4:] = adler(bytes(data[-64:-4]))
            case _:
                data[place] ^= 1 << draw.randrange(8)
    return bytes(data)


def test_damage_never_gives_wrong_bytes(tmp_path: Path, disk: bytes) -> None:
    original = image(disk[: 20 * CHUNK], in_table=3)[0]
    draw = noise(63)
    path = tmp_path / "disk.Ex01"
    pieces, errors = 0, []
    tracemalloc.start()
    try:
        for _ in range(_MUTATIONS):
            path.write_bytes(_mutated(original, draw))
            try:
                # open_image would take one whose magic is damaged for a raw image
                with Ewf2Format().open(path) as found:
                    for offset in range(0, min(found.size, 30 * CHUNK), CHUNK):
                        try:
                            content = found.read_at(offset, CHUNK)
                        except ImageError as error:
                            errors.append(str(error))
                            continue
                        pieces += 1
                        assert content == disk[offset : offset + len(content)]
            except ImageError as error:
                errors.append(str(error))
        assert tracemalloc.get_traced_memory()[1] < _MEMORY
    finally:
        tracemalloc.stop()
    assert all(len(error.splitlines()) == 1 for error in errors)
    assert min(pieces, len(errors)) > _MUTATIONS // 2
