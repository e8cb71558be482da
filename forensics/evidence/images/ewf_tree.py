"""The tree of an EWF logical image (L01): its ``ltree`` section, a text of categories, of which one lists the entries.

A line of tags says what the tab-separated values of each entry mean. It may have millions of lines, so it is read line
by line where it is needed, and never kept.

Format: Joachim Metz, "Expert Witness Compression Format specification" (libewf documentation), section "Ltree", and
what libewf reads.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from forensics.errors import ImageError
from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.ewf_sections import Section
from forensics.evidence.images.inflate import adler32

_HEADER = struct.Struct("<16sQI20x")
_CHECKSUM = slice(24, 28)
_NEWLINE = b"\n\0"
_PIECE = 1 << 16
_LONGEST_LINE = 1 << 20
_MOST_DIGITS = 18
_COPY = "copy or acquire the image again"


class LogicalTree:
    """The text of the tree.

    Args:
        files: The segment files.
        sections: Their sections, in order.
        path: The image, for errors.

    Attributes:
        content_size: Bytes of the content of all files.
        tags: What the values of an entry mean, in order.
        first_entry: Byte offset of the first entry in the text.
        size: Bytes of the text.
        damage: What is wrong with the text; empty if nothing.

    Raises:
        ImageError: There is none, or it lists nothing.
    """

    def __init__(self, files: SegmentFiles, sections: Sequence[Section], path: Path) -> None:
        self._files = files
        self._path = path
        found = [section for section in sections if section.kind == "ltree"]
        if not found:
            raise ImageError("has no list of the files in it: its last segment is damaged", str(path), _COPY)
        section = found[-1]
        header = files.read(section.segment, section.data_offset, _HEADER.size)
        if len(header) < _HEADER.size or adler32(_without_checksum(header)) != _HEADER.unpack(header)[2]:
            raise ImageError("the header of the list of its files is damaged", str(path), _COPY)
        digest, self.size, _ = _HEADER.unpack(header)
        self._segment, self._start = section.segment, section.data_offset + _HEADER.size
        if self.size > section.data_size - _HEADER.size:
            raise ImageError("the list of its files breaks off", str(path), _COPY)
        self.damage = "" if self._digest() == digest else "the list of its files does not have its stored MD5"
        self.content_size, self.tags, self.first_entry = self._read_categories()

    def lines(self, offset: int) -> Iterator[tuple[int, str]]:
        """Read lines, each with its byte offset in the text.

        Args:
            offset: Where the first one begins.

        Raises:
            ImageError: One is longer than any can be, or cannot be read.
        """
        buffer, start = b"", offset
        while True:
            place = 0
            while (end := _find_newline(buffer, place)) >= 0:
                yield start + place, buffer[place:end].decode("utf-16-le", "surrogatepass").rstrip("\r")
                place = end + len(_NEWLINE)
            buffer, start = buffer[place:], start + place
            more = self._read(start + len(buffer), _PIECE)
            if not more:
                if buffer:
                    yield start, buffer.decode("utf-16-le", "replace")
                return
            buffer += more
            if len(buffer) > _LONGEST_LINE:
                raise ImageError(f"the list of its files has no end of a line behind byte {start}", str(self._path))

    def _read(self, offset: int, length: int) -> bytes:
        wanted = min(length, self.size - offset)
        return self._files.read(self._segment, self._start + offset, wanted) if wanted > 0 else b""

    def _digest(self) -> bytes:
        digest = hashlib.md5(usedforsecurity=False)
        for offset in range(0, self.size, _PIECE):
            digest.update(self._read(offset, _PIECE))
        return digest.digest()

    def _read_categories(self) -> tuple[int, tuple[str, ...], int]:
        """Find the number of bytes, the tags of entries, and where the entries begin."""
        lines = self.lines(0)
        content_size = 0
        try:
            for _, line in lines:
                if line == "rec":
                    values = dict(zip(next(lines)[1].split("\t"), next(lines)[1].split("\t"), strict=False))
                    content_size = number(values.get("tb", ""))
                elif line == "entry":
                    next(lines)
                    tags = tuple(next(lines)[1].split("\t"))
                    return content_size, tags, next(lines)[0]
        except (StopIteration, UnicodeDecodeError):
            pass
        raise ImageError("the list of its files has no entries", str(self._path), _COPY)


def number(text: str, base: int = 10) -> int:
    """A number as the tree writes it; 0 if it is none."""
    try:
        return int(text, base) if text.isascii() and text.isalnum() and len(text) <= _MOST_DIGITS else 0
    except ValueError:
        return 0


def _find_newline(buffer: bytes, start: int) -> int:
    """Find a line feed in UTF-16 text: its two bytes at an even place; -1 if there is none."""
    place = buffer.find(_NEWLINE, start)
    while place >= 0 and place % 2:
        place = buffer.find(_NEWLINE, place + 1)
    return place


def _without_checksum(header: bytes) -> bytes:
    return header[: _CHECKSUM.start] + bytes(4) + header[_CHECKSUM.stop :]
