"""AD1 logical images: every item a stream with its bytes, every damage told, every missing segment named."""

from __future__ import annotations

import hashlib
import random
import struct
import tracemalloc
from pathlib import Path

import pytest

from forensics.errors import EvidenceError, ImageError, LocatorError, MissingSegmentError, StreamReadError
from forensics.evidence.image import open_image
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import Allocation, NotExamined, Stream
from forensics.reason import Reason
from tests.evidence.images.ad1_writer import DELETED, HEADER, Item, folder, medium, segments, write
from tests.evidence.noise import noise
from tests.evidence.sleuthkit import read_whole

_MUTATIONS = 500
_MEMORY = 64 << 20

CONTENT = {
    "photo.jpg": noise(51).randbytes(150_000),
    "inner/ñandú.txt": b"harmless text\n" * 20_000,
    "inner/deeper/empty": b"",
    "inner/deleted.bin": b"gone" * 20,
    "last": b"the end",
}
ITEMS = (
    Item("photo.jpg", CONTENT["photo.jpg"], attributes={0x8: b"20250102T030405"}),
    folder(
        "inner",
        Item("ñandú.txt", CONTENT["inner/ñandú.txt"]),
        folder("deeper", Item("empty")),
        Item("deleted.bin", CONTENT["inner/deleted.bin"], kind=DELETED),
    ),
    Item("last", CONTENT["last"]),
)
# a disk's first sector as the content of the only item: an image of files is no disk for that
BOOT_SECTOR = (bytes(446) + struct.pack("<8sII", b"\x80\0\0\0\x07\0\0\0", 1, 100)).ljust(510, b"\0") + b"\x55\xaa"


