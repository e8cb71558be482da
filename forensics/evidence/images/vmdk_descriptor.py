"""The descriptor of a VMDK: a text that lists the files (extents) a virtual disk is made of.

Format: VMware, "Virtual Disk Format 5.0", chapter "The Text Descriptor".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import ImageError

NO_PARENT = 0xFFFFFFFF

_ENTRY = re.compile(r'\s*([A-Za-z][\w.]*)\s*=\s*"?([^"]*?)"?\s*')
_EXTENT = re.compile(r'\s*(RW|RDONLY|NOACCESS)\s+([0-9]+)\s+([A-Z]+)(?:\s+"([^"]*)"(?:\s+([0-9]+))?.*)?\s*')
_ENCODING = re.compile(rb'encoding\s*=\s*"?([\w-]+)')
_SECTOR = 512
_MOST_EXTENTS = 100_000


@dataclass(frozen=True, slots=True)
class Extent:
    """One extent as listed.

    Attributes:
        kind: ``FLAT``, ``SPARSE``, ``ZERO``, ``VMFS`` or another type.
        name: File name as stored; empty where the type has no file.
        size: Bytes of the medium it holds.
        offset: Where they begin in the file; of flat extents only.
        accessible: False if the descriptor says not to access it.
    """

    kind: str
    name: str
    size: int
    offset: int
    accessible: bool


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a descriptor says.

    Attributes:
        kind: How the disk is stored, such as ``monolithicSparse`` (``createType``).
        identifier: Of the content (``CID``), changed when the disk is first written to after it was opened.
        parent_identifier: That of the parent's content; ``NO_PARENT`` if there is none.
        parent_name: Name of the parent's file as stored.
        extents: The extents, in order.
    """

    kind: str
    identifier: int
    parent_identifier: int
    parent_name: str
    extents: tuple[Extent, ...]


def parse_descriptor(data: bytes, path: Path) -> Descriptor:
    """Parse a descriptor.

    Args:
        data: The text, zeros after it allowed.
        path: The image, for errors.

    Raises:
        ImageError: It is damaged.
    """
    text = _decode(data.partition(b"\0")[0])
    entries: dict[str, str] = {}
    extents = []
    for line in text.splitlines():
        extent = _EXTENT.fullmatch(line)
        if extent:
            access, sectors, kind, name, offset = extent.groups()
            extents.append(
                Extent(kind, name or "", int(sectors) * _SECTOR, int(offset or 0) * _SECTOR, access != "NOACCESS")
            )
        elif re.match(r"\s*(RW|RDONLY|NOACCESS)\s", line):
            raise ImageError("its descriptor has a damaged line of an extent", str(path), "copy the image again")
        elif (entry := _ENTRY.fullmatch(line)) is not None:
            entries.setdefault(entry[1].lower(), entry[2])
        if len(extents) > _MOST_EXTENTS:
            raise ImageError(f"lists more than {_MOST_EXTENTS} extents", str(path), "copy the image again")
    try:
        identifier = int(entries.get("cid", "0"), 16)
        parent = int(entries.get("parentcid", "ffffffff"), 16)
    except ValueError as error:
        raise ImageError("the identifiers in its descriptor are damaged", str(path), "copy the image again") from error
    return Descriptor(
        entries.get("createtype", ""), identifier, parent, entries.get("parentfilenamehint", ""), tuple(extents)
    )


def _decode(data: bytes) -> str:
    stated = _ENCODING.search(data)
    try:
        return data.decode(stated[1].decode() if stated else "utf-8")
    except (UnicodeDecodeError, LookupError):
        return data.decode("utf-8", "surrogateescape")
