"""Reopens a stream by its locator and hashes it again: does the evidence still say what the case says?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics.case.reader import CaseReader
from forensics.errors import EvidenceError, LocatorError
from forensics.evidence.keys import Keyring
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.hashing.digests import DigestComputer
from forensics.reason import Reason

READ_SIZE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Located:
    """A stream as the case knows it, and as it was found again.

    Attributes:
        locator: Text of the locator.
        source: The evidence file it was read from.
        streams: What the case holds of it, a row for each name that leads there.
        stored: MD5, SHA-1 and SHA-256 in the case; ``None`` if it was not hashed.
        found: The same, computed anew; ``None`` if it cannot be read now.
        problem: Why it cannot be read now; ``None`` if it can.
    """

    locator: str
    source: str
    streams: tuple[dict[str, Any], ...]
    stored: dict[str, str] | None
    found: dict[str, str] | None
    problem: str | None

    @property
    def agrees(self) -> bool:
        """Whether case and evidence say the same."""
        return self.stored == self.found


def locate(
    case: CaseReader,
    text: str,
    source: Path | None = None,
    keyring: Keyring | None = None,
    *,
    allow_writable: bool = False,
) -> Located:
    """Look a locator up in a case, reopen its stream and hash it again.

    Args:
        case: The case.
        text: The locator.
        source: Where the evidence file is now; ``None`` for where it was when scanned.
        keyring: Keys to its encrypted volumes.
        allow_writable: Open a folder or device even if something could write to it.

    Raises:
        LocatorError: It is malformed, the case knows no such stream, or withholds it as privileged.
        EvidenceError: The evidence file cannot be opened.
    """
    locator = Locator.parse(text)
    streams = case.streams_at(text)
    if not streams:
        raise LocatorError("the case knows no such stream", text, "see 'tamiz hits' for locators")
    if any(stream["reason"] == Reason.PRIVILEGED for stream in streams):
        raise LocatorError("is withheld as privileged", text, "scan with --include-privileged if that was lifted")
    path = source or case.source_path(locator.source)
    stored = _digests(streams[0]) if streams[0]["sha256"] else None
    found, problem = None, None
    with Source.open(path, locator.source, keyring, deep=True, allow_writable=allow_writable) as opened:
        try:
            found = _hash(opened, locator)
        except EvidenceError as error:
            problem = error.what
    shown = tuple({name: value for name, value in row.items() if name not in _DIGESTS} for row in streams)
    return Located(text, str(path), shown, stored, found, problem)


_DIGESTS = ("md5", "sha1", "sha256")


def _digests(row: dict[str, Any]) -> dict[str, str]:
    return {name: row[name] for name in _DIGESTS}


def _hash(source: Source, locator: Locator) -> dict[str, str]:
    reader = source.open_stream(locator)
    computer = DigestComputer()
    offset = 0
    while offset < reader.size:
        piece = reader.read_at(offset, min(READ_SIZE, reader.size - offset))
        if not piece:
            break
        computer.update(piece)
        offset += len(piece)
    digests = computer.finish()
    return {name: getattr(digests, name) for name in _DIGESTS}
