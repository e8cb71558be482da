"""Folders of HFS+ that The Sleuth Kit 4.15 cannot list are listed from the catalog, as TSK lists the others."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytsk3
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import FileSystemError
from forensics.evidence.filesystems import hfs_catalog
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.tsk_image import TSK_ERRORS
from forensics.reason import Reason
from tests.evidence.sleuthkit import read_whole
from tests.evidence.torture import programs

_FOLDERS = 300
_OWN_FILES = 4
"""Files of the file system itself, as TSK names them."""


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A medium with folders in HFS+ at an offset in bytes."""
    folder = tmp_path_factory.mktemp("hfs")
    for number in range(_FOLDERS):
        place = folder / "tree" / f"folder {number:03} ñ{'x' * (number % 40)}" / "inner"
        place.mkdir(parents=True)
        (place / "file").write_bytes(b"in folder %d" % number)
    image = folder / "hfs.iso"
    try:
        programs.run("xorriso", "-as", "mkisofs", "-quiet", "-hfsplus", "-o", image, folder / "tree")
    except programs.MissingProgramError as error:
        pytest.skip(str(error))
    with Source.open(image, "E1") as source:
        (volume,) = (volume for volume in source.volumes() if volume.description == "Apple_HFS")
    return image, volume.offset


def _walk(source: Source) -> tuple[dict[bytes, Stream], list[NotExamined]]:
    (volume,) = (volume for volume in source.volumes() if volume.description == "Apple_HFS")
    items = list(source.walk(volume))
    streams = {item.path: item for item in items if isinstance(item, Stream)}
    return streams, [item for item in items if isinstance(item, NotExamined)]


def test_every_folder_is_listed(medium: tuple[Path, int]) -> None:
    with Source.open(medium[0], "E1") as source:
        streams, not_examined = _walk(source)
        assert not_examined == []
        files = {path: stream for path, stream in streams.items() if not path.startswith(b"$")}
        assert len(streams) == _FOLDERS + _OWN_FILES
        for path, stream in files.items():
            assert read_whole(source, stream.locator) == b"in folder %d" % int(path[7:10])


def test_a_hard_link_is_named_and_never_taken_for_the_content_it_leads_to(
    medium: tuple[Path, int], tmp_path: Path
) -> None:
    data = bytearray(medium[0].read_bytes())
    name = "file".encode("utf-16-be")
    place = data.find(b"\0\4" + name)
    while place >= 0:
        record = place + 2 + len(name)
        if data[record : record + 2] == b"\0\2":
            data[record + 48 : record + 56] = b"hlnkhfs+"
        place = data.find(b"\0\4" + name, record)
    path = tmp_path / "links.iso"
    path.write_bytes(data)
    with Source.open(medium[0], "E1") as source:
        whole, _ = _walk(source)
    with Source.open(path, "E1") as source:
        streams, _ = _walk(source)
    links = [
        stream for stream in streams.values() if stream.not_hashable is Reason.NO_METADATA and stream.path[:1] != b"$"
    ]
    assert len(links) > 10
    assert all(whole[stream.path].size and not stream.size for stream in links)


def test_the_catalog_says_what_tsk_says_where_tsk_can_list(medium: tuple[Path, int]) -> None:
    path, offset = medium
    file_system = pytsk3.FS_Info(pytsk3.Img_Info(str(path)), offset=offset)
    refused = compared = 0
    waiting = [2]
    while waiting:
        folder = waiting.pop()
        own = {entry.inode: entry.name for entry in hfs_catalog.children(file_system, folder)}
        waiting += [inode for inode in own if file_system.open_meta(inode).info.meta.type == 2]
        try:
            listed = list(file_system.open_dir(inode=folder))
        except OSError:
            refused += 1
            continue
        names = {
            file.info.name.meta_addr: file.info.name.name for file in listed if file.info.name.name[:1] not in b".$"
        }
        assert own == names
        compared += 1
    assert refused > 10
    assert compared > 300


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_damaged_catalog_is_told(
    data: st.DataObject, medium: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path, offset = medium
    with Source.open(path, "E1") as source:
        catalog = next(stream for name, stream in _walk(source)[0].items() if name == b"$CatalogFile")
    assert catalog.physical_offset is not None
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 20))):
        place = catalog.physical_offset + data.draw(st.integers(0, catalog.size - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    bad = tmp_path_factory.mktemp("damaged") / "hfs.iso"
    bad.write_bytes(damaged)
    try:
        file_system = pytsk3.FS_Info(pytsk3.Img_Info(str(bad)), offset=offset)
        for folder in (2, 16, 40, 100):
            list(hfs_catalog.children(file_system, folder))
    except (FileSystemError, *TSK_ERRORS):
        pass
    with Source.open(bad, "E1") as source:
        _, not_examined = _walk(source)
    assert {item.reason for item in not_examined} <= {
        Reason.DIRECTORY_UNREADABLE,
        Reason.READ_ERROR,
        Reason.FILE_SYSTEM_DAMAGED,
        Reason.BEYOND_END_OF_IMAGE,
    }
