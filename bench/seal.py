"""``python -m bench seal [--bytes N] [--edits N] [--streams N]``: a sealed case is tampered with; a large one timed.

Single bytes are changed at random; rows are changed, added and deleted by the ``sqlite3`` shell; the ledger is written
anew from some row on with right hashes; and all that lies beside is written anew, but without the key. Each is put to
``tamiz verify`` and to ``verify.py``. Exit code 1 if one is not seen, or if the two disagree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from forensics.case.ledger import GENESIS, canonical_json
from forensics.case.store import CaseStore
from forensics.seal import verify
from forensics.seal.files import manifest_path
from forensics.seal.keys import PublicKey, new_key, read_signing_key
from forensics.seal.sealing import seal
from forensics.seal.verification import verify_sealed
from tests.reports.conftest import EXAMINER
from tests.seal.conftest import BEYOND_THE_PROGRAM, sample

Tampering = Callable[[Path, Random], str]


def main() -> None:
    """Tamper, count, time."""
    parser = argparse.ArgumentParser()
    for name, default in (("--bytes", 1_000), ("--edits", 200), ("--streams", 0)):
        parser.add_argument(name, type=int, default=default)
    options, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        missed = _tamper(Path(folder), options.bytes, options.edits)
        if options.streams:
            _time(Path(folder), options.streams)
    sys.exit(1 if missed else 0)


def _tamper(folder: Path, many_bytes: int, edits: int) -> int:
    new_key(folder / "lab.key", None)
    key = read_signing_key(folder / "lab.key")
    with CaseStore.open(sample(folder)) as store:
        seal(store, EXAMINER, folder / "s.case", key)
    (folder / "s.case").chmod(0o600)
    whole = {path.name: path.read_bytes() for path in folder.glob("s.case*")}
    print(f"| what was done to a sealed case of {len(whole['s.case']):,} bytes | tried | seen by both | named as |")
    print("|---|--:|--:|---|")
    missed = 0
    kinds: list[tuple[str, int, Tampering]] = [
        ("one byte changed", many_bytes, _byte),
        ("a row changed, added or deleted", edits, _row),
        ("the ledger written anew from a row on, with right hashes", max(1, edits // 5), _ledger),
        ("a row changed, and ledger, seal and manifest written anew, without the key", max(1, edits // 5), _forge),
    ]
    for what, times, tampering in kinds:
        dice, named, seen = Random(1), Counter[str](), 0  # noqa: S311 - where to change, no secret
        for _ in range(times):
            for name, data in whole.items():
                (folder / name).write_bytes(data)
            tampering(folder / "s.case", dice)
            codes = _codes(folder / "s.case", key.public)
            seen += bool(codes)
            named.update(codes)
        missed += times - seen
        listed = ", ".join(f"{code} {count:,}" for code, count in named.most_common())
        print(f"| {what} | {times:,} | {seen:,} | {listed} |", flush=True)
    return missed


def _codes(path: Path, key: PublicKey) -> set[str]:
    by_us = {code for code, _ in verify_sealed(path, key).findings}
    by_program = {code for code, _ in verify.verify(path, key.raw).findings}
    if by_us - BEYOND_THE_PROGRAM != by_program:
        sys.exit(f"they disagree: {sorted(by_us)} and {sorted(by_program)}")
    return by_program


def _byte(path: Path, dice: Random) -> str:
    data = bytearray(path.read_bytes())
    position = dice.randrange(len(data))
    data[position] = (data[position] + dice.randrange(1, 256)) % 256
    path.write_bytes(data)
    return str(position)


def _row(path: Path, dice: Random) -> str:
    """Change, add or delete one row of a table that has rows, in whatever column it has, with the shell of SQLite."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        drop = "".join(f"DROP TRIGGER {name};\n" for name, _ in triggers)
        again = "".join(f"{sql};\n" for _, sql in triggers)
        while True:
            table = dice.choice(names)
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            if rows:
                statement = _statement(connection, table, columns, dice.choice(rows), dice)
                program = (
                    f".bail on\nPRAGMA ignore_check_constraints = ON;\nBEGIN;\n{drop}{statement};\n{again}COMMIT;\n"
                )
                shell = ["sqlite3", str(path)]
                if not subprocess.run(shell, input=program, text=True, capture_output=True, check=False).returncode:
                    return statement  # else a key that is there already, or a NULL where there can be none


def _statement(
    connection: sqlite3.Connection, table: str, columns: list[tuple[Any, ...]], row: tuple[Any, ...], dice: Random
) -> str:
    def quoted(value: object) -> str:
        return str(connection.execute("SELECT quote(?)", (value,)).fetchone()[0])

    where = " AND ".join(f"{c[1]} IS {quoted(row[c[0]])}" for c in columns if c[5] or not any(k[5] for k in columns))
    column, way = dice.choice(columns), dice.randrange(3)
    if way == 0:
        return f"DELETE FROM {table} WHERE {where}"  # noqa: S608
    if way == 1:
        value = quoted(_other(row[column[0]], column[2]))
        return f"UPDATE {table} SET {column[1]} = {value} WHERE {where}"  # noqa: S608
    values = ", ".join(quoted(_other(value, columns[place][2])) for place, value in enumerate(row))
    return f"INSERT INTO {table} VALUES ({values})"  # noqa: S608


def _other(value: object, kind: str) -> object:
    if kind == "TEXT":
        return ("" if value is None else str(value))[:-1] + "~"
    return 7 if value is None else (value if isinstance(value, int | float) else 0) + 1


