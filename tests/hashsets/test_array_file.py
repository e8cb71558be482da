"""A file of arrays gives back what was written, and refuses whatever it is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forensics.errors import LibraryError
from hashsets.array_file import ArrayFile, ArrayFileWriter, write_arrays

KIND, SOURCE = "trial/1", "set 1, 42 bytes"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "index"
    write_arrays(
        path,
        KIND,
        SOURCE,
        {"words": np.arange(12, dtype=np.uint64).reshape(3, 4), "none": np.zeros(0, np.uint32), "rows": ROWS},
    )
    return path


ROWS = np.array([7, 2**32 - 1, 0], np.uint32)


def test_gives_back_what_was_written(written: Path) -> None:
    arrays = ArrayFile(written, KIND, SOURCE)
    arrays.check()
    assert arrays["words"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert arrays["none"].size == 0
    assert arrays["rows"].dtype == np.uint32
    assert arrays["rows"].tolist() == ROWS.tolist()
    assert "rows" in arrays
    assert "columns" not in arrays


def test_is_for_its_owner_only_and_leaves_nothing_beside(written: Path) -> None:
    assert written.stat().st_mode & 0o777 == 0o600
    assert list(written.parent.iterdir()) == [written]


def test_cannot_be_written_through(written: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        ArrayFile(written, KIND, SOURCE)["rows"][0] = 1


def test_arrays_are_filled_in_place(tmp_path: Path) -> None:
    with ArrayFileWriter(tmp_path / "index", KIND, SOURCE, {"numbers": (np.uint16, (5,))}) as writer:
        writer["numbers"][3] = 9
    assert ArrayFile(tmp_path / "index", KIND, SOURCE)["numbers"].tolist() == [0, 0, 0, 9, 0]


def test_a_failure_leaves_the_old_file(written: Path) -> None:
    before = written.read_bytes()
    with pytest.raises(ZeroDivisionError), ArrayFileWriter(written, KIND, "another", {"rows": (np.uint8, (1,))}):
        _ = 1 // 0
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


@pytest.mark.parametrize(("kind", "source"), [("trial/2", SOURCE), (KIND, "set 2, 42 bytes")])
def test_an_index_of_something_else_is_refused(written: Path, kind: str, source: str) -> None:
    with pytest.raises(LibraryError):
        ArrayFile(written, kind, source)


def test_every_cut_is_refused(written: Path) -> None:
    whole = written.read_bytes()
    for length in range(0, len(whole), 7):
        written.write_bytes(whole[:length])
        with pytest.raises(LibraryError):
            ArrayFile(written, KIND, SOURCE)


def test_every_changed_byte_is_found(written: Path) -> None:
    whole = written.read_bytes()
    used = len(whole.rstrip(b"\0"))
    length = int.from_bytes(whole[12:16], "little")
    start = len(whole) - (128 + 0 + 64)  # what the three arrays take
    for place in (*range(48), *range(64, 64 + length), *range(start, used)):
        changed = bytearray(whole)
        changed[place] ^= 0x40
        written.write_bytes(changed)
        with pytest.raises(LibraryError):
            ArrayFile(written, KIND, SOURCE).check()


def test_a_missing_file_is_an_error_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="No such file"):
        ArrayFile(tmp_path / "index", KIND, SOURCE)


def test_only_unsigned_whole_numbers_are_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not kept"):
        write_arrays(tmp_path / "index", KIND, SOURCE, {"floats": np.zeros(3)})  # type: ignore[dict-item]
    assert list(tmp_path.iterdir()) == []
