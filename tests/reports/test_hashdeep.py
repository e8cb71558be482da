"""The list of hashdeep, against hashdeep itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case.content_walk import Scope
from forensics.case.reader import CaseReader
from forensics.reports.exporter import write_export
from forensics.reports.hashdeep import HashdeepExporter
from forensics.reports.recipient import Recipient
from forensics.triage.scan import ScanResult
from hashsets.format import Disposition
from hashsets.library import Library
from tests.conftest import Evidence


def export(case: Path, recipient: Recipient, scope: Scope = Scope.HITS) -> Path:
    output = case.parent / f"{recipient}-{scope}.txt"
    with CaseReader.open(case) as reader:
        write_export(HashdeepExporter(), reader, output, recipient, scope)
    return output


@pytest.fixture
def restored(evidence: Evidence, tmp_path: Path) -> Path:
    """The allocated files of the image, taken out of it by another program."""
    folder = tmp_path / "restored"
    folder.mkdir()
    environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    subprocess.run(
        ["debugfs", "-R", f"rdump / {folder}", evidence.image], check=True, env=environment, capture_output=True
    )
    (folder / "lost+found").rmdir()
    return folder


def audit(listing: Path, folder: Path) -> str:
    if shutil.which("hashdeep") is None:
        pytest.skip("hashdeep is missing (Debian package hashdeep)")
    command: list[str | Path] = [
        "hashdeep",
        "-a",
        "-v",
        "-v",
        "-v",
        "-l",
        "-r",
        "-k",
        listing,
        *sorted(path.name for path in folder.iterdir()),
    ]
    return subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True).stdout


def test_hashdeep_finds_every_file_and_notices_one_that_changed(
    run_scan: Callable[..., ScanResult], evidence: Evidence, restored: Path, tmp_path: Path
) -> None:
    run_scan("a.case", evidence.image)
    listing = export(tmp_path / "a.case", Recipient.LABORATORY, Scope.ALL)
    lines = listing.read_text().splitlines()
    allocated = [line for line in lines if not line.startswith(("%", "#")) and evidence.deleted not in line]
    listing.write_text("\n".join([*lines[:4], *allocated]) + "\n")
    told = audit(listing, restored)
    assert "Audit passed" in told, told
    (restored / "text07.txt").write_text("changed")
    told = audit(listing, restored)
    assert "Audit failed" in told
    assert "New files found: 1" in told


def test_our_own_importer_reads_it(sample_case: Path) -> None:
    listing = export(sample_case, Recipient.PROSECUTOR)
    with Library(sample_case.parent / "library") as library:
        known_set = library.import_list(listing, "back", Disposition.NOTABLE)
        assert (known_set.format, known_set.rejected) == ("hashdeep", 0)
        read = {(entry.sha256, entry.sha1, entry.md5, entry.size) for entry in library.entries("back")}
    with CaseReader.open(sample_case) as case:
        hits = list(case.hits())
    assert read == {(hit.sha256, hit.sha1, hit.md5, hit.size) for hit in hits}
    assert known_set.entries == len({(hit.locator, hit.path) for hit in hits})
