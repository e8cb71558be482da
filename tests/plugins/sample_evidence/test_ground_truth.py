"""The ground truth survives being written, and nothing else passes for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forensics.errors import TamizError
from forensics.evidence.stream import Allocation
from hashsets.match import Tier
from plugins.sample_evidence.ground_truth import GroundTruth, PlantedClass, PlantedStream, VolumeTruth

_TRUTH = GroundTruth(
    volumes={"p1": VolumeTruth("ntfs", 1 << 20, 40 << 20, 170, 12, 18, 10_000_000)},
    planted=(
        PlantedStream(
            PlantedClass.NON_ASCII, "p1", "Imágenes/写真.jpg", Allocation.ALLOCATED, 5, "a" * 32, "b" * 40, "c" * 64,
            700_001, 1, Tier.EXACT, "sha1", 0,
        ),
    ),
    listed=324,
    benign=180,
)  # fmt: skip


def test_reads_back_what_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    _TRUTH.write(path)
    assert GroundTruth.read(path) == _TRUTH


def test_is_plain_json_that_people_can_read(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    _TRUTH.write(path)
    text = path.read_text(encoding="utf-8")
    planted = json.loads(text)["planted"][0]
    assert "Imágenes/写真.jpg" in text
    assert (planted["planted_class"], planted["allocation"], planted["tier"]) == (
        "non-ascii-name",
        "allocated",
        "exact",
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "tamiz-ground-truth-1", "volumes": [], "planted": []}'])
def test_refuses_anything_else_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "truth.json"
    path.write_text(text)
    with pytest.raises(TamizError, match="is no ground truth"):
        GroundTruth.read(path)


def test_refuses_another_version_and_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    _TRUTH.write(path)
    path.write_text(path.read_text().replace("tamiz-ground-truth-1", "tamiz-ground-truth-0"))
    with pytest.raises(TamizError, match="another version"):
        GroundTruth.read(path)
    with pytest.raises(TamizError, match="is no ground truth"):
        GroundTruth.read(tmp_path / "missing.json")
