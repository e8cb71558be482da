"""``tamiz seal``, ``verify``, ``key``, ``timestamp``, and what other commands do with a sealed case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.case.store import pseudonym_key_path
from forensics.seal.files import cms_path, manifest_path, signature_path, time_stamp_path
from tests.seal.authorities import make_authority
from tests.seal.conftest import sample
from tests.test_cli import Tamiz


@pytest.fixture
def tamiz(tmp_path: Path) -> Tamiz:
    return Tamiz(tmp_path / "library")


@pytest.fixture
def case(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return sample(tmp_path)


def actions(case: Path) -> list[str]:
    with CaseReader.open(case) as reader:
        return [row.action for row in reader.ledger()]


def test_the_whole_way(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    authority = make_authority(tmp_path / "authority")
    (tmp_path / "p").write_text("frase")
    key = ("--passphrase-file", tmp_path / "p")
    made = tamiz("key", "new", "--output", tmp_path / "lab.key", *key)
    fingerprint = made.stdout.split("fingerprint ")[1].strip()
    assert fingerprint in tamiz("key", "show", tmp_path / "lab.key", *key).stdout
    assert fingerprint in tamiz("key", "show", tmp_path / "lab.key.pub").stdout
    output = tmp_path / "out/final.case"
    person = ("--certificate", authority.folder / "ana.pem", "--certificate-key", authority.folder / "ana.key")
    sealed = tamiz("seal", case, "--output", output, "--key", tmp_path / "lab.key", *key, *person)
    assert "NOT SIGNED" not in sealed.stderr
    for path in (output, manifest_path(output), signature_path(output), cms_path(output), output.parent / "verify.py"):
        assert f"{path}\n" in sealed.stdout
        assert path.exists()
    head = json.loads(manifest_path(output).read_bytes())["ledger"]["head"]
    assert head in sealed.stdout
    assert head in tamiz("log", case).stderr

    tamiz("timestamp", "request", output, "--output", tmp_path / "out/final.case.tsq")
    answer = authority.stamp(tmp_path / "out/final.case.tsq", tmp_path / "answer.tsr")
    issuer = ("--certificate", authority.folder / "ca.pem")
    attached = tamiz("timestamp", "attach", output, answer, *issuer)
    assert attached.stderr == ""
    assert f"{time_stamp_path(output)}: final.case.manifest.json existed at 20" in attached.stdout

    answer_of = tamiz("verify", output, "--key", tmp_path / "lab.key.pub", "--head", head, *issuer)
    assert answer_of.stdout.startswith("EL ARCHIVO ESTÁ COMO SE SELLÓ\n")
    assert "Sello de tiempo 20" in answer_of.stdout
    assert "CMS signature by CN=ana de Autoridad de ejemplo" in answer_of.stdout
    document = json.loads(tamiz("verify", output, "--json").stdout)
    assert document["intact"] is True
    assert {note["code"] for note in document["notes"]} == {"sealed", "signed", "cms", "time-stamp", "head", "streams"}


def test_what_was_changed_ends_with_exit_code_one(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    output = tmp_path / "out/final.case"
    assert "NOT SIGNED" in tamiz("seal", case, "--output", output).stderr
    output.chmod(0o600)
    data = bytearray(output.read_bytes())
    data[-100] ^= 1
    output.write_bytes(data)
    assert "THE FILE IS NOT AS IT WAS SEALED" in tamiz("verify", output, code=1).stdout
    document = json.loads(tamiz("verify", output, "--json", code=1).stdout)
    assert document["intact"] is False
    assert document["findings"][0]["es"] == "los bytes del archivo no son los que se sellaron"


def test_a_sealed_case_is_read_and_not_written(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    output = tmp_path / "out/final.case"
    tamiz("seal", case, "--output", output)
    output.chmod(0o600)
    before = output.read_bytes()
    for command in (
        ("scan", output, case, "--quiet"), ("match", output, "--quiet"),
        ("seal", output, "--output", tmp_path / "out/again.case"),
        ("set", "build", "mine", "--from", output, "--disposition", "notable"),
    ):  # fmt: skip
        assert "final.case: is sealed and is never changed" in tamiz.line(*command)
    assert json.loads(tamiz("hits", output, "--json").stdout)
    assert "cannot be written: that it was read is not recorded" in tamiz("hits", output, "--json").stderr
    assert json.loads(tamiz("status", output, "--json").stdout)["streams"]["seen"] > 40
    assert tamiz("log", output).stdout
    report = tamiz("report", output, "--output", tmp_path / "report", "--recipient", "court", "--language", "en")
    assert "is sealed: this report is not recorded in its ledger" in report.stderr
    assert json.loads(manifest_path(output).read_bytes())["ledger"]["head"] in (
        tmp_path / "report/report.html"
    ).read_text("utf-8")
    assert output.read_bytes() == before


def test_a_report_of_a_sealed_case_needs_the_key_beside_it(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    """The key for pseudonyms stays in the laboratory: no seal copies it to what is handed out."""
    output = tmp_path / "out/final.case"
    tamiz("seal", case, "--output", output)
    assert not pseudonym_key_path(output).exists()
    assert "the key for pseudonyms is missing" in tamiz.line("report", output, "--output", tmp_path / "report")
    pseudonym_key_path(output).write_bytes(pseudonym_key_path(case).read_bytes())
    tamiz("report", output, "--output", tmp_path / "report")


def test_who_reads_findings_leaves_a_row_and_the_same_again_none(tamiz: Tamiz, case: Path) -> None:
    before = actions(case)
    for _ in range(3):
        tamiz("hits", case, "--json", "--examiner", "Ana")
    tamiz("hits", case, "--examiner", "Otro")
    tamiz("hits", case, "--disposition", "benign", "--examiner", "Ana")
    tamiz("status", case)
    tamiz("log", case)
    assert actions(case) == [*before, "hits", "hits", "hits"]
    with CaseReader.open(case) as reader:
        *_, other, benign = reader.ledger()
    assert (other.actor, json.loads(other.details)) == ("Otro", {"dispositions": ["notable", "reference"], "rows": 8})
    assert json.loads(benign.details)["dispositions"] == ["benign"]


def test_wrong_usage_is_told(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    output = tmp_path / "out/final.case"
    for option in ("--certificate", "--certificate-key", "--passphrase-file"):
        assert tamiz("seal", case, "--output", output, option, case, code=2).stderr
    assert "cannot be read" in tamiz.line("seal", case, "--output", output, "--key", tmp_path / "none")
    assert "is too large for a key" in tamiz.line("seal", case, "--output", output, "--key", case)
    not_a_key = tmp_path / "a.case.key"
    assert "cannot be read as a private key" in tamiz.line("seal", case, "--output", output, "--key", not_a_key)
    assert "no such file" in tamiz.line("verify", tmp_path / "none.case")
    assert "is not a tamiz case" in tamiz.line("seal", tmp_path / "a.case.key", "--output", output)
    assert "exists already" in tamiz.line("key", "new", "--output", case)
    assert list((tmp_path / "out").iterdir()) == []
