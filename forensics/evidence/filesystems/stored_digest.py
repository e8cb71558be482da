"""Compares what is read of a file with the digest that a logical image stores for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from forensics.errors import StreamReadError

_ALGORITHMS = ("sha1", "md5")
"""The first of them that is stored is compared."""


def states_content(stored: Mapping[str, str]) -> bool:
    """Tell whether a stored digest is one of content: a file of no bytes that has it lost its bytes.

    Args:
        stored: Digests stored for a file, by hashlib's names, in hexadecimal. One of zeros only counts as none.
    """
    given = {name: stored.get(name, "").strip().lower() for name in _ALGORITHMS}
    nothing = {name: hashlib.new(name, usedforsecurity=False).hexdigest() for name in _ALGORITHMS}
    return any(digest.strip("0") and digest != nothing[name] for name, digest in given.items())


class StoredDigest:
    """The digest that a file must have. A file without one is not compared.

    Args:
        stored: Digests stored for the file, by hashlib's names, in hexadecimal. One of zeros only counts as none.
        size: Bytes of the file.
        where: Its address, for errors.
    """

    def __init__(self, stored: Mapping[str, str], size: int, where: str) -> None:
        found = [name for name in _ALGORITHMS if stored.get(name, "").strip("0 ")]
        self._algorithm = found[0] if found else ""
        self._stored = stored[self._algorithm].strip().lower() if found else ""
        self._size = size
        self._where = where
        self._hashed = 0
        self._hash = hashlib.new(self._algorithm, usedforsecurity=False) if found else None

    def compare(self, offset: int, data: bytes) -> None:
        """Go on with bytes of the file if this is where the digest stands, and compare it at the end.

        Args:
            offset: Their place in the file. Only a file read from front to back is compared.
            data: The bytes.

        Raises:
            StreamReadError: They end the file, and it does not have its digest.
        """
        if self._hash is None:
            return
        if offset == 0 and self._hashed:
            self._hash, self._hashed = hashlib.new(self._algorithm, usedforsecurity=False), 0
        if offset != self._hashed:
            return
        self._hash.update(data)
        self._hashed += len(data)
        if self._hashed == self._size and self._hash.hexdigest() != self._stored:
            name = self._algorithm.upper()
            raise StreamReadError(f"its content does not have the {name} that the image states for it", self._where)
