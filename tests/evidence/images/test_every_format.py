"""One disk in every format gives the same streams, and damaged or cut off it is said so in one line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from forensics.errors import EvidenceError
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from tests.evidence.conftest import Run
from tests.evidence.images.every_format import FORMATS
from tests.evidence.images.reading import read_image
from tests.evidence.noise import noise
from tests.evidence.sleuthkit import read_whole

_MUTATIONS = 25


@pytest.fixture(params=FORMATS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def gpt_image(name: str, tmp_path: Path, run: Run, gpt_disk: Path) -> Path:
    return FORMATS[name](run, gpt_disk, tmp_path)


@pytest.fixture
def image(name: str, tmp_path: Path, run: Run, medium: Path) -> Path:
    return FORMATS[name](run, medium, tmp_path)


def _streams(path: Path) -> dict[str, str]:
    """MD5 of each stream, by locator."""
    with Source.open(path, "E1") as source:
        items = [item for volume in source.volumes() for item in source.walk(volume)]
        assert not source.image.damage
        return {
            str(item.locator): hashlib.md5(read_whole(source, item.locator), usedforsecurity=False).hexdigest()
            for item in items
            if isinstance(item, Stream) and item.not_hashable is None
        }


@pytest.fixture(scope="module")
def expected(gpt_disk: Path) -> dict[str, str]:
    return _streams(gpt_disk)


def test_the_same_streams_whatever_the_format(gpt_image: Path, expected: dict[str, str]) -> None:
    assert len(expected) > 60
    assert _streams(gpt_image) == expected


def test_cut_off_it_is_declared_or_refused(gpt_image: Path) -> None:
    data = gpt_image.read_bytes()
    if len(data) < 4096:
        pytest.skip("its first file is a descriptor, cut off in the tests of VMDK")
    gpt_image.write_bytes(data[: len(data) // 2])
    told: list[str] = []
    try:
        with Source.open(gpt_image, "E1") as source:
            for volume in source.volumes():
                for item in source.walk(volume):
                    if isinstance(item, NotExamined):
                        told.append(item.detail or str(item.reason))
                    elif item.not_hashable is None:
                        try:
                            read_whole(source, item.locator)
                        except EvidenceError as error:
                            told.append(str(error))
    except EvidenceError as error:
        told.append(str(error))
    assert told
    assert all(len(line.splitlines()) == 1 for line in told)


def test_mutated_it_is_read_or_refused(image: Path) -> None:
    """Bytes changed at random, most of them where formats keep their maps: no other exception, no hang."""
    data = image.read_bytes()
    draw = noise(41)
    for number in range(_MUTATIONS):
        bad = bytearray(data)
        for _ in range(draw.choice([1, 1, 4])):
            place = draw.choice(
                [
                    draw.randrange(min(len(data), 4096)),
                    draw.randrange(len(data)),
                    -draw.randrange(1, min(len(data), 1024)),
                ]
            )
            bad[place] = draw.choice([0, 0xFF, draw.randrange(256)])
        if number % 6 == 0:
            bad = bad[: draw.randrange(len(bad))]
        image.write_bytes(bad or b"\0")
        read_image(image, most=8 << 20)
