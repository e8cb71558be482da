"""hashsets.library: sets with their provenance, private, replaced and removed whole."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import platformdirs
import pytest

from forensics.errors import HashSetError, LibraryError, ListFormatError, UnknownSetError
from hashsets.format import Disposition, RejectedEntry
from hashsets.library import Library, default_folder, index_path, sets_folder
from hashsets.match import Tier
from hashsets.matcher import Matcher
from hashsets.provenance import Provenance

A_HASH = "0123456789abcdef0123456789abcdef"

FIRST_SCHEMA = """
-- The sets of a library and where they came from. The entries of a set stand in sets/<uuid>.sqlite (known_set.sql).

CREATE TABLE known_set (
    uuid TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    disposition TEXT NOT NULL CHECK (disposition IN ('notable', 'benign', 'reference')),
    format TEXT NOT NULL,
    format_version TEXT,
    scheme TEXT,
    authority TEXT,
    file_name TEXT NOT NULL,
    file_sha256 TEXT NOT NULL CHECK (length(file_sha256) = 64),
    entries INTEGER NOT NULL CHECK (entries > 0),
    rejected INTEGER NOT NULL CHECK (rejected >= 0),
    imported TEXT NOT NULL                              -- UTC, ISO 8601 with Z
) STRICT;
"""
"""As the first tamiz wrote it."""


def set_files(library: Library) -> set[str]:
    return {path.name for path in sets_folder(library.folder).iterdir()}


def test_the_folder_is_the_one_named_else_of_the_environment_else_of_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAMIZ_LIBRARY", str(tmp_path / "environment"))
    assert default_folder() == tmp_path / "environment"
    with Library() as library:
        assert library.folder == tmp_path / "environment"
    with Library(tmp_path / "named") as library:
        assert library.folder == tmp_path / "named"
    monkeypatch.delenv("TAMIZ_LIBRARY")
    assert default_folder() == platformdirs.user_data_path("tamiz", appauthor=False) / "library"


def test_only_its_owner_can_enter(library: Library, md5_list: Path) -> None:
    library.import_list(md5_list, "n", Disposition.NOTABLE)
    for folder in (library.folder, sets_folder(library.folder)):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [path for path in library.folder.rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_an_imported_set_says_where_it_came_from(library: Library, md5_list: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    known_set = library.import_list(md5_list, "invented", Disposition.REFERENCE, scheme="s", authority="F/1/2026")
    assert (known_set.name, known_set.disposition) == ("invented", Disposition.REFERENCE)
    assert (known_set.format, known_set.format_version) == ("digest-list", None)
    assert (known_set.scheme, known_set.authority) == ("s", "F/1/2026")
    assert known_set.file_name == "list.md5"
    assert known_set.file_sha256 == hashlib.sha256(md5_list.read_bytes()).hexdigest()
    assert (known_set.entries, known_set.rejected) == (998, 2)
    assert known_set.imported.endswith("Z")
    assert before <= datetime.fromisoformat(known_set.imported) <= datetime.now(UTC)
    assert library.get("invented") == known_set
    assert library.sets() == [known_set]


def test_what_the_operator_states_of_a_list_is_kept(library: Library, md5_list: Path) -> None:
    stated = Provenance(" NGO ", "2026-03", "return after the case", "2026-03-31")
    kept = library.import_list(md5_list, "n", Disposition.NOTABLE, provenance=stated)
    assert (kept.issuer, kept.list_version, kept.note) == ("NGO", "2026-03", "return after the case")
    assert kept.received == "2026-03-31"
    assert library.get("n") == kept


@pytest.mark.parametrize(
    "stated",
    [
        Provenance(received="yesterday"),
        Provenance(received="2026-02-30"),
        Provenance(issuer="a\nb"),
        Provenance(list_version="x" * 201),
        Provenance(note="\x1b[31m"),
    ],
)
def test_what_the_operator_states_must_be_fit_to_show(library: Library, md5_list: Path, stated: Provenance) -> None:
    with pytest.raises(LibraryError):
        library.import_list(md5_list, "n", Disposition.NOTABLE, provenance=stated)
    assert library.sets() == []


def test_a_library_of_the_first_tamiz_is_brought_forward(library: Library, md5_list: Path) -> None:
    known_set = library.import_list(md5_list, "n", Disposition.NOTABLE)
    library.close()
    connection = sqlite3.connect(index_path(library.folder))
    row = connection.execute("SELECT * FROM known_set").fetchone()[:12]
    connection.executescript(f"DROP TABLE known_set; {FIRST_SCHEMA} PRAGMA user_version = 1")
    with connection:
        connection.execute("INSERT INTO known_set VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.close()
    with pytest.raises(LibraryError, match="older tamiz"):  # a matcher reads only
        Matcher.open(library.folder, [known_set.uuid])
    with Library(library.folder) as again:
        assert again.get("n") == known_set
        assert again.import_list(md5_list, "m", Disposition.NOTABLE, provenance=Provenance("x")).issuer == "x"
    Matcher.open(library.folder, [known_set.uuid]).close()


def test_a_scheme_comes_from_the_list_unless_the_operator_names_one(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    context = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Media"
    path.write_text(json.dumps({"@odata.context": context, "value": [{"MD5": A_HASH}]}))
    known_set = library.import_list(path, "a", Disposition.NOTABLE)
    assert (known_set.format, known_set.format_version, known_set.scheme) == ("vics", "2.0", "vics-2.0-us")
    assert library.import_list(path, "b", Disposition.NOTABLE, scheme="ours").scheme == "ours"


def test_a_disposition_is_never_implied(library: Library, md5_list: Path) -> None:
    with pytest.raises(TypeError):
        library.import_list(md5_list, "n")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="illegal"):
        library.import_list(md5_list, "n", "illegal")  # type: ignore[arg-type]
    assert library.sets() == []


def test_what_was_set_aside_can_be_listed(library: Library, md5_list: Path) -> None:
    library.import_list(md5_list, "n", Disposition.NOTABLE)
    reason = "no MD5, SHA-1 or SHA-256 where one belongs"
    assert list(library.rejected("n")) == [RejectedEntry(3, reason), RejectedEntry(500, reason)]


def test_an_import_under_the_same_name_replaces_the_set(library: Library, md5_list: Path, tmp_path: Path) -> None:
    old = library.import_list(md5_list, "n", Disposition.NOTABLE)
    newer = tmp_path / "newer.md5"
    newer.write_text(A_HASH)
    new = library.import_list(newer, "n", Disposition.NOTABLE)
    assert new.uuid != old.uuid
    assert library.sets() == [new]
    assert {name.partition(".")[0] for name in set_files(library)} == {new.uuid}


def test_a_removed_set_leaves_nothing(library: Library, md5_list: Path) -> None:
    library.import_list(md5_list, "n", Disposition.NOTABLE)
    library.remove("n")
    assert library.sets() == []
    assert set_files(library) == set()
    for use in (library.get, library.remove, library.unsearched_count, lambda name: list(library.rejected(name))):
        with pytest.raises(UnknownSetError, match="no set named 'n'"):
            use("n")


def test_sets_are_listed_by_name_and_outlive_the_process(library: Library, md5_list: Path) -> None:
    sets = [library.import_list(md5_list, name, Disposition.BENIGN) for name in ("b", "a")]
    with Library(library.folder) as again:
        assert again.sets() == sorted(sets, key=lambda known_set: known_set.name)


def test_a_home_is_understood_in_the_name_of_the_folder(
    tmp_path: Path, md5_list: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TAMIZ_LIBRARY", "~/of-environment")
    assert default_folder() == tmp_path / "home/of-environment"
    with Library(Path("~/named")) as library:
        assert library.folder == tmp_path / "home/named"
        known_set = library.import_list(md5_list, "n", Disposition.NOTABLE)
    Matcher.open(Path("~/named"), [known_set.uuid]).close()
    assert not (tmp_path / "~").exists()
    with pytest.raises(LibraryError, match="no such user"):
        Library(Path("~nobody-of-this-name/library"))


def test_a_name_may_hold_spaces(library: Library, md5_list: Path) -> None:
    assert library.import_list(md5_list, "Lista núm. 3", Disposition.NOTABLE) == library.get("Lista núm. 3")


@pytest.mark.parametrize("name", ["", " ", "\t", " a", "a ", "a\nb", "\x1b[31m", "a\x00", "x" * 201])
def test_a_name_is_printable_and_short(library: Library, md5_list: Path, name: str) -> None:
    with pytest.raises(LibraryError, match="printable name"):
        library.import_list(md5_list, name, Disposition.NOTABLE)


def test_hashes_of_blank_pictures_are_kept_counted_and_never_searched(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "blank.csv"
    path.write_text(f"md5,pdq,phash\n{A_HASH},{'0' * 64},{'f' * 64}\n{A_HASH},{'a5' * 32},\n")
    assert library.import_list(path, "n", Disposition.NOTABLE).entries == 2
    assert library.unsearched_count("n") == 2
    assert library.lookup(["0" * 64, "f" * 64]) == [(), ()]
    assert len(library.lookup(["a5" * 32])[0]) == 1


class TestLookup:
    def test_takes_a_hash_by_its_length(self, library: Library, tmp_path: Path) -> None:
        md5, sha1, sha256, pdq, phash = "1a" * 16, "2b" * 20, "3c" * 32, "5a" * 32, "c9" * 32
        path = tmp_path / "l.csv"
        path.write_text(f"md5,sha1,sha256,pdq,pdq_quality,phash,category\n{md5},{sha1},{sha256},{pdq},90,{phash},7\n")
        notable = library.import_list(path, "n", Disposition.NOTABLE)
        benign = library.import_list(path, "b", Disposition.BENIGN)
        near = f"{int(pdq, 16) ^ 0b10110:064x}"
        found = library.lookup([md5.upper(), sha1, sha256, pdq, near, phash, "0" * 32])
        assert [[(match.entry.set_uuid, match.basis, match.distance) for match in each] for each in found] == [
            [(benign.uuid, "md5", 0), (notable.uuid, "md5", 0)],
            [(benign.uuid, "sha1", 0), (notable.uuid, "sha1", 0)],
            [(benign.uuid, "sha256", 0), (notable.uuid, "sha256", 0)],
            [(notable.uuid, "pdq", 0)],
            [(notable.uuid, "pdq", 3)],
            [(notable.uuid, "phash", 0)],
            [],
        ]
        assert {match.entry.category for each in found for match in each} == {"7"}
        assert [match.tier for match in found[4]] == [Tier.NEAR]

    @pytest.mark.parametrize("text", ["", "xyz", "0" * 33, "g" * 32, "0" * 16])
    def test_says_which_is_no_hash_without_quoting_it(self, library: Library, text: str) -> None:
        with pytest.raises(HashSetError, match="hash 2: not a hash"):
            library.lookup([A_HASH, text])

    def test_an_empty_library_knows_nothing(self, library: Library) -> None:
        assert library.lookup([A_HASH]) == [()]


class TestForeignFiles:
    @pytest.mark.parametrize("content", [b"not a database at all, but long enough to be one" * 50, b"short"])
    def test_a_file_of_another_kind(self, tmp_path: Path, content: bytes) -> None:
        index_path(tmp_path).write_bytes(content)
        with pytest.raises(LibraryError, match="not a file of a tamiz library"):
            Library(tmp_path)
        assert index_path(tmp_path).read_bytes() == content

    def test_a_database_of_another_program(self, tmp_path: Path) -> None:
        connection = sqlite3.connect(index_path(tmp_path))
        connection.execute("CREATE TABLE known_set (a)")
        connection.close()
        with pytest.raises(LibraryError, match="not a file of a tamiz library"):
            Library(tmp_path)

    def test_a_library_of_a_newer_tamiz(self, library: Library) -> None:
        library.close()
        connection = sqlite3.connect(index_path(library.folder))
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        with pytest.raises(LibraryError, match="newer tamiz"):
            Library(library.folder)

    def test_a_file_of_an_older_tamiz_without_a_way_forward(self, library: Library, md5_list: Path) -> None:
        library.import_list(md5_list, "n", Disposition.NOTABLE)
        (path,) = sets_folder(library.folder).glob("*.sqlite")
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 0")
        connection.close()
        with pytest.raises(LibraryError, match="older tamiz"):
            library.lookup([A_HASH])

    def test_a_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(LibraryError, match="cannot be used"):
            Library(tmp_path / "file")

    def test_a_set_file_that_is_missing_or_damaged(self, library: Library, md5_list: Path) -> None:
        library.import_list(md5_list, "n", Disposition.NOTABLE)
        (path,) = sets_folder(library.folder).glob("*.sqlite")
        path.write_bytes(b"x" * 5000)
        with pytest.raises(LibraryError, match="not a file of a tamiz library"):
            library.lookup([A_HASH])
        path.unlink()
        with pytest.raises(LibraryError, match="no such file"):
            library.lookup([A_HASH])


def test_no_table_has_a_column_that_could_hold_content(library: Library, md5_list: Path) -> None:
    library.import_list(md5_list, "n", Disposition.NOTABLE)
    for path in library.folder.rglob("*.sqlite"):
        connection = sqlite3.connect(path)
        tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
        for table, strict in tables:
            if not table.startswith("sqlite_"):
                types = {row[2] for row in connection.execute(f"PRAGMA table_info({table})")}
                assert strict
                assert types <= {"INTEGER", "TEXT"}
        connection.close()


def test_an_unreadable_list_is_said_in_one_line(library: Library, tmp_path: Path) -> None:
    with pytest.raises(ListFormatError, match="No such file"):
        library.import_list(tmp_path / "nowhere", "n", Disposition.NOTABLE)
    with pytest.raises(ListFormatError, match="Is a directory"):
        library.import_list(tmp_path, "n", Disposition.NOTABLE)
