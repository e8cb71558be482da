"""Walks over a file system of which only allocated files are listed (APFS, XFS).

Symbolic links, devices, pipes and sockets are streams of size 0, so that every name is accounted for.
"""

from __future__ import annotations

import stat
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from forensics.errors import EvidenceError, LocatorError
from forensics.evidence.filesystem import FileSystem, StreamReader
from forensics.evidence.filesystems.inode_set import InodeSet
from forensics.evidence.filesystems.tsk_attribute import HOLE_LIMIT, LARGEST_SIZE, SPARSE_LIMIT
from forensics.evidence.filesystems.tsk_walk import MAX_DEPTH
from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, NotExamined, Stream, Times
from forensics.reason import Reason


@dataclass(frozen=True, slots=True)
class Node:
    """A file or directory.

    Attributes:
        number: Its number in the file system, the address of its content.
        mode: Type and permissions, as POSIX has them.
        handle: The library's object for it.
    """

    number: int
    mode: int
    handle: Any


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a regular file without reading it.

    Attributes:
        size: Length in bytes, as its metadata states.
        allocated: Bytes of its allocated blocks; counted no further than needed to tell that there are any where the
            size is below :data:`SPARSE_LIMIT`.
        first_offset: Byte offset in the image of its first allocated block.
        obstacle: Why its bytes are not its content.
    """

    size: int
    allocated: int
    first_offset: int | None
    obstacle: Reason | None = None


@dataclass(frozen=True, slots=True)
class _Directory:
    node: Node
    path: bytes
    """With a trailing slash; empty for the root."""
    depth: int


class AllocatedTree(FileSystem):
    """A file system that is walked from its root down."""

    @abstractmethod
    def _root(self) -> Node:
        """The root directory.

        Raises:
            EvidenceError: It cannot be read.
        """

    @abstractmethod
    def _children(self, directory: Node) -> Iterator[tuple[bytes, Node] | str]:
        """Names and files in a directory; a text where one or the rest of them cannot be read.

        Raises:
            EvidenceError: It cannot be read, or no further.
        """

    @abstractmethod
    def _facts(self, file: Node) -> Facts:
        """What is known of a regular file.

        Raises:
            EvidenceError: Its metadata cannot be read.
        """

    @abstractmethod
    def _times(self, node: Node) -> Times:
        """Times of a file."""

    @abstractmethod
    def _node(self, number: int) -> Node | None:
        """The file of a number; ``None`` if there is none.

        Raises:
            EvidenceError: It cannot be read.
        """

    @abstractmethod
    def _reader(self, file: Node, where: str) -> StreamReader:
        """Open the content of a regular file.

        Args:
            file: The file.
            where: Its address with the file-system type, for errors.

        Raises:
            EvidenceError: It cannot be opened.
        """

    def walk(self, parent: str) -> Iterator[Stream | NotExamined]:
        """Walk over every allocated stream (see :meth:`FileSystem.walk`)."""
        volume = Locator.parse(parent)
        try:
            stack = [_Directory(self._root(), b"", 0)]
        except EvidenceError as error:
            yield NotExamined(parent, Reason.DIRECTORY_UNREADABLE, error.what)
            return
        seen = InodeSet()
        while stack:
            directory = stack.pop()
            if not seen.add(directory.node.number):
                continue
            if directory.depth > MAX_DEPTH:
                where = str(self._locator(volume, directory.node))
                yield NotExamined(where, Reason.WALK_LIMIT, f"deeper than {MAX_DEPTH} directories")
                continue
            below: list[_Directory] = []
            yield from self._list(volume, directory, below)
            stack.extend(reversed(below))

    def _list(self, volume: Locator, directory: _Directory, below: list[_Directory]) -> Iterator[Stream | NotExamined]:
        """List one directory; directories in it are added to ``below``."""
        where = str(self._locator(volume, directory.node))
        try:
            for child in self._children(directory.node):
                if isinstance(child, str):
                    yield NotExamined(where, Reason.DIRECTORY_UNREADABLE, child)
                    continue
                name, node = child
                path = directory.path + name
                if stat.S_ISDIR(node.mode):
                    below.append(_Directory(node, path + b"/", directory.depth + 1))
                else:
                    yield self._stream(volume, node, path)
        except EvidenceError as error:
            yield NotExamined(where, Reason.DIRECTORY_UNREADABLE, error.what)

    def _stream(self, volume: Locator, node: Node, path: bytes) -> Stream:
        locator = self._locator(volume, node)
        if not stat.S_ISREG(node.mode):
            return Stream(locator, path, 0, Allocation.ALLOCATED, times=self._times(node))
        try:
            facts = self._facts(node)
        except EvidenceError:
            return Stream(locator, path, 0, Allocation.ALLOCATED, not_hashable=Reason.READ_ERROR)
        return Stream(
            locator,
            path,
            max(facts.size, 0),
            Allocation.ALLOCATED,
            physical_offset=facts.first_offset,
            times=self._times(node),
            not_hashable=facts.obstacle or size_obstacle(facts),
        )

    def _locator(self, volume: Locator, node: Node) -> Locator:
        return Locator(volume.source, volume.volume, self.type, str(node.number))

    def open(self, address: str) -> StreamReader:
        """Open a stream by its address (see :meth:`FileSystem.open`)."""
        where = f"{self.type}:{address}"
        try:
            node = self._node(int(address))
        except (EvidenceError, ValueError) as error:
            cause = error.what if isinstance(error, EvidenceError) else "no number"
            raise LocatorError(
                f"nothing can be opened at this address ({cause})", where, "check the locator"
            ) from error
        if node is None or stat.S_ISDIR(node.mode):
            what = "no such stream in this file system" if node is None else "is a directory, not a stream"
            raise LocatorError(what, where, "check the locator and the source")
        return self._reader(node, where) if stat.S_ISREG(node.mode) else NoContent()


class NoContent(StreamReader):
    """The content of what has none: a link, a device, a pipe, a socket."""

    size = 0

    def read_at(self, offset: int, length: int) -> bytes:  # noqa: ARG002  whatever is asked for
        """Read nothing."""
        return b""


def size_obstacle(facts: Facts) -> Reason | None:
    """Why the size of a file forbids hashing it."""
    if not 0 <= facts.size <= LARGEST_SIZE:
        return Reason.IMPLAUSIBLE_SIZE
    if facts.size <= SPARSE_LIMIT:
        return None
    if not facts.allocated and facts.first_offset is None:
        return Reason.SPARSE
    return Reason.TOO_SPARSE if facts.size - facts.allocated > HOLE_LIMIT else None
