"""Ranges read through a libyal handle, whatever such a library does with the middle of a sector."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ImageError
from forensics.evidence.images.raw import RawImage
from forensics.evidence.libyal_reader import LibyalReader
from forensics.evidence.volume import Volume
from forensics.evidence.volume_file import VolumeFile

_DATA = bytes(range(256)) * 100


class _SectorsOnly:
    """Gives right bytes from the start of a sector on only, as libbde does, and at most so many at a time."""

    def __init__(self, most: int) -> None:
        self._most = most

    def read_buffer_at_offset(self, size: int, offset: int) -> bytes:
        if offset >= 20_480:
            raise OSError("pyx: unable to read. libx_inner: bad block. libx_outer: unable to read")
        if offset % 512:
            return b"\xff" * size
        return _DATA[offset : offset + min(size, self._most)]


@pytest.fixture
def file(tmp_path: Path) -> VolumeFile:
    path = tmp_path / "disk.raw"
    path.write_bytes(bytes(4096))
    image = RawImage(path)
    return VolumeFile(image, Volume("p0", "none", "", 0, image.size, allocated=True))


def _failing(offset: int, cause: str) -> ImageError:
    return ImageError(f"byte {offset}: {cause}")


@given(st.integers(0, 20_000), st.integers(-1, 20_000), st.integers(0, 10_000), st.integers(4096, 9000))
def test_any_range_has_the_right_bytes(size: int, offset: int, length: int, most: int) -> None:
    reader = LibyalReader(_SectorsOnly(most), size, None, 8192, _failing)  # type: ignore[arg-type]
    offset = max(offset, 0)
    assert reader.read_at(offset, length) == _DATA[:size][offset : offset + length]


def test_what_cannot_be_read_is_told_by_its_first_sector_and_the_librarys_innermost_cause(file: VolumeFile) -> None:
    reader = LibyalReader(_SectorsOnly(1 << 20), len(_DATA), file, 4096, _failing)
    assert reader.read_at(20_000, 480) == _DATA[20_000:20_480]
    with pytest.raises(ImageError, match="byte 20480: bad block"):
        reader.read_at(20_000, 481)


def test_a_handle_that_gives_less_than_a_sector_is_at_its_end(file: VolumeFile) -> None:
    reader = LibyalReader(_SectorsOnly(100), len(_DATA), file, 4096, _failing)
    with pytest.raises(ImageError, match="byte 0: "):
        reader.read_at(0, 10)
