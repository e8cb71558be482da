"""Lists of forensic tools, held against The Sleuth Kit's own reader: ``hfind`` finds what we read, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hashsets.format import KnownEntry
from plugins import loader
from tests.hashsets.formats.samples import SAMPLES
from tests.hashsets.formats.samples_of_nsrl import nsrl_old
from tests.hashsets.invented import hexadecimal, seeded

pytestmark = pytest.mark.skipif(shutil.which("hfind") is None, reason="hfind of The Sleuth Kit is not installed")
FORMATS = {each.name: each for each in loader.list_formats()}
COUNT = 12


def found_by_hfind(database: Path, digests: list[str]) -> set[str]:
    """The digests that ``hfind`` finds, asked one by one in its index.

    The full look-up of version 4 fails on EnCase and HashKeeper lists: it stores offsets without the header.
    """
    return {
        digest
        for digest in digests
        if subprocess.run(["hfind", "-q", database, digest], check=True, capture_output=True).stdout.strip() == b"1"
    }


def read(name: str, path: Path) -> list[KnownEntry]:
    with path.open("rb") as file:
        return [item for item in FORMATS[name].read(file) if isinstance(item, KnownEntry)]


@pytest.mark.parametrize(
    ("name", "index", "algorithm"),
    [
        ("encase", "encase", "md5"),
        ("hashkeeper", "hk", "md5"),
        ("nsrl-text", "nsrl-md5", "md5"),
        ("nsrl-text", "nsrl-sha1", "sha1"),
        ("nsrl-old", "nsrl-md5", "md5"),
        ("nsrl-old", "nsrl-sha1", "sha1"),
    ],
)
def test_what_is_read_is_what_hfind_finds(name: str, index: str, algorithm: str, tmp_path: Path) -> None:
    chance = seeded(1)
    sample = nsrl_old(chance, COUNT) if name == "nsrl-old" else SAMPLES[name].sample(chance, COUNT)
    path = tmp_path / "list"
    # of names with quotes hfind makes nothing where the MD5 stands after them
    path.write_bytes(sample.data.replace(b'a ""b"", c.txt', b"plain.txt"))
    subprocess.run(["hfind", "-i", index, path], check=True, capture_output=True)
    ours = {str(getattr(entry, algorithm)) for entry in read("nsrl-text" if name == "nsrl-old" else name, path)}
    others = [hexadecimal(chance, 32 if algorithm == "md5" else 40) for _ in range(COUNT)]
    assert len(ours) == COUNT
    assert found_by_hfind(path, [*ours, *others]) == ours


def test_a_database_that_hfind_made_is_read(tmp_path: Path) -> None:
    chance = seeded(2)
    digests = [hexadecimal(chance, 32) for _ in range(20)]
    path = tmp_path / "made.kdb"
    subprocess.run(["hfind", "-c", path], check=True, capture_output=True)
    subprocess.run(["hfind", "-a", path, *digests], check=True, capture_output=True)
    assert FORMATS["autopsy"].recognises_path(path)
    assert [entry.md5 for entry in read("autopsy", path)] == digests


def test_a_database_that_we_made_is_read_by_hfind(tmp_path: Path) -> None:
    sample = SAMPLES["autopsy"].sample(seeded(3), 20)
    path = tmp_path / "made.kdb"
    path.write_bytes(sample.data)
    ours = {str(entry.md5) for entry in sample.entries}
    assert found_by_hfind(path, [*ours, "0" * 32]) == ours
