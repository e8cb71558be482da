"""Tables with named columns, separated by comma, semicolon, tab or bar: what any laboratory can produce.

The first line names the columns, in English or Spanish, in any case and order, with or without accents. What a column
is read as stands in :data:`COLUMNS`; a column of any other name can name a victim or describe the material and is not
imported. The header that is yielded says which were read and which were not. Fields may be quoted; a field cannot run
over several lines. The line ``sep=;``, by which Excel is told the delimiter, may stand first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.entries import EntryColumns, by_columns, items_of
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListFormat, ListHeader, ListItem, RejectedEntry
from hashsets.formats.csv_columns import columns_of
from hashsets.formats.delimited import fields_of, split_line
from hashsets.formats.text import first_line, head_text, line_blocks

_NAMES = {
    "md5": "md5 md5hash hashmd5 md5sum",
    "sha1": "sha1 sha1hash hashsha1 sha1sum",
    "sha256": "sha256 sha256hash hashsha256 sha256sum",
    "size": (
        "size filesize mediasize sizebytes sizeinbytes filesizebytes "
        "tamano tamanobytes tamanoenbytes tamanoarchivo tamanodearchivo tamanodelarchivo"
    ),
    "pdq": "pdq pdqhash hashpdq",
    "pdq_quality": "pdqquality quality pdqcalidad calidadpdq calidaddepdq calidad",
    "phash": "phash hashphash",
    "category": "category categoria",
    "reference": "reference referencia imageid mediaid idimagen iddeimagen",
    # of fields.ATTRIBUTES
    "victim_identified": "victimidentified victimaidentificada",
    "offender_identified": "offenderidentified agresoridentificado",
    "is_distributed": "isdistributed distributed distribuido distribuida",
    "is_suspected": "issuspected suspected",
    "self_generated": "selfgenerated autogenerado autogenerada",
    "is_precategorized": "isprecategorized precategorized precategorizado precategorizada",
    "baseline": "baseline lineabase",
    "file_available": "fileavailable archivodisponible",
    "number_of_submissions": "numberofsubmissions",
    "media_type": "mediatype tipodemedio",
    "mime_type": "mimetype tipomime",
    "date_updated": "dateupdated",
    "retracted": "retracted retirada retirado",
    "disputed": "disputed impugnada impugnado",
}

COLUMNS = {name: meaning for meaning, names in _NAMES.items() for name in names.split()}
"""What a column is read as, by its name in plain lower-case letters and digits (:func:`hashsets.fields.field_key`)."""

_HASH_COLUMNS = {"md5", "sha1", "sha256", "pdq", "phash"}
_NEEDED = "column md5, sha1, sha256, pdq or phash"
_DELIMITERS = ",;\t|"
_EXCEL_DELIMITER = re.compile(r'"?sep=([,;\t|])"?[,;\t| ]*', re.IGNORECASE)


class CsvFormat(ListFormat):
    """A table whose first line names its columns."""

    name: ClassVar[str] = "csv"
    requires: ClassVar[str] = f"the first line names a {_NEEDED}"

    def recognises(self, head: bytes) -> bool:
        """Tell by a first line that names at least one hash column."""
        lines = [line for line in head_text(head).splitlines() if line.strip()][:2]
        stated = _EXCEL_DELIMITER.fullmatch(lines[0]) if lines else None
        if stated:
            del lines[0]
        if not lines:
            return False
        names = split_line(lines[0], stated[1] if stated else _delimiter(lines[0])) or []
        return not _HASH_COLUMNS.isdisjoint(_meanings(names))

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read a table; an entry's position is its line number.

        Raises:
            ListFormatError: The header names no hash column, or one column twice.
        """
        return items_of(self.read_batches(file))

    def read_batches(self, file: BinaryIO) -> Iterator[EntryColumns | Sequence[ListItem]]:
        """Read a table, the plain rows of each block of lines together."""
        number, header, blocks = first_line(line_blocks(file))
        stated = _EXCEL_DELIMITER.fullmatch(header or "")
        if stated:
            number, header, blocks = first_line(blocks, number + 1)
        delimiter = stated[1] if stated else _delimiter(header or "")
        names = split_line(header or "", delimiter) or []
        meanings = _header_meanings(number, names)
        yield [_header(names, meanings)]
        together = partial(columns_of, meanings=meanings, delimiter=delimiter)
        singly = partial(_entries_or_rejected, meanings=meanings, delimiter=delimiter)
        for first, lines in blocks:
            yield from by_columns(lines, first, together, singly)


