"""tamiz set build, export, diff: a list of one's own finds what it was made of again, also altered."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cli import cli
from hashsets.library import Library
from tests.films import film, moving
from tests.pictures import encoded, photo, plasma

PRIVATE_NAME = "nombre-reservado"


@pytest.fixture
def tamiz(tmp_path: Path) -> Callable[..., Result]:
    def run(*arguments: str | Path, code: int = 0) -> Result:
        command = ["--library", str(tmp_path / "library"), *map(str, arguments)]
        result = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures, a film and a text, under names that must not get about."""
    folder = tmp_path / "own"
    (folder / PRIVATE_NAME).mkdir(parents=True)
    for number in range(4):
        picture = encoded(photo(400, 560, seed=number), "PNG")
        (folder / PRIVATE_NAME / f"{PRIVATE_NAME}-{number}.png").write_bytes(picture)
    (folder / f"{PRIVATE_NAME}.mp4").write_bytes(film(moving(60)))
    (folder / "notes.txt").write_text("some words")
    (folder / "empty").touch()
    return folder


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """The first picture as it is, the second of less quality, the third turned, the fourth cut; the film; another."""
    folder = tmp_path / "seized"
    folder.mkdir()
    pictures = [Image.fromarray(photo(400, 560, seed=number)) for number in range(4)]
    (folder / "same").write_bytes(encoded(pictures[0], "PNG"))
    (folder / "reencoded").write_bytes(encoded(pictures[1].resize((420, 300)), "JPEG", quality=60))
    (folder / "turned").write_bytes(encoded(pictures[2].transpose(Image.Transpose.ROTATE_90), "JPEG", quality=80))
    (folder / "cropped").write_bytes(encoded(pictures[3].crop((10, 8, 550, 392)), "JPEG", quality=85))
    (folder / "film").write_bytes(film(moving(60), options={"b": "200000"}, container="matroska"))
    (folder / "unrelated").write_bytes(encoded(plasma(400, 560, seed=77), "JPEG"))
    return folder


def build(tamiz: Callable[..., Result], folder: Path, name: str = "own", *options: str) -> dict[str, object]:
    arguments = ("set", "build", name, "--from", folder, "--disposition", "notable", "--quiet", "--json", *options)
    document: dict[str, object] = json.loads(tamiz(*arguments).stdout)
    return document


def scanned(tamiz: Callable[..., Result], case: Path, evidence: Path, *sets: str) -> dict[str, str]:
    """Strongest tier of each file that is hit."""
    tamiz("case", "new", case, "--number", "1", "--examiner", "Ana")
    chosen = [part for name in sets for part in ("--set", name)]
    tamiz("scan", case, evidence, "--allow-writable", "--quiet", "--jobs", "1", *chosen)
    rank = ("exact", "near", "similar")
    found: dict[str, str] = {}
    for hit in json.loads(tamiz("hits", case, "--json").stdout):
        found[hit["path"]] = min(found.get(hit["path"], "similar"), hit["tier"], key=rank.index)
    return found


ALTERED = {"same": "exact", "reencoded": "near", "turned": "similar", "cropped": "similar", "film": "near"}


def test_what_a_folder_holds_is_found_again_also_altered(
    tamiz: Callable[..., Result], folder: Path, evidence: Path, tmp_path: Path
) -> None:
    built = build(tamiz, folder, "own", "--category", "3", "--scheme", "lab-1", "--issuer", "this laboratory")
    assert (built["entries"], built["file_name"], built["issuer"]) == (6, "folder.json", "this laboratory")
    found = scanned(tamiz, tmp_path / "a.case", evidence)
    assert found.keys() == ALTERED.keys()
    assert {path: found[path] for path in ("same", "reencoded", "turned")} == {
        path: ALTERED[path] for path in ("same", "reencoded", "turned")
    }
    hits = json.loads(tamiz("hits", tmp_path / "a.case", "--json").stdout)
    assert {(hit["scheme"], hit["category"]) for hit in hits} == {("lab-1", "3")}


