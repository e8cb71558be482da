"""The digest of a folder's list of files is what GNU find and sha256sum give, and changes with every change."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from forensics.errors import ImageError
from forensics.evidence.folder_manifest import digest_folder
from tests.evidence.folders import varied_tree

RECIPE = r"find . -xdev -mindepth 1 ! -type d -printf '%y %s %T@ %P\0' | LC_ALL=C sort -z | sha256sum"


def digest(folder: Path) -> str:
    return digest_folder(folder, lambda _: None)


def test_anyone_can_compute_it_without_tamiz(tmp_path: Path) -> None:
    varied_tree(tmp_path / "tree")
    os.utime(tmp_path / "tree/text05.txt", ns=(0, 1))
    os.utime(tmp_path / "tree/text06.txt", ns=(0, 0))
    output = subprocess.run(["sh", "-c", RECIPE], cwd=tmp_path / "tree", check=True, capture_output=True, text=True)
    assert digest(tmp_path / "tree") == output.stdout.split()[0]


def test_every_change_shows(tmp_path: Path) -> None:
    tree = varied_tree(tmp_path / "tree")
    file = tree / "deep/er/7"
    seen = {digest(tree)}

    def expect_new() -> None:
        value = digest(tree)
        assert value not in seen
        seen.add(value)

    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    expect_new()
    file.write_bytes(b"other")
    expect_new()
    file.rename(tree / "deep/er/07")
    expect_new()
    (tree / "deep").rename(tree / "deeper")
    expect_new()
    (tree / "new").write_bytes(b"")
    expect_new()
    (tree / "pipe").unlink()
    expect_new()


def test_reading_and_copying_do_not_change_it(tmp_path: Path) -> None:
    tree = varied_tree(tmp_path / "tree")
    before = digest(tree)
    (tree / "text09.txt").read_bytes()
    assert digest(tree) == before
    subprocess.run(["cp", "-a", tree, tmp_path / "copy"], check=True)
    assert digest(tmp_path / "copy") == before


def test_a_folder_that_is_gone_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        digest(tmp_path / "gone")
