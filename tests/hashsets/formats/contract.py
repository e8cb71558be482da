"""What every list format must do. Inherit :class:`ListFormatContract` and supply samples."""

from __future__ import annotations

import contextlib
import io
import re
import tracemalloc
from collections.abc import Iterator
from typing import BinaryIO, ClassVar

import pytest

from forensics.errors import ListFormatError
from hashsets.format import HEAD_SIZE, KnownEntry, ListFormat, ListItem, RejectedEntry
from plugins import loader
from tests.hashsets.invented import seeded

A_HASH = re.compile(r"[0-9a-fA-F]{16}")


def read(list_format: ListFormat, data: bytes) -> list[ListItem]:
    """Read a whole list."""
    return list(list_format.read(io.BytesIO(data)))


def entries_of(list_format: ListFormat, data: bytes) -> list[KnownEntry]:
    """Read a list that must have no malformed entry."""
    items = read(list_format, data)
    assert [item for item in items if isinstance(item, RejectedEntry)] == []
    return [item for item in items if isinstance(item, KnownEntry)]


def rejected_of(list_format: ListFormat, data: bytes) -> list[tuple[int, str]]:
    """The malformed entries of a list."""
    return [(item.position, item.reason) for item in read(list_format, data) if isinstance(item, RejectedEntry)]


class Repeated(io.RawIOBase):
    """A file of any length: a beginning, then a piece over and over."""

    def __init__(self, head: bytes, piece: bytes, times: int) -> None:
        self._parts = self._pieces(head, piece, times)
        self._rest = b""

    @staticmethod
    def _pieces(head: bytes, piece: bytes, times: int) -> Iterator[bytes]:
        yield head
        for _ in range(times):
            yield piece

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = next(self._parts, b"")
        taken = self._rest[: len(buffer)]
        self._rest = self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


class ListFormatContract:
    """The contract, tested on the samples of a format.

    Attributes:
        list_format: The format.
        samples: Well-formed lists.
        endless: A beginning of a list and a piece of a few hundred bytes that can follow it any number of times.
    """

    list_format: ClassVar[ListFormat]
    samples: ClassVar[list[bytes]]
    endless: ClassVar[tuple[bytes, bytes]]

    def test_is_registered_under_its_name(self) -> None:
        assert type(self.list_format) in [type(each) for each in loader.list_formats()]

    def test_is_the_first_to_recognise_its_samples(self) -> None:
        for sample in self.samples:
            first = next(each for each in loader.list_formats() if each.recognises(sample[:HEAD_SIZE]))
            assert first.name == self.list_format.name

    def test_recognises_neither_emptiness_nor_other_files(self) -> None:
        for head in (
            b"",
            b"\n\n",
            b"\x89PNG\r\n\x1a\n" + bytes(100),
            b"SQLite format 3\0",
            b"<html>",
            b"{}",
            b"[1, 2]",
        ):
            assert not self.list_format.recognises(head)

    def test_reads_its_samples_without_a_malformed_entry(self) -> None:
        for sample in self.samples:
            positions = [entry.position for entry in entries_of(self.list_format, sample)]
            assert positions
            assert positions == sorted(set(positions))
            assert positions[0] >= 1

    def test_a_byte_order_mark_and_utf16_change_nothing(self) -> None:
        for sample in self.samples:
            plain = read(self.list_format, sample)
            assert read(self.list_format, b"\xef\xbb\xbf" + sample) == plain
            for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
                data = mark + sample.decode().encode(encoding)
                assert self.list_format.recognises(data[:HEAD_SIZE])
                assert read(self.list_format, data) == plain

    def test_windows_line_ends_change_nothing(self) -> None:
        for sample in self.samples:
            assert read(self.list_format, sample.replace(b"\n", b"\r\n")) == read(self.list_format, sample)

    @pytest.mark.parametrize("seed", range(150))
    def test_damage_gives_malformed_entries_or_a_format_error_that_quote_nothing(self, seed: int) -> None:
        chance = seeded(seed)
        sample = bytearray(chance.choice(self.samples))
        for _ in range(chance.randint(1, 12)):
            place = chance.randrange(len(sample))
            match chance.randrange(4):
                case 0:
                    sample[place] = chance.randrange(256)
                case 1:
                    del sample[place : place + chance.randint(1, 40)]
                case 2:
                    sample[place:place] = chance.randbytes(chance.randint(1, 20))
                case _:
                    sample[place:place] = chance.choice(
                        [b'"', b"{", b"[", b"]", b"}", b"\0", b"\n", b",", b"NaN", b"%%%% "]
                    )
            if not sample:
                break
        try:
            items = read(self.list_format, bytes(sample))
        except ListFormatError as error:
            said = [str(error)]
        else:
            said = [item.reason for item in items if isinstance(item, RejectedEntry)]
        for text in said:
            assert A_HASH.search(text) is None
            assert "\n" not in text

    def test_memory_does_not_grow_with_the_list(self) -> None:
        head, piece = self.endless
        peaks = []
        for times in (1500, 6000):
            file: BinaryIO = io.BufferedReader(Repeated(head, piece, times))
            tracemalloc.start()
            try:
                count = sum(1 for _ in self._until_broken(file))
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
            assert count >= times
        assert peaks[1] < peaks[0] + 200_000

    def _until_broken(self, file: BinaryIO) -> Iterator[object]:
        with contextlib.suppress(ListFormatError):  # a JSON that stops in the middle
            yield from self.list_format.read(file)
