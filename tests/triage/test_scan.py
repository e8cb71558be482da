"""A whole scan: everything is hashed, found and accounted for, whatever happens on the way."""

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

from forensics.case.reader import CaseReader
from forensics.case.store import CaseStore
from forensics.errors import ImageError
from forensics.triage.scan import Profile, ScanResult
from hashsets.format import Disposition
from hashsets.library import Library
from tests.conftest import Evidence

RunScan = Callable[..., ScanResult]


def rows(case: Path, query: str) -> list[tuple[object, ...]]:
    with CaseReader.open(case) as reader:
        return reader._connection.execute(query).fetchall()


def logical_digest(case: Path) -> str:
    with CaseReader.open(case) as reader:
        return reader.logical_digest()


def test_every_file_is_hashed_and_every_listed_one_found(run_scan: RunScan, evidence: Evidence, tmp_path: Path) -> None:
    result = run_scan("a.case", evidence.image)
    assert result == ScanResult((), (), gaps=False)
    query = "SELECT path, md5 FROM streams JOIN contents ON sha256 = content"
    found = {path: md5 for path, md5 in rows(tmp_path / "a.case", query)}  # noqa: C416 - dict() cannot be typed here
    for path, md5 in evidence.md5.items():
        assert found[path] == md5, path
    with CaseReader.open(tmp_path / "a.case") as case:
        hits = {(hit.path, hit.allocation, hit.set, hit.category) for hit in case.hits()}
        counts = case.stream_counts()
    assert hits == {
        ("copy.jpg", "allocated", "known", "7"),
        ("deep/er/picture0.dat", "allocated", "known", "7"),
        ("deep/er/picture3.dat", "allocated", "known", "7"),
        ("text07.txt", "allocated", "known", "7"),
        ("gone.jpg", "deleted", "known", "7"),
    }
    assert counts.pending == 0
    assert counts.reconciles


def test_a_content_is_stored_once_however_many_streams_hold_it(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path
) -> None:
    run_scan("a.case", evidence.image)
    query = "SELECT count(*), count(DISTINCT content) FROM streams JOIN contents ON sha256 = content WHERE md5 = '{}'"
    for path in ("copy.jpg", "hard-link.jpg"):
        assert rows(tmp_path / "a.case", query.format(evidence.md5[path])) == [(2, 1)]


def test_pictures_are_recognised_by_content_and_benign_ones_are_not_decoded(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path
) -> None:
    run_scan("a.case", evidence.image)
    query = "SELECT perceptual, perceptual_reason, media_type FROM contents WHERE md5 = '{}'"
    case = tmp_path / "a.case"
    assert rows(case, query.format(evidence.md5["deep/er/picture2.dat"])) == [("hashed", None, "image/jpeg")]
    assert rows(case, query.format(evidence.md5["deep/er/picture4.dat"])) == [("skipped", "benign", "image/jpeg")]
    assert rows(case, query.format(evidence.md5["text07.txt"])) == [("not-applicable", None, "text/plain")]


def test_any_number_of_workers_gives_the_same_rows(run_scan: RunScan, evidence: Evidence, tmp_path: Path) -> None:
    for jobs in (1, 2, 4):
        run_scan(f"{jobs}.case", evidence.image, jobs=jobs)
    assert len({logical_digest(tmp_path / f"{jobs}.case") for jobs in (1, 2, 4)}) == 1


def test_the_evidence_is_not_changed_and_its_digest_stands_in_the_case(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path
) -> None:
    with evidence.image.open("rb") as file:
        expected = hashlib.file_digest(file, "sha256").hexdigest()
    run_scan("a.case", evidence.image)
    with evidence.image.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == expected
    stored = rows(tmp_path / "a.case", "SELECT phase, algorithm, value FROM source_digests ORDER BY phase")
    assert stored == [("after", "sha256", expected), ("before", "sha256", expected)]


