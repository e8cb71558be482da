"""hashsets.entries: what columns take is what a look at each entry would leave as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashsets.entries import EntryColumns, by_columns, checked, items_of
from hashsets.fields import FieldError
from hashsets.format import NO_ATTRIBUTES, KnownEntry, KnownPerceptualHash, RejectedEntry
from tests.hashsets.invented import entries

MD5, SHA1, SHA256, PDQ, PHOTODNA = "0a" * 16, "1b" * 20, "2c" * 32, "5a" * 32, "3d" * 144
PERCEPTUAL = st.builds(
    KnownPerceptualHash,
    st.sampled_from(["pdq", "phash", "phash-64", "vpdq", "photodna", "house-hash"]),
    st.sampled_from([PDQ, PDQ.upper(), PHOTODNA, "5a" * 8, "", 5]),
    st.sampled_from([None, 0, 100, 101, -1, True, "50"]),
)
ODD: Any = st.builds(
    KnownEntry,
    st.just(1),
    st.sampled_from([None, MD5, MD5.upper(), f" {MD5}", "", SHA1, 5, MD5[:-1] + "\u0660", MD5[:-2] + "  "]),
    st.sampled_from([None, SHA1, SHA1.upper()]),
    st.sampled_from([None, SHA256, "g" * 64]),
    st.sampled_from([None, 0, -1, 2**63, 2**63 - 1, True, "5", 1.0]),
    st.lists(PERCEPTUAL, max_size=2).map(tuple) | st.sampled_from([(), [], None, (PDQ,)]),
    st.sampled_from([None, "1", "", " 1", "x" * 200, "x" * 201, "\x1b", "\u3000x", "a b", 5]),
    st.sampled_from([None, "R-1", "ñ", "\ud800"]),
    st.dictionaries(
        st.sampled_from(["baseline", "date_updated", "mime_type", "photodna", "colour"]),
        st.sampled_from(["true", "2026-01-02T03:04:05 ", "malformed, left out", "image/jpeg", " true", "", 5]),
        max_size=2,
    )
    | st.sampled_from([NO_ATTRIBUTES, None, ()]),
)


@given(st.lists(entries() | ODD, min_size=1, max_size=4))
def test_columns_take_no_entry_that_a_closer_look_would_change_or_refuse(some: list[KnownEntry]) -> None:
    numbered = [entry._replace(position=number) for number, entry in enumerate(some, 1)]
    try:
        columns = EntryColumns.of(numbered)
    except FieldError:
        return
    assert [checked(entry) for entry in numbered] == numbered
    assert list(columns.entries()) == numbered


def is_printable(entry: KnownEntry) -> bool:
    return f"{entry.category}{entry.reference}".isprintable()


@given(st.lists(entries().filter(is_printable), min_size=1, max_size=20))
def test_columns_take_all_plain_entries(some: list[KnownEntry]) -> None:
    numbered = [entry._replace(position=number) for number, entry in enumerate(some, 5)]
    assert list(EntryColumns.of(numbered).entries()) == numbered


def test_a_photodna_beside_a_digest_is_sound() -> None:
    entry = KnownEntry(1, MD5, perceptual=(KnownPerceptualHash("photodna", PHOTODNA), KnownPerceptualHash("pdq", PDQ)))
    assert list(EntryColumns.of([entry]).entries()) == [entry]


@pytest.mark.parametrize("positions", [(0, 1), (1, 1), (2, 1), (1, 2**63), (1, True), (1, "2"), (1, 2, 3)])
def test_positions_are_whole_numbers_that_rise(positions: tuple[Any, ...]) -> None:
    nothing = [None, None]
    with pytest.raises(FieldError):
        EntryColumns(positions, [MD5, MD5], nothing, nothing, nothing, [(), ()], nothing, nothing, [NO_ATTRIBUTES] * 2)


def test_no_character_becomes_a_hexadecimal_digit_in_lower_case_but_a_capital_one() -> None:
    """Columns are put in lower case first and checked then; a look at each value does the reverse."""
    becoming = [chr(code) for code in range(0x110000) if chr(code).lower() in "0123456789abcdef"]
    assert sorted(becoming) == sorted("0123456789abcdefABCDEF")


@given(st.lists(st.booleans(), max_size=100))
def test_items_that_need_a_closer_look_are_found_by_halving(is_plain: list[bool]) -> None:
    items = list(enumerate(is_plain, 1))
    given_singly = 0

    def together(some: Any, first: int) -> EntryColumns:
        assert [number for number, _ in some] == list(range(first, first + len(some)))
        if not all(plain for _, plain in some):
            raise FieldError
        return EntryColumns.of([KnownEntry(number, MD5) for number, _ in some])

    def singly(some: Any, first: int) -> list[KnownEntry | RejectedEntry]:
        nonlocal given_singly
        assert some[0][0] == first
        given_singly += len(some)
        return [KnownEntry(number, MD5) if plain else RejectedEntry(number, "odd") for number, plain in some]

    found = list(items_of(by_columns(items, 1, together, singly)))
    assert [(item.position, isinstance(item, KnownEntry)) for item in found] == items  # type: ignore[union-attr]
    assert given_singly <= 8 * is_plain.count(False)
