"""hashsets.verification: what an import wrote is sound, damage is told, and an index is made good."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from hashsets.digest_index import index_path, rebuilt, source_of
from hashsets.format import Disposition
from hashsets.library import Library, set_path
from hashsets.verification import SetVerification, verify
from tests.hashsets.invented import hexadecimal, seeded


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table with two digests, a PDQ and gaps."""
    chance = seeded(5)
    rows = [
        f"{hexadecimal(chance, 32)},{hexadecimal(chance, 64) if number % 3 else ''},{hexadecimal(chance, 64)}"
        for number in range(500)
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["md5,sha256,pdq", *rows, "broken,,", ""]))
    return path


@pytest.fixture
def set_file(library: Library, table: Path) -> Path:
    return set_path(library.folder, library.import_list(table, "n", Disposition.NOTABLE).uuid)


def verified(library: Library) -> SetVerification:
    (found,) = verify(library, library.sets())
    return found


def test_what_was_imported_is_sound(library: Library, set_file: Path) -> None:
    known_set = library.get("n")
    assert verified(library) == SetVerification("n", known_set.uuid, 500, (), ())
    assert set_file.exists()


@pytest.mark.parametrize("suffix", [".digests", ".pdq"])
def test_an_index_that_is_damaged_or_missing_is_made_anew(library: Library, set_file: Path, suffix: str) -> None:
    path = set_file.with_suffix(suffix)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[len(changed) // 2] ^= 1
    for damaged in (bytes(changed), whole[:100], None):
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        found = verified(library)
        assert (found.problems, len(found.remade)) == ((), 1)
        assert path.read_bytes() == whole
        assert verified(library).remade == ()


def test_an_index_that_does_not_agree_with_the_entries_is_made_anew(library: Library, set_file: Path) -> None:
    whole = index_path(set_file).read_bytes()
    rebuilt(index_path(set_file), source_of(set_file, set_file.stem), [(1, "0" * 32, None, None)])
    (said,) = verified(library).remade
    assert "does not agree" in said
    assert index_path(set_file).read_bytes() == whole


def test_an_entry_that_is_gone_is_told(library: Library, set_file: Path) -> None:
    connection = sqlite3.connect(set_file)
    connection.execute("DELETE FROM entry WHERE position = 7")
    connection.commit()
    connection.close()
    assert verified(library).problems == ("499 entries, and the import wrote 500",)


@pytest.mark.parametrize("damage", [b"", b"x" * 5000])
def test_a_file_that_is_no_set_is_told(library: Library, set_file: Path, damage: bytes) -> None:
    set_file.write_bytes(damage)
    found = verified(library)
    assert found.entries is None
    assert len(found.problems) == 1


def test_damaged_pages_are_told(library: Library, set_file: Path) -> None:
    data = bytearray(set_file.read_bytes())
    data[2 * 16384 : 2 * 16384 + 600] = bytes(600)
    set_file.write_bytes(data)
    assert verified(library).problems


def test_the_command_says_so_and_fails(library: Library, set_file: Path) -> None:
    command = ["--library", str(library.folder), "set", "verify"]
    sound = CliRunner().invoke(cli, [*command, "n"])
    assert (sound.exit_code, sound.output) == (0, "n: sound\n")
    set_file.unlink()
    damaged = CliRunner().invoke(cli, [*command, "--json"])
    assert damaged.exit_code == 1
    assert json.loads(damaged.output)[0]["problems"]
