"""VMDK images: what qemu-img reads from them, in every way a disk is laid out over files."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import open_image
from forensics.evidence.images.vmdk_descriptor import parse_descriptor
from tests.evidence.conftest import Run
from tests.evidence.images.reading import read_image, whole

_LAYOUTS = ["monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "streamOptimized"]
_SECTOR = 512


def _convert(run: Run, medium: Path, image: Path, layout: str) -> Path:
    run("qemu-img", "convert", "-O", "vmdk", "-o", f"subformat={layout}", medium, image)
    return image


def _descriptor(extents: Sequence[str], kind: str = "twoGbMaxExtentFlat", parent: str = "ffffffff") -> str:
    head = f'# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID={parent}\ncreateType="{kind}"\n\n'
    return head + "# Extent description\n" + "\n".join(extents) + '\n\n#DDB\n\nddb.adapterType = "ide"\n'


@pytest.mark.parametrize("layout", _LAYOUTS)
def test_reads_what_was_converted(tmp_path: Path, run: Run, medium: Path, layout: str) -> None:
    image = _convert(run, medium, tmp_path / "disk.vmdk", layout)
    with open_image(image) as opened:
        assert (opened.format, opened.damage, opened.metadata) == ("vmdk", "", {"create_type": layout})
        assert set(opened.segments) == set(tmp_path.glob("*.vmdk"))
        assert opened.read_at(0, opened.size) == medium.read_bytes()
        assert opened.read_at(99_999, 2_200_001) == medium.read_bytes()[99_999:2_300_000]


def test_a_disk_in_one_file_may_be_renamed(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.vmdk", "monolithicSparse")
    assert whole(image.rename(tmp_path / "exhibit 1.vmdk")) == medium.read_bytes()


def test_extents_begin_where_the_descriptor_says(tmp_path: Path, medium: Path) -> None:
    """Three flat extents out of order, two of them in one file, and one of zeros. libvmdk reads these wrong."""
    content = medium.read_bytes()[8192 : 8192 + 96 * _SECTOR]
    (tmp_path / "a.bin").write_bytes(content[64 * _SECTOR :] + content[: 32 * _SECTOR])
    (tmp_path / "b-flat.vmdk").write_bytes(content[32 * _SECTOR : 64 * _SECTOR])
    extents = ['RW 32 FLAT "a.bin" 32', 'RW 32 VMFS "b-flat.vmdk"', "RW 7 ZERO", 'RDONLY 32 FLAT "a.bin" 0']
    (tmp_path / "disk.vmdk").write_text(_descriptor(extents))
    middle = 64 * _SECTOR
    assert whole(tmp_path / "disk.vmdk") == content[:middle] + bytes(7 * _SECTOR) + content[middle:]


@pytest.mark.parametrize("layout", ["monolithicFlat", "twoGbMaxExtentSparse"])
def test_a_missing_extent_is_refused_by_name(tmp_path: Path, run: Run, medium: Path, layout: str) -> None:
    image = _convert(run, medium, tmp_path / "disk.vmdk", layout)
    (extent,) = (path for path in tmp_path.glob("*.vmdk") if path != image)
    extent.unlink()
    with pytest.raises(MissingSegmentError, match=f"its extent is missing: {extent.name} must lie beside it"):
        open_image(image)


def test_an_extent_alone_is_refused(tmp_path: Path, run: Run, medium: Path) -> None:
    _convert(run, medium, tmp_path / "disk.vmdk", "twoGbMaxExtentSparse")
    with pytest.raises(ImageError, match="is one extent of a VMDK, not its descriptor"):
        open_image(tmp_path / "disk-s001.vmdk")


def test_a_descriptor_cannot_make_other_files_evidence(tmp_path: Path) -> None:
    secret = tmp_path / "laboratory" / "secret.bin"
    secret.parent.mkdir()
    secret.write_bytes(bytes(4096))
    folder = tmp_path / "evidence"
    folder.mkdir()
    for name in (str(secret), "../laboratory/secret.bin", "..\\laboratory\\secret.bin"):
        (folder / "disk.vmdk").write_text(_descriptor([f'RW 8 FLAT "{name}" 0']))
        with pytest.raises(MissingSegmentError, match=r"secret\.bin must lie beside it"):
            open_image(folder / "disk.vmdk")


@pytest.mark.parametrize("layout", ["monolithicFlat", "twoGbMaxExtentSparse"])
def test_a_descriptor_cannot_hide_the_end_of_a_disk(tmp_path: Path, run: Run, medium: Path, layout: str) -> None:
    image = _convert(run, medium, tmp_path / "disk.vmdk", layout)
    image.write_bytes(image.read_bytes().replace(b"RW 6144", b"RW 1144"))
    with open_image(image) as opened:
        assert (
            "bytes of the file of an extent belong to none" in opened.damage or "the descriptor says" in opened.damage
        )


@pytest.mark.parametrize("line", ['RW 8 SESPARSE "a"', 'RW 8 VMFSRDM "a"', 'RW 8 BOGUS "a" 0'])
def test_an_unknown_kind_of_extent_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "a").write_bytes(bytes(4096))
    (tmp_path / "disk.vmdk").write_text(_descriptor([line]))
    with pytest.raises(ImageError, match=f"has an extent of type {line.split()[2]}, which is not supported"):
        open_image(tmp_path / "disk.vmdk")


def test_what_the_descriptor_leaves_out_is_an_error_when_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a" * 4096)
    (tmp_path / "disk.vmdk").write_text(_descriptor(['NOACCESS 8 FLAT "a" 0', 'RW 8 FLAT "a" 0']))
    with open_image(tmp_path / "disk.vmdk") as image:
        assert image.read_at(4096, 4096) == b"a" * 4096
        with pytest.raises(ImageError, match="extent 1 of the medium was not stored"):
            image.read_at(0, 4096)


@pytest.fixture
def child(tmp_path: Path, run: Run, medium: Path) -> Path:
    """A disk based on another, with grains of its own."""
    _convert(run, medium, tmp_path / "parent.vmdk", "monolithicSparse")
    run("qemu-img", "create", "-q", "-f", "vmdk", "-b", tmp_path / "parent.vmdk", "-F", "vmdk", tmp_path / "child.vmdk")
    for command in ("write -P 65 1000k 3k", "write -P 66 2500k 200k"):
        run("qemu-io", "-c", command, tmp_path / "child.vmdk")
    return tmp_path / "child.vmdk"


def test_reads_through_the_parent(child: Path, run: Run) -> None:
    run("qemu-img", "convert", "-O", "raw", child, child.with_suffix(".raw"))
    with open_image(child) as image:
        assert [path.name for path in image.segments] == ["child.vmdk", "parent.vmdk"]
        assert image.read_at(0, image.size) == child.with_suffix(".raw").read_bytes()


def test_a_missing_or_changed_parent_is_refused(child: Path, run: Run) -> None:
    parent = child.with_name("parent.vmdk")
    run("qemu-io", "-c", "write -P 1 0 512", parent)
    with pytest.raises(MissingSegmentError, match=r"parent\.vmdk is not the parent it was made from, or was changed"):
        open_image(child)
    parent.unlink()
    with pytest.raises(MissingSegmentError, match=r"its parent disk is missing: parent\.vmdk"):
        open_image(child)


@pytest.mark.parametrize("layout", _LAYOUTS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_what_was_cut_off_is_an_error_and_declared(
    tmp_path: Path, run: Run, medium: Path, layout: str, share: float
) -> None:
    image = _convert(run, medium, tmp_path / "disk.vmdk", layout)
    largest = max(tmp_path.glob("*.vmdk"), key=lambda path: path.stat().st_size)
    data = largest.read_bytes()
    largest.write_bytes(data[: int(len(data) * share)])
    reading = read_image(image)
    assert reading.pieces
    assert reading.errors
    assert "missing at the end" in reading.damage or "are not whole" in reading.damage
    assert not reading.wrong(medium.read_bytes())


def _with_map_at_end(data: bytes) -> bytes:
    """A stream-optimised disk as VMware streams it: tables, directory and footer, each with a marker, at the end."""
    (directory,) = struct.unpack_from("<Q", data, 56)
    (table,) = struct.unpack_from("<I", data, directory * _SECTOR)
    grains = data[128 * _SECTOR :]
    end = 0
    while (size := struct.unpack_from("<QI", grains, end)[1]) != 0:
        end += -(-(12 + size) // _SECTOR) * _SECTOR
    header = bytearray(data[:_SECTOR])
    struct.pack_into("<Q", header, 56, (1 << 64) - 1)
    body = bytes(header) + data[_SECTOR : 128 * _SECTOR] + grains[:end]

    def marker(sectors: int, kind: int) -> bytes:
        return struct.pack("<QII", sectors, 0, kind).ljust(_SECTOR, b"\0")

    body += marker(4, 1)
    table_sector = len(body) // _SECTOR
    body += data[table * _SECTOR : (table + 4) * _SECTOR] + marker(1, 2)
    struct.pack_into("<Q", header, 56, len(body) // _SECTOR)
    body += struct.pack("<I", table_sector).ljust(_SECTOR, b"\0") + marker(1, 3)
    return body + bytes(header) + marker(0, 0)


def test_a_streamed_disk_has_its_map_at_the_end(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.vmdk", "streamOptimized")
    image.write_bytes(_with_map_at_end(image.read_bytes()))
    run("qemu-img", "convert", "-O", "raw", image, tmp_path / "raw")
    assert whole(image) == medium.read_bytes() == (tmp_path / "raw").read_bytes()


def test_a_streamed_disk_without_its_map_is_read_as_far_as_it_goes(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.vmdk", "streamOptimized")
    data = _with_map_at_end(image.read_bytes())
    image.write_bytes(data[: len(data) // 2])
    reading = read_image(image)
    assert "breaks off at byte" in reading.damage
    assert "before its map of grains" in reading.damage
    assert len(reading.pieces) > 20
    assert reading.errors
    assert not reading.wrong(medium.read_bytes())


@given(place=st.integers(0, 1 << 20), bit=st.integers(0, 7))
def test_a_damaged_compressed_grain_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, run: Run, medium: Path, place: int, bit: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "grains"
    folder.mkdir(exist_ok=True)
    if not (folder / "disk.vmdk").exists():
        _convert(run, medium, folder / "disk.vmdk", "streamOptimized")
    data = bytearray((folder / "disk.vmdk").read_bytes())
    data[min(128 * _SECTOR + place, len(data) - 3 * _SECTOR)] ^= 1 << bit
    (folder / "bad.vmdk").write_bytes(data)
    assert not read_image(folder / "bad.vmdk").wrong(medium.read_bytes())


def test_maps_that_differ_are_declared(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.vmdk", "monolithicSparse")
    data = bytearray(image.read_bytes())
    (directory,) = struct.unpack_from("<Q", data, 56)
    (table,) = struct.unpack_from("<I", data, directory * _SECTOR)
    data[table * _SECTOR + 4 * 5] ^= 0x80
    image.write_bytes(data)
    with open_image(image) as opened:
        assert "its two maps differ in 1 tables" in opened.damage


def test_reads_copy_on_write_disks_of_esx(tmp_path: Path, medium: Path) -> None:
    """COWD: a header, a directory, tables of 4,096 grains of one sector each."""
    content = medium.read_bytes()[8192 : 8192 + 16 * _SECTOR]
    grains = [5, 0, 9]
    table = [0] * 4096
    for index, grain in enumerate(grains):
        table[grain] = 37 + index
    header = struct.pack("<4sIIIIII", b"COWD", 1, 3, 16, 1, 4, 1).ljust(4 * _SECTOR, b"\0")
    body = header + struct.pack("<I", 5).ljust(_SECTOR, b"\0") + struct.pack("<4096I", *table)
    body += b"".join(content[grain * _SECTOR : (grain + 1) * _SECTOR] for grain in grains)
    (tmp_path / "disk-delta.vmdk").write_bytes(body)
    (tmp_path / "disk.vmdk").write_text(_descriptor(['RW 16 VMFSSPARSE "disk-delta.vmdk"'], "vmfsSparse"))
    expected = bytearray(16 * _SECTOR)
    for grain in grains:
        expected[grain * _SECTOR : (grain + 1) * _SECTOR] = content[grain * _SECTOR : (grain + 1) * _SECTOR]
    assert whole(tmp_path / "disk.vmdk") == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("CID=xyz\nRW 1 ZERO\n", "identifiers in its descriptor are damaged"),
        ("CID=1\nRW x FLAT\n", "damaged line of an extent"),
    ],
)
def test_a_damaged_descriptor_is_refused(text: str, what: str) -> None:
    with pytest.raises(ImageError, match=what):
        parse_descriptor(text.encode(), Path("disk.vmdk"))


def test_names_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "año.bin").write_bytes(b"x" * 512)
    text = _descriptor(['RW 1 FLAT "año.bin" 0']).replace("version=1", 'version=1\nencoding="windows-1252"')
    (tmp_path / "disk.vmdk").write_bytes(text.encode("windows-1252"))
    assert whole(tmp_path / "disk.vmdk") == b"x" * 512


def test_the_corpus_image(corpora: Path, tmp_path: Path, run: Run) -> None:
    image = corpora / "disk-images" / "dfvfs" / "ext2.vmdk"
    run("qemu-img", "convert", "-O", "raw", image, tmp_path / "raw")
    assert whole(image) == (tmp_path / "raw").read_bytes()
