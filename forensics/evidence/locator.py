"""Locators: printable, parseable chains that reopen a stream on another machine.

Grammar::

    locator = source [ "/" volume [ "/" file-system ":" address ] ]
    source  = exhibit label, with ".2", ".3" ... for further sources of the same exhibit
    volume  = part { "/" inner }
    part    = "p" number     p1, p2 ... as Linux numbers partitions; p0 is an image without a table
            | "u" number     u1, u2 ... areas the table leaves unallocated, in order of offset
    inner   = part           a partition of a table inside a volume
            | "lvm" number   a logical volume of LVM2
            | "luks" | "bitlocker"                   what the encrypted volume holds
            | "fvde" number  a logical volume of FileVault 2 (Core Storage)
            | "apfs" number  a volume of an APFS container
            | "vss" number   a shadow copy, the oldest first
            | "lost" number  a file system that is in no table; the sector of 512 bytes of that volume where it begins
          | "layer" number what a plug-in's layer found
    address = what The Sleuth Kit's ``icat`` takes: "1234", or "1234-128-3" where a file has several attributes;
              an inode number or identifier for file systems that it does not read;
              "directory-entry-check" in a folder (forensics/evidence/filesystems/folder.py)

Examples: ``E1/p2/ntfs:1234-128-3``, ``E1/p3/luks/lvm1/ext4:12``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from forensics.errors import LocatorError

SOURCE_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What an exhibit label, and so a source label, may look like: it is the first part of every locator."""

VOLUME_LABEL = re.compile(r"[pu][0-9]+(?:/(?:(?:p|u|lvm|fvde|apfs|vss|lost|layer)[0-9]+|luks|bitlocker))*")
"""What a volume label may look like: a partition, and what lies inside it from the outside in."""

_LOCATOR = re.compile(
    rf"(?P<source>{SOURCE_LABEL.pattern})(?:/(?P<volume>{VOLUME_LABEL.pattern})"
    r"(?:/(?P<file_system>[a-z0-9+_-]+):(?P<address>[0-9]+(?:-[0-9]+-[0-9]+)?))?)?"
)


@dataclass(frozen=True, slots=True, order=True)
class Locator:
    """A parsed locator.

    Attributes:
        source: Source label, such as ``E1``.
        volume: Volume label, such as ``p2``, ``u1`` or ``p3/luks/lvm1``; ``None`` for the whole source.
        file_system: File-system type by The Sleuth Kit's name, such as ``ntfs``; ``None`` for a whole volume.
        address: Address of the stream in its file system; ``None`` for a whole volume.
    """

    source: str
    volume: str | None = None
    file_system: str | None = None
    address: str | None = None

    def __str__(self) -> str:
        text = self.source
        if self.volume is not None:
            text += f"/{self.volume}"
        if self.file_system is not None:
            text += f"/{self.file_system}:{self.address}"
        return text

    @classmethod
    def parse(cls, text: str) -> Locator:
        """Parse a locator's text.

        Raises:
            LocatorError: The text does not follow the grammar.
        """
        match = _LOCATOR.fullmatch(text)
        if match is None:
            raise LocatorError("malformed locator", text, "a locator looks like E1/p2/ntfs:1234-128-3")
        return cls(match["source"], match["volume"], match["file_system"], match["address"])