@pytest.fixture(params=[3, 4], ids=["version 3", "version 4"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write(tmp_path / "taken.ad1", segments(medium(ITEMS, version=request.param)))


def _items(source: Source) -> list[Stream | NotExamined]:
    return [item for volume in source.volumes() for item in source.walk(volume)]


def _streams(source: Source) -> dict[str, Stream]:
    items = _items(source)
    assert [item for item in items if isinstance(item, NotExamined)] == []
    return {item.path.decode().removeprefix("E:/taken/"): item for item in items if isinstance(item, Stream)}


def test_every_item_is_a_stream_with_its_bytes(image: Path) -> None:
    with Source.open(image, "E1") as source:
        found = _streams(source)
        assert {name: read_whole(source, stream.locator) for name, stream in found.items()} == CONTENT
        assert {name for name, stream in found.items() if stream.allocation is Allocation.DELETED} == {
            "inner/deleted.bin"
        }
        assert found["last"].times.modified == 1_738_555_506_789_000_000
        assert found["photo.jpg"].times.created == 1_735_787_045_000_000_000
        assert source.image.metadata == {"description": "E:\\taken"}


def test_bytes_are_read_from_any_place(image: Path) -> None:
    content = CONTENT["photo.jpg"]
    with Source.open(image, "E1") as source:
        reader = source.open_stream(_streams(source)["photo.jpg"].locator)
        for offset, length in [(65_530, 10), (140_000, 1 << 20), (0, 150_000), (150_000, 1), (0, 5), (5, 149_995)]:
            assert reader.read_at(offset, length) == content[offset : offset + length]


@pytest.mark.parametrize("size", [600, 1000, 20_000])
def test_segments_are_one_image(tmp_path: Path, size: int) -> None:
    files = segments(medium(ITEMS[1:]), size)
    assert len(files) > 1 or size > 5000
    with Source.open(write(tmp_path / "taken.ad1", files), "E1") as source:
        found = _streams(source)
        assert {name: read_whole(source, stream.locator) for name, stream in found.items()} == {
            name: data for name, data in CONTENT.items() if name != "photo.jpg"
        }
        assert len(source.image.segments) == len(files)


def test_items_chosen_one_by_one_bear_their_own_paths(tmp_path: Path) -> None:
    items = (folder("C:", Item("a", b"a")), folder("D:", Item("b", b"b")))
    path = write(tmp_path / "taken.ad1", segments(medium(items, b"Custom Content Image([Multi])")))
    with Source.open(path, "E1") as source:
        assert set(_streams(source)) == {"C:/a", "D:/b"}


def test_content_that_is_a_boot_sector_does_not_make_it_a_disk(tmp_path: Path) -> None:
    path = write(tmp_path / "taken.ad1", segments(medium([Item("mbr", BOOT_SECTOR)])))
    data = bytearray(path.read_bytes())
    data[HEADER + 446 : HEADER + 512] = BOOT_SECTOR[446:]
    path.write_bytes(data.ljust(HEADER + (1 << 20), b"\0"))
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in source.volumes()] == ["p0"]


class TestWhatIsMissing:
    def test_a_missing_segment_is_named(self, tmp_path: Path) -> None:
        files = segments(medium(ITEMS), 20_000)
        path = write(tmp_path / "taken.ad1", files)
        (tmp_path / "taken.ad3").unlink()
        with pytest.raises(MissingSegmentError, match=r"segment 3 of \d+ is missing: taken\.ad3"):
            open_image(path)

    def test_another_segment_than_the_first_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "taken.ad1", segments(medium(ITEMS), 20_000))
        with pytest.raises(ImageError, match=r"is segment 2 .* where segment 1 belongs\. Name the \.ad1 file"):
            open_image(tmp_path / "taken.ad2")

    def test_exchanged_segments_are_refused(self, tmp_path: Path) -> None:
        files = segments(medium(ITEMS), 20_000)
        files[1], files[2] = files[2], files[1]
        with pytest.raises(ImageError, match="is segment 3 of an image where segment 2 belongs"):
            open_image(write(tmp_path / "taken.ad1", files))

    @pytest.mark.parametrize("number", [0, 1])
    def test_a_shortened_segment_is_told_and_the_rest_is_read(self, tmp_path: Path, number: int) -> None:
        files = segments(medium(ITEMS), 120_000)
        assert len(files) == 2
        files[number] = files[number][:-30]
        with Source.open(write(tmp_path / "taken.ad1", files), "E1") as source:
            gaps = [item for item in _items(source) if isinstance(item, NotExamined)]
            assert Reason.IMAGE_DAMAGED in {gap.reason for gap in gaps}
            found = {item.path: item for item in _items(source) if isinstance(item, Stream)}
            assert read_whole(source, found[b"E:/taken/last"].locator) == b"the end"

    def test_encrypted_it_is_refused_in_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "taken.ad1"
        path.write_bytes(b"ADCRYPT\0".ljust(2000, b"\1"))
        with pytest.raises(ImageError, match="encrypted by FTK Imager") as caught:
            open_image(path)
        assert len(str(caught.value).splitlines()) == 1


class TestDigests:
    @pytest.mark.parametrize("kind", [0x5001, 0x5002])
    def test_content_without_its_stored_digest_is_an_error(self, tmp_path: Path, kind: int) -> None:
        others = {0x5001: b"", 0x5002: b""}
        item = Item("changed", b"content" * 1000, attributes=others | {kind: b"11" * (16 if kind == 0x5001 else 20)})
        with Source.open(write(tmp_path / "taken.ad1", segments(medium([item]))), "E1") as source:
            (stream,) = _streams(source).values()
            with pytest.raises(StreamReadError, match=r"does not have the (MD5|SHA1) that the image states"):
                read_whole(source, stream.locator)

    def test_items_without_a_digest_are_read(self, tmp_path: Path) -> None:
        item = Item("plain", b"content", attributes={0x5001: b"", 0x5002: b""})
        with Source.open(write(tmp_path / "taken.ad1", segments(medium([item]))), "E1") as source:
            (stream,) = _streams(source).values()
            assert read_whole(source, stream.locator) == b"content"


