"""The ZIP file of an AFF4 container: its segments by their URNs.

Segments of metadata are read whole and checked by ZIP's CRC-32. Of those of data, a piece is read at a time, straight
from the file, since they are stored; their chunks are checked by the hashes of their blocks.

Format: "AFF4 Standard v1.0a", section 5.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, cast
from urllib.parse import unquote

from forensics.errors import ImageError
from forensics.evidence.images.aff4_metadata import Statements, parse_turtle
from forensics.evidence.images.chunk_cache import ChunkCache
from forensics.evidence.images.read_only_file import ReadOnlyFile

SCHEME = "aff4://"
DESCRIPTION = "container.description"

_METADATA = "information.turtle"
_VERSION = "version.txt"
_LARGEST_SEGMENT = 512 << 20
_LOCAL_HEADER_SIZE = 30
_LOCAL_MAGIC = b"PK\x03\x04"
_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, KeyError, OverflowError,
    OSError,
)  # fmt: skip
"""What zipfile raises where a ZIP is damaged or uses what it cannot read."""


class Aff4Container:
    """An open container.

    Args:
        path: The file.

    Attributes:
        path: The file.
        urn: Its name.
        tool: The program that wrote it, as far as it says.
        statements: What it says about what it holds.

    Raises:
        ImageError: It is no AFF4 container, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = ReadOnlyFile(path)
        self._whole = ChunkCache()
        try:
            self._zip = zipfile.ZipFile(cast("IO[bytes]", self._file))
            members = {info.filename.lstrip("/"): info for info in self._zip.infolist()}
            comment = self._zip.comment.partition(b"\0")[0].decode("utf-8", "replace").strip()
            description = members.get(DESCRIPTION)
            self.urn = self._read(description).decode("utf-8", "replace").strip() if description else comment
            self._check_is_aff4(members)
            self._segments = {self._segment_urn(name): info for name, info in members.items()}
            version = self._read(members[_VERSION]).decode("utf-8", "replace") if _VERSION in members else ""
            self.tool = next((line[5:].strip() for line in version.splitlines() if line.startswith("tool=")), "")
            self.statements: Statements = parse_turtle(self._read(members[_METADATA]), str(path))
        except _ZIP_ERRORS as error:
            self.close()
            raise ImageError(
                f"its ZIP directory cannot be read ({_words(error)})", str(path), "copy or acquire the image again"
            ) from error
        except BaseException:
            self.close()
            raise

    def has(self, urn: str) -> bool:
        """Tell whether a segment is here."""
        return urn in self._segments

    def read_whole(self, urn: str) -> bytes:
        """Read a whole segment, checked by its CRC-32.

        Raises:
            ImageError: It is not there, damaged or too large.
        """
        return self._whole.get(urn, lambda: self._read(self._info(urn)))

    def read_at(self, urn: str, offset: int, length: int) -> bytes:
        """Read a piece of a segment.

        Raises:
            ImageError: It is not there, or ends before.
        """
        info = self._info(urn)
        if info.compress_type != zipfile.ZIP_STORED:
            data = self.read_whole(urn)[offset : offset + length]
        else:
            header = self._file.read_exactly(info.header_offset, _LOCAL_HEADER_SIZE, "the header of a segment")
            if not header.startswith(_LOCAL_MAGIC):
                raise ImageError("the header of a segment is damaged", str(self.path), "copy the image again")
            start = info.header_offset + _LOCAL_HEADER_SIZE
            start += int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            data = self._file.read_at(start + offset, min(length, info.file_size - offset))
        if len(data) < length:
            raise ImageError("a segment is shorter than its index says", str(self.path), "copy the image again")
        return data

    def close(self) -> None:
        """Release the file. Closing twice is harmless."""
        self._file.close()
        self._whole.clear()

    def _check_is_aff4(self, members: Mapping[str, zipfile.ZipInfo]) -> None:
        if not self.urn.startswith(SCHEME) or _METADATA not in members:
            raise ImageError("is no AFF4 container", str(self.path), "copy the image again")

    def _info(self, urn: str) -> zipfile.ZipInfo:
        info = self._segments.get(urn)
        if info is None:
            raise ImageError("a segment is missing in it", str(self.path), "copy or acquire the image again")
        return info

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        if info.file_size > _LARGEST_SEGMENT:
            raise ImageError("a segment is too large to be read at once", str(self.path), "convert it to raw or E01")
        try:
            with self._zip.open(info) as segment:
                # a compressed one may hold more than its directory says
                return segment.read(info.file_size)
        except _ZIP_ERRORS as error:
            raise ImageError(
                f"a segment is damaged ({_words(error)})", str(self.path), "copy the image again from its original"
            ) from error

    def _segment_urn(self, name: str) -> str:
        decoded = unquote(name)
        return decoded if decoded.startswith(SCHEME) else f"{self.urn}/{decoded}"


def _words(error: BaseException) -> str:
    # zipfile's own words name members, whose names are none of the log's business
    return "it breaks off or is damaged" if isinstance(error, zipfile.BadZipFile) else type(error).__name__
