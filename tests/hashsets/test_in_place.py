"""hashsets.in_place: a database where it lies answers as its import does, or says why it cannot."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from forensics.errors import LibraryError, ListFormatError
from hashsets.digest_index import index_path
from hashsets.format import Disposition
from hashsets.library import Library, files_in_place, set_path, sets_folder
from hashsets.matcher import Matcher
from hashsets.verification import verify
from tests.hashsets.formats.samples_of_nsrl import NSRL_FULL, NSRL_MINIMAL, nsrl, nsrl_full, nsrl_hostile
from tests.hashsets.invented import hexadecimal, seeded

MAKERS = {
    "minimal": lambda: nsrl(seeded(5), 400).data,
    "full": lambda: nsrl_full(seeded(6), 400).data,
    "hostile": lambda: nsrl_hostile(seeded(7)).data,
}
IMPORT = """
import sys
from pathlib import Path
from hashsets.format import Disposition
from hashsets.library import Library
with Library(Path(sys.argv[1])) as library:
    library.import_list(
        Path(sys.argv[2]), "n", Disposition.BENIGN, on_progress=lambda *_: print(flush=True), in_place=True
    )
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A minimal database in which each file stands in two packages."""
    path = tmp_path / "RDS.db"
    path.write_bytes(MAKERS["minimal"]())
    return path


@pytest.mark.parametrize("layout", MAKERS)
def test_every_digest_is_answered_as_by_the_imported_set(library: Library, tmp_path: Path, layout: str) -> None:
    path = tmp_path / "RDS.db"
    path.write_bytes(MAKERS[layout]())
    imported = library.import_list(path, "imported", Disposition.BENIGN)
    placed = library.import_list(path, "placed", Disposition.BENIGN, in_place=True)
    assert (placed.format, placed.format_version) == (imported.format, imported.format_version)
    assert placed.file_sha256 == imported.file_sha256
    entries = list(library.entries("imported"))
    chance = seeded(8)
    asked = [str(digest) for entry in entries for digest in (entry.md5, entry.sha1, entry.sha256)]
    asked += [hexadecimal(chance, digits) for digits in (32, 40, 64) for _ in range(50)]
    asked += [digest[:16] + hexadecimal(chance, len(digest) - 16) for digest in asked[:50]]  # begin as known ones do
    answers = []
    for known_set in (imported, placed):
        with Matcher.open(library.folder, [known_set.uuid]) as matcher:
            answers.append(
                [
                    [(match.basis, match.entry.md5, match.entry.sha1, match.entry.sha256, match.entry.size,
                      match.entry.reference, match.entry.category, match.entry.attributes) for match in matches]
                    for matches in matcher.lookup(asked)
                ]
            )  # fmt: skip
    assert answers[0] == answers[1]
    assert sum(map(len, answers[0])) == 3 * len(entries)


def test_every_row_is_counted_and_its_number_is_the_position(library: Library, database: Path) -> None:
    known_set = library.import_list(database, "n", Disposition.BENIGN, in_place=True)
    connection = sqlite3.connect(database)
    rows = connection.execute("SELECT rowid, lower(sha256), file_size FROM FILE ORDER BY rowid").fetchall()
    connection.close()
    assert (known_set.entries, known_set.rejected) == (len(rows), 0) == (800, 0)
    assert [(entry.position, entry.sha256, entry.size) for entry in library.entries("n")] == rows
    connection = sqlite3.connect(set_path(library.folder, known_set.uuid))
    assert connection.execute("SELECT count(*) FROM entry").fetchone() == (0,)  # nothing is copied
    connection.close()
    assert files_in_place(library.folder, [known_set.uuid]) == (database.resolve(),)


def test_rows_that_are_no_entries_are_set_aside_with_the_reason(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "RDS.db"
    path.write_bytes(MAKERS["hostile"]())
    known_set = library.import_list(path, "n", Disposition.BENIGN, in_place=True)
    rejected = list(library.rejected("n"))
    assert (known_set.entries, known_set.rejected) == (2, 6) == (2, len(rejected))
    assert {entry.position for entry in rejected} == {3, 4, 5, 6, 7, 8}
    assert all(entry.reason for entry in rejected)


def test_what_is_no_nsrl_database_is_refused(library: Library, md5_list: Path, database: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.executescript("CREATE TABLE FILE (md5 TEXT); INSERT INTO FILE VALUES ('0')")
    connection.close()
    for path in (md5_list, other):
        with pytest.raises(ListFormatError, match="only an NSRL RDS version 3 database"):
            library.import_list(path, "n", Disposition.BENIGN, in_place=True)
    with pytest.raises(ListFormatError, match="'csv' cannot be used in place"):
        library.import_list(database, "n", Disposition.BENIGN, "csv", in_place=True)
    empty = tmp_path / "empty.db"
    connection = sqlite3.connect(empty)
    connection.executescript(NSRL_FULL)
    connection.close()
    with pytest.raises(ListFormatError, match="holds no valid entry"):
        library.import_list(empty, "n", Disposition.BENIGN, in_place=True)
    database.with_name("RDS.db-wal").write_bytes(b"changes")
    with pytest.raises(ListFormatError, match="stand in a log beside it"):
        library.import_list(database, "n", Disposition.BENIGN, in_place=True)
    assert library.sets() == []
    assert list(sets_folder(library.folder).iterdir()) == []


def gone(path: Path) -> None:
    path.unlink()


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0" * 4096)


def touched(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


@pytest.mark.parametrize("change", [gone, longer, touched])
def test_a_database_that_is_not_as_it_was_is_said(
    library: Library, database: Path, change: Callable[[Path], None]
) -> None:
    known_set = library.import_list(database, "known software", Disposition.BENIGN, in_place=True)
    change(database)
    with pytest.raises(LibraryError, match=r"set 'known software' uses in place .*Import it again") as raised:
        Matcher.open(library.folder, [known_set.uuid])
    assert len(str(raised.value).splitlines()) == 1
    (found,) = verify(library, [known_set])
    assert "known software" in found.problems[0]
    library.remove("known software")
    assert list(sets_folder(library.folder).iterdir()) == []


def test_verification_reads_the_database_and_mends_the_index(library: Library, database: Path) -> None:
    known_set = library.import_list(database, "n", Disposition.BENIGN, in_place=True)
    (found,) = verify(library, [known_set])
    assert (found.entries, found.problems, found.remade) == (800, (), ())
    index = index_path(set_path(library.folder, known_set.uuid))
    right = index.read_bytes()
    index.write_bytes(right[:-8] + b"\xff" * 8)
    (found,) = verify(library, [known_set])
    assert not found.problems
    assert len(found.remade) == 1
    assert index.read_bytes() == right
    # the same length and the same time, and yet another byte
    status = database.stat()
    data = bytearray(database.read_bytes())
    data[-1] ^= 1
    database.write_bytes(data)
    os.utime(database, ns=(status.st_atime_ns, status.st_mtime_ns))
    (found,) = verify(library, [known_set])
    assert ["is not the one that was imported" in problem for problem in found.problems] == [True]


def test_a_killed_import_leaves_the_library_as_it_was(library: Library, database: Path, tmp_path: Path) -> None:
    before = library.import_list(database, "n", Disposition.BENIGN, in_place=True)
    big = tmp_path / "big.db"
    connection = sqlite3.connect(big)
    connection.executescript(NSRL_MINIMAL)
    chance = seeded(9)
    connection.executemany(
        "INSERT INTO FILE VALUES (?, ?, ?, '0', ?, 1, 1)",
        ((f"{n:064X}", hexadecimal(chance, 40), hexadecimal(chance, 32), "n" * 400) for n in range(60_000)),
    )
    connection.commit()
    connection.close()
    process = subprocess.Popen([sys.executable, "-c", IMPORT, library.folder, big], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n"  # it is in the middle of its work
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert library.sets() == [before]
    assert [(each.problems, each.remade) for each in verify(library, library.sets())] == [((), ())]
    after = library.import_list(database, "n", Disposition.BENIGN, in_place=True)
    assert {path.name.partition(".")[0] for path in sets_folder(library.folder).iterdir()} == {after.uuid}


def test_the_command_says_where_the_database_is_and_leaves_it_alone(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAMIZ_LIBRARY", str(tmp_path / "library"))
    before = database.read_bytes()

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["set", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    said = run("import", str(database), "--name", "n", "--disposition", "benign", "--in-place")
    assert "800 entries used in place in RDS.db (nsrl)" in said
    assert str(database.resolve()) in run("show", "n")
    assert "sound" in run("verify", "n")
    run("remove", "n", "--yes")
    assert database.read_bytes() == before
    assert [path.name for path in tmp_path.glob("RDS*")] == ["RDS.db"]
