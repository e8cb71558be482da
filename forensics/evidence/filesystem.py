"""The contract of a file system: a walk over its streams, and reading one by its address."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from forensics.evidence.image import DiskImage
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.volume import Volume


class StreamReader(ABC):
    """The bytes of one stream, read-only.

    Attributes:
        size: Length in bytes.
    """

    size: int

    @abstractmethod
    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the stream.

        Returns:
            The bytes; fewer than asked for only at the end of the stream.

        Raises:
            StreamReadError: The bytes cannot be read.
        """

    def extents(self) -> tuple[tuple[int | None, int], ...] | None:
        """Tell where the stream lies, to see whether it may have changed between two states of a volume.

        Returns:
            Start in the volume, ``None`` for a hole, and length, both in bytes; ``None`` where it cannot be told, or
            where the bytes stand inside metadata.
        """
        return None


class FileSystem(ABC):
    """An open file system. Belongs to the process that opened it.

    Attributes:
        type: The Sleuth Kit's name of the file system: ``ntfs``, ``fat32``, ``exfat``, ``ext4``, ``hfs`` ...
        size: Size in bytes as the file system claims; may reach beyond the end of the image.
    """

    type: str
    size: int

    @abstractmethod
    def walk(self, parent: str) -> Iterator[Stream | NotExamined]:
        """Walk over every stream: allocated, deleted and orphan, alternate data streams included.

        The walk never stops at a bad entry: it yields a :class:`NotExamined` and goes on. Its order is the same
        each time.

        Args:
            parent: Text of the volume's locator (``E1/p2``), to build the streams' locators from.
        """

    @abstractmethod
    def open(self, address: str) -> StreamReader:
        """Open a stream by the address part of its locator.

        Raises:
            LocatorError: Nothing is at that address.
            StreamReadError: It cannot be opened.
        """


class FileSystemFormat(ABC):
    """A family of file systems one library can open. Stateless; registers through ``tamiz_file_systems``."""

    name: ClassVar[str]

    @abstractmethod
    def open(self, image: DiskImage, volume: Volume) -> FileSystem | None:
        """Open the file system of a volume.

        Returns:
            ``None`` when the volume holds none that this family knows.

        Raises:
            FileSystemError: One was recognised but cannot be opened.
        """
