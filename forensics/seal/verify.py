#!/usr/bin/env python3
"""Checks a case that tamiz sealed, with the standard library of Python alone (3.9 or newer, SQLite 3.37 or newer).

    python3 -I verify.py FILE.case [--key PUBLIC_KEY.pem] [--head HASH]

It reads FILE.case, FILE.case.manifest.json and, where they are, .sig (Ed25519) and .tsr (RFC 3161) of the manifest, and
says in Spanish and English whether the file is as it was sealed and, if not, what was changed. Exit code 0: it is;
1: it is not; 2: wrong usage. The forms it computes are described in docs/case-schema.md of tamiz, "Sealed cases".

--key: the laboratory's public key, from elsewhere than these files. --head: a head of the ledger that a report printed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import pathlib
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from typing import Any

PHRASES = {
    "file-changed": ("los bytes del archivo no son los que se sellaron", "the bytes of the file are not those sealed"),
    "only-bytes": ("todo renglón está como se selló: lo cambiado está en un índice, la cabecera o espacio libre",
                   "every row is as it was sealed: what was changed lies in an index, the header or free space"),
    "not-marked": ("la cabecera no lo señala como caso sellado", "the header does not mark it as a sealed case"),
    "unreadable": ("no se puede leer: {what}", "cannot be read: {what}"),
    "journal-beside": ("junto al archivo está {name}: otros programas lo leerían en vez de lo sellado",
                       "{name} lies beside the file: other programs would read it instead of what was sealed"),
    "schema-changed": ("cambió la estructura (tablas, índices, disparadores)",
                       "the structure was changed (tables, indexes, triggers)"),
    "table-changed": ("cambió la tabla {table}: se selló con {then} renglones, ahora tiene {now}",
                      "table {table} was changed: sealed with {then} rows, now it has {now}"),
    "table-missing": ("falta la tabla {table}", "table {table} is missing"),
    "table-added": ("se añadió la tabla {table}", "table {table} was added"),
    "ledger-broken": ("la bitácora se rompe en el renglón {row}: ese o el anterior se alteró, quitó o insertó",
                      "the ledger breaks at row {row}: that one or the one before was altered, removed or put in"),
    "ledger-head": ("la bitácora no termina como se selló: tenía {then} renglones, tiene {now}, o el último es otro",
                    "the ledger does not end as it was sealed: it had {then} rows, now {now}, or the last is another"),
    "seal-row": ("el último renglón de la bitácora no es el sello de estas tablas",
                 "the last row of the ledger is not the seal of these tables"),
    "head-unknown": ("ningún renglón de la bitácora tiene esa cabeza", "no row of the ledger has the head given"),
    "totals": ("los totales no cuadran: {seen} vistos no son {hashed} + {skipped} + {failed} + {pending}",
               "the totals do not reconcile: {seen} seen are not {hashed} + {skipped} + {failed} + {pending}"),
    "statement": ("el manifiesto dice de «{what}» otra cosa que el archivo",
                  "the manifest says something else of “{what}” than the file"),
    "manifest-missing": ("falta el manifiesto {name}", "the manifest {name} is missing"),
    "manifest-malformed": ("el manifiesto no se entiende: {what}", "the manifest cannot be understood: {what}"),
    "signature-missing": ("el manifiesto debe estar firmado y no lo está", "the manifest should be signed and is not"),
    "signature-wrong": ("la firma no es de este manifiesto: uno de los dos se alteró, o la clave es otra",
                        "the signature is not over this manifest: one of them was altered, or the key is another"),
    "signer-other": ("no está firmado con la clave indicada, sino con {fingerprint}",
                     "it is not signed with the key given, but with {fingerprint}"),
    "time-stamp-wrong": ("el sello de tiempo no es de este manifiesto", "the time stamp is not over this manifest"),
    # no findings, but to be known
    "sealed": ("Caso {number}, sellado {at} por {actor} con tamiz {tool}",
               "Case {number}, sealed {at} by {actor} with tamiz {tool}"),
    "streams": ("{seen} flujos = {hashed} con hash + {skipped} omitidos + {failed} fallidos + {pending} pendientes",
                "{seen} streams = {hashed} hashed + {skipped} skipped + {failed} failed + {pending} pending"),
    "head": ("Bitácora de {rows} renglones; su cabeza: {head}", "Ledger of {rows} rows; its head: {head}"),
    "signed-known": ("Firmado con la clave indicada, {fingerprint}", "Signed with the key given, {fingerprint}"),
    "signed": ("Firmado con {fingerprint}: compruebe por otra vía que es la clave del laboratorio (--key)",
               "Signed with {fingerprint}: make sure by another way that it is the laboratory's key (--key)"),
    "unsigned": ("SIN FIRMA: quien pueda escribir estos archivos pudo rehacerlos; compare la cabeza con una impresa",
                 "NOT SIGNED: whoever can write these files could make them anew; compare the head with a printed one"),
    "time-stamp": ("Sello de tiempo {at}. Su firma: openssl ts -verify -data {data} -in {data}.tsr -CAfile AUTORIDAD",
                   "Time stamp {at}. Its signature: openssl ts -verify -data {data} -in {data}.tsr -CAfile AUTHORITY"),
}  # fmt: skip
HEADLINES = {
    True: ("EL ARCHIVO ESTÁ COMO SE SELLÓ", "THE FILE IS AS IT WAS SEALED"),
    False: ("EL ARCHIVO NO ESTÁ COMO SE SELLÓ", "THE FILE IS NOT AS IT WAS SEALED"),
}
FORMAT = "tamiz-seal-1"
SEALED_APPLICATION_ID = 0x544D5A46
MOST_BYTES = 16 << 20
MALFORMED = (sqlite3.Error, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)


class Answer:
    """What was found, as codes of PHRASES with their values; ``notes`` do not speak against the file."""

    def __init__(self) -> None:
        self.findings: list[tuple[str, dict[str, Any]]] = []
        self.notes: list[tuple[str, dict[str, Any]]] = []

    def finding(self, code: str, **values: object) -> None:
        """Add something that speaks against the file."""
        self.findings.append((code, values))

    def note(self, code: str, **values: object) -> None:
        """Add something to be known."""
        self.notes.append((code, values))


def phrase(words: tuple[str, str], values: dict[str, Any], language: int) -> str:
    """Put values into words: language 0 is Spanish, 1 English. What a terminal would obey is not printed."""
    shown = {name: "".join(c if c.isprintable() else "?" for c in str(value)[:300]) for name, value in values.items()}
    return words[language].format(**shown)


def text(answer: Answer, phrases: dict[str, tuple[str, str]]) -> str:
    """The answer in Spanish, then in English."""
    blocks = []
    for language in (0, 1):
        lines = [HEADLINES[not answer.findings][language]]
        lines += [f"  - {phrase(phrases[code], values, language)}" for code, values in answer.findings]
        lines += [f"  {phrase(phrases[code], values, language)}" for code, values in answer.notes]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


# Tables


def canonical(value: object) -> str:
    """JSON in the one form that digests are taken over."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def encoded(row: object) -> bytes:
    """The same in UTF-8."""
    return canonical(row).encode()


