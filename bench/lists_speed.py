"""Import of lists and exact look-ups: ``python -m bench lists_speed [ENTRIES...] [only=imports]``.

Every list is invented: random digests that belong to nothing. Each import runs in a process of its own, whose peak of
memory is told, and beside it how fast Python reads the same file with its own modules csv and json, doing nothing else.
Numbers of entries hold for the CSV, a fifth of each for VICS; 10000000 gives the figures in the documentation and takes
some minutes and 8 GB of disk in the temporary folder. Then the same look-ups here and in an SQLite table with an index
on each digest, and imports killed at random moments, after each of which the library is verified. Last an NSRL database
that is used in place, of 200,000 rows or of as many as ``nsrl=10000000`` says. Times are of the processor, one core;
those of the clock are longer where others work beside.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from forensics.hashing.digests import Digests
from hashsets.format import Disposition
from hashsets.library import Library
from hashsets.matcher import Matcher
from hashsets.verification import verify

CONTEXT = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Media"
LARGEST_READ = 2 << 30
QUERIES = 20_000
KILLS = 20


def digests_of(chance: Random) -> tuple[str, str, str]:
    """An MD5, a SHA-1 and a SHA-256 of nothing."""
    bits = chance.randbytes(68).hex()
    return bits[:32], bits[32:72], bits[72:]


def write_csv(path: Path, entries: int) -> None:
    """A table of three digests, a size, a category and a reference."""
    chance = Random(1)  # noqa: S311
    with path.open("w") as file:
        file.write("md5,sha1,sha256,size,category,reference\n")
        for number in range(entries):
            file.write(f"{','.join(digests_of(chance))},{chance.getrandbits(24)},{number % 5},R-{number}\n")


def media(chance: Random, number: int) -> dict[str, object]:
    """A Media object with the fields that a hash set of Project VIC has."""
    md5, sha1, _ = digests_of(chance)
    return {
        "MediaID": number, "Category": number % 5, "MD5": md5.upper(), "SHA1": sha1.upper(),
        "VictimIdentified": "false",
        "OffenderIdentified": "false", "IsDistributed": "true", "Series": None, "IsPrecategorized": False, "Tags": "",
        "MediaSize": chance.getrandbits(24), "MimeType": "image/jpeg", "DateUpdated": "2026-01-02T03:04:05Z",
        "MediaFiles": [{"MD5": md5.upper(), "FileName": f"IMG_{number}.jpg", "FilePath": "C:\\pictures"}],
        "Exifs": [],
        "AlternativeHashes": [{"HashName": "PDQ", "HashValue": chance.randbytes(32).hex()}],
    }  # fmt: skip


def write_vics(path: Path, entries: int) -> None:
    """A hash set of Media objects with two digests and a PDQ each."""
    chance = Random(2)  # noqa: S311
    with path.open("w") as file:
        file.write(f'{{"@odata.context": {json.dumps(CONTEXT)}, "value": [')
        for number in range(entries):
            file.write((", " if number else "") + json.dumps(media(chance, number)))
        file.write("]}")


def write_nsrl(path: Path, rows: int) -> None:
    """A database in the minimal layout of the NSRL."""
    chance = Random(5)  # noqa: S311
    connection = sqlite3.connect(path)
    connection.executescript(
        "PRAGMA journal_mode = OFF; CREATE TABLE FILE (sha256 VARCHAR, sha1 VARCHAR, md5 VARCHAR, crc32 VARCHAR, "
        "file_name VARCHAR, file_size INTEGER, package_id INTEGER); CREATE TABLE VERSION (version VARCHAR)"
    )
    connection.executemany(
        "INSERT INTO FILE VALUES (?, ?, ?, '0A1B2C3D', ?, ?, ?)",
        (
            (sha256.upper(), sha1.upper(), md5.upper(), f"name{number}.dll", number, number % 1000)
            for number in range(rows)
            for md5, sha1, sha256 in [digests_of(chance)]
        ),
    )
    connection.commit()
    connection.close()


def use_in_place(temporary: Path, rows: int) -> None:
    """Index an NSRL database where it is, and look up contents of which half are known."""
    path, folder = temporary / "nsrl", temporary / "nsrl-library"
    write_nsrl(path, rows)
    imported(folder, path, in_place=True)
    step = max(1, 2 * rows // QUERIES)
    connection = sqlite3.connect(path)
    known = connection.execute("SELECT md5, sha1, sha256, file_size FROM FILE WHERE rowid % ? = 0", (step,))
    asked = contents((",".join(map(str, row)).lower() for row in known), Random(3))  # noqa: S311
    connection.close()
    ask_for(folder, asked)


def import_one(folder: str, path: str, in_place: bool = False) -> None:
    """Import in this process, and tell seconds and the peak of memory."""
    started = time.perf_counter()
    with Library(Path(folder)) as library:
        known_set = library.import_list(Path(path), Path(path).name, Disposition.NOTABLE, in_place=in_place)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([known_set.entries, seconds, time.process_time(), peak]))


def read_one(path: str) -> None:
    """Read a list in this process as barely as Python can, and tell seconds of the processor."""
    started = time.process_time()
    with Path(path).open(encoding="utf-8", newline="") as file:
        if path.endswith("vics"):
            json.load(file)
        else:
            deque(csv.reader(file), maxlen=0)
    print(time.process_time() - started)


def in_a_process(call: str) -> str:
    """What a call of a function of this module prints in a process of its own."""
    call = f"from bench import lists_speed; lists_speed.{call}"
    return subprocess.run([sys.executable, "-c", call], check=True, capture_output=True, text=True).stdout


def imported(folder: Path, path: Path, *, in_place: bool = False) -> None:
    """Import in a process of its own, and print a row."""
    entries, seconds, processor, peak = json.loads(
        in_a_process(f"import_one({str(folder)!r}, {str(path)!r}, {in_place})")
    )
    # a whole list of VICS as Python objects takes ten times its size
    is_read = not in_place and path.stat().st_size < LARGEST_READ
    bare = entries / float(in_a_process(f"read_one({str(path)!r})")) if is_read else 0
    size = sum(each.stat().st_size for each in (folder / "sets").iterdir())
    print(
        f"{path.name:>5} {entries:>12,} {entries / seconds:>12,.0f} {entries / processor:>12,.0f} "
        f"{bare:>12,.0f} {peak:>9,.0f} MB {size / entries:>7,.0f}",
        flush=True,
    )


def contents(known: Iterator[str], chance: Random) -> list[Digests]:
    """As many known contents as unknown ones."""
    found = []
    for line in known:
        md5, sha1, sha256, size = line.split(",")[:4]
        found += [Digests(md5, sha1, sha256, int(size)), Digests(*digests_of(chance), 1)]
    return found


def questions(path: Path, entries: int) -> list[Digests]:
    """Contents to ask for, known ones out of all parts of a table."""
    step = max(1, 2 * entries // QUERIES)
    with path.open() as file:
        next(file)
        return contents((line for number, line in enumerate(file) if number % step == 0), Random(3))  # noqa: S311


def timed(what: str, count: int, ask: Callable[[], int], expected: int) -> None:
    """Print how many questions a second are answered, having seen that the answers are right."""
    started = time.process_time()
    found = ask()
    seconds = time.process_time() - started
    if found != expected:
        raise SystemExit(f"{what}: {found} found, {expected} known")
    print(f"  {what:<44} {count / seconds:>12,.0f} a second {1e6 * seconds / count:>9,.1f} us", flush=True)


def look_up(folder: Path, path: Path, entries: int) -> None:
    """Ask for contents half of which are known, one by one as a scan does and many at once."""
    ask_for(folder, questions(path, entries))


def ask_for(folder: Path, asked: list[Digests]) -> None:
    """Ask a library for contents of which every second is known."""
    with Library(folder) as library:
        uuids = [known_set.uuid for known_set in library.sets()]
    known = len(asked) // 2
    started = time.perf_counter()
    with Matcher.open(folder, uuids) as matcher:
        print(f"  opened in {1000 * (time.perf_counter() - started):,.1f} ms")
        unknown = asked[1::2]
        timed("contents, one by one", len(asked), lambda: sum(len(matcher.exact([each])[0]) for each in asked), known)
        timed("unknown contents, one by one", known, lambda: sum(len(matcher.exact([each])[0]) for each in unknown), 0)
        timed("contents, all at once", len(asked), lambda: sum(map(len, matcher.exact(asked))), known)


def look_up_in_sqlite(folder: Path, path: Path, entries: int) -> None:
    """Ask the same of the same entries in an SQLite table with three indexes, made with SQLite alone."""
    (set_file,) = (folder / "sets").glob("*.sqlite")
    connection = sqlite3.connect(path.with_suffix(".indexed"))
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("ATTACH ? AS known", (str(set_file),))
    connection.execute("CREATE TABLE entry AS SELECT position, md5, sha1, sha256 FROM known.entry")
    started = time.process_time()
    for algorithm in ("md5", "sha1", "sha256"):
        connection.execute(f"CREATE INDEX of_{algorithm} ON entry ({algorithm})")
    print(f"  SQLite takes {time.process_time() - started:,.1f} s to index the digests")
    asked = questions(path, entries)

    def count() -> int:
        found = 0
        for each in asked:
            for algorithm in ("sha256", "sha1", "md5"):
                query = f"SELECT position FROM entry WHERE {algorithm} = ?"  # noqa: S608
                found += len(connection.execute(query, (getattr(each, algorithm),)).fetchall())
        return found // 3

    timed("the same by indexes of SQLite, one by one", len(asked), count, len(asked) // 2)
    connection.close()


def kill_imports(folder: Path, path: Path) -> None:
    """Kill imports at random moments; the library must be sound and as it was, or hold the new set whole."""
    chance = Random(4)  # noqa: S311
    with Library(folder) as library:
        library.import_list(path, "killed", Disposition.NOTABLE)
        call = f"from bench.lists_speed import import_one; import_one({str(folder)!r}, {str(path)!r})"
        finished = 0
        for _ in range(KILLS):
            process = subprocess.Popen([sys.executable, "-c", call], stdout=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.2, 6))
            process.kill()
            finished += process.wait() == 0
            for found in verify(library, library.sets()):
                if found.problems or found.remade:
                    raise SystemExit(f"after a kill: {found}")
    print(f"  {KILLS} imports killed, {finished} of them too late: the library was sound each time", flush=True)


def main() -> None:
    """Print rows for each number of entries."""
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()] or [100_000, 500_000]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as temporary:
        for number in numbers:
            print(
                f"{'list':>5} {'entries':>12} {'a second':>12} {'of processor':>12} {'barely read':>12} {'peak':>12} "
                "bytes each"
            )
            for name, write, entries in (("vics", write_vics, number // 5), ("csv", write_csv, number)):
                path, folder = Path(temporary, name), Path(temporary, f"{name}-{number}")
                write(path, entries)
                imported(folder, path)
            if "only=imports" in sys.argv:
                continue
            look_up(folder, path, number)
            look_up_in_sqlite(folder, path, number)
        if "only=imports" in sys.argv:
            return
        use_in_place(Path(temporary), next((int(each[5:]) for each in sys.argv if each.startswith("nsrl=")), 200_000))
        path = Path(temporary, "killed")
        write_csv(path, 50_000)
        kill_imports(Path(temporary, "library"), path)


if __name__ == "__main__":
    main()
