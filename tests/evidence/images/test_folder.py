"""A folder is a source only where nothing can be written, or if that was accepted; it is no image of bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forensics.errors import ImageError
from forensics.evidence.image import open_image
from forensics.evidence.source import Source
from tests.evidence.folders import in_own_mounts

OPEN = """
import sys; from pathlib import Path
from forensics.evidence.source import Source
from forensics.errors import ImageError
try:
    with Source.open(Path(sys.argv[1]), "E1") as source:
        print(len(list(source.walk(source.volumes()[0]))))
except ImageError as error:
    print(error.what)
"""


def test_a_folder_that_can_be_written_to_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"mounted for writing.*--allow-writable") as refusal:
        Source.open(tmp_path, "E1")
    assert "\n" not in str(refusal.value)


def test_it_is_opened_if_that_was_accepted_and_says_so(tmp_path: Path) -> None:
    with Source.open(tmp_path, "E1", allow_writable=True) as source:
        assert source.image.writable == "lies on a file system that is mounted for writing"
        assert source.image.size == 0
        assert source.image.segments == ()


def test_a_read_only_mount_is_opened(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_bytes(b"x")
    script = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; "$PYTHON" -c "$2" "$1"; ! touch "$1/new"'
    assert in_own_mounts(script, tmp_path / "tree", OPEN) == "1\n"


def test_the_answer_of_the_system_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = list(os.statvfs(tmp_path))
    answer[8] |= os.ST_RDONLY
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(answer))
    with open_image(tmp_path) as image:
        assert image.writable == ""


def test_what_is_neither_file_nor_folder_nor_device_is_not_even_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(ImageError, match="neither a file nor a folder"):
            open_image(path)


def test_a_folder_is_closed_once_and_again(tmp_path: Path) -> None:
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    image = open_image(tmp_path)
    image.close()
    image.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
