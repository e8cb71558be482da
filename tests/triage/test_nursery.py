"""Workers are forked by a process that has loaded everything and nothing of the evidence; none outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.evidence.keys import Keyring
from forensics.triage.messages import Described, DescribeJob, SourceAccess, WorkerSetup
from forensics.triage.nursery import ForkedProcess, Nursery, NurseryGoneError
from forensics.triage.pool import WorkerPool
from forensics.triage.progress import NoDisplay, Phase
from forensics.triage.pulse import Pulse, Stage
from forensics.triage.scan import ScanResult
from forensics.triage.worker import PROCESS_NAME
from tests.conftest import Evidence
from tests.plugin_package import install_picture_hasher
from tests.triage.processes import descendants, workers

RunScan = Callable[..., ScanResult]


@pytest.fixture
def setup(tmp_path: Path, evidence: Evidence) -> WorkerSetup:
    return WorkerSetup(tmp_path / "library", (), readable=(evidence.image.parent,))


@pytest.fixture
def nursery(setup: WorkerSetup) -> Iterator[Nursery]:
    opened = Nursery.open(setup)
    assert opened is not None
    yield opened
    opened.close()


def started(pulse: Pulse) -> None:
    end = time.monotonic() + 60
    while pulse.look().stage is Stage.STARTING:
        assert time.monotonic() < end
        time.sleep(0.01)


def describe(pool: WorkerPool, image: Path) -> list[object]:
    pool.submit(DescribeJob(SourceAccess(image, "E1", Keyring(), deep=False)))
    answers: list[object] = []
    while pool.busy:
        answers.extend(message for _, message in pool.messages())
    return answers


# How workers end


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM])
def test_the_signal_that_ended_a_worker_is_told(nursery: Nursery, number: signal.Signals) -> None:
    pulse = Pulse()
    process, connection = nursery.fork(pulse)
    started(pulse)
    assert [process.exitcode] == [None]
    os.kill(process.pid, number)
    process.join(30)
    assert process.exitcode == -number
    process.kill()  # one that has ended is not missed
    connection.close()
    pulse.close()


@pytest.mark.parametrize(
    ("statement", "code"),
    [("import os; os._exit(7)", 7), ("raise SystemExit(3)", 3), ("raise SystemExit", 0), ("raise SystemExit('x')", 1)],
)
def test_the_exit_code_of_a_worker_is_told(
    setup: WorkerSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, code: int
) -> None:
    """A plug-in may do that as it is imported, which the nursery itself survives."""
    monkeypatch.syspath_prepend(install_picture_hasher(tmp_path / "plugin", "quits", statement, "pass"))
    pulse = Pulse()
    nursery = Nursery.open(setup)
    assert nursery is not None
    for _ in range(2):
        process, connection = nursery.fork(pulse)
        process.join(30)
        assert process.exitcode == code
        connection.close()
    nursery.close()
    pulse.close()


def test_a_worker_ends_when_nobody_speaks_to_it_any_more(nursery: Nursery) -> None:
    pulse = Pulse()
    process, connection = nursery.fork(pulse)
    started(pulse)
    connection.close()
    process.join(30)
    assert process.exitcode == 0
    pulse.close()


def test_a_worker_holds_nothing_that_belongs_to_another(nursery: Nursery) -> None:
    def held(process: ForkedProcess) -> set[str]:
        return {str(each.readlink()) for each in Path(f"/proc/{process.pid}/fd").iterdir()}

    pulses = [Pulse(), Pulse(), Pulse()]
    forked = [nursery.fork(pulse) for pulse in pulses]
    for pulse in pulses:
        started(pulse)
    everyones = [{link for link in held(process) if link.startswith("socket:")} for process, _ in forked]
    assert [len(sockets) for sockets in everyones] == [1, 1, 1]
    assert len(set.union(*everyones)) == 3
    for process, _ in forked:
        assert not [link for link in held(process) if "pidfd" in link]
        assert len({link for link in held(process) if link.startswith("pipe:")}) == len(
            {link for link in held(forked[0][0]) if link.startswith("pipe:")}
        )
    for (_, connection), pulse in zip(forked, pulses, strict=True):
        connection.close()
        pulse.close()


# What becomes of them


COORDINATOR = """
import sys, time
from pathlib import Path
from forensics.triage.messages import WorkerSetup
from forensics.triage.pool import WorkerPool
from forensics.triage.pulse import Stage

pool = WorkerPool(2, WorkerSetup(Path(sys.argv[1]), ()))
while sys.argv[2] == "confined" and any(each.pulse.look().stage is Stage.STARTING for each in pool._members):
    time.sleep(0.01)
