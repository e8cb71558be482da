"""The shared table of known contents forgets nothing it had room for and is readable from another process."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.triage.seen import SeenContents


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


@pytest.fixture
def seen() -> Iterator[SeenContents]:
    table = SeenContents.create(10_000)
    yield table
    table.close()


def test_what_was_added_is_found_and_nothing_else(seen: SeenContents) -> None:
    for number in range(10_000):
        seen.add(digest(number))
        seen.add(digest(number))
    assert all(digest(number) in seen for number in range(10_000))
    assert not any(digest(number) in seen for number in range(10_000, 20_000))


def test_a_full_table_remembers_no_more_but_still_answers() -> None:
    table = SeenContents.create(1)
    for number in range(10_000):
        table.add(digest(number))
    found = sum(digest(number) in table for number in range(10_000))
    assert 0 < found < 10_000
    table.close()


def _look(name: str, answers: multiprocessing.Queue[bool]) -> None:
    table = SeenContents.attach(name)
    answers.put(digest(1) in table)
    answers.put(digest(2) in table)
    table.close()


def test_another_process_sees_what_was_added(seen: SeenContents) -> None:
    seen.add(digest(1))
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[bool] = context.Queue()
    process = context.Process(target=_look, args=(seen.name, answers))
    process.start()
    assert [answers.get(timeout=60), answers.get(timeout=60)] == [True, False]
    process.join()
    assert digest(1) in seen  # the other process's end took nothing away


def test_a_table_whose_owner_was_killed_is_removed_by_the_next() -> None:
    program = (
        "import os, signal; from forensics.triage.seen import SeenContents\n"
        "print(SeenContents.create(1).name, flush=True)\n"
        "os.killpg(0, signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", program],
        start_new_session=True, env=environment, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    left = Path("/dev/shm") / done.stdout.strip()  # noqa: S108
    assert (done.returncode, left.exists()) == (-signal.SIGKILL, True)
    living = SeenContents.create(1)
    other = SeenContents.create(1)
    assert not left.exists()
    assert (Path("/dev/shm") / living.name).exists()  # noqa: S108
    living.close()
    other.close()
