"""Lists of digests as md5sum, sha1sum, sha256sum and their kin write them.

Lines may be mixed freely: ``<digest>  name``, ``<digest> *name``, ``MD5 (name) = <digest>`` (BSD and OpenSSL), any of
these after the backslash by which GNU marks an escaped name, or a bare digest. The algorithm follows from the length.
Lines that start with ``#`` or ``;`` are remarks. File names are never imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, ClassVar

from hashsets import fields
from hashsets.format import KnownEntry, ListFormat, ListHeader, RejectedEntry
from hashsets.formats.text import head_text, numbered_lines

_ALGORITHMS = {length: algorithm for algorithm, length in fields.DIGEST_LENGTHS.items()}
_LEADING = re.compile(r"\\?([0-9A-Fa-f]+)(?:\s.*)?", re.DOTALL)
_TAGGED = re.compile(r"\\?(MD5|SHA-?1|SHA(?:2-|-)?256) ?\(.*\) ?= ?([0-9A-Fa-f]+)\s*", re.DOTALL | re.IGNORECASE)


class DigestListFormat(ListFormat):
    """One digest a line, with or without a file name."""

    name: ClassVar[str] = "digest-list"

    def recognises(self, head: bytes) -> bool:
        """Tell by the first line that is neither empty nor a remark."""
        for line in head_text(head).splitlines():
            text = line.strip()
            if text and not _is_remark(text):
                return _algorithm_and_digest(text) is not None
        return False

    def read(self, file: BinaryIO) -> Iterator[KnownEntry | RejectedEntry | ListHeader]:
        """Read a list; an entry's position is its line number."""
        for number, line in numbered_lines(file):
            if line is None:
                yield RejectedEntry(number, "line too long")
                continue
            text = line.strip()
            if not text or _is_remark(text):
                continue
            found = _algorithm_and_digest(text)
            if found is None:
                yield RejectedEntry(number, "no MD5, SHA-1 or SHA-256 where one belongs")
            else:
                yield KnownEntry(number, **{found[0]: found[1]})  # type: ignore[arg-type]


def _is_remark(text: str) -> bool:
    return text.startswith(("#", ";"))


def _algorithm_and_digest(text: str) -> tuple[str, str] | None:
    """Find the digest of a line and its algorithm, which a tagged line must name rightly."""
    if match := _LEADING.fullmatch(text):
        digest, tag = match[1], None
    elif match := _TAGGED.fullmatch(text):
        digest, tag = match[2], fields.field_key(match[1])
    else:
        return None
    algorithm = _ALGORITHMS.get(len(digest))
    if algorithm is None or (tag is not None and tag.replace("sha2256", "sha256") != algorithm):
        return None
    return algorithm, fields.digest(algorithm, digest)
