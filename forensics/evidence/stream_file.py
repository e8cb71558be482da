"""A stream as a Python file object, for libraries that want one. Nothing is copied and nothing is opened."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from forensics.evidence.filesystem import StreamReader


class StreamFile(io.RawIOBase):
    """The bytes of a stream, read-only and seekable, unbuffered.

    Reads raise what the stream's reader raises (:class:`~forensics.errors.StreamReadError`).

    Args:
        reader: The stream.
        start: Offset in the stream at which the file begins; it ends where the stream does.
    """

    def __init__(self, reader: StreamReader, start: int = 0) -> None:
        super().__init__()
        self._reader = reader
        self._start = start
        self._size = max(reader.size - start, 0)
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read from the current position on; 0 at the end."""
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._size - self._position)
        if wanted <= 0:
            return 0
        data = self._reader.read_at(self._start + self._position, wanted)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Set the current position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def tell(self) -> int:
        """Tell the current position."""
        return self._position
