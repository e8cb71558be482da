"""``tamiz match``: a list against the stored hashes of a case: ``python -m bench catch_up [CONTENTS [ENTRIES]]``.

Every list and case is invented: digests and hashes that belong to nothing. One content in a thousand is listed, and
half of the contents are pictures. 1000000 and 10000000 give the figures in the documentation.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from bench.lists_speed import digests_of, write_csv
from forensics.case.ledger import Actor
from forensics.case.store import CaseStore
from forensics.triage.progress import NoDisplay
from forensics.triage.scan import match
from hashsets.format import Disposition
from hashsets.library import Library

LISTED = 1000
"""One content in so many is listed."""


def main() -> None:
    """Print how long the match took, and whether it found what was listed."""
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    contents, entries = (*numbers, 20_000, 200_000)[:2] if len(numbers) != 1 else (numbers[0], 10 * numbers[0])
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), contents, entries)


def measure(folder: Path, contents: int, entries: int) -> None:
    """Make a list and a case, and match them."""
    write_csv(folder / "list.csv", entries)
    with Library(folder / "library") as library:
        library.import_list(folder / "list.csv", "list", Disposition.NOTABLE)
        sets = library.sets()
    actor = Actor("Bench", "bench")
    listed = fill(folder / "a.case", actor, contents)
    with CaseStore.open(folder / "a.case") as store:
        clock, processor = time.perf_counter(), time.process_time()
        found = match(store, actor, sets, folder / "library", NoDisplay())
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(
        f"{contents:,} contents against {entries:,} entries: {clock:.1f} s ({processor:.1f} s of the processor), "
        f"{found} of {listed} listed contents found"
    )


def fill(path: Path, actor: Actor, contents: int) -> int:
    """Make a case of so many contents; the first entries of the list are among them. Tells how many."""
    CaseStore.create(path, "BENCH-1", actor, None, []).close()
    chance, of_list = random.Random(2), random.Random(1)  # noqa: S311
    with CaseStore.open(path) as store, store.transaction():
        for number in range(contents):
            md5, sha1, sha256 = digests_of(chance)
            if number % LISTED == 0:
                md5, sha1, sha256 = digests_of(of_list)
                of_list.getrandbits(24)  # the size in the list
            is_picture = number % 2 == 0
            fate = ("hashed", None, 640, 480) if is_picture else ("not-applicable", None, None, None)
            kind = "image/jpeg" if is_picture else "application/octet-stream"
            store.connection.execute(
                "INSERT INTO contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (sha256, sha1, md5, number, kind, *fate)
            )
            if is_picture:
                value = chance.randbytes(32).hex()
                store.connection.execute(
                    "INSERT INTO perceptual_hashes VALUES (?, 'pdq', 'original', ?, 100, 'decode-v2')", (sha256, value)
                )
    return -(-contents // LISTED)


if __name__ == "__main__":
    main()
