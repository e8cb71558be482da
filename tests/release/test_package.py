"""What leaves the laboratory as a package: complete, checkable without tamiz, and nothing the recipient may not see."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import bagit
import pytest
from click.testing import CliRunner, Result

from cli import cli
from forensics.case.reader import CaseReader
from forensics.reports.recipient import Recipient
from tests.reports.conftest import ISSUER_REFERENCE, MARKER, PARTITION_NAME, NewCase, new_case, sample_case

__all__ = ["new_case", "sample_case"]


def tamiz(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


@pytest.fixture
def key(tmp_path: Path) -> Path:
    tamiz("key", "new", "--output", tmp_path / "lab.pem")
    return tmp_path / "lab.pem"


@pytest.fixture
def sealed(sample_case: Path, key: Path, tmp_path: Path) -> Path:
    (tmp_path / "final").mkdir()
    result = tamiz("seal", sample_case, "--output", tmp_path / "final" / "sealed.case", "--key", key)
    assert result.exit_code == 0, result.output
    return tmp_path / "final" / "sealed.case"


@pytest.mark.parametrize("recipient", Recipient)
def test_a_package_is_a_sound_bag_with_nothing_the_recipient_may_not_see(
    sample_case: Path, sealed: Path, key: Path, tmp_path: Path, recipient: Recipient
) -> None:
    folder = tmp_path / "bag"
    result = tamiz(
        "export", sample_case, "package", "--recipient", recipient, "--output", folder, "--sealed", sealed, "--key", key
    )
    assert result.exit_code == 0, result.output
    bagit.Bag(str(folder)).validate()
    names = {path.relative_to(folder / "data").as_posix() for path in (folder / "data").rglob("*") if path.is_file()}
    assert {
        "README.es.txt",
        "README.en.txt",
        "report-es/report.html",
        "report-en/report.html",
        "statistics.csv",
    } <= names
    assert ("seal/sealed.case" in names) == (recipient is Recipient.LABORATORY)
    assert ("report-es/hits.csv" in names) == (recipient is not Recipient.COURT)
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in (MARKER, ISSUER_REFERENCE, PARTITION_NAME):
        assert (secret.encode() in everything) == (recipient is Recipient.LABORATORY), secret


def test_programs_of_every_system_check_it(sample_case: Path, sealed: Path, key: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bag"
    tamiz(
        "export",
        sample_case,
        "package",
        "--recipient",
        "laboratory",
        "--output",
        folder,
        "--sealed",
        sealed,
        "--key",
        key,
    )

    def run(*command: str) -> str:
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout

    assert "FAILED" not in run("sha256sum", "-c", "tagmanifest-sha256.txt") + run(
        "sha256sum", "-c", "manifest-sha256.txt"
    )
    run(sys.executable, "-I", "data/seal/verify.py", "data/seal/sealed.case")
    if shutil.which("openssl") is not None:
        line = next(line for line in (folder / "data/README.en.txt").read_text().splitlines() if "openssl" in line)
        assert "Success" in run(*line.split())


def test_a_changed_file_or_signature_is_found(sample_case: Path, key: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bag"
    tamiz("export", sample_case, "package", "--recipient", "court", "--output", folder, "--key", key)
    with (folder / "data/report-es/report.html").open("a") as page:
        page.write(" ")
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(folder)).validate()


def test_without_seal_and_key_it_says_so(sample_case: Path, tmp_path: Path) -> None:
    result = tamiz("export", sample_case, "package", "--recipient", "court", "--output", tmp_path / "bag")
    assert "NOT SIGNED" in result.stderr
    text = (tmp_path / "bag/data/README.es.txt").read_text()
    assert "no estaba sellado" in text
    assert "SIN FIRMA" in text
    assert "$" not in text


def test_the_package_stands_in_the_ledger(sample_case: Path, tmp_path: Path) -> None:
    tamiz("export", sample_case, "package", "--recipient", "court", "--output", tmp_path / "bag")
    with CaseReader.open(sample_case) as reader:
        *_, last = reader.ledger()
    details = json.loads(last.details)
    assert (last.action, details["format"], details["file"]) == ("export", "package", "bag")


def test_a_seal_of_another_state_or_that_was_changed_is_refused(
    sample_case: Path, sealed: Path, new_case: NewCase, tmp_path: Path
) -> None:
    sealed.chmod(0o600)
    data = bytearray(sealed.read_bytes())
    data[-1] ^= 1
    sealed.write_bytes(data)
    result = tamiz("export", sample_case, "package", "--output", tmp_path / "bag", "--sealed", sealed)
    assert result.exit_code == 1
    assert "not as it was sealed" in result.stderr
    assert not (tmp_path / "bag").exists()


def test_nothing_is_written_over_and_nothing_is_left_of_what_failed(sample_case: Path, tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    result = tamiz("export", sample_case, "package", "--output", tmp_path / "bag")
    assert "exists already" in result.stderr
    Path(f"{sample_case}.key").unlink()
    result = tamiz("export", sample_case, "package", "--output", tmp_path / "other")
    assert result.exit_code == 1
    assert not [path for path in tmp_path.iterdir() if "other" in path.name]