class TestWhatCannotBeHashed:
    def test_a_file_whose_content_was_not_taken(self, tmp_path: Path) -> None:
        item = Item("name only", attributes={0x3: b"1234"})
        with Source.open(write(tmp_path / "taken.ad1", segments(medium([item]))), "E1") as source:
            (stream,) = _streams(source).values()
            assert (stream.size, stream.not_hashable) == (1234, Reason.READ_ERROR)
            with pytest.raises(StreamReadError, match="holds no content"):
                read_whole(source, stream.locator)

    @pytest.mark.parametrize("kind", [0x5001, 0x5002])
    @pytest.mark.parametrize("size", [{}, {0x3: b""}])
    def test_a_file_of_no_bytes_with_the_digest_of_some(
        self, tmp_path: Path, kind: int, size: dict[int, bytes]
    ) -> None:
        item = Item("lost", attributes=size | {kind: b"11" * (16 if kind == 0x5001 else 20)})
        with Source.open(write(tmp_path / "taken.ad1", segments(medium([item]))), "E1") as source:
            (stream,) = _streams(source).values()
            assert (stream.size, stream.not_hashable) == (0, Reason.READ_ERROR)
            with pytest.raises(StreamReadError, match="holds no content"):
                read_whole(source, stream.locator)

    @pytest.mark.parametrize("digests", [{}, {0x5001: b"", 0x5002: b""}, {0x5001: b"0" * 32, 0x5002: b"0" * 40}])
    def test_a_file_of_no_bytes_is_hashed(self, tmp_path: Path, digests: dict[int, bytes]) -> None:
        path = write(tmp_path / "taken.ad1", segments(medium([Item("empty", attributes=digests)])))
        with Source.open(path, "E1") as source:
            (stream,) = _streams(source).values()
            assert stream.not_hashable is None
            assert read_whole(source, stream.locator) == b""

    def test_a_file_encrypted_by_its_file_system(self, tmp_path: Path) -> None:
        item = Item("efs", b"cipher", attributes={0xD: b"true"})
        with Source.open(write(tmp_path / "taken.ad1", segments(medium([item]))), "E1") as source:
            assert next(iter(_streams(source).values())).not_hashable is Reason.ENCRYPTED

    def test_an_item_of_a_size_it_cannot_have(self, tmp_path: Path) -> None:
        data = bytearray(medium([Item("huge", b"content")]))
        first = 92 + len(b"E:\\taken")
        data[first + 32 : first + 40] = struct.pack("<Q", 1 << 62)
        with Source.open(write(tmp_path / "taken.ad1", segments(bytes(data))), "E1") as source:
            assert next(iter(_streams(source).values())).not_hashable is Reason.IMPLAUSIBLE_SIZE

    def test_an_address_that_is_none(self, image: Path) -> None:
        with Source.open(image, "E1") as source:
            for address in ("0", "99999999"):
                with pytest.raises(LocatorError):
                    source.open_stream(Locator.parse(f"E1/p0/ad1:{address}"))


@pytest.mark.parametrize("field", [0, 8])
def test_a_loop_of_items_ends(tmp_path: Path, field: int) -> None:
    data = bytearray(medium(ITEMS))
    first = 92 + len(b"E:\\taken")
    data[first + field : first + field + 8] = struct.pack("<Q", first)
    with Source.open(write(tmp_path / "taken.ad1", segments(bytes(data))), "E1") as source:
        assert "listed twice" in "".join(item.detail for item in _items(source) if isinstance(item, NotExamined))


@pytest.mark.parametrize(("count", "told"), [(500, False), (600, True)])
def test_a_chain_of_attributes_ends(tmp_path: Path, count: int, told: bool) -> None:
    """Every item may name one and the same chain: what is read of it is what each of them costs."""
    item = Item("many", b"content", attributes={0x10_000 + number: b"" for number in range(count)})
    with Source.open(write(tmp_path / "taken.ad1", segments(medium([item]))), "E1") as source:
        items = _items(source)
        gaps = [(item.reason, item.detail) for item in items if isinstance(item, NotExamined)]
        assert gaps == [(Reason.READ_ERROR, "its attributes: there are more than 512")] * told
        (stream,) = (item for item in items if isinstance(item, Stream))
        assert read_whole(source, stream.locator) == b"content"


