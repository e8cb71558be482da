"""Reads the bytes of one stream of a file system opened by The Sleuth Kit."""

from __future__ import annotations

import pytsk3

from forensics.errors import LocatorError, StreamReadError
from forensics.evidence.filesystem import StreamReader
from forensics.evidence.filesystems.tsk_attribute import (
    Family,
    contents,
    extents,
    has_missing_runs,
    is_directory,
)
from forensics.evidence.tsk_image import TSK_ERRORS, TskImage

_PIECE = 4 << 20
"""Longest single read; pytsk3 allocates as much as it is asked for."""


class TskStreamReader(StreamReader):
    """The bytes of one attribute of a file.

    Args:
        image: The image, to check the process and to explain errors.
        file: The ``pytsk3.File``.
        attribute: Type and number of the attribute; ``None`` for a file without one, which must be empty.
        size: Its length in bytes.
        where: Its address with the file-system type, for errors.
    """

    def __init__(
        self, image: TskImage, file: pytsk3.File, attribute: tuple[int, int] | None, size: int, where: str
    ) -> None:
        self.size = size
        self._image = image
        self._file = file
        self._attribute = attribute
        self._where = where

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the stream (see :meth:`StreamReader.read_at`)."""
        self._image.check_process()
        # TSK reports an error where a read begins at the end, and so for every read of an empty stream
        remaining = min(length, self.size - offset)
        pieces = []
        while remaining > 0:
            piece = self._read_piece(offset, min(remaining, _PIECE))
            pieces.append(piece)
            offset += len(piece)
            remaining -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def extents(self) -> tuple[tuple[int | None, int], ...] | None:
        """Tell where the stream lies (see :meth:`StreamReader.extents`)."""
        self._image.check_process()
        return None if self._attribute is None else extents(self._file, self._attribute)

    def _read_piece(self, offset: int, length: int) -> bytes:
        piece = b""
        cause: str | None = "no blocks are recorded for the rest"
        if self._attribute is not None:
            self._image.take_failure()
            try:
                piece = self._file.read_random(offset, length, *self._attribute)
                cause = self._image.take_failure() or (None if piece else cause)
            except TSK_ERRORS as error:
                raise self._error(offset, self._image.explain(error)) from error
        if cause is not None:
            raise self._error(offset, cause)
        return piece

    def _error(self, offset: int, cause: str) -> StreamReadError:
        return StreamReadError(f"cannot be read beyond byte {offset} of {self.size} ({cause})", self._where)


def open_stream(
    image: TskImage, file_system: pytsk3.FS_Info, type_name: str, family: Family, address: str
) -> TskStreamReader:
    """Open the stream at an address.

    Args:
        image: The image the file system lies in.
        file_system: The ``pytsk3.FS_Info``.
        type_name: Type of the file system, for errors.
        family: Kind of file system.
        address: ``1234`` or ``1234-128-3``, as the walk gives it.

    Raises:
        LocatorError: No stream is at that address.
        StreamReadError: Part of its list of blocks is missing.
    """
    image.check_process()
    where = f"{type_name}:{address}"
    try:
        file = file_system.open_meta(int(address.partition("-")[0]))
        if file.info.meta is None:
            raise LocatorError("no such stream in this file system", where, "check the locator and the source")
        found = next((content for content in contents(file, family) if content.address == address), None)
        if found is None:
            what = "is a directory, not a stream" if is_directory(file.info.meta) else "no such stream in this file"
            raise LocatorError(what, where, "check the locator and the source")
        if found.attribute is not None and has_missing_runs(file, found.attribute):
            raise StreamReadError("cannot be read: part of its list of blocks is missing", where)
    except (*TSK_ERRORS, OverflowError) as error:
        raise LocatorError(
            f"nothing can be opened at this address ({image.explain(error)})", where, "check the locator and the source"
        ) from error
    return TskStreamReader(image, file, found.attribute, found.size, where)
