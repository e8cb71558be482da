"""What was found is held against what was planted: misses, untrue words and false hits are all told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import TamizError
from forensics.evidence.stream import Allocation
from hashsets.match import Tier
from plugins.sample_evidence.comparison import ClassResult, Sighting, compare, parse_hits
from plugins.sample_evidence.ground_truth import GroundTruth, PlantedClass, PlantedStream

_EXHIBITS = ("E1", "E2")
_PLAIN = PlantedStream(
    PlantedClass.PLAIN, "p1", "a/plain.jpg", Allocation.ALLOCATED, 100, "1" * 32, "2" * 40, "3" * 64,
    700_001, 1, Tier.EXACT, "sha1", 0,
)  # fmt: skip
_DELETED = replace(
    _PLAIN, planted_class=PlantedClass.DELETED_FAT, volume="p3", path="b/deleted.jpg",
    allocation=Allocation.DELETED, sha256="4" * 64, basis="md5",
)  # fmt: skip
_NEAR = replace(
    _PLAIN, planted_class=PlantedClass.RESIZED, path="a/small.jpg", sha256="5" * 64, tier=Tier.NEAR, basis="pdq",
    distance=8,
)  # fmt: skip
_SECOND_PLAIN = replace(_PLAIN, volume="p2", path="c/plain.png", sha256="6" * 64)
_TRUTH = GroundTruth({}, (_PLAIN, _DELETED, _NEAR, _SECOND_PLAIN), listed=3, benign=0)


def _hit(planted: PlantedStream, exhibit: str, /, **changes: object) -> dict[str, Any]:
    """A hit in the public form of ``hits --json`` that says nothing but the truth."""
    return {
        "exhibit": exhibit,
        "path": planted.path,
        "locator": f"{exhibit}/{planted.volume}/ntfs:64-128-2",
        "allocation": str(planted.allocation),
        "size": planted.size,
        "media_type": "image/jpeg",
        "md5": planted.md5,
        "sha1": planted.sha1,
        "sha256": planted.sha256,
        "set": "sample-notable",
        "disposition": "notable",
        "scheme": "vics-2.0-us",
        "category": str(planted.category),
        "basis": planted.basis,
        "distance": planted.distance,
        "tier": str(planted.tier),
        "probe": None,
        **changes,
    }


def _all_hits() -> list[dict[str, Any]]:
    return [_hit(planted, exhibit) for exhibit in _EXHIBITS for planted in _TRUTH.planted]


def test_all_found_as_planted() -> None:
    comparison = compare(_TRUTH, _EXHIBITS, _all_hits())
    assert comparison.as_planted
    assert comparison.classes == (
        ClassResult(PlantedClass.PLAIN, 4, 4),
        ClassResult(PlantedClass.DELETED_FAT, 2, 2),
        ClassResult(PlantedClass.RESIZED, 2, 2),
    )
    assert [line.missed for line in comparison.classes] == [0, 0, 0]


def test_no_hits_at_all_miss_everything() -> None:
    comparison = compare(_TRUTH, _EXHIBITS, [])
    assert not comparison.as_planted
    assert len(comparison.missed) == 8
    assert [(line.found, line.missed) for line in comparison.classes] == [(0, 4), (0, 2), (0, 2)]


@given(st.sets(st.integers(0, 7)))
def test_exactly_the_streams_without_a_hit_are_missed(absent: set[int]) -> None:
    hits = _all_hits()
    comparison = compare(_TRUTH, _EXHIBITS, [hit for number, hit in enumerate(hits) if number not in absent])
    expected = {(hits[number]["exhibit"], hits[number]["path"]) for number in absent}
    assert {(missed.exhibit, missed.planted.path) for missed in comparison.missed} == expected
    assert sum(line.missed for line in comparison.classes) == len(absent)
    assert comparison.as_planted == (not absent)
    assert not comparison.false_hits


@pytest.mark.parametrize(
    "changes",
    [
        {"exhibit": "E3"},
        {"path": "a/other.jpg"},
        {"locator": "E1/p2/ext4:12"},
        {"locator": "E1"},
        {"sha256": "4" * 64},
        {"disposition": "reference"},
    ],
    ids=["exhibit", "path", "volume", "no volume", "content", "disposition"],
)
def test_a_hit_elsewhere_does_not_find_the_stream(changes: dict[str, str]) -> None:
    hits = _all_hits()
    hits[0] = _hit(_PLAIN, "E1", **changes)
    comparison = compare(_TRUTH, _EXHIBITS, hits)
    assert comparison.missed == (Sighting("E1", _PLAIN),)


@pytest.mark.parametrize(
    ("field", "reported"),
    [
        ("allocation", "orphan"),
        ("tier", "similar"),
        ("basis", "phash"),
        ("distance", 12),
        ("category", "2"),
        ("size", 99),
        ("md5", "f" * 32),
        ("sha1", None),
    ],
)
def test_a_hit_that_says_something_untrue_is_found_but_differs(field: str, reported: object) -> None:
    hits = _all_hits()
    hits[2] = _hit(_NEAR, "E1", **{field: reported})
    comparison = compare(_TRUTH, _EXHIBITS, hits)
    assert not comparison.missed
    assert not comparison.as_planted
    (difference,) = comparison.differences
    assert difference.sighting == Sighting("E1", _NEAR)
    assert (difference.field, difference.reported) == (field, str(reported))
    assert difference.expected == str(getattr(_NEAR, field))


def test_a_second_entry_that_matches_the_same_stream_does_no_harm() -> None:
    other_entry = _hit(_PLAIN, "E1", basis="pdq", tier="near", distance=4, category="2")
    assert compare(_TRUTH, _EXHIBITS, [other_entry, *_all_hits()]).as_planted


def test_a_notable_hit_on_anything_else_is_false() -> None:
    false = _hit(_PLAIN, "E2", path="a/innocent.jpg", sha256="9" * 64, locator="E2/p1/ntfs:99-128-2", tier="similar")
    comparison = compare(_TRUTH, _EXHIBITS, [*_all_hits(), false])
    assert comparison.false_hits == ("E2/p1/ntfs:99-128-2",)
    assert not comparison.missed
    assert not comparison.as_planted


def test_benign_and_reference_hits_are_passed_over() -> None:
    others = [_hit(_PLAIN, "E1", sha256="9" * 64, disposition=name) for name in ("benign", "reference")]
    assert compare(_TRUTH, _EXHIBITS, [*_all_hits(), *others]).as_planted


def test_a_further_sighting_of_a_planted_content_is_neither_needed_nor_false() -> None:
    carved = _hit(_DELETED, "E1", path="", allocation="carved", locator="E1/p3")
    assert compare(_TRUTH, _EXHIBITS, [*_all_hits(), carved]).as_planted
    without = [hit for hit in _all_hits() if (hit["exhibit"], hit["path"]) != ("E1", _DELETED.path)]
    assert compare(_TRUTH, _EXHIBITS, [*without, carved]).missed == (Sighting("E1", _DELETED),)


def test_a_category_may_be_text_or_number() -> None:
    hits = [{**hit, "category": int(hit["category"])} for hit in _all_hits()]
    assert compare(_TRUTH, _EXHIBITS, hits).as_planted


def test_hits_are_read_from_the_public_form() -> None:
    assert parse_hits("[]") == []
    assert parse_hits(json.dumps(_all_hits())) == _all_hits()


@pytest.mark.parametrize("text", ["", "Traceback", "3", "null", '["a"]', "[1]"])
def test_anything_but_hits_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(TamizError, match="wrote no list of hits"):
        parse_hits(text)


def test_hits_that_lack_a_field_are_refused_and_the_field_is_named() -> None:
    hit = _hit(_PLAIN, "E1")
    del hit["basis"], hit["locator"]
    with pytest.raises(TamizError, match="hits without basis, locator"):
        parse_hits(json.dumps([hit]))
