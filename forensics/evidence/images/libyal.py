"""Disk images read by one of the libyal libraries (libvhdi and its like), which all have the same interface.

They are given files that we opened, read-only, and never open any themselves. Their errors are translated here. A
handle must not be used after a fork, like any :class:`~forensics.evidence.image.DiskImage`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from forensics.errors import ImageError

LIBYAL_ERRORS = (OSError, MemoryError, ValueError, OverflowError)
"""What these libraries raise: OSError for whatever they report, the others from their Python bindings."""


class LibyalHandle(Protocol):
    """What the handles of these libraries have in common."""

    def get_media_size(self) -> int:
        """Tell the size of the medium in bytes."""

    def read_buffer_at_offset(self, size: int, offset: int) -> bytes:
        """Read bytes of the medium; may give fewer than asked for."""


def read_some(handle: LibyalHandle, offset: int, length: int, path: Path) -> bytes:
    """Read bytes of the medium.

    Args:
        handle: The library's handle.
        offset: First byte.
        length: Most bytes to read.
        path: The image, for errors.

    Returns:
        At least one byte.

    Raises:
        ImageError: They cannot be read, or the library gives nothing although they are within the medium.
    """
    try:
        data = handle.read_buffer_at_offset(length, offset)
    except LIBYAL_ERRORS as error:
        raise ImageError(
            f"byte {offset} of the medium cannot be read ({explain(error)})",
            str(path),
            "copy the image again from its original",
        ) from error
    if not data:
        raise ImageError(f"byte {offset} of the medium cannot be read", str(path), "copy the image again")
    return data


def explain(error: BaseException) -> str:
    """Say in a few words why a libyal library failed: the innermost of the functions whose chain it reports."""
    # such as "pyvhdi_file_read: unable to read data. libvhdi_inner: the cause. libvhdi_outer: unable to read"
    clauses = " ".join(str(error).split()).split(". lib")
    cause = clauses[1 if len(clauses) > 1 else 0].partition(": ")[2] or type(error).__name__
    return cause.rstrip(".")
