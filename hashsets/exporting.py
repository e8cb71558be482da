"""Writing a set out as a list that others can import: VICS 2.0 JSON, which holds all of it, or CSV.

What is written says the same to tamiz when it is imported again, entry by entry. The file is controlled material: it
holds every hash of the set, so it is made for its owner alone and never over another.
"""

from __future__ import annotations

import csv
import io
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from forensics.errors import LibraryError
from forensics.new_file import new_file
from hashsets.fields import ATTRIBUTES, PERCEPTUAL_LENGTHS
from hashsets.format import KnownEntry
from hashsets.formats import vics

if TYPE_CHECKING:
    from hashsets.library import Library

_VICS_CONTEXT = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/{}/$metadata#{}"
_SEGMENTS = {f"vics-2.0-{name.lower()}": name for name in ("Default", "US", "UK", "CUSTOM")}
_VICS_KEYS = {meaning: key for key, meaning in vics.ATTRIBUTES.items()}
_VICS_ALGORITHMS = {*PERCEPTUAL_LENGTHS, "photodna", "phash-64"}

_CSV_HASHES = ("pdq", "phash")
_CSV_COLUMNS = ("md5", "sha1", "sha256", "size", "pdq", "pdq_quality", "phash", "category", "reference", *ATTRIBUTES)
_FORMULA_STARTS = ("=", "+", "-", "@", "'", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class WrittenList:
    """A list that was written.

    Attributes:
        path: The file.
        sha256: Its digest: whoever imports it has this on record.
        entries: How many entries are in it.
        left_out: What the format has no place for, by kind, with how often; empty if it holds all of the set.
    """

    path: Path
    sha256: str
    entries: int
    left_out: Mapping[str, int]


class _LeftOut(dict[str, int]):
    """Counts what is not written."""

    def add(self, kind: str, count: int = 1) -> None:
        if count:
            self[kind] = self.get(kind, 0) + count


Writer = Callable[[BinaryIO, Iterable[KnownEntry], "str | None", _LeftOut], int]


def export_set(library: Library, name: str, format_name: str, output: Path) -> WrittenList:
    """Write a set out.

    Args:
        library: The library that holds it.
        name: The set.
        format_name: One of :data:`FORMATS`.
        output: The file; must not exist.

    Raises:
        UnknownSetError: There is no set of that name.
        LibraryError: The file exists or cannot be written, or the set cannot be read.
    """
    scheme = library.get(name).scheme
    return write_list(library.entries(name), scheme, format_name, output)


def write_list(entries: Iterable[KnownEntry], scheme: str | None, format_name: str, output: Path) -> WrittenList:
    """Write entries to a new file; see :func:`export_set`."""
    left_out = _LeftOut()
    with new_file(output, LibraryError) as file:
        count = FORMATS[format_name](file, entries, scheme, left_out)
    with output.open("rb") as file:
        return WrittenList(output, file_digest(file, "sha256").hexdigest(), count, dict(left_out))


def _write_vics(file: BinaryIO, entries: Iterable[KnownEntry], scheme: str | None, left_out: _LeftOut) -> int:
    """One Media a line. The category scheme stands in a key of our own; without it the context would have to say it."""
    file.write(vics_head(scheme, "Media"))
    count = 0
    for count, entry in enumerate(entries, start=1):
        text = json.dumps(_media(entry, left_out), ensure_ascii=False, separators=(",", ":"))
        file.write((b",\n" if count > 1 else b"\n") + text.encode())
    file.write(b"\n]}\n")
    return count


def vics_head(scheme: str | None, kind: str) -> bytes:
    """Begin a VICS 2.0 file, up to the first of its objects.

    Args:
        scheme: Of its categories; ``None`` if it has none, or none that all share.
        kind: What its objects are: ``Media`` or ``Cases``.
    """
    context = _VICS_CONTEXT.format(_SEGMENTS.get(scheme or "", "CUSTOM"), kind)
    head = {vics.SCHEME_KEY: scheme or "", "@odata.context": context}
    return json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "value": ['


def _media(entry: KnownEntry, left_out: _LeftOut) -> dict[str, Any]:
    """One entry as a Media object."""
    stated = {
        "MediaID": vics_code(entry.reference),
        "Category": vics_code(entry.category),
        "MD5": entry.md5,
        "SHA1": entry.sha1,
        "MediaSize": entry.size,
    }
    media: dict[str, Any] = {key: value for key, value in stated.items() if value is not None}
    for name, text in sorted(entry.attributes.items()):  # the same set gives the same file
        if name in _VICS_KEYS:
            media[_VICS_KEYS[name]] = text
        else:
            left_out.add(f"attribute {name}")
    alternatives: list[dict[str, Any]] = []
    if entry.sha256 is not None:
        alternatives.append({"HashName": "SHA256", "HashValue": entry.sha256})
    for known in sorted(entry.perceptual, key=lambda known: (known.algorithm, known.value)):
        if known.algorithm == "photodna" and "PhotoDNA" not in media:
            media["PhotoDNA"] = b64encode(bytes.fromhex(known.value)).decode()
            continue
        left_out.add(f"hash {known.algorithm}", known.algorithm not in _VICS_ALGORITHMS)
        alternative: dict[str, Any] = {"HashName": known.algorithm.split("-")[0].upper(), "HashValue": known.value}
        if known.quality is not None:
            alternative["Quality"] = known.quality
        alternatives.append(alternative)
    if alternatives:
        media["AlternativeHashes"] = alternatives
    return media


def vics_code(text: str | None) -> int | str | None:
    """A code as VICS has it, a number, if it reads back as the same text."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and str(int(text)) == text else text


def _write_csv(file: BinaryIO, entries: Iterable[KnownEntry], scheme: str | None, left_out: _LeftOut) -> int:
    """A row an entry, UTF-8, CRLF. A table names no scheme: whoever imports it states it."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(_CSV_COLUMNS)
    count = 0
    left_out.add(f"scheme {scheme}", scheme is not None)
    for entry in entries:
        row = _row(entry, left_out)
        if any(row[column] for column in ("md5", "sha1", "sha256", *_CSV_HASHES)):
            table.writerow([_cell(row[column]) for column in _CSV_COLUMNS])
            count += 1
        else:
            left_out.add("entry")
    text.flush()
    text.detach()
    return count


def _row(entry: KnownEntry, left_out: _LeftOut) -> dict[str, str]:
    """One entry by column."""
    row = dict.fromkeys(_CSV_COLUMNS, "")
    for column in ("md5", "sha1", "sha256", "size", "category", "reference"):
        value = getattr(entry, column)
        row[column] = "" if value is None else str(value)
    for known in entry.perceptual:
        column = known.algorithm.split("-")[0] if known.algorithm == "phash-64" else known.algorithm
        if column not in _CSV_HASHES or row[column]:
            left_out.add(f"hash {known.algorithm}")
            continue
        row[column] = known.value
        if column == "pdq" and known.quality is not None:
            row["pdq_quality"] = str(known.quality)
    for name, value in entry.attributes.items():
        if name in ATTRIBUTES:
            row[name] = value
        else:
            left_out.add(f"attribute {name}")
    return row


def _cell(text: str) -> str:
    """A text as it may stand in a spreadsheet: what a program would run as a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


FORMATS: Mapping[str, Writer] = {"vics": _write_vics, "csv": _write_csv}
"""What can be written, by name."""
