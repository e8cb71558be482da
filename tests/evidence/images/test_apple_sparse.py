"""Apple's sparse images and bundles, written by the published description of them; libmodi reads the former alike."""

from __future__ import annotations

import io
import plistlib
import struct
from pathlib import Path

import pymodi
import pytest

from forensics.errors import ImageError
from forensics.evidence.image import open_image
from tests.evidence.images.reading import read_image

_BAND = 64 * 1024


def _bands(medium: Path) -> dict[int, bytes]:
    data = medium.read_bytes()
    bands = {number: data[number * _BAND : (number + 1) * _BAND] for number in range(len(data) // _BAND)}
    return {number: band for number, band in bands.items() if any(band)}


def _sparse_image(medium: Path) -> bytes:
    bands = _bands(medium)
    order = sorted(bands, key=lambda number: number * 7 % 11)
    size = medium.stat().st_size
    header = struct.pack(">4sIIII", b"sprs", 3, _BAND // 512, 1, size // 512).ljust(64, b"\0")
    header += b"".join(struct.pack(">I", number + 1) for number in order)
    return header.ljust(4096, b"\0") + b"".join(bands[number] for number in order)


@pytest.fixture
def bundle(tmp_path: Path, medium: Path) -> Path:
    folder = tmp_path / "disk.sparsebundle"
    (folder / "bands").mkdir(parents=True)
    properties = {
        "CFBundleInfoDictionaryVersion": "6.0",
        "band-size": _BAND,
        "bundle-backingstore-version": 1,
        "diskimage-bundle-type": "com.apple.diskimage.sparsebundle",
        "size": medium.stat().st_size,
    }
    (folder / "Info.plist").write_bytes(plistlib.dumps(properties))
    (folder / "token").write_bytes(b"")
    for number, band in _bands(medium).items():
        (folder / "bands" / f"{number:x}").write_bytes(band.rstrip(b"\0"))
    return folder


def test_reads_a_sparse_image(tmp_path: Path, medium: Path) -> None:
    data = _sparse_image(medium)
    handle = pymodi.handle()
    handle.open_file_object(io.BytesIO(data))
    assert handle.read_buffer_at_offset(handle.get_media_size(), 0) == medium.read_bytes()
    handle.close()
    (tmp_path / "disk.sparseimage").write_bytes(data)
    with open_image(tmp_path / "disk.sparseimage") as image:
        assert (image.format, image.damage) == ("sparseimage", "")
        assert image.read_at(0, image.size) == medium.read_bytes()


def test_a_truncated_sparse_image_is_declared(tmp_path: Path, medium: Path) -> None:
    data = _sparse_image(medium)
    (tmp_path / "disk.sparseimage").write_bytes(data[: len(data) // 2])
    reading = read_image(tmp_path / "disk.sparseimage")
    assert "bands are not whole" in reading.damage
    assert reading.errors
    assert not reading.wrong(medium.read_bytes())


@pytest.mark.parametrize(("place", "value"), [(8, 0), (16, 0), (64, 1000), (68, 1)])
def test_a_damaged_header_is_refused(tmp_path: Path, medium: Path, place: int, value: int) -> None:
    data = bytearray(_sparse_image(medium))
    struct.pack_into(">I", data, 64, 1)
    struct.pack_into(">I", data, place, value)
    (tmp_path / "disk.sparseimage").write_bytes(data)
    with pytest.raises(ImageError, match="is damaged"):
        open_image(tmp_path / "disk.sparseimage")


def test_reads_a_bundle_by_its_folder_or_its_list(bundle: Path, medium: Path) -> None:
    for named in (bundle, bundle / "Info.plist"):
        with open_image(named) as image:
            assert (image.format, image.damage) == ("sparsebundle", "")
            assert set(image.segments) == {bundle / "Info.plist", *(bundle / "bands").iterdir()}
            assert image.read_at(0, image.size) == medium.read_bytes()
            assert image.read_at(_BAND - 5, _BAND * 3) == medium.read_bytes()[_BAND - 5 : _BAND * 4 - 5]


def test_a_bundle_without_bands_is_declared(bundle: Path) -> None:
    for band in (bundle / "bands").iterdir():
        band.unlink()
    with open_image(bundle) as image:
        assert image.damage == "not one of its bands is there"
    (bundle / "bands").rmdir()
    with pytest.raises(ImageError, match="its bands cannot be listed"):
        open_image(bundle)


def test_an_encrypted_bundle_is_named(bundle: Path) -> None:
    (bundle / "token").write_bytes(b"encrcdsa")
    with pytest.raises(ImageError, match="encrypted sparse bundle"):
        open_image(bundle)


@pytest.mark.parametrize("change", [{"band-size": 0}, {"size": -1}, {"size": 1 << 62}, {"band-size": "x"}])
def test_a_damaged_list_is_refused(bundle: Path, change: dict[str, object]) -> None:
    properties = plistlib.loads((bundle / "Info.plist").read_bytes())
    (bundle / "Info.plist").write_bytes(plistlib.dumps({**properties, **change}))
    with pytest.raises(ImageError, match="its property list"):
        open_image(bundle)


def test_a_folder_without_a_property_list_is_no_bundle(tmp_path: Path) -> None:
    with open_image(tmp_path) as image:
        assert image.format == "folder"
