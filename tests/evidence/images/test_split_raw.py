"""Split raw images: the whole disk from whichever segment was named, or none of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import open_image
from forensics.evidence.images.split_raw import SplitRawFormat
from tests.evidence.conftest import Run
from tests.evidence.images.reading import whole

_SIZE = 5000


@pytest.fixture(scope="module")
def content() -> bytes:
    return bytes(range(250)) * (_SIZE // 250)


def _write(folder: Path, names: list[str], content: bytes) -> list[Path]:
    size = -(-len(content) // len(names))
    paths = [folder / name for name in names]
    for number, path in enumerate(paths):
        path.write_bytes(content[number * size : (number + 1) * size])
    return paths


@pytest.mark.parametrize(
    "names",
    [
        ["disk.001", "disk.002", "disk.003"],
        ["disk.000", "disk.001", "disk.002"],
        ["disk.dd.00", "disk.dd.01"],
        ["disk.dd.001", "disk.dd.002"],
        ["disk.aa", "disk.ab", "disk.ac"],
        ["disk.AAA", "disk.AAB"],
        ["xaa", "xab", "xac"],
        [f"disk.{number:03d}" for number in range(1, 1001)],
        [f"disk.{first}{second}" for first in "abcd" for second in "abcdefghijklmnopqrstuvwxyz"][:90],
    ],
    ids=lambda names: f"{names[0]}-{len(names)}",
)
def test_any_segment_opens_the_whole(tmp_path: Path, content: bytes, names: list[str]) -> None:
    paths = _write(tmp_path, names, content)
    for named in (paths[0], paths[1], paths[-1]):
        with open_image(named) as image:
            assert image.format == "split-raw"
            assert image.path == named
            assert list(image.segments) == paths
            assert image.size == len(content)
            assert image.read_at(0, image.size) == content
            assert not image.damage


def test_what_split_writes(tmp_path: Path, content: bytes, run: Run) -> None:
    (tmp_path / "disk").write_bytes(content)
    run("split", "-b", "512", tmp_path / "disk", tmp_path / "letters.")
    run("split", "-b", "512", "-d", "-a", "3", tmp_path / "disk", tmp_path / "numbers.")
    assert whole(tmp_path / "letters.aa") == whole(tmp_path / "numbers.000") == content


@given(offset=st.integers(0, _SIZE + 5), length=st.integers(0, _SIZE + 5))
def test_reads_across_segments(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, offset: int, length: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "across"
    folder.mkdir(exist_ok=True)
    paths = _write(folder, [f"d.{number:03d}" for number in range(1, 8)], content)
    with open_image(paths[0]) as image:
        assert image.read_at(offset, length) == content[offset : offset + length]


@pytest.mark.parametrize(
    ("missing", "named"),
    [("disk.002", "disk.001"), ("disk.002", "disk.003"), ("disk.001", "disk.002")],
)
def test_a_gap_is_refused_by_name(tmp_path: Path, content: bytes, missing: str, named: str) -> None:
    _write(tmp_path, ["disk.001", "disk.002", "disk.003", "disk.004"], content)
    (tmp_path / missing).unlink()
    with pytest.raises(MissingSegmentError, match=f"segment {missing} of this split raw image is missing"):
        open_image(tmp_path / named)


@pytest.mark.parametrize(("missing", "named"), [("disk.aa", "disk.ab"), ("disk.ab", "disk.aa"), ("disk.ab", "disk.ac")])
def test_a_gap_between_letters_is_refused_by_name(tmp_path: Path, content: bytes, missing: str, named: str) -> None:
    _write(tmp_path, ["disk.aa", "disk.ab", "disk.ac", "disk.ad"], content)
    (tmp_path / missing).unlink()
    with pytest.raises(MissingSegmentError, match=f"segment {missing} "):
        open_image(tmp_path / named)


@pytest.mark.parametrize(
    ("named", "beside"),
    [("disk.001", "other.002"), ("disk.dd", "disk.gz"), ("disk.img", "disk.raw"), ("disk.dd", "disk.aa"), ("a", "b")],
)
def test_what_only_looks_like_a_segment_is_not_one(tmp_path: Path, named: str, beside: str) -> None:
    for name in (named, beside):
        (tmp_path / name).write_bytes(bytes(512))
    assert not SplitRawFormat().recognises(tmp_path / named, b"")


def test_an_odd_segment_is_declared(tmp_path: Path, content: bytes) -> None:
    paths = _write(tmp_path, ["disk.001", "disk.002", "disk.003"], content)
    paths[1].write_bytes(paths[1].read_bytes()[:-7])
    with open_image(paths[0]) as image:
        assert "segment 2 has 1660 bytes, the first one 1667" in image.damage
        assert image.size == _SIZE - 7


def test_a_short_last_segment_is_no_damage(tmp_path: Path, content: bytes) -> None:
    paths = _write(tmp_path, ["disk.001", "disk.002", "disk.003"], content[:-100])
    paths[2].write_bytes(paths[2].read_bytes()[:5])
    with open_image(paths[0]) as image:
        assert not image.damage


def test_a_split_archive_is_named(tmp_path: Path) -> None:
    _write(tmp_path, ["disk.7z.001", "disk.7z.002"], b"7z\xbc\xaf\x27\x1c" + bytes(5000))
    with pytest.raises(ImageError, match="is a 7-Zip file"):
        open_image(tmp_path / "disk.7z.001")


def test_the_corpus_image(corpora: Path) -> None:
    folder = corpora / "disk-images" / "dfvfs"
    joined = (folder / "ext2.splitraw.000").read_bytes() + (folder / "ext2.splitraw.001").read_bytes()
    assert whole(folder / "ext2.splitraw.001") == joined
