"""The folder of a report."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.case.store import pseudonym_key_path
from forensics.errors import ReportError
from forensics.reports.recipient import Recipient
from forensics.reports.report import write_report

FILES = ["hits.csv", "not-examined.csv", "report.html"]


@pytest.mark.parametrize("recipient", Recipient)
def test_it_writes_its_files_private_and_gives_their_digests(sample_case: Path, recipient: Recipient) -> None:
    folder = sample_case.parent / "a" / "b"
    with CaseReader.open(sample_case) as case:
        written = write_report(case, folder, "es", recipient)
    names = ["report.html"] if recipient is Recipient.COURT else FILES
    assert sorted(one.path.name for one in written) == sorted(one.name for one in folder.iterdir()) == names
    for one in written:
        assert one.sha256 == hashlib.sha256(one.path.read_bytes()).hexdigest()
        assert stat.S_IMODE(one.path.stat().st_mode) == 0o600


def test_the_prosecutor_is_the_default(sample_case: Path) -> None:
    with CaseReader.open(sample_case) as case:
        written = write_report(case, sample_case.parent / "out", "es")
    assert "Destinatario: fiscalía" in written[0].path.read_text("utf-8")


@pytest.mark.parametrize("name", FILES)
def test_it_writes_over_nothing_and_then_nothing_at_all(sample_case: Path, name: str) -> None:
    folder = sample_case.parent / "out"
    folder.mkdir()
    (folder / name).write_text("old")
    with CaseReader.open(sample_case) as case, pytest.raises(ReportError, match="exists already"):
        write_report(case, folder, "es", Recipient.PROSECUTOR)
    assert [(one.name, one.read_text()) for one in folder.iterdir()] == [(name, "old")]


def test_it_leaves_the_case_as_it_was(sample_case: Path) -> None:
    before = sample_case.read_bytes()
    with CaseReader.open(sample_case) as case:
        write_report(case, sample_case.parent / "out", "en", Recipient.LABORATORY)
    assert sample_case.read_bytes() == before


def test_without_a_key_nothing_is_written(sample_case: Path) -> None:
    pseudonym_key_path(sample_case).unlink()
    folder = sample_case.parent / "out"
    with CaseReader.open(sample_case) as case, pytest.raises(ReportError, match="key"):
        write_report(case, folder, "es", Recipient.PROSECUTOR)
    assert list(folder.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_one_clear_line(sample_case: Path) -> None:
    with CaseReader.open(sample_case) as case, pytest.raises(ReportError, match="cannot be made") as error:
        write_report(case, sample_case, "es", Recipient.PROSECUTOR)
    assert "\n" not in str(error.value)


def test_an_unknown_language_writes_nothing(sample_case: Path) -> None:
    folder = sample_case.parent / "out"
    with CaseReader.open(sample_case) as case, pytest.raises(ReportError, match="language"):
        write_report(case, folder, "fr", Recipient.PROSECUTOR)
    assert list(folder.iterdir()) == []
