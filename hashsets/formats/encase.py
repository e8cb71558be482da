"""EnCase hash sets, ``.hash``: a header of 1,152 bytes, then records of 18 bytes that begin with an MD5.

As The Sleuth Kit reads them (``tsk/hashdb/encase.cpp``). The name of the set, in the header, is not imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets.format import KnownEntry, ListFormat, ListItem, RejectedEntry

_MAGIC = b"HASH\r\n\xff\x00"
_HEADER_SIZE = 1152
_RECORD_SIZE = 18
_MD5_SIZE = 16
_RECORDS_AT_ONCE = 4096


class EncaseFormat(ListFormat):
    """EnCase's hash sets."""

    name: ClassVar[str] = "encase"

    def recognises(self, head: bytes) -> bool:
        """Tell by the first bytes."""
        return head.startswith(_MAGIC)

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read a set; an entry's position is the ordinal of its record.

        Raises:
            ListFormatError: The header is wrong or cut short.
        """
        header = _read(file, _HEADER_SIZE)
        if len(header) < _HEADER_SIZE or not header.startswith(_MAGIC):
            raise ListFormatError("no whole EnCase header", None, "check the file or name its format")
        position = 0
        while block := _read(file, _RECORD_SIZE * _RECORDS_AT_ONCE):
            for start in range(0, len(block), _RECORD_SIZE):
                position += 1
                record = block[start : start + _RECORD_SIZE]
                if len(record) < _RECORD_SIZE:
                    yield RejectedEntry(position, "the last record is cut short")
                else:
                    yield KnownEntry(position, record[:_MD5_SIZE].hex())


def _read(file: BinaryIO, size: int) -> bytes:
    """Read so many bytes, or what is left."""
    found = b""
    while len(found) < size and (more := file.read(size - len(found))):
        found += more
    return found
