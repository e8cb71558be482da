"""Windows' shadow copies: each shows what libvshadow shows, and damage is told."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import pyvshadow

from forensics.errors import EvidenceError, FileSystemError
from forensics.evidence.image import open_image
from forensics.evidence.keys import Keyring
from forensics.evidence.layer import Inside, LayerPlace, VolumeImage
from forensics.evidence.layers.shadow_copies import ShadowCopyImage, ShadowCopyLayer
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.volume import Volume
from forensics.reason import Reason
from tests.evidence.conftest import Run
from tests.evidence.layers.shadowed_volume import HEADER, Shadowed, convert, export, structures
from tests.evidence.sleuthkit import walk

_BLOCK = 16384
_PIECE = 1 << 17


@pytest.fixture(scope="module")
def shadowed(corpora: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Shadowed:
    return export(convert(corpora, run, tmp_path_factory.mktemp("shadowed") / "volume.raw"))


@pytest.fixture
def damaged(corpora: Path, run: Run, tmp_path: Path) -> Path:
    """A copy of the volume to be written to."""
    return convert(corpora, run, tmp_path / "damaged.raw")


def _place(path: Path) -> LayerPlace:
    image = open_image(path)
    volume = Volume("p0", "none", "", 0, image.size)
    return LayerPlace(image, volume, (volume,), Keyring().of_volume("p0"))


def _copies(inside: Inside | None) -> list[VolumeImage]:
    assert inside is not None
    return [copy.image for copy in inside.volumes if copy.image is not None]


def test_each_is_listed_with_its_time(shadowed: Shadowed) -> None:
    oracle = pyvshadow.volume()
    oracle.open(str(shadowed.image))
    times = sorted(store.creation_time for store in oracle.stores)
    with Source.open(shadowed.image, "E1", deep=True) as source:
        assert [(volume.label, volume.description, volume.size) for volume in source.volumes()] == [
            ("p0", "", 1 << 30),
            *(
                (f"p0/vss{number}", f"shadow copy of {time:%Y-%m-%dT%H:%M:%SZ}", 1 << 30)
                for number, time in enumerate(times, start=1)
            ),
        ]


def test_each_reads_as_libvshadow_reads_it(shadowed: Shadowed) -> None:
    copies = _copies(ShadowCopyLayer().open(_place(shadowed.image)))
    assert len(copies) == len(shadowed.copies) == 2
    for copy, path in zip(copies, shadowed.copies, strict=True):
        with path.open("rb") as oracle:
            assert copy.size == path.stat().st_size
            for offset in range(0, copy.size, _PIECE):
                assert copy.read_at(offset, _PIECE) == oracle.read(_PIECE)
            for offset, length in ((0, 1), (343212031, 33000), (copy.size - 5, 100), (copy.size, 1)):
                oracle.seek(offset)
                assert copy.read_at(offset, length) == oracle.read(length)


def test_a_read_from_the_middle_of_a_sector_gives_what_reads_of_whole_ones_give(shadowed: Shadowed) -> None:
    chosen = random.Random(1)  # noqa: S311
    for copy, path in zip(_copies(ShadowCopyLayer().open(_place(shadowed.image))), shadowed.copies, strict=True):
        assert isinstance(copy, ShadowCopyImage)
        blocks = copy.copies.changed_blocks(copy.number)
        with path.open("rb") as oracle:
            for _ in range(1000):
                offset = max(chosen.choice(blocks) * _BLOCK + chosen.randrange(-20_000, 20_000), 0)
                oracle.seek(offset)
                length = chosen.choice((511, 4096, 20_000, 70_000))
                assert copy.read_at(offset, length) == oracle.read(length), (offset, length)


def test_a_block_that_was_changed_is_known_as_changed(shadowed: Shadowed) -> None:
    """Held against every byte of all states; what was not in use in one of them reads as zeros there."""
    place = _place(shadowed.image)
    first, second = _copies(ShadowCopyLayer().open(place))
    live = shadowed.image
    differing = 0
    for copy, other, path, other_path in (
        (first, place.image, shadowed.copies[0], live),
        (second, place.image, shadowed.copies[1], live),
        (second, first, shadowed.copies[1], shadowed.copies[0]),
    ):
        with path.open("rb") as one, other_path.open("rb") as two:
            for start in range(0, copy.size, _PIECE):
                ours, theirs = one.read(_PIECE), two.read(_PIECE)
                if ours == theirs:
                    continue
                for at in range(0, len(ours), _BLOCK):
                    block, counterpart = ours[at : at + _BLOCK], theirs[at : at + _BLOCK]
                    if block != counterpart and any(block) and any(counterpart):
                        differing += 1
                        assert copy.may_differ(other, [(start + at + 100, 1)])
    assert differing > 20
    unchanged = sum(not first.may_differ(place.image, [(at, _BLOCK)]) for at in range(0, first.size, _BLOCK))
    assert unchanged > 0.95 * first.size / _BLOCK


def test_extents_are_told_from_their_neighbours(shadowed: Shadowed) -> None:
    place = _place(shadowed.image)
    first, _ = _copies(ShadowCopyLayer().open(place))
    changed = [first.may_differ(place.image, [(at, _BLOCK)]) for at in range(0, first.size, _BLOCK)]
    start = next(number for number in range(1, len(changed)) if changed[number] and not changed[number - 1]) * _BLOCK
    assert not first.may_differ(place.image, [(start - _BLOCK, _BLOCK)])
    assert first.may_differ(place.image, [(start - _BLOCK, _BLOCK + 1)])
    assert first.may_differ(place.image, [(0, 0), (start + _BLOCK - 1, 1)])
    assert not first.may_differ(place.image, [])
    assert first.may_differ(open_image(shadowed.image), [])


def test_a_volume_without_any_has_none(ntfs_image: Path) -> None:
    assert ShadowCopyLayer().open(_place(ntfs_image)) is None
    assert ShadowCopyLayer().left_out(_place(ntfs_image)) is None
    with Source.open(ntfs_image, "E1", deep=True) as source:
        assert [volume.label for volume in source.volumes()] == ["p0"]


def test_the_standard_profile_says_that_they_are_there(shadowed: Shadowed) -> None:
    with Source.open(shadowed.image, "E1") as source:
        (volume,) = source.volumes()
        streams, not_examined = walk(source, volume)
    assert not_examined == [NotExamined("E1/p0", Reason.SHADOW_COPIES_NOT_EXAMINED, "2 shadow copies")]
    assert b"password.txt" in {stream.path for stream in streams}


@pytest.mark.parametrize("deep", [True, False])
def test_a_damaged_catalogue_is_told_and_the_volume_is_walked(damaged: Path, *, deep: bool) -> None:
    with Source.open(damaged, "E1") as source:
        expected, _ = walk(source, source.volumes()[0])
    _, (catalogue, _), *_ = structures(damaged)
    with damaged.open("r+b") as file:
        file.seek(catalogue)
        file.write(b"\xa5" * 128)
    with Source.open(damaged, "E1", deep=deep) as source:
        (volume,) = source.volumes()
        streams, (gap,) = walk(source, volume)
    assert streams == expected
    assert (gap.locator, gap.reason) == ("E1/p0", Reason.FILE_SYSTEM_DAMAGED)
    assert gap.detail.startswith("vss: the shadow copies cannot be listed")


@pytest.mark.parametrize("size", [10_000, 1 << 20, 120 << 20, 800 << 20, (1 << 30) - 512])
def test_a_truncated_image_is_examined_as_far_as_it_goes(damaged: Path, size: int) -> None:
    with damaged.open("r+b") as file:
        file.truncate(size // 512 * 512)
    with Source.open(damaged, "E1", deep=True) as source:
        gaps = [item for volume in source.volumes() for item in source.walk(volume) if isinstance(item, NotExamined)]
    assert gaps
    assert all(len(gap.detail.splitlines()) <= 1 for gap in gaps)


def _examine(path: Path) -> str | None:
    """Open and read the copies of a volume; the line that says what is wrong."""
    place = _place(path)
    try:
        inside = ShadowCopyLayer().open(place)
        for copy in _copies(inside) if inside else []:
            copy.may_differ(place.image, [(0, 1 << 20)])
            copy.read_at(0, 4096)
            copy.read_at(342_900_000, 1 << 20)
            copy.read_at(max(copy.size - 10, 0), 10)
    except EvidenceError as error:
        return str(error)
    return None


@pytest.mark.parametrize("seed", range(4))
def test_no_damage_of_what_describes_them_ends_in_anything_but_one_line(damaged: Path, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  no secret
    places = structures(damaged)
    lines = []
    with damaged.open("r+b", buffering=0) as file:
        for _ in range(100):
            undo = []
            for _ in range(draw.randint(1, 4)):
                start, length = draw.choice(places)
                offset, count = start + draw.randrange(length), draw.choice([1, 2, 4, 8])
                file.seek(offset)
                undo.append((offset, file.read(count)))
                file.seek(offset)
                file.write(draw.choice([draw.randbytes(count), bytes(count), b"\xff" * count]))
            lines.append(_examine(damaged))
            for offset, original in reversed(undo):
                file.seek(offset)
                file.write(original)
    assert _examine(damaged) is None
    assert all("\n" not in line for line in lines if line)
    assert any(lines)


def test_a_copy_whose_tables_are_damaged_is_told_and_the_others_are_walked(damaged: Path) -> None:
    _, _, *tables = structures(damaged)
    with Source.open(damaged, "E1", deep=True) as source:
        expected = [item for item in source.walk(source.volumes()[0]) if isinstance(item, Stream)]
    with damaged.open("r+b") as file:
        file.seek(tables[0][0])
        file.write(b"\xa5" * 512)
    with Source.open(damaged, "E1", deep=True) as source:
        volumes = source.volumes()
        assert len(volumes) == 3
        assert [item for item in source.walk(volumes[0]) if isinstance(item, Stream)] == expected
        assert any(isinstance(item, NotExamined) for volume in volumes[1:] for item in source.walk(volume))


def test_a_header_that_cannot_be_read_is_an_error_of_one_line(damaged: Path) -> None:
    with damaged.open("r+b") as file:
        file.truncate(HEADER + 512)
    with pytest.raises(FileSystemError) as caught:
        ShadowCopyLayer().open(_place(damaged))
    assert "\n" not in str(caught.value)
