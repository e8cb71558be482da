"""A file of a disk image, opened for reading only."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from forensics.errors import ImageError


class ReadOnlyFile:
    """A file or device opened with ``O_RDONLY``.

    Reads go through ``pread``, so no file offset is shared with anyone. It is also as much of a Python file object as
    the libyal libraries and :mod:`zipfile` need, so that they never open a file themselves.

    Args:
        path: The file.

    Attributes:
        path: The file.
        size: Bytes in it when it was opened.

    Raises:
        ImageError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        self._position = 0
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            # the size of a device is not in its stat; seeking tells it for both, and no read depends on the offset
            self.size = os.lseek(self._descriptor, 0, os.SEEK_END)
        except OSError as error:
            self.close()
            raise ImageError(f"cannot be opened ({error.strerror})", str(path), "check permissions") from error

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the file.

        Args:
            offset: First byte.
            length: How many bytes.

        Returns:
            The bytes; fewer than asked for only at the end of the file.

        Raises:
            ImageError: They cannot be read, or the file has become shorter.
        """
        wanted = min(length, self.size - offset)
        if wanted <= 0:
            return b""
        try:
            data = os.pread(self._descriptor, wanted, offset)
            while len(data) < wanted:
                more = os.pread(self._descriptor, wanted - len(data), offset + len(data))
                if not more:
                    raise ImageError(f"ends at byte {offset + len(data)} although it was longer", str(self.path))
                data += more
        except OSError as error:
            raise ImageError(
                f"byte {offset} cannot be read ({error.strerror})", str(self.path), "check the medium it is stored on"
            ) from error
        return data

    def read_exactly(self, offset: int, length: int, what: str) -> bytes:
        """Read bytes that must be there.

        Args:
            offset: First byte.
            length: How many bytes.
            what: What they are, for the error, such as ``the block table``.

        Raises:
            ImageError: The file ends before, or they cannot be read.
        """
        data = self.read_at(offset, length) if offset >= 0 else b""
        if len(data) < length:
            raise ImageError(
                f"breaks off: {what} should reach from byte {offset} to {offset + length}, the file has {self.size}",
                str(self.path),
                "copy or acquire the image again",
            )
        return data

    def read(self, size: int = -1) -> bytes:
        """Read from the current position on, as a Python file does."""
        data = self.read_at(self._position, self.size if size is None or size < 0 else size)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the current position, as a Python file does."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def tell(self) -> int:
        """Tell the current position."""
        return self._position

    def seekable(self) -> bool:
        """Tell that it can be sought in."""
        return True

    def get_size(self) -> int:
        """Tell the size in bytes, under libyal's name."""
        return self.size

    def close(self) -> None:
        """Release the file descriptor. Closing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
