"""A file of arrays gives back what was written, and refuses whatever it is not."""

from __future__ import annotations

import signal
import subprocess
import sys
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


def test_what_a_killed_process_left_is_swept_and_what_another_still_writes_is_not(tmp_path: Path) -> None:
    path = tmp_path / "index"
    code = (
        "import os, signal, sys; from pathlib import Path; from hashsets.array_file import ArrayFileWriter\n"
        f"ArrayFileWriter(Path(sys.argv[1]), {KIND!r}, {SOURCE!r}, {{'rows': ('<u4', (9,))}})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    with ArrayFileWriter(path, KIND, SOURCE, {"rows": (np.uint32, (3,))}) as slow:
        assert not left.exists()
        write_arrays(path, KIND, SOURCE, {"rows": ROWS})
        slow["rows"][...] = ROWS + np.uint32(1)
    assert list(tmp_path.iterdir()) == [path]
    assert ArrayFile(path, KIND, SOURCE)["rows"].tolist() == [8, 0, 1]


def test_memory_that_was_released_is_not_lost(tmp_path: Path) -> None:
    with ArrayFileWriter(tmp_path / "index", KIND, SOURCE, {"rows": (np.uint32, (300_000,))}) as writer:
        for start in range(0, 300_000, 50_000):
            writer["rows"][start : start + 50_000] = np.arange(start, start + 50_000)
            writer.release()
    assert (ArrayFile(tmp_path / "index", KIND, SOURCE)["rows"] == np.arange(300_000)).all()


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
