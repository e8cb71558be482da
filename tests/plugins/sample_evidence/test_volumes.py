"""Every kind of volume holds what it was given, and lost only what was deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from plugins.sample_evidence.volumes import WRITERS, SampleFile

_CHECKS = {"ntfs": ("ntfsfix", "-n"), "ext4": ("e2fsck", "-f", "-n"), "fat16": ("fsck.vfat", "-n")}
_FILES = (
    SampleFile("Carpeta/primero de todos.txt", b"texto\n" * 3000),
    SampleFile("Carpeta/otro borrado.jpg", bytes(range(256)) * 400, deleted=True),
    SampleFile("Carpeta/muy/adentro/tercero.bin", bytes(20_000)),
    SampleFile("Carpeta/muy/adentro/cuarto borrado.bin", b"\x01\x02\x03" * 9000, deleted=True),
    SampleFile("Carpeta/quinto.bin", b"MZ" + bytes(range(255)) * 50),
)


@pytest.mark.parametrize("file_system", WRITERS)
@pytest.mark.parametrize("nothing_deleted", [False, True])
def test_files_come_back_whole_and_deleted_ones_are_deleted(
    tmp_path: Path,
    list_files: Callable[[Path], dict[str, tuple[str, bool]]],
    read_stream: Callable[[Path, int, str], bytes],
    output_of: Callable[..., bytes],
    file_system: str,
    nothing_deleted: bool,
) -> None:
    image = tmp_path / "volume"
    files = [file for file in _FILES if not (nothing_deleted and file.deleted)]
    WRITERS[file_system](image, 16 << 20, 2048, files)
    assert image.stat().st_size == 16 << 20
    listing = list_files(image)
    assert {path: deleted for path, (_, deleted) in listing.items()} == {file.path: file.deleted for file in files}
    for file in files:
        assert read_stream(image, 0, listing[file.path][0]) == file.content
    reported = output_of("fsstat", "-t", str(image)).decode().strip()
    assert reported == file_system
    output_of(*_CHECKS[file_system], str(image))


def test_the_full_path_of_an_alternate_data_stream_follows_a_colon() -> None:
    assert SampleFile("a/b.txt", b"", stream="c").full_path == "a/b.txt:c"
    assert SampleFile("a/b.txt", b"").full_path == "a/b.txt"
