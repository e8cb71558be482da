"""A source: one evidence file, opened, with its volumes and file systems. The entry point for whatever reads evidence.

A :class:`Source` holds handles of the operating system and of C libraries. It is opened in the process that uses it
and never handed to another one; what travels between processes is the path, the label and locators.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from forensics.errors import EvidenceError, FileSystemError, ImageError, LocatorError
from forensics.evidence import signature
from forensics.evidence.filesystem import FileSystem, StreamReader
from forensics.evidence.image import DiskImage, open_image
from forensics.evidence.keys import Keyring
from forensics.evidence.layer import VolumeImage
from forensics.evidence.locator import SOURCE_LABEL, Locator
from forensics.evidence.lost_file_systems import SearchedArea
from forensics.evidence.shadow_history import ShadowHistory
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.volume import Volume
from forensics.evidence.volume_tree import VolumeNode, VolumeTree, offset_in_medium
from forensics.reason import Reason
from plugins import loader

_SMALLEST_UNSTRUCTURED_IMAGE = 64 * 1024
_SECTOR = 512


class Source:
    """An open source. Use as a context manager.

    Args:
        image: The open disk image; the source closes it.
        label: Source label, the first part of all its locators.
        keyring: Keys to its encrypted volumes.
        deep: Open also what only the profile ``deep`` examines (shadow copies).
        searched: Where another process found lost file systems (:meth:`searched_areas`), not to search again.

    Attributes:
        image: The disk image.
        label: Source label.
    """

    def __init__(
        self,
        image: DiskImage,
        label: str,
        keyring: Keyring | None = None,
        *,
        deep: bool = False,
        searched: Iterable[SearchedArea] | None = None,
    ) -> None:
        self.image = image
        self.label = label
        areas = None if searched is None else {area.label: area for area in searched}
        self._tree = VolumeTree(image, keyring or Keyring(), deep, areas)
        self._nodes: dict[str, VolumeNode] | None = None
        self._file_systems: dict[str, FileSystem | None] = {}
        self._history = ShadowHistory()

    @classmethod
    def open(
        cls,
        path: Path,
        label: str,
        keyring: Keyring | None = None,
        *,
        deep: bool = False,
        allow_writable: bool = False,
        searched: Iterable[SearchedArea] | None = None,
    ) -> Self:
        """Open a piece of evidence.

        Args:
            path: The disk image, or the first segment of a split one; a folder; a block device.
            label: Source label, such as ``E1``.
            keyring: Keys to its encrypted volumes.
            deep: Open also what only the profile ``deep`` examines (shadow copies).
            allow_writable: Open a folder or device even if something could write to it.
            searched: Where another process found lost file systems in it, not to search again.

        Raises:
            LocatorError: The label cannot be part of a locator.
            ImageError: The file is no disk image tamiz can open, or the folder or device could be written to.
            VolumeError: It has a partition table that cannot be read.
        """
        if not SOURCE_LABEL.fullmatch(label):
            raise LocatorError("is no source label", label, "use letters, digits, dots, hyphens and underscores")
        source = cls(open_image(path), label, keyring, deep=deep, searched=searched)
        try:
            if not allow_writable:
                source._refuse_writable()
            source._refuse_other_files()
        except BaseException:
            source.close()
            raise
        return source

    def volumes(self) -> tuple[Volume, ...]:
        """List the volumes in order of offset, areas the partition table leaves unallocated included.

        Each is followed by the volumes that lie in it: logical volumes, what an encrypted volume holds once unlocked,
        the volumes of an APFS container, shadow copies. An image without a partition table is one volume, ``p0``.

        Raises:
            VolumeError: A partition table is there but cannot be read.
        """
        return tuple(node.volume for node in self._all_nodes().values())

    def unlocked_keyring(self) -> Keyring:
        """The keys it was opened with, those of the volumes they unlocked, and which volumes none of them opens.

        Raises:
            VolumeError: A partition table is there but cannot be read.
        """
        nodes = self._all_nodes().values()
        found = ((node.volume.label, node.volume_key) for node in nodes if node.volume_key is not None)
        unopened = (node.volume.label for node in nodes if any(gap.keys_tried for gap in node.gaps))
        return self._tree.keyring.with_volume_keys(found).with_unopened(unopened)

    def searched_areas(self) -> tuple[SearchedArea, ...]:
        """The volumes that were searched for lost file systems, and where some were found, to spare others the search.

        Raises:
            VolumeError: A partition table is there but cannot be read.
        """
        return tuple(node.searched for node in self._all_nodes().values() if node.searched is not None)

    def file_system(self, volume: Volume) -> FileSystem | None:
        """Open the file system of a volume, once.

        Returns:
            ``None`` when no registered family of file systems knows it, or it holds volumes instead.

        Raises:
            FileSystemError: One was recognised but cannot be opened.
        """
        if volume.label not in self._file_systems:
            self._file_systems[volume.label] = self._open_file_system(self._all_nodes()[volume.label])
        return self._file_systems[volume.label]

    def walk(self, volume: Volume) -> Iterator[Stream | NotExamined]:
        """Walk over every stream of a volume, and name what cannot be examined.

        A volume or file system that reaches beyond the end of the image is reported and walked as far as it goes.
        Damage of the image as a whole is reported with its first allocated volume. An unallocated area is walked
        if a file system begins there (a table laid over an older disk), is listed if what begins there is known but
        not read, and otherwise yields nothing.
        """
        node = self._all_nodes()[volume.label]
        locator = str(Locator(self.label, volume.label))
        if self.image.damage and volume == self._first_allocated():
            yield NotExamined(self.label, Reason.IMAGE_DAMAGED, self.image.damage)
        yield from (NotExamined(locator, gap.reason, gap.detail, gap.size) for gap in node.gaps)
        if not node.readable:
            return
        if node.divided:
            yield from self._beyond_end(node, None)
            return
        try:
            is_known = node.file_system or self.image.holds_files
            head = b"" if is_known else node.image.read_at(node.within.offset, signature.HEAD_SIZE)
        except EvidenceError as error:
            yield NotExamined(locator, Reason.READ_ERROR, error.what, volume.size)
            return
        encryption = signature.encryption(head)
        if encryption:
            yield NotExamined(locator, Reason.VOLUME_ENCRYPTED, encryption, volume.size)
            return
        try:
            file_system = self.file_system(volume)
        except FileSystemError as error:
            yield NotExamined(locator, Reason.FILE_SYSTEM_DAMAGED, str(error), volume.size)
            return
        yield from self._beyond_end(node, file_system)
        if file_system is not None:
            yield from self._walk_file_system(node, file_system)
            return
        unsupported = signature.unsupported_content(head) or ""
        if unsupported or (volume.allocated and head):
            yield NotExamined(locator, Reason.NO_FILE_SYSTEM, unsupported, volume.size)

    def _beyond_end(self, node: VolumeNode, file_system: FileSystem | None) -> Iterator[NotExamined]:
        """Say so where a volume, or the file system in it, is larger than what it is read through."""
        volume, image = node.volume, node.image
        end = node.within.offset + max(file_system.size if file_system else 0, volume.size)
        if end > image.size and (volume.allocated or file_system):
            detail = f"ends at byte {end}, the image at byte {image.size}"
            missing = end - image.size
            yield NotExamined(str(Locator(self.label, volume.label)), Reason.BEYOND_END_OF_IMAGE, detail, missing)

    def _walk_file_system(self, node: VolumeNode, file_system: FileSystem) -> Iterator[Stream | NotExamined]:
        """Walk over a file system, with offsets on the medium; of a shadow copy, give what no earlier walk gave."""
        label = node.volume.label
        items = file_system.walk(str(Locator(self.label, label)))
        if node.earlier or any(label in other.earlier for other in self._all_nodes().values()):
            self._remember(node.earlier)
            items = self._new_items(node, file_system, items)
        for item in items:
            if isinstance(item, Stream) and item.physical_offset is not None and node.image is not self.image:
                yield replace(item, physical_offset=offset_in_medium(node.image, item.physical_offset))
            else:
                yield item

    def _remember(self, labels: Iterable[str]) -> None:
        """Walk over volumes that another process walked, to know what they show."""
        for label in labels:
            if self._history.knows(label):
                continue
            node = self._all_nodes()[label]
            with suppress(FileSystemError):  # reported by the walk over that volume
                file_system = self.file_system(node.volume)
                if file_system is not None:
                    items = file_system.walk(str(Locator(self.label, label)))
                    deque(self._new_items(node, file_system, items), maxlen=0)

    def _new_items(
        self, node: VolumeNode, file_system: FileSystem, items: Iterator[Stream | NotExamined]
    ) -> Iterator[Stream | NotExamined]:
        def open_stream(stream: Stream) -> StreamReader:
            return file_system.open(stream.locator.address or "")

        def may_differ(earlier: str, extents: tuple[tuple[int, int], ...]) -> bool:
            image = node.image
            return not isinstance(image, VolumeImage) or image.may_differ(self._all_nodes()[earlier].image, extents)

        return self._history.new_items(node.volume.label, node.earlier, items, open_stream, may_differ)

    def open_stream(self, locator: Locator) -> StreamReader:
        """Open a stream by its locator.

        Raises:
            LocatorError: It names another source, or nothing in this one.
            StreamReadError: It cannot be opened.
            FileSystemError: Its file system cannot be opened.
        """
        if locator.source != self.label or locator.address is None:
            raise LocatorError(f"names no stream of source {self.label}", str(locator), "check the label")
        node = self._all_nodes().get(locator.volume or "")
        if node is None:
            raise LocatorError("no such volume in this source", str(locator), "check that it is the same image")
        file_system = self.file_system(node.volume)
        if file_system is None or file_system.type != locator.file_system:
            raise LocatorError("no such file system in this volume", str(locator), "check that it is the same image")
        return file_system.open(locator.address)

    def close(self) -> None:
        """Let go of file systems and close the image. Closing twice is harmless."""
        self._file_systems.clear()
        self._nodes = None
        self.image.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _all_nodes(self) -> dict[str, VolumeNode]:
        if self._nodes is None:
            self._nodes = {node.volume.label: node for node in self._tree.nodes()}
        return self._nodes

    def _open_file_system(self, node: VolumeNode) -> FileSystem | None:
        if node.file_system is not None or node.divided or not node.readable:
            return node.file_system
        for family in loader.file_systems():
            file_system = family.open(node.image, node.within)
            if file_system is not None:
                return file_system
        return None

    def _first_allocated(self) -> Volume:
        volumes = self.volumes()
        return next((volume for volume in volumes if volume.allocated), volumes[0])

    def _refuse_writable(self) -> None:
        if self.image.writable:
            raise ImageError(
                f"{self.image.writable}: it could change while it is read",
                str(self.image.path),
                "make it read-only, or accept that with --allow-writable",
            )

    def _refuse_other_files(self) -> None:
        """Refuse a file that only a format of last resort takes and that has neither structure nor size of a disk."""
        accepts_anything = any(
            image_format.last_resort and image_format.name == self.image.format
            for image_format in loader.image_formats()
        )
        size = self.image.size
        if not accepts_anything or (size >= _SMALLEST_UNSTRUCTURED_IMAGE and size % _SECTOR == 0):
            return
        volumes = self.volumes()
        if (
            len(volumes) > 1
            or volumes[0].scheme != "none"
            or signature.encryption(self.image.read_at(0, signature.HEAD_SIZE))
        ):
            return
        try:
            if self.file_system(volumes[0]) is not None:
                return
        except FileSystemError:
            return  # a damaged file system is evidence all the same, and the walk reports it
        what = f"its size is no multiple of {_SECTOR} bytes" if size % _SECTOR else f"is only {size} bytes long"
        raise ImageError(
            f"holds no partition table or file system and {what}: not a disk image",
            str(self.image.path),
            "check the path",
        )
