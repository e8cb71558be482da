"""Lists as they arrive packed: in gzip, in xz, or in a ZIP archive. Unpacked as a stream, one layer deep.

Nothing is written to disk and no more is held in memory than the unpacking needs, however a file is made: what unpacks
to far more than a list can is refused in the middle.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol, cast

from forensics.errors import ListFormatError
from hashsets.format import HEAD_SIZE

LARGEST_RATIO = 100
"""Bytes that a byte may unpack to. Hashes hardly compress; the names and words beside them do, to 10 or 20."""

ALWAYS_ALLOWED = 64 << 20
"""Bytes that any file may unpack to, so that a short list of one repeated line is no bomb."""

MOST_MEMBERS = 1000
"""Files in a ZIP archive; an archive of more is no list, and its directory alone could fill the memory."""

_MOST_DIRECTORY = 4 << 20
_XZ_MEMORY = 128 << 20  # xz -9 needs 65 MiB
_BUFFER_SIZE = 1 << 18
_MAGICS = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\0", "xz"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"))
_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_END_OF_DIRECTORY_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_DAMAGED = (
    EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, struct.error, ValueError, OverflowError
)  # fmt: skip


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


def packing_of(file: BinaryIO) -> str | None:
    """Tell by the first bytes how a file is packed (``gzip``, ``xz``, ``zip``); ``None`` if it is not.

    The file is left at its start.
    """
    head = file.read(8)
    file.seek(0)
    return next((packing for magic, packing in _MAGICS if head.startswith(magic)), None)


def members_of(file: BinaryIO, packing: str | None) -> list[str | None]:
    """Name the files that a packed file holds: those of a ZIP archive, without folders; of anything else one, ``None``.

    Raises:
        ListFormatError: The archive is damaged, or holds more than :data:`MOST_MEMBERS`.
    """
    if packing != "zip":
        return [None]
    with _damage(packing), _archive(file) as archive:
        return [member.filename for member in archive.infolist() if not member.is_dir()]


@contextmanager
def unpacked(file: BinaryIO, packing: str | None, member: str | None, packed_size: int) -> Iterator[BinaryIO]:
    """Open the list in a packed file.

    Args:
        file: The file as received, at its start; for ``zip`` it must be seekable.
        packing: As :func:`packing_of` told.
        member: One of :func:`members_of`.
        packed_size: Bytes of the file, by which what it unpacks to is measured.

    Yields:
        The list; reading it raises ListFormatError where the data is damaged, encrypted or a bomb.

    Raises:
        ListFormatError: It cannot be unpacked.
    """
    if packing is None:
        yield file
    elif packing == "zip":
        with _damage(packing):
            archive = _archive(file)
        with archive:
            yield _bounded(_member(archive, member or ""), packing, packed_size)
    elif packing == "xz":
        yield _bounded(_XzReader(file), packing, packed_size)
    else:
        with gzip.GzipFile(fileobj=file) as stream:
            yield _bounded(cast("_Reader", stream), packing, packed_size)


def head_of(file: BinaryIO, packing: str | None, member: str | None) -> bytes:
    """The first :data:`hashsets.format.HEAD_SIZE` bytes of a list, unpacked; the file is left at its start.

    Raises:
        ListFormatError: It cannot be unpacked.
    """
    file.seek(0)
    with unpacked(file, packing, member, os.fstat(file.fileno()).st_size) as stream:
        head = b""
        while len(head) < HEAD_SIZE and (more := stream.read(HEAD_SIZE - len(head))):
            head += more
    file.seek(0)
    return head


@contextmanager
def _damage(packing: str) -> Iterator[None]:
    """Translate what the unpacking libraries raise.

    Raises:
        ListFormatError: In place of any of it.
    """
    try:
        yield
    except _DAMAGED as error:
        raise ListFormatError(
            f"cannot be read (damaged {packing} data)", None, "check the file; nothing was imported"
        ) from error
    except (NotImplementedError, RuntimeError) as error:  # zipfile's words for an unknown method and a password
        raise ListFormatError(
            f"cannot be unpacked ({packing} with a password or in an unknown way)", None, "unpack it first"
        ) from error


def _bounded(reader: _Reader, packing: str, packed_size: int) -> BinaryIO:
    return io.BufferedReader(_Bounded(reader, packing, packed_size), _BUFFER_SIZE)


class _Bounded(io.RawIOBase):
    """What a packed file unpacks to, as far as a list can."""

    def __init__(self, reader: _Reader, packing: str, packed_size: int) -> None:
        self._reader = reader
        self._packing = packing
        self._left = ALWAYS_ALLOWED + LARGEST_RATIO * packed_size

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read, and count what is left.

        Raises:
            ListFormatError: The data is damaged, or more than a list unpacks to.
        """
        with _damage(self._packing):
            data = self._reader.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise ListFormatError(
                f"unpacks to more than {LARGEST_RATIO} times its size, as no list does", None, "nothing was imported"
            )
        buffer[: len(data)] = data
        return len(data)


