"""The sample disk is what its ground truth says, by programs that share no code with what built it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pdqhash
import pytest
from PIL import Image, ImageOps

from forensics.errors import TamizError
from forensics.evidence.stream import Allocation
from hashsets.match import Tier
from plugins.sample_evidence.disk import SampleEvidence, build
from plugins.sample_evidence.ground_truth import GroundTruth, PlantedClass

Listing = dict[str, tuple[str, bool]]
ListFiles = Callable[[Path, int], Listing]
ReadStream = Callable[[Path, int, str], bytes]
ReadStreams = Callable[[Path, int, Iterable[str]], dict[str, bytes]]
OutputOf = Callable[..., bytes]

_NEAR_ENOUGH = 20  # the strict radius is 31; the rest is margin
_FAR_ENOUGH = 80


@pytest.fixture(scope="module")
def listings(evidence: SampleEvidence, list_files: ListFiles) -> dict[str, Listing]:
    """What fls lists in each volume."""
    return {label: list_files(evidence.raw, volume.offset) for label, volume in evidence.truth.volumes.items()}


@pytest.fixture(scope="module")
def contents(
    evidence: SampleEvidence, listings: dict[str, Listing], read_streams: ReadStreams
) -> dict[tuple[str, str], bytes]:
    """What The Sleuth Kit recovers of every file, by volume and path."""
    found = {}
    for label, listing in listings.items():
        addresses = [address for address, _ in listing.values()]
        streams = read_streams(evidence.raw, evidence.truth.volumes[label].offset, addresses)
        found.update({(label, path): streams[address] for path, (address, _) in listing.items()})
    return found


def _digest(algorithm: str, content: bytes) -> str:
    return hashlib.new(algorithm, content).hexdigest()


def _pdq(content: bytes) -> tuple[str, int]:
    with Image.open(io.BytesIO(content)) as picture:
        bits, quality = pdqhash.compute(np.asarray(picture.convert("RGB")))
    return f"{int(''.join(map(str, bits)), 2):064x}", quality


def _distance(first: str, second: str) -> int:
    return (int(first, 16) ^ int(second, 16)).bit_count()


def _undone(planted_class: PlantedClass, content: bytes) -> bytes:
    """A picture as it was before it was mirrored, turned or framed."""
    picture: Image.Image = Image.open(io.BytesIO(content))
    match planted_class:
        case PlantedClass.MIRRORED:
            picture = ImageOps.mirror(picture)
        case PlantedClass.TURNED:
            picture = picture.rotate(-90, expand=True)
        case PlantedClass.FRAMED:
            picture = ImageOps.crop(picture, (picture.width - 800) // 2)
        case _:
            return content
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _listed(evidence: SampleEvidence) -> dict[int, dict[str, object]]:
    return {media["MediaID"]: media for media in json.loads(evidence.notable.read_bytes())["value"]}


def _listed_pdq(media: dict[str, object]) -> str | None:
    for known in media.get("AlternativeHashes", []):  # type: ignore[attr-defined]
        return str(known["HashValue"])
    return None


def test_mmls_finds_the_partitions_where_the_truth_says(evidence: SampleEvidence, output_of: OutputOf) -> None:
    rows = [line.split() for line in output_of("mmls", str(evidence.raw)).decode().splitlines()]
    partitions = {row[-1]: (int(row[2]) * 512, int(row[4]) * 512) for row in rows if row and row[-1][0] == "p"}
    assert partitions == {label: (volume.offset, volume.size) for label, volume in evidence.truth.volumes.items()}


def test_fsstat_names_the_file_systems(evidence: SampleEvidence, output_of: OutputOf) -> None:
    for volume in evidence.truth.volumes.values():
        reported = output_of("fsstat", "-t", "-o", str(volume.offset // 512), str(evidence.raw))
        assert reported.decode().strip() == volume.file_system


def test_every_volume_is_sound(evidence: SampleEvidence, output_of: OutputOf, tmp_path: Path) -> None:
    disk = evidence.raw.read_bytes()
    checks = {"ntfs": ("ntfsfix", "-n"), "ext4": ("e2fsck", "-f", "-n"), "fat16": ("fsck.vfat", "-n")}
    for label, volume in evidence.truth.volumes.items():
        part = tmp_path / label
        part.write_bytes(disk[volume.offset : volume.offset + volume.size])
        output_of(*checks[volume.file_system], str(part))


def test_the_volumes_hold_as_many_files_as_the_truth_says(
    evidence: SampleEvidence, listings: dict[str, Listing], contents: dict[tuple[str, str], bytes]
) -> None:
    for label, volume in evidence.truth.volumes.items():
        listing = listings[label]
        alternate = {path for path in listing if ":" in path}
        deleted = {path for path, (_, is_deleted) in listing.items() if is_deleted}
        assert len(alternate) == volume.alternate_streams
        assert len(deleted) == volume.deleted
        assert len(listing) - len(alternate) - len(deleted) == volume.files
        assert sum(len(content) for (where, _), content in contents.items() if where == label) == volume.bytes
    assert sum(volume.files for volume in evidence.truth.volumes.values()) > 300


def test_every_planted_stream_is_where_the_truth_says_byte_for_byte(
    evidence: SampleEvidence, listings: dict[str, Listing], read_stream: ReadStream
) -> None:
    for planted in evidence.truth.planted:
        address, deleted = listings[planted.volume][planted.path]
        content = read_stream(evidence.raw, evidence.truth.volumes[planted.volume].offset, address)
        assert len(content) == planted.size
        assert _digest("md5", content) == planted.md5
        assert _digest("sha1", content) == planted.sha1
        assert _digest("sha256", content) == planted.sha256
        assert planted.allocation is (Allocation.DELETED if deleted else Allocation.ALLOCATED)


def test_every_way_of_hiding_is_there_and_is_what_it_says(
    evidence: SampleEvidence, contents: dict[tuple[str, str], bytes]
) -> None:
    by_class: dict[PlantedClass, list[tuple[str, str]]] = {}
    for planted in evidence.truth.planted:
        by_class.setdefault(planted.planted_class, []).append((planted.volume, planted.path))
    assert set(by_class) == set(PlantedClass)
    assert all(path.count("/") > 20 for _, path in by_class[PlantedClass.NESTED])
    assert all(not path.isascii() for _, path in by_class[PlantedClass.NON_ASCII])
    assert all(":" in path for _, path in by_class[PlantedClass.ALTERNATE_STREAM])
    pictures = ("jpg", "jpeg", "png")
    assert not any(path.lower().endswith(pictures) for _, path in by_class[PlantedClass.WRONG_EXTENSION])
    assert len({contents[where] for where in by_class[PlantedClass.DUPLICATE]}) == 1
    assert len(by_class[PlantedClass.DUPLICATE]) == 2


def test_every_planted_stream_is_a_picture_that_pdq_can_tell(
    evidence: SampleEvidence, contents: dict[tuple[str, str], bytes]
) -> None:
    assert all(_pdq(contents[planted.volume, planted.path])[1] >= 50 for planted in evidence.truth.planted)


def test_the_notable_list_knows_every_planted_stream_as_the_truth_says(
    evidence: SampleEvidence, contents: dict[tuple[str, str], bytes]
) -> None:
    listed = _listed(evidence)
    assert len(listed) == evidence.truth.listed > 300
    for planted in evidence.truth.planted:
        media = listed[planted.media_id]
        assert media["Category"] == planted.category
        agreeing = {
            name.lower()
            for name, value in (("MD5", planted.md5), ("SHA1", planted.sha1))
            if media.get(name) == value.upper()
        }
        if planted.tier is Tier.EXACT:
            assert planted.basis == ("sha1" if "sha1" in agreeing else "md5")
            assert planted.basis in agreeing
            assert media["MediaSize"] == planted.size
        else:
            known = _listed_pdq(media)
            assert not agreeing
            assert known is not None
            assert planted.basis == "pdq"
            assert planted.distance <= _NEAR_ENOUGH
            content = contents[planted.volume, planted.path]
            assert _distance(known, _pdq(content)[0]) <= _NEAR_ENOUGH or planted.tier is Tier.SIMILAR
            assert _distance(known, _pdq(_undone(planted.planted_class, content))[0]) <= _NEAR_ENOUGH
    assert {len({"MD5", "SHA1"} & media.keys()) for media in listed.values()} == {1, 2}


def test_nothing_innocent_is_listed_or_looks_like_what_is(
    evidence: SampleEvidence, contents: dict[tuple[str, str], bytes]
) -> None:
    listed = _listed(evidence).values()
    digests = {media.get(name) for media in listed for name in ("MD5", "SHA1")}
    known = [value for value in map(_listed_pdq, listed) if value is not None]
    planted = {(item.volume, item.path) for item in evidence.truth.planted}
    innocents = {where: content for where, content in contents.items() if where not in planted}
    assert len(innocents) > 350
    pictures = 0
    for content in innocents.values():
        assert _digest("md5", content).upper() not in digests
        assert _digest("sha1", content).upper() not in digests
        if content.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")):
            pictures += 1
            value, _ = _pdq(content)
            assert min(_distance(value, other) for other in known) >= _FAR_ENOUGH
    assert pictures > 150


def test_the_benign_list_knows_innocent_files_only(
    evidence: SampleEvidence, contents: dict[tuple[str, str], bytes]
) -> None:
    lines = [line.split(",", 3) for line in evidence.benign.read_text().splitlines() if line[0] not in "%#"]
    assert len(lines) == evidence.truth.benign > 100
    for size, md5, sha256, name in lines:
        label, path = name.split("/", 1)
        content = contents[label, path]
        assert (int(size), md5) == (len(content), _digest("md5", content))
        assert sha256 == _digest("sha256", content)
    assert not {line[2] for line in lines} & {planted.sha256 for planted in evidence.truth.planted}


def test_the_e01_holds_the_same_disk_and_says_who_acquired_it(evidence: SampleEvidence, output_of: OutputOf) -> None:
    md5 = _digest("md5", evidence.raw.read_bytes())
    assert md5 in output_of("ewfverify", "-q", str(evidence.ewf)).decode()
    information = output_of("ewfinfo", str(evidence.ewf)).decode()
    assert md5 in information
    for stated in ("DEMO-2024-001", "Demo Examiner", "E2", "harmless sample disk"):
        assert stated in information


def test_the_truth_is_written_beside_the_disk(evidence: SampleEvidence) -> None:
    assert GroundTruth.read(evidence.truth_file) == evidence.truth
    assert {path.name for path in evidence.folder.iterdir()} == {
        *("disk.raw", "disk.E01", "notable.json", "benign.hashdeep", "ground-truth.json")
    }


def test_building_again_gives_the_same_lists_and_the_same_planted_streams(
    evidence: SampleEvidence, tmp_path: Path
) -> None:
    again = build(tmp_path / "again")
    assert again.notable.read_bytes() == evidence.notable.read_bytes()
    assert again.benign.read_bytes() == evidence.benign.read_bytes()
    assert again.truth == evidence.truth


def test_refuses_to_build_over_something(tools: None, tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_text("precious")
    with pytest.raises(TamizError, match="cannot be written"):
        build(tmp_path)
    assert (tmp_path / "disk.raw").read_text() == "precious"
