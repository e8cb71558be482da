"""ZIP and tar files as sources: every member a stream, every damage told, nothing unpacked to disk."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from forensics.errors import ImageError, LocatorError, StreamReadError
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.reason import Reason

FILES = {
    "DCIM/100/IMG_0001.JPG": bytes(range(256)) * 40,
    "DCIM/100/copy.jpg": bytes(range(256)) * 40,
    "Documents/ñandú.txt": b"harmless text\n" * 5000,
    "empty": b"",
    "large.bin": os.urandom(3_000_000),
}


@pytest.fixture
def zip_file(tmp_path: Path) -> Path:
    path = tmp_path / "phone.ufdr"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("DCIM")
        for number, (name, data) in enumerate(FILES.items()):
            method = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)[number % 4]
            archive.writestr(zipfile.ZipInfo(name, (2025, 2, 3, 4, 5, 6)), data, method)
    return path


@pytest.fixture(params=["gnu", "posix", "ustar"])
def tar_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    if shutil.which("tar") is None:
        pytest.skip("tar is missing (Debian package tar)")
    for name, data in FILES.items():
        file = tmp_path / "tree" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    os.link(tmp_path / "tree/empty", tmp_path / "tree/empty-link")
    os.link(tmp_path / "tree/large.bin", tmp_path / "tree/z-hard-link.bin")
    (tmp_path / "tree/z-symbolic-link").symlink_to("large.bin")
    path = tmp_path / "phone.tar"
    subprocess.run(
        ["tar", "--sort=name", f"--format={request.param}", "-C", tmp_path / "tree", "-cf", path, "."], check=True
    )
    return path


def streams(source: Source) -> dict[str, Stream]:
    (volume,) = source.volumes()
    items = list(source.walk(volume))
    assert [item for item in items if isinstance(item, NotExamined)] == []
    return {stream.display_path.removeprefix("./"): stream for stream in items if isinstance(stream, Stream)}


def read(source: Source, stream: Stream, piece: int = 65536) -> bytes:
    reader = source.open_stream(Locator.parse(str(stream.locator)))
    return b"".join(reader.read_at(offset, piece) for offset in range(0, reader.size, piece))


def test_every_member_of_a_zip_is_a_stream_with_its_bytes(zip_file: Path) -> None:
    with Source.open(zip_file, "E1") as source:
        found = streams(source)
        assert {name: read(source, stream) for name, stream in found.items()} == FILES
        assert found["empty"].locator.file_system == "zip"
        assert found["empty"].times.modified == 1_738_555_506 * 10**9


def test_every_member_of_a_tar_is_a_stream_with_its_bytes(tar_file: Path) -> None:
    with Source.open(tar_file, "E1") as source:
        found = streams(source)
        for name, data in FILES.items():
            assert read(source, found[name]) == data, name
        assert read(source, found["z-hard-link.bin"]) == FILES["large.bin"]
        assert found["z-hard-link.bin"].locator == found["large.bin"].locator
        assert found["z-symbolic-link"].size == 0
        names = subprocess.run(["tar", "-tf", tar_file], capture_output=True, text=True, check=True).stdout
        assert len(found) == len([line for line in names.splitlines() if not line.endswith("/")])


def test_an_encrypted_member_is_listed_and_not_hashed(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"plain")
        archive.writestr("b", b"secret")
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data[place + 8] |= 1
    path.write_bytes(bytes(data))
    with Source.open(path, "E1") as source:
        found = streams(source)
        assert (found["a"].not_hashable, found["b"].not_hashable) == (None, Reason.ENCRYPTED)


def test_a_damaged_member_is_an_error_and_never_wrong_bytes(zip_file: Path) -> None:
    data = bytearray(zip_file.read_bytes())
    data[data.index(FILES["DCIM/100/IMG_0001.JPG"][:64]) + 5] ^= 1
    zip_file.write_bytes(bytes(data))
    with Source.open(zip_file, "E1") as source:
        found = streams(source)
        with pytest.raises(StreamReadError, match="cannot be unpacked"):
            read(source, found["DCIM/100/IMG_0001.JPG"])
        assert read(source, found["DCIM/100/copy.jpg"]) == FILES["DCIM/100/copy.jpg"]


def test_a_zip_without_its_central_directory_is_told(zip_file: Path) -> None:
    zip_file.write_bytes(zip_file.read_bytes()[:-3000])
    with Source.open(zip_file, "E1") as source:
        (gap,) = source.walk(source.volumes()[0])
        assert isinstance(gap, NotExamined)
        assert gap.reason is Reason.FILE_SYSTEM_DAMAGED


def test_a_tar_with_a_damaged_header_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("a", "b", "c"):
            info = tarfile.TarInfo(name)
            info.size = 1000
            archive.addfile(info, io.BytesIO(bytes(1000)))
    data = bytearray(path.read_bytes())
    data[1536 + 100] ^= 0xFF
    path.write_bytes(bytes(data))
    with Source.open(path, "E1") as source:
        items = list(source.walk(source.volumes()[0]))
    assert [type(item) for item in items] == [Stream, NotExamined]
    assert getattr(items[1], "reason", None) is Reason.FILE_SYSTEM_DAMAGED


def test_a_tar_cut_short_keeps_what_can_be_read(tar_file: Path) -> None:
    tar_file.write_bytes(tar_file.read_bytes()[:1_500_000])
    with Source.open(tar_file, "E1") as source:
        items = list(source.walk(source.volumes()[0]))
        found = {item.display_path.removeprefix("./"): item for item in items if isinstance(item, Stream)}
        assert read(source, found["DCIM/100/copy.jpg"]) == FILES["DCIM/100/copy.jpg"]
        if "large.bin" in found:
            with pytest.raises(StreamReadError):
                read(source, found["large.bin"])
        else:
            assert any(isinstance(item, NotExamined) for item in items)


def test_an_address_that_is_none_is_refused(zip_file: Path) -> None:
    with Source.open(zip_file, "E1") as source, pytest.raises(LocatorError):
        source.open_stream(Locator.parse("E1/p0/zip:99"))


@pytest.mark.parametrize("size", [4, 100, 30_000])
def test_noise_with_the_magic_of_a_zip_is_one_clear_answer(tmp_path: Path, size: int) -> None:
    path = tmp_path / "noise.zip"
    path.write_bytes(b"PK\x03\x04" + hashlib.shake_256(b"seed").digest(size))
    try:
        with Source.open(path, "E1") as source:
            (gap,) = source.walk(source.volumes()[0])
            assert isinstance(gap, NotExamined)
    except ImageError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - either answer will do
