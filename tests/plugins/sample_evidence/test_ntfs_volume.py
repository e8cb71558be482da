"""NTFS written through libntfs-3g, read back by The Sleuth Kit and checked by ntfsfix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from forensics.errors import TamizError
from plugins.sample_evidence import programs
from plugins.sample_evidence.ntfs_volume import NtfsVolume, format_ntfs

ListFiles = Callable[[Path], dict[str, tuple[str, bool]]]
ReadStream = Callable[[Path, int, str], bytes]
ReadStreams = Callable[[Path, int, Iterable[str]], dict[str, bytes]]


@pytest.fixture
def image(tools: None, tmp_path: Path) -> Path:
    """An empty volume of 16 MiB."""
    path = tmp_path / "ntfs"
    format_ntfs(path, 16 << 20, 2048, "PRUEBA")
    return path


def _content(number: int) -> bytes:
    return bytes([number % 256]) * (500 + 397 * number)


def test_the_boot_sector_knows_where_the_partition_starts(image: Path) -> None:
    boot = image.read_bytes()[:512]
    assert boot[3:7] == b"NTFS"
    assert int.from_bytes(boot[28:32], "little") == 2048


@pytest.mark.parametrize(
    "path",
    ["a.txt", "one/two/three/four/five.bin", "Imágenes/ñandú 写真.jpg", "☀/😀 astral plane.txt", "x" * 200 + ".jpg"],
)
@pytest.mark.parametrize("size", [0, 1, 700, 5000, 300_000])
def test_a_file_comes_back_whole(
    image: Path, list_files: ListFiles, read_stream: ReadStream, path: str, size: int
) -> None:
    content = bytes(number * 31 % 251 for number in range(size))
    with NtfsVolume(image) as volume:
        volume.create(path, content)
    files = list_files(image)
    assert set(files) == {path}
    address, deleted = files[path]
    assert not deleted
    assert read_stream(image, 0, address) == content


def test_a_folder_of_many_files_keeps_every_one(image: Path, list_files: ListFiles, read_streams: ReadStreams) -> None:
    # enough names to split the index of the folder several times
    names = {f"folder/file with a longer name {number:03d}.bin": _content(number) for number in range(150)}
    with NtfsVolume(image) as volume:
        for path, content in names.items():
            volume.create(path, content)
    files = list_files(image)
    streams = read_streams(image, 0, [address for address, _ in files.values()])
    assert {path: streams[address] for path, (address, _) in files.items()} == names


def test_an_alternate_data_stream_stands_beside_the_data_of_its_file(
    image: Path, list_files: ListFiles, read_stream: ReadStream
) -> None:
    with NtfsVolume(image) as volume:
        volume.create("folder/host.txt", b"in sight")
        volume.add_stream("folder/host.txt", "hidden", _content(90))
        volume.add_stream("folder/host.txt", "small", b"resident")
    files = list_files(image)
    assert {path: read_stream(image, 0, address) for path, (address, _) in files.items()} == {
        "folder/host.txt": b"in sight",
        "folder/host.txt:hidden": _content(90),
        "folder/host.txt:small": b"resident",
    }


def test_deleted_files_are_listed_as_deleted_and_come_back_whole(
    image: Path, list_files: ListFiles, read_stream: ReadStream
) -> None:
    names = {f"folder/file-{number:02d}.bin": _content(number) for number in range(40)}
    gone = set(list(names)[::3])
    with NtfsVolume(image) as volume:
        for path, content in names.items():
            volume.create(path, content)
        for path in gone:
            volume.delete(path)
    files = list_files(image)
    assert {path for path, (_, deleted) in files.items() if deleted} == gone
    assert set(files) == set(names)
    for path, content in names.items():
        assert read_stream(image, 0, files[path][0]) == content


def test_the_volume_is_sound_afterwards(image: Path, output_of: Callable[..., bytes]) -> None:
    with NtfsVolume(image) as volume:
        for number in range(60):
            volume.create(f"a/b{number % 7}/c{number}", _content(number))
        for number in range(0, 60, 5):
            volume.delete(f"a/b{number % 7}/c{number}")
    output_of("ntfsfix", "-n", str(image))


def test_what_cannot_be_done_is_one_line(image: Path) -> None:
    with NtfsVolume(image) as volume:
        volume.create("folder/there.txt", b"")
        with pytest.raises(TamizError, match=r"could not create a file \(File exists\)"):
            volume.create("folder/there.txt", b"")
        with pytest.raises(TamizError, match=r"could not find a file \(No such file or directory\)"):
            volume.delete("folder/not there.txt")
        with pytest.raises(TamizError, match="no such folder"):
            volume.add_stream("nowhere/there.txt", "stream", b"")
        with pytest.raises(TamizError, match="No space left"):
            volume.create("folder/huge.bin", bytes(32 << 20))


def test_a_file_that_is_no_volume_is_refused(tools: None, tmp_path: Path) -> None:
    path = tmp_path / "zeros"
    path.write_bytes(bytes(1 << 20))
    with pytest.raises(TamizError, match="could not open the volume"), NtfsVolume(path):
        pass


def test_without_the_library_its_package_is_named(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "ntfs_library", lambda: None)
    with pytest.raises(TamizError, match="apt install ntfs-3g"):
        NtfsVolume(image)
    assert programs.missing() == {programs.NTFS_LIBRARY: "ntfs-3g"}
