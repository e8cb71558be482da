"""The files of an EWF logical image (L01) as streams. Addresses are offsets in its tree: they name nothing.

For the tree see :mod:`forensics.evidence.images.ewf_tree`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from forensics.errors import EvidenceError, LocatorError, StreamReadError
from forensics.evidence.filesystem import FileSystem, FileSystemFormat, StreamReader
from forensics.evidence.filesystems.stored_digest import StoredDigest, states_content
from forensics.evidence.filesystems.tsk_walk import LONGEST_PATH, MAX_DEPTH
from forensics.evidence.image import DiskImage
from forensics.evidence.images.ewf import LogicalEwfImage
from forensics.evidence.images.ewf_tree import number
from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, NotExamined, Stream, Times
from forensics.evidence.volume import Volume
from forensics.reason import Reason

_FOLDER = "1"
_MOST_EXTENTS = 1 << 16


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file or folder: the values of its line, by their tags."""

    values: dict[str, str]

    @property
    def is_folder(self) -> bool:
        return self.values.get("p") == _FOLDER

    @property
    def size(self) -> int:
        return number(self.values.get("ls", ""))

    @property
    def digests(self) -> dict[str, str]:
        """Digests stored for its content, by hashlib's names."""
        return {"sha1": self.values.get("sha", ""), "md5": self.values.get("ha", "")}

    @property
    def extents(self) -> list[tuple[int, int]]:
        """Offset and size of each piece of its content in the medium; none if they are not as many as it states."""
        count, *places = (number(part, 16) for part in self.values.get("be", "").split(" "))
        if len(places) != 2 * count or count > _MOST_EXTENTS:
            return []
        return list(zip(places[::2], places[1::2], strict=True))


@dataclass(slots=True)
class _OpenFolder:
    """A folder that is being listed: how many entries are still to come, and its path with a trailing slash."""

    left: int
    path: bytes


class LogicalFileReader(StreamReader):
    """The bytes of one file.

    Read from front to back they are compared with the digest that the image stores for them: the last read fails where
    they differ.

    Args:
        image: The image.
        entry: Its entry.
        where: Its address, for errors.
    """

    def __init__(self, image: LogicalEwfImage, entry: _Entry, where: str) -> None:
        self.size = entry.size
        self._image = image
        self._extents = entry.extents
        self._where = where
        self._digest = StoredDigest(entry.digests, self.size, where)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the file (see :meth:`StreamReader.read_at`)."""
        wanted = min(length, self.size - offset)
        if wanted <= 0:
            return b""
        try:
            data = b"".join(self._image.read_at(start, size) for start, size in self._places(offset, wanted))
        except EvidenceError as error:
            raise StreamReadError(f"cannot be read beyond byte {offset} ({error.what})", self._where) from error
        if len(data) < wanted:
            raise StreamReadError(f"ends at byte {offset + len(data)} of {self.size}", self._where)
        self._digest.compare(offset, data)
        return data

    def _places(self, offset: int, length: int) -> Iterator[tuple[int, int]]:
        """Where bytes of the file lie in the medium, piece by piece."""
        position = 0
        for start, size in self._extents:
            first, stop = max(offset - position, 0), min(offset + length - position, size)
            if first < stop:
                yield start + first, stop - first
            position += size


class LogicalFileSystem(FileSystem):
    """The files of an open L01 image.

    Args:
        image: The image.
    """

    type = "l01"

    def __init__(self, image: LogicalEwfImage) -> None:
        self.size = image.size
        self._image = image
        self._tree = image.tree

    def walk(self, parent: str) -> Iterator[Stream | NotExamined]:
        """List the files in the order of the tree (see :meth:`FileSystem.walk`)."""
        volume = Locator.parse(parent)
        lines = self._tree.lines(self._tree.first_entry)
        open_folders = [_OpenFolder(1, b"")]
        offset = self._tree.first_entry
        try:
            while open_folders:
                folder = open_folders[-1]
                if not folder.left:
                    open_folders.pop()
                    continue
                folder.left -= 1
                count = next(lines)[1].split("\t")
                offset, line = next(lines)
                entry = self._parse(line, offset)
                path = folder.path + entry.values.get("n", "").encode("utf-8", "surrogatepass")
                if not entry.is_folder:
                    yield self._stream(volume, offset, entry, path)
                if len(open_folders) > MAX_DEPTH or len(path) > LONGEST_PATH:
                    what = f"folders lie deeper than {MAX_DEPTH}, or a path has more than {LONGEST_PATH} bytes"
                    raise StreamReadError(what, f"l01:{offset}")
                open_folders.append(_OpenFolder(number(count[-1]), path + b"/" if path else b""))
        except StopIteration:
            detail = f"the list of files ends at byte {offset} before all folders have their entries"
            yield NotExamined(parent, Reason.DIRECTORY_UNREADABLE, detail)
        except (EvidenceError, UnicodeDecodeError) as error:
            detail = error.what if isinstance(error, EvidenceError) else "it is no text"
            yield NotExamined(parent, Reason.DIRECTORY_UNREADABLE, f"behind byte {offset}: {detail}")

    def open(self, address: str) -> LogicalFileReader:
        """Open a file by the offset of its entry (see :meth:`FileSystem.open`)."""
        where = f"l01:{address}"
        try:
            offset, line = next(self._tree.lines(int(address)))
            entry = self._parse(line, offset)
        except (EvidenceError, ValueError, StopIteration) as error:
            raise LocatorError("no entry can be read here", where, "check the locator and the source") from error
        if entry.is_folder:
            raise LocatorError("is a folder, not a stream", where, "check the locator and the source")
        if self._obstacle(entry) is not None:
            raise StreamReadError("the image does not hold its content", where)
        return LogicalFileReader(self._image, entry, where)

    def _parse(self, line: str, offset: int) -> _Entry:
        values = line.split("\t")
        if len(values) != len(self._tree.tags):
            raise StreamReadError("an entry has not as many values as there are tags", f"l01:{offset}")
        return _Entry(dict(zip(self._tree.tags, values, strict=True)))

    def _stream(self, volume: Locator, offset: int, entry: _Entry, path: bytes) -> Stream:
        times = (number(entry.values.get(tag, "")) * 1_000_000_000 or None for tag in ("wr", "ac", "mo", "cr"))
        obstacle = self._obstacle(entry)
        extents = entry.extents
        return Stream(
            Locator(volume.source, volume.volume, self.type, str(offset)),
            path,
            entry.size,
            Allocation.ALLOCATED,
            physical_offset=extents[0][0] if extents and obstacle is None else None,
            times=Times(*times),
            not_hashable=obstacle,
        )

    def _obstacle(self, entry: _Entry) -> Reason | None:
        """Why the content of a file cannot be hashed."""
        if entry.size > self._tree.content_size:
            return Reason.IMPLAUSIBLE_SIZE
        if not entry.size and states_content(entry.digests):
            return Reason.READ_ERROR
        return Reason.READ_ERROR if sum(size for _, size in entry.extents) != entry.size else None


class LogicalFileSystemFormat(FileSystemFormat):
    """The content of an L01 image."""

    name: ClassVar[str] = "l01"

    def open(self, image: DiskImage, volume: Volume) -> LogicalFileSystem | None:  # noqa: ARG002  it has only the one
        """Open an L01 (see :meth:`FileSystemFormat.open`)."""
        return LogicalFileSystem(image) if isinstance(image, LogicalEwfImage) else None
