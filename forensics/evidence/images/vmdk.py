"""VMDK images: virtual disks of VMware, VirtualBox and OVA files, in one file or several, with snapshots' parents.

A reader of our own, because libvmdk ignores where in its file a flat extent begins (checked with libvmdk-python
20260714), does not read extents of zeros, and reads nothing of a stream-optimised disk whose end is missing.

A truncated disk is declared in :attr:`VmdkImage.damage`, and what is missing is an error when it is read, never zeros.
Compressed grains have checksums; a changed byte in any other grain cannot be noticed.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import ClassVar

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import ImageFormat
from forensics.evidence.images.neighbour import require_neighbour
from forensics.evidence.images.piecewise import PiecewiseImage
from forensics.evidence.images.read_only_file import ReadOnlyFile
from forensics.evidence.images.vmdk_descriptor import NO_PARENT, Descriptor, Extent, parse_descriptor
from forensics.evidence.images.vmdk_sparse import ESX_MAGIC, HOSTED_MAGIC, SparseExtent, read_header

DESCRIPTOR_MAGIC = b"# disk descriptorfile"

_FLAT = frozenset({"FLAT", "VMFS"})
_SPARSE = frozenset({"SPARSE", "VMFSSPARSE"})
_LARGEST_DESCRIPTOR = 16 << 20


class VmdkImage(PiecewiseImage):
    """An open VMDK, with the disks it is based on.

    Args:
        path: The descriptor, or the file that holds it.
        children: The disks based on this one, so that a circle is noticed.
    """

    format: ClassVar[str] = "vmdk"

    def __init__(self, path: Path, children: tuple[Path, ...] = ()) -> None:
        self._children = children
        self._parent: VmdkImage | None = None
        self._extents: list[tuple[int, Extent, ReadOnlyFile | SparseExtent | None]] = []
        super().__init__(path)

    def _open(self) -> None:
        file = self._open_file(self.path)
        descriptor = self._read_descriptor(file)
        self.identifier = descriptor.identifier
        self.metadata = {"create_type": descriptor.kind} if descriptor.kind.isalnum() else {}
        damages = []
        start = 0
        for number, extent in enumerate(descriptor.extents, start=1):
            opened = self._open_extent(extent, file, alone=len(descriptor.extents) == 1)
            damages += [f"extent {number}: {damage}" for damage in _damages(extent, opened)]
            self._extents.append((start, extent, opened))
            start += extent.size
        self._starts = [start for start, _, _ in self._extents]
        self.size = start
        damages += self._left_over()
        if not self.size:
            raise ImageError("lists no extents: it is damaged", str(self.path), "copy the image again")
        if descriptor.parent_identifier != NO_PARENT:
            self._open_parent(descriptor)
        self.damage = "; ".join(damages)

    def _read_descriptor(self, file: ReadOnlyFile) -> Descriptor:
        head = file.read_at(0, 4)
        if head not in {ESX_MAGIC, HOSTED_MAGIC}:
            return parse_descriptor(file.read_at(0, _LARGEST_DESCRIPTOR), self.path)
        header = read_header(file)
        if header.descriptor_size > _LARGEST_DESCRIPTOR:
            raise ImageError("its header makes no sense: it is damaged", str(self.path), "copy the image again")
        data = b""
        if header.descriptor_offset:
            data = file.read_exactly(header.descriptor_offset, header.descriptor_size, "the descriptor")
        descriptor = parse_descriptor(data, self.path)
        if not descriptor.extents:
            raise ImageError(
                "is one extent of a VMDK, not its descriptor", str(self.path), "name the small .vmdk file beside it"
            )
        return descriptor

    def _open_extent(self, extent: Extent, file: ReadOnlyFile, *, alone: bool) -> ReadOnlyFile | SparseExtent | None:
        """Open the file of an extent; ``None`` if it has none."""
        if extent.kind == "ZERO" or not extent.accessible:
            return None
        if extent.kind not in _FLAT | _SPARSE:
            raise ImageError(
                f"has an extent of type {extent.kind}, which is not supported",
                str(self.path),
                "convert it to raw or E01",
            )
        if alone and file.read_at(0, 4) == HOSTED_MAGIC:
            # the descriptor stands in the extent itself, which may have another name by now
            opened = file
        else:
            opened = self._open_file(require_neighbour(self.path, extent.name, "extent"))
            self.segments += (opened.path,)
        return SparseExtent(opened) if extent.kind in _SPARSE else opened

    def _left_over(self) -> list[str]:
        """Tell of files that are longer than what the descriptor says is in them: a changed number could hide it."""
        ends: dict[Path, tuple[int, int]] = {}
        for _, extent, opened in self._extents:
            if isinstance(opened, ReadOnlyFile):
                end = max(extent.offset + extent.size, ends.get(opened.path, (0, 0))[1])
                ends[opened.path] = opened.size, end
        return [
            f"the last {size - end} bytes of the file of an extent belong to none"
            for size, end in ends.values()
            if size > end
        ]

    def _open_parent(self, descriptor: Descriptor) -> None:
        path = require_neighbour(self.path, descriptor.parent_name, "parent disk")
        children = (*self._children, self.path)
        if any(path.samefile(child) for child in children):
            raise ImageError("is based on itself", str(self.path), "restore the names of the images")
        self._parent = VmdkImage(path, children)
        self._resources.callback(self._parent.close)
        if self._parent.identifier != descriptor.parent_identifier:
            raise MissingSegmentError(
                f"{path.name} is not the parent it was made from, or was changed since",
                str(self.path),
                "put the right one beside it",
            )
        self.segments += self._parent.segments

    def _piece(self, offset: int, most: int) -> bytes:
        # of extents that begin together, all but the last are empty
        number = bisect_right(self._starts, offset)
        start, extent, opened = self._extents[number - 1]
        within = offset - start
        most = min(most, extent.size - within)
        if isinstance(opened, ReadOnlyFile):
            return opened.read_exactly(extent.offset + within, most, f"extent {number}")
        if opened is None:
            if extent.accessible:
                return bytes(most)
            raise ImageError(f"extent {number} of the medium was not stored in it", str(self.path))
        if within >= opened.size:
            raise ImageError(f"extent {number} is smaller than the descriptor says", str(self.path))
        data, length = opened.piece(within, min(most, opened.size - within))
        if data is not None:
            return data
        found = self._parent.read_at(offset, length) if self._parent else b""
        return found or bytes(length)


def _damages(extent: Extent, opened: ReadOnlyFile | SparseExtent | None) -> list[str]:
    """Tell what is wrong with an extent."""
    if opened is None:
        return []
    if isinstance(opened, SparseExtent):
        damages = [opened.damage] if opened.damage else []
        # its size may be rounded up to a grain
        if not extent.size <= opened.size < extent.size + opened.grain_size:
            damages.append(f"holds {opened.size} bytes, the descriptor says {extent.size}")
        return damages
    missing = extent.offset + extent.size - opened.size
    return [f"{missing} bytes are missing at the end of its file"] if missing > 0 else []


class VmdkFormat(ImageFormat):
    """VMDK images: a descriptor, or a file that holds one."""

    name: ClassVar[str] = "vmdk"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  the name proves nothing
        """Recognise descriptors and sparse extents."""
        return head.startswith((HOSTED_MAGIC, ESX_MAGIC)) or head.lower().startswith(DESCRIPTOR_MAGIC)

    def open(self, path: Path) -> VmdkImage:
        """Open a VMDK (see :meth:`ImageFormat.open`)."""
        return VmdkImage(path)
