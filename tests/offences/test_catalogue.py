"""Offence catalogues: those that ship are whole and dated, a laboratory's own are checked and never replaced."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from forensics.errors import OffenceError
from forensics.offences.catalogue import FOLDER, all_offences, find, import_catalogue, parse

OWN = """\
catalogue = "mx-xyz"
version = "2026-01-31"
jurisdiction = "MX-XYZ"
law = "Código de ejemplo"

[[offence]]
code = "142-bis"
provision = "artículo 142 Bis"
title_es = "Ejemplo"
title_en = "Example"
repealed = "2025-01-01"
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN, "utf-8")
    return path


def test_the_federal_code_from_200_to_205_bis_ships(tmp_path: Path) -> None:
    codes = {offence.code for offence in all_offences(tmp_path) if offence.catalogue == "mx-cpf"}
    assert {"200", "201", "202", "202-bis", "203", "203-bis", "204", "205", "205-bis"} <= codes


def test_the_conducts_of_the_optional_protocol_ship(tmp_path: Path) -> None:
    codes = {offence.code for offence in all_offences(tmp_path) if offence.catalogue == "opsc"}
    assert {"3-1-a-i-a", "3-1-b", "3-1-c"} <= codes


def test_storing_stands_in_two_provisions_that_differ_by_purpose(tmp_path: Path) -> None:
    offences = all_offences(tmp_path)
    assert "almacenar" in find(offences, "202-p3").title_es.lower()
    assert "sin fines" in find(offences, "202-bis").title_es


def test_every_offence_that_ships_is_dated_and_worded_in_both_languages(tmp_path: Path) -> None:
    for offence in all_offences(tmp_path):
        assert date.fromisoformat(offence.version)
        assert offence.title_es != offence.title_en
        if offence.catalogue == "mx-cpf":
            assert offence.published is not None
            assert offence.published <= offence.version
    assert find(all_offences(tmp_path), "mx-cpf/205").repealed == "2007-11-27"


def test_a_laboratorys_own_catalogue_is_taken_in_for_its_owner_only(tmp_path: Path, own: Path) -> None:
    library = tmp_path / "library"
    import_catalogue(own, library)
    offence = find(all_offences(library), "mx-xyz/142-bis")
    assert (offence.law, offence.repealed, offence.published) == ("Código de ejemplo", "2025-01-01", None)
    (file,) = (library / FOLDER).iterdir()
    assert file.read_text("utf-8") == OWN
    assert file.stat().st_mode & 0o777 == 0o600
    import_catalogue(own, library)
    assert len([each for each in all_offences(library) if each.catalogue == "mx-xyz"]) == 1


def test_what_cases_refer_to_is_never_replaced(tmp_path: Path, own: Path) -> None:
    library = tmp_path / "library"
    import_catalogue(own, library)
    own.write_text(OWN.replace("Ejemplo", "Otro"), "utf-8")
    with pytest.raises(OffenceError, match="there is another catalogue 'mx-xyz' of version 2026-01-31"):
        import_catalogue(own, library)
    assert find(all_offences(library), "142-bis").title_es == "Ejemplo"
    own.write_text(OWN.replace("Ejemplo", "Otro").replace("2026-01-31", "2026-06-30"), "utf-8")
    import_catalogue(own, library)
    offences = all_offences(library)
    assert find(offences, "142-bis").title_es == "Otro"
    assert find(offences, "142-bis", "2026-01-31").title_es == "Ejemplo"


def test_a_code_that_two_catalogues_have_must_be_named_in_full(tmp_path: Path, own: Path) -> None:
    own.write_text(OWN.replace('"142-bis"', '"202"'), "utf-8")
    import_catalogue(own, tmp_path / "library")
    offences = all_offences(tmp_path / "library")
    with pytest.raises(OffenceError, match=r"several catalogues have an offence '202' \(mx-cpf, mx-xyz\)"):
        find(offences, "202")
    assert find(offences, "mx-xyz/202").jurisdiction == "MX-XYZ"


@pytest.mark.parametrize("name", ["", "999", "mx-cpf/999", "mx-cpf/"])
def test_an_unknown_code_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OffenceError, match="no catalogue has an offence"):
        find(all_offences(tmp_path), name)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("catalogue = ", "katalog = "), "'catalogue' is missing"),
        (('"mx-xyz"', '"../x"'), "'catalogue' has characters"),
        (('"2026-01-31"', '"January"'), "'version' is no day"),
        (('version = "2026-01-31"', ""), "no 'version'"),
        (("[[offence]]", "[offence]"), r"no \[\[offence\]\]"),
        (('code = "142-bis"', ""), "offence 1: 'code' is missing"),
        (('"142-bis"', '"a b"'), "'code' has characters"),
        (('"Ejemplo"', '""'), "'title_es' is missing"),
        (('"Ejemplo"', '"' + "x" * 501 + '"'), "'title_es' is missing, empty or too long"),
        (('"Ejemplo"', "7"), "'title_es' is missing"),
        (('"2025-01-01"', '"2025-13-01"'), "'repealed' is no day"),
        (("law = ", "law ="), None),
        (('law = "', "law = "), "no TOML file"),
    ],
)
def test_what_is_malformed_is_said_in_one_line(change: tuple[str, str], said: str | None) -> None:
    text = OWN.replace(*change)
    if said is None:
        assert parse(text.encode(), "x.toml")
        return
    with pytest.raises(OffenceError, match=said) as raised:
        parse(text.encode(), "x.toml")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"x" * (1 << 20 | 1), b"[" * 10_000, OWN.encode() * 2])
def test_a_hostile_file_is_refused(data: bytes) -> None:
    with pytest.raises(OffenceError):
        parse(data, "x.toml")


def test_a_code_given_twice_is_refused() -> None:
    twice = OWN + OWN[OWN.index("[[offence]]") :]
    with pytest.raises(OffenceError, match="has one code twice"):
        parse(twice.encode(), "x.toml")
