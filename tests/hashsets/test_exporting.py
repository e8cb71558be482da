"""hashsets.exporting: what is written says the same when it is imported again, and can do no harm on the way."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.errors import LibraryError, UnknownSetError
from hashsets.exporting import export_set, write_list
from hashsets.format import Disposition, KnownEntry, KnownPerceptualHash
from hashsets.library import Library
from tests.hashsets.invented import entries, hexadecimal, seeded

CHANCE = seeded(3)
FULL = KnownEntry(
    1, hexadecimal(CHANCE, 32), hexadecimal(CHANCE, 40), hexadecimal(CHANCE, 64), 4711,
    (
        KnownPerceptualHash("pdq", hexadecimal(CHANCE, 64), 97),
        KnownPerceptualHash("pdq", hexadecimal(CHANCE, 64), 31),
        KnownPerceptualHash("phash", hexadecimal(CHANCE, 64)),
        KnownPerceptualHash("phash-64", hexadecimal(CHANCE, 16)),
        KnownPerceptualHash("photodna", hexadecimal(CHANCE, 288)),
        *(KnownPerceptualHash("vpdq", hexadecimal(CHANCE, 64), 50 + number) for number in range(40)),
    ),
    "007", "12", {"mime_type": "image/png", "victim_identified": "Sí", "baseline": "yes", "retracted": "true"},
)  # fmt: skip
PLAIN = KnownEntry(2, sha256=hexadecimal(CHANCE, 64), category="1", reference="A-1")
SCHEMES = [None, "vics-2.0-us", "vics-2.0-uk", "lab-1"]


def same(entry: KnownEntry) -> tuple[object, ...]:
    """An entry without its place, its hashes in no order."""
    return (entry._replace(position=1, perceptual=(), attributes={}), set(entry.perceptual), dict(entry.attributes))


def imported(library: Library, path: Path, name: str = "again", scheme: str | None = None) -> list[KnownEntry]:
    known_set = library.import_list(path, name, Disposition.NOTABLE, scheme=scheme)
    assert known_set.rejected == 0
    return list(library.entries(name))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_vics_holds_all_of_a_set(library: Library, tmp_path: Path, scheme: str | None) -> None:
    written = write_list([FULL, PLAIN], scheme, "vics", tmp_path / "a.json")
    assert (written.entries, written.left_out) == (2, {})
    assert [same(entry) for entry in imported(library, written.path)] == [same(FULL), same(PLAIN)]
    known_set = library.get("again")
    assert (known_set.format, known_set.format_version, known_set.scheme) == ("vics", "2.0", scheme)
    assert known_set.file_sha256 == written.sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()


def test_a_list_exported_again_is_the_same_file(library: Library, tmp_path: Path) -> None:
    first = write_list([FULL, PLAIN], "lab-1", "vics", tmp_path / "a.json")
    imported(library, first.path)
    assert export_set(library, "again", "vics", tmp_path / "b.json").sha256 == first.sha256


def test_vics_is_laid_out_as_other_programs_expect_it(tmp_path: Path) -> None:
    document = json.loads(write_list([FULL], "vics-2.0-us", "vics", tmp_path / "a.json").path.read_text())
    assert document["@odata.context"].endswith("/DataModels/2.0.xml/US/$metadata#Media")
    (media,) = document["value"]
    assert (media["MD5"], media["SHA1"], media["MediaSize"], media["MediaID"]) == (FULL.md5, FULL.sha1, 4711, 12)
    assert media["Category"] == "007"  # a number would lose its zeros
    assert {each["HashName"] for each in media["AlternativeHashes"]} == {"SHA256", "PDQ", "PHASH", "VPDQ"}
    assert len(media["PhotoDNA"]) == 192


@given(entry=entries())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@pytest.mark.parametrize("format_name", ["vics", "csv"])
def test_any_entry_survives_the_way_there_and_back(
    tmp_path_factory: pytest.TempPathFactory, entry: KnownEntry, format_name: str
) -> None:
    folder = tmp_path_factory.mktemp("way")
    if format_name == "csv":  # a text that a spreadsheet would run does not come back as it was: that is the point
        entry = entry._replace(category=None, reference=None)
    written = write_list([entry], None, format_name, folder / "list")
    with Library(folder / "library") as library:
        assert [same(each) for each in imported(library, written.path)] == [same(entry)]


def test_a_table_says_what_it_has_no_place_for(library: Library, tmp_path: Path) -> None:
    only_a_film = KnownEntry(3, perceptual=(KnownPerceptualHash("vpdq", "5a" * 32, 90),))
    written = write_list([FULL, PLAIN, only_a_film], "lab-1", "csv", tmp_path / "a.csv")
    assert written.entries == 2
    assert written.left_out == {
        "scheme lab-1": 1, "hash pdq": 1, "hash phash-64": 1, "hash photodna": 1, "hash vpdq": 41, "entry": 1,
    }  # fmt: skip
    first, second = imported(library, written.path, scheme="lab-1")
    assert set(first.perceptual) == {
        each for each in FULL.perceptual if each.quality == 97 or each.algorithm == "phash"
    }
    assert (first.attributes, first.category) == (FULL.attributes, "007")
    assert same(second) == same(PLAIN)


@given(text=st.text(min_size=1, max_size=20).filter(lambda text: text.strip() != "" and text.isprintable()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
def test_no_cell_of_a_table_is_a_formula(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    entry = KnownEntry(1, md5="0" * 32, reference=text, category="=1+1")
    written = write_list([entry], None, "csv", tmp_path_factory.mktemp("table") / "a.csv")
    (row,) = csv.DictReader(io.StringIO(written.path.read_text("utf-8"), newline=""))
    assert not row["reference"].startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert row["reference"] in (text, f"'{text}")
    assert row["category"] == "'=1+1"


@pytest.mark.parametrize("format_name", ["vics", "csv"])
def test_the_file_is_its_owners_alone_and_never_written_over(tmp_path: Path, format_name: str) -> None:
    path = tmp_path / "list"
    write_list([PLAIN], None, format_name, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(LibraryError, match="exists already"):
        write_list([FULL], None, format_name, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["list"]


def test_what_fails_leaves_nothing(library: Library, tmp_path: Path) -> None:
    with pytest.raises(UnknownSetError):
        export_set(library, "none", "vics", tmp_path / "a.json")
    with pytest.raises(LibraryError, match="cannot be written"):
        write_list([PLAIN], None, "vics", tmp_path / "no folder" / "a.json")
    assert not (tmp_path / "a.json").exists()
