"""Sealing: the same bytes each time, all files or none, and only of a case that agrees with itself."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from forensics.case import ledger
from forensics.case.reader import CaseReader
from forensics.case.recorder import ScanRecorder
from forensics.case.status import status
from forensics.case.store import SEALED_APPLICATION_ID, CaseStore, is_sealed
from forensics.errors import CaseError, ReportError, SealedCaseError, SealError
from forensics.seal import sealing
from forensics.seal.final_copy import FinalCopy, write_final_copy
from forensics.seal.keys import new_key, read_signing_key
from forensics.seal.sealing import Seal, seal, verifier_program
from forensics.triage.environment import describe_environment
from forensics.triage.scan import ScanResult
from tests.conftest import Evidence
from tests.reports.conftest import EXAMINER
from tests.seal.conftest import sample


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return sample(tmp_path)


def sealed(case: Path, output: Path, key: Path | None = None) -> Seal:
    output.parent.mkdir(exist_ok=True)
    with CaseStore.open(case) as store:
        return seal(store, EXAMINER, output, read_signing_key(key) if key else None)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_case_is_sealed_to_the_same_bytes(case: Path, tmp_path: Path) -> None:
    """Also after it was written to in between, in ways that leave every row as it was."""
    new_key(tmp_path / "k", None)
    sealed(case, tmp_path / "1/s.case", tmp_path / "k")
    with closing(sqlite3.connect(case, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE more (a TEXT)")
        rows = [(str(number) * 50,) for number in range(5000)]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO more VALUES (?)", rows)
        connection.execute("COMMIT")
        connection.execute("DROP TABLE more")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA journal_mode = DELETE")
    assert case.stat().st_size > 2 * (tmp_path / "1/s.case").stat().st_size
    sealed(case, tmp_path / "2/s.case", tmp_path / "k")
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert set(contents(tmp_path / "1")) == {
        "s.case", "s.case.manifest.json", "s.case.manifest.json.sig", "verify.py",
    }  # fmt: skip


def test_the_case_and_its_copy_end_with_the_row_of_the_seal(case: Path, tmp_path: Path) -> None:
    sealed(case, tmp_path / "1/s.case")
    manifest = sealed(case, tmp_path / "2/s.case").manifest
    for path in (case, tmp_path / "1/s.case"):
        with CaseReader.open(path) as reader:
            *_, before, last = reader.ledger()
            assert reader.first_broken_ledger_row() is None
        assert (before.action, last.action) == ("scan finished", "seal")
        assert manifest["ledger"] == {"rows": last.sequence, "head": last.hash}
        details = json.loads(last.details)
        assert manifest["sealed_digest"] == details["sealed_digest"]


def test_a_case_that_was_changed_since_gets_another_row(case: Path, tmp_path: Path) -> None:
    first = sealed(case, tmp_path / "1/s.case").manifest
    with CaseStore.open(case) as store:
        store.record(EXAMINER, "report", {})
    second = sealed(case, tmp_path / "2/s.case").manifest
    assert second["ledger"]["rows"] == first["ledger"]["rows"] + 2
    assert second["sealed_digest"] == first["sealed_digest"]  # everything but the ledger is as it was
    with CaseStore.open(case) as store, store.transaction():
        store.add_exhibit("E7")
    assert sealed(case, tmp_path / "3/s.case").manifest["sealed_digest"] != first["sealed_digest"]


def test_the_manifest_states_what_the_case_holds(case: Path, tmp_path: Path) -> None:
    manifest = sealed(case, tmp_path / "1/s.case").manifest
    with CaseReader.open(case) as reader:
        state = status(reader)
        assert manifest["logical_digest"] == reader.logical_digest()
    counts = manifest["counts"]
    assert counts["streams"] == state["streams"] | {"pending": state["pending"]}
    assert (counts["hits"], counts["contents"], counts["bytes"]) == (state["hits"], state["contents"], state["bytes"])
    assert manifest["file"]["sha256"] == hashlib.sha256((tmp_path / "1/s.case").read_bytes()).hexdigest()
    assert manifest["file"]["size"] == (tmp_path / "1/s.case").stat().st_size
    with closing(sqlite3.connect(case)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    assert {name: table["rows"] for name, table in manifest["tables"].items()} == rows
    assert json.loads((tmp_path / "1/s.case.manifest.json").read_bytes()) == manifest


def test_a_manifest_holds_no_name_and_no_digest_of_a_content(case: Path, tmp_path: Path) -> None:
    sealed(case, tmp_path / "1/s.case")
    text = (tmp_path / "1/s.case.manifest.json").read_text("utf-8")
    with closing(sqlite3.connect(case)) as connection:
        query = "SELECT path FROM streams UNION SELECT sha256 FROM contents UNION SELECT md5 FROM contents"
        secrets = [value for (value,) in connection.execute(query)]
    assert len(secrets) > 100
    assert not [secret for secret in secrets if secret in text]


def test_the_copy_has_no_remains_of_what_was_deleted(tmp_path: Path) -> None:
    case = sample(tmp_path)
    with closing(sqlite3.connect(case, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE more (a TEXT)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO more VALUES (?)", [("remolacha" * 9,) for _ in range(3000)])
        connection.execute("COMMIT")
        connection.execute("DROP TABLE more")
    assert b"remolacha" in case.read_bytes()
    sealed(case, tmp_path / "1/s.case")
    assert b"remolacha" not in (tmp_path / "1/s.case").read_bytes()


def test_the_copy_says_in_its_header_that_it_is_final(case: Path, tmp_path: Path) -> None:
    sealed(case, tmp_path / "1/s.case")
    path = tmp_path / "1/s.case"
    assert int.from_bytes(path.read_bytes()[68:72], "big") == SEALED_APPLICATION_ID
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert (is_sealed(path), is_sealed(case)) == (True, False)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT count(*) FROM streams").fetchone()[0] > 40


def test_the_copy_is_read_and_never_written(case: Path, tmp_path: Path) -> None:
    sealed(case, tmp_path / "1/s.case")
    path = tmp_path / "1/s.case"
    path.chmod(0o600)
    before = contents(tmp_path / "1")
    with pytest.raises(SealedCaseError, match=r"is sealed and is never changed\. Work on the case it was sealed from"):
        CaseStore.open(path)
    path.with_name("s.case-wal").write_bytes(b"what would be read instead")
    with CaseReader.open(path) as reader:
        assert len(list(reader.hits())) == 8
        with pytest.raises(CaseError), CaseStore.open(path, read_only=True) as store:
            store.record(EXAMINER, "x", {})
    path.with_name("s.case-wal").unlink()
    assert contents(tmp_path / "1") == before


# What is refused


_BESIDE = ("s.case", "s.case.manifest.json", "s.case.manifest.json.sig", "s.case.manifest.json.tsr", "s.case-wal")


@pytest.mark.parametrize("name", [*_BESIDE, "verify.py"])
def test_nothing_is_written_over(case: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / name).write_text("in the way")
    with pytest.raises(ReportError, match="exists already"):
        sealed(case, tmp_path / "1/s.case")
    assert contents(tmp_path / "1") == {name: b"in the way"}
    with CaseReader.open(case) as reader:
        assert "seal" not in [row.action for row in reader.ledger()]


def test_the_same_verifier_may_be_there(case: Path, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1/verify.py").write_bytes(verifier_program())
    assert [path.name for path in sealed(case, tmp_path / "1/s.case").files] == ["s.case", "s.case.manifest.json"]
    assert (tmp_path / "1/verify.py").exists()


def test_if_a_file_cannot_be_written_there_is_none(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_key(tmp_path / "k", None)
    key = read_signing_key(tmp_path / "k")
    monkeypatch.setattr(type(key), "sign", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    (tmp_path / "1").mkdir()
    with CaseStore.open(case) as store, pytest.raises(KeyboardInterrupt):
        seal(store, EXAMINER, tmp_path / "1/s.case", key)
    assert contents(tmp_path / "1") == {}


def test_a_folder_that_is_not_there_is_told_in_one_line(case: Path, tmp_path: Path) -> None:
    with CaseStore.open(case) as store, pytest.raises(ReportError, match="cannot be written"):
        seal(store, EXAMINER, tmp_path / "none/s.case")


def test_a_case_that_another_command_has_open_is_not_sealed(case: Path, tmp_path: Path) -> None:
    with CaseStore.open(case) as other:
        other.record(EXAMINER, "note", {})
        with closing(sqlite3.connect(case, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM streams").fetchone()
            other.connection.execute("PRAGMA busy_timeout = 100")
            with pytest.raises(SealError, match="another command has it open"):
                seal(other, EXAMINER, tmp_path / "s.case")
    assert not (tmp_path / "s.case").exists()


def test_nobody_writes_between_the_check_and_the_copy(case: Path, tmp_path: Path) -> None:
    with CaseStore.open(case) as store:
        seal(store, EXAMINER, tmp_path / "s.case")
        with (
            closing(sqlite3.connect(case, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("SELECT count(*) FROM ledger").fetchone()


def test_a_case_in_the_middle_of_a_scan_is_not_sealed(case: Path, tmp_path: Path) -> None:
    with CaseStore.open(case) as store:
        ScanRecorder(store, EXAMINER).begin("scan", "standard", {}, describe_environment(), [])
        with pytest.raises(SealError, match="a scan runs or was killed"):
            seal(store, EXAMINER, tmp_path / "s.case")
    assert not (tmp_path / "s.case").exists()


@pytest.mark.parametrize(
    ("statements", "line"),
    [
        (["DROP TRIGGER ledger_no_update", "UPDATE ledger SET actor = 'x' WHERE sequence = 2"], "broken at row 2"),
        (["PRAGMA foreign_keys = OFF", "DELETE FROM contents"], "a row points at one that is not there"),
    ],
)
def test_a_case_that_does_not_agree_with_itself_is_not_sealed(
    case: Path, tmp_path: Path, statements: list[str], line: str
) -> None:
    with closing(sqlite3.connect(case, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    with pytest.raises(SealError, match=line):
        sealed(case, tmp_path / "1/s.case")
    assert contents(tmp_path / "1") == {}


def test_findings_that_are_not_what_the_last_scan_left_are_not_sealed(case: Path, tmp_path: Path) -> None:
    with CaseStore.open(case) as store:
        scan = ScanRecorder(store, EXAMINER)
        scan.begin("match", None, {}, describe_environment(), [])
        scan.end("finished", {"logical_digest": CaseReader(store).logical_digest()})
    sealed(case, tmp_path / "1/s.case")
    with closing(sqlite3.connect(case, isolation_level=None)) as connection:
        connection.execute("UPDATE streams SET path = 'another' WHERE id = 2")
    with pytest.raises(SealError, match="not those that the last scan left"):
        sealed(case, tmp_path / "2/s.case")


def test_the_ledger_is_whole_after_it_all(case: Path, tmp_path: Path) -> None:
    for number in range(3):
        sealed(case, tmp_path / f"{number}/s.case")
    with CaseStore.open(case) as store:
        assert ledger.first_broken_row(store.connection) is None
        assert [row.action for row in ledger.rows(store.connection)].count("seal") == 1


@pytest.mark.parametrize("last", [False, True])  # in an index, in a table
def test_a_copy_that_the_medium_garbled_is_told_and_removed(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: bool
) -> None:
    def garbling(connection: sqlite3.Connection, path: Path) -> FinalCopy:
        copy = write_final_copy(connection, path)
        path.chmod(0o600)
        data = bytearray(path.read_bytes())
        data[data.rfind(b"zanahoria") if last else data.find(b"zanahoria")] ^= 1
        path.write_bytes(data)
        return copy

    monkeypatch.setattr(sealing, "write_final_copy", garbling)
    with pytest.raises(SealError, match="was not written as the case is"):
        sealed(case, tmp_path / "1/s.case")
    assert contents(tmp_path / "1") == {}


def test_a_scan_with_another_number_of_workers_is_sealed_with_the_same_logical_digest(
    run_scan: Callable[..., ScanResult], evidence: Evidence, tmp_path: Path
) -> None:
    manifests = []
    for jobs in (1, 2):
        run_scan(f"{jobs}.case", evidence.image, jobs=jobs)
        manifests.append(sealed(tmp_path / f"{jobs}.case", tmp_path / f"{jobs}/s.case").manifest)
    first, second = manifests
    assert first["logical_digest"] == second["logical_digest"]
    assert first["counts"] == second["counts"]
    assert first["case"]["uuid"] != second["case"]["uuid"]
