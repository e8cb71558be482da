"""The case file as a database: making, opening and recognising it, and transactions on it."""

from __future__ import annotations

import os
import secrets
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlite_utils

from forensics import __version__
from forensics.case import ledger, schema, utc
from forensics.errors import CaseError, CaseVersionError, CaseWriteError, NotACaseError, SealedCaseError
from forensics.evidence.locator import SOURCE_LABEL

APPLICATION_ID = 0x544D5A31
"""``TMZ1`` in the file's header at offset 68: this is a tamiz case."""

SEALED_APPLICATION_ID = 0x544D5A46
"""``TMZF`` there: this case is final (see :mod:`forensics.seal`). It is never written again."""

SCHEMA_VERSION = 4
"""``user_version`` in the file's header at offset 60."""

CACHE_KIB = 128 * 1024
"""Memory for pages of the case while it is written. Contents are keyed by digest: each one touches pages anywhere."""

CHECKPOINT_PAGES = 16 * 1024
"""Pages of the write-ahead log (64 MB) after which they go into the file: the same page is then written once, not at
every commit. With SQLite's 2 MB and 1,000 pages, writing what was found took nearly three times as long."""

BUSY_SECONDS = 60
"""How long one command waits for another that is writing to the same case."""

_REMEDY = "give the path of a case made with 'tamiz case new'"


class CaseStore:
    """An open case file. Everything written to a case goes through one of these.

    Attributes:
        path: The file.
        database: The same connection, as sqlite-utils sees it.
        sealed: Whether the case is final.
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, *, read_only: bool = False, sealed: bool = False
    ) -> None:
        self.path = path
        self.sealed = sealed
        self.connection = connection
        self._read_only = read_only
        self._closed = False
        self.database = sqlite_utils.Database(connection)

    @classmethod
    def create(
        cls, path: Path, number: str, actor: ledger.Actor, authority: str | None, exhibits: Sequence[str],
        *, approval_required: bool = False,
    ) -> CaseStore:  # fmt: skip
        """Make a new case file, readable by its owner only, and the key for its pseudonyms beside it.

        Args:
            path: The file to make; must not exist.
            number: Case number.
            actor: The examiner.
            authority: Warrant or request under which the examination is made; ``None`` if not stated.
            exhibits: Labels of the exhibits already known.
            approval_required: Whether reports and exports for others need the approval of a second person.

        Raises:
            CaseError: The file exists, cannot be made, or a label is unusable.
        """
        if not number.strip():
            raise CaseError("a case needs a number", str(path), "give it with --number")
        if len(set(exhibits)) < len(exhibits):
            raise CaseError("an exhibit is named twice", str(path), "name each exhibit once")
        for label in exhibits:
            check_exhibit_label(label)
        _make_private_file(path, b"", "choose another name or remove it")
        made = [path]
        try:
            key = pseudonym_key_path(path)
            _make_private_file(key, secrets.token_hex(32).encode(), "it belongs to another case: move it away")
            made.append(key)
            stated = {"number": number, "authority": authority, "exhibits": list(exhibits)}
            return cls._fill(path, actor, stated | {"approval": "required" if approval_required else "not-required"})
        except BaseException as error:
            for file in made:  # a case is made whole or not at all
                file.unlink(missing_ok=True)
            if isinstance(error, sqlite3.Error):
                what = f"cannot be made ({error})"
                raise CaseError(what, str(path), "check free space and permissions") from error
            raise

    @classmethod
    def _fill(cls, path: Path, actor: ledger.Actor, stated: dict[str, Any]) -> CaseStore:
        """Give an empty file its tables and its first rows."""
        connection = sqlite3.connect(path)
        connection.executescript(schema.statements())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        # before the first write-ahead log: the file's own header must say what it is, whatever comes after
        connection.close()
        connection = _connect(path, read_only=False)
        store = cls(path, connection)
        identity = str(uuid.uuid4())
        with store.transaction():
            store.database.table("case_info").insert(
                {
                    "id": 1,
                    "uuid": identity,
                    "number": stated["number"],
                    "authority": stated["authority"],
                    "created": utc.now(),
                    "tool_version": __version__,
                    "approval": stated["approval"],
                }
            )
            for label in stated["exhibits"]:
                store.add_exhibit(label)
            ledger.append(connection, actor, "case new", {"uuid": identity, **stated})
        return store

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> CaseStore:
        """Open a case.

        Raises:
            NotACaseError: The file is missing or is not a tamiz case.
            CaseVersionError: A newer tamiz wrote it, or one from before this form of a case.
            SealedCaseError: It is sealed, and was to be opened for writing.
            CaseError: It cannot be read.
        """
        sealed = is_sealed(path)
        if sealed and not read_only:
            raise SealedCaseError("is sealed and is never changed", str(path), "work on the case it was sealed from")
        try:
            connection = _connect(path, read_only=read_only, sealed=sealed)
            return cls(path, connection, read_only=read_only, sealed=sealed)
        except sqlite3.Error as error:
            raise CaseError(f"cannot be opened ({error})", str(path), "check permissions and free space") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One atomic change. Begins at once for writing, so that two writers wait instead of failing midway.

        Raises:
            CaseWriteError: The database refuses the change (locked for too long, disk full).
        """
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:  # SQLite ends it by itself when the disk is full
                    self.connection.execute("ROLLBACK")
                raise
        except sqlite3.DatabaseError as error:
            raise cannot_be_written(self.path, error) from error

    def add_exhibit(self, label: str) -> int:
        """Add an exhibit inside the caller's transaction and give its id."""
        check_exhibit_label(label)
        row = {"uuid": str(uuid.uuid4()), "label": label, "created": utc.now()}
        return self.insert("exhibits", row)

    def insert(self, table: str, row: Mapping[str, Any]) -> int:
        """Insert one row inside the caller's transaction and give its number."""
        inserted = self.database.table(table).insert(dict(row)).last_pk
        assert isinstance(inserted, int)  # noqa: S101 - every table this is used for has an integer key
        return inserted

    def actor_id(self, actor: ledger.Actor) -> int:
        """The id of an actor, added inside the caller's transaction if new."""
        self.connection.execute(
            "INSERT OR IGNORE INTO actors (name, system_user) VALUES (?, ?)", (actor.name, actor.system_user)
        )
        query = "SELECT id FROM actors WHERE name = ? AND system_user = ?"
        return int(self.connection.execute(query, (actor.name, actor.system_user)).fetchone()[0])

    def record(self, actor: ledger.Actor, action: str, details: dict[str, Any]) -> None:
        """Add a row to the ledger in a transaction of its own."""
        with self.transaction():
            ledger.append(self.connection, actor, action, details)

    def record_reading(self, actor: ledger.Actor, action: str, details: dict[str, Any]) -> None:
        """Add a row for a command that read, in a transaction of its own (see :func:`ledger.append_reading`)."""
        with self.transaction():
            ledger.append_reading(self.connection, actor, action, details)

    def close(self) -> None:
        """Close the file. The last writer to close folds the write-ahead log into it: at rest a case is one file.

        Closing twice is harmless.
        """
        if self._closed:
            return
        self._closed = True
        if not self._read_only:
            # somebody else still reads or writes: then the log stays, and the last one to close folds it in
            with suppress(sqlite3.OperationalError):
                self.connection.execute("PRAGMA busy_timeout = 1000")
                self.connection.execute("PRAGMA journal_mode = DELETE")
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def cannot_be_written(path: Path, error: sqlite3.Error) -> CaseWriteError:
    """What to say when the database refuses."""
    what = f"cannot be written ({error}); what it holds is kept"
    return CaseWriteError(what, str(path), "free disk space or wait for the other command, then run the same again")


