"""A tip held against a case: which streams hold the files whose digests a report to the authorities names.

A report of a service provider, such as one that NCMEC's CyberTipline passes on, names files by their digests. Read are
text of any layout (one digest a line, CSV, XML), where the digests of one line are one file's unless an algorithm
stands there twice, and JSON, where those of one object are. A digest is a word of 32 (MD5), 40 (SHA-1) or 64 (SHA-256)
hexadecimal digits. Nothing else of a tip is read.

That no stream holds a file says something only of what was hashed, so the answer always comes with the coverage.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from forensics.case.reader import CaseReader
from forensics.case.status import status
from forensics.errors import ReportError
from hashsets.formats.text import text_chunks

LARGEST_TIP = 64 << 20
"""Bytes. A tip names files by the dozen; a list by the million is imported as a set."""

_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256"}
_WORD = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32,64}(?![0-9A-Za-z])")
_REMEDY = "give text or JSON with MD5, SHA-1 or SHA-256; a long list is imported with 'tamiz set import'"


@dataclass(frozen=True, slots=True)
class TippedFile:
    """A file that a tip names.

    Attributes:
        place: Its line; in JSON its ordinal.
        digests: By algorithm, in lower case.
    """

    place: int
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tip:
    """What was read of a tip.

    Attributes:
        files: In order.
        sha256: Digest of the tip itself, for the ledger.
    """

    files: tuple[TippedFile, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a case says of one file of a tip.

    Attributes:
        place: As :attr:`TippedFile.place`.
        digests: What the tip states.
        agreeing: Algorithms by which the contents found have a digest of the tip.
        disagreeing: Algorithms by which one of them has another than the tip states: a collision, or a faulty tip.
        streams: Those that hold such a content: ``exhibit``, ``locator``, ``path``, ``allocation``, ``size``,
            ``media_type``, ``hits`` (how many entries of lists its content matches). None: not among what was hashed.
    """

    place: int
    digests: Mapping[str, str]
    agreeing: tuple[str, ...]
    disagreeing: tuple[str, ...]
    streams: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a case says of a tip.

    Attributes:
        findings: One for each file.
        found: How many are held by a stream.
        not_among_hashed: How many are not.
        coverage: What that rests on: ``complete``, ``incomplete`` (why), ``streams``, ``pending``, ``not_examined``
            (how many things).
    """

    findings: tuple[Finding, ...]
    found: int
    not_among_hashed: int
    coverage: Mapping[str, Any]


def read_tip(path: Path) -> Tip:
    """Read the digests of a tip.

    Raises:
        ReportError: It cannot be read, is very large, or holds no digest.
    """
    try:
        if path.stat().st_size > LARGEST_TIP:
            raise ReportError(f"is larger than {LARGEST_TIP >> 20} MB, which is no tip", str(path), _REMEDY)
        with path.open("rb") as file:
            head = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
            file.seek(0)
            groups = _of_json(file.read(), path) if head.startswith((b"{", b"[")) else _of_lines(file)
            files = tuple(_files(groups))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ReportError(f"cannot be read ({error.strerror})", str(path), "check the file") from error
    if not files:
        raise ReportError("holds no digest", str(path), _REMEDY)
    return Tip(files, digest)


def look_up(case: CaseReader, tip: Tip) -> Answer:
    """Find the streams that hold the files of a tip.

    Args:
        case: The case.
        tip: The tip.
    """
    contents = _contents(case, tip.files)
    findings = tuple(_finding(case, file, contents) for file in tip.files)
    found = sum(bool(finding.streams) for finding in findings)
    state = status(case)
    coverage = {key: state[key] for key in ("complete", "incomplete", "streams", "pending")}
    return Answer(findings, found, len(findings) - found, coverage | {"not_examined": len(state["not_examined"])})


def _of_lines(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate("".join(text_chunks(file)).split("\n"), start=1):
        if words := _words(line):
            yield number, words


def _of_json(data: bytes, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The digests of each object, and of each list of texts one by one."""
    try:
        waiting: list[Any] = [json.loads(data)]
    except (ValueError, RecursionError) as error:
        raise ReportError("is no JSON that can be read", str(path), _REMEDY) from error
    ordinal = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            groups, inner = [_words(value)], []
        elif isinstance(value, dict):
            texts = [each for each in value.values() if isinstance(each, str)]
            groups, inner = [[word for text in texts for word in _words(text)]], list(value.values())
            inner = [each for each in inner if isinstance(each, (dict, list))]
        elif isinstance(value, list):
            groups, inner = [], value
        else:
            continue
        for words in filter(None, groups):
            ordinal += 1
            yield ordinal, words
        waiting += reversed(inner)


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text) if len(word) in _ALGORITHMS]


def _files(groups: Iterable[tuple[int, list[str]]]) -> Iterator[TippedFile]:
    """One file a group; a further one where an algorithm stands there twice."""
    for place, words in groups:
        digests: dict[str, str] = {}
        for word in words:
            algorithm = _ALGORITHMS[len(word)]
            if digests.get(algorithm, word) != word:
                yield TippedFile(place, digests)
                digests = {}
            digests[algorithm] = word
        yield TippedFile(place, digests)


def _contents(case: CaseReader, files: Sequence[TippedFile]) -> dict[str, list[dict[str, Any]]]:
    """The contents that have a digest of the tip, by that digest."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for algorithm in _ALGORITHMS.values():
        asked = sorted({file.digests[algorithm] for file in files if algorithm in file.digests})
        if asked:
            for row in case.query(
                "SELECT sha256, sha1, md5, media_type, (SELECT count(*) FROM hits WHERE content = sha256) AS hits "  # noqa: S608
                f"FROM contents WHERE {algorithm} IN (SELECT value FROM json_each(?)) ORDER BY sha256",
                json.dumps(asked),
            ):
                found[row[algorithm]].append(row)
    return found


def _finding(case: CaseReader, file: TippedFile, contents: Mapping[str, list[dict[str, Any]]]) -> Finding:
    of_file = {row["sha256"]: row for digest in file.digests.values() for row in contents.get(digest, ())}
    agreeing = {name for row in of_file.values() for name, digest in file.digests.items() if row[name] == digest}
    disagreeing = {name for row in of_file.values() for name, digest in file.digests.items() if row[name] != digest}
    streams = tuple(
        stream | {"media_type": row["media_type"], "hits": row["hits"]}
        for sha256, row in of_file.items()
        for stream in case.query(
            "SELECT exhibits.label AS exhibit, locator, streams.path, allocation, streams.size FROM streams "
            "JOIN sources ON sources.id = source_id JOIN exhibits ON exhibits.id = exhibit_id "
            "WHERE content = ? ORDER BY locator, streams.path",
            sha256,
        )
    )
    return Finding(file.place, file.digests, tuple(sorted(agreeing)), tuple(sorted(disagreeing)), streams)
