"""Damaged and hostile E01: right bytes or one line of error, in bounded memory and time."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.errors import ImageError
from forensics.evidence.image import open_image
from forensics.evidence.images import ewf_segments
from forensics.evidence.images.ewf import EwfFormat
from tests.evidence.images.ewf_writer import CHUNK, COMPRESSED, DESCRIPTOR, adler, checked, sections, segment, table
from tests.evidence.images.ewf_writer import volume as volume_section
from tests.evidence.noise import noise

_MUTATIONS = 400
_MEMORY = 96 << 20
_READ = 64 * 1024


@pytest.fixture(scope="module")
def medium() -> bytes:
    draw = noise(21)
    return b"".join(draw.choice([draw.randbytes(8192), bytes(8192), b"repeated " * 911])[:8192] for _ in range(40))


@pytest.fixture(scope="module", params=["encase6", "smart"])
def acquired_path(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, run: Callable[..., None], medium: bytes
) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "medium.raw").write_bytes(medium)
    options = ("-u", "-q", "-f", request.param, "-c", "fast", "-b", "16", "-d", "sha1", "-N", "n")
    run("ewfacquire", *options, "-t", folder / "disk", folder / "medium.raw")
    return min(folder.glob("disk.*01"))


@pytest.fixture(scope="module")
def acquired(acquired_path: Path) -> bytes:
    return acquired_path.read_bytes()


@contextmanager
def _bounded() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < _MEMORY
    finally:
        tracemalloc.stop()


def _read_all(path: Path, most: int = 8 << 20) -> list[tuple[int, bytes]]:
    """Open an image and read its first part piece by piece; nothing but an ImageError of one line may be raised."""
    read, errors = [], []
    try:
        # open_image would take one whose magic is damaged for a raw image
        with EwfFormat().open(path) as image:
            for offset in range(0, min(image.size, most), _READ):
                try:
                    read.append((offset, image.read_at(offset, _READ)))
                except ImageError as error:
                    errors.append(str(error))
    except ImageError as error:
        errors.append(str(error))
    assert all(len(error.splitlines()) == 1 for error in errors)
    return read


def test_damage_never_gives_wrong_bytes(acquired: bytes, medium: bytes, tmp_path: Path) -> None:
    """Bytes changed, cut out and doubled at random: what is read is what was on the medium."""
    draw = noise(22)
    path = tmp_path / "disk.E01"
    pieces = 0
    for _ in range(_MUTATIONS):
        data = bytearray(acquired)
        for _ in range(draw.choice([1, 1, 2, 10, 100])):
            place = draw.randrange(len(data))
            match draw.randrange(8):
                case 0:
                    del data[place:]
                case 1:
                    del data[place : place + draw.randrange(1, 200)]
                case 2:
                    data[place:place] = data[max(0, place - 100) : place]
                case _:
                    data[place] ^= 1 << draw.randrange(8)
            if len(data) < 100:
                break
        path.write_bytes(data)
        for offset, read in _read_all(path):
            pieces += 1
            assert read == medium[offset : offset + len(read)]
    assert pieces > _MUTATIONS


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_lies_with_right_checksums(acquired_path: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Fields that a forger would change, with the checksums made right again."""
    acquired = acquired_path.read_bytes()
    lying = bytearray(acquired)
    found = sections(acquired)
    number = st.one_of(st.integers(0, 300), st.sampled_from([2**31 - 1, 2**31, 2**32 - 1]), st.integers(0, 2**32 - 1))
    for _ in range(data.draw(st.integers(1, 4))):
        kind = data.draw(st.sampled_from(["volume", "table", "descriptor", "entry"]))
        section = data.draw(st.sampled_from(sorted(found))) if kind == "descriptor" else kind.replace("entry", "table")
        start = found[section] + (0 if kind == "descriptor" else DESCRIPTOR)
        size = {"volume": 94 if found["table"] - found["volume"] == 170 else 1052, "table": 24, "descriptor": 76}
        if kind == "entry":
            place = start + 24 + 4 * data.draw(st.integers(0, 39))
            lying[place : place + 4] = struct.pack("<I", data.draw(number))
            continue
        fields = {"volume": [4, 8, 12, 16, 20], "table": [0, 8, 12], "descriptor": [16, 20, 24, 28]}
        place = start + data.draw(st.sampled_from(fields[kind]))
        lying[place : place + 4] = struct.pack("<I", data.draw(number))
        end = start + size[kind] - 4
        lying[end : end + 4] = adler(bytes(lying[start:end]))
    path = tmp_path / "disk.E01"
    path.write_bytes(lying)
    with _bounded():
        _read_all(path)


