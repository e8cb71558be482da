"""A confined worker is refused by the kernel whatever a hostile file might make it do."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.evidence.keys import Keyring
from forensics.triage import sandbox, system_calls
from forensics.triage.messages import Described, DescribeJob, Message, Refused, SourceAccess, WorkerSetup
from forensics.triage.pool import Died, WorkerPool
from forensics.triage.scan import ScanResult
from tests.conftest import Evidence
from tests.plugin_package import install_picture_hasher

ATTEMPTS = """
import json, mmap, os, socket, subprocess, sys
from dataclasses import replace
from pathlib import Path
from forensics.triage import sandbox

allowed, forbidden, device = map(Path, sys.argv[1:])
sys.path.remove("")
sandbox.enter([allowed, device], replace(sandbox.Confinement.available(), memory=256 * 2**20))
attempts = {
    "read evidence": lambda: (allowed / "evidence").read_bytes(),
    "list evidence": lambda: os.listdir(allowed),
    "read elsewhere": lambda: (forbidden / "secret").read_bytes(),
    "list elsewhere": lambda: os.listdir(forbidden),
    "write evidence": lambda: (allowed / "evidence").open("r+b"),
    "truncate evidence": lambda: os.truncate(allowed / "evidence", 0),
    "new file": lambda: (allowed / "new").open("wb"),
    "new file elsewhere": lambda: (forbidden / "new").open("wb"),
    "new shared memory": lambda: open("/dev/shm/tamiz-test", "wb"),
    "new folder": lambda: (allowed / "folder").mkdir(),
    "remove": lambda: (allowed / "evidence").unlink(),
    "rename": lambda: (allowed / "evidence").rename(allowed / "other"),
    "link": lambda: (allowed / "link").symlink_to("evidence"),
    "program": lambda: subprocess.run(["/bin/true"], check=True),
    "connect": lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
    "listen": lambda: socket.create_server(("127.0.0.1", 0)),
    "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "unix socket": lambda: socket.socket(socket.AF_UNIX),
    "process": os.fork,
    "signal to its parent": lambda: os.kill(os.getppid(), 0),
    "signal to its group": lambda: os.kill(0, 0),
    "mode of evidence": lambda: (allowed / "evidence").chmod(0o777),
    "owner of evidence": lambda: os.chown(allowed / "evidence", os.getuid(), os.getgid()),
    "times of evidence": lambda: os.utime(allowed / "evidence"),
    "attribute of evidence": lambda: os.setxattr(allowed / "evidence", "user.mark", b"x"),
    "memory beside its own": lambda: mmap.mmap(-1, 2**20),
    "memory": lambda: bytearray(2**30),
    "libraries": lambda: __import__("PIL.Image").__name__,
}
results = {}
for name, attempt in attempts.items():
    try:
        attempt()
        results[name] = "done"
    except (OSError, MemoryError) as error:
        results[name] = type(error).__name__
print(json.dumps(results))
"""

FORBIDDEN_BY_LANDLOCK = (
    "read elsewhere", "list elsewhere", "write evidence", "truncate evidence", "new file", "new file elsewhere",
    "new shared memory", "new folder", "remove", "rename", "link", "program", "connect", "listen",
)  # fmt: skip
FORBIDDEN_BY_FILTER = (
    "connect", "listen", "datagram", "unix socket", "program", "process", "signal to its parent", "signal to its group",
    "mode of evidence", "owner of evidence", "times of evidence", "attribute of evidence", "memory beside its own",
)  # fmt: skip

needs_landlock = pytest.mark.skipif(
    sandbox.landlock_version() < 4, reason="this kernel has no Landlock that knows TCP (version 4)"
)


needs_filter = pytest.mark.skipif(not system_calls.can_filter(), reason="this kernel does not filter system calls")


@needs_filter
@needs_landlock
def test_a_confined_process_reads_the_evidence_and_does_nothing_else(tmp_path: Path) -> None:
    allowed, forbidden = tmp_path / "allowed", tmp_path / "forbidden"
    allowed.mkdir()
    forbidden.mkdir()
    (allowed / "evidence").write_bytes(b"evidence")
    (forbidden / "secret").write_bytes(b"secret")
    command = [sys.executable, "-c", ATTEMPTS, str(allowed), str(forbidden), "/dev/null"]
    environment = {**os.environ, "PYTHONPATH": str(Path(sandbox.__file__).parents[2])}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=allowed)
    results = json.loads(done.stdout)
    assert {name for name, result in results.items() if result == "done"} == {
        "read evidence", "list evidence", "libraries",
    }  # fmt: skip
    forbidden_by_kernel = {name: results[name] for name in (*FORBIDDEN_BY_LANDLOCK, *FORBIDDEN_BY_FILTER)}
    assert {name for name, result in forbidden_by_kernel.items() if result != "PermissionError"} == set()
    assert results["memory"] == "MemoryError"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["evidence", "secret"]


@needs_landlock
def test_a_worker_opens_only_the_evidence_it_was_given(evidence: Evidence, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.raw"
    elsewhere.write_bytes(evidence.image.read_bytes())
    setup = WorkerSetup(tmp_path / "library", (), readable=(evidence.image.parent,))
    with WorkerPool(1, setup) as pool:
        answers: list[Message | Died] = []
        for path in (evidence.image, elsewhere):
            pool.submit(DescribeJob(SourceAccess(path, "E1", Keyring(), deep=False, allow_writable=False)))
            while pool.busy:
                answers.extend(message for _, message in pool.messages())
    described = [answer for answer in answers if isinstance(answer, Described)]
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(described) == len(refused) == 1
    assert "ermission denied" in str(refused[0].error)


@needs_landlock
def test_the_installed_command_scans_from_any_folder(evidence: Evidence, tmp_path: Path) -> None:
    """The packages may be installed to be edited: then they lie in no folder where modules are looked for."""
    command = Path(sys.executable).with_name("tamiz")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["TAMIZ_LIBRARY"] = str(tmp_path / "library")
    shutil.copy(evidence.image, tmp_path / "disk.raw")
    for arguments in (["case", "new", "a.case", "--number", "1", "--examiner", "Ana"], ["scan", "a.case", "disk.raw"]):
        done = subprocess.run(
            [command, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


INTRUDER = """
import json, os, socket, sys
from pathlib import Path

