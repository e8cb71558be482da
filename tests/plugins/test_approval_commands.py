"""tamiz approve: another person, another account, another key; then the report may be given out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from forensics.case.reader import CaseReader
from forensics.triage.environment import system_user

OTHER_ACCOUNT = "nobody"

AS_OTHER = """
import ctypes, os, pwd
if ctypes.CDLL(None).prctl(28, 4, 0, 0, 0):  # keep the right to read the interpreter's files
    raise SystemExit(99)
os.seteuid(pwd.getpwnam("nobody").pw_uid)
import cli
cli.main()
"""
"""A program that runs a command as another account of the operating system."""


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A case that needs approvals, the report that the laboratory wrote for itself, and a key."""
    path = tmp_path / "a.tamiz"
    tamiz("case", "new", path, "--number", "1", "--examiner", "Ana", "--require-approval")
    tamiz("report", path, "--output", tmp_path / "lab", "--recipient", "laboratory")
    tamiz("key", "new", "--output", tmp_path / "key.pem")
    return path


def tamiz(*arguments: str | Path, code: int = 0) -> str:
    """Run a command as the account that runs the tests."""
    result = CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def tamiz_as_other(*arguments: str | Path, code: int = 0) -> str:
    """Run a command as another account, whatever the environment calls it."""
    if os.geteuid() != 0:
        pytest.skip("only root can run a command as another account")
    environment = {**os.environ, "LOGNAME": system_user(), "USER": system_user()}
    command = [sys.executable, "-c", AS_OTHER, *map(str, arguments)]
    root = Path(__file__).parents[2]
    result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if result.returncode == 99:
        pytest.skip("this system does not let root change accounts")
    assert result.returncode == code, result.stderr
    return result.stdout + result.stderr


def approving(case: Path, name: str) -> tuple[str | Path, ...]:
    folder = case.parent
    document, key = folder / "lab/report.html", folder / "key.pem"
    return ("approve", case, "--document", document, "--key", key, "--recipient", "prosecutor", "--examiner", name)


def test_nothing_leaves_without_an_approval(case: Path, tmp_path: Path) -> None:
    refused = tamiz("report", case, "--output", tmp_path / "out", "--recipient", "prosecutor", code=1)
    assert "not approved: report for prosecutor (es)" in refused
    assert "not approved: export for prosecutor (csv)" in tamiz(
        "export", case, "csv", "--output", tmp_path / "x.csv", code=1
    )
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "x.csv").exists()


def test_nobody_approves_their_own_work(case: Path) -> None:
    assert "nobody approves their own work" in tamiz(*approving(case, "ANA"), code=1)
    said = tamiz(*approving(case, "Rosa"), code=1)
    assert f"the account '{system_user()}' is that of somebody whose work it is" in said


def test_a_report_leaves_once_a_second_person_has_approved(case: Path, tmp_path: Path) -> None:
    assert "approval 1: report for prosecutor (es)" in tamiz_as_other(*approving(case, "Rosa"))
    (approval,) = json.loads(tamiz("approve", case, "--list", "--json"))
    assert (approval["approver"], approval["system_user"], approval["valid"]) == ("Rosa", OTHER_ACCOUNT, True)
    tamiz("report", case, "--output", tmp_path / "out", "--recipient", "prosecutor")
    with CaseReader.open(case) as reader:
        *_, released = reader.ledger()
    assert (released.action, json.loads(released.details)["approval"]) == ("report", 1)

    tamiz("exhibit", "add", case, "E9")
    changed = tamiz("report", case, "--output", tmp_path / "later", "--recipient", "prosecutor", code=1)
    assert "the findings have changed since the approval" in changed


def test_a_changed_document_is_refused(case: Path) -> None:
    with (case.parent / "lab/report.html").open("a") as file:
        file.write(" ")
    said = tamiz(*approving(case, "Rosa"), code=1)
    assert "is no report or export that was written from this case" in said


def test_what_approve_needs_is_said(case: Path) -> None:
    assert "give --document, --key and --examiner" in tamiz("approve", case, code=2)
