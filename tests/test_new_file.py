"""Files that leave the laboratory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from forensics.errors import ReportError
from forensics.new_file import new_file


def test_a_finished_file_is_private_and_alone_in_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with new_file(path) as file:
        file.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with new_file(tmp_path / "out.txt"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.txt").stat().st_mode) == 0o600


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path) -> None:
    with pytest.raises(KeyError), new_file(tmp_path / "out.txt") as file:
        file.write(b"half")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_nothing_is_written_over(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out.txt"
    if kind == "file":
        path.write_bytes(b"old")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReportError, match="exists already"), new_file(path) as file:
        file.write(b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["out.txt"]
    assert kind != "file" or path.read_bytes() == b"old"


def test_a_file_that_appears_while_we_write_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with pytest.raises(ReportError, match="exists already"), new_file(path) as file:
        file.write(b"ours")
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be written") as error, new_file(tmp_path / "no" / "out.txt"):
        pass
    assert "\n" not in str(error.value)
