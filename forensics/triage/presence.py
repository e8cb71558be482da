"""Whether the evidence is still there: a disk that was unplugged must not look like a disk full of unreadable files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISBLK, S_ISDIR

from forensics.errors import ImageError
from forensics.evidence.description import SourceDescription

_SAMPLE = 4096


@dataclass(frozen=True, slots=True)
class _Place:
    """A file, folder or device as it was when the scan began. Not by inode: FUSE may number anew at any time."""

    path: Path
    device: int
    size: int

    @classmethod
    def of(cls, path: Path) -> _Place:
        status = path.stat()
        size = 0 if S_ISDIR(status.st_mode) or S_ISBLK(status.st_mode) else status.st_size
        return cls(path, status.st_rdev or status.st_dev, size)


@dataclass(frozen=True, slots=True)
class Presence:
    """The files of a source as they were when its examination began."""

    places: tuple[_Place, ...]

    @classmethod
    def of(cls, description: SourceDescription) -> Presence:
        """Look at the files of a source for the first time.

        Raises:
            ImageError: They are gone already.
        """
        paths = description.segment_paths or (description.path,)
        try:
            return cls(tuple(_Place.of(path) for path in paths))
        except OSError as error:
            raise _gone(description.path, error.strerror) from error

    def check(self) -> None:
        """Look again; to be called when something could not be read, before that is held against the evidence.

        Raises:
            ImageError: A file is gone, is another one or has another size, or cannot be read at all.
        """
        for place in self.places:
            try:
                if _Place.of(place.path) != place:
                    raise _gone(place.path, "another size, or another disk")
                _read_a_little(place.path)
            except OSError as error:
                raise _gone(place.path, error.strerror) from error


def _read_a_little(path: Path) -> None:
    """List a folder, or read the beginning of a file or device from where it is stored, not from memory."""
    if path.is_dir():
        next(path.iterdir(), None)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(descriptor, 0, _SAMPLE, os.POSIX_FADV_DONTNEED)
        os.pread(descriptor, _SAMPLE, 0)
    finally:
        os.close(descriptor)


def _gone(path: Path, why: str | None) -> ImageError:
    remedy = "connect it again and run the same command: what was found so far is kept"
    return ImageError(f"is no longer there as it was when the scan began ({why})", str(path), remedy)
