"""The torture set, with small directories: every stream that is there is found, under its name, with its bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evidence.torture import same_disk
from tests.evidence.torture.programs import MissingProgramError
from tests.evidence.torture.recovery import examine
from tests.evidence.torture.torture_set import BUILDERS, QUICK_ENTRIES


@pytest.mark.parametrize("name", BUILDERS)
def test_everything_that_is_there_is_found(name: str, tmp_path: Path) -> None:
    try:
        images = list(BUILDERS[name](tmp_path, QUICK_ENTRIES))
    except MissingProgramError as error:
        pytest.skip(str(error))
    for image in images:
        result = examine(image)
        assert result.failures == []
        for kind, line in result.lines.items():
            assert line.recovered == line.recoverable, (image.name, kind)
        document = json.loads(image.write_manifest().read_text())
        assert len(document["streams"]) == sum(line.planted for line in result.lines.values())


@pytest.mark.parametrize("name", ["E01", "VMDK streamOptimized"])
def test_a_scan_gives_the_same_hits_and_contents_whatever_the_format(name: str, tmp_path: Path) -> None:
    try:
        disk = same_disk.build_disk(tmp_path)
        raw, other = same_disk.scan_formats(disk, tmp_path, ("raw", name))
    except MissingProgramError as error:
        pytest.skip(str(error))
    assert same_disk.expected_hits(disk) <= {place[:2] for place in raw.hits}
    assert (other.hits, other.streams) == (raw.hits, raw.streams)


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    """Bytes of one allocated file changed in the image: its stream is missed and stands with bytes nobody wrote."""
    try:
        image = next(BUILDERS["UFS1"](tmp_path, QUICK_ENTRIES))
    except MissingProgramError as error:
        pytest.skip(str(error))
    data = bytearray(image.path.read_bytes())
    place = data.index(b"content of entry 0\n")
    data[place] ^= 1
    image.path.write_bytes(data)
    missed, extra = examine(image).failures
    assert missed.startswith("missed: p0 many/entry 000000.txt")
    assert extra.startswith("with bytes that nobody wrote: ")
