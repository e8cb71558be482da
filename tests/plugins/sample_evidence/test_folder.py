"""A demo goes into an empty folder or replaces an earlier demo; nothing else is ever touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.errors import TamizError
from plugins.sample_evidence.folder import CASE, LIBRARY, MARKER, REPORT, prepare


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_makes_the_folder_and_says_in_it_what_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "demo"
    prepare(folder)
    assert _names(folder) == {MARKER}
    assert "tamiz demo" in (folder / MARKER).read_text()


def test_takes_an_empty_folder(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert _names(tmp_path) == {MARKER}


def test_clears_an_earlier_demo_and_nothing_else(tmp_path: Path) -> None:
    prepare(tmp_path)
    for name in (
        "disk.raw",
        "disk.E01",
        "notable.json",
        "ground-truth.json",
        CASE,
        f"{CASE}-wal",
        f"{CASE}.key",
        "my notes.txt",
    ):
        (tmp_path / name).write_text("x")
    for name in (LIBRARY, REPORT, "volumes-abc", "my folder"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "file").write_text("x")
    prepare(tmp_path)
    assert _names(tmp_path) == {MARKER, "my notes.txt", "my folder"}
    assert (tmp_path / "my folder" / "deep" / "file").exists()


def test_leaves_what_a_link_points_at_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    demo = tmp_path / "demo"
    prepare(demo)
    (demo / REPORT).symlink_to(elsewhere)
    (demo / "volumes-x").symlink_to(elsewhere)
    prepare(demo)
    assert (elsewhere / "precious").exists()
    assert not (demo / REPORT).exists()


@pytest.mark.parametrize("foreign", ["disk.raw", "anything", MARKER])
def test_refuses_a_folder_of_somebody_else(tmp_path: Path, foreign: str) -> None:
    (tmp_path / foreign).write_text("precious")
    with pytest.raises(TamizError, match="is not empty and no earlier demo") as caught:
        prepare(tmp_path)
    assert "\n" not in str(caught.value)
    assert _names(tmp_path) == {foreign}
    assert (tmp_path / foreign).read_text() == "precious"


def test_refuses_a_file_and_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(TamizError, match="is not a folder"):
        prepare(file)
    with pytest.raises(TamizError, match="cannot be written"):
        prepare(file / "below")
