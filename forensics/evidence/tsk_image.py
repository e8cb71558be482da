"""Gives The Sleuth Kit a disk image of ours to read from."""

from __future__ import annotations

import os

import pytsk3

from forensics.errors import EvidenceError, TamizError
from forensics.evidence.image import DiskImage


class TskImage(pytsk3.Img_Info):  # type: ignore[misc]  # pytsk3 has no types
    """A :class:`DiskImage` as an ``Img_Info`` of pytsk3, so that TSK never opens or guesses an image itself.

    Belongs to the process that opened the image. A handle inherited through a fork shares a file offset and gives
    wrong bytes without any error, so each read checks the process.

    Attributes:
        image: The image it reads from.
    """

    def __init__(self, image: DiskImage) -> None:
        # pytsk3 may call read() while its own constructor runs
        self.image = image
        self._process = os.getpid()
        self._last_error: Exception | None = None
        super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL, sector_size=image.sector_size)

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
        """Read for TSK. Asked past the end, it gives what there is."""
        try:
            self.check_process()
            return self.image.read_at(offset, length) if offset >= 0 else b""
        except Exception as error:
            # TSK turns any exception into "read error"; kept to say in the end what really happened
            self._last_error = error
            raise

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
        text = _words(error)
        if self._last_error is not None:
            text = f"{text}: {_words(self._last_error)}"
            self._last_error = None
        return text


def _words(error: BaseException) -> str:
    if isinstance(error, TamizError):
        return error.what
    # pytsk3 puts "Function: (tsk3.cpp:123) " in front of TSK's own text
    text = " ".join(str(error).split())
    return text.partition(") ")[2] if "(tsk3.c" in text.partition(") ")[0] else text
