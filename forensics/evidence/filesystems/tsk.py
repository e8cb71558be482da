"""File systems opened by The Sleuth Kit: NTFS, FAT, exFAT, ext2/3/4, HFS+, ISO 9660, UFS, YAFFS2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytsk3

from forensics.errors import FileSystemError
from forensics.evidence import signature
from forensics.evidence.filesystem import FileSystem, FileSystemFormat, StreamReader
from forensics.evidence.filesystems.tsk_attribute import Family
from forensics.evidence.filesystems.tsk_stream import open_stream
from forensics.evidence.filesystems.tsk_walk import TskWalk
from forensics.evidence.image import DiskImage
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.tsk_image import TSK_ERRORS, TskImage
from forensics.evidence.volume import Volume

_TYPES = {
    int(pytsk3.TSK_FS_TYPE_NTFS): "ntfs",
    int(pytsk3.TSK_FS_TYPE_FAT12): "fat12",
    int(pytsk3.TSK_FS_TYPE_FAT16): "fat16",
    int(pytsk3.TSK_FS_TYPE_FAT32): "fat32",
    int(pytsk3.TSK_FS_TYPE_EXFAT): "exfat",
    int(pytsk3.TSK_FS_TYPE_EXT2): "ext2",
    int(pytsk3.TSK_FS_TYPE_EXT3): "ext3",
    int(pytsk3.TSK_FS_TYPE_EXT4): "ext4",
    int(pytsk3.TSK_FS_TYPE_HFS): "hfs",
    int(pytsk3.TSK_FS_TYPE_ISO9660): "iso9660",
    int(pytsk3.TSK_FS_TYPE_FFS1): "ufs1",
    int(pytsk3.TSK_FS_TYPE_FFS1B): "ufs1b",
    int(pytsk3.TSK_FS_TYPE_FFS2): "ufs2",
    int(pytsk3.TSK_FS_TYPE_YAFFS2): "yaffs2",
}
_BY_SIGNATURE = {
    "NTFS": pytsk3.TSK_FS_TYPE_NTFS,
    "exFAT": pytsk3.TSK_FS_TYPE_EXFAT,
    "FAT12": pytsk3.TSK_FS_TYPE_FAT12,
    "FAT16": pytsk3.TSK_FS_TYPE_FAT16,
    "FAT32": pytsk3.TSK_FS_TYPE_FAT32,
    "ext": pytsk3.TSK_FS_TYPE_EXT_DETECT,
    "HFS+": pytsk3.TSK_FS_TYPE_HFS_DETECT,
    "HFSX": pytsk3.TSK_FS_TYPE_HFS_DETECT,
}


class TskFileSystem(FileSystem):
    """An open file system.

    Args:
        image: The image it lies in.
        file_system: The ``pytsk3.FS_Info``.
        volume: The volume it lies in.
    """

    def __init__(self, image: TskImage, file_system: pytsk3.FS_Info, volume: Volume) -> None:
        info = file_system.info
        self.type = _TYPES.get(int(info.ftype), f"tsk{int(info.ftype)}")
        self.size = int(info.block_count) * int(info.block_size)
        self._image = image
        self._file_system = file_system
        self._volume = volume

    def walk(self, parent: str) -> Iterator[Stream | NotExamined]:
        """Walk over every stream (see :meth:`FileSystem.walk` and :class:`TskWalk`)."""
        return TskWalk(self._image, self._file_system, self.type, self._volume.offset, parent).items()

    def open(self, address: str) -> StreamReader:
        """Open a stream by its address (see :meth:`FileSystem.open`)."""
        return open_stream(self._image, self._file_system, self.type, Family.of(self.type), address)


class TskFileSystemFormat(FileSystemFormat):
    """Every file system TSK detects."""

    name: ClassVar[str] = "tsk"

    def open(self, image: DiskImage, volume: Volume) -> TskFileSystem | None:
        """Open the file system of a volume (see :meth:`FileSystemFormat.open`).

        Raises:
            FileSystemError: The volume begins like a file system TSK knows, but TSK cannot open it.
        """
        if volume.offset >= image.size:
            return None
        tsk_image = TskImage(image)
        try:
            return TskFileSystem(tsk_image, pytsk3.FS_Info(tsk_image, offset=volume.offset), volume)
        except TSK_ERRORS:
            tsk_image = TskImage(image)
        name = signature.supported_file_system(image.read_at(volume.offset, signature.HEAD_SIZE))
        if name not in _BY_SIGNATURE:
            return None
        # TSK detects nothing where two kinds fit, or one is damaged; asked for one kind it says what is wrong
        try:
            file_system = pytsk3.FS_Info(tsk_image, offset=volume.offset, type=_BY_SIGNATURE[name])
        except TSK_ERRORS as error:
            raise FileSystemError(
                f"begins like {name} but cannot be opened ({tsk_image.explain(error)})", volume.label
            ) from error
        return TskFileSystem(tsk_image, file_system, volume)
