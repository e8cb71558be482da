"""Recognises what a volume holds by its signature, where no file system of it can be opened.

Only names things, so that a report can say "BitLocker" or "XFS" instead of "nothing found".
"""

from __future__ import annotations

HEAD_SIZE = 68 * 1024
"""How many first bytes of a volume the functions here look at."""

_Signatures = tuple[tuple[int, bytes, str], ...]
"""Offset in the volume, magic, name."""

_ENCRYPTION: _Signatures = (
    (3, b"-FVE-FS-", "BitLocker"),
    (424, bytes.fromhex("3bd66749292ed84a8399f6a339e3d001"), "BitLocker To Go"),
    (0, b"LUKS\xba\xbe", "LUKS"),
    (0, b"encrcdsa", "FileVault"),
)
_SUPPORTED: _Signatures = (
    (3, b"NTFS    ", "NTFS"),
    (3, b"EXFAT   ", "exFAT"),
    (54, b"FAT12   ", "FAT12"),
    (54, b"FAT16   ", "FAT16"),
    (82, b"FAT32   ", "FAT32"),
    (1080, b"\x53\xef", "ext"),
    (1024, b"H+\x00\x04", "HFS+"),
    (1024, b"HX\x00\x05", "HFSX"),
    (0, b"XFSB", "XFS"),
)
_UNSUPPORTED: _Signatures = (
    (32, b"NXSB", "APFS"),
    (65600, b"_BHRfS_M", "Btrfs"),
    (3, b"ReFS\x00", "ReFS"),
    (1024, b"\x10\x20\xf5\xf2", "F2FS"),
    (88, b"CS", "Apple Core Storage"),
    (512, b"LABELONE", "an LVM physical volume"),
    (4096, b"\xfc\x4e\x2b\xa9", "a Linux RAID member"),
    (4086, b"SWAPSPACE2", "Linux swap"),
    (0, b"hsqs", "SquashFS"),
    (32769, b"BEA01", "UDF"),
)


def encryption(head: bytes) -> str | None:
    """Name the volume encryption a volume begins with.

    Args:
        head: Its first :data:`HEAD_SIZE` bytes, or fewer.

    Returns:
        A name such as ``BitLocker``; ``None`` where there is no such signature, which does not prove the volume
        is not encrypted (VeraCrypt has none).
    """
    return _match(_ENCRYPTION, head)


def supported_file_system(head: bytes) -> str | None:
    """Name the file system a volume begins with, among those tamiz can open when they are sound."""
    return _match(_SUPPORTED, head)


def unsupported_content(head: bytes) -> str | None:
    """Name the file system or other structure a volume begins with, among those tamiz cannot open."""
    return _match(_UNSUPPORTED, head)


def _match(signatures: _Signatures, head: bytes) -> str | None:
    for offset, magic, name in signatures:
        if head[offset : offset + len(magic)] == magic:
            return name
    return None
