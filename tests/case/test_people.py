"""When two names are one person's."""

from __future__ import annotations

import pytest

from forensics.case.people import same_person


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("Ana Prueba", "ana  prueba ", True),
        ("José Ñandú", "JOSE NANDU", True),
        ("Jose\u0301 Peña", "José Peña", True),
        ("Ana Prueba", "Ana Pruebas", False),
        ("Ana Prueba", "Prueba Ana", False),
    ],
)
def test_case_accents_and_spaces_make_no_other_person(name: str, other: str, same: bool) -> None:
    assert same_person(name, other) is same
    assert same_person(other, name) is same
