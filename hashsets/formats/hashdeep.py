"""The list format of hashdeep and its kin: ``%%%% HASHDEEP-1.0``.

The second line names the columns (``%%%% size,md5,sha256,filename``), lines after ``##`` are remarks, and the file
name stands last and may hold commas. Listings are often concatenated, so a header may stand anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListFormat, ListHeader, RejectedEntry
from hashsets.formats.text import head_text, numbered_lines

_MARK = "%%%% "
_MAGIC = "%%%% HASHDEEP-"
_KNOWN_COLUMNS = {"size", "md5", "sha1", "sha256", "tiger", "whirlpool", "filename"}


class HashdeepFormat(ListFormat):
    """Output of hashdeep, md5deep and the like with full headers."""

    name: ClassVar[str] = "hashdeep"

    def recognises(self, head: bytes) -> bool:
        """Tell by the first line."""
        return head_text(head).startswith(_MAGIC)

    def read(self, file: BinaryIO) -> Iterator[KnownEntry | RejectedEntry | ListHeader]:
        """Read a listing; an entry's position is its line number.

        Raises:
            ListFormatError: The first line is no hashdeep header, or a header names no columns tamiz can use.
        """
        columns: list[str] | None = None
        headed = False
        for number, line in numbered_lines(file):
            if line is None:
                yield RejectedEntry(number, "line too long")
            elif line.startswith(_MAGIC):
                if not headed:
                    yield ListHeader(version=line.removeprefix(_MAGIC).strip()[: fields.LONGEST_TEXT])
                headed = True
            elif not headed:
                raise ListFormatError("no hashdeep header", f"line {number}", "check the file or name its format")
            elif line.startswith(_MARK):
                columns = _columns(number, line)
            elif line.strip() and not line.startswith("##"):
                if columns is None:
                    raise ListFormatError("hashdeep names no columns", f"line {number}", "check the file")
                yield _entry(number, line, columns)


def _columns(number: int, line: str) -> list[str]:
    """Read the line that names the columns.

    Raises:
        ListFormatError: It names an unknown column, or no digest.
    """
    columns = [name.strip().lower() for name in line.removeprefix(_MARK).split(",")]
    if not set(columns) <= _KNOWN_COLUMNS or "filename" in columns[:-1] or len(set(columns)) != len(columns):
        raise ListFormatError("unknown hashdeep columns", f"line {number}", "check the file")
    if not set(columns) & set(fields.DIGEST_LENGTHS):
        raise ListFormatError(
            "this hashdeep list holds neither MD5, SHA-1 nor SHA-256", f"line {number}", "list with one of them"
        )
    return columns


def _entry(number: int, line: str, columns: list[str]) -> KnownEntry | RejectedEntry:
    values = line.split(",", len(columns) - 1)
    if len(values) != len(columns):
        return RejectedEntry(number, f"{len(values)} columns where the header names {len(columns)}")
    row = dict(zip(columns, values, strict=True))
    try:
        digests = {name: fields.digest(name, row[name]) for name in fields.DIGEST_LENGTHS if name in row}
        size = fields.whole_number("size", row.get("size"))
    except FieldError as error:
        return RejectedEntry(number, str(error))
    return KnownEntry(number, digests.get("md5"), digests.get("sha1"), digests.get("sha256"), size)
