"""HashKeeper's ``.hsh``: a comma-separated table with twelve columns, among them an MD5.

As The Sleuth Kit reads it (``tsk/hashdb/hashkeeper.c``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListFormat, ListItem, RejectedEntry
from hashsets.formats.delimited import fields_of
from hashsets.formats.text import head_text, numbered_lines

_COLUMNS = (
    "file_id", "hashset_id", "file_name", "directory", "hash", "file_size", "date_modified", "time_modified",
    "time_zone", "comments", "date_accessed", "time_accessed",
)  # fmt: skip
_HEADER = ",".join(f'"{column}"' for column in _COLUMNS)


class HashkeeperFormat(ListFormat):
    """HashKeeper's lists."""

    name: ClassVar[str] = "hashkeeper"

    def recognises(self, head: bytes) -> bool:
        """Tell by the first line."""
        return _is_header(head_text(head).split("\n", 1)[0])

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read a list; an entry's position is its line number.

        Raises:
            ListFormatError: The first line is not HashKeeper's.
        """
        lines = numbered_lines(file)
        if not _is_header(next(lines, (1, ""))[1] or ""):
            raise ListFormatError("no HashKeeper header", "line 1", "check the file or name its format")
        for number, line in lines:
            if line is None or line.strip():
                yield _entry_or_rejected(number, line)


def _is_header(line: str) -> bool:
    return line.strip().lower() == _HEADER


def _entry_or_rejected(number: int, line: str | None) -> KnownEntry | RejectedEntry:
    try:
        values = fields_of(line, ",")
        if len(values) != len(_COLUMNS):
            return RejectedEntry(number, f"{len(values)} columns where HashKeeper has {len(_COLUMNS)}")
        row = dict(zip(_COLUMNS, values, strict=True))
        return KnownEntry(
            number,
            fields.digest("md5", row["hash"], "hash"),
            size=fields.whole_number("file_size", row["file_size"]),
            reference=fields.short_text("file_id", row["file_id"]),
        )
    except FieldError as error:
        return RejectedEntry(number, str(error))
