"""Lists that are SQLite databases: opened so that nothing in the file can run, write or be missed.

The connection is read-only and immutable (no lock, no journal, no copy), and an authorizer lets a statement read
tables and nothing else: views, triggers and generated columns of a file that comes from elsewhere never run. Only real
tables are offered.
"""

from __future__ import annotations

import sqlite3
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeAlias
from urllib.parse import quote

from forensics.errors import ListFormatError
from hashsets.format import ListFormat

MAGIC = b"SQLite format 3\0"

LONGEST_VALUE = 1 << 20
"""Bytes of a text or blob; a database with a longer one in the columns that are read is refused."""

Tables: TypeAlias = Mapping[str, frozenset[str]]
"""Lower-case names of the columns of each real table, by its lower-case name."""

_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}
_FUNCTIONS = {"typeof"}
_PRAGMAS = {"table_info", "cell_size_check", "trusted_schema"}
_DAMAGED = "check the file; nothing was imported"


def is_sqlite(head: bytes) -> bool:
    """Tell a database by its first bytes."""
    return head.startswith(MAGIC)


class SqliteListFormat(ListFormat):
    """A format of lists that are databases, told apart by their tables."""

    needs_path: ClassVar[bool] = True

    def recognises(self, head: bytes) -> bool:
        """Tell an SQLite database."""
        return is_sqlite(head)

    def recognises_path(self, path: Path) -> bool:
        """Tell by its tables; a damaged database has none."""
        try:
            with opened(path) as connection:
                return self.recognises_tables(tables_of(connection))
        except ListFormatError:
            return False

    @abstractmethod
    def recognises_tables(self, tables: Tables) -> bool:
        """Tell by its tables whether a database is of this format."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to be read.

    Raises:
        ListFormatError: It is damaged, or changes to it stand in a log beside it, where a copy would miss them.
    """
    with database_errors():
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise ListFormatError(
                "changes to this database stand in a log beside it",
                None,
                "open it once with its own program and close it, so that they are written into it",
            )
        connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
        try:
            connection.executescript("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            connection.set_authorizer(_authorize)
            yield connection
        finally:
            connection.close()


def tables_of(connection: sqlite3.Connection) -> Tables:
    """Name the real tables of a database: no views, no virtual tables.

    Raises:
        ListFormatError: It is damaged.
    """
    with database_errors():
        named = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchmany(1000)
        return {
            str(name).lower(): frozenset(str(row[1]).lower() for row in _columns(connection, str(name)))
            for name, sql in named
            if "virtual" not in str(sql)[:20].lower()
        }


def holds(tables: Tables, needed: Tables) -> bool:
    """Tell whether a database has some tables with some columns."""
    return all(columns <= tables.get(table, frozenset()) for table, columns in needed.items())


def rows(connection: sqlite3.Connection, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
    """Run a query of ours.

    Raises:
        ListFormatError: The database is damaged, or holds what must not run.
    """
    with database_errors():
        # no "yield from": it closes the cursor when the reading is given up, after its connection
        for row in connection.execute(query, values):  # noqa: UP028
            yield row


def hexadecimal_of(value: object) -> object:
    """Give a hash that may stand as bytes or as text as text."""
    return value.hex() if isinstance(value, bytes) else value


@contextmanager
def database_errors() -> Iterator[None]:
    """Translate what SQLite raises; its own text may quote the file.

    Raises:
        ListFormatError: In place of it.
    """
    try:
        yield
    except sqlite3.Error as error:
        what = getattr(error, "sqlite_errorname", type(error).__name__)
        raise ListFormatError(f"the database cannot be read ({what})", None, _DAMAGED) from error
    except (OverflowError, UnicodeDecodeError) as error:
        raise ListFormatError("the database holds what is no text", None, _DAMAGED) from error


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    quoted = table.replace('"', '""')
    return connection.execute(f'PRAGMA table_info("{quoted}")').fetchall()


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Let a statement read and nothing else."""
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_OK if second in _FUNCTIONS else sqlite3.SQLITE_DENY
    if action in _ALLOWED or (action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
