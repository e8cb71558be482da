"""``tamiz verify``: whether a sealed case is as it was sealed, and if not, what was changed.

The same questions as ``verify.py`` asks, answered by the modules that seal and by tested libraries; beyond it, SQLite's
own check, the digest over the findings, CMS signatures, and time stamps against an authority's certificates. The words
of the answer are those of ``verify.py``.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate

from forensics.case import ledger, logical_digest
from forensics.case.ledger import LedgerRow
from forensics.case.store import SEALED_APPLICATION_ID
from forensics.case.table_digests import TableDigest, schema_digest, sealed_digest, table_digest, table_names
from forensics.errors import SealError
from forensics.seal import verify
from forensics.seal.certificates import signer_of
from forensics.seal.files import JOURNALS, cms_path, manifest_path, signature_path, time_stamp_path
from forensics.seal.keys import PublicKey, read_small_file
from forensics.seal.manifest import FORMAT, SEAL_ACTION, count, describe_signer, read_manifest, scans
from forensics.seal.time_stamps import check_answer

PHRASES = verify.PHRASES | {
    "damaged": ("la base está dañada: {what}", "the database is damaged: {what}"),
    "logical-digest": (
        "los hallazgos no tienen el resumen lógico que dice el manifiesto",
        "the findings do not have the logical digest that the manifest states",
    ),
    "cms-wrong": ("la firma CMS no vale: {what}", "the CMS signature does not hold: {what}"),
    "cms": (
        "Firma CMS de {subject}; si su certificado es de fiar lo dice su emisor",
        "CMS signature by {subject}; whether its certificate is to be trusted is asked of its issuer",
    ),
    "time-stamp-untrusted": ("el sello de tiempo no vale: {what}", "the time stamp does not hold: {what}"),
    "time-stamp-checked": ("Sello de tiempo {at}, con firma comprobada", "Time stamp {at}, its signature checked"),
}
"""The words for each code, Spanish and English: those of ``verify.py``, and those that only this module gives."""

_MALFORMED = (*verify.MALFORMED, SealError)


def verify_sealed(
    path: Path, key: PublicKey | None = None, head: str | None = None, certificates: Sequence[Certificate] = ()
) -> verify.Answer:
    """Check a sealed case and what lies beside it.

    Args:
        path: The sealed case.
        key: Whose signature there should be; ``None``: anyone's will do, or none.
        head: A head of the ledger that was printed; it must be that of a row.
        certificates: Of the time-stamping authority; without them its signature is not checked.

    Raises:
        SealError: The file or what lies beside it cannot be read.
    """
    if not path.is_file():
        raise SealError("no such file", str(path), "give the path of a case made with 'tamiz seal'")
    answer = verify.Answer()
    manifest = _check_manifest(path, key, certificates, answer)
    for beside in (path.with_name(path.name + end) for end in JOURNALS):
        if beside.is_symlink() or beside.exists():
            answer.finding("journal-beside", name=beside.name)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            _check_database(connection, manifest, head, answer)
    except _MALFORMED as error:
        answer.finding("unreadable", what=f"{type(error).__name__}: {error}")
    # an index that is damaged may lead a question astray, though every row is as it was
    if {code for code, _ in answer.findings} - {"damaged", "logical-digest"} == {"file-changed"}:
        answer.finding("only-bytes")
    return answer


def document(answer: verify.Answer) -> dict[str, Any]:
    """The answer for programs: ``intact``, ``findings`` and ``notes``, each with code, values and words."""
    told = {
        name: [
            {"code": code, "values": values}
            | {language: verify.phrase(PHRASES[code], values, number) for number, language in enumerate(("es", "en"))}
            for code, values in items
        ]
        for name, items in (("findings", answer.findings), ("notes", answer.notes))
    }
    return {"intact": not answer.findings, **told}


# What lies beside the file


def _check_manifest(
    path: Path, key: PublicKey | None, certificates: Sequence[Certificate], answer: verify.Answer
) -> dict[str, Any]:
    place = manifest_path(path)
    try:
        message = read_manifest(place)
    except FileNotFoundError:
        answer.finding("manifest-missing", name=place.name)
        return {}
    try:
        manifest: dict[str, Any] = json.loads(message)
        if manifest["format"] != FORMAT:
            raise ValueError("format")
        signer = PublicKey(bytes.fromhex(manifest["signer"]["public_key"])) if manifest["signer"] else None
        sealed, stated = manifest["sealed"], (manifest["file"]["sha256"], manifest["file"]["size"])
        at, actor, tool = sealed["at"], sealed["actor"], sealed["tool_version"]
        answer.note("sealed", number=manifest["case"]["number"], at=at, actor=actor, tool=tool)
    except _MALFORMED as error:
        answer.finding("manifest-malformed", what=f"{type(error).__name__}: {error}")
        return {}
    _check_signature(path, manifest, message, signer, key, answer)
    _check_cms(path, message, answer)
    _check_time_stamp(path, certificates, answer)
    if stated != _file(path):
        answer.finding("file-changed")
    return manifest


def _check_signature(
    path: Path, manifest: Mapping[str, Any], message: bytes, signer: PublicKey | None, key: PublicKey | None,
    answer: verify.Answer,
) -> None:  # fmt: skip
    try:
        signature = read_small_file(signature_path(path)) if signature_path(path).exists() else None
        holds = signer is not None and signature is not None and signer.verifies(signature, message)
        genuine = holds and signer is not None and manifest["signer"] == describe_signer(signer)
    except ValueError:  # 32 bytes that are no key
        genuine = False
    if signature is None and signer is key is None:
        answer.note("unsigned")
    elif signature is None:
        answer.finding("signature-missing")
    elif not genuine or signer is None:
        answer.finding("signature-wrong")
    elif key not in {None, signer}:
        answer.finding("signer-other", fingerprint=signer.fingerprint)
    else:
        answer.note("signed" if key is None else "signed-known", fingerprint=signer.fingerprint)


def _check_cms(path: Path, message: bytes, answer: verify.Answer) -> None:
    place = cms_path(path)
    if not place.exists():
        return
    try:
        certificate = signer_of(read_small_file(place), message, place.name)
    except SealError as error:
        answer.finding("cms-wrong", what=error.what)
        return
    if certificate is None:
        answer.finding("cms-wrong", what="no es de este manifiesto / it is not over this manifest")
    else:
        answer.note("cms", subject=certificate.subject.rfc4514_string())


def _check_time_stamp(path: Path, certificates: Sequence[Certificate], answer: verify.Answer) -> None:
    place = time_stamp_path(path)
    if not place.exists():
        return
    try:
        stamp = check_answer(place, manifest_path(path))
    except SealError:
        answer.finding("time-stamp-wrong")
        return
    if not certificates:
        answer.note("time-stamp", at=stamp.at.isoformat(), data=manifest_path(path).name)
        return
    try:
        check_answer(place, manifest_path(path), certificates=certificates)
    except SealError as error:
        answer.finding("time-stamp-untrusted", what=error.what)
    else:
        answer.note("time-stamp-checked", at=stamp.at.isoformat())


def _file(path: Path) -> tuple[str, int]:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
    except OSError as error:
        raise SealError(f"cannot be read ({error.strerror})", str(path), "check path and permissions") from error


# What is in the file


def _check_database(
    connection: sqlite3.Connection, manifest: Mapping[str, Any], head: str | None, answer: verify.Answer
) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    if connection.execute("PRAGMA application_id").fetchone()[0] != SEALED_APPLICATION_ID:
        answer.finding("not-marked")
    schema, tables = schema_digest(connection), _digests(connection, answer)
    if manifest:
        _compare(manifest, schema, tables, answer)
    broken = ledger.first_broken_row(connection)
    if broken is not None:
        answer.finding("ledger-broken", row=broken)
    else:
        _check_end(list(ledger.rows(connection)), manifest, head, sealed_digest(schema, tables), answer)
    _check_counts(connection, manifest, answer)
    _check_deeper(connection, manifest, answer)


def _check_deeper(connection: sqlite3.Connection, manifest: Mapping[str, Any], answer: verify.Answer) -> None:
    """What ``verify.py`` does not ask: whether the file is sound, and what the findings alone say."""
    try:
        (sound,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if sound != "ok":
            answer.finding("damaged", what=sound)
    except sqlite3.Error as error:
        answer.finding("damaged", what=str(error))
    try:
        if manifest and logical_digest.of_case(connection) != manifest["logical_digest"]:
            answer.finding("logical-digest")
    except _MALFORMED:
        answer.finding("logical-digest")


def _digests(connection: sqlite3.Connection, answer: verify.Answer) -> dict[str, TableDigest]:
    tables = {}
    for name in table_names(connection):
        try:
            tables[name] = table_digest(connection, name)
        except _MALFORMED as error:
            answer.finding("unreadable", what=f"{name}: {error}")
            tables[name] = TableDigest(-1, "")
    return tables


def _compare(
    manifest: Mapping[str, Any], schema: str, tables: Mapping[str, TableDigest], answer: verify.Answer
) -> None:
    sealed = manifest["tables"]
    if schema != manifest["schema"]["sha256"]:
        answer.finding("schema-changed")
    for name in sorted({*sealed, *tables}):
        if name not in tables:
            answer.finding("table-missing", table=name)
        elif name not in sealed:
            answer.finding("table-added", table=name)
        elif asdict(tables[name]) != sealed[name]:
            answer.finding("table-changed", table=name, then=sealed[name]["rows"], now=tables[name].rows)


def _check_end(
    rows: Sequence[LedgerRow], manifest: Mapping[str, Any], head: str | None, of_tables: str, answer: verify.Answer
) -> None:
    """Hold a whole chain against the head that was given, and its last row against manifest and tables."""
    end = {"rows": len(rows), "head": rows[-1].hash if rows else ledger.GENESIS}
    answer.note("head", **end)
    if manifest and manifest["ledger"] != end:
        answer.finding("ledger-head", then=manifest["ledger"]["rows"], now=end["rows"])
    if head is not None and all(row.hash != head for row in rows):
        answer.finding("head-unknown")
    details = json.loads(rows[-1].details) if rows and rows[-1].action == SEAL_ACTION else {}
    if details.get("sealed_digest") != of_tables:
        answer.finding("seal-row")
    if manifest and details:
        last = rows[-1]
        sealed = {"at": last.at, "actor": last.actor, "system_user": last.system_user}
        sealed |= {name: details[name] for name in ("tool_version", "sqlite_version")}
        stated = {name: details[name] for name in ("sealed_digest", "logical_digest")} | {"sealed": sealed}
        _compare_statements(manifest, stated, answer)


def _check_counts(connection: sqlite3.Connection, manifest: Mapping[str, Any], answer: verify.Answer) -> None:
    counts = count(connection)
    streams = counts["streams"]
    answer.note("streams", **streams)
    if streams["seen"] != streams["hashed"] + streams["skipped"] + streams["failed"] + streams["pending"]:
        answer.finding("totals", **streams)
    uuid, number = connection.execute("SELECT uuid, number FROM case_info").fetchone()
    found = {"case": {"uuid": uuid, "number": number}, "scans": scans(connection), "counts": counts}
    _compare_statements(manifest, found, answer)
    if manifest and manifest["schema"]["version"] != connection.execute("PRAGMA user_version").fetchone()[0]:
        answer.finding("statement", what="schema version")


def _compare_statements(manifest: Mapping[str, Any], found: Mapping[str, Any], answer: verify.Answer) -> None:
    for name, value in found.items():
        if manifest and manifest[name] != value:
            answer.finding("statement", what=name)
