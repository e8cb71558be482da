"""tamiz case, authority, exhibit, custody, refer, offence, tag: what people state, as they state it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import cli
from tests.pictures import encoded, photo

Tamiz = Callable[..., Result]


@pytest.fixture
def tamiz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tamiz:
    monkeypatch.delenv("TAMIZ_EXAMINER", raising=False)

    def run(*arguments: str | Path, code: int = 0) -> Result:
        command = ["--library", str(tmp_path / "library"), *map(str, arguments)]
        result = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def case(tmp_path: Path, tamiz: Tamiz) -> Path:
    path = tmp_path / "a.tamiz"
    tamiz("case", "new", path, "--number", "CI/7", "--examiner", "Ana", "--exhibit", "E1")
    return path


def listed(tamiz: Tamiz, *arguments: str | Path) -> Any:
    return json.loads(tamiz(*arguments, "--json").stdout)


def actions(tamiz: Tamiz, case: Path) -> list[tuple[str, str]]:
    return [(row["action"], row["actor"]) for row in listed(tamiz, "log", case)]


def test_an_authority(tamiz: Tamiz, case: Path) -> None:
    tamiz(
        "authority", "add", case, "--kind", "warrant", "--reference", "7/2026", "--origin", "ncmec",
        "--issued", "2026-02-03", "--foreign-reference", "S.I.", "--scope", "N.A.",
    )  # fmt: skip
    (row,) = listed(tamiz, "authority", "list", case)
    assert (row["kind"], row["reference"], row["issued"]) == ("warrant", "7/2026", "2026-02-03")
    assert row["foreign_reference"] == {"missing": "unknown"}
    assert row["scope"] == {"missing": "not-applicable"}
    assert row["jurisdiction"] == {"missing": "not-assessed"}
    tamiz("authority", "add", case, "--kind", "warrant", "--reference", "8/2026", "--corrects", "1")
    assert [row["corrected_by"] for row in listed(tamiz, "authority", "list", case)] == [2, None]
    assert "choose" in tamiz("authority", "add", case, "--kind", "letter", code=1).output.lower()


def test_exhibits(tamiz: Tamiz, case: Path) -> None:
    tamiz("exhibit", "add", case, "E2", "--parent", "E1", "--examiner", "Beto")
    tamiz("exhibit", "describe", case, "E2", "kind=memory-card", "serial_number=S.I.", "description=32 GB = poco")
    first, second = listed(tamiz, "exhibit", "list", case)
    assert (first["exhibit"], first["parent"], first["kind"]) == ("E1", None, {"missing": "not-assessed"})
    assert (second["exhibit"], second["parent"], second["kind"]) == ("E2", "E1", "memory-card")
    assert (second["serial_number"], second["description"]) == ({"missing": "unknown"}, "32 GB = poco")
    assert "the fields are: kind" in tamiz("exhibit", "describe", case, "E2", "colour=red", code=2).output
    assert ("exhibit added", "Beto") in actions(tamiz, case)


def test_custody_warns_of_gaps_and_corrects_by_a_further_row(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    add = ("custody", "add", case, "--exhibit", "E1")
    first = tamiz(
        *add, "--from", "N.A.", "--to", "Luis", "--at", "2026-03-01T10:30-06:00", "--place", "Calle 1",
        "--seal-number", "A1", "--seal-number", "A2", "--condition", "sellado",
    )  # fmt: skip
    assert "warning" not in first.output
    second = tamiz(*add, "--from", "Otro", "--to", "Ana", "--at", "2026-03-02T10:30-06:00")
    assert "warning: gap in the custody of E1 at row 2: who gives it" in second.stderr
    third = tamiz(*add, "--from", "Luis", "--to", "Ana", "--at", "2026-03-02T10:30-06:00", "--corrects", "2")
    assert "warning" not in third.output
    document = listed(tamiz, "custody", "list", case)
    assert document["gaps"] == []
    assert [event["corrected_by"] for event in document["events"]] == [None, 3, None]
    event = document["events"][0]
    assert (event["at"], event["utc_offset"]) == ("2026-03-01T16:30:00Z", "-06:00")
    assert event["seal_numbers"] == ["A1", "A2"]
    assert event["giver"] == {"missing": "not-applicable"}
    assert document["events"][2]["seal_numbers"] == {"missing": "not-assessed"}
    assert "A1, A2" in tamiz("custody", "list", case).stdout
    assert "offset from UTC" in tamiz(*add, "--from", "A", "--to", "B", "--at", "2026-03-02", code=1).output
    tamiz("custody", "sheet", case, "--output", tmp_path / "sheet.html")
    assert "Registro de Cadena de Custodia" in (tmp_path / "sheet.html").read_text("utf-8")
    assert [action for action, _ in actions(tamiz, case)] == ["case new", *["custody added"] * 3, "custody sheet"]


def test_the_ledger_names_no_person_and_no_place_of_a_hand_over(tamiz: Tamiz, case: Path) -> None:
    tamiz(
        "custody", "add", case, "--exhibit", "E1", "--from", "Zanahoria", "--to", "Calabaza", "--place", "Betabel",
        "--at", "2026-03-01T10:30-06:00",
    )  # fmt: skip
    written = tamiz("log", case, "--json").stdout
    for word in ("Zanahoria", "Calabaza", "Betabel"):
        assert word not in written


def test_a_referral_and_its_receipt(tamiz: Tamiz, case: Path) -> None:
    tamiz("refer", case, "--to", "Fiscalía", "--at", "2026-03-01T10:00Z", "--reference", "12/2026", "--exhibit", "E1")
    tamiz("refer", case, "--receipt", "1", "--at", "2026-03-02T10:00Z", "--received-by", "Rosa", "--reference", "S.I.")
    (row,) = listed(tamiz, "refer", case, "--list")
    assert (row["authority"], row["subject"], row["exhibit"]) == ("Fiscalía", "exhibit", "E1")
    assert row["reason"] == {"missing": "not-assessed"}
    (receipt,) = row["receipts"]
    assert (receipt["received_by"], receipt["reference"]) == ("Rosa", {"missing": "unknown"})
    for arguments in ((), ("--to", "x"), ("--to", "x", "--receipt", "1", "--at", "2026-03-02T10:00Z")):
        tamiz("refer", case, *arguments, code=2)


def test_offence_codes_are_attached_by_hand_only(tamiz: Tamiz, case: Path, tmp_path: Path) -> None:
    assert listed(tamiz, "tag", case, "--list") == []
    names = [row["name"] for row in listed(tamiz, "offence", "list", "--catalogue", "mx-cpf")]
    assert "mx-cpf/202-bis" in names
    own = tmp_path / "own.toml"
    own.write_text(
        'catalogue = "mx-xyz"\nversion = "2026-01-31"\njurisdiction = "MX-XYZ"\nlaw = "Código"\n'
        '[[offence]]\ncode = "1"\nprovision = "artículo 1"\ntitle_es = "Uno"\ntitle_en = "One"\n',
        "utf-8",
    )
    tamiz("offence", "import", own)
    tamiz("tag", case, "--code", "mx-xyz/1", "--exhibit", "E1", "--note", "por revisar")
    tamiz("tag", case, "--code", "202-bis")
    assert "repealed on 2007-11-27" in tamiz("tag", case, "--code", "205").stderr
    first, second, _ = listed(tamiz, "tag", case, "--list")
    assert (first["catalogue"], first["code"], first["subject"], first["exhibit"]) == ("mx-xyz", "1", "exhibit", "E1")
    assert (first["note"], second["note"]) == ("por revisar", {"missing": "not-assessed"})
    tamiz("tag", case, "--remove", "1", "--note", "no procede", "--examiner", "Beto")
    assert [row["row"] for row in listed(tamiz, "tag", case, "--list")] == [3 - 1, 3]
    removed = listed(tamiz, "tag", case, "--list", "--also-removed")[0]
    assert (removed["by"], removed["removed_by"]) == ("Ana", "Beto")
    for arguments in ((), ("--code", "202", "--list"), ("--remove", "1", "--list")):
        tamiz("tag", case, *arguments, code=2)
    assert "no catalogue has an offence 'x'" in tamiz("tag", case, "--code", "x", code=1).output


def test_the_examiner_may_be_named_by_a_variable(tamiz: Tamiz, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIZ_EXAMINER", "Carla")
    tamiz("exhibit", "add", case, "E2")
    assert actions(tamiz, case)[-1] == ("exhibit added", "Carla")


def test_the_log_names_a_statement_that_was_changed(tamiz: Tamiz, case: Path) -> None:
    tamiz("exhibit", "describe", case, "E1", "make=Acme")
    connection = sqlite3.connect(case)
    connection.execute("DROP TRIGGER exhibit_statements_no_update")
    connection.execute("UPDATE exhibit_statements SET value = 'Other'")
    connection.commit()
    connection.close()
    result = tamiz("log", case, code=1)
    assert "rows are not as they were recorded (exhibit_statements 1)" in result.output


def test_links_between_cases_that_were_scanned(tamiz: Tamiz, tmp_path: Path) -> None:
    pictures = [photo(300, 420, seed=seed) for seed in range(4)]
    cases = []
    for name, chosen in (("a", [(0, 95), (1, 95)]), ("b", [(0, 95), (1, 40), (2, 95)])):
        folder = tmp_path / name
        folder.mkdir()
        for number, (seed, quality) in enumerate(chosen):
            (folder / f"{number}.jpg").write_bytes(encoded(pictures[seed], "JPEG", quality=quality))
        cases.append(tmp_path / f"{name}.tamiz")
        tamiz("case", "new", cases[-1], "--number", name, "--examiner", "Ana", "--exhibit", f"X{name}")
        tamiz("scan", cases[-1], folder, "--allow-writable", "--quiet", "--jobs", "1")
    before = [case.read_bytes() for case in cases]
    document = listed(tamiz, "link", *cases)
    assert [each["number"] for each in document["cases"]] == ["a", "b"]
    assert [(link["kind"], len(link["contents"])) for link in document["links"]] == [("same", 2), ("near", 2)]
    for link in document["links"]:
        assert [content["streams"][0]["exhibit"] for content in link["contents"]] == ["Xa", "Xb"]
    assert 0 <= document["links"][1]["distance"] <= 31
    shown = tamiz("link", *cases).stdout
    assert shown.count("same") == shown.count("near") == 2
    assert [case.read_bytes() for case in cases] == before
    tamiz("link", cases[0], code=2)
