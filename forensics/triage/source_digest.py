"""A digest over the files of a source, or over the list of them, to show that examining it did not change it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from forensics.errors import ImageError
from forensics.evidence import folder_manifest
from forensics.evidence.description import SourceDescription

_READ_SIZE = 4 * 1024 * 1024


def what_is_digested(description: SourceDescription) -> str:
    """Name what :func:`digest_source` digests, for people."""
    if description.digest_algorithm == folder_manifest.ALGORITHM:
        return "list of its files with sizes and times"
    return "evidence"


def digest_source(description: SourceDescription, on_bytes: Callable[[int], None]) -> str:
    """Digest a source in the way its description names.

    Args:
        description: What it is.
        on_bytes: Called with the number of bytes read, as reading goes on.

    Raises:
        ImageError: It cannot be read to its end.
    """
    if description.digest_algorithm == folder_manifest.ALGORITHM:
        return folder_manifest.digest_folder(description.path, lambda _: on_bytes(0))
    return digest_files(description.segment_paths, on_bytes)


def digest_files(paths: Sequence[Path], on_bytes: Callable[[int], None]) -> str:
    """Digest files as if they were one, segments in order: the same as ``cat SEGMENTS | sha256sum``.

    Args:
        paths: The segments, in order.
        on_bytes: Called with the number of bytes read, as reading goes on.

    Raises:
        ImageError: A file cannot be read to its end.
    """
    digest = hashlib.sha256()
    buffer = bytearray(_READ_SIZE)
    view = memoryview(buffer)
    for path in paths:
        try:
            with path.open("rb", buffering=0) as file:
                while count := file.readinto(buffer):
                    digest.update(view[:count])
                    on_bytes(count)
        except OSError as error:
            raise ImageError(
                f"cannot be read to its end ({error.strerror})", str(path), "check the medium, then run again"
            ) from error
    return digest.hexdigest()