def test_nothing_of_names_is_left_anywhere_in_the_library(
    tamiz: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    build(tamiz, folder)
    files = [path for path in (tmp_path / "library").rglob("*") if path.is_file()]
    assert files
    assert not any(PRIVATE_NAME in path.name or PRIVATE_NAME.encode() in path.read_bytes() for path in files)
    assert not [path for path in (tmp_path / "library").iterdir() if path.name.startswith("building")]
    build(tamiz, folder, "named", "--with-names")
    with Library(tmp_path / "library") as library:
        assert any(PRIVATE_NAME in (entry.reference or "") for entry in library.entries("named"))


def test_a_set_holds_all_that_finds_a_content_again(tamiz: Callable[..., Result], folder: Path, tmp_path: Path) -> None:
    build(tamiz, folder)
    with Library(tmp_path / "library") as library:
        entries = list(library.entries("own"))
    assert all(entry.md5 and entry.sha1 and entry.sha256 and entry.size for entry in entries)
    by_type = {entry.attributes["mime_type"]: {known.algorithm for known in entry.perceptual} for entry in entries}
    assert by_type["image/png"] == {"pdq", "phash"}
    assert "vpdq" in by_type["video/mp4"]
    assert by_type["text/plain"] == set()
    assert all(k.quality is not None for entry in entries for k in entry.perceptual if k.algorithm != "phash")


def test_the_same_folder_gives_the_same_list_and_an_export_gives_it_again(
    tamiz: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    one, other = build(tamiz, folder, "one"), build(tamiz, folder, "other")
    assert one["file_sha256"] == other["file_sha256"]
    written = json.loads(
        tamiz("set", "export", "one", "--format", "vics", "--output", tmp_path / "a.json", "--json").stdout
    )
    assert (written["sha256"], written["left_out"]) == (one["file_sha256"], {})
    tamiz("set", "import", tmp_path / "a.json", "--name", "third", "--disposition", "reference")
    document = json.loads(tamiz("set", "diff", "one", "third", "--json").stdout)
    assert {key: document[key] for key in ("same", "differing", "only_first", "only_second")} == {
        "same": 6, "differing": 0, "only_first": 0, "only_second": 0,
    }  # fmt: skip
    csv = tamiz("set", "export", "one", "--format", "csv", "--output", tmp_path / "a.csv")
    assert "NOT in the file, which has no place for it: hash vpdq" in csv.stderr
    assert (
        "exists already"
        in tamiz("set", "export", "one", "--format", "csv", "--output", tmp_path / "a.csv", code=1).stderr
    )


def test_a_case_gives_a_list_of_what_was_hit_with_its_perceptual_hashes(
    tamiz: Callable[..., Result], folder: Path, evidence: Path, tmp_path: Path
) -> None:
    received = tmp_path / "received.csv"
    digests = [sum_of(evidence / name) for name in ("same", "unrelated", "cropped")]
    received.write_text("sha1,retracted\n" + f"{digests[0]},\n{digests[1]},true\n{digests[2]},\n")
    harmless = tmp_path / "harmless.txt"
    harmless.write_text(digests[2])
    tamiz("set", "import", received, "--name", "received", "--disposition", "notable")
    tamiz("set", "import", harmless, "--name", "harmless", "--disposition", "benign")
    case = tmp_path / "a.case"
    assert set(scanned(tamiz, case, evidence)) == {"same", "unrelated", "cropped"}
    built = build(tamiz, case)
    assert (built["entries"], built["not_listed"]) == (1, 2)  # not what was retracted, nor what is benign elsewhere
    with Library(tmp_path / "library") as library:
        (entry,) = library.entries("own")
    assert (entry.sha1, {known.algorithm for known in entry.perceptual}) == (digests[0], {"pdq", "phash"})
    assert build(tamiz, case, "all", "--all-pictures")["entries"] == 6
    actions = [row["action"] for row in json.loads(tamiz("log", case, "--json").stdout)]
    assert actions[-2:] == ["set built", "set built"]
    assert "no set named 'none'" in build_line(tamiz, case, "--set", "none")
    assert "nothing to build" in build_line(tamiz, case, "--tier", "similar")


def sum_of(path: Path) -> str:
    import hashlib

    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()


def build_line(tamiz: Callable[..., Result], case: Path, *options: str) -> str:
    arguments = ("set", "build", "x", "--from", case, "--disposition", "notable", "--quiet", *options)
    (line,) = tamiz(*arguments, code=1).stderr.splitlines()
    return str(line)


def test_what_chooses_among_hits_makes_no_sense_of_a_folder(tamiz: Callable[..., Result], folder: Path) -> None:
    arguments = ("set", "build", "x", "--from", folder, "--disposition", "notable")
    assert "this is a folder" in tamiz(*arguments, "--all-pictures", code=2).stderr


def test_a_difference_is_told_by_place_and_a_hash_only_when_asked_for(
    tamiz: Callable[..., Result], tmp_path: Path
) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text(f"md5,sha1,category\n{'1' * 32},,1\n{'2' * 32},{'a' * 40},1\n{'3' * 32},,1\n{'4' * 32},,1\n")
    other.write_text(f"md5,sha1,category\n{'4' * 32},,1\n{'2' * 32},{'b' * 40},1\n{'3' * 32},,2\n,{'c' * 40},1\n")
    for path in (one, other):
        tamiz("set", "import", path, "--name", path.stem, "--disposition", "notable")
    result = tamiz("set", "diff", "one", "other", "--json")
    document = json.loads(result.stdout)
    assert document["details"] == [
        {"first": 2, "second": None, "fields": []},
        {"first": 3, "second": 3, "fields": ["sha1"]},
        {"first": 4, "second": 4, "fields": ["category"]},
        {"first": None, "second": 5, "fields": []},
    ]
    assert (document["same"], document["differing"]) == (1, 2)
    shown = tamiz("set", "diff", "one", "other").stdout
    assert "2" * 32 not in shown + result.stdout
    assert "1" * 32 in tamiz("set", "diff", "one", "other", "--hashes").stdout
    mirrored = json.loads(tamiz("set", "diff", "other", "one", "--json").stdout)
    assert (mirrored["only_first"], mirrored["only_second"]) == (document["only_second"], document["only_first"])


def test_lookup_shows_what_speaks_against_an_entry(tamiz: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"md5,retracted,disputed\n{'1' * 32},sí,\n{'2' * 32},no,md5 (3 members)\n{'3' * 32},,\n")
    tamiz(
        "set", "import", path, "--name", "l", "--disposition", "notable", "--received", "2026-03-31", "--note", "back"
    )
    rows = json.loads(tamiz("set", "lookup", "1" * 32, "2" * 32, "3" * 32, "--json").stdout)
    assert [(row["retracted"], row["disputed"]) for row in rows] == [
        (True, None), (False, "md5 (3 members)"), (False, None),
    ]  # fmt: skip
    assert "disputed" in tamiz("set", "lookup", "1" * 32, "2" * 32).stdout
    shown = tamiz("set", "show", "l").stdout
    assert "2026-03-31" in shown
    assert "back" in shown


def test_a_case_keeps_where_its_lists_came_from(tamiz: Callable[..., Result], evidence: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("md5\n" + "1" * 32 + "\n")
    stated = ("--issuer", "an issuer", "--list-version", "v9", "--note", "a note", "--received", "2026-03-31")
    tamiz("set", "import", path, "--name", "l", "--disposition", "notable", *stated)
    scanned(tamiz, tmp_path / "a.case", evidence)
    connection = sqlite3.connect(tmp_path / "a.case")
    (row,) = connection.execute("SELECT issuer, list_version, note, received FROM sets_used").fetchall()
    connection.close()
    assert row == ("an issuer", "v9", "a note", "2026-03-31")
