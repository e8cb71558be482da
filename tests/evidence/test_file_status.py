"""What statx says is what lstat says, and more."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from forensics.evidence import file_status as module
from forensics.evidence.file_status import file_status
from forensics.evidence.stream import Times
from tests.evidence.folders import varied_tree


@pytest.mark.parametrize("with_statx", [True, False])
def test_it_is_what_lstat_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, with_statx: bool) -> None:
    varied_tree(tmp_path)
    if not with_statx:
        monkeypatch.setattr(module, "_statx", lambda: None)
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        for path in tmp_path.iterdir():
            status, expected = file_status(directory, os.fsencode(path.name)), path.lstat()
            assert (status.mode, status.size, status.links) == (expected.st_mode, expected.st_size, expected.st_nlink)
            assert status.identity == (expected.st_dev, expected.st_ino)
            assert status.allocated == expected.st_blocks * 512
            assert status.times == Times(
                expected.st_mtime_ns, expected.st_atime_ns, expected.st_ctime_ns, status.times.created
            )
        assert file_status(directory).identity == (tmp_path.stat().st_dev, tmp_path.stat().st_ino)
        with pytest.raises(FileNotFoundError):
            file_status(directory, b"gone")
    finally:
        os.close(directory)


def test_birth_time_is_what_stat_shows(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    shown = subprocess.run(["stat", "-c", "%W", tmp_path / "file"], check=True, capture_output=True, text=True).stdout
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        created = file_status(directory, b"file").times.created
    finally:
        os.close(directory)
    assert (created or 0) // 1_000_000_000 == int(shown)
