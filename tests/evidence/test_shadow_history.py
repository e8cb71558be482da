"""What a deep walk gives of shadow copies: every content that differs, and little else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import StreamReadError
from forensics.evidence.filesystem import StreamReader
from forensics.evidence.locator import Locator
from forensics.evidence.shadow_history import ShadowHistory
from forensics.evidence.source import Source
from forensics.evidence.stream import Allocation, NotExamined, Stream, Times
from forensics.reason import Reason
from tests.evidence.conftest import Run
from tests.evidence.layers.shadowed_volume import Shadowed, contents, convert, export
from tests.evidence.sleuthkit import icat, read_whole

_STORES = b"{3808876b-c176-4e48-b7ae-04046e6cc752}"


@pytest.fixture(scope="module")
def shadowed(corpora: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Shadowed:
    return export(convert(corpora, run, tmp_path_factory.mktemp("shadowed") / "volume.raw"))


@pytest.fixture(scope="module")
def oracle(shadowed: Shadowed) -> dict[str, dict[str, str]]:
    """MD5 of every stream of every state, by address, by fls and icat."""
    return {label: contents(path) for label, path in shadowed.states.items()}


def _walk(source: Source, label: str) -> list[Stream]:
    volume = next(volume for volume in source.volumes() if volume.label == label)
    return [item for item in source.walk(volume) if isinstance(item, Stream)]


def _hashed(source: Source, streams: list[Stream]) -> dict[str, str]:
    return {
        stream.locator.address or "": hashlib.md5(read_whole(source, stream.locator), usedforsecurity=False).hexdigest()
        for stream in streams
        if stream.not_hashable is None
    }


def test_every_content_that_only_a_shadow_copy_holds_is_given(
    shadowed: Shadowed, oracle: dict[str, dict[str, str]]
) -> None:
    with Source.open(shadowed.image, "E1", deep=True) as source:
        given = {label: _hashed(source, _walk(source, label)) for label in oracle}
    assert {md5 for found in given.values() for md5 in found.values()} >= {
        md5 for found in oracle.values() for md5 in found.values()
    }
    only_before = {label: set(found.values()) - set(oracle["p0"].values()) for label, found in oracle.items()}
    assert {label: len(found) for label, found in only_before.items()} == {"p0": 0, "p0/vss1": 7, "p0/vss2": 6}
    for label, found in only_before.items():
        assert found <= set(given[label].values())
    # and what is the same is passed over: of 26 and 28 streams, 9 and 8 are given
    assert {label: len(found) for label, found in oracle.items()} == {"p0": 29, "p0/vss1": 26, "p0/vss2": 28}
    assert {label: len(found) for label, found in given.items()} == {"p0": 29, "p0/vss1": 9, "p0/vss2": 8}


def test_what_is_given_has_the_bytes_that_icat_gives(shadowed: Shadowed, oracle: dict[str, dict[str, str]]) -> None:
    with Source.open(shadowed.image, "E1", deep=True) as source:
        for label in ("p0/vss1", "p0/vss2"):
            for address, md5 in _hashed(source, _walk(source, label)).items():
                assert md5 == oracle[label][address]
        locator = Locator.parse("E1/p0/vss1/ntfs:35-128-3")
        assert read_whole(source, locator) == icat(shadowed.copies[0], "35-128-3")


def test_a_deleted_file_is_found_in_the_copy_that_still_has_it(shadowed: Shadowed) -> None:
    with Source.open(shadowed.image, "E1", deep=True) as source:
        live, *copies = ({stream.path: stream for stream in _walk(source, label)} for label in shadowed.states)
    assert b"syslog" not in live
    assert copies[0][b"syslog"].allocation is Allocation.ALLOCATED
    assert str(copies[0][b"syslog"].locator) == "E1/p0/vss1/ntfs:35-128-3"
    assert not any(path.endswith(_STORES) for copy in copies for path in copy)
    assert sum(path.endswith(_STORES) for path in live) == 3


@pytest.mark.parametrize("order", [("p0/vss2", "p0", "p0/vss1"), ("p0/vss1", "p0/vss2", "p0"), ("p0/vss2",)])
def test_the_order_of_walks_and_who_walks_make_no_difference(shadowed: Shadowed, order: tuple[str, ...]) -> None:
    with Source.open(shadowed.image, "E1", deep=True) as source:
        expected = {label: _walk(source, label) for label in shadowed.states}
    with Source.open(shadowed.image, "E1", deep=True) as source:
        for label in order:
            assert _walk(source, label) == expected[label]
    for label in order:
        with Source.open(shadowed.image, "E1", deep=True) as source:
            volume = next(volume for volume in source.volumes() if volume.label == label)
            next(iter(source.walk(volume)))  # a walk that is broken off
            assert _walk(source, label) == expected[label]


# The rule itself, on invented volumes


@dataclass
class _File(StreamReader):
    """A stream on an invented volume: in blocks, or inside metadata."""

    content: bytes
    blocks: tuple[int, ...] | None
    allocation: Allocation = Allocation.ALLOCATED
    readable: bool = True

    @property
    def size(self) -> int:  # type: ignore[override]
        return len(self.content)

    def read_at(self, offset: int, length: int) -> bytes:
        if not self.readable:
            raise StreamReadError("cannot be read")
        return self.content[offset : offset + length]

    def extents(self) -> tuple[tuple[int | None, int], ...] | None:
        return None if self.blocks is None else tuple((block, 1) for block in self.blocks)


_State = dict[int, _File]


def _given(states: list[_State], disks: list[bytes]) -> list[list[Stream | NotExamined]]:
    """Walk over states of a volume, the live one first; a block may differ where its byte on the disk differs."""
    history, labels, given = ShadowHistory(), ["p0", "p0/vss1", "p0/vss2", "p0/vss3"], []
    for number, (state, disk) in enumerate(zip(states, disks, strict=True)):
        label = labels[number]

        def may_differ(earlier: str, extents: tuple[tuple[int, int], ...], disk: bytes = disk) -> bool:
            other = disks[labels.index(earlier)]
            return any(disk[start : start + length] != other[start : start + length] for start, length in extents)

        def open_stream(stream: Stream, state: _State = state) -> StreamReader:
            return state[int(stream.locator.address or 0)]

        items = _streams(label, state)
        given.append(list(history.new_items(label, labels[:number], items, open_stream, may_differ)))
        assert history.knows(label)
    return given


def _streams(label: str, state: _State) -> Iterator[Stream]:
    for address, file in state.items():
        yield Stream(Locator("E1", label, "ntfs", str(address)), b"name", file.size, file.allocation, times=Times(1))


@st.composite
def _volumes(draw: st.DrawFn) -> tuple[list[_State], list[bytes]]:
    states, disks = [], []
    for _ in range(draw(st.integers(1, 4))):
        disk = bytes(draw(st.lists(st.integers(0, 2), min_size=6, max_size=6)))
        state = {}
        for address in draw(st.sets(st.integers(0, 4))):
            allocation = draw(st.sampled_from([Allocation.ALLOCATED, Allocation.DELETED, Allocation.ORPHAN]))
            blocks = draw(st.none() | st.lists(st.integers(0, 5), min_size=1, max_size=3).map(tuple))
            content = draw(st.binary(max_size=2)) if blocks is None else bytes(disk[block] for block in blocks)
            state[address] = _File(content, blocks, allocation)
        states.append(state)
        disks.append(disk)
    return states, disks


def _standing(file: _File) -> bool:
    return file.allocation is Allocation.ALLOCATED


@given(volumes=_volumes())
def test_no_content_is_lost_whatever_changed(volumes: tuple[list[_State], list[bytes]]) -> None:
    states, disks = volumes
    given = [
        {int(item.locator.address or 0) for item in items if isinstance(item, Stream)}
        for items in _given(states, disks)
    ]
    assert given[0] == set(states[0])
    for number, state in enumerate(states):
        for address, file in state.items():
            same = [
                earlier
                for earlier in range(number)
                if address in given[earlier]
                and states[earlier][address].content == file.content
                and _standing(states[earlier][address]) >= _standing(file)
            ]
            assert address in given[number] or same
            unmoved = [earlier for earlier in same if states[earlier][address].blocks == file.blocks]
            assert (address in given[number]) == (not unmoved)


@given(volumes=_volumes())
def test_a_copy_of_what_has_not_changed_gives_nothing(volumes: tuple[list[_State], list[bytes]]) -> None:
    (state, *_), (disk, *_) = volumes
    assert _given([state] * 4, [disk] * 4)[1:] == [[], [], []]


def _file(content: bytes, *blocks: int) -> _File:
    return _File(content, blocks or None)


def test_times_decide_nothing() -> None:
    """Written to in place with the time set back; written anew elsewhere; inside metadata."""
    before = {1: _file(b"a", 0), 2: _file(b"b", 1), 3: _file(b"c")}
    now = {1: _file(b"x", 0), 2: _file(b"y", 2), 3: _file(b"z")}
    _, given = _given([now, before], [b"xby", b"abd"])
    assert [item.locator.address for item in given if isinstance(item, Stream)] == ["1", "2", "3"]


def test_what_cannot_be_opened_or_compared_is_given_again() -> None:
    unreadable = {1: _File(b"a", None, readable=False), 2: _file(bytes(100_000))}
    for items in _given([unreadable, unreadable], [b"", b""]):
        assert len(items) == 2


def test_what_cannot_be_examined_is_passed_on() -> None:
    gap = NotExamined("E1/p0/vss1", Reason.DIRECTORY_UNREADABLE)
    history = ShadowHistory()

    def refuse(*_: object) -> bool:
        raise AssertionError

    assert list(history.new_items("p0/vss1", ["p0"], [gap], refuse, refuse)) == [gap]  # type: ignore[arg-type]


def test_a_walk_that_is_broken_off_is_not_remembered() -> None:
    history = ShadowHistory()
    state = {1: _file(b"a", 0), 2: _file(b"b", 1)}
    walk = history.new_items("p0", [], _streams("p0", state), lambda stream: state[1], lambda *_: False)
    next(walk)
    walk.close()  # type: ignore[attr-defined]
    assert not history.knows("p0")


@pytest.mark.parametrize(
    ("path", "given"),
    [
        (b"System Volume Information/{600f0b69-5bdf-11e3-9d6c-005056c00008}" + _STORES, 0),
        (b"System Volume Information/" + _STORES.upper(), 0),
        (b"System Volume Information/hidden " + _STORES, 1),
        (b"System Volume Information/folder/" + _STORES, 1),
        (b"elsewhere/" + _STORES, 1),
    ],
)
def test_only_the_files_of_windows_with_changed_blocks_are_left_out(path: bytes, given: int) -> None:
    file = _file(b"a", 0)
    stream = Stream(Locator("E1", "p0/vss1", "ntfs", "1"), path, 1, Allocation.ALLOCATED)
    for earlier, expected in ((["p0"], given), ([], 1)):
        items = ShadowHistory().new_items("p0/vss1", earlier, [stream], lambda _: file, lambda *_: True)
        assert len(list(items)) == expected
