"""Scans of encrypted volumes: with a key, without, and first without and then with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from forensics.case.reader import CaseReader
from forensics.evidence.keys import Keyring
from forensics.triage import engine
from forensics.triage.scan import ScanResult
from tests.conftest import Evidence
from tests.triage.test_scan import logical_digest, rows

RunScan = Callable[..., ScanResult]
_PASSPHRASE = "a secret that must not be found 71f3"  # noqa: S105  of a test


@pytest.fixture(scope="session")
def encrypted(tmp_path_factory: pytest.TempPathFactory, evidence: Evidence) -> Path:
    """The evidence, encrypted by cryptsetup."""
    program = shutil.which("cryptsetup", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if program is None:
        pytest.skip("cryptsetup is missing (Debian package cryptsetup-bin)")
    folder = tmp_path_factory.mktemp("encrypted")
    key, image = folder / "key", folder / "disk.raw"
    key.write_text(_PASSPHRASE)
    image.write_bytes(evidence.image.read_bytes() + bytes(32 << 20))
    cheap = ("--pbkdf", "argon2id", "--pbkdf-memory", "64", "--pbkdf-force-iterations", "4")
    command = [program, "reencrypt", "--encrypt", "--type", "luks2", "--reduce-device-size", "32M", "-q"]
    subprocess.run([*command, *cheap, "--key-file", key, image], check=True)
    return image


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    (tmp_path / "key").write_text(_PASSPHRASE + "\n")
    return Keyring.read([f"p0={tmp_path / 'key'}"], [])


def _volumes(case: Path) -> list[tuple[object, ...]]:
    return rows(case, "SELECT label, file_system, walked FROM volumes ORDER BY id")


def _hashed(case: Path) -> dict[object, object]:
    query = "SELECT path, md5 FROM streams JOIN contents ON sha256 = content"
    return {path: md5 for path, md5 in rows(case, query)}  # noqa: C416 - dict() cannot be typed here


def test_with_the_key_everything_in_it_is_found(
    run_scan: RunScan, encrypted: Path, evidence: Evidence, keyring: Keyring, tmp_path: Path
) -> None:
    assert run_scan("a.case", encrypted, keyring=keyring) == ScanResult((), (), gaps=False)
    assert _volumes(tmp_path / "a.case") == [("p0", None, 1), ("p0/luks", "ext4", 1)]
    found = _hashed(tmp_path / "a.case")
    assert {path: found[path] for path in evidence.md5} == evidence.md5
    with CaseReader.open(tmp_path / "a.case") as case:
        assert {hit.locator.rpartition(":")[0] for hit in case.hits()} == {"E1/p0/luks/ext4"}


def test_that_a_key_was_used_is_recorded_and_the_key_is_not(
    run_scan: RunScan, encrypted: Path, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_in_workers: list[bytes] = []
    walk = engine.SourceScan._walk

    def look(self: engine.SourceScan, *arguments: object) -> None:
        for member in self.pool._members:
            process = Path(f"/proc/{member.process.pid}")
            seen_in_workers.extend((process / name).read_bytes() for name in ("cmdline", "environ"))
        walk(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.SourceScan, "_walk", look)
    run_scan("a.case", encrypted, keyring=keyring)
    (arguments,) = (json.loads(str(row[0])) for row in rows(tmp_path / "a.case", "SELECT arguments FROM scans"))
    assert (arguments["password_files"], arguments["recovery_key_files"]) == (["p0"], [])
    query = "SELECT description FROM volumes WHERE label = 'p0/luks'"
    assert rows(tmp_path / "a.case", query) == [("LUKS 2, aes-xts-plain64, unlocked with a password file",)]
    secret = _PASSPHRASE.encode()
    assert seen_in_workers
    assert not any(secret in text for text in seen_in_workers)
    for path in tmp_path.glob("a.case*"):
        content = path.read_bytes()
        assert secret not in content
        assert secret.hex().encode() not in content


def test_without_a_key_it_is_listed_and_a_later_scan_with_the_key_makes_up_for_it(
    run_scan: RunScan, encrypted: Path, keyring: Keyring, tmp_path: Path
) -> None:
    assert run_scan("a.case", encrypted).gaps
    query = "SELECT locator, reason FROM not_examined"
    assert rows(tmp_path / "a.case", query) == [("E1/p0", "volume-encrypted")]
    (tmp_path / "wrong").write_text("wrong")
    assert run_scan("a.case", encrypted, keyring=Keyring.read([str(tmp_path / "wrong")], [])).gaps
    assert _volumes(tmp_path / "a.case") == [("p0", None, 1)]
    assert run_scan("a.case", encrypted, keyring=keyring) == ScanResult((), (), gaps=False)
    assert rows(tmp_path / "a.case", query) == []
    actions = rows(tmp_path / "a.case", "SELECT action, details FROM ledger")
    assert [json.loads(str(details)) for action, details in actions if action == "volume unlocked"] == [
        {"scan": 3, "volume": "E1/p0"}
    ]
    run_scan("b.case", encrypted, keyring=keyring)
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "b.case")


def test_work_that_needs_the_key_is_not_given_up_without_it(
    run_scan: RunScan, encrypted: Path, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine.SourceScan, "_examine", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_scan("a.case", encrypted, keyring=keyring)
    (error,) = run_scan("a.case", encrypted).errors
    assert "p0/luks" in str(error)
    assert "key files" in str(error)
    assert rows(tmp_path / "a.case", "SELECT count(*) FROM streams WHERE state = 'failed'") == [(0,)]
    assert run_scan("a.case", encrypted, keyring=keyring) == ScanResult((), (), gaps=False)
    run_scan("b.case", encrypted, keyring=keyring)
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "b.case")


def test_a_finished_volume_needs_no_key_any_more(
    run_scan: RunScan, encrypted: Path, keyring: Keyring, tmp_path: Path
) -> None:
    run_scan("a.case", encrypted, keyring=keyring)
    before = logical_digest(tmp_path / "a.case")
    assert run_scan("a.case", encrypted) == ScanResult((), (), gaps=False)
    assert logical_digest(tmp_path / "a.case") == before


def test_the_command_takes_key_files(encrypted: Path, evidence: Evidence, keyring: Keyring, tmp_path: Path) -> None:
    def tamiz(*arguments: str | Path, code: int = 0) -> str:
        command = ["--library", str(tmp_path / "library"), *map(str, arguments)]
        result = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert result.exit_code == code, result.output
        assert _PASSPHRASE not in result.output + result.stderr
        return result.output

    case, key = tmp_path / "a.case", tmp_path / "key"
    tamiz("case", "new", case, "--number", "1", "--examiner", "Ana Prueba")
    tamiz("scan", case, encrypted, "--quiet", "--jobs", "1", code=3)
    tamiz("scan", case, encrypted, "--quiet", "--jobs", "1", "--password-file", tmp_path / "none", code=1)
    tamiz("scan", case, encrypted, "--quiet", "--jobs", "1", "--password-file", f"p0={key}")
    with CaseReader.open(case) as reader:
        query = "SELECT locator FROM streams WHERE path = 'copy.jpg'"
        ((locator,),) = reader._connection.execute(query).fetchall()
    found = json.loads(tamiz("locate", case, locator, "--json", "--password-file", key))
    assert found["agrees"]
    assert found["found"]["md5"] == evidence.md5["copy.jpg"]
    tamiz("locate", case, locator, code=1)
