"""The final copy of a case: one file without journal, free pages or remains, the same bytes each time.

``VACUUM INTO`` writes every table and index anew, in order, so the bytes depend on what the case holds and on nothing
that happened to the file before: measured, three copies of a case, vacuumed and changed back in between, differed in
two numbers of the header only. These are given fixed values, since no reader uses them for more than caches: the schema
cookie (offset 40, counts changes of the schema) and the number of the SQLite version that wrote the file (offset 96).
``secure_delete`` has pages zeroed before they are filled, so that no byte of the heap gets into the file. Another
version of SQLite may lay a table out in another way: the rows, and their digests, are then the same, the bytes are not.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from forensics.case.store import SEALED_APPLICATION_ID
from forensics.errors import SealError
from forensics.new_file import new_path

_OLDEST_SQLITE = 3_037_000

_FIELDS = {
    18: (1, 1),  # journal mode to write with: rollback, not write-ahead log
    19: (1, 1),  # and to read with
    24: (4, 1),  # change counter
    40: (4, 1),  # schema cookie
    68: (4, SEALED_APPLICATION_ID),
    92: (4, 1),  # the change counter for which the size in the header holds
    96: (4, _OLDEST_SQLITE),  # the version of SQLite that wrote the file
}
"""Fields of the header: offset, length in bytes and fixed value, big-endian.
See https://www.sqlite.org/fileformat2.html, "The Database Header"."""

_READ_ONLY = 0o400


@dataclass(frozen=True, slots=True)
class FinalCopy:
    """A file: its size in bytes and its SHA-256."""

    size: int
    sha256: str


def write_final_copy(connection: sqlite3.Connection, path: Path) -> FinalCopy:
    """Write the final copy of a case, marked as sealed and readable by its owner only.

    Args:
        connection: The case; nobody else may be writing.
        path: The file; must not exist.

    Raises:
        ReportError: It exists or cannot be written.
        SealError: SQLite cannot write it.
    """
    with new_path(path) as temporary:
        try:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("VACUUM INTO ?", (str(temporary),))
        except sqlite3.Error as error:
            raise SealError(f"cannot be written ({error})", str(path), "check its folder and free space") from error
        with temporary.open("r+b") as file:
            for offset, (length, value) in _FIELDS.items():
                file.seek(offset)
                file.write(value.to_bytes(length, "big"))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        temporary.chmod(_READ_ONLY)
    return FinalCopy(size, digest)
