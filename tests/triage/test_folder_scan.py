"""A scan of a folder or a device: the findings of the image it came from, whatever happens on the way."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.case.status import status
from forensics.evidence.description import COULD_CHANGE
from forensics.evidence.folder_manifest import digest_folder
from forensics.reports.recipient import Recipient
from forensics.reports.report import write_report
from forensics.triage.locate import locate
from forensics.triage.scan import ScanResult
from tests.conftest import Evidence
from tests.evidence.folders import regular_files, varied_tree

RunScan = Callable[..., ScanResult]

SCAN_PROGRAM = "import cli; cli.main()"


@pytest.fixture
def tree(evidence: Evidence, tmp_path: Path) -> Path:
    """A copy of the tree that the image of ``evidence`` was made of."""
    subprocess.run(["cp", "-a", evidence.image.parent / "tree", tmp_path / "tree"], check=True)
    return tmp_path / "tree"


def rows(case: Path, query: str) -> list[tuple[object, ...]]:
    with CaseReader.open(case) as reader:
        return reader._connection.execute(query).fetchall()


def logical_digest(case: Path) -> str:
    with CaseReader.open(case) as reader:
        return reader.logical_digest()


def test_a_folder_that_holds_the_case_is_refused(run_scan: RunScan, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"beside the case")
    result = run_scan("a.case", tmp_path, allow_writable=True)
    assert "holds the case" in str(result.errors[0])
    assert rows(tmp_path / "a.case", "SELECT count(*) FROM sources") == [(0,)]
    with CaseReader.open(tmp_path / "a.case") as reader:
        assert [gap.reason for gap in reader.gaps()] == ["source-refused"]


def test_without_leave_a_writable_folder_is_refused_and_stays_in_the_account(
    run_scan: RunScan, tree: Path, tmp_path: Path
) -> None:
    result = run_scan("a.case", tree)
    assert "--allow-writable" in str(result.errors[0])
    assert rows(tmp_path / "a.case", "SELECT count(*) FROM sources") == [(0,)]
    with CaseReader.open(tmp_path / "a.case") as reader:
        assert [gap.reason for gap in reader.gaps()] == ["source-refused"]
    assert run_scan("a.case", tree, allow_writable=True).errors == ()
    assert not run_scan("a.case", tree, allow_writable=True).gaps


def test_the_folder_and_the_image_made_of_it_hold_the_same_contents_and_hits(
    run_scan: RunScan, evidence: Evidence, tree: Path, tmp_path: Path
) -> None:
    run_scan("image.case", evidence.image)
    run_scan("folder.case", tree, allow_writable=True)
    query = "SELECT path, sha1, md5 FROM streams JOIN contents ON sha256 = content WHERE allocation = 'allocated'"
    oracle = {
        (os.fsdecode(path), hashlib.sha1(data).hexdigest(), hashlib.md5(data).hexdigest())  # noqa: S324
        for path, data in regular_files(tree).items()
    }
    assert set(rows(tmp_path / "folder.case", query)) == oracle
    in_image = {row for row in rows(tmp_path / "image.case", query) if not str(row[0]).startswith("$")}
    gone = {row for row in oracle if row[0] == evidence.deleted}
    assert len(gone) == 1
    assert in_image == oracle - gone
    hits = (
        "SELECT streams.path, hits.basis, hits.distance FROM hits JOIN streams USING (content) "
        "WHERE allocation = 'allocated'"
    )
    assert {row[0] for row in rows(tmp_path / "folder.case", hits)} >= {"copy.jpg", evidence.deleted}
    assert set(rows(tmp_path / "image.case", hits)) == {
        row for row in rows(tmp_path / "folder.case", hits) if row[0] != evidence.deleted
    }


def test_any_number_of_workers_gives_the_same_case(run_scan: RunScan, tmp_path: Path) -> None:
    tree = varied_tree(tmp_path / "tree")
    for jobs in (1, 2):
        assert run_scan(f"{jobs}.case", tree, allow_writable=True, jobs=jobs).errors == ()
    assert logical_digest(tmp_path / "1.case") == logical_digest(tmp_path / "2.case")


def test_what_shows_that_it_was_not_changed_and_could_have_been(run_scan: RunScan, tree: Path, tmp_path: Path) -> None:
    run_scan("a.case", tree, allow_writable=True)
    expected = digest_folder(tree, lambda _: None)
    assert rows(tmp_path / "a.case", "SELECT phase, algorithm, value FROM source_digests ORDER BY phase") == [
        ("after", "manifest-sha256", expected),
        ("before", "manifest-sha256", expected),
    ]
    with CaseReader.open(tmp_path / "a.case") as reader:
        (source,) = reader.sources()
        assert source["metadata"][COULD_CHANGE] == "lies on a file system that is mounted for writing"
        assert reader.scans()[0]["arguments"]["allow_writable"] is True
        assert status(reader)["complete"]
        write_report(reader, tmp_path / "report", "en", Recipient.DEFENCE)
    page = (tmp_path / "report/report.html").read_text()
    assert "something could have written to it" in page
    assert "it does not cover what they hold" in page
    assert "the list of files has the same digest before and after" in page


def test_a_folder_that_changed_between_scans_is_refused(run_scan: RunScan, tree: Path, tmp_path: Path) -> None:
    run_scan("a.case", tree, allow_writable=True)
    (tree / "text02.txt").write_bytes(b"other")
    result = run_scan("a.case", tree, allow_writable=True)
    assert "has changed: the SHA-256 of the list of its files" in str(result.errors[0])
    with CaseReader.open(tmp_path / "a.case") as reader:
        assert reader.changed_sources() == ["E1"]


def test_a_folder_that_moved_is_the_same_source_and_a_copy_is_not_another(
    run_scan: RunScan, tree: Path, tmp_path: Path
) -> None:
    run_scan("a.case", tree, allow_writable=True)
    before = logical_digest(tmp_path / "a.case")
    subprocess.run(["cp", "-a", tree, tmp_path / "copy"], check=True)
    result = run_scan("a.case", tmp_path / "copy", allow_writable=True)
    assert "lists the same files, sizes and times as source E1" in str(result.errors[0])
    shutil.rmtree(tmp_path / "copy")
    tree.rename(tmp_path / "moved")
    assert run_scan("a.case", tmp_path / "moved", allow_writable=True).errors == ()
    assert logical_digest(tmp_path / "a.case") == before


def test_every_stream_can_be_located_again(run_scan: RunScan, tmp_path: Path) -> None:
    tree = varied_tree(tmp_path / "tree")
    run_scan("a.case", tree, allow_writable=True)
    with CaseReader.open(tmp_path / "a.case") as reader:
        locators = [row[0] for row in rows(tmp_path / "a.case", "SELECT DISTINCT locator FROM streams")]
        assert len(locators) > 80
        assert all(locate(reader, str(locator), allow_writable=True).agrees for locator in locators)
        (tree / "empty").write_bytes(b"no longer")
        (empty,) = rows(tmp_path / "a.case", "SELECT locator FROM streams WHERE path = 'empty'")
        problem = locate(reader, str(empty[0]), allow_writable=True).problem
    assert problem == "it or its folder has changed since it was listed"


def test_a_scan_killed_at_any_moment_goes_on_to_the_same_case(
    run_scan: RunScan, library: Path, tree: Path, tmp_path: Path
) -> None:
    for number in range(400):
        (tree / f"deep/{number}").write_bytes(b"%d" % number)
    run_scan("whole.case", tree, allow_writable=True)
    expected = logical_digest(tmp_path / "whole.case")
    choose = random.Random(11)  # noqa: S311 - moments, not secrets
    for attempt in range(2):
        case = tmp_path / f"{attempt}.case"
        command = [sys.executable, "-c", SCAN_PROGRAM, "--library", str(library)]
        subprocess.run([*command, "case", "new", str(case), "--number", "1", "--examiner", "Ana"], check=True)
        with subprocess.Popen(
            [*command, "scan", str(case), str(tree), "--quiet", "--allow-writable"],
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            time.sleep(choose.uniform(0.8, 3))
            os.killpg(process.pid, signal.SIGKILL)
        run_scan(case.name, tree, allow_writable=True)
        assert logical_digest(case) == expected
