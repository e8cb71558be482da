"""Records of hashlookup, one JSON object a line (draft-dulaunoy-hashlookup-format).

CIRCL's service mixes known software with known malware; the latter bears ``KnownMalicious``, which is kept as a flag.
Names, packages, parents and children are passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListFormat, ListItem, RejectedEntry
from hashsets.formats.text import head_text, numbered_lines

_DIGESTS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256"}
_LINE = re.compile(r'\s*\{[^\n]*"(?:MD5|SHA-1|SHA-256)"\s*:\s*"[0-9A-Fa-f]{32,64}"')


class HashlookupFormat(ListFormat):
    """JSON lines of hashlookup."""

    name: ClassVar[str] = "hashlookup"

    def recognises(self, head: bytes) -> bool:
        """Tell by a first line that is an object with a digest."""
        return _LINE.match(head_text(head)) is not None

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read the records; an entry's position is its line number."""
        for number, line in numbered_lines(file):
            if line is None:
                yield RejectedEntry(number, "line too long")
            elif line.strip():
                yield _entry_or_rejected(number, line)


def _entry_or_rejected(number: int, line: str) -> KnownEntry | RejectedEntry:
    try:
        record = json.loads(line, object_pairs_hook=_object)
    except FieldError as error:
        return RejectedEntry(number, str(error))
    except (ValueError, RecursionError):
        return RejectedEntry(number, "no JSON object")
    if not isinstance(record, dict):
        return RejectedEntry(number, "no JSON object")
    try:
        return _entry(number, record)
    except FieldError as error:
        return RejectedEntry(number, str(error))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, which states no digest twice: a reader that takes the last would differ from one of the first.

    Raises:
        FieldError: It does.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        for name in _DIGESTS:
            if sum(key == name for key, _ in pairs) > 1:
                raise FieldError(f"states {name} twice")
    return found


def _entry(number: int, record: dict[str, Any]) -> KnownEntry:
    """Make an entry of a record.

    Raises:
        FieldError: A field is malformed, or there is no hash.
    """
    digests = {
        digest: fields.digest(digest, record[name], name)
        for name, digest in _DIGESTS.items()
        if record.get(name) not in (None, "")
    }
    attributes = {}
    if record.get("KnownMalicious") not in (None, "", False):
        attributes["known_malicious"] = "true"
    return fields.require_a_hash(
        KnownEntry(
            number,
            digests.get("md5"),
            digests.get("sha1"),
            digests.get("sha256"),
            fields.whole_number("FileSize", record.get("FileSize")),
            attributes=attributes,
        )
    )
