"""The members of a ZIP file as streams. Addresses are places in the central directory, from 0: they name nothing."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, ClassVar

from forensics.errors import FileSystemError, LocatorError, StreamReadError
from forensics.evidence.filesystem import FileSystem, FileSystemFormat, StreamReader
from forensics.evidence.image import DiskImage
from forensics.evidence.images.archive import ImageFile, ZipImage
from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, NotExamined, Stream, Times
from forensics.evidence.volume import Volume
from forensics.reason import Reason

_ENCRYPTED, _UTF8 = 0x1, 0x800
"""Bits of a member's general purpose flags (APPNOTE 4.4.4)."""

_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_ERRORS = (zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError, RuntimeError, ValueError)
"""What zipfile raises where a ZIP is damaged or uses what it cannot read."""


class ZipMemberReader(StreamReader):
    """The bytes of one member, unpacked as they are read. Made for reading from front to back.

    Args:
        archive: The ZIP.
        member: The member.
        where: Its address, for errors.
    """

    def __init__(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> None:
        self.size = member.file_size
        self._archive = archive
        self._member = member
        self._where = where
        self._file: IO[bytes] | None = None
        self._position = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the member (see :meth:`StreamReader.read_at`)."""
        wanted = min(length, self.size - offset)
        if wanted <= 0:
            return b""
        try:
            if self._file is None:
                self._file = self._archive.open(self._member)
            if offset != self._position:
                self._file.seek(offset)
            data = self._file.read(wanted)
        except _ERRORS as error:
            raise StreamReadError(
                f"cannot be unpacked beyond byte {offset} ({type(error).__name__})", self._where
            ) from error
        self._position = offset + len(data)
        if len(data) < wanted:
            raise StreamReadError(f"ends at byte {self._position} of {self.size}", self._where)
        return data


class ZipFileSystem(FileSystem):
    """An open ZIP file.

    Args:
        image: The file.
        archive: The same, as zipfile sees it.
    """

    type = "zip"

    def __init__(self, image: DiskImage, archive: zipfile.ZipFile) -> None:
        self.size = image.size
        self._archive = archive

    def walk(self, parent: str) -> Iterator[Stream | NotExamined]:
        """List the members in the order of the central directory (see :meth:`FileSystem.walk`)."""
        volume = Locator.parse(parent)
        for number, member in enumerate(self._archive.infolist()):
            if member.is_dir():
                continue
            yield Stream(
                Locator(volume.source, volume.volume, self.type, str(number)),
                _stored_name(member),
                member.file_size,
                Allocation.ALLOCATED,
                physical_offset=member.header_offset,
                times=Times(modified=_modified(member)),
                not_hashable=_obstacle(member),
            )

    def open(self, address: str) -> ZipMemberReader:
        """Open a member by its place in the central directory (see :meth:`FileSystem.open`)."""
        where = f"zip:{address}"
        try:
            member = self._archive.infolist()[int(address)]
        except (ValueError, IndexError) as error:
            raise LocatorError("no such member in this ZIP", where, "check the locator and the source") from error
        return ZipMemberReader(self._archive, member, where)


class ZipFileSystemFormat(FileSystemFormat):
    """The content of a ZIP that is a source of its own."""

    name: ClassVar[str] = "zip"

    def open(self, image: DiskImage, volume: Volume) -> ZipFileSystem | None:
        """Open a ZIP (see :meth:`FileSystemFormat.open`).

        Raises:
            FileSystemError: Its central directory is missing or damaged.
        """
        if not isinstance(image, ZipImage):
            return None
        try:
            return ZipFileSystem(image, zipfile.ZipFile(io.BufferedReader(ImageFile(image), 1 << 16)))
        except _ERRORS as error:
            raise FileSystemError(f"the central directory of the ZIP cannot be read ({error})", volume.label) from error


def _stored_name(member: zipfile.ZipInfo) -> bytes:
    """The name byte for byte; zipfile has decoded it by the member's own flag."""
    return member.orig_filename.encode("utf-8" if member.flag_bits & _UTF8 else "cp437")


def _obstacle(member: zipfile.ZipInfo) -> Reason | None:
    if member.flag_bits & _ENCRYPTED:
        return Reason.ENCRYPTED
    return None if member.compress_type in _READABLE else Reason.UNSUPPORTED_COMPRESSION


def _modified(member: zipfile.ZipInfo) -> int | None:
    """DOS time, which is local and has no offset: kept as if the offset were zero, as for FAT."""
    try:
        return int(datetime(*member.date_time, tzinfo=UTC).timestamp()) * 1_000_000_000
    except ValueError:
        return None
