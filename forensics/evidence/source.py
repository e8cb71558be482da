"""A source: one evidence file, opened, with its volumes and file systems. The entry point for whatever reads evidence.

A :class:`Source` holds handles of the operating system and of C libraries. It is opened in the process that uses it
and never handed to another one; what travels between processes is the path, the label and locators.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from forensics.errors import FileSystemError, ImageError, LocatorError
from forensics.evidence import signature
from forensics.evidence.filesystem import FileSystem, StreamReader
from forensics.evidence.image import DiskImage, open_image
from forensics.evidence.locator import SOURCE_LABEL, Locator
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.volume import Volume
from forensics.reason import Reason
from plugins import loader

WHOLE_IMAGE_LABEL = "p0"
"""Label of the volume that stands for an image without a partition table."""

_SMALLEST_UNSTRUCTURED_IMAGE = 64 * 1024
_SECTOR = 512


class Source:
    """An open source. Use as a context manager.

    Args:
        image: The open disk image; the source closes it.
        label: Source label, the first part of all its locators.

    Attributes:
        image: The disk image.
        label: Source label.
    """

    def __init__(self, image: DiskImage, label: str) -> None:
        self.image = image
        self.label = label
        self._volumes: tuple[Volume, ...] | None = None
        self._file_systems: dict[str, FileSystem | None] = {}

    @classmethod
    def open(cls, path: Path, label: str) -> Self:
        """Open an evidence file.

        Args:
            path: The disk image, or the first segment of a split one.
            label: Source label, such as ``E1``.

        Raises:
            LocatorError: The label cannot be part of a locator.
            ImageError: The file is no disk image tamiz can open.
            VolumeError: It has a partition table that cannot be read.
        """
        if not SOURCE_LABEL.fullmatch(label):
            raise LocatorError("is no source label", label, "use letters, digits, dots, hyphens and underscores")
        source = cls(open_image(path), label)
        try:
            source._refuse_other_files()
        except BaseException:
            source.close()
            raise
        return source

    def volumes(self) -> tuple[Volume, ...]:
        """List the volumes in order of offset, areas the partition table leaves unallocated included.

        An image without a partition table is one volume, ``p0``.

        Raises:
            VolumeError: A partition table is there but cannot be read.
        """
        if self._volumes is None:
            self._volumes = self._find_volumes()
        return self._volumes

    def file_system(self, volume: Volume) -> FileSystem | None:
        """Open the file system of a volume, once.

        Returns:
            ``None`` when no registered family of file systems knows it.

        Raises:
            FileSystemError: One was recognised but cannot be opened.
        """
        if volume.label not in self._file_systems:
            self._file_systems[volume.label] = self._open_file_system(volume)
        return self._file_systems[volume.label]

    def walk(self, volume: Volume) -> Iterator[Stream | NotExamined]:
        """Walk over every stream of a volume, and name what cannot be examined.

        A volume or file system that reaches beyond the end of the image is reported and walked as far as it goes.
        Damage of the image as a whole is reported with its first allocated volume. An unallocated area is walked
        if a file system begins there (a table laid over an older disk), and otherwise yields nothing.
        """
        locator = str(Locator(self.label, volume.label))
        if self.image.damage and volume == self._first_allocated():
            yield NotExamined(self.label, Reason.BEYOND_END_OF_IMAGE, self.image.damage)
        head = self.image.read_at(volume.offset, signature.HEAD_SIZE)
        encryption = signature.encryption(head)
        if encryption:
            yield NotExamined(locator, Reason.VOLUME_ENCRYPTED, encryption, volume.size)
            return
        try:
            file_system = self.file_system(volume)
        except FileSystemError as error:
            yield NotExamined(locator, Reason.FILE_SYSTEM_DAMAGED, str(error), volume.size)
            return
        end = volume.offset + (max(file_system.size, volume.size) if file_system else volume.size)
        if end > self.image.size and (volume.allocated or file_system):
            detail = f"ends at byte {end}, the image at byte {self.image.size}"
            yield NotExamined(locator, Reason.BEYOND_END_OF_IMAGE, detail, end - self.image.size)
        if file_system is not None:
            yield from file_system.walk(locator)
        elif volume.allocated and head:
            yield NotExamined(locator, Reason.NO_FILE_SYSTEM, signature.unsupported_content(head) or "", volume.size)

    def open_stream(self, locator: Locator) -> StreamReader:
        """Open a stream by its locator.

        Raises:
            LocatorError: It names another source, or nothing in this one.
            StreamReadError: It cannot be opened.
            FileSystemError: Its file system cannot be opened.
        """
        if locator.source != self.label or locator.address is None:
            raise LocatorError(f"names no stream of source {self.label}", str(locator), "check the label")
        volume = next((volume for volume in self.volumes() if volume.label == locator.volume), None)
        if volume is None:
            raise LocatorError("no such volume in this source", str(locator), "check that it is the same image")
        file_system = self.file_system(volume)
        if file_system is None or file_system.type != locator.file_system:
            raise LocatorError("no such file system in this volume", str(locator), "check that it is the same image")
        return file_system.open(locator.address)

    def close(self) -> None:
        """Let go of file systems and close the image. Closing twice is harmless."""
        self._file_systems.clear()
        self.image.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find_volumes(self) -> tuple[Volume, ...]:
        for volume_system in loader.volume_systems():
            found = volume_system.volumes(self.image)
            if found is not None:
                return tuple(found)
        return (Volume(WHOLE_IMAGE_LABEL, "none", "", 0, self.image.size),)

    def _open_file_system(self, volume: Volume) -> FileSystem | None:
        for family in loader.file_systems():
            file_system = family.open(self.image, volume)
            if file_system is not None:
                return file_system
        return None

    def _first_allocated(self) -> Volume:
        volumes = self.volumes()
        return next((volume for volume in volumes if volume.allocated), volumes[0])

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
        if volumes[0].scheme != "none" or signature.encryption(self.image.read_at(0, signature.HEAD_SIZE)):
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
