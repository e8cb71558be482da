"""Bringing a case of an older schema up to this one, with a copy of the case as it was kept beside it.

A new file is made with the tables of today, every row is copied, and the file takes the place of the old one when it is
complete and checked. No row is left out or changed; what is new is empty, or as :data:`_NEW` says.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from forensics import __version__
from forensics.case import ledger, schema
from forensics.case.ledger import Actor
from forensics.case.store import APPLICATION_ID, SCHEMA_VERSION, read_header
from forensics.errors import CaseError, SealedCaseError
from forensics.new_file import write_through

OLDEST = 3
"""The oldest schema that can be brought up to this one."""

_NEW: Mapping[tuple[str, str], str] = {("streams", "priority"): "0"}
"""Columns that older cases lack and that need a value, which is an SQL expression."""


def copy_path(case: Path, version: int) -> Path:
    """Where the case is kept as it was."""
    return case.with_name(f"{case.name}.v{version}.bak")


def upgrade(case: Path, actor: Actor) -> Path:
    """Bring a case up to the schema of this tamiz.

    Args:
        case: The case; nobody else may have it open.
        actor: Who does it.

    Returns:
        The copy of the case as it was.

    Raises:
        CaseError: It is of this schema already, too old, too new, damaged, in use, or a copy lies in the way.
        SealedCaseError: It is sealed.
    """
    application, version = read_header(case)
    if application != APPLICATION_ID:
        raise SealedCaseError("is sealed and is never changed", str(case), "upgrade the case it was sealed from")
    if version >= SCHEMA_VERSION:
        raise CaseError(f"is of schema {version} already, and this tamiz knows {SCHEMA_VERSION}", str(case))
    if version < OLDEST:
        raise CaseError(f"is of schema {version}, which cannot be upgraded", str(case), "scan into a new case")
    copy, made = copy_path(case, version), case.with_name(f".{case.name}.upgrade.part")
    try:
        with _alone(case) as old:
            _check(old, case)
            digest = _keep_copy(case, copy)
            try:
                made.unlink(missing_ok=True)
                _rebuild(case, made, version, actor, {"copy": copy.name, "copy_sha256": digest})
                made.replace(case)
            except BaseException:
                for file in (made, copy):  # the case is as it was
                    file.unlink(missing_ok=True)
                raise
            write_through(case.parent)
    except (sqlite3.Error, OSError) as error:
        what = f"cannot be upgraded ({error})"
        raise CaseError(what, str(case), "close other commands on it, check free space and permissions") from error
    return copy


@contextmanager
def _alone(case: Path) -> Iterator[sqlite3.Connection]:
    """The case as one file, locked against everyone else."""
    connection = sqlite3.connect(f"{case.absolute().as_uri()}?mode=rw", uri=True, timeout=5, isolation_level=None)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        yield connection
    finally:
        connection.close()


def _check(old: sqlite3.Connection, case: Path) -> None:
    """Refuse a case that is not sound: its faults would be taken for ours."""
    remedy = "restore it from a copy"
    if old.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        raise CaseError("is damaged (integrity check)", str(case), remedy)
    broken = ledger.first_broken_row(old)
    if broken is not None:
        raise CaseError(f"its ledger is broken at row {broken}", str(case), remedy)


def _keep_copy(case: Path, copy: Path) -> str:
    """Copy the file byte for byte, never over another, and give its SHA-256."""
    try:
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CaseError("exists already", str(copy), "move it away: a copy is never overwritten") from error
    try:
        with os.fdopen(descriptor, "wb") as target, case.open("rb") as source:
            shutil.copyfileobj(source, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
        with copy.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except BaseException:
        copy.unlink()
        raise


def _rebuild(case: Path, made: Path, version: int, actor: Actor, kept: Mapping[str, str]) -> None:
    """Fill a new file with the tables of today and the rows of the case."""
    os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    # the case is locked; nothing changes while it is read past the lock
    source = f"{case.absolute().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(made.absolute().as_uri(), uri=True, isolation_level=None)
    try:
        connection.executescript(schema.statements())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("ATTACH ? AS old", (source,))
        connection.execute("BEGIN")
        for (table,) in connection.execute("SELECT name FROM old.sqlite_schema WHERE type = 'table'").fetchall():
            _copy_rows(connection, table)
        details = {"from": version, "to": SCHEMA_VERSION, "tool_version": __version__, **kept}
        ledger.append(connection, actor, "case upgraded", details)
        if connection.execute("PRAGMA foreign_key_check").fetchone():
            raise sqlite3.IntegrityError("a row points at one that is not there")
        connection.execute("COMMIT")
    finally:
        connection.close()
    write_through(made)


def _copy_rows(connection: sqlite3.Connection, table: str) -> None:
    """Copy a table whole; a column that is gone today would be lost and is refused."""
    old = [row[1] for row in connection.execute(f"PRAGMA old.table_info({table})")]
    new = [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})")]
    if not set(old) <= set(new):
        raise sqlite3.IntegrityError(f"no place for columns of {table}")
    added = {column: _NEW[table, column] for column in new if column not in old and (table, column) in _NEW}
    into, values = ", ".join([*old, *added]), ", ".join([*old, *added.values()])
    connection.execute(f"INSERT INTO main.{table} ({into}) SELECT {values} FROM old.{table}")  # noqa: S608
