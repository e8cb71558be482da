"""Cryptographic digests of a content: MD5, SHA-1 and SHA-256 in one read.

Known lists carry any of the three; a content is keyed by its SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
"""SHA-256 of no bytes at all. The empty content is recorded but never matched: every disk is full of it."""


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of one whole content, in lower-case hexadecimal, and its length.

    Attributes:
        md5: 32 characters.
        sha1: 40 characters.
        sha256: 64 characters.
        size: Length of the content in bytes.
    """

    md5: str
    sha1: str
    sha256: str
    size: int


class DigestComputer:
    """Takes a content piece by piece and gives its :class:`Digests`."""

    __slots__ = ("_md5", "_sha1", "_sha256", "_size")

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size = 0

    def update(self, piece: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self._md5.update(piece)
        self._sha1.update(piece)
        self._sha256.update(piece)
        self._size += len(piece)

    def finish(self) -> Digests:
        """Give the digests of all bytes taken so far."""
        return Digests(self._md5.hexdigest(), self._sha1.hexdigest(), self._sha256.hexdigest(), self._size)


def digests_of(pieces: Iterable[bytes]) -> Digests:
    """Digest a content given as an iterable of byte strings."""
    computer = DigestComputer()
    for piece in pieces:
        computer.update(piece)
    return computer.finish()
