"""The contents of a case as a VICS 2.0 case (``#Cases``), for laboratories that work with tools of Project VIC.

One Media object a content, with its digests and the files that hold it. ``Category`` is written only where it is a
fact: all lists of the case that state categories state them in one scheme, which is that of the file, and their
entries with a digest of the content state one code; an entry that was retracted, or that states another digest as
well, decides nothing. What each entry says stands in ``Matches``, a key of our own, with scheme and code as the list
has them.

No perceptual hash is ever written. ``MediaID`` numbers the objects of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from forensics import __version__
from forensics.case.content_walk import ContentMatch, HoldingStream, Scope, WalkedContent, walk_contents
from forensics.case.reader import CaseReader
from forensics.new_file import new_file, refuse_existing
from forensics.reports.exporter import Exporter
from forensics.reports.printable import printable
from forensics.reports.pseudonym import StreamNames
from forensics.reports.recipient import Disclosure, Recipient, require
from hashsets.exporting import vics_code, vics_head

_TIMES = {"Created": "created", "Written": "modified", "Accessed": "accessed", "Change": "changed"}


class VicsExporter(Exporter):
    """VICS 2.0 case JSON."""

    name: ClassVar[str] = "vics"
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.HITS, Scope.MEDIA)

    def export(self, case: CaseReader, output: Path, recipient: Recipient, scope: Scope = Scope.HITS) -> None:
        """Write the case.

        Raises:
            ReportError: The file exists or cannot be written, the case's key is missing, or the recipient gets no
                digests.
        """
        allowed = require(recipient, "digests", "VICS case")
        refuse_existing(output)
        names = StreamNames(case.path, allowed)
        scheme = _common_scheme(case)
        with new_file(output) as file:
            file.write(vics_head(scheme, "Cases") + b"\n")
            file.write(_json(_case(case))[:-1] + b', "Media": [')
            for number, content in enumerate(walk_contents(case.query, scope), start=1):
                file.write(b",\n" if number > 1 else b"\n")
                _write_media(file, number, content, scheme, names, allowed)
            file.write(b"\n]}\n]}\n")


def _common_scheme(case: CaseReader) -> str | None:
    """The scheme of all categories of notable and reference entries that were hit; ``None`` if they have several."""
    schemes = [
        row["scheme"]
        for row in case.query(
            "SELECT DISTINCT scheme FROM entries_hit JOIN sets_used ON uuid = set_uuid "
            "WHERE category IS NOT NULL AND disposition <> 'benign'"
        )
    ]
    return schemes[0] if len(schemes) == 1 else None


def _case(case: CaseReader) -> dict[str, Any]:
    info = case.case_info()
    return {
        "CaseID": info["uuid"],
        "CaseNumber": printable(info["number"]),
        "ContactName": printable(", ".join(case.examiners())),
        "SourceApplicationName": "tamiz",
        "SourceApplicationVersion": __version__,
    }


def _write_media(
    file: BinaryIO, number: int, content: WalkedContent, scheme: str | None, names: StreamNames, allowed: Disclosure
) -> None:
    """Write one Media; its files one by one, for there may be very many."""
    media: dict[str, Any] = {"MediaID": number}
    category = _category(content, scheme)
    if category is not None:
        media["Category"] = vics_code(category)
    media |= {
        "MD5": content.md5,
        "SHA1": content.sha1,
        "MediaSize": content.size,
        "MimeType": printable(content.media_type),
        "AlternativeHashes": [{"HashName": "SHA256", "HashValue": content.sha256}],
        "Matches": [_match(match, allowed) for match in content.matches],
    }
    file.write(_json(media)[:-1] + b',"MediaFiles":[')
    separator = b""
    for stream in content.streams:
        file.write(separator + _json(_media_file(content.md5, stream, names)))
        separator = b","
    file.write(b"]}")


def _category(content: WalkedContent, scheme: str | None) -> str | None:
    """The one code that lists state of this very content, in the scheme of the file."""
    codes = {code for _, code in content.categories}
    return codes.pop() if scheme is not None and len(codes) == 1 else None


def _match(match: ContentMatch, allowed: Disclosure) -> dict[str, Any]:
    stated = {
        "Set": printable(match.set) if allowed.set_names else None,
        "SetID": match.set_uuid,
        "Disposition": match.disposition,
        "Scheme": _printable(match.scheme),
        "Code": _printable(match.category),
        "Reference": _printable(match.reference) if allowed.references else None,
        "Basis": match.basis,
        "Distance": match.distance,
        "Tier": match.tier,
        "Probe": match.probe,
        "Disagreeing": ",".join(match.disagreeing) or None,
        "Retracted": match.retracted or None,
        "Disputed": _printable(match.disputed),
    }
    return {key: value for key, value in stated.items() if value is not None}


def _media_file(md5: str, stream: HoldingStream, names: StreamNames) -> dict[str, Any]:
    name = names.of(stream.path, stream.stored_path)
    return {
        "MD5": md5,
        "FileName": name.rpartition("/")[2],
        "FilePath": name,
        "SourceID": stream.source,
        "PhysicalLocation": stream.locator,
        "Unallocated": stream.allocation != "allocated",
        "Deleted": stream.allocation in {"deleted", "orphan"},
        **dict(_times(stream)),
    }


def _times(stream: HoldingStream) -> Iterator[tuple[str, str]]:
    for key, field in _TIMES.items():
        if (time := getattr(stream, field)) is not None:
            yield key, time


def _printable(text: str | None) -> str | None:
    return None if text is None else printable(text)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
