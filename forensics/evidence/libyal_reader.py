"""Reads ranges of bytes through handles of the libyal libraries in the way they are right: whole sectors, in pieces.

From the middle of a sector on, libbde 20260916 and libvshadow 20260714 go on with wrong bytes in the next one, without
an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from forensics.errors import TamizError
from forensics.evidence.volume_file import LIBYAL_ERRORS, VolumeFile

_SECTOR = 4096
"""A multiple of every sector size."""


class _Handle(Protocol):
    def read_buffer_at_offset(self, size: int, offset: int) -> bytes: ...


class LibyalReader:
    """What a handle reads, from the first byte to the last.

    Args:
        handle: The library's handle.
        size: Bytes there are.
        file: What the library reads from; it knows why it could not.
        piece: Most bytes the library is asked for at a time.
        error: Makes what is raised, of the first byte that cannot be read and the cause, which may be empty.
    """

    def __init__(
        self, handle: _Handle, size: int, file: VolumeFile, piece: int, error: Callable[[int, str], TamizError]
    ) -> None:
        self._handle = handle
        self._size = size
        self._file = file
        self._piece = piece
        self._error = error

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes; fewer only at the end.

        Args:
            offset: First byte.
            length: Most bytes to read.

        Raises:
            TamizError: As ``error`` makes it: some cannot be read.
        """
        length = min(length, self._size - offset)
        if length <= 0:
            return b""
        first = place = offset // _SECTOR * _SECTOR
        end = min(-(-(offset + length) // _SECTOR) * _SECTOR, self._size)
        pieces = []
        while place < end:
            pieces.append(self._read_piece(place, min(end - place, self._piece)))
            place += len(pieces[-1])
        whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return whole[offset - first : offset - first + length]

    def _read_piece(self, offset: int, length: int) -> bytes:
        try:
            piece = self._handle.read_buffer_at_offset(length, offset)
        except LIBYAL_ERRORS as error:
            raise self._error(offset, self._file.explain(error)) from error
        if len(piece) < length:
            piece = piece[: len(piece) // _SECTOR * _SECTOR]  # the next one begins with a sector too
            if not piece:
                raise self._error(offset, "")
        return piece
