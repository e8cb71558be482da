"""Images whose medium is put together from pieces: segments, clusters, blocks, grains, chunks."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import ExitStack
from pathlib import Path

from forensics.errors import ImageError
from forensics.evidence.image import DiskImage
from forensics.evidence.images.read_only_file import ReadOnlyFile


class PiecewiseImage(DiskImage):
    """An image that finds out, for each offset of the medium, where the bytes from there on lie.

    Args:
        path: The file the user named.

    Raises:
        ImageError: It cannot be opened; all files are closed again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.segments = (path,)
        self.stored_digests = {}
        self.metadata = {}
        self._resources = ExitStack()
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _open(self) -> None:
        """Open the files and read what tells where the pieces lie; must set ``size``.

        Raises:
            ImageError: The image cannot be read.
        """

    @abstractmethod
    def _piece(self, offset: int, most: int) -> bytes:
        """Read bytes of the medium that lie together.

        Args:
            offset: First byte, less than the size of the medium.
            most: Most bytes to give; does not reach beyond the end of the medium.

        Returns:
            At least one byte.

        Raises:
            ImageError: They cannot be read.
        """

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the medium (see :meth:`DiskImage.read_at`)."""
        end = min(offset + length, self.size)
        pieces = []
        while offset < end:
            piece = self._piece(offset, end - offset)
            if not piece:
                raise ImageError(f"byte {offset} of the medium cannot be read", str(self.path))
            pieces.append(piece)
            offset += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Release the files. Closing twice is harmless."""
        self._resources.close()

    def _open_file(self, path: Path) -> ReadOnlyFile:
        """Open a file of the image, to be closed with it."""
        return self._resources.enter_context(ReadOnlyFile(path))