print(pool._nursery is not None, flush=True)
time.sleep(120)
"""


@pytest.mark.parametrize("whole_group", [False, True])
@pytest.mark.parametrize("state", ["loading", "confined"])
def test_nothing_is_left_when_the_coordinator_is_killed(tmp_path: Path, state: str, whole_group: bool) -> None:
    """Not even workers that stand still and so do not see that nobody speaks to them any more."""
    places = list(filter(None, sys.path))
    if state == "loading":
        places.append(str(install_picture_hasher(tmp_path / "plugin", "hangs", "while True: pass", "pass")))
    with subprocess.Popen(
        [sys.executable, "-c", COORDINATOR, tmp_path / "library", state],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
    ) as coordinator:  # fmt: skip
        assert coordinator.stdout is not None
        ready = coordinator.stdout.readline()
        end = time.monotonic() + 30
        below = descendants(coordinator.pid)
        while list(below.values()).count(PROCESS_NAME) < 2 and time.monotonic() < end:
            below = descendants(coordinator.pid)
        if state == "confined":
            for pid in (pid for pid, name in below.items() if name == PROCESS_NAME):
                os.kill(pid, signal.SIGSTOP)
        if whole_group:
            os.killpg(coordinator.pid, signal.SIGKILL)
        else:
            coordinator.kill()
    assert ready == "True\n"
    assert list(below.values()).count(PROCESS_NAME) == 2
    end = time.monotonic() + 30
    while left := [pid for pid in below if is_alive(pid)]:
        assert time.monotonic() < end, left
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_nursery_that_was_killed_takes_its_workers_along_and_is_opened_anew(
    setup: WorkerSetup, evidence: Evidence
) -> None:
    with WorkerPool(2, setup) as pool:
        first = workers()
        for member in pool._members:
            started(member.pulse)
        assert pool._nursery is not None
        pool._nursery._process.kill()
        end = time.monotonic() + 30
        while workers():
            assert time.monotonic() < end
            time.sleep(0.01)
        assert any(isinstance(answer, Described) for answer in describe(pool, evidence.image))
        assert set(workers()).isdisjoint(first)
    assert workers() == []


def test_who_asks_a_nursery_that_is_gone_is_told(nursery: Nursery) -> None:
    pulse = Pulse()
    process, connection = nursery.fork(pulse)
    nursery._process.kill()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    with pytest.raises(NurseryGoneError):
        nursery.fork(pulse)
    connection.close()
    pulse.close()


class KillingDisplay(NoDisplay):
    """Kills the nursery once, while streams are examined."""

    has_killed = False

    def show(self, *, changed: bool) -> None:
        if self.state.phase is Phase.EXAMINING and self.state.streams_done and not self.has_killed:
            self.has_killed = True
            (worker, *_) = workers()
            os.kill(int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)


def test_a_nursery_killed_by_hand_costs_no_finding(run_scan: RunScan, evidence: Evidence, tmp_path: Path) -> None:
    run_scan("whole.case", evidence.image)
    display = KillingDisplay()
    run_scan("a.case", evidence.image, display=display)
    assert display.has_killed
    digests = []
    for name in ("whole", "a"):
        with CaseReader.open(tmp_path / f"{name}.case") as case:
            digests.append(case.logical_digest())
    assert digests[0] == digests[1]


# When workers are not forked

THREAD = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
FILE = "file = open('/etc/passwd')\nimport builtins\nbuiltins.kept_open = file\n"


def test_a_nursery_with_a_thread_does_not_fork_and_workers_are_spawned(
    setup: WorkerSetup, evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(THREAD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with WorkerPool(1, setup) as pool:
        assert pool._nursery is None
        assert any(isinstance(answer, Described) for answer in describe(pool, evidence.image))
        assert len(workers()) == 1


def test_a_nursery_that_loading_has_left_with_an_open_file_does_not_fork(
    setup: WorkerSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who share a file share the place they are at in it."""
    (tmp_path / "pi_heif.py").write_text(FILE)
    monkeypatch.syspath_prepend(tmp_path)
    assert Nursery.open(setup) is None


def test_more_threads_of_a_library_at_the_users_wish_are_no_reason_to_fail(
    setup: WorkerSetup, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    with WorkerPool(1, setup) as pool:
        assert any(isinstance(answer, Described) for answer in describe(pool, evidence.image))


def test_a_plug_in_is_imported_by_workers_only(
    setup: WorkerSetup, evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it may start threads and open files as it likes."""
    told = tmp_path / "imported by"
    imports = THREAD + f"import os\nwith open({str(told)!r}, 'a') as file:\n    print(os.getpid(), file=file)\n"
    monkeypatch.syspath_prepend(install_picture_hasher(tmp_path / "plugin", "threaded", imports, "pass"))
    with WorkerPool(2, setup) as pool:
        assert pool._nursery is not None
        assert any(isinstance(answer, Described) for answer in describe(pool, evidence.image))
        end = time.monotonic() + 30
        while not told.exists() or len(told.read_text().split()) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert sorted(map(int, told.read_text().split())) == sorted(workers())
