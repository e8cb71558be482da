"""L01 logical images: the files that libewf reads, each compared with its digest; damage is told in one line."""

from __future__ import annotations

import random
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pyewf
import pytest

from forensics.errors import EvidenceError, ImageError, LocatorError, MissingSegmentError, StreamReadError
from forensics.evidence.image import open_image
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.reason import Reason
from tests.evidence.images.ewf_writer import segment
from tests.evidence.images.l01_writer import MAGIC, Item, image, tree
from tests.evidence.noise import noise
from tests.evidence.sleuthkit import read_whole

_MUTATIONS = 200
_MEMORY = 96 << 20

CONTENT = {
    "photo.jpg": noise(71).randbytes(100_000),
    "inner/ñandú \N{GRINNING FACE}.txt": b"harmless text\n" * 6000,
    "inner/deeper/one": b"1",
    "inner/empty": b"",
    "last": b"the end",
}
ITEMS = (
    Item("photo.jpg", CONTENT["photo.jpg"], values={"cr": "1735787045", "ac": "1735787046", "mo": "1735787047"}),
    Item(
        "inner",
        None,
        [
            Item("ñandú \N{GRINNING FACE}.txt", CONTENT["inner/ñandú \N{GRINNING FACE}.txt"]),
            Item("deeper", None, [Item("one", b"1")]),
            Item("empty", b"", values={"be": ""}),
        ],
    ),
    Item("last", CONTENT["last"]),
)


def write(folder: Path, data: bytes) -> Path:
    path = folder / "taken.L01"
    path.write_bytes(data)
    return path


def _items(source: Source) -> list[Stream | NotExamined]:
    return [item for volume in source.volumes() for item in source.walk(volume)]


def _streams(source: Source) -> dict[str, Stream]:
    items = _items(source)
    assert [item for item in items if isinstance(item, NotExamined)] == []
    return {item.path.decode(): item for item in items if isinstance(item, Stream)}


def _as_libewf_reads(entry: Any, path: str = "") -> dict[str, bytes]:
    name = path + (entry.get_name() or "")
    count = entry.get_number_of_sub_file_entries()
    found: dict[str, bytes] = {}
    if not count:
        found[name] = entry.read(entry.get_size()) if entry.get_size() else b""
    for number in range(count):
        found |= _as_libewf_reads(entry.get_sub_file_entry(number), f"{name}/" if name else "")
    return found


def test_every_file_is_a_stream_as_libewf_reads_it(tmp_path: Path) -> None:
    path = write(tmp_path, image(*tree(ITEMS)))
    handle = pyewf.handle()
    handle.open([str(path)])
    with Source.open(path, "E1") as source:
        assert (source.image.format, source.image.damage) == ("l01", "")
        assert source.image.size == handle.get_media_size() == sum(map(len, CONTENT.values()))
        found = _streams(source)
        contents = {name: read_whole(source, stream.locator) for name, stream in found.items()}
        assert contents == CONTENT == _as_libewf_reads(handle.get_root_file_entry())
        times = found["photo.jpg"].times
        assert (times.created, times.accessed, times.changed, times.modified) == tuple(
            seconds * 10**9 for seconds in (1735787045, 1735787046, 1735787047, 1738555506)
        )
    handle.close()


def test_content_in_several_pieces(tmp_path: Path) -> None:
    """libewf lists such a file and does not read it; what is read has the digest stored for it."""
    items = [Item("whole", b"0123456789" * 4000), Item("pieces", b"45678", values={"be": "2 4 3 11 2"})]
    with Source.open(write(tmp_path, image(*tree(items))), "E1") as source:
        locator = _streams(source)["pieces"].locator
        assert read_whole(source, locator) == b"45678"
        reader = source.open_stream(locator)
        assert [reader.read_at(2, 2), reader.read_at(3, 9)] == [b"67", b"78"]


def test_content_that_is_a_boot_sector_does_not_make_it_a_disk(tmp_path: Path) -> None:
    sector = (bytes(446) + struct.pack("<8sII", b"\x80\0\0\0\x07\0\0\0", 1, 100)).ljust(510, b"\0") + b"\x55\xaa"
    with Source.open(write(tmp_path, image(*tree([Item("disk", sector.ljust(1 << 16, b"\0"))]))), "E1") as source:
        assert [volume.label for volume in source.volumes()] == ["p0"]
        assert set(_streams(source)) == {"disk"}