def digest(pages: Iterable[Iterable[bytes]]) -> dict[str, Any]:
    """Digest rows, each a JSON text in UTF-8, as one JSON list."""
    hashed, count = hashlib.sha256(b"["), 0
    for page in pages:
        rows = list(page)
        text = b",".join(rows)
        text.decode()  # raises where it is no UTF-8
        hashed.update(b"," + text if count else text)
        count += len(rows)
    hashed.update(b"]")
    return {"rows": count, "sha256": hashed.hexdigest()}


def pages(connection: sqlite3.Connection, query: str) -> Iterator[list[Any]]:
    """The rows of a query, a thousand at a time."""
    cursor = connection.execute(query)
    yield from iter(lambda: cursor.fetchmany(1000), [])


def table_digest(connection: sqlite3.Connection, name: str) -> dict[str, Any]:
    """Rows and SHA-256 of one table."""
    columns = connection.execute("SELECT name, pk, type FROM pragma_table_info(?) ORDER BY cid", (name,)).fetchall()
    quoted = {column: '"' + column.replace('"', '""') + '"' for column, _, _ in columns}
    key = [column for column, place, _ in sorted(columns, key=lambda c: int(c[1])) if place]
    table, order = name.replace('"', '""'), ", ".join(quoted[column] for column in key or quoted)
    rest = f'FROM "{table}" ORDER BY {order}'
    listed = ", ".join(quoted.values())
    if all(kind in {"INTEGER", "TEXT"} for _, _, kind in columns):  # SQLite writes the same JSON twice as fast
        query = f"SELECT CAST(json_array({listed}) AS BLOB) {rest}"
        return digest([row[0] for row in page] for page in pages(connection, query))
    return digest(map(encoded, page) for page in pages(connection, f"SELECT {listed} {rest}"))


