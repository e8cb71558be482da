"""``tamiz export`` and ``tamiz tip``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Evidence
from tests.test_cli import Tamiz


@pytest.fixture
def tamiz(library: Path) -> Tamiz:
    return Tamiz(library)


@pytest.fixture
def case(run_scan: Callable[..., object], evidence: Evidence, tmp_path: Path) -> Path:
    run_scan("a.case", evidence.image)
    return tmp_path / "a.case"


def last_row(tamiz: Tamiz, case: Path) -> tuple[str, dict[str, object]]:
    row = json.loads(tamiz("log", case, "--json").stdout)[-1]
    return row["action"], json.loads(row["details"])


def test_an_export_is_recorded_with_its_digest(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    output = tmp_path / "all.txt"
    told = tamiz("export", case, "hashdeep", "--output", output, "--recipient", "laboratory", "--include", "all")
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    assert told.stdout == f"{output}  sha256 {digest}\n"
    assert last_row(tamiz, case) == (
        "export",
        {
            "file": "all.txt", "format": "hashdeep", "include": "all", "recipient": "laboratory", "sha256": digest,
        },
    )  # fmt: skip


def test_what_a_recipient_does_not_get_is_answered_in_one_line_and_not_recorded(
    tamiz: Tamiz, case: Path, tmp_path: Path
) -> None:
    before = last_row(tamiz, case)
    line = tamiz.line("export", case, "vics", "--output", tmp_path / "a.json", "--recipient", "court")
    assert "the recipient 'court' gets no digests" in line
    assert last_row(tamiz, case) == before
    told = tamiz("export", case, "none", "--output", tmp_path / "a.json", code=2)
    assert "there are: case-uco, csv, dfxml, hashdeep, referral, statistics, vics" in told.stderr


def test_a_tip_is_answered_and_recorded_without_its_digests(
    tamiz: Tamiz, case: Path, evidence: Evidence, tmp_path: Path
) -> None:
    tip = tmp_path / "tip.csv"
    tip.write_text(f"{evidence.md5['copy.jpg']}\n{'0' * 32}\n")
    answer = json.loads(tamiz("tip", case, tip, "--json").stdout)
    assert [{stream["path"] for stream in finding["streams"]} for finding in answer["findings"]] == [
        {"copy.jpg", "deep/er/picture0.dat"}, set(),
    ]  # fmt: skip
    assert answer["coverage"]["complete"] is True
    action, details = last_row(tamiz, case)
    assert action == "tip"
    assert details == {
        "file": "tip.csv", "files": 2, "found": 1, "sha256": hashlib.sha256(tip.read_bytes()).hexdigest(),
    }  # fmt: skip
    told = tamiz("tip", case, tip)
    assert "1 of 2 files are on the media" in told.stderr
    assert "1 are not among the" in told.stderr
    assert evidence.md5["copy.jpg"] not in told.stdout + told.stderr
