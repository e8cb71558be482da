"""What cases have in common, held against a comparison of everything with everything; and no case is touched."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest

from forensics.case.linkage import NEAR, SAME, Link, find_links
from forensics.case.store import CaseStore
from forensics.errors import CaseError
from forensics.outcome import PerceptualState
from tests.reports.conftest import BENIGN, EXAMINER, NOTABLE, CaseWriter, match

NewCase = Callable[..., Path]


@pytest.fixture
def new_case(tmp_path: Path) -> NewCase:
    """Makes a case with pictures of given bytes and PDQ, by name."""

    def make(
        name: str, pictures: dict[bytes, str], texts: tuple[bytes, ...] = (), quality: int = 100, benign: bytes = b""
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        store = CaseStore.create(folder / f"{name}.case", name, EXAMINER, None, ["E1"])
        writer = CaseWriter(store, folder)
        for number, data in enumerate(pictures):
            matches = [match(NOTABLE, 17)] if data.startswith(b"known") else []
            matches += [match(BENIGN, 3, category=None)] if data == benign else []
            writer.add(f"zanahoria/{number}.jpg".encode(), data, *matches)
        for data in texts:
            writer.add(b"a.txt", data, picture=PerceptualState.NOT_APPLICABLE)
        for data, value in pictures.items():
            store.connection.execute(
                "UPDATE perceptual_hashes SET value = ?, quality = ? WHERE content = ?",
                (value, quality, hashlib.sha256(data).hexdigest()),
            )
        return writer.finish()

    return make


def pdq(seed: int) -> str:
    """An invented hash with half of its bits set, as real ones have."""
    bits = random.Random(seed).sample(range(256), 128)  # noqa: S311
    return f"{sum(1 << bit for bit in bits):064x}"


def flipped(value: str, bits: int, seed: int = 7) -> str:
    mask = sum(1 << bit for bit in random.Random(seed).sample(range(256), bits))  # noqa: S311
    return f"{int(value, 16) ^ mask:064x}"


def links(*cases: Path, everything: bool = False) -> list[Link]:
    stores = [CaseStore.open(case, read_only=True) for case in cases]
    try:
        return list(find_links(stores, everything=everything))
    finally:
        for store in stores:
            store.close()


def test_a_content_in_both_cases_is_shown_with_exhibit_locator_and_times(new_case: NewCase) -> None:
    cases = new_case("a", {b"known one": pdq(1), b"other": pdq(2)}), new_case("b", {b"known one": pdq(1)})
    (link,) = links(*cases)
    assert (link.kind, link.distance) == (SAME, 0)
    first, second = link.contents
    assert (first.case, second.case) == (0, 1)
    assert first.sha256 == second.sha256 == hashlib.sha256(b"known one").hexdigest()
    assert first.notable
    (stream,) = first.streams
    assert (stream.exhibit, first.stream_count) == ("E1", 1)
    assert stream.locator.startswith("E1/p1/ntfs:")
    assert stream.modified is not None
    assert stream.modified.startswith("2023-11-14T22:13:20")


@pytest.mark.parametrize(("distance", "found"), [(1, True), (16, True), (31, True), (32, False), (60, False)])
def test_pictures_that_look_alike_are_linked_within_31_bits(new_case: NewCase, distance: int, found: bool) -> None:
    cases = new_case("a", {b"one": pdq(1)}), new_case("b", {b"two": flipped(pdq(1), distance)})
    assert [(link.kind, link.distance) for link in links(*cases)] == ([(NEAR, distance)] if found else [])


def test_near_links_are_those_of_a_comparison_of_all_with_all(new_case: NewCase) -> None:
    chosen = random.Random(3)  # noqa: S311
    originals = [pdq(seed) for seed in range(40)]
    sides = [
        {b"%d %d" % (side, number): flipped(chosen.choice(originals), chosen.randrange(40), side * 100 + number)
         for number in range(60)}
        for side in range(3)
    ]  # fmt: skip
    cases = [new_case(name, pictures) for name, pictures in zip("abc", sides, strict=True)]
    expected = {
        (first, second, hashlib.sha256(one).hexdigest(), hashlib.sha256(other).hexdigest()): distance
        for first, second in combinations(range(3), 2)
        for one, value in sides[first].items()
        for other, another in sides[second].items()
        if (distance := (int(value, 16) ^ int(another, 16)).bit_count()) <= 31
    }
    found = {
        (one.case, other.case, one.sha256, other.sha256): link.distance
        for link in links(*cases)
        if link.kind == NEAR
        for one, other in [link.contents]
    }
    assert len(expected) > 20
    assert found == expected


def test_what_says_little_or_is_known_as_benign_is_not_linked(new_case: NewCase) -> None:
    shared = {b"picture": pdq(1)}
    benign = new_case("a", shared, benign=b"picture"), new_case("b", shared)
    assert links(*benign) == []
    poor = new_case("c", {b"c": pdq(1)}, quality=49), new_case("d", {b"d": pdq(1)}, quality=100)
    assert links(*poor) == []
    blank = new_case("e", {b"e": "0" * 64}), new_case("f", {b"f": "0" * 64})
    assert links(*blank) == []


def test_texts_are_compared_when_all_is_asked_for(new_case: NewCase) -> None:
    cases = new_case("a", {}, (b"a letter", b"")), new_case("b", {}, (b"a letter", b""))
    assert links(*cases) == []
    (link,) = links(*cases, everything=True)
    assert link.contents[0].sha256 == hashlib.sha256(b"a letter").hexdigest()


def test_a_content_in_three_cases_is_one_link(new_case: NewCase) -> None:
    cases = [new_case(name, {b"x": pdq(1)}) for name in "abc"]
    (link,) = links(*cases)
    assert [content.case for content in link.contents] == [0, 1, 2]


def test_no_case_is_touched(new_case: NewCase) -> None:
    cases = new_case("a", {b"x": pdq(1)}), new_case("b", {b"x": pdq(1)})
    before = [{path: path.read_bytes() for path in case.parent.iterdir()} for case in cases]
    assert links(*cases)
    assert [{path: path.read_bytes() for path in case.parent.iterdir()} for case in cases] == before


def test_one_case_given_twice_is_refused(new_case: NewCase) -> None:
    case = new_case("a", {b"x": pdq(1)})
    with pytest.raises(CaseError, match="is the same case as another"):
        links(case, case)
