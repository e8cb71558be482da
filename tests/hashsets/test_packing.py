"""hashsets.packing and hashsets.recognition: lists in gzip, xz and ZIP, and what is made to harm."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import shutil
import subprocess
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.errors import ListFormatError
from hashsets import packing
from hashsets.format import Disposition
from hashsets.library import Library, set_path, sets_folder
from hashsets.set_file import SetFile
from tests.hashsets.formats.samples import SAMPLES
from tests.hashsets.invented import hexadecimal, seeded

MEBIBYTE = 1 << 20


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def in_zip(data: bytes) -> bytes:
    return zipped(("folder/", b""), ("folder/list", data))


def written(folder: Path, data: bytes) -> Path:
    path = folder / "packed"
    path.write_bytes(data)
    return path


def digests_of(count: int, seed: int = 1) -> bytes:
    chance = seeded(seed)
    return "".join(f"{hexadecimal(chance, 32)}\n" for _ in range(count)).encode()


def test_what_packs_is_told_by_the_first_bytes() -> None:
    for data, kind in (
        (gzip.compress(b"x"), "gzip"),
        (lzma.compress(b"x"), "xz"),
        (in_zip(b"x"), "zip"),
        (b"x", None),
        (b"", None),
    ):
        file = io.BytesIO(data)
        assert packing.packing_of(file) == kind
        assert file.tell() == 0


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, in_zip])
def test_every_format_is_read_out_of_every_packing(
    name: str, pack: Callable[[bytes], bytes], library: Library, tmp_path: Path
) -> None:
    sample = SAMPLES[name].sample(seeded(1), 30)
    path = written(tmp_path, pack(sample.data))
    known_set = library.import_list(path, "n", Disposition.NOTABLE)
    assert (known_set.format, known_set.entries, known_set.rejected) == (name, 30, 0)
    assert known_set.file_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    with SetFile(set_path(library.folder, known_set.uuid), known_set.uuid) as set_file:
        found = list(set_file.by_position(entry.position for entry in sample.entries))
    assert [(each.md5, each.sha1, each.sha256) for each in found] == [
        (entry.md5, entry.sha1, entry.sha256) for entry in sample.entries
    ]
    assert not [each for each in sets_folder(library.folder).iterdir() if each.suffix == ".unpacked"]


def test_several_streams_of_one_file_are_read_on(library: Library, tmp_path: Path) -> None:
    halves = [digests_of(500, seed) for seed in (1, 2)]
    for data in (
        b"".join(map(gzip.compress, halves)),
        lzma.compress(halves[0]) + bytes(8) + lzma.compress(halves[1]) + bytes(400_000),
    ):
        assert library.import_list(written(tmp_path, data), "n", Disposition.NOTABLE).entries == 1000


def test_in_an_archive_the_file_that_is_a_list_is_read(library: Library, tmp_path: Path) -> None:
    list_ = digests_of(20)
    data = zipped(("README.txt", b"read me\n"), ("a/list.txt", list_), ("logo.png", b"\x89PNG\r\n"), ("empty", b""))
    assert library.import_list(written(tmp_path, data), "n", Disposition.NOTABLE).entries == 20


def test_of_several_lists_in_an_archive_none_is_chosen(library: Library, tmp_path: Path) -> None:
    data = zipped(("a/one.txt", digests_of(3)), ("b/two.csv", b"md5\n" + digests_of(3)), ("notes", b"hello"))
    with pytest.raises(ListFormatError, match=r"the archive holds 2 lists: one\.txt, two\.csv\. Unpack it"):
        library.import_list(written(tmp_path, data), "n", Disposition.NOTABLE)
    known_set = library.import_list(written(tmp_path, data), "n", Disposition.NOTABLE, format="csv")
    assert known_set.format == "csv"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped(("x", b"")), "is empty"),
        (zipped(), "is empty"),
        (zipped(("x", b"hello")), "not a list of a known format"),
        (zipped(("x", b"hello"), ("y", b"hello")), "not a list of a known format"),
        (zipped(("x", gzip.compress(digests_of(3)))), "not a list of a known format"),
        (zipped(("x", digests_of(3)), method=zipfile.ZIP_LZMA), "in an unknown way"),
        (zipped(*((f"{n}", b"") for n in range(1001))), "more than 1000 files"),
        (in_zip(digests_of(9000))[:-30], "damaged zip data"),
        (in_zip(digests_of(9000))[:9000] + bytes(100) + in_zip(digests_of(9000))[9100:], "damaged zip data"),
        (lzma.compress(digests_of(9000))[:-30], "damaged xz data"),
        (lzma.compress(digests_of(9000))[:5000] + bytes(90) + lzma.compress(digests_of(9000))[5090:], "damaged xz"),
        (b"PK\x05\x06" + b"\xff" * 40, "more than 1000 files"),
        (b"\x1f\x8b" + b"\xff" * 40, "damaged gzip data"),
        (b"\xfd7zXZ\0" + b"\xff" * 40, "damaged xz data"),
    ],
)
def test_what_cannot_be_unpacked_is_refused_in_one_line(
    data: bytes, said: str, library: Library, tmp_path: Path
) -> None:
    with pytest.raises(ListFormatError, match=said) as caught:
        library.import_list(written(tmp_path, data), "n", Disposition.NOTABLE)
    assert "\n" not in str(caught.value)
    assert library.sets() == []
    assert list(sets_folder(library.folder).iterdir()) == []


@pytest.mark.skipif(shutil.which("zip") is None, reason="zip is not installed")
def test_an_archive_with_a_password_is_refused(library: Library, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(digests_of(3))
    subprocess.run(["zip", "-q", "-P", "x", "list.zip", "list"], cwd=tmp_path, check=True)
    with pytest.raises(ListFormatError, match="with a password"):
        library.import_list(tmp_path / "list.zip", "n", Disposition.NOTABLE)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, in_zip])
@pytest.mark.parametrize("start", [b"a" * 32 + b"\n", b"SQLite format 3\0"])
def test_a_bomb_is_refused_in_bounded_memory_and_space(
    pack: Callable[[bytes], bytes], start: bytes, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "ALWAYS_ALLOWED", 2 * MEBIBYTE)  # the real one takes seconds to make and to read
    path = written(tmp_path, pack(start + bytes(64 * MEBIBYTE)))
    tracemalloc.start()
    try:
        with pytest.raises(ListFormatError, match="unpacks to more than 100 times its size"):
            library.import_list(path, "n", Disposition.NOTABLE)
        assert tracemalloc.get_traced_memory()[1] < 20 * MEBIBYTE  # xz itself asks for 8
    finally:
        tracemalloc.stop()
    assert list(sets_folder(library.folder).iterdir()) == []


def test_a_list_that_packs_as_well_as_lists_do_is_no_bomb(library: Library, tmp_path: Path) -> None:
    line = b"a" * 32 + b"  the same name over and over again, as bad as it gets\n"
    path = written(tmp_path, gzip.compress(line * 20_000))
    assert path.stat().st_size * 100 < 20_000 * len(line)
    assert library.import_list(path, "n", Disposition.NOTABLE).entries == 20_000


def test_an_xz_file_that_asks_for_much_memory_is_refused(library: Library, tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(digests_of(9000), filters=filters))
    # the block header: size, flags, filter 0x21, one byte of properties (the dictionary's size), padding, CRC32
    at = data.index(b"\x21\x01", 12) + 2
    data[at] = 40  # 4 GiB
    start, length = 12, (data[12] + 1) * 4
    data[start + length - 4 : start + length] = zlib.crc32(data[start : start + length - 4]).to_bytes(4, "little")
    tracemalloc.start()
    try:
        with pytest.raises(ListFormatError, match="damaged xz data"):
            library.import_list(written(tmp_path, bytes(data)), "n", Disposition.NOTABLE)
        assert tracemalloc.get_traced_memory()[1] < 16 * MEBIBYTE
    finally:
        tracemalloc.stop()