def attempts():
    yield "home", lambda: (Path(HOME) / "loot").write_bytes(b"x")
    yield "case", lambda: Path(CASE).open("r+b").write(b"x")
    yield "beside the case", lambda: Path(CASE + ".loot").write_bytes(b"x")
    yield "listener", lambda: socket.create_connection(("127.0.0.1", PORT), timeout=2)
    yield "file outside", lambda: Path(OUTSIDE).read_bytes()

def report():
    # what happened leaves the worker in the only way there is: as the bits of a hash
    bits = 0
    for place, (name, attempt) in enumerate(attempts()):
        try:
            attempt()
        except PermissionError:
            bits |= 1 << place
    return bits
"""


@needs_filter
@needs_landlock
def test_a_hasher_that_wants_out_is_refused_by_the_kernel_in_a_real_scan(
    run_scan: Callable[..., ScanResult], evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, outside = tmp_path / "home", tmp_path / "secret.txt"
    home.mkdir()
    outside.write_bytes(b"secret")
    case = tmp_path / "a.case"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        places = (
            f"HOME, CASE, PORT, OUTSIDE = {str(home)!r}, {str(case)!r}, {listener.getsockname()[1]}, {str(outside)!r}"
        )
        body = (
            "from forensics.hashing.perceptual import PerceptualHash\n"
            "return iter((PerceptualHash(self.algorithm, bytes([report()]).hex(), 100, picture.view, picture.decode),))"
        )
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.syspath_prepend(install_picture_hasher(tmp_path / "plugin", "intruder", INTRUDER + places, body))
        result = run_scan("a.case", evidence.image)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert (result.errors, result.problems) == ((), ())
    with CaseReader.open(case) as reader:
        reported = {
            row["value"] for row in reader._rows("SELECT value FROM perceptual_hashes WHERE algorithm = 'intruder'")
        }
    assert reported == {"1f"}  # all five attempts ended with a PermissionError
    assert list(home.iterdir()) == []
    assert sorted(path.name for path in tmp_path.glob("a.case*")) == ["a.case", "a.case.key", "a.case.log"]


def test_what_was_enforced_is_recorded_with_the_scan(
    run_scan: Callable[..., ScanResult], evidence: Evidence, tmp_path: Path
) -> None:
    run_scan("a.case", evidence.image)
    with CaseReader.open(tmp_path / "a.case") as reader:
        (recorded,) = [scan["environment"]["sandbox"] for scan in reader.scans()]
    assert recorded == sandbox.enforceable(2)
    assert set(recorded) == {"files", "programs", "network", "system calls", "privileges", "memory"}


@pytest.mark.parametrize(
    ("landlock", "filtered", "own_network", "lacking"),
    [
        (0, False, False, {"files", "programs", "network", "system calls"}),
        (0, True, False, {"files"}),
        (1, False, False, {"network", "system calls"}),
        (4, False, False, {"system calls"}),
        (3, False, True, {"system calls"}),
        (7, True, True, set()),
    ],
)
def test_what_a_kernel_lacks_is_said(landlock: int, filtered: bool, own_network: bool, lacking: set[str]) -> None:
    described = sandbox.Confinement(landlock, filtered, own_network, 2**30).description()
    assert {name for name, text in described.items() if text.startswith(sandbox.NOT_ENFORCED)} == lacking


def test_a_layer_that_the_kernel_refuses_is_never_passed_over(evidence: Evidence, tmp_path: Path) -> None:
    """What the case says is enforced, or no worker works."""
    asked = sandbox.Confinement.available()
    program = (
        "import resource; from forensics.triage import sandbox\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"  # no descriptor is left for Landlock's rules
        f"sandbox.enter([], sandbox.{asked!r})"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(sandbox.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "OSError" in done.stderr


def test_workers_share_the_memory_of_the_machine() -> None:
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for workers in (1, 2, 16, 256):
        share = sandbox.memory_share(workers)
        assert sandbox.LEAST_MEMORY <= share <= sandbox.MEMORY
        assert share * workers <= whole or share == sandbox.LEAST_MEMORY


HEADERS = {
    0: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    1: Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("column", [0, 1])
def test_the_numbers_of_system_calls_are_those_of_the_headers(column: int) -> None:
    if not HEADERS[column].exists():
        pytest.skip("the kernel's headers are not here (Debian package linux-libc-dev)")
    pattern = re.compile(r"#define __NR(?:3264)?_(\w+)\s+(\d+)")
    stated = {name: int(number) for name, number in pattern.findall(HEADERS[column].read_text())}
    ours = {**system_calls.FORBIDDEN, **system_calls.OWN_PROCESS_ONLY}
    known = {name: numbers[column] for name, numbers in ours.items() if name in stated}
    assert known == {name: stated[name] for name in known}
    assert len(known) > 50
