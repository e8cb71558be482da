"""Reads the bytes of one stream of a file system opened by The Sleuth Kit."""

from __future__ import annotations

import pytsk3

from forensics.errors import LocatorError, StreamReadError
from forensics.evidence.filesystem import StreamReader
from forensics.evidence.filesystems.tsk_attribute import is_default
from forensics.evidence.tsk_image import TskImage

_PIECE = 4 << 20
"""Longest single read; pytsk3 allocates as much as it is asked for."""

_DIRECTORY_TYPES = (int(pytsk3.TSK_FS_META_TYPE_DIR), int(pytsk3.TSK_FS_META_TYPE_VIRT_DIR))
_COMPLETE_LISTS = {int(pytsk3.TSK_FS_ATTR_TYPE_NTFS_DATA), int(pytsk3.TSK_FS_ATTR_TYPE_HFS_DATA)}
_FILLER = int(pytsk3.TSK_FS_ATTR_RUN_FLAG_FILLER)


class TskStreamReader(StreamReader):
    """The bytes of one attribute of a file.

    Args:
        image: The image, to check the process and to explain errors.
        file: The ``pytsk3.File``.
        attribute: Type and number of the attribute.
        size: Its length in bytes.
        where: Its address with the file-system type, for errors.
    """

    def __init__(self, image: TskImage, file: pytsk3.File, attribute: tuple[int, int], size: int, where: str) -> None:
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

    def _read_piece(self, offset: int, length: int) -> bytes:
        kind, number = self._attribute
        try:
            piece: bytes = self._file.read_random(offset, length, kind, number)
        except OSError as error:
            raise StreamReadError(
                f"cannot be read beyond byte {offset} of {self.size} ({self._image.explain(error)})", self._where
            ) from error
        if not piece:
            raise StreamReadError(
                f"ends at byte {offset} of {self.size}: no blocks are recorded for the rest", self._where
            )
        return piece


def open_stream(image: TskImage, file_system: pytsk3.FS_Info, type_name: str, address: str) -> TskStreamReader:
    """Open the stream at an address.

    Args:
        image: The image the file system lies in.
        file_system: The ``pytsk3.FS_Info``.
        type_name: Type of the file system, for errors.
        address: ``1234`` for a file's own data, ``1234-128-3`` for one of its attributes.

    Raises:
        LocatorError: Nothing is at that address.
        StreamReadError: Part of its block list is missing; TSK would give zeros for it.
    """
    image.check_process()
    where = f"{type_name}:{address}"
    inode, *wanted = (int(part) for part in address.split("-"))
    try:
        file = file_system.open_meta(inode)
        if not wanted and int(file.info.meta.type) in _DIRECTORY_TYPES:
            raise LocatorError("is a directory, not a stream", where, "name one of the streams of this source")
        for attribute in file:
            info = attribute.info
            kind, number = int(info.type), int(info.id)
            if [kind, number] == wanted or (not wanted and is_default(kind) and not info.name):
                if kind in _COMPLETE_LISTS:
                    _refuse_filler(attribute, where)
                return TskStreamReader(image, file, (kind, number), int(info.size), where)
    except OSError as error:
        raise LocatorError(
            f"nothing can be opened at this address ({image.explain(error)})", where, "check the locator and the source"
        ) from error
    if not wanted and not int(file.info.meta.size):
        return TskStreamReader(image, file, (0, 0), 0, where)
    raise LocatorError("no such stream in this file system", where, "check the locator and the source")


def _refuse_filler(attribute: pytsk3.Attribute, where: str) -> None:
    """Refuse a stream with a hole that stands for block lists TSK could not find: it would read as zeros.

    On NTFS and HFS+, TSK fills what it does not find with such runs; on ext it also marks ordinary holes so.
    """
    for run in attribute:
        if int(run.flags) & _FILLER:
            raise StreamReadError("part of its list of blocks is missing", where)
