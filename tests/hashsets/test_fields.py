"""hashsets.fields: the one place where hashes and numbers of a list are checked."""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashsets import fields
from hashsets.fields import FieldError
from tests.hashsets.invented import hashes


@given(hashes(64))
def test_a_hash_is_given_in_lower_case(value: str) -> None:
    assert fields.hexadecimal("sha256", value.upper(), 64) == value
    assert fields.hexadecimal("sha256", f" {value}\t", 64) == value


@given(st.one_of(st.none(), st.integers(), st.text(max_size=40), st.binary(max_size=40), st.lists(st.text())))
def test_anything_else_is_refused_without_being_quoted(value: object) -> None:
    with pytest.raises(FieldError) as caught:
        fields.hexadecimal("sha256", value, 64)
    assert str(caught.value) == "sha256 is not 64 hexadecimal digits"


@pytest.mark.parametrize(
    "value", ["0x" + "0" * 30, "+" + "0" * 31, "0" * 15 + "  " + "0" * 15, "0_" * 16, "\u0660" * 32]
)
def test_what_python_would_take_for_a_number_is_no_hash(value: str) -> None:
    with pytest.raises(FieldError):
        fields.digest("md5", value)


@given(st.binary(min_size=144, max_size=144))
def test_a_photodna_is_carried_from_base64_and_hexadecimal(value: bytes) -> None:
    assert fields.photodna(base64.b64encode(value).decode()) == value.hex()
    assert fields.photodna(value.hex().upper()) == value.hex()


@pytest.mark.parametrize("value", [None, 5, "", "!", base64.b64encode(bytes(143)).decode(), "0" * 287, "g" * 288])
def test_a_photodna_of_another_length_is_refused(value: object) -> None:
    with pytest.raises(FieldError):
        fields.photodna(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, None), ("", None), (" 7 ", 7), (7, 7), (Decimal("7.0"), 7), (0, 0), (2**63 - 1, 2**63 - 1)],
)
def test_whole_numbers_are_read(value: object, number: int | None) -> None:
    assert fields.whole_number("size", value) == number


@pytest.mark.parametrize("value", [True, -1, 2**63, "1e3", Decimal("1E+999"), 1.5, "x", "\u0661", "1,000", [1]])
def test_other_numbers_are_refused(value: object) -> None:
    with pytest.raises(FieldError, match="size is not a whole number"):
        fields.whole_number("size", value)