def digests(connection: sqlite3.Connection, answer: Answer) -> tuple[str, dict[str, dict[str, Any]]]:
    """Digest of the schema, and of every table that can be read."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    schema = digest(map(encoded, page) for page in pages(connection, query))["sha256"]
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name"
    tables = {}
    for (name,) in connection.execute(query).fetchall():
        try:
            tables[name] = table_digest(connection, name)
        except MALFORMED as error:
            answer.finding("unreadable", what=f"{name}: {error}")
            tables[name] = {"rows": None, "sha256": None}
    return schema, tables


def compare(manifest: dict[str, Any], schema: str, tables: dict[str, dict[str, Any]], answer: Answer) -> None:
    """Name the tables that are not as they were sealed."""
    sealed = manifest["tables"]
    if schema != manifest["schema"]["sha256"]:
        answer.finding("schema-changed")
    for name in sorted({*sealed, *tables}):
        if name not in tables:
            answer.finding("table-missing", table=name)
        elif name not in sealed:
            answer.finding("table-added", table=name)
        elif tables[name] != sealed[name]:
            answer.finding("table-changed", table=name, then=sealed[name]["rows"], now=tables[name]["rows"])


def check_ledger(
    connection: sqlite3.Connection, manifest: dict[str, Any], head: str | None, answer: Answer
) -> tuple[Any, ...] | None:
    """Recompute the chain, hold its end against the manifest, and give its last row; None if it is broken."""
    columns = "sequence, at, actor, system_user, action, details, previous_hash, hash"
    hashes: list[str] = ["0" * 64]
    row: tuple[Any, ...] = ()
    for row in connection.execute(f"SELECT {columns} FROM ledger ORDER BY sequence"):  # noqa: S608
        hashed = hashlib.sha256(canonical(row[:7]).encode()).hexdigest()
        if (row[0], row[6], row[7]) != (len(hashes), hashes[-1], hashed):
            answer.finding("ledger-broken", row=row[0])
            return None
        hashes.append(hashed)
    end = {"rows": len(hashes) - 1, "head": hashes[-1]}
    answer.note("head", **end)
    if manifest and manifest["ledger"] != end:
        answer.finding("ledger-head", then=manifest["ledger"]["rows"], now=end["rows"])
    if head is not None and head not in hashes[1:]:
        answer.finding("head-unknown")
    return row


def check_seal_row(
    row: tuple[Any, ...], manifest: dict[str, Any], schema: str, tables: dict[str, Any], answer: Answer
) -> None:
    """Hold the last row of the ledger, which the seal has left, against the tables and the manifest."""
    others = {name: tables[name] for name in tables if name != "ledger"}
    of_tables = hashlib.sha256(canonical({"schema": schema, "tables": others}).encode()).hexdigest()
    details = json.loads(row[5]) if row[4:5] == ("seal",) else {}
    if details.get("sealed_digest") != of_tables:
        answer.finding("seal-row")
    if manifest and details:
        sealed = {"at": row[1], "actor": row[2], "system_user": row[3],
                  "tool_version": details["tool_version"], "sqlite_version": details["sqlite_version"]}  # fmt: skip
        found = {name: details[name] for name in ("sealed_digest", "logical_digest")} | {"sealed": sealed}
        compare_statements(manifest, found, answer)


def check_counts(connection: sqlite3.Connection, manifest: dict[str, Any], answer: Answer) -> None:
    """Count anew what the manifest states, and whether the totals reconcile."""

    def number(query: str) -> int:
        return int(connection.execute(query).fetchone()[0])

    states, sizes = dict.fromkeys(("hashed", "skipped", "failed", "pending"), 0), {}
    for state, count, size in connection.execute("SELECT state, count(*), sum(size) FROM streams GROUP BY state"):
        states[state], sizes[state] = count, size
    streams = {"seen": number("SELECT count(*) FROM streams"), **states}
    answer.note("streams", **streams)
    if streams["seen"] != states["hashed"] + states["skipped"] + states["failed"] + states["pending"]:
        answer.finding("totals", **streams)
    tiers = "SELECT tier, count(*) FROM hits JOIN sets_used ON uuid = set_uuid JOIN streams ON streams.content = "
    tiers += "hits.content WHERE disposition <> 'benign' GROUP BY tier"
    scans = connection.execute("SELECT id, kind, state, profile, started, ended, tool_version FROM scans ORDER BY id")
    names = [column[0] for column in scans.description]
    uuid, case_number = connection.execute("SELECT uuid, number FROM case_info").fetchone()
    found = {
        "case": {"uuid": uuid, "number": case_number},
        "scans": [dict(zip(names, scan)) for scan in scans],  # noqa: B905 - Python 3.9 has no "strict"
        "counts": {
            "streams": streams,
            "bytes": sizes.get("hashed", 0),
            "contents": number("SELECT count(*) FROM contents"),
            "not_examined": number("SELECT count(*) FROM not_examined"),
            "hits": {"exact": 0, "near": 0, "similar": 0} | dict(connection.execute(tiers).fetchall()),
        },
    }
    compare_statements(manifest, found, answer)
    if manifest and manifest["schema"]["version"] != number("PRAGMA user_version"):
        answer.finding("statement", what="schema version")


def compare_statements(manifest: dict[str, Any], found: dict[str, Any], answer: Answer) -> None:
    """Name what the manifest states otherwise than the file."""
    for name, value in found.items():
        if manifest and manifest[name] != value:
            answer.finding("statement", what=name)


def check_database(path: pathlib.Path, manifest: dict[str, Any], head: str | None, answer: Answer) -> None:
    """Hold every table against the manifest and the last row of the ledger."""
    connection = sqlite3.connect(path.absolute().as_uri() + "?mode=ro&immutable=1", uri=True)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        if connection.execute("PRAGMA application_id").fetchone()[0] != SEALED_APPLICATION_ID:
            answer.finding("not-marked")
        schema, tables = digests(connection, answer)
        if manifest:
            compare(manifest, schema, tables, answer)
        last = check_ledger(connection, manifest, head, answer)
        if last is not None:
            check_seal_row(last, manifest, schema, tables, answer)
        check_counts(connection, manifest, answer)
    except MALFORMED as error:
        answer.finding("unreadable", what=f"{type(error).__name__}: {error}")
    finally:
        connection.close()


# The signature: Ed25519 (RFC 8032)

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SPKI = bytes.fromhex("302a300506032b6570032100")  # what comes before the 32 bytes of a public key in DER


def add(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Add two points in extended coordinates (5.1.4)."""
    x, y = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    t, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = y - x, z - t, z + t, y + x
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(factor: int, point: tuple[int, ...]) -> tuple[int, ...]:
    """Multiply a point by a number."""
    result: tuple[int, ...] = (0, 1, 1, 0)
    while factor:
        result = add(result, point) if factor & 1 else result
        point, factor = add(point, point), factor >> 1
    return result