class _XzReader:
    """Reads xz, of several streams too, with a bound on memory that :class:`lzma.LZMAFile` does not know."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decompressor = self._new()

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes; none at the end.

        Raises:
            EOFError: The file ends in the middle of a stream.
            lzma.LZMAError: It is damaged.
        """
        while True:
            data = b""
            if self._decompressor.eof:
                data = self._decompressor.unused_data.lstrip(b"\0")
                while not data:  # streams may be padded with zeros
                    chunk = self._file.read(_BUFFER_SIZE)
                    if not chunk:
                        return b""
                    data = chunk.lstrip(b"\0")
                self._decompressor = self._new()
            elif self._decompressor.needs_input:
                data = self._file.read(_BUFFER_SIZE)
                if not data:
                    raise EOFError
            if found := self._decompressor.decompress(data, size):
                return found

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)


def _archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open a ZIP archive whose directory is small enough to be read.

    Raises:
        ListFormatError: It has too many members.
        zipfile.BadZipFile, struct.error: It is damaged.
    """
    members, directory_size = _directory(file)
    if members > MOST_MEMBERS or directory_size > _MOST_DIRECTORY:
        raise ListFormatError(f"a ZIP archive of more than {MOST_MEMBERS} files", None, "unpack it and import the list")
    return zipfile.ZipFile(file)


def _directory(file: BinaryIO) -> tuple[int, int]:
    """Read how many members a ZIP archive says it has, and how long its directory is, before zipfile reads it whole.

    Raises:
        zipfile.BadZipFile, struct.error: It has no directory.
    """
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - 65535 - _END_OF_DIRECTORY.size)
    file.seek(start)
    tail = b""
    while more := file.read(size - start - len(tail)):
        tail += more
    place = tail.rfind(b"PK\x05\x06")
    if place < 0:
        raise zipfile.BadZipFile
    _, _, _, _, members, directory_size, _, _ = _END_OF_DIRECTORY.unpack_from(tail, place)
    at_locator = place - _LOCATOR_64.size
    if at_locator >= 0 and tail[at_locator : at_locator + 4] == b"PK\x06\x07":
        file.seek(_LOCATOR_64.unpack_from(tail, at_locator)[2])
        large = _END_OF_DIRECTORY_64.unpack(file.read(_END_OF_DIRECTORY_64.size))
        members, directory_size = large[7], large[8]  # what zipfile goes by where both stand
    file.seek(0)
    return members, directory_size


def _member(archive: zipfile.ZipFile, name: str) -> _Reader:
    """Open a member that is stored or deflated: the other methods can ask for any amount of memory.

    Raises:
        ListFormatError: It is packed in another way, or has a password.
    """
    with _damage("zip"):
        member = archive.getinfo(name)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NotImplementedError
        return cast("_Reader", archive.open(member))