def test_evidence_that_changed_between_scans_is_refused(run_scan: RunScan, evidence: Evidence, tmp_path: Path) -> None:
    image = tmp_path / "disk.raw"
    shutil.copy(evidence.image, image)
    run_scan("a.case", image)
    with image.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    (error,) = run_scan("a.case", image).errors
    assert isinstance(error, ImageError)
    assert "has changed" in str(error)


def test_a_second_scan_does_nothing_again(run_scan: RunScan, evidence: Evidence, tmp_path: Path) -> None:
    run_scan("a.case", evidence.image)
    before = logical_digest(tmp_path / "a.case")
    run_scan("a.case", evidence.image)
    assert logical_digest(tmp_path / "a.case") == before


def test_a_quick_scan_accounts_for_what_it_leaves_out_and_a_standard_one_catches_up(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path
) -> None:
    run_scan("a.case", evidence.image, profile=Profile.QUICK)
    assert rows(
        tmp_path / "a.case", "SELECT path, reason FROM streams WHERE allocation = 'deleted' AND state = 'skipped'"
    ) == [("gone.jpg", "excluded-by-profile")]
    run_scan("a.case", evidence.image)
    run_scan("b.case", evidence.image)
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "b.case")


def test_one_bad_source_does_not_stop_the_others(run_scan: RunScan, evidence: Evidence, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not an image\n" * 5)
    result = run_scan("a.case", text, evidence.image)
    (error,) = result.errors
    assert "notes.txt" in str(error)
    assert len(str(error).splitlines()) == 1
    assert rows(tmp_path / "a.case", "SELECT count(*) FROM hits") == [(6,)]


SCAN_PROGRAM = "import sys; from cli import main; sys.argv[0] = 'tamiz'; main()"


def test_a_scan_killed_at_any_moment_goes_on_to_the_same_case(
    run_scan: RunScan, evidence: Evidence, library: Path, tmp_path: Path
) -> None:
    run_scan("whole.case", evidence.image)
    expected = logical_digest(tmp_path / "whole.case")
    choose = random.Random(7)  # noqa: S311 - moments, not secrets
    for attempt in range(4):
        case = tmp_path / f"{attempt}.case"
        command = [sys.executable, "-c", SCAN_PROGRAM, "--library", str(library)]
        subprocess.run([*command, "case", "new", str(case), "--number", "1", "--examiner", "Ana"], check=True)
        with subprocess.Popen(
            [*command, "scan", str(case), str(evidence.image), "--quiet"],
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            time.sleep(choose.uniform(0.3, 2.5))
            os.killpg(process.pid, signal.SIGKILL)
        run_scan(case.name, evidence.image)
        assert logical_digest(case) == expected


def test_an_interrupted_scan_says_how_to_go_on(evidence: Evidence, library: Path, tmp_path: Path) -> None:
    case = tmp_path / "a.case"
    command = [sys.executable, "-c", SCAN_PROGRAM, "--library", str(library)]
    subprocess.run([*command, "case", "new", str(case), "--number", "1", "--examiner", "Ana"], check=True)
    with subprocess.Popen(
        [*command, "scan", str(case), str(evidence.image)], start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "opening" in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(20) == 1
    assert "run the same command again" in rest
    assert "Traceback" not in rest
    with CaseReader.open(case) as reader:
        assert [scan["state"] for scan in reader.scans()] == ["interrupted"]


def test_the_acquisition_digest_is_recomputed_on_request(run_scan: RunScan, corpora: Path, tmp_path: Path) -> None:
    good, wrong = corpora / "disk-images/dfvfs/ext2.E01", corpora / "disk-images/bulk_extractor/email_test.E01"
    result = run_scan("a.case", good, wrong, verify_image=True)
    assert result.errors == ()
    (problem,) = result.problems
    assert "email_test.E01" in str(problem)
    assert "not the one stored at acquisition" in str(problem)
    query = "SELECT label, phase, algorithm, value FROM source_digests JOIN sources ON sources.id = source_id"
    digests: dict[tuple[object, ...], object] = {row[:3]: row[3] for row in rows(tmp_path / "a.case", query)}
    assert digests["E1", "medium", "md5"] == digests["E1", "acquisition", "md5"]
    assert digests["E2", "medium", "md5"] != digests["E2", "acquisition", "md5"]


def test_without_a_request_the_acquisition_digest_is_not_recomputed(
    run_scan: RunScan, corpora: Path, tmp_path: Path
) -> None:
    run_scan("a.case", corpora / "disk-images/dfvfs/ext2.E01")
    phases = {row[0] for row in rows(tmp_path / "a.case", "SELECT phase FROM source_digests")}
    assert phases == {"acquisition", "before", "after"}


def import_benign(library: Path, folder: Path, column: str, digest: str) -> None:
    file = folder / "further.csv"
    file.write_text(f"{column}\n{digest}\n")
    with Library(library) as opened:
        opened.import_list(file, "further", Disposition.BENIGN)


def test_a_benign_md5_alone_spares_no_picture(
    run_scan: RunScan, evidence: Evidence, library: Path, tmp_path: Path
) -> None:
    import_benign(library, tmp_path, "md5", evidence.md5["deep/er/picture2.dat"])
    run_scan("a.case", evidence.image)
    query = f"SELECT perceptual FROM contents WHERE md5 = '{evidence.md5['deep/er/picture2.dat']}'"
    assert rows(tmp_path / "a.case", query) == [("hashed",)]


def test_what_a_benign_list_spared_is_hashed_once_the_list_is_gone(
    run_scan: RunScan, evidence: Evidence, library: Path, tmp_path: Path
) -> None:
    run_scan("fresh.case", evidence.image)
    import_benign(library, tmp_path, "sha1", evidence.sha1["deep/er/picture2.dat"])
    run_scan("a.case", evidence.image)
    query = f"SELECT perceptual FROM contents WHERE md5 = '{evidence.md5['deep/er/picture2.dat']}'"
    assert rows(tmp_path / "a.case", query) == [("skipped",)]
    with Library(library) as opened:
        opened.remove("further")
    run_scan("a.case", evidence.image)
    assert rows(tmp_path / "a.case", query) == [("hashed",)]
    parts = "SELECT content, algorithm, value FROM perceptual_hashes ORDER BY 1, 2"
    assert rows(tmp_path / "a.case", parts) == rows(tmp_path / "fresh.case", parts)


def test_a_refused_source_stays_in_the_account_whatever_comes_after(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.qcow2"
    broken.write_bytes(b"QFI\xfb\xff\xff\xff\xff" + bytes(2000))
    run_scan("a.case", broken)
    run_scan("a.case", evidence.image)
    with CaseReader.open(tmp_path / "a.case") as case:
        assert [gap.reason for gap in case.gaps()] == ["source-refused"]


def test_the_same_evidence_by_another_way_is_the_same_source(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path
) -> None:
    link = tmp_path / "link.raw"
    link.symlink_to(evidence.image)
    run_scan("a.case", evidence.image)
    before = logical_digest(tmp_path / "a.case")
    run_scan("a.case", link)
    assert logical_digest(tmp_path / "a.case") == before


def test_evidence_that_moved_while_a_scan_was_interrupted_is_taken_up_again(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path
) -> None:
    run_scan("whole.case", evidence.image)
    image = tmp_path / "old.raw"
    shutil.copy(evidence.image, image)
    run_scan("a.case", image)
    with CaseStore.open(tmp_path / "a.case") as store:
        store.connection.execute("UPDATE streams SET state = 'pending', content = NULL WHERE id % 2")
    image.rename(tmp_path / "new.raw")
    assert run_scan("a.case", tmp_path / "new.raw").errors == ()
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "whole.case")
