"""A confined worker is refused by the kernel whatever a hostile file might make it do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.evidence.keys import Keyring
from forensics.triage import sandbox
from forensics.triage.messages import Described, DescribeJob, Message, Refused, SourceAccess, WorkerSetup
from forensics.triage.pool import Died, WorkerPool
from forensics.triage.scan import ScanResult
from tests.conftest import Evidence

ATTEMPTS = """
import json, os, socket, subprocess, sys
from pathlib import Path
from forensics.triage import sandbox

allowed, forbidden, device = map(Path, sys.argv[1:])
sys.path.remove("")
sandbox.enter([allowed, device], memory=256 * 2**20)
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
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

needs_landlock = pytest.mark.skipif(
    sandbox.landlock_version() < 4, reason="this kernel has no Landlock that knows TCP (version 4)"
)


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
    assert {results[name] for name in FORBIDDEN_BY_LANDLOCK} == {"PermissionError"}
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


def test_what_was_enforced_is_recorded_with_the_scan(
    run_scan: Callable[..., ScanResult], evidence: Evidence, tmp_path: Path
) -> None:
    run_scan("a.case", evidence.image)
    with CaseReader.open(tmp_path / "a.case") as reader:
        (recorded,) = [scan["environment"]["sandbox"] for scan in reader.scans()]
    assert recorded == sandbox.enforceable()
    assert set(recorded) == {"files", "programs", "network", "privileges", "memory"}


@pytest.mark.parametrize(("version", "enforced"), [(0, 0), (1, 2), (3, 2), (4, 3), (7, 3)])
def test_what_a_kernel_lacks_is_said(version: int, enforced: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "landlock_version", lambda: version)
    monkeypatch.setattr(sandbox, "_is_privileged", lambda: False)
    by_landlock = [sandbox.enforceable()[name] for name in ("files", "programs", "network")]
    assert sum(not text.startswith(sandbox.NOT_ENFORCED) for text in by_landlock) == enforced
