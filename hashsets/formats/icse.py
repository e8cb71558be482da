"""INTERPOL's ICSE export: a table separated by semicolons, with twelve columns of fixed names.

The layout is the one observed by IPED (``HashDBTool.java``); INTERPOL publishes none. The twelve columns must be
there, in any case; further ones are passed over. The series is named after a victim often enough: only whether the
entry belongs to one is kept, as ``series_named``, and the issuer knows which by the image's identifier.

``Baseline`` says that the entry belongs to INTERPOL's list of the worst. It is kept as a flag; no category follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListFormat, ListHeader, ListItem, RejectedEntry
from hashsets.formats.delimited import fields_of, split_line
from hashsets.formats.text import head_text, numbered_lines

_COLUMNS: Mapping[str, str] = {
    "md5": "md5",
    "sha1": "sha1",
    "photodna": "photodna",
    "imageid": "reference",
    "isdistributed": "is_distributed",
    "victimidentified": "victim_identified",
    "offenderidentified": "offender_identified",
    "seriesname": "series_named",
    "numberofsubmissions": "number_of_submissions",
    "fileavailable": "file_available",
    "mediatype": "media_type",
    "baseline": "baseline",
}
"""What each column is read as, by its name in plain lower-case letters and digits."""

_NAMED = tuple(meaning for meaning in _COLUMNS.values() if meaning in fields.ATTRIBUTES and meaning != "series_named")


class IcseFormat(ListFormat):
    """INTERPOL's ICSE export as CSV."""

    name: ClassVar[str] = "icse"

    def recognises(self, head: bytes) -> bool:
        """Tell by a first line that names all twelve columns."""
        line = next((line for line in head_text(head).splitlines() if line.strip()), "")
        return _meanings(split_line(line, ";") or []) is not None

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read an export; an entry's position is its line number.

        Raises:
            ListFormatError: The first line does not name the twelve columns, each once.
        """
        lines = ((number, line) for number, line in numbered_lines(file) if line is None or line.strip())
        number, header = next(lines, (1, ""))
        names = split_line(header or "", ";") or []
        meanings = _meanings(names)
        if meanings is None:
            raise ListFormatError(
                "the first line does not name the twelve columns of an ICSE export, each once",
                f"line {number}",
                "check the file, or import it as csv",
            )
        yield ListHeader(
            columns_read=tuple(meaning for meaning in meanings if meaning is not None),
            columns_ignored=tuple(
                fields.column_name(name)
                for name, meaning in zip(names, meanings, strict=True)
                if meaning is None and name.strip()
            ),
        )
        for number, line in lines:
            yield _entry_or_rejected(number, line, meanings)


def _meanings(names: Sequence[str]) -> list[str | None] | None:
    """What each column is read as; ``None`` if one of the twelve is missing or named twice."""
    meanings = [_COLUMNS.get(fields.field_key(name)) for name in names]
    stated = [meaning for meaning in meanings if meaning is not None]
    return meanings if len(stated) == len(_COLUMNS) == len(set(stated)) else None


def _entry_or_rejected(number: int, line: str | None, meanings: Sequence[str | None]) -> KnownEntry | RejectedEntry:
    """Read one row."""
    try:
        values = fields_of(line, ";")
        if len(values) != len(meanings):
            return RejectedEntry(number, f"{len(values)} columns where the header names {len(meanings)}")
        row = {meaning: value.strip() for meaning, value in zip(meanings, values, strict=True) if meaning is not None}
        return _entry(number, row)
    except FieldError as error:
        return RejectedEntry(number, str(error))


def _entry(number: int, row: Mapping[str, str]) -> KnownEntry:
    """Make an entry of a row.

    Raises:
        FieldError: A field is malformed, or there is no hash.
    """
    attributes = {name: fields.attribute(name, row[name]) for name in _NAMED if row[name]}
    if row["series_named"]:
        attributes["series_named"] = "true"
    return fields.require_a_hash(
        KnownEntry(
            number,
            fields.digest("md5", row["md5"]) if row["md5"] else None,
            fields.digest("sha1", row["sha1"]) if row["sha1"] else None,
            perceptual=fields.carried_photodna(row["photodna"], attributes),
            reference=fields.short_text("Image ID", row["reference"]),
            attributes=attributes,
        )
    )
