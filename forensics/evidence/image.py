"""The contract of a disk image, and how a file is recognised as one.

Implementations stand in :mod:`forensics.evidence.images` and in plug-ins; they register through
``tamiz_image_formats``. A file is recognised by its first bytes, never by The Sleuth Kit's guess, which takes an E01
for a raw image without a word. Folders and block devices are recognised as such, without being read.
"""

from __future__ import annotations

import stat
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum, auto
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import ClassVar, Self

from forensics.errors import ImageError
from plugins import loader

HEAD_SIZE = 4096
"""How many first bytes of a file are given to :meth:`ImageFormat.recognises`."""

BUNDLE_LIST = "Info.plist"
"""The file in a bundle of Apple's that says what it is."""


class EvidenceKind(Enum):
    """What the system takes a piece of evidence for."""

    FILE = auto()
    FOLDER = auto()
    BLOCK_DEVICE = auto()


class DiskImage(ABC):
    """An open image of a disk: random access to the bytes of the medium, read-only.

    An image belongs to the process that opened it; it is neither picklable nor to be used after a fork.

    Attributes:
        format: Name of the image format, such as ``raw`` or ``ewf``.
        path: The file the user named.
        segments: All files that make up the image, in order.
        size: Size of the medium in bytes.
        sector_size: Bytes a sector.
        stored_digests: Digests of the medium recorded at acquisition, by algorithm (``md5``, ``sha1``, ``sha256``).
        metadata: What the acquisition tool recorded (case number, examiner, dates), as stored.
        damage: What was found wrong on opening an image that can still be read in part; empty if nothing.
        writable: What would let others write to a folder or device while it is read; empty if nothing is known of.
        digest_algorithm: Name of the digest of the evidence before and after: ``sha256`` is over the segments.
        holds_files: It holds files instead of the sectors of a disk: no partitions are looked for in its bytes.
    """

    format: ClassVar[str]
    holds_files: ClassVar[bool] = False
    path: Path
    segments: tuple[Path, ...]
    size: int
    sector_size: int = 512
    stored_digests: Mapping[str, str] = MappingProxyType({})
    metadata: Mapping[str, str] = MappingProxyType({})
    damage: str = ""
    writable: str = ""
    digest_algorithm: ClassVar[str] = "sha256"

    @abstractmethod
    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the medium.

        Args:
            offset: First byte, from 0.
            length: How many bytes.

        Returns:
            The bytes; fewer than asked for only at the end of the medium.

        Raises:
            ImageError: The bytes cannot be read (I/O error, damaged chunk).
        """

    @abstractmethod
    def close(self) -> None:
        """Release the file handles. Closing twice is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ImageFormat(ABC):
    """A format of disk images: recognises a file and opens it. Stateless.

    Attributes:
        name: Short name, such as ``ewf``.
        kind: What it is asked about: files, folders or block devices.
        last_resort: True for a format that accepts any file (raw); such formats are asked last.
    """

    name: ClassVar[str]
    kind: ClassVar[EvidenceKind] = EvidenceKind.FILE
    last_resort: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is of this format.

        Args:
            path: The file; for its name only (split images).
            head: Its first :data:`HEAD_SIZE` bytes, or all of it if shorter; nothing if it is no file.
        """

    @abstractmethod
    def open(self, path: Path) -> DiskImage:
        """Open an image that this format recognised.

        Raises:
            MissingSegmentError: A segment is not there.
            ImageError: The image is damaged beyond opening.
        """


def open_image(path: Path) -> DiskImage:
    """Open a disk image of any registered format, a folder or a block device.

    Args:
        path: The image, or the first segment of a split one. A bundle (a folder that is one image) stands for its
            property list.

    Raises:
        ImageError: The file is missing, empty, unreadable or of no known format.
    """
    if path.is_dir() and (path / BUNDLE_LIST).is_file():
        path /= BUNDLE_LIST
    kind = _kind(path)
    head = _head(path) if kind is EvidenceKind.FILE else b""
    formats = sorted(loader.image_formats(), key=lambda image_format: image_format.last_resort)
    for image_format in formats:
        if image_format.kind is kind and image_format.recognises(path, head):
            return image_format.open(path)
    raise ImageError("no known image format", str(path), "see 'tamiz doctor' for the formats this machine reads")


def _kind(path: Path) -> EvidenceKind:
    """What a path leads to. A pipe or a terminal is not even opened: it would be waited for."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise ImageError("no such file", str(path), "check the path") from error
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror})", str(path), "check permissions and the medium") from error
    for test, kind in (
        (stat.S_ISREG, EvidenceKind.FILE),
        (stat.S_ISDIR, EvidenceKind.FOLDER),
        (stat.S_ISBLK, EvidenceKind.BLOCK_DEVICE),
    ):
        if test(mode):
            return kind
    raise ImageError("is neither a file nor a folder nor a block device", str(path), "check the path")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_SIZE)
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror})", str(path), "check permissions and the medium") from error
    if not head:
        raise ImageError("the file is empty", str(path), "acquire the image again")
    return head