def decode_point(data: bytes) -> tuple[int, ...]:
    """Read a point (5.1.3)."""
    sign, y = data[31] >> 7, int.from_bytes(data, "little") & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    if len(data) != 32 or y >= P or x * x % P != square or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def signature_holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature over a message was made with a key (5.1.7)."""
    try:
        key, base = decode_point(public_key), decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    except (ValueError, IndexError):
        return False
    scalar = int.from_bytes(signature[32:], "little")
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % L
    point = add(multiply(scalar, base), multiply(challenge, (P - key[0], key[1], 1, P - key[3])))
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    encoded = (y | (x & 1) << 255).to_bytes(32, "little")
    return len(signature) == 64 and scalar < L and encoded == signature[:32]


def read_public_key(path: str) -> bytes:
    """Read a public key in PEM."""
    lines = pathlib.Path(path).read_text("ascii").split("-----")
    der = base64.b64decode("".join(lines[2].split())) if lines[1:2] == ["BEGIN PUBLIC KEY"] else b""
    if der[:12] != SPKI or len(der) != 44:
        raise ValueError(f"{path}: no Ed25519 public key in PEM")
    return der[12:]


# The files


def parts(data: bytes) -> list[bytes]:
    """The contents of DER values that follow one another."""
    found, at = [], 0
    while at < len(data):
        length, start = data[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[at + 2 : start], "big")
        found.append(data[start : start + length])
        at = start + length
    return found


def time_stamp(data: bytes) -> tuple[bytes, str]:
    """What an answer of a time-stamping authority is over, and its time (RFC 3161, 2.4.2)."""
    status, token = parts(parts(data)[0])[:2]
    if parts(status)[0] != b"\0":
        raise ValueError("refused")
    content = parts(parts(parts(token)[1])[0])[2]  # SignedData.encapContentInfo
    information = parts(parts(parts(parts(content)[1])[0])[0])
    return parts(information[2])[1], information[4].decode("ascii")


def read(path: str) -> bytes | None:
    """Read a small file; None if there is none."""
    try:
        with pathlib.Path(path).open("rb") as file:
            return file.read(MOST_BYTES)
    except FileNotFoundError:
        return None


def check_signature(name: str, message: bytes, signer: bytes | None, key: bytes | None, answer: Answer) -> None:
    """Hold the signature against the manifest, and the signer against the key that was given."""
    signature = read(name + ".sig")
    fingerprint = "" if signer is None else hashlib.sha256(SPKI + signer).hexdigest()
    if signature is None and signer is key is None:
        answer.note("unsigned")
    elif signature is None:
        answer.finding("signature-missing")
    elif signer is None or not signature_holds(signer, signature, message):
        answer.finding("signature-wrong")
    elif key not in (None, signer):
        answer.finding("signer-other", fingerprint=fingerprint)
    else:
        answer.note("signed-known" if key else "signed", fingerprint=fingerprint)


def check_manifest(path: pathlib.Path, key: bytes | None, answer: Answer) -> dict[str, Any]:
    """Read the manifest, and check its signature, its time stamp, and the digest of the file."""
    name, manifest, signer = f"{path}.manifest.json", {}, None
    message, stamp = read(name), read(name + ".tsr")
    if message is None:
        answer.finding("manifest-missing", name=pathlib.Path(name).name)
        return {}
    try:
        manifest = json.loads(message.decode())
        if manifest["format"] != FORMAT:
            raise ValueError("format")
        signer = bytes.fromhex(manifest["signer"]["public_key"]) if manifest["signer"] else None
        at, actor, tool = (manifest["sealed"][field] for field in ("at", "actor", "tool_version"))
        answer.note("sealed", number=manifest["case"]["number"], at=at, actor=actor, tool=tool)
        stated = manifest["file"]["sha256"], manifest["file"]["size"]
    except MALFORMED as error:
        answer.finding("manifest-malformed", what=f"{type(error).__name__}: {error}")
        return {}
    check_signature(name, message, signer, key, answer)
    if stamp is not None:
        try:
            imprint, time = time_stamp(stamp)
        except MALFORMED:
            imprint, time = b"", ""
        if imprint == hashlib.sha256(message).digest():
            answer.note("time-stamp", at=time, data=pathlib.Path(name).name)
        else:
            answer.finding("time-stamp-wrong")
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            hashed.update(block)
    if stated != (hashed.hexdigest(), path.stat().st_size):
        answer.finding("file-changed")
    return dict(manifest)


def verify(path: pathlib.Path, key: bytes | None = None, head: str | None = None) -> Answer:
    """Check a sealed case and what lies beside it."""
    answer = Answer()
    manifest = check_manifest(path, key, answer)
    for beside in (path.with_name(path.name + end) for end in ("-wal", "-journal", "-shm")):
        if beside.is_symlink() or beside.exists():
            answer.finding("journal-beside", name=beside.name)
    check_database(path, manifest, head, answer)
    if [code for code, _ in answer.findings] == ["file-changed"]:
        answer.finding("only-bytes")
    return answer


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("file", "--key", "--head"):
        parser.add_argument(name)
    options = parser.parse_args()
    try:
        with pathlib.Path(options.file).open("rb"):
            key = read_public_key(options.key) if options.key else None
        answer = verify(pathlib.Path(options.file), key, options.head)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.buffer.write(text(answer, PHRASES).encode("utf-8", "replace"))
    return 1 if answer.findings else 0


if __name__ == "__main__":
    sys.exit(main())
