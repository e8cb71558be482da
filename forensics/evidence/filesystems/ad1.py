"""The items of an AD1 logical image as streams. Addresses are offsets of the items in the image: they name nothing.

An item names its next sibling, its first child, the table of its compressed chunks and a chain of attributes (times,
digests). For the format see :mod:`forensics.evidence.images.ad1`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from forensics.errors import EvidenceError, LocatorError, StreamReadError
from forensics.evidence.filesystem import FileSystem, FileSystemFormat, StreamReader
from forensics.evidence.filesystems.inode_set import InodeSet
from forensics.evidence.filesystems.stored_digest import StoredDigest, states_content
from forensics.evidence.filesystems.tsk_walk import LONGEST_PATH, MAX_DEPTH
from forensics.evidence.image import DiskImage
from forensics.evidence.images.ad1 import Ad1Image
from forensics.evidence.images.inflate import InflateError, inflate
from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, NotExamined, Stream, Times
from forensics.evidence.volume import Volume
from forensics.reason import Reason

_ITEM = struct.Struct("<QQQQQII")
_ATTRIBUTE = struct.Struct("<QIII")
_CHUNK_COUNT = struct.Struct("<Q")
_CHUNK_ENDS = struct.Struct("<QQ")
_DELETED, _FOLDER = 2, 5
"""Kinds of items; any other is a file."""

_SIZE, _ACCESSED, _CREATED, _MODIFIED, _ENCRYPTED = 0x3, 0x7, 0x8, 0x9, 0xD
_RECORD_CHANGED, _MD5, _SHA1 = 0xA002, 0x5001, 0x5002
_KEPT = frozenset({_SIZE, _ACCESSED, _CREATED, _MODIFIED, _ENCRYPTED, _RECORD_CHANGED, _MD5, _SHA1})
"""Kinds of attributes that are of use here. All are text."""

_CUSTOM = b"Custom Content Image([Multi])"
"""What stands for the name of the source where the items were chosen one by one."""

_LONGEST_NAME = 4096
_LONGEST_VALUE = 256
_MOST_ATTRIBUTES = 512
"""FTK Imager writes fourteen. Many items may name one chain, so this bounds the time for each of them."""
_WINDOW = 4096
_TIME = re.compile(rb"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class _Item:
    following: int
    child: int
    attributes: int
    chunks: int
    size: int
    kind: int
    name: bytes


class Ad1ItemReader(StreamReader):
    """The bytes of one item.

    Read from front to back they are compared with the digest that the image stores for them: the last read fails where
    they differ.

    Args:
        image: The image.
        item: The item.
        digests: Digests stored for it, by hashlib's names, in hexadecimal.
        where: Its address, for errors.
    """

    def __init__(self, image: Ad1Image, item: _Item, digests: Mapping[str, str], where: str) -> None:
        self.size = item.size
        self._image = image
        self._table = item.chunks
        self._where = where
        self._digest = StoredDigest(digests, item.size, where)
        self._kept: tuple[int, bytes] = (-1, b"")

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the item (see :meth:`StreamReader.read_at`)."""
        end = min(offset + length, self.size)
        pieces = []
        position = offset
        while position < end:
            number, skipped = divmod(position, self._image.chunk_size)
            piece = self._chunk(number)[skipped : skipped + end - position]
            pieces.append(piece)
            position += len(piece)
        data = b"".join(pieces)
        self._digest.compare(offset, data)
        return data

    def _chunk(self, number: int) -> bytes:
        """Read and inflate a chunk; the one used last is kept."""
        if self._kept[0] == number:
            return self._kept[1]
        chunk_size = self._image.chunk_size
        wanted = min(chunk_size, self.size - number * chunk_size)
        try:
            data = inflate(self._stored_chunk(number), chunk_size)
        except InflateError as error:
            raise StreamReadError(f"chunk {number} cannot be read: {error}", self._where) from error
        except EvidenceError as error:
            raise StreamReadError(f"chunk {number} cannot be read ({error.what})", self._where) from error
        if len(data) != wanted:
            raise StreamReadError(f"chunk {number} inflates to {len(data)} bytes instead of {wanted}", self._where)
        self._kept = number, data
        return data

    def _stored_chunk(self, number: int) -> bytes:
        ends = self._image.read_at(self._table + _CHUNK_COUNT.size * (1 + number), _CHUNK_ENDS.size)
        start, stop = _CHUNK_ENDS.unpack(ends) if len(ends) == _CHUNK_ENDS.size else (0, 0)
        if not 0 < stop - start <= self._image.chunk_size + (self._image.chunk_size >> 8) + _WINDOW:
            raise StreamReadError("the place stated for it cannot be right", self._where)
        return self._image.read_at(start, stop - start)