def test_a_path_that_no_system_can_have_is_not_followed(tmp_path: Path) -> None:
    nested = Item("file at the bottom", b"bottom")
    for _ in range(40):
        nested = folder("n" * 4000, nested)
    path = write(tmp_path / "taken.ad1", segments(medium([nested, Item("beside", b"beside")])))
    with Source.open(path, "E1") as source:
        items = _items(source)
    assert [item.path for item in items if isinstance(item, Stream)] == [b"E:/taken/beside"]
    (limit,) = (item for item in items if isinstance(item, NotExamined))
    assert (limit.reason, limit.detail) == (Reason.WALK_LIMIT, "a path of more than 65536 bytes")


def _mutated(original: bytes, draw: random.Random) -> bytes:
    """Bytes changed, cut out and doubled, behind the magic."""
    data = bytearray(original)
    for _ in range(draw.choice([1, 1, 3, 20])):
        place = draw.choice([draw.randrange(700), draw.randrange(len(data))]) % len(data)
        match draw.randrange(8):
            case 0:
                del data[max(place, 16) :]
            case 1:
                data[place:place] = data[max(0, place - 100) : place]
            case 2:
                data[place : place + 8] = struct.pack("<Q", draw.choice([0, 1, len(data), 2**32, 2**63 - 1]))
            case _:
                data[place] ^= 1 << draw.randrange(8)
    return original[:16] + data[16:]


def _contents(path: Path) -> tuple[list[bytes], list[str]]:
    """What can be read whole, and what is told of the rest."""
    contents: list[bytes] = []
    told: list[str] = []
    try:
        with Source.open(path, "E1") as source:
            for item in _items(source):
                if isinstance(item, NotExamined) or item.not_hashable is not None:
                    told.append(str(item.locator))
                    continue
                try:
                    contents.append(read_whole(source, item.locator))
                except EvidenceError as error:
                    told.append(str(error))
    except EvidenceError as error:
        told.append(str(error))
    return contents, told


def test_mutated_it_gives_right_bytes_or_one_line(tmp_path: Path) -> None:
    small = tuple(Item(str(number), noise(number).randbytes(40 * number)) for number in range(5))
    original = segments(medium((*small, folder("f", *small, folder("g", *small)))))[0]
    right = {item.content for item in small}
    draw = noise(52)
    path = tmp_path / "taken.ad1"
    contents: list[bytes] = []
    told: list[str] = []
    tracemalloc.start()
    try:
        for _ in range(_MUTATIONS):
            path.write_bytes(_mutated(original, draw))
            some_contents, some_told = _contents(path)
            contents += some_contents
            told += some_told
        assert tracemalloc.get_traced_memory()[1] < _MEMORY
    finally:
        tracemalloc.stop()
    assert len(contents) > _MUTATIONS < 2 * len(told)
    assert all(len(line.splitlines()) == 1 for line in told)
    # an item that lost the link to its digests, and some of its size, cannot be told from another
    assert sum(content not in right for content in contents) < len(contents) // 200


@pytest.mark.parametrize("name", ["ad1_test", "ad1_test_compressed", "ad1_long"])
def test_images_that_ftk_imager_wrote(corpora: Path, name: str) -> None:
    """Read whole, each item has the digests that FTK Imager stored, which the reader compares."""
    with Source.open(corpora / "disk-images/dissect" / f"{name}.ad1", "E1") as source:
        stored = source.image.read_at(0, source.image.size)
        found = _streams(source)
        assert len(found) == 2
        for stream in found.values():
            content = read_whole(source, stream.locator)
            assert hashlib.md5(content, usedforsecurity=False).hexdigest().encode() in stored
            assert hashlib.sha1(content, usedforsecurity=False).hexdigest().encode() in stored
