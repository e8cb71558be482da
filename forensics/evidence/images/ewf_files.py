"""Reads from the segment files of an EWF image, of which there may be more than a process may hold open."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from forensics.errors import ImageError

_MOST_OPEN = 64


class SegmentFiles:
    """The segment files of an image, opened when they are first read from and closed when others are.

    Reads go through ``pread``, so no file offset is shared with anyone. May be used by several threads.

    Args:
        paths: The segment files, in order.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._open: OrderedDict[int, int] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False

    def read(self, segment: int, offset: int, length: int) -> bytes:
        """Read from a segment file.

        Args:
            segment: Index of the segment file, from 0.
            offset: First byte.
            length: How many bytes.

        Returns:
            The bytes; fewer than asked for only at the end of the file.

        Raises:
            ImageError: The file cannot be read, or the image is closed.
        """
        try:
            # held while reading: another thread must not close the file, and its number go to another one, meanwhile
            with self._lock:
                descriptor = self._descriptor(segment)
                data = os.pread(descriptor, length, offset)
                while 0 < len(data) < length:
                    more = os.pread(descriptor, length - len(data), offset + len(data))
                    if not more:
                        break
                    data += more
        except OSError as error:
            raise ImageError(
                f"segment {segment + 1} cannot be read at byte {offset} ({error.strerror})",
                str(self._paths[segment]),
                "check the medium it is stored on",
            ) from error
        return data

    def close(self) -> None:
        """Close all files. Closing twice is harmless."""
        with self._lock:
            self._closed = True
            while self._open:
                os.close(self._open.popitem()[1])

    def _descriptor(self, segment: int) -> int:
        descriptor = self._open.get(segment)
        if descriptor is not None:
            self._open.move_to_end(segment)
            return descriptor
        if self._closed:
            raise ImageError("is read after it was closed", str(self._paths[0]))
        while len(self._open) >= _MOST_OPEN:
            os.close(self._open.popitem(last=False)[1])
        descriptor = os.open(self._paths[segment], os.O_RDONLY | os.O_CLOEXEC)
        self._open[segment] = descriptor
        return descriptor
