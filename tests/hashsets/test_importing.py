"""hashsets.importing: one pass, all or nothing, whatever happens."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.errors import HashSetError, LibraryError, ListFormatError
from hashsets import external_sort
from hashsets.format import Disposition
from hashsets.importing import ImportReport, import_list
from hashsets.library import Library, sets_folder
from hashsets.verification import verify
from tests.hashsets.invented import hexadecimal, seeded

IMPORT = """
import sys
from pathlib import Path
from hashsets.format import Disposition
from hashsets.library import Library
with Library(Path(sys.argv[1])) as library:
    library.import_list(Path(sys.argv[2]), sys.argv[3], Disposition.NOTABLE, on_progress=lambda *_: print(flush=True))
"""


def state(library: Library) -> tuple[object, ...]:
    """What a library holds, down to the bytes of its set files."""
    return (
        library.sets(),
        {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sets_folder(library.folder).glob("*.sqlite")
        },
        library.lookup(["0" * 32]),
    )


def write_list(path: Path, lines: int) -> Path:
    chance = seeded(2)
    path.write_text("".join(f"{hexadecimal(chance, 32)}\n" for _ in range(lines)))
    return path


@pytest.mark.parametrize("name", ["n", "other"])
def test_a_killed_import_leaves_the_library_as_it_was(
    library: Library, md5_list: Path, tmp_path: Path, name: str
) -> None:
    library.import_list(md5_list, "n", Disposition.NOTABLE)
    before = state(library)
    big = write_list(tmp_path / "big.md5", 400_000)
    process = subprocess.Popen([sys.executable, "-c", IMPORT, library.folder, big, name], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n"  # it is in the middle of its work
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert state(library) == before
    assert [path for path in sets_folder(library.folder).iterdir() if path.suffix == ".partial"]

    library.import_list(md5_list, name, Disposition.NOTABLE)
    of_sets = {path.name.partition(".")[0] for path in sets_folder(library.folder).iterdir()}
    assert of_sets == {known_set.uuid for known_set in library.sets()}  # the next import swept up


def test_an_import_killed_at_any_moment_is_there_whole_or_not_at_all(library: Library, tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.md5", 3000)
    chance = seeded(3)
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", IMPORT, library.folder, path, "n"], stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.1, 0.6))
        process.kill()
        process.wait()
        assert [known_set.entries for known_set in library.sets()] in ([], [3000])
        assert [(each.problems, each.remade) for each in verify(library, library.sets())] in ([], [((), ())])
        library.lookup(["0" * 32])


def test_a_second_import_at_the_same_time_is_refused(library: Library, md5_list: Path) -> None:
    def import_another(_: int, __: int) -> None:
        with Library(library.folder) as another, pytest.raises(LibraryError, match="another import is running"):
            another.import_list(md5_list, "other", Disposition.NOTABLE)

    library.import_list(md5_list, "n", Disposition.NOTABLE, on_progress=import_another)
    assert [known_set.name for known_set in library.sets()] == ["n"]


def test_an_interrupted_import_leaves_nothing(library: Library, md5_list: Path) -> None:
    def interrupt(_: int, __: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.import_list(md5_list, "n", Disposition.NOTABLE, on_progress=interrupt)
    assert library.sets() == []
    assert list(sets_folder(library.folder).iterdir()) == []


def test_a_full_disk_leaves_the_library_as_it_was(library: Library, md5_list: Path, tmp_path: Path) -> None:
    library.import_list(md5_list, "n", Disposition.NOTABLE)
    before = state(library)
    big = write_list(tmp_path / "big.md5", 20_000)
    limited = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n" + IMPORT
    process = subprocess.run(
        [sys.executable, "-c", limited, library.folder, big, "n"], capture_output=True, text=True, check=False
    )
    assert process.returncode == 1
    assert "LibraryError" in process.stderr.splitlines()[-1]
    assert state(library) == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-30],
        lambda text: text.replace('"value"', '"values"'),
        lambda text: text + "]",
        lambda text: text.replace("5000", "NaN"),
    ],
)
def test_a_broken_list_imports_nothing(library: Library, tmp_path: Path, damage: Callable[[str], str]) -> None:
    chance = seeded(1)
    media = [{"MD5": hexadecimal(chance, 32), "MediaSize": number} for number in range(1, 12_001)]
    context = "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media"
    path = tmp_path / "list.json"
    path.write_text(damage(json.dumps({"odata.metadata": context, "value": media})))
    with pytest.raises(ListFormatError) as caught:
        library.import_list(path, "n", Disposition.NOTABLE)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert library.sets() == []
    assert list(sets_folder(library.folder).iterdir()) == []


def test_a_list_without_a_valid_entry_is_refused(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("md5\nx\ny\n")
    with pytest.raises(ListFormatError, match=r"no valid entry, and 2 malformed \(the first at 2: md5 is not 32"):
        library.import_list(path, "n", Disposition.NOTABLE)
    assert library.sets() == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x89PNG", "not a list of a known format"),
        (b"hello\n", "--format: .*vics"),
        (b"hash;name\n", r"csv \(the first line names a column md5, sha1, sha256, pdq or phash\)"),
    ],
)
def test_a_file_that_is_no_list_is_refused(library: Library, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ListFormatError, match=said):
        library.import_list(path, "n", Disposition.NOTABLE)


def test_a_format_can_be_named(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text(f"what is this\n{'a' * 32}\n")
    known_set = library.import_list(path, "n", Disposition.NOTABLE, format="digest-list")
    assert (known_set.entries, known_set.rejected) == (1, 1)
    with pytest.raises(ListFormatError, match="there is no list format 'xls'"):
        library.import_list(path, "n", Disposition.NOTABLE, format="xls")
    with pytest.raises(ListFormatError, match=f"{path}, line 1: "):
        library.import_list(path, "n", Disposition.NOTABLE, format="csv")


class TestGzip:
    def test_is_unpacked_and_recorded_as_received(self, library: Library, md5_list: Path, tmp_path: Path) -> None:
        packed = tmp_path / "list.gz"
        packed.write_bytes(gzip.compress(md5_list.read_bytes()))
        known_set = library.import_list(packed, "n", Disposition.NOTABLE)
        assert (known_set.entries, known_set.rejected) == (998, 2)
        assert known_set.file_sha256 == hashlib.sha256(packed.read_bytes()).hexdigest()

    @pytest.mark.parametrize("keep", [20, 1000])
    def test_cut_short_imports_nothing(self, library: Library, md5_list: Path, tmp_path: Path, keep: int) -> None:
        packed = tmp_path / "list.gz"
        packed.write_bytes(gzip.compress(md5_list.read_bytes())[:keep])
        with pytest.raises(ListFormatError, match="damaged gzip data"):
            library.import_list(packed, "n", Disposition.NOTABLE)
        assert library.sets() == []

    def test_damaged_imports_nothing(self, library: Library, md5_list: Path, tmp_path: Path) -> None:
        data = bytearray(gzip.compress(md5_list.read_bytes()))
        data[len(data) // 2] ^= 255
        packed = tmp_path / "list.gz"
        packed.write_bytes(data)
        with pytest.raises(ListFormatError):
            library.import_list(packed, "n", Disposition.NOTABLE)
        assert library.sets() == []


def test_memory_does_not_grow_with_the_list(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_sort, "RUN_BYTES", 16 * 5000)
    monkeypatch.setattr(external_sort, "PART_BYTES", 16 * 10_000)
    peaks = []
    for lines in (20_000, 60_000):
        path = write_list(tmp_path / "list.md5", lines)
        tracemalloc.start()
        library.import_list(path, "n", Disposition.NOTABLE)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_progress_ends_at_the_size_of_the_file(library: Library, tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.md5", 30_000)
    seen: list[tuple[int, int]] = []
    library.import_list(path, "n", Disposition.NOTABLE, on_progress=lambda done, size: seen.append((done, size)))
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert seen[-1] == (os.path.getsize(path), os.path.getsize(path))  # noqa: PTH202


def test_a_library_is_read_while_an_import_runs(library: Library, md5_list: Path) -> None:
    library.import_list(md5_list, "n", Disposition.NOTABLE)
    digest = md5_list.read_text().split()[0]

    def look(_: int, __: int) -> None:
        with Library(library.folder) as another:
            assert len(another.lookup([digest])[0]) == 1

    library.import_list(md5_list, "n", Disposition.NOTABLE, on_progress=look)


def test_a_report_says_which_columns_were_read_and_which_were_not(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text(f"MD5;Nombre;Víctima;Categoría;Observaciones\n{'a' * 32};x;y;2;z\n")
    report = import_list(library, path, "n", Disposition.NOTABLE)
    ignored = ("Nombre", "Víctima", "Observaciones")
    assert report == ImportReport(library.get("n"), None, ("md5", "category"), ignored)
    assert not [
        file for file in library.folder.rglob("*.sqlite") for word in ignored if word.encode() in file.read_bytes()
    ]


def test_a_report_says_what_was_replaced(library: Library, md5_list: Path, tmp_path: Path) -> None:
    old = import_list(library, md5_list, "n", Disposition.NOTABLE)
    assert (old.replaced, old.columns_read, old.columns_ignored) == (None, (), ())
    new = import_list(library, write_list(tmp_path / "newer.md5", 5), "n", Disposition.NOTABLE)
    assert new.replaced == old.known_set
    assert library.sets() == [new.known_set]


def test_a_set_is_never_replaced_by_one_for_another_purpose(library: Library, md5_list: Path) -> None:
    library.import_list(md5_list, "n", Disposition.NOTABLE)
    before = state(library)
    with pytest.raises(HashSetError, match=r"'n'.*is a notable set\. Remove it first or choose another name"):
        library.import_list(md5_list, "n", Disposition.BENIGN)
    assert state(library) == before
    library.remove("n")
    assert library.import_list(md5_list, "n", Disposition.BENIGN).disposition is Disposition.BENIGN