def _write(path: Path, chunk: bytes, entries: list[int], medium: bytes, **fields: int) -> Path:
    tables = table(entries, **fields)
    path.write_bytes(segment([("volume", medium), ("sectors", chunk), ("table", tables), ("table2", tables)]))
    return path


_START = 13 + 2 * DESCRIPTOR + 1052


def test_a_chunk_that_is_a_bomb(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)
    path = _write(tmp_path / "disk.E01", bomb, [_START | COMPRESSED] * 50, volume_section(50))
    with _bounded(), open_image(path) as image:
        for number in range(50):
            with pytest.raises(ImageError, match="cannot be read"):
                image.read_at(number * CHUNK, CHUNK)


def test_chunks_of_128_mib(tmp_path: Path) -> None:
    """The largest chunk the format allows needs memory for itself, and no more than one is kept."""
    medium = volume_section(8, 32768, 4096)
    bomb = zlib.compress(bytes(128 << 20), 9)
    path = _write(tmp_path / "disk.E01", bomb, [_START | COMPRESSED] * 8, medium)
    tracemalloc.start()
    try:
        with open_image(path) as image:
            for number in range(3):
                assert image.read_at((number << 27) + 5, 10) == bytes(10)
        assert tracemalloc.get_traced_memory()[1] < 5 * (128 << 20)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("entry", [0, 1, 0x7FFFFFFF, COMPRESSED, 0xFFFFFFFF])
@pytest.mark.parametrize("base", [0, 1 << 40, (1 << 62) - 1, 1 << 62, (1 << 64) - 1])
def test_chunks_outside_the_file(tmp_path: Path, entry: int, base: int) -> None:
    path = _write(tmp_path / "disk.E01", checked(bytes(CHUNK)), [entry] * 5, volume_section(5), base=base)
    with _bounded(), pytest.raises(ImageError, match="read"):
        open_image(path).read_at(0, 5 * CHUNK)


@pytest.mark.parametrize("count", [2, 1000, 2**31, 2**32 - 1])
def test_a_table_longer_than_its_section_is_not_believed(tmp_path: Path, count: int) -> None:
    chunk = checked(bytes(CHUNK))
    with pytest.raises(ImageError, match="nothing in it can be read"):
        open_image(_write(tmp_path / "disk.E01", chunk, [], volume_section(count), count=count))


def test_a_medium_larger_than_any_disk_is_as_large_as_its_chunks(tmp_path: Path) -> None:
    medium = volume_section(1, sectors=2**64 - 1)
    with open_image(_write(tmp_path / "disk.E01", checked(bytes(CHUNK)), [_START], medium)) as image:
        assert image.size == CHUNK
        assert "bytes of the medium can be read" in image.damage


@pytest.mark.parametrize(("hidden", "told"), [(0, False), (63, False), (64, True), (128, True)])
def test_a_medium_smaller_than_its_chunks_is_told(tmp_path: Path, hidden: int, told: bool) -> None:
    """Whoever forges the stated size hides the tail of the disk; a last chunk may be padded."""
    medium = volume_section(3, sectors=3 * 64 - hidden)
    with open_image(_write(tmp_path / "disk.E01", checked(bytes(CHUNK)), [_START] * 3, medium)) as image:
        assert image.size == 3 * CHUNK - hidden * 512
        assert (f"its tables lead to {3 * CHUNK} bytes" in image.damage) == told == bool(image.damage)


def test_a_million_sections_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ewf_segments, "MAX_SECTIONS", 10)
    path = tmp_path / "disk.E01"
    path.write_bytes(segment([("data", b"")] * 11))
    with pytest.raises(ImageError, match="sections"):
        open_image(path)