def test_content_without_its_stored_digest_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, image(*tree([Item("changed", b"content", values={"ha": "12" * 16})])))
    with Source.open(path, "E1") as source:
        (stream,) = _streams(source).values()
        with pytest.raises(StreamReadError, match="does not have the MD5"):
            read_whole(source, stream.locator)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"be": ""}, Reason.READ_ERROR),
        ({"be": "2 0 7"}, Reason.READ_ERROR),
        ({"be": "1 0 3"}, Reason.READ_ERROR),
        ({"ls": "999999999999"}, Reason.IMPLAUSIBLE_SIZE),
        ({"ls": "", "be": ""}, Reason.READ_ERROR),
        ({"ls": "0", "be": "", "ha": "0" * 32, "sha": "12" * 20}, Reason.READ_ERROR),
    ],
)
def test_content_that_is_not_whole(tmp_path: Path, values: dict[str, str], reason: Reason) -> None:
    path = write(tmp_path, image(*tree([Item("odd", b"content", values=values)])))
    with Source.open(path, "E1") as source:
        (stream,) = _streams(source).values()
        assert stream.not_hashable is reason
        with pytest.raises(StreamReadError, match="does not hold its content"):
            read_whole(source, stream.locator)


@pytest.mark.parametrize("digest", ["", "0" * 32, "D41D8CD98F00B204E9800998ECF8427E"])
def test_a_file_of_no_bytes_is_one_whose_digest_is_none_or_that_of_nothing(tmp_path: Path, digest: str) -> None:
    path = write(tmp_path, image(*tree([Item("empty", b"", values={"ha": digest}), Item("other", b"other")])))
    with Source.open(path, "E1") as source:
        assert read_whole(source, _streams(source)["empty"].locator) == b""
        assert _streams(source)["empty"].not_hashable is None


def test_an_address_that_is_none(tmp_path: Path) -> None:
    with Source.open(write(tmp_path, image(*tree(ITEMS))), "E1") as source:
        for address in ("0", "99999999"):
            with pytest.raises(LocatorError):
                source.open_stream(Locator.parse(f"E1/p0/l01:{address}"))


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, MAGIC + segment([], end="next")[len(MAGIC) :])
    with pytest.raises(MissingSegmentError, match=r"segment 2 is missing: taken\.L02"):
        open_image(path)


def test_without_its_tree_it_is_refused(tmp_path: Path) -> None:
    data = image(*tree(ITEMS))
    with pytest.raises(ImageError, match="no list of the files"):
        open_image(write(tmp_path, data[: data.index(b"ltree")]))


def test_a_path_that_no_system_can_have_ends_the_list(tmp_path: Path) -> None:
    nested = Item("file at the bottom", b"bottom")
    for _ in range(40):
        nested = Item("n" * 4000, None, [nested])
    with Source.open(write(tmp_path, image(*tree([Item("beside", b"beside"), nested]))), "E1") as source:
        items = _items(source)
    assert [item.path for item in items if isinstance(item, Stream)] == [b"beside"]
    (limit,) = (item for item in items if isinstance(item, NotExamined))
    assert limit.reason is Reason.DIRECTORY_UNREADABLE
    assert "a path has more than 65536 bytes" in limit.detail


def test_a_tree_that_lists_too_few_is_told(tmp_path: Path) -> None:
    text, medium = tree(ITEMS)
    with Source.open(write(tmp_path, image(text.replace("\n0\t3\n1\t\t0", "\n0\t9\n1\t\t0"), medium)), "E1") as source:
        items = _items(source)
        assert len([item for item in items if isinstance(item, Stream)]) == len(CONTENT)
        assert "before all folders have their entries" in "".join(
            item.detail for item in items if isinstance(item, NotExamined)
        )


def _mutated(text: str, medium: bytes, draw: random.Random) -> bytes:
    """Half of them lie in the tree, with all checksums right; half have bytes changed or cut out anywhere."""
    if draw.randrange(2):
        letters = list(text)
        for _ in range(draw.choice([1, 3, 20])):
            place = draw.randrange(len(letters))
            letters[place] = draw.choice(["\t", "\n", "0", "9", "f", "", "\0", "99999999999999", "\ud83d"])
        return image("".join(letters).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), medium)
    data = bytearray(image(text, medium))
    for _ in range(draw.choice([1, 1, 10])):
        place = draw.randrange(13, len(data))
        if draw.randrange(5):
            data[place] ^= 1 << draw.randrange(8)
        else:
            del data[place : place + draw.choice([1, 100, len(data)])]
            break
    return bytes(data)


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
    files = [Item(str(number), noise(number).randbytes(40 * number)) for number in range(6)]
    text, medium = tree([*files, Item("f", None, files)])
    right = {item.content for item in files}
    draw = noise(72)
    contents: list[bytes] = []
    told: list[str] = []
    tracemalloc.start()
    try:
        for _ in range(_MUTATIONS):
            some_contents, some_told = _contents(write(tmp_path, _mutated(text, medium, draw)))
            contents += some_contents
            told += some_told
        assert tracemalloc.get_traced_memory()[1] < _MEMORY
    finally:
        tracemalloc.stop()
    assert len(contents) > _MUTATIONS < 2 * len(told)
    assert all(len(line.splitlines()) == 1 for line in told)
    # an entry that lost its digest, and whose extent was changed, cannot be told from another
    assert sum(content not in right for content in contents) < len(contents) // 50