def check_exhibit_label(label: str) -> None:
    """Refuse a label that cannot stand in a locator.

    Raises:
        CaseError: It has other characters than letters, digits, ``_``, ``-``, or does not begin with one of the first.
    """
    if not SOURCE_LABEL.fullmatch(label) or "." in label:
        raise CaseError(
            f"unusable exhibit label '{label}'", None, "use letters, digits, '-' and '_', such as E1 or IND-03"
        )


def pseudonym_key_path(case: Path) -> Path:
    """Where the key for a case's pseudonyms is kept: beside the case, never in it."""
    return case.with_name(case.name + ".key")


def _make_private_file(path: Path, content: bytes, remedy: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CaseError("exists already", str(path), remedy) from error
    except OSError as error:
        raise CaseError(
            f"cannot be made ({error.strerror})", str(path), "check the folder and its permissions"
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def is_sealed(path: Path) -> bool:
    """Say whether a case is final. Reads the SQLite header by hand: no foreign file is ever opened as a database.

    Raises:
        NotACaseError: The file is missing or is not a tamiz case.
        CaseVersionError: Its schema is not the one this tamiz knows.
    """
    application, version = read_header(path)
    if version > SCHEMA_VERSION:
        raise CaseVersionError(
            f"was written by a newer tamiz (schema {version}; this one knows {SCHEMA_VERSION})",
            str(path),
            "update tamiz",
        )
    if version < SCHEMA_VERSION:
        raise CaseVersionError(
            f"was written by an older tamiz (schema {version}; this one knows {SCHEMA_VERSION})",
            str(path),
            "run 'tamiz case upgrade', or read it with that one",
        )
    return application == SEALED_APPLICATION_ID


def read_header(path: Path) -> tuple[int, int]:
    """Read what a case's file says of itself: its ``application_id`` and ``user_version``.

    Raises:
        NotACaseError: The file is missing or is not a tamiz case.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError as error:
        raise NotACaseError("no such file", str(path), _REMEDY) from error
    except OSError as error:
        raise NotACaseError(f"cannot be read ({error.strerror})", str(path), _REMEDY) from error
    application = int.from_bytes(header[68:72], "big")
    if header[:16] != b"SQLite format 3\0" or application not in {APPLICATION_ID, SEALED_APPLICATION_ID}:
        raise NotACaseError("is not a tamiz case", str(path), _REMEDY)
    return application, int.from_bytes(header[60:64], "big")


def _connect(path: Path, *, read_only: bool, sealed: bool = False) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
    unwritable = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
    if sealed or (read_only and unwritable):
        # on a medium that cannot be written, nobody else is writing either; to what is sealed, nobody may, and what
        # lies beside it under the name of a journal is no part of it
        uri += "&immutable=1"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    return connection
