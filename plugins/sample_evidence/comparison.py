"""Holds what a scan found against what was planted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forensics.errors import TamizError
from hashsets.format import Disposition
from plugins.sample_evidence.ground_truth import GroundTruth, PlantedClass, PlantedStream

# What a hit must say of a planted stream, beyond being there.
_COMPARED = ("allocation", "size", "md5", "sha1", "tier", "basis", "distance", "category")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A planted stream on one exhibit.

    Attributes:
        exhibit: Label of the exhibit.
        planted: The stream.
    """

    exhibit: str
    planted: PlantedStream


@dataclass(frozen=True, slots=True)
class Difference:
    """A planted stream that was found, but with something else said of it than the truth.

    Attributes:
        sighting: What was found.
        field: Field of ``hits --json`` that differs.
        expected: The truth.
        reported: What the hit says.
    """

    sighting: Sighting
    field: str
    expected: str
    reported: str


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One line of the result.

    Attributes:
        planted_class: How the streams were hidden.
        planted: How many there are, on all exhibits together.
        found: How many of them were found.
    """

    planted_class: PlantedClass
    planted: int
    found: int

    @property
    def missed(self) -> int:
        """How many were not found."""
        return self.planted - self.found


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a scan found beside what it should have found.

    Attributes:
        classes: One result for each class, in the order of planting.
        missed: Planted streams without a hit.
        differences: Planted streams with a hit that says something untrue.
        false_hits: Locators of notable hits on contents that were not planted.
    """

    classes: tuple[ClassResult, ...]
    missed: tuple[Sighting, ...]
    differences: tuple[Difference, ...]
    false_hits: tuple[str, ...]

    @property
    def as_planted(self) -> bool:
        """Whether everything planted was found and truly described, and nothing else was."""
        return not (self.missed or self.differences or self.false_hits)


def parse_hits(text: str) -> list[Mapping[str, Any]]:
    """Read the output of ``tamiz hits --json``.

    Raises:
        TamizError: It is no list of objects with the fields that are compared.
    """
    needed = {"exhibit", "path", "locator", "sha256", "disposition", *_COMPARED}
    try:
        hits: list[Mapping[str, Any]] = json.loads(text)
        lacking = {name for hit in hits for name in needed - hit.keys()}
    except (ValueError, TypeError, AttributeError) as error:
        raise TamizError("wrote no list of hits", "tamiz hits --json", "report this as a defect") from error
    if lacking:
        raise TamizError(
            f"wrote hits without {', '.join(sorted(lacking))}", "tamiz hits --json", "report this as a defect"
        )
    return hits


def compare(truth: GroundTruth, exhibits: Sequence[str], hits: Iterable[Mapping[str, Any]]) -> Comparison:
    """Hold hits against the truth.

    A hit finds a planted stream when it names its exhibit, volume, path and content. A further sighting of a planted
    content elsewhere (carved from free space, say) is neither needed nor wrong; a notable hit on any other content is.

    Args:
        truth: What was planted.
        exhibits: Labels of the exhibits that hold the sample disk; each holds everything planted.
        hits: Objects of ``tamiz hits --json``; those of benign and reference sets are passed over.
    """
    notable = [hit for hit in hits if hit["disposition"] == Disposition.NOTABLE]
    by_place: dict[tuple[str, str, str, str], list[Mapping[str, Any]]] = {}
    for hit in notable:
        by_place.setdefault((hit["exhibit"], _volume(hit), hit["path"], hit["sha256"]), []).append(hit)

    missed: list[Sighting] = []
    differences: list[Difference] = []
    planted_counts: dict[PlantedClass, int] = {}
    found_counts: dict[PlantedClass, int] = {}
    for planted in truth.planted:
        for exhibit in exhibits:
            sighting = Sighting(exhibit, planted)
            found = by_place.get((exhibit, planted.volume, planted.path, planted.sha256))
            planted_counts[planted.planted_class] = planted_counts.get(planted.planted_class, 0) + 1
            if found is None:
                missed.append(sighting)
            else:
                found_counts[planted.planted_class] = found_counts.get(planted.planted_class, 0) + 1
                differences.extend(_differences(sighting, found))

    contents = {planted.sha256 for planted in truth.planted}
    return Comparison(
        classes=tuple(ClassResult(kind, count, found_counts.get(kind, 0)) for kind, count in planted_counts.items()),
        missed=tuple(missed),
        differences=tuple(differences),
        false_hits=tuple(hit["locator"] for hit in notable if hit["sha256"] not in contents),
    )


def _volume(hit: Mapping[str, Any]) -> str:
    """The volume part of a hit's locator (``p2`` of ``E1/p2/ext4:17``)."""
    parts = str(hit["locator"]).split("/")
    return parts[1] if len(parts) > 1 else ""


def _differences(sighting: Sighting, hits: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """What the hits on one planted stream say wrongly; the one that agrees most speaks for the stream.

    A stream may match several entries, so each hit is held against the truth whole.
    """
    candidates = [
        [
            Difference(sighting, field, str(getattr(sighting.planted, field)), str(hit[field]))
            for field in _COMPARED
            if str(getattr(sighting.planted, field)) != str(hit[field])
        ]
        for hit in hits
    ]
    return min(candidates, key=len)
