"""The tamiz command as users meet it: what it prints, what it exits with, and one clear line for bad input."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import cli
from forensics.case.reader import CaseReader
from tests.conftest import Evidence


class Tamiz:
    """Runs tamiz with a library of its own."""

    def __init__(self, library: Path) -> None:
        self._library = library

    def __call__(self, *arguments: str | Path, code: int = 0) -> Result:
        command = ["--library", str(self._library), *map(str, arguments)]
        result = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    def line(self, *arguments: str | Path, code: int = 1) -> str:
        """Run what must fail, and give the one line that says why."""
        result = self(*arguments, code=code)
        assert "Traceback" not in result.output
        lines = [line for line in result.stderr.splitlines() if line.startswith("tamiz: ") and "warning" not in line]
        assert len(lines) == 1, result.stderr
        return lines[0]


@pytest.fixture
def tamiz(tmp_path: Path) -> Tamiz:
    return Tamiz(tmp_path / "library")


@pytest.fixture
def case(tamiz: Tamiz, tmp_path: Path) -> Path:
    path = tmp_path / "a.case"
    tamiz("case", "new", path, "--number", "CI/7/2026", "--examiner", "Ana Prueba")
    return path


@pytest.fixture
def scanned(tamiz: Tamiz, case: Path, evidence: Evidence, tmp_path: Path) -> Path:
    known = tmp_path / "known.csv"
    known.write_text(f"md5,category\n{evidence.md5['copy.jpg'].upper()},1\n{evidence.md5['gone.jpg']},2\n")
    benign = tmp_path / "benign.md5"
    benign.write_text(f"{evidence.md5['text08.txt']}  a name\n")
    tamiz(
        "set", "import", known, "--name", "known", "--disposition", "notable", "--scheme", "lab-1", "--authority", "X/1"
    )
    tamiz("set", "import", benign, "--name", "harmless", "--disposition", "benign")
    tamiz("scan", case, evidence.image, "--quiet")
    return case


def test_hits_have_the_public_fields_and_nothing_else_is_printed(
    tamiz: Tamiz, scanned: Path, evidence: Evidence
) -> None:
    hits = json.loads(tamiz("hits", scanned, "--json").stdout)
    assert [set(hit) for hit in hits] == [
        {
            "exhibit", "path", "locator", "allocation", "size", "media_type", "md5", "sha1", "sha256", "set",
            "disposition", "scheme", "category", "basis", "distance", "tier", "probe", "query_covered",
            "known_covered", "retracted", "disputed",
        }
    ] * 3  # fmt: skip
    by_path = {hit["path"]: hit for hit in hits}
    assert set(by_path) == {"copy.jpg", "deep/er/picture0.dat", "gone.jpg"}
    gone = by_path["gone.jpg"]
    assert re.fullmatch(r"E1/p0/ext4:\d+", gone.pop("locator"))
    assert len(gone.pop("sha1")) == 40
    assert len(gone.pop("sha256")) == 64
    assert gone.pop("size") > 0
    assert gone == {
        "exhibit": "E1", "path": "gone.jpg", "allocation": "deleted", "media_type": "image/png",
        "md5": evidence.md5["gone.jpg"], "set": "known", "disposition": "notable", "scheme": "lab-1", "category": "2",
        "basis": "md5", "distance": 0, "tier": "exact", "probe": None,
        "query_covered": None, "known_covered": None, "retracted": False, "disputed": None,
    }  # fmt: skip


def test_benign_hits_are_shown_only_when_asked_for(tamiz: Tamiz, scanned: Path) -> None:
    (hit,) = json.loads(tamiz("hits", scanned, "--disposition", "benign", "--json").stdout)
    assert (hit["path"], hit["set"], hit["disposition"]) == ("text08.txt", "harmless", "benign")


def test_status_reconciles(tamiz: Tamiz, scanned: Path, evidence: Evidence) -> None:
    status = json.loads(tamiz("status", scanned, "--json").stdout)
    streams = status["streams"]
    assert streams["seen"] == streams["hashed"] + streams["skipped"] + streams["failed"]
    assert streams["hashed"] >= len(evidence.md5)
    assert status["hits"] == {"exact": 3, "near": 0, "similar": 0}
    assert status["complete"] is True
    assert status["not_examined"] == []
    assert status["pictures"] == 7
    assert status["bytes"] > 0
    assert status["videos"] == 0
    assert [scan["state"] for scan in status["scans"]] == ["finished"]


def test_every_command_that_changes_a_case_is_in_its_ledger(tamiz: Tamiz, scanned: Path, tmp_path: Path) -> None:
    tamiz("match", scanned, "--quiet")
    tamiz("report", scanned, "--output", tmp_path / "report", "--language", "en")
    tamiz("export", scanned, "csv", "--output", tmp_path / "hits.csv")
    rows = json.loads(tamiz("log", scanned, "--json").stdout)
    assert [row["action"] for row in rows] == [
        "case new", "scan begun", "scan finished", "match begun", "match finished", "report", "export",
    ]  # fmt: skip
    assert {row["actor"] for row in rows} == {"Ana Prueba"}
    assert "interrupted" not in tamiz("log", scanned).stdout


def test_a_new_list_finds_more_without_the_evidence(
    tamiz: Tamiz, scanned: Path, evidence: Evidence, tmp_path: Path
) -> None:
    newer = tmp_path / "newer.txt"
    newer.write_text(f"{evidence.md5['text07.txt']}  x\n")
    tamiz("set", "import", newer, "--name", "newer", "--disposition", "reference")
    tamiz("match", scanned, "--set", "newer", "--quiet")
    found = [hit["path"] for hit in json.loads(tamiz("hits", scanned, "--json").stdout) if hit["set"] == "newer"]
    assert found == ["text07.txt"]


def test_a_scan_with_further_lists_matches_what_was_hashed_before(
    tamiz: Tamiz, scanned: Path, evidence: Evidence, tmp_path: Path
) -> None:
    newer = tmp_path / "newer.txt"
    newer.write_text(f"{evidence.md5['text07.txt']}  x\n")
    tamiz("set", "import", newer, "--name", "newer", "--disposition", "notable")
    tamiz("scan", scanned, evidence.image, "--quiet")
    assert "text07.txt" in {hit["path"] for hit in json.loads(tamiz("hits", scanned, "--json").stdout)}


def test_sets_are_listed_shown_looked_up_and_removed(tamiz: Tamiz, scanned: Path, evidence: Evidence) -> None:
    sets = json.loads(tamiz("set", "list", "--json").stdout)
    assert {(known["name"], known["disposition"], known["entries"]) for known in sets} == {
        ("known", "notable", 2),
        ("harmless", "benign", 1),
    }
    assert json.loads(tamiz("set", "show", "known", "--json").stdout)["authority"] == "X/1"
    (found,) = json.loads(tamiz("set", "lookup", evidence.md5["gone.jpg"], "0" * 32, "--json").stdout)
    assert (found["set"], found["category"]) == ("known", "2")
    tamiz("set", "remove", "known", "--yes")
    assert len(json.loads(tamiz("set", "list", "--json").stdout)) == 1


def test_a_disposition_is_never_assumed(tamiz: Tamiz, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("md5\n" + "0" * 32 + "\n")
    result = tamiz("set", "import", file, "--name", "x", code=2)
    assert "--disposition" in result.stderr


def test_without_any_set_the_user_is_warned(tamiz: Tamiz, case: Path, evidence: Evidence) -> None:
    assert "nothing can be matched" in tamiz("scan", case, evidence.image, "--quiet").stderr


def test_doctor_names_what_is_registered(tamiz: Tamiz) -> None:
    subjects = {row["subject"]: row for row in json.loads(tamiz("doctor", "--json").stdout)}
    assert "raw" in subjects["image formats"]["detail"]
    assert "vics" in subjects["list formats"]["detail"]


def test_shell_completion_is_there() -> None:
    script = subprocess.run(
        [shutil.which("tamiz", path=str(Path(sys.executable).parent)) or "tamiz"],
        env={**os.environ, "_TAMIZ_COMPLETE": "bash_source"}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "complete -o nosort" in script


# Bad input: one clear line each


def test_a_text_file_given_as_an_image(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("shopping list\n")
    assert "not a disk image" in tamiz.line("scan", case, path, "--quiet")


def test_an_empty_file_given_as_an_image(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    path = tmp_path / "empty.raw"
    path.touch()
    assert "the file is empty" in tamiz.line("scan", case, path, "--quiet")


def test_a_missing_image(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    assert "no such file" in tamiz.line("scan", case, tmp_path / "none.raw", "--quiet")


def test_an_image_cut_to_half_is_examined_as_far_as_it_goes(
    tamiz: Tamiz, case: Path, evidence: Evidence, tmp_path: Path
) -> None:
    path = tmp_path / "half.raw"
    path.write_bytes(evidence.image.read_bytes()[: evidence.image.stat().st_size // 2])
    result = tamiz("scan", case, path, "--quiet", code=3)
    assert "Traceback" not in result.output
    reasons = {gap["reason"] for gap in json.loads(tamiz("status", case, "--json").stdout)["not_examined"]}
    assert "beyond-end-of-image" in reasons


def test_a_missing_segment_of_an_e01(tamiz: Tamiz, case: Path, corpora: Path, tmp_path: Path) -> None:
    for number in (1, 2, 4):
        shutil.copy(corpora / f"disk-images/bulk_extractor/email_test.E0{number}", tmp_path)
    assert "email_test.E03" in tamiz.line("scan", case, tmp_path / "email_test.E01", "--quiet")


def test_a_list_of_broken_json(tamiz: Tamiz, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text(
        '{"@odata.context": "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Media",'
        ' "value": [{"MediaID": 1, "MD5": "' + "0" * 32 + '"}, {'
    )
    line = tamiz.line("set", "import", path, "--name", "x", "--disposition", "notable")
    assert "broken.json" in line
    assert tamiz("set", "list", "--json").stdout.strip() == "[]"


def test_a_list_with_malformed_entries(tamiz: Tamiz, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    lines = [f"{number:032x},1" for number in range(1000)]
    for bad in (10, 500, 999):
        lines[bad] = "not hexadecimal,1"
    path.write_text("md5,category\n" + "\n".join(lines) + "\n")
    result = tamiz("set", "import", path, "--name", "x", "--disposition", "notable")
    assert "997 entries" in result.stdout
    assert "3 malformed" in result.stderr
    rejected = json.loads(tamiz("set", "show", "x", "--rejected", "--json").stdout)
    assert [entry["position"] for entry in rejected] == [12, 502, 1001]


@pytest.mark.parametrize("command", ["status", "hits", "log", "scan", "report"])
def test_a_case_file_that_is_not_ours(tamiz: Tamiz, tmp_path: Path, command: str) -> None:
    path = tmp_path / "foreign.db"
    path.write_bytes(b"SQLite format 3\0" + bytes(200))
    options: dict[str, list[str | Path]] = {"scan": [path], "report": ["--output", tmp_path / "r"]}
    further = options.get(command, [])
    assert "is not a tamiz case" in tamiz.line(command, path, *further)


def test_an_unknown_set(tamiz: Tamiz, scanned: Path, evidence: Evidence) -> None:
    assert "nosuch" in tamiz.line("scan", scanned, evidence.image, "--set", "nosuch")


def test_debug_shows_the_traceback_wherever_it_stands(tamiz: Tamiz, tmp_path: Path) -> None:
    assert "Traceback" not in tamiz("status", tmp_path / "none", code=1).stderr
    assert "Traceback" in tamiz("status", tmp_path / "none", "--debug", code=1).stderr
    assert "Traceback" in tamiz("--debug", "status", tmp_path / "none", code=1).stderr


def test_a_locator_reopens_its_stream_and_its_digests_agree(tamiz: Tamiz, scanned: Path, evidence: Evidence) -> None:
    for hit in json.loads(tamiz("hits", scanned, "--json").stdout):
        located = json.loads(tamiz("locate", scanned, hit["locator"], "--json").stdout)
        assert located["agrees"] is True
        assert located["found"] == {name: hit[name] for name in ("md5", "sha1", "sha256")}
        assert hit["path"] in {stream["path"] for stream in located["streams"]}
    assert hit["md5"] in tamiz("locate", scanned, hit["locator"]).stdout


def test_locate_says_when_evidence_and_case_differ(
    tamiz: Tamiz, scanned: Path, evidence: Evidence, tmp_path: Path
) -> None:
    hit = json.loads(tamiz("hits", scanned, "--json").stdout)[0]
    other = tmp_path / "other.raw"
    data = evidence.image.read_bytes()
    with CaseReader.open(scanned) as reader:
        query = "SELECT physical_offset FROM streams WHERE locator = ?"
        (offset,) = reader._connection.execute(query, (hit["locator"],)).fetchone()
    other.write_bytes(data[:offset] + b"changed!" + data[offset + 8 :])
    assert "evidence and case differ" in tamiz.line("locate", scanned, hit["locator"], "--source", other)


@pytest.mark.parametrize("locator", ["nonsense", "E1/p0/ext4:99999999", "E9/p0/ext4:12", "E1"])
def test_locate_refuses_what_the_case_does_not_know(tamiz: Tamiz, scanned: Path, locator: str) -> None:
    tamiz.line("locate", scanned, locator)


def test_a_broken_plugin_is_named_and_keeps_nothing_else_from_working(tmp_path: Path) -> None:
    (tmp_path / "broken-1.dist-info").mkdir()
    (tmp_path / "broken-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (tmp_path / "broken-1.dist-info/entry_points.txt").write_text("[tamiz]\nbroken = nosuchmodule\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for arguments in (["--help"], ["doctor"], ["status", str(tmp_path / "none.case")]):
        command = [sys.executable, "-c", "import cli; cli.main()", *arguments]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert "plug-in broken: cannot be loaded" in result.stderr
        assert "Traceback" not in result.stderr
        assert (result.stdout != "") == (arguments[0] != "status")


def test_an_import_says_what_it_replaced_and_which_columns_it_read(tamiz: Tamiz, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("MD5;Nombre;Categoría\n" + "0" * 31 + "1;x.jpg;2\n", "utf-8")
    arguments = ("set", "import", path, "--name", "a list", "--disposition", "notable")
    first, second = tamiz(*arguments), tamiz(*arguments)
    assert "columns NOT imported: Nombre" in first.stderr
    assert "replaced" not in first.stderr
    assert "replaced the 1 entries" in second.stderr
    assert "is a notable set" in tamiz.line(*arguments[:-1], "benign")
