"""SQLite files of the library: made private, recognised as ours, their errors said in tamiz's words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from forensics.errors import LibraryError

LIBRARY_APPLICATION_ID = int.from_bytes(b"tmzL")
KNOWN_SET_APPLICATION_ID = int.from_bytes(b"tmzS")
SCHEMA_VERSIONS = {LIBRARY_APPLICATION_ID: 2, KNOWN_SET_APPLICATION_ID: 1}
"""What this tamiz writes, by kind of file."""

BUSY_SECONDS = 30.0


@contextmanager
def library_errors(path: Path) -> Iterator[None]:
    """Translate what SQLite and the operating system raise about a file of the library.

    Raises:
        LibraryError: In place of any of them.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise LibraryError(f"cannot be used ({error})", str(path), "check the disk and the library folder") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise LibraryError(f"cannot be used ({reason})", str(path), "check the disk and the library folder") from error


def create(path: Path, schema: str, application_id: int, page_size: int = 4096) -> sqlite3.Connection:
    """Make a new database that only its owner can read, with a schema from a ``.sql`` file of this package.

    Pages of more than 4,096 bytes are written faster.

    Raises:
        LibraryError: It exists or cannot be made.
    """
    with library_errors(path):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        sql = Path(__file__).with_name(schema).read_text(encoding="utf-8")
        connection.executescript(
            f"PRAGMA page_size = {page_size}; BEGIN; {sql} PRAGMA application_id = {application_id}; "
            f"PRAGMA user_version = {SCHEMA_VERSIONS[application_id]}; COMMIT"
        )
    return connection


def connect(
    path: Path, application_id: int, options: str = "mode=rw", migrations: Mapping[int, str] | None = None
) -> sqlite3.Connection:
    """Open a database of ours.

    Args:
        path: The file.
        application_id: What it must be.
        options: Of SQLite's URI file names, such as ``mode=ro&immutable=1``.
        migrations: By older version, the statements that bring a file of it to the next; none if ``None``.

    Raises:
        LibraryError: It is missing, unreadable, of another program, of a newer tamiz, or of an older one that there is
            no migration from.
    """
    with library_errors(path):
        if not path.is_file():
            raise LibraryError("no such file", str(path), "import the list again, or name another library")
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?{options}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
    try:
        found = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.executescript("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON")
    except sqlite3.Error as error:
        connection.close()
        raise LibraryError("not a file of a tamiz library", str(path), "name another library folder") from error
    known = SCHEMA_VERSIONS[application_id]
    if found != application_id or version > known:
        connection.close()
        if found != application_id:
            raise LibraryError("not a file of a tamiz library", str(path), "name another library folder")
        raise LibraryError("written by a newer tamiz", str(path), "use that version or a library of its own")
    missing = set(range(version, known)) - set(migrations or {})
    if missing:
        connection.close()
        remedy = "import its lists again, or open the library once with 'tamiz set list'"
        raise LibraryError("written by an older tamiz", str(path), remedy)
    if version < known and migrations:
        try:
            _migrate(connection, path, known, migrations)
        except BaseException:
            connection.close()
            raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path, version_wanted: int, migrations: Mapping[int, str]) -> None:
    """Bring a file of an older tamiz to the form of this one, all of the way or not at all.

    Raises:
        LibraryError: It cannot be written.
    """
    with library_errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # asked again: another process may have done it while this one waited
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            for each in range(version, version_wanted):
                for statement in filter(None, migrations[each].split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {each + 1}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
