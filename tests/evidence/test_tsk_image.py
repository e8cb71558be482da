"""The bridge between our images and The Sleuth Kit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import pytsk3

from forensics.errors import ImageError, StreamReadError
from forensics.evidence.filesystems.tsk import TskFileSystem
from forensics.evidence.image import DiskImage, open_image
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.tsk_image import TskImage
from forensics.evidence.volume import Volume
from forensics.reason import Reason


class _DamagedImage(DiskImage):
    """A real image with bytes that cannot be read, as on a disk with bad sectors."""

    format = "damaged"

    def __init__(self, image: DiskImage, bad: range) -> None:
        self.path, self.size, self.sector_size = image.path, image.size, image.sector_size
        self.segments = image.segments
        self.stored_digests: Mapping[str, str] = {}
        self.metadata: Mapping[str, str] = {}
        self._image = image
        self._bad = bad

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < self._bad.stop and offset + length > self._bad.start:
            raise ImageError("chunk 77 is damaged", "/secret/path/disk.E01")
        return self._image.read_at(offset, length)

    def close(self) -> None:
        self._image.close()


def _open(image: DiskImage) -> TskFileSystem:
    tsk_image = TskImage(image)
    return TskFileSystem(tsk_image, pytsk3.FS_Info(tsk_image), Volume("p0", "none", "", 0, image.size))


def _noise(path: Path) -> Stream:
    """A stream of an image that lies in one run of blocks."""
    with open_image(path) as image:
        return next(
            item for item in _open(image).walk("E1/p0") if isinstance(item, Stream) and item.path == b"later.bin"
        )


def test_gives_the_bytes_of_the_image(ext4_image: Path) -> None:
    data = ext4_image.read_bytes()
    with open_image(ext4_image) as image:
        tsk_image = TskImage(image)
        assert tsk_image.get_size() == len(data)
        assert tsk_image.read(1000, 5000) == data[1000:6000]


def test_a_read_past_the_end_gives_what_there_is(ext4_image: Path) -> None:
    with open_image(ext4_image) as image:
        tsk_image = TskImage(image)
        assert tsk_image.read(image.size - 10, 100) == ext4_image.read_bytes()[-10:]
        assert tsk_image.read(image.size + 5, 100) == b""


def test_a_failed_read_gives_nothing_and_tells_its_cause_once(ext4_image: Path) -> None:
    with _DamagedImage(open_image(ext4_image), range(4096, 8192)) as image:
        tsk_image = TskImage(image)
        assert tsk_image.read(0, 4096)
        assert tsk_image.take_failure() is None
        assert tsk_image.read(5000, 100) == b""
        assert tsk_image.take_failure() == "chunk 77 is damaged"
        assert tsk_image.take_failure() is None


def test_a_smaller_read_that_succeeds_makes_up_for_a_larger_one(ext4_image: Path) -> None:
    with _DamagedImage(open_image(ext4_image), range(4096, 8192)) as image:
        tsk_image = TskImage(image)
        assert tsk_image.read(0, 65_536) == b""
        assert tsk_image.read(0, 1024)
        assert tsk_image.take_failure() is None


def test_a_stream_over_bad_sectors_is_an_error_with_the_cause(ext4_image: Path) -> None:
    stream = _noise(ext4_image)
    assert stream.physical_offset is not None
    bad = range(stream.physical_offset + 2048, stream.physical_offset + 3072)
    with _DamagedImage(open_image(ext4_image), bad) as image:
        reader = _open(image).open(stream.locator.address or "")
        assert len(reader.read_at(0, 1024)) == 1024
        with pytest.raises(StreamReadError, match=r"beyond byte 0 .*chunk 77 is damaged") as caught:
            reader.read_at(0, reader.size)
        assert "/secret" not in str(caught.value)
        assert len(reader.read_at(0, 1024)) == 1024, "one failure does not spoil later reads"


def test_the_rest_of_a_file_system_over_bad_sectors_is_walked(ext4_image: Path) -> None:
    with open_image(ext4_image) as sound:
        file_system = pytsk3.FS_Info(TskImage(sound))
        listing = file_system.open("/d1/s1").as_directory()
        inode = listing.info.fs_file.meta.addr
        (block,) = [run.addr for attribute in file_system.open_meta(inode) for run in attribute][:1]
        orphans = file_system.info.last_inum
        whole = [item for item in _open(sound).walk("E1/p0") if isinstance(item, Stream)]
    with _DamagedImage(open_image(ext4_image), range(block * 1024, block * 1024 + 1024)) as image:
        items = list(_open(image).walk("E1/p0"))
    bad = [item for item in items if isinstance(item, NotExamined)]
    # the search for orphans needs every directory, so it is reported as perhaps not whole
    assert [item.locator for item in bad] == [f"E1/p0/ext4:{inode}", f"E1/p0/ext4:{orphans}"]
    assert {item.reason for item in bad} == {Reason.DIRECTORY_UNREADABLE}
    assert all("chunk 77 is damaged" in item.detail for item in bad)
    streams = [item for item in items if isinstance(item, Stream)]
    assert streams == [stream for stream in whole if not stream.path.startswith(b"d1/s1/")]


def test_tsk_uses_the_sector_size_of_the_image(ext4_image: Path) -> None:
    with open_image(ext4_image) as image:
        image.sector_size = 4096
        assert pytsk3.FS_Info(TskImage(image)).info.dev_bsize == 4096
