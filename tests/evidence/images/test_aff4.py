"""AFF4 images: the published digests of the reference images, every compression, damage, and what was never read."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import DiskImage, open_image
from tests.evidence.images.aff4_writer import CHUNK, METHODS, SCHEMA, Stream, write_container
from tests.evidence.images.reading import read_image, whole
from tests.evidence.noise import noise

_URN = "aff4://stream-0001"
_UNREADABLE = b"UNREADABLEDATA"
_TILE = 1 << 20


@pytest.fixture(scope="module")
def content(medium: Path) -> bytes:
    """A part of the medium, not a multiple of a chunk long."""
    return medium.read_bytes()[: 100 * CHUNK + 512]


def _sha1(image: DiskImage) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for offset in range(0, image.size, _TILE):
        digest.update(image.read_at(offset, _TILE))
    return digest.hexdigest()


def test_the_reference_image_has_its_published_digest(corpora: Path) -> None:
    """SHA-1 of the whole medium in hashing_test.py of pyaff4 0.34."""
    with open_image(corpora / "disk-images" / "aff4" / "Base-Linear.aff4") as image:
        assert (image.format, image.damage, image.size) == ("aff4", "", 256 << 20)
        assert _sha1(image) == "7d3d27f667f95f7ec5b9d32121622c0f4b60b48d"
        assert image.metadata["case_number"] == "Case ID: 1SR Canonical"
        assert image.metadata["serial_number"] == "SGAT5060001234"
        assert image.metadata["acquiry_software_version"] == "Evimetry 2.2.0"


def test_what_could_not_be_read_is_declared_and_an_error(corpora: Path) -> None:
    """With the standard's filling in its place, the medium has the published SHA-1."""
    with open_image(corpora / "disk-images" / "aff4" / "Base-Linear-ReadError.aff4") as image:
        assert "2097152 bytes of the medium in 32 ranges could not be read" in image.damage
        assert image.metadata["acquisition_read_errors"].startswith("sectors 30720 to 30847, 30848 to 30975, ")
        filling = (_UNREADABLE * (_TILE // len(_UNREADABLE) + 1))[:_TILE]
        digest = hashlib.sha1(usedforsecurity=False)
        unread = 0
        errors: set[str] = set()
        for offset in range(0, image.size, 65536):
            try:
                data = image.read_at(offset, 65536)
            except ImageError as error:
                errors.add(error.what)
                # the reference writes these ranges with the place in the filling that they have on the medium
                data = filling[offset % _TILE :][:65536]
                unread += 65536
            digest.update(data)
        assert unread == 2097152
        assert errors == {"this part of the medium could not be read when it was acquired"}
        assert digest.hexdigest() == "67e245a640e2784ead30c1ff1a3f8d237b58310f"


def test_a_logical_image_is_named(corpora: Path) -> None:
    with pytest.raises(ImageError, match=r"is an AFF4 logical image \(AFF4-L\), which is not supported"):
        open_image(corpora / "disk-images" / "aff4" / "dream.aff4")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("zip_compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_reads_every_compression(tmp_path: Path, content: bytes, method: str, zip_compression: int) -> None:
    path = tmp_path / "disk.aff4"
    digests = {"MD5": hashlib.md5(content, usedforsecurity=False).hexdigest()}
    ranges = [(0, len(content), 0, _URN)]
    write_container(
        path, len(content), ranges, [Stream(_URN, content, method)], digests=digests, zip_compression=zip_compression
    )
    with open_image(path) as image:
        assert (image.size, image.sector_size, image.damage) == (len(content), 512, "")
        assert image.stored_digests == {"md5": digests["MD5"]}
        assert image.metadata["examiner_name"] == "Perita"
        assert image.read_at(0, image.size) == content
        assert image.read_at(5000, 300_001) == content[5000:305_001]


def test_a_map_puts_streams_together(tmp_path: Path, content: bytes) -> None:
    other = "aff4://stream-0002"
    ranges = [
        (0, 10_000, 5_000, _URN),
        (10_000, 3_000, 0, f"{SCHEMA}SymbolicStreamFF"),
        (13_000, 4_000, 100, other),
        (20_000, 1_000, 0, _URN),
    ]
    streams = [Stream(_URN, content), Stream(other, content[::-1], "lz4")]
    write_container(tmp_path / "disk.aff4", 22_000, ranges, streams, gap="SymbolicStream61")
    expected = content[5_000:15_000] + b"\xff" * 3_000 + content[::-1][100:4_100]
    expected += b"a" * 3_000 + content[:1_000] + b"a" * 1_000
    assert whole(tmp_path / "disk.aff4") == expected


def test_a_gap_of_unknown_data_is_an_error(tmp_path: Path, content: bytes) -> None:
    write_container(tmp_path / "disk.aff4", 8192, [(0, 4096, 0, _URN)], [Stream(_URN, content)], gap="UnknownData")
    with open_image(tmp_path / "disk.aff4") as image:
        assert image.read_at(0, 4096) == content[:4096]
        with pytest.raises(ImageError, match="was not read when it was acquired"):
            image.read_at(0, 4097)


def test_stripes_are_read_together_or_not_at_all(tmp_path: Path, content: bytes) -> None:
    other = "aff4://stream-0002"
    half = len(content) // 2
    ranges = [(0, half, 0, _URN), (half, len(content) - half, 0, other)]
    write_container(tmp_path / "a.aff4", len(content), ranges, [Stream(_URN, content[:half])])
    write_container(tmp_path / "b.aff4", len(content), ranges, [Stream(other, content[half:])])
    (tmp_path / "broken.aff4").write_bytes(b"PK\x03\x04 nothing")
    for name in ("a.aff4", "b.aff4"):
        with open_image(tmp_path / name) as image:
            assert {path.name for path in image.segments} == {"a.aff4", "b.aff4"}
            assert image.read_at(0, image.size) == content
    (tmp_path / "b.aff4").unlink()
    with pytest.raises(MissingSegmentError, match="in another AFF4 file of the same acquisition"):
        open_image(tmp_path / "a.aff4")


@pytest.mark.parametrize("method", METHODS)
def test_a_changed_byte_is_never_taken_for_data(tmp_path: Path, content: bytes, method: str) -> None:
    """Anywhere in the container: an error, declared, or without consequence."""
    path = tmp_path / "disk.aff4"
    write_container(path, len(content), [(0, len(content), 0, _URN)], [Stream(_URN, content, method)])
    data = path.read_bytes()
    draw = noise(1)
    for _ in range(40):
        bad = bytearray(data)
        bad[draw.randrange(len(bad))] ^= 1 << draw.randrange(8)
        path.write_bytes(bad)
        reading = read_image(path)
        assert not reading.wrong(content) or reading.told


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_container_that_breaks_off_is_refused(tmp_path: Path, content: bytes, share: float) -> None:
    path = tmp_path / "disk.aff4"
    write_container(path, len(content), [(0, len(content), 0, _URN)], [Stream(_URN, content)])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match=r"its ZIP directory cannot be read \(it breaks off or is damaged\)"):
        open_image(path)


def test_an_image_is_known_without_its_extension(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "disk.bin"
    write_container(path, len(content), [(0, len(content), 0, _URN)], [Stream(_URN, content)])
    with open_image(path) as image:
        assert image.format == "aff4"
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "no image")
    with open_image(tmp_path / "other.zip") as image:
        assert image.format == "zip"
