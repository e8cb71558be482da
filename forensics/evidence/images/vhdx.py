"""VHDX images: virtual disks of Hyper-V since Windows 8, of fixed size, dynamic and differencing; by libvhdi.

Checked with libvhdi-python 20260901: it verifies the checksums of headers and of the table of regions and refuses an
image in which both copies are damaged; block table and data have none, so a changed byte there cannot be noticed; a
block beyond the end of a truncated file is an error when it is read, never zeros. It does not replay the log, in which
a host that was switched off has left its last changes to the block table. Both are looked for here and declared in
:attr:`VhdxImage.damage`.

Format: Microsoft, [MS-VHDX], "Virtual Hard Disk v2 (VHDX) File Format".
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
import pyvhdi

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import ImageFormat
from forensics.evidence.images.libyal import LIBYAL_ERRORS, explain, read_some
from forensics.evidence.images.neighbour import require_neighbour
from forensics.evidence.images.piecewise import PiecewiseImage
from forensics.evidence.images.read_only_file import ReadOnlyFile

VHDX_MAGIC = b"vhdxfile"

_HEADERS = (64 << 10, 128 << 10)
_HEADER = struct.Struct("<4s4xQ16s16s16s")
_HEADER_MAGIC = b"head"
_REGIONS = (192 << 10, 256 << 10)
_REGION_TABLE = struct.Struct("<4s4xI4x")
_REGION = struct.Struct("<16sQI4x")
_REGION_MAGIC = b"regi"
_BLOCK_TABLE = UUID("2dc27766-f623-4200-9d64-115e9bfd4a08").bytes_le
_MOST_REGIONS = 2047
_LARGEST_TABLE = 256 << 20
_STATE, _STORED_STATES = 7, (6, 7)
_MEGABYTE = 1 << 20


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
        file = self._open_file(self.path)
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
        damages = []
        if _has_log(file):
            damages.append("its log holds changes to its block table that were not made before its host stopped")
        beyond = _blocks_beyond_end(file)
        if beyond:
            damages.append(f"the file breaks off at byte {file.size}: {beyond} blocks lie beyond it")
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


def _has_log(file: ReadOnlyFile) -> bool:
    """Tell whether the current header names a log that was not replayed."""
    found = []
    for offset in _HEADERS:
        magic, sequence, _, _, log = _HEADER.unpack(file.read_at(offset, _HEADER.size).ljust(_HEADER.size, b"\0"))
        if magic == _HEADER_MAGIC:
            found.append((sequence, log))
    return bool(found) and any(max(found)[1])


def _blocks_beyond_end(file: ReadOnlyFile) -> int:
    """Count the stored blocks that begin beyond the end of the file."""
    for start in _REGIONS:
        table = file.read_at(start, 64 << 10)
        if not table.startswith(_REGION_MAGIC):
            continue
        count = min(_REGION_TABLE.unpack_from(table)[1], _MOST_REGIONS)
        for number in range(count):
            kind, offset, length = _REGION.unpack_from(table, _REGION_TABLE.size + number * _REGION.size)
            if kind == _BLOCK_TABLE:
                data = file.read_at(offset, min(length, _LARGEST_TABLE))
                entries = np.frombuffer(data[: len(data) // 8 * 8], "<u8")
                stored = np.isin(entries & _STATE, _STORED_STATES)
                return int(np.count_nonzero(stored & ((entries >> 20) * _MEGABYTE >= file.size)))
    return 0
