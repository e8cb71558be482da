"""Pseudonyms: names for paths and contents that only the holder of the case's key can lead back.

The pseudonym of a path is ``N-`` and the first ten hexadecimal digits of HMAC-SHA256(key, path as stored); that of a
content is ``C-`` and as many of HMAC-SHA256(key, NUL + "content" + NUL + SHA-256). No path holds a NUL byte, so no
path shares its value with a content. Ten digits are 40 bits: among 10,000 paths the chance that any two share one is
1 in 20,000; a row is identified by its locator, never by the pseudonym alone.

The same key gives the same pseudonyms in every export, so people with different exports can speak of the same thing.
The key lies beside the case, never in it, and stays in the laboratory.
"""

from __future__ import annotations

import hmac
from pathlib import Path

from forensics.case.store import pseudonym_key_path
from forensics.errors import ReportError
from forensics.reports.recipient import Disclosure

_DIGITS = 10
_KEY_BYTES = 32
_CONTENT = b"\0content\0"
_REMEDY = "bring the key file back from the backup of the case; without it names cannot be replaced"


class Pseudonyms:
    """Gives pseudonyms under one key.

    Args:
        key: The case's key, 32 bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of_case(cls, case: Path) -> Pseudonyms:
        """Read the key of a case.

        Args:
            case: The case file; its key lies beside it (:func:`forensics.case.store.pseudonym_key_path`).

        Raises:
            ReportError: The key is missing, unreadable or malformed.
        """
        path = pseudonym_key_path(case)
        try:
            key = bytes.fromhex(path.read_text("ascii").strip())
        except FileNotFoundError as error:
            raise ReportError("the key for pseudonyms is missing", str(path), _REMEDY) from error
        except OSError as error:
            raise ReportError(f"cannot be read ({error.strerror})", str(path), "check permissions") from error
        except ValueError as error:
            raise ReportError("is not a key for pseudonyms", str(path), _REMEDY) from error
        if len(key) != _KEY_BYTES:
            raise ReportError("is not a key for pseudonyms", str(path), _REMEDY)
        return cls(key)

    def of_path(self, path: bytes) -> str:
        """The pseudonym of a path inside the evidence, such as ``N-3f9a1c2e77``. Keeps no part of it.

        Args:
            path: The path byte for byte, as the file system stores it.
        """
        return f"N-{self._digits(path)}"

    def of_content(self, sha256: str) -> str:
        """The pseudonym of a content, such as ``C-5b01d2c9aa``."""
        return f"C-{self._digits(_CONTENT + bytes.fromhex(sha256))}"

    def _digits(self, message: bytes) -> str:
        return hmac.digest(self._key, message, "sha256").hex()[:_DIGITS]


class StreamNames:
    """What a recipient reads where a stream's path belongs: the path, or its pseudonym.

    Args:
        case: The case file.
        allowed: What the recipient may see.

    Raises:
        ReportError: The case's key is missing or malformed.
    """

    __slots__ = ("_allowed", "pseudonyms")

    def __init__(self, case: Path, allowed: Disclosure) -> None:
        self.pseudonyms = Pseudonyms.of_case(case)
        self._allowed = allowed

    def of(self, path: str, stored_path: bytes) -> str:
        """The name of one stream.

        Args:
            path: Its path as text.
            stored_path: Its path byte for byte, as the file system stores it.
        """
        return path if self._allowed.paths else self.pseudonyms.of_path(stored_path)
