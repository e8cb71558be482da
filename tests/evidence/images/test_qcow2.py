"""QCOW2 images: what qemu-img reads from them, and nothing of what was cut off."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import open_image
from tests.evidence.conftest import Run
from tests.evidence.images.reading import read_image, whole


def _convert(run: Run, medium: Path, image: Path, *options: str) -> Path:
    run("qemu-img", "convert", "-O", "qcow2", *options, medium, image)
    return image


def _exported(run: Run, image: Path) -> bytes:
    raw = image.with_suffix(".exported")
    run("qemu-img", "convert", "-O", "raw", image, raw)
    return raw.read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-c"],
        ["-c", "-o", "compression_type=zstd"],
        ["-o", "compat=0.10"],
        ["-o", "cluster_size=512"],
        ["-c", "-o", "cluster_size=4k"],
        ["-c", "-o", "cluster_size=2M"],
        ["-o", "extended_l2=on,cluster_size=64k"],
        ["-o", "refcount_bits=1"],
        ["-o", "lazy_refcounts=on,preallocation=metadata"],
    ],
    ids=" ".join,
)
def test_reads_what_was_converted(tmp_path: Path, run: Run, medium: Path, options: list[str]) -> None:
    image = _convert(run, medium, tmp_path / "disk.qcow2", *options)
    with open_image(image) as opened:
        assert (opened.format, opened.damage) == ("qcow2", "")
        assert opened.read_at(0, opened.size) == medium.read_bytes()
        assert opened.read_at(99_999, 200_001) == medium.read_bytes()[99_999:300_000]


def test_reads_an_external_data_file(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.qcow2", "-o", f"data_file={tmp_path / 'disk.data'}")
    assert whole(image) == medium.read_bytes()
    with open_image(image) as opened:
        assert opened.segments == (image, tmp_path / "disk.data")
    (tmp_path / "disk.data").unlink()
    with pytest.raises(MissingSegmentError, match=r"data file is missing: disk\.data"):
        open_image(image)


@pytest.fixture
def overlay(tmp_path: Path, run: Run, medium: Path) -> Path:
    """An image of subclusters over a compressed one over a shorter raw one, with zeroed and discarded areas."""
    (tmp_path / "base.raw").write_bytes(medium.read_bytes())
    for name, backing, backing_format, options in (
        ("middle.qcow2", "base.raw", "raw", "compat=1.1"),
        ("top.qcow2", "middle.qcow2", "qcow2", "extended_l2=on"),
    ):
        run(
            "qemu-img", "create", "-q", "-f", "qcow2", "-o", options, "-b", tmp_path / backing, "-F", backing_format,
            tmp_path / name, "4M",
        )  # fmt: skip
        for command in (
            "write -P 65 1000k 3k",
            "write -z 2000k 300k",
            "write -P 66 3500k 512",
            "write -P 67 230k 100k",
        ):
            run("qemu-io", "-c", command.replace("6", "7" if name == "top.qcow2" else "6"), tmp_path / name)
    return tmp_path / "top.qcow2"


def test_reads_through_backing_files(overlay: Path, run: Run) -> None:
    with open_image(overlay) as image:
        assert [segment.name for segment in image.segments] == ["top.qcow2", "middle.qcow2", "base.raw"]
        assert image.read_at(0, image.size) == _exported(run, overlay)


def test_a_backing_file_elsewhere_is_looked_for_beside_the_image(overlay: Path, run: Run) -> None:
    expected = _exported(run, overlay)
    other = overlay.parent / "copied"
    other.mkdir()
    for path in [*overlay.parent.glob("*.qcow2"), overlay.parent / "base.raw"]:
        path.rename(other / path.name)
    assert whole(other / "top.qcow2") == expected


@pytest.mark.parametrize("missing", ["middle.qcow2", "base.raw"])
def test_a_missing_backing_file_is_refused_by_name(overlay: Path, missing: str) -> None:
    (overlay.parent / missing).unlink()
    with pytest.raises(MissingSegmentError, match=f"its backing file is missing: {missing} must lie beside it"):
        open_image(overlay)


def test_a_raw_backing_file_is_read_as_raw_whatever_it_holds(overlay: Path, medium: Path) -> None:
    """The guest writes what the raw file begins with, and could make it look like an image that names other files."""
    content = b"QFI\xfb" + medium.read_bytes()[4:]
    (overlay.parent / "base.raw").write_bytes(content)
    assert whole(overlay)[:4096] == content[:4096]


def test_a_circle_is_refused(overlay: Path) -> None:
    shutil.copy(overlay, overlay.parent / "middle.qcow2")
    with pytest.raises(ImageError, match="is based on itself"):
        open_image(overlay)


def test_snapshots_are_declared(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.qcow2")
    run("qemu-img", "snapshot", "-c", "first", image)
    run("qemu-io", "-c", "write -P 1 0 1M", image)
    with open_image(image) as opened:
        assert opened.damage == "1 internal snapshots in it are not examined, only the current state is"
        assert opened.read_at(0, opened.size) == _exported(run, image)


@pytest.mark.parametrize(("method", "name"), [(1, "AES"), (2, "LUKS"), (9, "an unknown method")])
def test_encryption_is_named(tmp_path: Path, run: Run, medium: Path, method: int, name: str) -> None:
    image = _convert(run, medium, tmp_path / "disk.qcow2")
    data = bytearray(image.read_bytes())
    struct.pack_into(">I", data, 32, method)
    image.write_bytes(data)
    with pytest.raises(ImageError, match=f"encrypted with {name}"):
        open_image(image)


def test_version_1_is_named(tmp_path: Path, run: Run) -> None:
    run("qemu-img", "create", "-q", "-f", "qcow", tmp_path / "old.qcow", "1M")
    with pytest.raises(ImageError, match="QCOW image of version 1"):
        open_image(tmp_path / "old.qcow")


@pytest.mark.parametrize("options", [[], ["-c"], ["-c", "-o", "compression_type=zstd"], ["-o", "extended_l2=on"]])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_what_was_cut_off_is_an_error_and_declared(
    tmp_path: Path, run: Run, medium: Path, options: list[str], share: float
) -> None:
    image = _convert(run, medium, tmp_path / "disk.qcow2", *options)
    data = image.read_bytes()
    image.write_bytes(data[: int(len(data) * share)])
    reading = read_image(image)
    assert not reading.wrong(medium.read_bytes())
    assert reading.errors
    assert "the file breaks off at byte" in (reading.damage or reading.errors[0]) or "breaks off" in reading.errors[0]


def test_a_damaged_compressed_cluster_is_an_error(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.qcow2", "-c", "-o", "compression_type=zstd")
    data = bytearray(image.read_bytes())
    first = data.index(b"\x28\xb5\x2f\xfd")
    data[first + 1] ^= 0xFF
    image.write_bytes(data)
    reading = read_image(image)
    assert not reading.wrong(medium.read_bytes())
    assert any("its compressed data are damaged" in error for error in reading.errors)


def test_what_qemu_marked_as_corrupt_is_declared(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.qcow2")
    data = bytearray(image.read_bytes())
    struct.pack_into(">Q", data, 72, 2)
    image.write_bytes(data)
    with open_image(image) as opened:
        assert opened.damage == "QEMU marked it as corrupt"


def test_an_unknown_feature_is_refused(tmp_path: Path, run: Run, medium: Path) -> None:
    image = _convert(run, medium, tmp_path / "disk.qcow2")
    data = bytearray(image.read_bytes())
    struct.pack_into(">Q", data, 72, 1 << 40)
    image.write_bytes(data)
    with pytest.raises(ImageError, match="uses features 0x10000000000 of QCOW2, unknown"):
        open_image(image)


@pytest.mark.parametrize("name", ["dfvfs/ext2.qcow2", "dfvfs/windows_volume.qcow2"])
def test_the_corpus_images(corpora: Path, tmp_path: Path, run: Run, name: str) -> None:
    image = corpora / "disk-images" / name
    run("qemu-img", "convert", "-O", "raw", image, tmp_path / "raw")
    assert whole(image) == (tmp_path / "raw").read_bytes()
