"""Workers: what the first finds out the others are told."""

from __future__ import annotations

from pathlib import Path

from forensics.evidence.keys import Keyring
from forensics.triage.messages import DescribeJob, Job, Message, SourceAccess, Walked, WalkJob, WorkerSetup
from forensics.triage.pool import Died, WorkerPool
from tests.conftest import Evidence


def answers(pool: WorkerPool, job: Job) -> list[Message | Died]:
    pool.submit(job)
    found: list[Message | Died] = []
    while pool.busy:
        found.extend(message for _, message in pool.messages())
    return found


def reads(pid: int | None) -> int:
    """How often a process has asked the system to read."""
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    return next(int(line.partition(": ")[2]) for line in lines if line.startswith("syscr"))


def test_a_worker_does_not_search_again_for_the_lost_file_systems_another_has_found(
    evidence: Evidence, tmp_path: Path
) -> None:
    path = tmp_path / "disk.raw"
    with path.open("xb") as file:
        file.truncate(1 << 30)
        file.seek(512 << 20)
        file.write(evidence.image.read_bytes())
    access = SourceAccess(path, "E1", Keyring(), deep=False)
    with WorkerPool(1, WorkerSetup(tmp_path / "library", (), readable=(tmp_path,))) as pool:
        first = pool._members[0].process.pid
        before = reads(first)
        answers(pool, DescribeJob(access))
        searching = reads(first) - before
        pool._replace(pool._members[0])
        second = pool._members[0].process.pid
        before = reads(second)
        walked = answers(pool, WalkJob(access, f"p0/lost{(512 << 20) // 512}"))
        assert sum(len(message.items) for message in walked if isinstance(message, Walked)) >= len(evidence.md5)
        assert second != first
        assert searching - (reads(second) - before) > 700
