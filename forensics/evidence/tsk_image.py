"""Gives The Sleuth Kit a disk image of ours to read from."""

from __future__ import annotations

import os

import pytsk3

from forensics.errors import EvidenceError, TamizError
from forensics.evidence.image import DiskImage

TSK_ERRORS = (OSError, RuntimeError)
"""What pytsk3 raises where TSK reports an error."""


class TskImage(pytsk3.Img_Info):  # type: ignore[misc]  # pytsk3 has no types
    """A :class:`DiskImage` as an ``Img_Info`` of pytsk3, so that TSK never opens or guesses an image itself.

    Belongs to the process that opened the image. A handle inherited through a fork shares a file offset and gives
    wrong bytes without any error, so each read checks the process.

    Args:
        image: The image.
        sector_size: Bytes a sector; ``None`` for what the image states.

    Attributes:
        image: The image it reads from.
    """

    def __init__(self, image: DiskImage, sector_size: int | None = None) -> None:
        # pytsk3 may call read() while its own constructor runs
        self.image = image
        self._process = os.getpid()
        self._failure: Exception | None = None
        self._failed_range = range(0)
        super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL, sector_size=sector_size or image.sector_size)

    def check_process(self) -> None:
        """Refuse to be used after a fork.

        Raises:
            EvidenceError: The image was opened in another process.
        """
        if os.getpid() != self._process:
            raise EvidenceError(
                "evidence opened in another process is used here",
                self.image.path.name,
                "open each source in the process that reads it",
            )

    def read(self, offset: int, length: int) -> bytes:
        """Read for TSK: nothing where the image cannot be read, and what there is where TSK asks past the end.

        Never raises: pytsk3 leaves an exception from here pending and raises it after a later call that succeeded.
        """
        try:
            self.check_process()
            data = self.image.read_at(offset, length) if offset >= 0 else b""
        except Exception as error:  # noqa: BLE001  C code calls this
            self._failure = error
            self._failed_range = range(offset, offset + length)
            return b""
        # TSK reads 64 KiB for its cache first and, where that fails, just what it needs
        if offset in self._failed_range and offset + length <= self._failed_range.stop:
            self._failure = None
        return data

    def get_size(self) -> int:
        """Size of the medium in bytes."""
        return self.image.size

    def close(self) -> None:
        """Do nothing: the image belongs to the source that opened it."""

    def explain(self, error: BaseException) -> str:
        """Say in one line why a call into TSK failed: TSK's words, and the image's own if it could not be read.

        Args:
            error: What pytsk3 raised.
        """
        failure = self.take_failure()
        return f"{_words(error)}: {failure}" if failure else _words(error)

    def take_failure(self) -> str | None:
        """Say why reads failed since this was last asked; ``None`` if none did.

        TSK may pass over a failed read and go on with what it has, so ask after each call that must be complete.
        """
        failure, self._failure = self._failure, None
        return None if failure is None else _words(failure)


def _words(error: BaseException) -> str:
    if isinstance(error, TamizError):
        return error.what
    # pytsk3 puts "Function: (tsk3.cpp:123) " in front of TSK's own text
    text = " ".join(str(error).split())
    return text.partition(") ")[2] if "(tsk3.c" in text.partition(") ")[0] else text