class Ad1FileSystem(FileSystem):
    """The items of an open AD1 image.

    Args:
        image: The image.
    """

    type = "ad1"

    def __init__(self, image: Ad1Image) -> None:
        self.size = image.size
        self._image = image
        self._window: tuple[int, bytes] = (0, b"")

    def walk(self, parent: str) -> Iterator[Stream | NotExamined]:
        """List the items, a folder before what it holds (see :meth:`FileSystem.walk`)."""
        volume = Locator.parse(parent)
        # two items cannot lie on the same bytes, but offsets in a damaged image can pretend so
        left = self.size // _ITEM.size
        seen = InodeSet()
        stack = [(self._image.first_item, _source_path(self._image.source_name), 0)]
        while stack:
            offset, folder, depth = stack.pop()
            if not offset:
                continue
            limit = _limit(depth, folder, left)
            if limit:
                yield NotExamined(parent, Reason.WALK_LIMIT, limit)
                continue
            if not seen.add(offset):
                yield NotExamined(parent, Reason.DIRECTORY_UNREADABLE, f"the item at byte {offset} is listed twice")
                continue
            left -= 1
            try:
                item = self._item(offset)
            except EvidenceError as error:
                yield NotExamined(parent, Reason.DIRECTORY_UNREADABLE, error.what)
                continue
            path = folder + item.name
            if item.kind != _FOLDER:
                yield from self._stream(volume, offset, item, path)
            stack.append((item.following, folder, depth))
            stack.append((item.child, path + b"/", depth + 1))

    def open(self, address: str) -> Ad1ItemReader:
        """Open an item by its offset (see :meth:`FileSystem.open`)."""
        where = f"ad1:{address}"
        try:
            item = self._item(int(address))
        except (EvidenceError, ValueError) as error:
            raise LocatorError("no item can be read here", where, "check the locator and the source") from error
        if item.kind == _FOLDER or self._obstacle(item, {}) is not None:
            raise LocatorError("is no item whose content can be read", where, "check the locator and the source")
        try:
            attributes = self._attributes(item)
        except EvidenceError:
            attributes = {}  # the walk says so
        if not item.size and self._obstacle(item, attributes) is Reason.READ_ERROR:
            raise StreamReadError("the image holds no content of it", where)
        return Ad1ItemReader(self._image, item, _digests(attributes), where)

    def _stream(self, volume: Locator, offset: int, item: _Item, path: bytes) -> Iterator[Stream | NotExamined]:
        locator = Locator(volume.source, volume.volume, self.type, str(offset))
        attributes: Mapping[int, bytes] = {}
        try:
            attributes = self._attributes(item)
        except EvidenceError as error:
            yield NotExamined(str(locator), Reason.READ_ERROR, f"its attributes: {error.what}")
        stated = attributes.get(_SIZE, b"")
        size = item.size or (int(stated) if stated.isdigit() and len(stated) < 19 else 0)
        yield Stream(
            locator,
            path,
            size,
            Allocation.DELETED if item.kind == _DELETED else Allocation.ALLOCATED,
            physical_offset=item.chunks or None,
            times=Times(*(_time(attributes.get(kind)) for kind in (_MODIFIED, _ACCESSED, _RECORD_CHANGED, _CREATED))),
            not_hashable=self._obstacle(item, attributes),
        )

    def _obstacle(self, item: _Item, attributes: Mapping[int, bytes]) -> Reason | None:
        """Why the content of an item cannot be hashed."""
        if attributes.get(_ENCRYPTED) == b"true":
            return Reason.ENCRYPTED
        if not item.size:
            # the name of a file whose content was not taken into the image
            lost = attributes.get(_SIZE, b"").strip(b"0") or states_content(_digests(attributes))
            return Reason.READ_ERROR if lost else None
        chunks = -(-item.size // self._image.chunk_size)
        if item.chunks + _CHUNK_COUNT.size * (chunks + 2) > self.size:
            return Reason.IMPLAUSIBLE_SIZE
        return None

    def _item(self, offset: int) -> _Item:
        following, child, attributes, chunks, size, kind, name_size = _ITEM.unpack(self._read(offset, _ITEM.size))
        if name_size > _LONGEST_NAME:
            raise StreamReadError(f"the item at byte {offset} is damaged", f"ad1:{offset}")
        return _Item(following, child, attributes, chunks, size, kind, self._read(offset + _ITEM.size, name_size))

    def _attributes(self, item: _Item) -> dict[int, bytes]:
        """Read the attributes of an item that are of use, by kind."""
        values: dict[int, bytes] = {}
        offset = item.attributes
        for _ in range(_MOST_ATTRIBUTES):
            if not offset:
                return values
            following, _, kind, size = _ATTRIBUTE.unpack(self._read(offset, _ATTRIBUTE.size))
            if kind in _KEPT and size <= _LONGEST_VALUE:
                values[kind] = self._read(offset + _ATTRIBUTE.size, size)
            offset = following
        raise StreamReadError(f"there are more than {_MOST_ATTRIBUTES}", f"ad1:{item.attributes}")

    def _read(self, offset: int, length: int) -> bytes:
        """Read a small structure; those that follow it are read along with it."""
        start, window = self._window
        if not start <= offset <= offset + length <= start + len(window):
            start, window = self._window = offset, self._image.read_at(offset, max(length, _WINDOW))
        data = window[offset - start : offset - start + length]
        if len(data) < length:
            raise StreamReadError(f"byte {offset} lies beyond the end of the image", f"ad1:{offset}")
        return data


class Ad1FileSystemFormat(FileSystemFormat):
    """The content of an AD1 image."""

    name: ClassVar[str] = "ad1"

    def open(self, image: DiskImage, volume: Volume) -> Ad1FileSystem | None:  # noqa: ARG002  it has only the one
        """Open an AD1 (see :meth:`FileSystemFormat.open`)."""
        return Ad1FileSystem(image) if isinstance(image, Ad1Image) else None


def _digests(attributes: Mapping[int, bytes]) -> dict[str, str]:
    """Digests stored for the content of an item, by hashlib's names."""
    kinds = (("sha1", _SHA1), ("md5", _MD5))
    return {name: attributes[kind].decode("ascii", "replace") for name, kind in kinds if attributes.get(kind)}


def _limit(depth: int, folder: bytes, left: int) -> str:
    """Say which limit of the walk an item is beyond; empty if it is beyond none."""
    if depth > MAX_DEPTH:
        return f"deeper than {MAX_DEPTH} folders"
    if len(folder) > LONGEST_PATH:
        return f"a path of more than {LONGEST_PATH} bytes"
    return "" if left else "more items than fit into it"


def _source_path(name: bytes) -> bytes:
    """The folder the items were taken from, with a trailing slash; empty if they were chosen one by one."""
    path = name.rstrip(b"\0").replace(b"\\", b"/").strip(b"/")
    return b"" if not path or path == _CUSTOM else path + b"/"


def _time(value: bytes | None) -> int | None:
    """A stored time, such as ``20170331T180231.189682`` in UTC, in nanoseconds since 1970."""
    match = _TIME.fullmatch(value or b"")
    if match is None:
        return None
    *parts, fraction = match.groups()
    try:
        seconds = int(datetime(*map(int, parts), tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]
    except ValueError:
        return None
    return seconds * 1_000_000_000 + int((fraction or b"").ljust(9, b"0"))