def _delimiter(header: str) -> str:
    """The delimiter that occurs most in the header."""
    return max(_DELIMITERS, key=header.count)


def _meanings(names: Sequence[str]) -> list[str | None]:
    """What each column is read as, or ``None`` where it is not imported."""
    meanings = [COLUMNS.get(fields.field_key(name)) for name in names]
    # the quality of something else says nothing about a hash
    return meanings if "pdq" in meanings else [None if each == "pdq_quality" else each for each in meanings]


def _header_meanings(number: int, names: Sequence[str]) -> list[str | None]:
    """Check the header.

    Raises:
        ListFormatError: It names no hash column, or one column twice.
    """
    meanings = _meanings(names)
    stated = [meaning for meaning in meanings if meaning is not None]
    if _HASH_COLUMNS.isdisjoint(stated):
        raise ListFormatError(f"the first line names no {_NEEDED}", f"line {number}", "add a header line")
    if len(set(stated)) != len(stated):
        raise ListFormatError("the first line names one column twice", f"line {number}", "rename or remove one")
    return meanings


def _header(names: Sequence[str], meanings: Sequence[str | None]) -> ListHeader:
    """Say which columns are read; an ignored one without a name is not worth a word."""
    return ListHeader(
        columns_read=tuple(meaning for meaning in meanings if meaning is not None),
        columns_ignored=tuple(
            name
            for name, meaning in zip(map(fields.column_name, names), meanings, strict=True)
            if meaning is None and name
        ),
    )


def _entries_or_rejected(
    lines: Sequence[str | None], first: int, meanings: Sequence[str | None], delimiter: str
) -> list[KnownEntry | RejectedEntry]:
    """Read rows one by one, without those that are empty."""
    return [
        _entry_or_rejected(number, line, delimiter, meanings)
        for number, line in enumerate(lines, first)
        if line is None or line.strip()
    ]


def _entry_or_rejected(
    number: int, line: str | None, delimiter: str, meanings: Sequence[str | None]
) -> KnownEntry | RejectedEntry:
    """Read one row."""
    try:
        values = fields_of(line, delimiter)
    except FieldError as error:
        return RejectedEntry(number, str(error))
    if len(values) > len(meanings) and not any(value.strip() for value in values[len(meanings) :]):
        del values[len(meanings) :]
    if len(values) != len(meanings):
        return RejectedEntry(number, f"{len(values)} columns where the header names {len(meanings)}")
    try:
        return _entry(number, meanings, values)
    except FieldError as error:
        return RejectedEntry(number, str(error))


def _entry(number: int, meanings: Sequence[str | None], values: Sequence[str]) -> KnownEntry:
    """Make an entry of a row.

    Raises:
        FieldError: A field is malformed, or there is no hash.
    """
    row = {meaning: value.strip() for meaning, value in zip(meanings, values, strict=True) if meaning is not None}
    digests = {name: fields.digest(name, row[name]) for name in fields.DIGEST_LENGTHS if row.get(name)}
    quality = fields.whole_number("pdq_quality", row.get("pdq_quality"), 100)
    perceptual = tuple(
        fields.perceptual_hash(name, row[name], quality if name == "pdq" else None)
        for name in fields.PICTURE_HASHES
        if row.get(name)
    )
    attributes = {
        name: kept
        for name, value in row.items()
        if name in fields.ATTRIBUTES and (kept := fields.stated_attribute(name, value)) is not None
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
