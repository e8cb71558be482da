"""The whole road once: sample evidence built, lists imported, raw and E01 scanned, all that was planted found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.sample_evidence import programs


def test_the_demo_finds_everything_it_planted_and_nothing_else(tmp_path: Path) -> None:
    if lacking := programs.missing():
        pytest.skip(f"{', '.join(lacking)} missing (Debian packages {', '.join(sorted(set(lacking.values())))})")
    folder = tmp_path / "demo"
    result = subprocess.run(
        [sys.executable, "-c", "import cli; cli.main()", "demo", str(folder), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["missed"] == []
    assert found["false_hits"] == []
    assert found["differences"] == []
    page = (folder / "report/report.html").read_text("utf-8")
    truth = json.loads((folder / "ground-truth.json").read_text("utf-8"))
    names = {Path(planted["path"]).name for planted in truth["planted"]}
    assert len(names) > 10
    assert not [name for name in names if name in page]  # the prosecutor's report names no file
