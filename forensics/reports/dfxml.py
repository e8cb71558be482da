"""The streams of a case as Digital Forensics XML.

Each source is named in ``source``, each volume with a stream is a ``volume``, each stream a ``fileobject`` with the
children in the order of the schema (github.com/dfxml-working-group/dfxml_schema, which is also fiwalk's). What only
tamiz knows stands after them in a namespace of our own, for which DFXML 2.0 has a place and readers of older versions
pass over: the locator, where the stream begins, and the entries that it matches.

``byte_runs`` are left out: a case holds where a stream begins, not in which pieces it lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar
from xml.sax.saxutils import escape, quoteattr

from forensics import __version__
from forensics.case.content_walk import ContentMatch, HoldingStream, Scope, WalkedContent, condition, walk_streams
from forensics.case.reader import CaseReader
from forensics.new_file import new_file, refuse_existing
from forensics.reports.exporter import Exporter
from forensics.reports.printable import printable
from forensics.reports.pseudonym import StreamNames
from forensics.reports.recipient import Disclosure, Recipient, require

NAMESPACE = "http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML"
OUR_NAMESPACE = "urn:tamiz:dfxml"
VERSION = "2.0.0-beta.0"
"""Of the schema. All that we write but our own elements is valid by 1.1 as well."""

_TIMES = {"mtime": "modified", "ctime": "changed", "atime": "accessed", "crtime": "created"}


class DfxmlExporter(Exporter):
    """DFXML: what fiwalk writes of a disk image, of the streams of a case."""

    name: ClassVar[str] = "dfxml"
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.HITS, Scope.MEDIA, Scope.ALL)

    def export(self, case: CaseReader, output: Path, recipient: Recipient, scope: Scope = Scope.HITS) -> None:
        """Write the document.

        Raises:
            ReportError: The file exists or cannot be written, the case's key is missing, or the recipient gets no rows.
        """
        allowed = require(recipient, "rows", "DFXML")
        refuse_existing(output)
        names = StreamNames(case.path, allowed)
        with new_file(output) as file:
            for line in _head(case, allowed):
                file.write(line.encode())
            used = _volumes_with_streams(case, scope)
            for source in case.sources():
                for volume in source["volumes"]:
                    if (source["label"], volume["label"]) in used:
                        _write_volume(file, case, scope, source, volume, names, allowed)
            file.write(b"</dfxml>\n")


def _head(case: CaseReader, allowed: Disclosure) -> Iterator[str]:
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<dfxml version="{VERSION}" xmlns="{NAMESPACE}" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tamiz="{OUR_NAMESPACE}">\n'
    )
    yield "<metadata><dc:type>Known-hash matching</dc:type></metadata>\n"
    yield f"<creator><program>tamiz</program><version>{escape(__version__)}</version></creator>\n<source>\n"
    for source in case.sources():
        name = source["file_name"] if allowed.source_names else source["label"]
        yield f"<image_filename>{_text(name)}</image_filename>\n"
    yield "</source>\n"


def _volumes_with_streams(case: CaseReader, scope: Scope) -> set[tuple[str, str]]:
    rows = case.query(
        "SELECT DISTINCT sources.label AS source, volumes.label AS volume FROM streams "  # noqa: S608 - literals only
        "JOIN volumes ON volumes.id = volume_id JOIN sources ON sources.id = streams.source_id "
        f"WHERE content IN (SELECT sha256 FROM contents WHERE {condition(scope)})"
    )
    return {(row["source"], row["volume"]) for row in rows}


def _write_volume(
    file: BinaryIO,
    case: CaseReader,
    scope: Scope,
    source: dict[str, object],
    volume: dict[str, object],
    names: StreamNames,
    allowed: Disclosure,
) -> None:
    file.write(f'<volume offset="{volume["offset"]}">\n<sector_size>{source["sector_size"]}</sector_size>\n'.encode())
    if volume["file_system"] is not None:
        file.write(f"<ftype_str>{_text(str(volume['file_system']))}</ftype_str>\n".encode())
    file.writelines(
        "".join(_file_object(stream, content, names, allowed)).encode()
        for stream, content in walk_streams(case.query, scope, str(source["label"]), str(volume["label"]))
    )
    file.write(b"</volume>\n")


def _file_object(
    stream: HoldingStream, content: WalkedContent, names: StreamNames, allowed: Disclosure
) -> Iterator[str]:
    yield f"<fileobject>\n<filename>{_text(names.of(stream.path, stream.stored_path))}</filename>\n"
    yield f"<id>{_text(stream.locator)}</id>\n<name_type>r</name_type>\n<filesize>{content.size}</filesize>\n"
    # a carved run belongs to no file, so nothing says whether it is allocated
    if stream.allocation == "allocated":
        yield "<alloc>1</alloc>\n"
    elif stream.allocation != "carved":
        yield "<unalloc>1</unalloc>\n"
    if stream.allocation == "orphan":
        yield "<orphan>1</orphan>\n"
    for element, field in _TIMES.items():
        if (time := getattr(stream, field)) is not None:
            yield f"<{element}>{time}</{element}>\n"
    yield f"<libmagic>{_text(content.media_type)}</libmagic>\n"
    if allowed.digests:
        for algorithm in ("md5", "sha1", "sha256"):
            yield f'<hashdigest type="{algorithm}">{getattr(content, algorithm)}</hashdigest>\n'
    yield f"<tamiz:locator>{_text(stream.locator)}</tamiz:locator>\n"
    yield f"<tamiz:content>{names.pseudonyms.of_content(content.sha256)}</tamiz:content>\n"
    yield f"<tamiz:allocation>{stream.allocation}</tamiz:allocation>\n"
    yield f"<tamiz:recovery>{stream.recovery}</tamiz:recovery>\n"
    if stream.physical_offset is not None:
        yield f"<tamiz:physical_offset>{stream.physical_offset}</tamiz:physical_offset>\n"
    for match in content.matches:
        yield _hit(match, allowed)
    yield "</fileobject>\n"


def _hit(match: ContentMatch, allowed: Disclosure) -> str:
    stated = {
        "set": match.set if allowed.set_names else None,
        "set_id": match.set_uuid,
        "disposition": match.disposition,
        "scheme": match.scheme,
        "category": match.category,
        "reference": match.reference if allowed.references else None,
        "basis": match.basis,
        "distance": str(match.distance),
        "tier": match.tier,
        "probe": match.probe,
        "disagreeing": " ".join(match.disagreeing) or None,
        "retracted": "1" if match.retracted else None,
        "disputed": match.disputed,
    }
    attributes = "".join(
        f" {name}={quoteattr(printable(value))}" for name, value in stated.items() if value is not None
    )
    return f"<tamiz:hit{attributes}/>\n"


def _text(text: str) -> str:
    return escape(printable(text))
