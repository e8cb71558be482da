"""The members of a tar file as streams. Addresses are byte offsets of the members' headers: they name nothing."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import ClassVar

from forensics.errors import FileSystemError, LocatorError, StreamReadError
from forensics.evidence.filesystem import FileSystem, FileSystemFormat, StreamReader
from forensics.evidence.image import DiskImage
from forensics.evidence.images.archive import ImageFile, TarImage
from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, NotExamined, Stream, Times
from forensics.evidence.volume import Volume
from forensics.reason import Reason

_ERRORS = (tarfile.TarError, OSError, EOFError, ValueError, OverflowError)
"""What tarfile raises where a tar is damaged."""


class TarMemberReader(StreamReader):
    """The bytes of one member.

    Args:
        archive: The tar.
        member: The member.
        where: Its address, for errors.
    """

    def __init__(self, archive: tarfile.TarFile, member: tarfile.TarInfo, where: str) -> None:
        self.size = member.size
        self._file = archive.extractfile(member)
        self._where = where

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the member (see :meth:`StreamReader.read_at`)."""
        wanted = min(length, self.size - offset)
        if wanted <= 0 or self._file is None:
            return b""
        try:
            self._file.seek(offset)
            data = self._file.read(wanted)
        except _ERRORS as error:
            raise StreamReadError(
                f"cannot be read beyond byte {offset} ({type(error).__name__})", self._where
            ) from error
        if len(data) < wanted:
            raise StreamReadError(f"ends at byte {offset + len(data)} of {self.size}", self._where)
        return data


class TarFileSystem(FileSystem):
    """An open tar file.

    Args:
        image: The file.
    """

    type = "tar"

    def __init__(self, image: DiskImage) -> None:
        self.size = image.size
        self._image = image
        self._file = io.BufferedReader(ImageFile(image), 1 << 16)

    def walk(self, parent: str) -> Iterator[Stream | NotExamined]:
        """List the members in order (see :meth:`FileSystem.walk`).

        A hard link leads to the member whose name it bears; one that leads nowhere has no content.
        """
        volume = Locator.parse(parent)
        files: dict[bytes, tuple[int, int, int]] = {}
        try:
            archive = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115 - closes nothing of ours
        except _ERRORS as error:
            yield NotExamined(parent, Reason.FILE_SYSTEM_DAMAGED, f"no member can be read ({type(error).__name__})")
            return
        while True:
            try:
                member = archive.next()
            except _ERRORS as error:
                detail = f"no member beyond byte {archive.offset} can be read ({type(error).__name__})"
                yield NotExamined(parent, Reason.FILE_SYSTEM_DAMAGED, detail, self.size - archive.offset)
                return
            if member is None:
                break
            archive.members.clear()  # type: ignore[attr-defined]  # tarfile keeps every member it has seen
            if member.isdir():
                continue
            name = _stored_name(member.name)
            place = (member.offset, member.size, member.offset_data)
            obstacle = None
            if member.isreg():
                files[name] = place
            elif member.islnk():
                target = files.get(_stored_name(member.linkname))
                place, obstacle = (target, None) if target else (place, Reason.NO_METADATA)
            else:
                place = (member.offset, 0, member.offset_data)  # a symbolic link, device or pipe
            yield Stream(
                Locator(volume.source, volume.volume, self.type, str(place[0])),
                name,
                place[1],
                Allocation.ALLOCATED,
                physical_offset=place[2],
                times=Times(modified=int(member.mtime * 1_000_000_000)),
                not_hashable=obstacle,
            )
        yield from self._rest(parent, archive.offset)

    def _rest(self, parent: str, end: int) -> Iterator[NotExamined]:
        """Anything but the zeros that end a tar is a gap: tarfile stops at a damaged header without a word."""
        offset = end
        while offset < self.size:
            piece = self._image.read_at(offset, 1 << 20)
            if not piece or piece.strip(b"\0"):
                detail = f"no member header can be read at byte {end}"
                yield NotExamined(parent, Reason.FILE_SYSTEM_DAMAGED, detail, self.size - end)
                return
            offset += len(piece)

    def open(self, address: str) -> TarMemberReader:
        """Open a member by the offset of its header (see :meth:`FileSystem.open`)."""
        where = f"tar:{address}"
        try:
            archive = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115 - closes nothing of ours
            if int(address):
                archive.firstmember = None  # type: ignore[attr-defined]
                archive.offset = int(address)
            member = archive.next()
        except _ERRORS as error:
            raise LocatorError("no member can be read here", where, "check the locator and the source") from error
        if member is None:
            raise LocatorError("no such member in this tar", where, "check the locator and the source")
        return TarMemberReader(archive, member, where)


class TarFileSystemFormat(FileSystemFormat):
    """The content of a tar that is a source of its own."""

    name: ClassVar[str] = "tar"

    def open(self, image: DiskImage, volume: Volume) -> TarFileSystem | None:
        """Open a tar (see :meth:`FileSystemFormat.open`).

        Raises:
            FileSystemError: Its first header is damaged.
        """
        if not isinstance(image, TarImage):
            return None
        file_system = TarFileSystem(image)
        try:
            tarfile.open(fileobj=io.BufferedReader(ImageFile(image)), mode="r:")  # noqa: SIM115 - only to see whether it opens
        except _ERRORS as error:
            raise FileSystemError(f"the first header of the tar cannot be read ({error})", volume.label) from error
        return file_system


def _stored_name(name: str) -> bytes:
    """The name byte for byte: tarfile decodes as UTF-8 and keeps other bytes as surrogates."""
    return name.encode("utf-8", "surrogateescape")
