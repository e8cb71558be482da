"""The chain of custody: hand-overs, corrections, and where it has a gap."""

from __future__ import annotations

from typing import Any

import pytest

from forensics.case.custody import Break, HandOver, add_hand_over, chain, custody_events, gaps
from forensics.case.exhibits import add_exhibit
from forensics.case.stated import Missing, Stated, stated_time
from forensics.case.store import CaseStore
from forensics.errors import CaseError
from tests.case.conftest import EXAMINER


def hand_over(
    giver: Stated, receiver: Stated, at: str = "2026-03-01T10:00Z", exhibit: str = "E1", **more: Any
) -> HandOver:
    return HandOver(exhibit, stated_time(at), giver, receiver, **more)


def breaks(store: CaseStore) -> list[tuple[int, Break]]:
    return [(gap.number, gap.what) for gap in gaps(custody_events(store))]


def test_what_is_recorded_is_read_back(store: CaseStore) -> None:
    event = hand_over(
        Missing.NOT_APPLICABLE, "Luis Campo", "2026-03-01T10:30-06:00", place="Calle 1", purpose=Missing.UNKNOWN,
        seal_numbers="A1\nA2", condition="sealed bag", receiver_position="Unidad de ejemplo, agente",
    )  # fmt: skip
    number = add_hand_over(store, EXAMINER, event)
    (found,) = custody_events(store)
    assert (found.number, found.hand_over, found.recorded_by) == (number, event, EXAMINER.name)
    assert found.hand_over.stage is Missing.NOT_ASSESSED
    assert breaks(store) == []


def test_a_whole_chain_has_no_gap_though_names_are_written_differently(store: CaseStore) -> None:
    add_hand_over(store, EXAMINER, hand_over(Missing.NOT_APPLICABLE, "Luis Campo", "2026-03-01T10:00Z"))
    add_hand_over(store, EXAMINER, hand_over("LUIS  CAMPO", "Ana Peña", "2026-03-01T11:00Z"))
    add_hand_over(store, EXAMINER, hand_over("Ana Pena", "Bodega", "2026-03-01T05:01-06:00"))
    assert breaks(store) == []


@pytest.mark.parametrize("giver", ["Otro", Missing.UNKNOWN, Missing.NOT_APPLICABLE])
def test_a_giver_who_is_not_the_last_receiver_is_a_gap(store: CaseStore, giver: Stated) -> None:
    add_hand_over(store, EXAMINER, hand_over("A", "B"))
    number = add_hand_over(store, EXAMINER, hand_over(giver, "C", "2026-03-02T10:00Z"))
    assert breaks(store) == [(number, Break.OTHER_GIVER)]


def test_a_time_before_the_last_one_is_a_gap(store: CaseStore) -> None:
    add_hand_over(store, EXAMINER, hand_over("A", "B", "2026-03-01T10:00-06:00"))
    number = add_hand_over(store, EXAMINER, hand_over("B", "C", "2026-03-01T11:00Z"))
    assert breaks(store) == [(number, Break.EARLIER)]


def test_giving_it_to_oneself_is_a_gap(store: CaseStore) -> None:
    number = add_hand_over(store, EXAMINER, hand_over("A", "a"))
    assert breaks(store) == [(number, Break.SAME_PERSON)]


def test_exhibits_have_chains_of_their_own(store: CaseStore) -> None:
    add_exhibit(store, EXAMINER, "E2", None)
    add_hand_over(store, EXAMINER, hand_over("A", "B", "2026-03-05T10:00Z"))
    add_hand_over(store, EXAMINER, hand_over("C", "D", "2026-03-01T10:00Z", "E2"))
    add_hand_over(store, EXAMINER, hand_over("B", "E", "2026-03-06T10:00Z"))
    assert breaks(store) == []
    assert [event.hand_over.giver for event in custody_events(store, "E2")] == ["C"]


def test_a_correction_takes_the_place_of_the_mistake(store: CaseStore) -> None:
    first = add_hand_over(store, EXAMINER, hand_over("A", "B", "2026-03-01T10:00Z"))
    wrong = add_hand_over(store, EXAMINER, hand_over("X", "C", "2026-03-02T10:00Z"))
    last = add_hand_over(store, EXAMINER, hand_over("C", "D", "2026-03-03T10:00Z"))
    assert breaks(store) == [(wrong, Break.OTHER_GIVER)]
    again = add_hand_over(store, EXAMINER, hand_over("Y", "C", "2026-03-02T10:00Z"), corrects=wrong)
    right = add_hand_over(store, EXAMINER, hand_over("B", "C", "2026-03-02T10:00Z"), corrects=again)
    assert [event.number for event in chain(custody_events(store))] == [first, right, last]
    assert breaks(store) == []
    assert [event.corrected_by for event in custody_events(store)] == [None, again, None, right, None]


def test_what_cannot_be_corrected_is_refused_and_leaves_no_row(store: CaseStore) -> None:
    add_exhibit(store, EXAMINER, "E2", None)
    number = add_hand_over(store, EXAMINER, hand_over("A", "B"))
    with pytest.raises(CaseError, match="of another exhibit"):
        add_hand_over(store, EXAMINER, hand_over("A", "B", exhibit="E2"), corrects=number)
    with pytest.raises(CaseError, match="no row 9 to correct"):
        add_hand_over(store, EXAMINER, hand_over("A", "B"), corrects=9)
    with pytest.raises(CaseError, match="no exhibit 'E7'"):
        add_hand_over(store, EXAMINER, hand_over("A", "B", exhibit="E7"))
    assert len(list(custody_events(store))) == 1