def _ledger(path: Path, dice: Random) -> str:
    """Change one row of the ledger and make the chain whole again."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        last = connection.execute("SELECT max(sequence) FROM ledger").fetchone()[0]
        first = dice.randrange(1, last + 1)
        _rewrite(connection, first)
    return str(first)


def _rewrite(connection: sqlite3.Connection, first: int) -> None:
    triggers = _drop_triggers(connection)
    connection.execute("UPDATE ledger SET actor = actor || '~' WHERE sequence = ?", (first,))
    previous = GENESIS
    query = "SELECT sequence, at, actor, system_user, action, details FROM ledger ORDER BY sequence"
    for row in connection.execute(query).fetchall():
        digest = hashlib.sha256(canonical_json([*row, previous]).encode()).hexdigest()
        change = "UPDATE ledger SET previous_hash = ?, hash = ? WHERE sequence = ?"
        connection.execute(change, (previous, digest, row[0]))
        previous = digest
    for statement in triggers:
        connection.execute(statement)


def _forge(path: Path, dice: Random) -> str:
    """Do what a seal does, but for the signature: only that can tell."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = _drop_triggers(connection)
        streams = connection.execute("SELECT count(*) FROM streams").fetchone()[0]
        connection.execute("UPDATE streams SET path = path || '~' WHERE id = ?", (dice.randrange(1, streams + 1),))
        connection.execute("DELETE FROM ledger WHERE action = 'seal'")
        connection.execute("PRAGMA application_id = 0x544D5A31")
        for statement in triggers:
            connection.execute(statement)
    signer = json.loads(manifest_path(path).read_bytes())["signer"]
    forged = path.with_name("forged.case")
    with CaseStore.open(path) as store:
        seal(store, EXAMINER, forged)
    stated = json.loads(manifest_path(forged).read_bytes()) | {"signer": signer}
    manifest_path(path).write_text(json.dumps(stated), "utf-8")
    manifest_path(forged).unlink()
    path.unlink()
    forged.rename(path)
    path.chmod(0o600)
    return ""


def _drop_triggers(connection: sqlite3.Connection) -> list[str]:
    triggers = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid"
    ).fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    return [sql for _, sql in triggers]


# How long it takes


def _time(folder: Path, streams: int) -> None:
    case = folder / "large.case"
    shutil.copy(folder / "a.case", case)
    _fill(case, streams)
    print(f"\n| a case of {streams:,} streams, {case.stat().st_size / 1e6:,.0f} MB | wall, s | CPU, s |\n|---|--:|--:|")
    output = folder / "large/s.case"
    output.parent.mkdir()
    command = [sys.executable, "-c", "from cli import main; main()"]
    _measure("tamiz seal", [*command, "seal", str(case), "--output", str(output), "--key", str(folder / "lab.key")])
    program = str(output.parent / "verify.py")
    _measure("python3 -I verify.py", [sys.executable, "-I", program, str(output), "--key", str(folder / "lab.key.pub")])
    _measure("tamiz verify", [*command, "verify", str(output), "--key", str(folder / "lab.key.pub")])


def _measure(what: str, command: list[str]) -> None:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"| {what} | {wall:.1f} | {used:.1f} |", flush=True)


def _fill(case: Path, streams: int) -> None:
    """Add streams as a scan of a used disk leaves them: seven in ten contents new, a third of these pictures."""
    digests = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(streams * 7 // 10)]
    with closing(sqlite3.connect(case, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        _like(connection, "contents", "perceptual = 'hashed' AND perceptual_reason IS NULL", map(_content, digests))
        pictures = ({"content": digest, "value": digest[::-1]} for digest in digests[::3])
        _like(connection, "perceptual_hashes", "algorithm = 'pdq'", pictures)
        _like(connection, "streams", "state = 'hashed'", (_stream(number, digests) for number in range(streams)))
        connection.execute("COMMIT")


def _like(connection: sqlite3.Connection, table: str, which: str, rows: Iterable[dict[str, Any]]) -> None:
    """Add rows like one that is there, but for what they state themselves."""
    cursor = connection.execute(f"SELECT * FROM {table} WHERE {which} LIMIT 1")  # noqa: S608
    template = dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))
    marks = ", ".join(f":{name}" for name in template)
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", (template | row for row in rows))  # noqa: S608


def _content(digest: str) -> dict[str, Any]:
    names = {"sha256": digest, "sha1": digest[:40], "md5": digest[:32], "size": int(digest[:4], 16)}
    if int(digest[4], 16) < 5:
        return names
    return names | {"media_type": "text/plain", "perceptual": "not-applicable", "width": None, "height": None}


def _stream(number: int, digests: list[str]) -> dict[str, Any]:
    moments = zip(("modified", "accessed", "changed", "created"), (1, 7, 60, 3600), strict=True)
    outcome = {} if number % 20 else {"state": "skipped", "reason": "name-only"}
    return {
        "id": number + 1_000,
        "locator": f"E1/p1/ntfs:{number + 10_000}-128-1",
        "path": f"Usuarios/x/Fotos/carpeta {number // 100}/IMG_{number:08}.jpg",
        "size": number * 7 % 100_000,
        "physical_offset": number * 4096,
        "content": digests[number % len(digests)] if number % 20 else None,
        **{name: f"2026-01-01T00:{number // step % 60:02}:00.123456700Z" for name, step in moments},
        **outcome,
    }
