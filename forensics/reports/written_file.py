"""A file that leaves the laboratory, as the ledger records it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import ReportError


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of a report, or an export.

    Attributes:
        path: Where it is.
        sha256: Its digest, for the ledger.
    """

    path: Path
    sha256: str

    @classmethod
    def at(cls, path: Path) -> WrittenFile:
        """Digest a file that was just written.

        Raises:
            ReportError: It cannot be read back.
        """
        try:
            with path.open("rb") as file:
                return cls(path, hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise ReportError(f"cannot be read back ({error.strerror})", str(path), "check the medium") from error
