"""A case whose writer is cut off in the middle of a commit: is it whole?

    python -m bench power_cut [N]

N times (100 unless told) a process writes streams, contents, hits and hand-overs into one case as fast as it can. Half
of them are killed with ``kill -9`` at a random moment; the other half meet a file that may not grow any more, as on a
full disk. After each, SQLite's own checks, the chain of the ledger and the rows that people stated must be sound, and
no stream may be half written. Exit code 1 if anything is not.
"""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from forensics.case import ledger, proceedings
from forensics.case.custody import HandOver, add_hand_over
from forensics.case.stated import stated_time
from forensics.case.store import CaseStore
from forensics.errors import CaseError
from tests.reports.conftest import EXAMINER, NOTABLE, SETS, CaseWriter, match


def main() -> None:
    """Write, cut, check, print."""
    if sys.argv[-1].endswith(".case"):
        _write(Path(sys.argv[-1]))
        return
    times = next((int(word) for word in sys.argv[1:] if word.isdigit()), 100)
    choose = random.Random(1)  # noqa: S311 - moments, not secrets
    wrong: list[str] = []
    rows = Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        case = Path(name) / "a.case"
        store = CaseStore.create(case, "1", EXAMINER, None, ["E1"])
        CaseWriter(store, Path(name), SETS)
        store.close()
        for number in range(times):
            kind = "killed" if number % 2 == 0 else "full"
            _cut(case, kind, choose)
            problems, counts = _check(case)
            wrong += [f"{kind} {number}: {problem}" for problem in problems]
            rows[kind] += 1
            print(f"{kind:6} {number:3} {counts} {'; '.join(problems) or 'whole'}", flush=True)
    print(f"{rows['killed']} killed, {rows['full']} with a full disk: {len(wrong)} problems")
    sys.exit(1 if wrong else 0)


def _cut(case: Path, kind: str, choose: random.Random) -> None:
    """Let a process write into the case, and cut it off."""
    room = case.stat().st_size + choose.randrange(4_096, 3_000_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.power_cut", str(case)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=(lambda: _limit(room)) if kind == "full" else None,  # noqa: PLW1509 - no threads here
    )
    assert process.stdout is not None
    process.stdout.readline()
    if kind == "killed":
        time.sleep(choose.random() * 0.5)
        process.kill()
    _, error = process.communicate(timeout=300)
    assert kind == "killed" or "cannot be written" in error, error


def _limit(room: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the file may not grow: an error, not a signal
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))


def _write(case: Path) -> None:
    """Run in the process that is cut off."""
    with CaseStore.open(case) as store:
        writer = CaseWriter.__new__(CaseWriter)  # goes on with the source that is there
        _resume(writer, store)
        print("ready", flush=True)
        at = stated_time("2026-03-01T10:00:00-06:00")
        for number in range(1_000_000):
            mark = f"{store.connection.total_changes} {time.monotonic_ns()} {number}".encode()
            try:
                writer.add(b"a/" + mark.replace(b" ", b"-"), mark, match(NOTABLE, number % 40_000 + 1))
                if number % 10 == 0:
                    add_hand_over(store, EXAMINER, HandOver("E1", at, "A", "B"))
            except CaseError as error:
                print(f"cannot be written: {error}", file=sys.stderr)
                sys.exit(1)


def _resume(writer: CaseWriter, store: CaseStore) -> None:
    from forensics.case.findings import FindingRecorder
    from forensics.case.sources import SourceRecorder

    writer.store = store
    writer.findings = FindingRecorder(store)
    writer.sources = SourceRecorder(store, EXAMINER, 1)
    writer.source_id = 1
    writer.volume_id = writer.sources.volumes(1)[1].id
    (writer._next,) = store.connection.execute(  # noqa: SLF001 - what it would be, had this writer begun the case
        "SELECT 36 + 2 * count(*) FROM streams"
    ).fetchone()


def _check(case: Path) -> tuple[list[str], dict[str, int]]:
    """What is wrong with the case, and what it holds."""
    problems = []
    with CaseStore.open(case) as store:
        connection = store.connection
        (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if answer != "ok":
            problems.append(f"integrity: {answer}")
        if connection.execute("PRAGMA foreign_key_check").fetchone():
            problems.append("foreign keys")
        if (row := ledger.first_broken_row(connection)) is not None:
            problems.append(f"ledger broken at row {row}")
        if changed := list(proceedings.changed_rows(connection)):
            problems.append(f"rows changed: {changed}")
        counts = {}
        for table in ("streams", "contents", "hits", "custody_events", "ledger"):
            (counts[table],) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        (hashed,) = connection.execute("SELECT count(*) FROM streams WHERE state = 'hashed'").fetchone()
        if not hashed == counts["contents"] == counts["hits"]:
            problems.append(f"{hashed} streams hashed, {counts['contents']} contents, {counts['hits']} hits")
    return problems, counts


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
