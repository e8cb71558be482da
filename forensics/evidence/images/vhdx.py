"""VHDX images: virtual disks of Hyper-V since Windows 8, of fixed size, dynamic and differencing; by libvhdi.

Checked with libvhdi-python 20260901: a block beyond the end of a truncated file is an error when it is read, never
zeros. Block table and data have no checksums, so a changed byte there cannot be noticed. It does not replay the log, in
which a host that was switched off has left its last changes to the block table. That, damaged headers
(:mod:`~forensics.evidence.images.vhdx_headers`) and truncation are declared in :attr:`VhdxImage.damage`.

Format: Microsoft, [MS-VHDX], "Virtual Hard Disk v2 (VHDX) File Format".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pyvhdi

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import ImageFormat
from forensics.evidence.images.libyal import LIBYAL_ERRORS, explain, read_some
from forensics.evidence.images.neighbour import require_neighbour
from forensics.evidence.images.piecewise import PiecewiseImage
from forensics.evidence.images.vhdx_headers import RepairedFile, read_headers

VHDX_MAGIC = b"vhdxfile"


class VhdxImage(PiecewiseImage):
    """An open VHDX, with the disks it is based on.

    Args:
        path: The image.
        children: The disks based on this one, so that a circle is noticed.
    """

    format: ClassVar[str] = "vhdx"

    def __init__(self, path: Path, children: tuple[Path, ...] = ()) -> None:
        self._children = children
        super().__init__(path)

    def _open(self) -> None:
        file = self._resources.enter_context(RepairedFile(self.path))
        headers = read_headers(file)
        file.repairs = headers.repairs
        self.handle: Any = pyvhdi.file()
        try:
            self.handle.open_file_object(file)
            self._resources.callback(self.handle.close)
            self.size = self.handle.get_media_size()
            self.sector_size = self.handle.get_bytes_per_sector()
            kind = self.handle.get_disk_type()
        except LIBYAL_ERRORS as error:
            raise ImageError(
                f"cannot be opened as a VHDX image ({explain(error)})", str(self.path), "copy the image again"
            ) from error
        damages = list(headers.damages)
        if kind == pyvhdi.disk_types.DIFFERENTIAL:
            damages += self._open_parent()
        self.damage = "; ".join(damages)

    def _open_parent(self) -> list[str]:
        try:
            name, identifier = self.handle.get_parent_filename() or "", self.handle.get_parent_identifier()
        except LIBYAL_ERRORS as error:
            raise ImageError(
                f"does not say what it is based on ({explain(error)})", str(self.path), "copy the image again"
            ) from error
        path = require_neighbour(self.path, name, "parent disk")
        children = (*self._children, self.path)
        if any(path.samefile(child) for child in children):
            raise ImageError("is based on itself", str(self.path), "restore the names of the images")
        parent = VhdxImage(path, children)
        self._resources.callback(parent.close)
        self.segments += parent.segments
        try:
            if parent.handle.get_identifier() != identifier:
                raise MissingSegmentError(
                    f"{path.name} is not the parent it was made from, or was changed since",
                    str(self.path),
                    "put the right one beside it",
                )
            self.handle.set_parent(parent.handle)
        except LIBYAL_ERRORS as error:
            raise ImageError(f"cannot be read with its parent ({explain(error)})", str(self.path)) from error
        return [f"of the disk it is based on: {parent.damage}"] if parent.damage else []

    def _piece(self, offset: int, most: int) -> bytes:
        return read_some(self.handle, offset, most, self.path)


class VhdxFormat(ImageFormat):
    """VHDX images."""

    name: ClassVar[str] = "vhdx"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  the name proves nothing
        """Recognise the file type identifier."""
        return head.startswith(VHDX_MAGIC)

    def open(self, path: Path) -> VhdxImage:
        """Open a VHDX (see :meth:`ImageFormat.open`)."""
        return VhdxImage(path)
