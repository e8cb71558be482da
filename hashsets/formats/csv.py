"""Tables with named columns, separated by comma, semicolon or tab: what any laboratory can produce.

The first line names the columns, in any case and order. ``md5 sha1 sha256 size pdq pdq_quality phash category
reference`` are read as such (``SHA-256`` or ``FileSize`` too); other columns become attributes, except those that
can name a file or a victim, which are never imported. Fields may be quoted; a field cannot run over several lines.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListFormat, ListHeader, RejectedEntry
from hashsets.formats.text import head_text, numbered_lines

COLUMNS = {
    "md5": "md5",
    "sha1": "sha1",
    "sha256": "sha256",
    "size": "size",
    "filesize": "size",
    "mediasize": "size",
    "pdq": "pdq",
    "pdqquality": "pdq_quality",
    "phash": "phash",
    "category": "category",
    "reference": "reference",
}
"""What a column is read as, by its name in lower-case letters and digits."""

NEVER_IMPORTED = (
    "name", "path", "file", "folder", "directory", "url", "series", "tag", "comment", "remark", "note",
    "description", "photodna", "gps", "latitude", "longitude",
)  # fmt: skip
"""A column whose name contains one of these and is none of :data:`COLUMNS` is left out."""

_HASH_COLUMNS = {"md5", "sha1", "sha256", "pdq", "phash"}
_DELIMITERS = ",;\t"


class CsvFormat(ListFormat):
    """A table whose first line names its columns."""

    name: ClassVar[str] = "csv"

    def recognises(self, head: bytes) -> bool:
        """Tell by a first line that names at least one hash column."""
        lines = head_text(head).lstrip("\r\n").splitlines()
        return bool(lines) and bool(_HASH_COLUMNS & set(_meanings(_split(lines[0], _delimiter(lines[0])) or [])))

    def read(self, file: BinaryIO) -> Iterator[KnownEntry | RejectedEntry | ListHeader]:
        """Read a table; an entry's position is its line number.

        Raises:
            ListFormatError: The header names no hash column, or one column twice.
        """
        lines = ((number, line) for number, line in numbered_lines(file) if line is None or line.strip())
        number, header = next(lines, (1, ""))
        delimiter = _delimiter(header or "")
        meanings = _header_meanings(number, _split(header or "", delimiter))
        for number, line in lines:
            if line is None:
                yield RejectedEntry(number, "line too long")
                continue
            values = _split(line, delimiter)
            if values is None:
                yield RejectedEntry(number, "quotes are not closed on the line")
                continue
            if len(values) > len(meanings) and not any(value.strip() for value in values[len(meanings) :]):
                del values[len(meanings) :]
            if len(values) != len(meanings):
                yield RejectedEntry(number, f"{len(values)} columns where the header names {len(meanings)}")
                continue
            try:
                yield _entry(number, meanings, values)
            except FieldError as error:
                yield RejectedEntry(number, str(error))


def _delimiter(header: str) -> str:
    """The delimiter that occurs most in the header."""
    return max(_DELIMITERS, key=header.count)


def _split(line: str, delimiter: str) -> list[str] | None:
    """Split one line into its fields; ``None`` if a quoted field does not end."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _meanings(names: list[str]) -> list[str | None]:
    """What each column is read as: one of ours, ``attribute:name``, or ``None`` where it is never imported."""
    meanings: list[str | None] = []
    for name in names:
        key = fields.field_key(name)
        if key in COLUMNS:
            meanings.append(COLUMNS[key])
        elif not key or any(part in key for part in NEVER_IMPORTED):
            meanings.append(None)
        else:
            meanings.append("attribute:" + "_".join(name.lower().split())[: fields.LONGEST_TEXT])
    return meanings


def _header_meanings(number: int, names: list[str] | None) -> list[str | None]:
    """Check the header.

    Raises:
        ListFormatError: It names no hash column, or one column twice.
    """
    meanings = _meanings(names or [])
    stated = [meaning for meaning in meanings if meaning is not None]
    if not _HASH_COLUMNS & set(stated):
        raise ListFormatError(
            "the first line names no column md5, sha1, sha256, pdq or phash", f"line {number}", "add a header line"
        )
    if len(set(stated)) != len(stated):
        raise ListFormatError("the first line names one column twice", f"line {number}", "rename or remove one")
    return meanings


def _entry(number: int, meanings: list[str | None], values: list[str]) -> KnownEntry:
    """Make an entry of a row.

    Raises:
        FieldError: A field is malformed, or there is no hash.
    """
    row = {meaning: value.strip() for meaning, value in zip(meanings, values, strict=True) if meaning is not None}
    digests = {name: fields.digest(name, row[name]) for name in fields.DIGEST_LENGTHS if row.get(name)}
    quality = fields.whole_number("pdq_quality", row.get("pdq_quality"), 100)
    perceptual = tuple(
        fields.perceptual_hash(name, row[name], quality if name == "pdq" else None)
        for name in fields.PERCEPTUAL_LENGTHS
        if row.get(name)
    )
    attributes = {
        name.removeprefix("attribute:"): fields.attribute(value)
        for name, value in row.items()
        if value and name.startswith("attribute:")
    }
    return fields.require_a_hash(
        KnownEntry(
            number,
            digests.get("md5"),
            digests.get("sha1"),
            digests.get("sha256"),
            fields.whole_number("size", row.get("size")),
            perceptual,
            fields.short_text("category", row.get("category")),
            fields.short_text("reference", row.get("reference")),
            attributes,
        )
    )
