"""Sealing: a case is checked, its ledger closed, and a final copy written that is signed and never changed.

Order: nobody else has the case open; it is sound (SQLite's own checks, the chain of the ledger, and the findings are
what the last scan left); the ledger gets its row, which holds a digest of everything else; the final copy is written;
the manifest over it, signed; and the program that checks all of it with nothing of ours. All files or none.

A case that has not changed since it was sealed gets no further row, so that sealing it again gives the same bytes.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from forensics import __version__
from forensics.case import ledger, logical_digest, proceedings
from forensics.case.ledger import Actor, canonical_json
from forensics.case.store import CaseStore
from forensics.case.table_digests import schema_digest, sealed_digest, table_digests
from forensics.errors import SealError
from forensics.new_file import new_file, refuse_existing
from forensics.seal.certificates import CertificateSigner
from forensics.seal.files import JOURNALS, VERIFIER, cms_path, manifest_path, signature_path, time_stamp_path
from forensics.seal.final_copy import FinalCopy, write_final_copy
from forensics.seal.keys import PublicKey, SigningKey
from forensics.seal.manifest import SEAL_ACTION, build_manifest, encode_manifest

_RESTORE = "a case that does not agree with itself is not sealed: bring it back from a copy"


@dataclass(frozen=True, slots=True)
class Seal:
    """What a seal wrote.

    Attributes:
        manifest: See :mod:`forensics.seal.manifest`.
        files: The files, the sealed case first.
    """

    manifest: dict[str, Any]
    files: tuple[Path, ...]


def verifier_program() -> bytes:
    """The program that checks a sealed case with nothing but Python's standard library."""
    return files("forensics.seal").joinpath(VERIFIER).read_bytes()


def seal(
    store: CaseStore, actor: Actor, output: Path, key: SigningKey | None = None, cms: CertificateSigner | None = None
) -> Seal:
    """Seal a case into a final copy.

    Args:
        store: The case, open for writing. Afterwards it is closed to others until ``store`` is closed.
        actor: Who.
        output: The sealed file; the other files lie beside it (:mod:`forensics.seal.files`).
        key: Signs the manifest; ``None``: nobody does.
        cms: Signs it as CMS too, with an X.509 certificate.

    Raises:
        SealError: Somebody else has the case open, a scan runs, or the case is not sound.
        ReportError: A file exists already or cannot be written.
        CaseError: The case cannot be written.
    """
    _refuse_existing_files(output)
    _take_alone(store)
    _check_database(store)
    _close_ledger(store, actor)
    written = list[Path]()
    try:
        copy = write_final_copy(store.connection, output)
        written.append(output)
        manifest = _read_back(output, copy, None if key is None else key.public)
        message = encode_manifest(manifest)
        parts: dict[Path, Callable[[], bytes]] = {manifest_path(output): lambda: message}
        if key is not None:
            parts[signature_path(output)] = lambda: key.sign(message)
        if cms is not None:
            parts[cms_path(output)] = lambda: cms.sign(message)
        if not (output.parent / VERIFIER).exists():
            parts[output.parent / VERIFIER] = verifier_program
        for path, content in parts.items():
            with new_file(path) as file:
                file.write(content())
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return Seal(manifest, tuple(written))


def _read_back(output: Path, copy: FinalCopy, signer: PublicKey | None) -> dict[str, Any]:
    """Make the manifest from the copy itself, so that it states what was written and not what should have been.

    Raises:
        SealError: That is not what the case held when its ledger was closed.
    """
    try:
        with closing(sqlite3.connect(f"{output.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            schema, tables = schema_digest(connection), table_digests(connection)
            manifest = build_manifest(connection, output.name, copy, schema, tables, signer)
            (sound,) = connection.execute("PRAGMA integrity_check(1)").fetchone()  # indexes too
    except sqlite3.Error as error:
        raise SealError(f"cannot be read back ({error})", str(output), "check the medium, then seal again") from error
    if sound != "ok" or manifest["sealed_digest"] != sealed_digest(schema, tables):
        raise SealError("was not written as the case is", str(output), "check the medium, then seal again")
    return manifest


def _refuse_existing_files(output: Path) -> None:
    """Look before hours of work whether anything is in the way. Another verifier is; the same one is not."""
    names = [path(output) for path in (manifest_path, signature_path, cms_path, time_stamp_path)]
    for path in (output, *names, *(output.with_name(output.name + end) for end in JOURNALS)):
        refuse_existing(path)
    verifier = output.parent / VERIFIER
    if os.path.lexists(verifier):
        with suppress(OSError):
            if verifier.read_bytes() == verifier_program():
                return
        refuse_existing(verifier)


def _take_alone(store: CaseStore) -> None:
    """Keep everyone else out until the case is closed: what is checked must be what is copied."""
    with _translated(store, "another command has it open", "wait for it to end, then seal again"):
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        mode = store.connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        store.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        store.connection.execute("BEGIN EXCLUSIVE")
        store.connection.execute("COMMIT")
    if mode != "delete":
        raise SealError("another command has it open", str(store.path), "wait for it to end, then seal again")


def _check_database(store: CaseStore) -> None:
    """Refuse a case that is not sound.

    Raises:
        SealError: A scan runs or was killed, or something in the case does not agree with the rest.
    """
    connection, where = store.connection, str(store.path)
    with _translated(store, "is damaged", _RESTORE):
        if connection.execute("SELECT 1 FROM scans WHERE state = 'running'").fetchone():
            raise SealError("a scan runs or was killed", where, "run the scan, or 'tamiz match', to its end first")
        (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if answer != "ok":
            raise SealError("is damaged (integrity check)", where, _RESTORE)
        if connection.execute("PRAGMA foreign_key_check").fetchone():
            raise SealError("is damaged (a row points at one that is not there)", where, _RESTORE)
        broken = ledger.first_broken_row(connection)
        if broken is not None:
            raise SealError(f"its ledger is broken at row {broken}", where, _RESTORE)
        changed = proceedings.changed_rows(connection)
        if changed:
            raise SealError(f"rows are not as they were recorded ({', '.join(changed)})", where, _RESTORE)


def _close_ledger(store: CaseStore, actor: Actor) -> None:
    """Leave the row that holds a digest of everything, unless it is there already."""
    connection = store.connection
    findings = logical_digest.of_case(connection)
    if logical_digest.last_recorded(connection) not in {None, findings}:
        raise SealError("its findings are not those that the last scan left", str(store.path), _RESTORE)
    details = {
        "sealed_digest": sealed_digest(schema_digest(connection), table_digests(connection)),
        "logical_digest": findings,
        "tool_version": __version__,
        "sqlite_version": sqlite3.sqlite_version,
    }
    *_, last = ledger.rows(connection)
    if last.action != SEAL_ACTION or last.details != canonical_json(details):
        store.record(actor, SEAL_ACTION, details)


@contextmanager
def _translated(store: CaseStore, what: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SealError(f"{what} ({error})", str(store.path), remedy) from error
