"""Files of images: read through descriptors that can neither write nor be moved by anyone else."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ImageError
from forensics.evidence.images.read_only_file import ReadOnlyFile

_CONTENT = bytes(range(256)) * 8


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "file"
    path.write_bytes(_CONTENT)
    return path


def test_reading_shares_no_file_offset(path: Path) -> None:
    with ReadOnlyFile(path) as file:
        before = os.lseek(file._descriptor, 0, os.SEEK_CUR)
        file.read_at(5, 10)
        assert os.lseek(file._descriptor, 0, os.SEEK_CUR) == before


def test_is_opened_for_reading_only(path: Path) -> None:
    with ReadOnlyFile(path) as file, pytest.raises(OSError, match="Bad file descriptor"):
        os.pwrite(file._descriptor, b"x", 0)


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("read"), st.integers(-1, 3000)),
            st.tuples(st.just("seek"), st.integers(0, 3000), st.just(os.SEEK_SET)),
            st.tuples(st.just("seek"), st.integers(-2048, 0), st.just(os.SEEK_END)),
            st.tuples(st.just("tell")),
        )
    )
)
def test_behaves_as_a_file_of_pythons(path: Path, steps: list[tuple[str, int]]) -> None:
    expected = io.BytesIO(_CONTENT)
    with ReadOnlyFile(path) as file:
        for name, *arguments in steps:
            assert getattr(file, name)(*arguments) == getattr(expected, name)(*arguments)


def test_what_must_be_there_and_is_not_is_one_line(path: Path) -> None:
    with ReadOnlyFile(path) as file:
        assert file.read_exactly(2000, 48, "the end") == _CONTENT[2000:]
        with pytest.raises(ImageError, match=r"breaks off: the table should reach from byte 2000 to 2049"):
            file.read_exactly(2000, 49, "the table")


def test_a_file_that_shrinks_is_an_error_not_a_short_read(tmp_path: Path) -> None:
    path = tmp_path / "disk.dd"
    path.write_bytes(bytes(10_000))
    with ReadOnlyFile(path) as file:
        os.truncate(path, 5000)
        with pytest.raises(ImageError, match="ends at byte 5000"):
            file.read_at(4000, 4000)
