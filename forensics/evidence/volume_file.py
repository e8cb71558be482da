"""Gives the libyal libraries a volume of ours to read from, so that they never open a file themselves."""

from __future__ import annotations

import os
from contextlib import suppress

from forensics.errors import TamizError
from forensics.evidence.image import DiskImage
from forensics.evidence.images.libyal import LIBYAL_ERRORS, explain
from forensics.evidence.volume import Volume

_WINDOW = 64 * 1024

__all__ = ["LIBYAL_ERRORS", "VolumeFile"]


class VolumeFile:
    """A volume as as much of a Python file object as the libyal libraries need.

    Args:
        image: The image the volume is a part of.
        volume: The volume; what of it lies beyond the end of the image is left out.
    """

    def __init__(self, image: DiskImage, volume: Volume) -> None:
        self._image = image
        self._start = volume.offset
        self._size = max(min(volume.size, image.size - volume.offset), 0)
        self._position = 0
        self._failure: TamizError | None = None
        self._window, self._window_start = b"", 0

    def read(self, size: int = -1) -> bytes:
        """Read from the current position on."""
        wanted = min(size if size >= 0 else self._size, self._size - self._position)
        if wanted <= 0:
            return b""
        try:
            data = self._read_small(wanted) if wanted <= _WINDOW // 2 else b""
            data = data or self._image.read_at(self._start + self._position, wanted)
        except TamizError as error:
            self._failure = error
            raise OSError(error.what) from error
        self._position += len(data)
        return data

    def _read_small(self, wanted: int) -> bytes:
        """Read from a window that is kept: the libraries decrypt sector by sector. Nothing where it cannot be read."""
        begin = self._position - self._window_start
        if not 0 <= begin <= len(self._window) - wanted:
            self._window_start, self._window = self._position, b""
            with suppress(TamizError):  # perhaps the part that is wanted can be read
                self._window = self._image.read_at(
                    self._start + self._window_start, min(_WINDOW, self._size - self._window_start)
                )
            begin = 0
        return self._window[begin : begin + wanted] if begin + wanted <= len(self._window) else b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the current position."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def tell(self) -> int:
        """Tell the current position."""
        return self._position

    def get_size(self) -> int:
        """Tell the size in bytes."""
        return self._size

    def take_failure(self) -> str:
        """Say what the image said when it last could not be read, once; empty if it always could."""
        failure, self._failure = self._failure, None
        return failure.what if failure else ""

    def explain(self, error: BaseException) -> str:
        """Say in a few words why a call into a library failed: what the image said if it could not be read.

        Args:
            error: What the library raised, one of :data:`LIBYAL_ERRORS`.
        """
        return self.take_failure() or explain(error)
