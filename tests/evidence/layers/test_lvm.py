"""Logical volumes: every byte where the documented layout, lvm2 and libvslvm have it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import pyvslvm
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.evidence import volume_tree
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined
from forensics.evidence.volume import Volume
from forensics.reason import Reason
from tests.evidence.conftest import Require, Run
from tests.evidence.layers import lvm_writer as writer
from tests.evidence.noise import noise
from tests.evidence.sleuthkit import read_whole, walk

_LINEAR_AND_STRIPED = writer.Group(
    extent_size=8,
    extents=(40, 24),
    logical_volumes={
        "root": (writer.Segment(5, ((0, 3),)), writer.Segment(3, ((1, 0),)), writer.Segment(2, ((0, 0),))),
        "data": (writer.Segment(16, ((0, 10), (1, 5)), stripe_size=2),),
    },
)


def _volume(source: Source, label: str) -> Volume:
    return next(volume for volume in source.volumes() if volume.label == label)


def _build(group: writer.Group, path: Path, *, text_offset: int = writer.SECTOR) -> tuple[Path, dict[str, bytes]]:
    text = writer.metadata(group)
    volumes = [
        writer.physical_volume(number, text, extents, group.extent_size, text_offset)
        for number, extents in enumerate(group.extents)
    ]
    contents = {name: noise(len(name)).randbytes(group.size(name)) for name in group.logical_volumes}
    for name, content in contents.items():
        writer.fill(group, name, content, volumes)
    return writer.disk(path, volumes), contents


def _read(source: Source, label: str) -> bytes:
    image = source._all_nodes()[label].image
    return image.read_at(0, image.size + 1)


def test_a_group_on_two_partitions_is_listed_with_the_first(tmp_path: Path) -> None:
    path, contents = _build(_LINEAR_AND_STRIPED, tmp_path / "disk.raw")
    with Source.open(path, "E1") as source:
        volumes = {volume.label: volume for volume in source.volumes() if volume.allocated}
        assert list(volumes) == ["p1", "p1/lvm1", "p1/lvm2", "p2"]
        assert [volumes[f"p1/lvm{number}"].description for number in (1, 2)] == ["root", "data"]
        assert volumes["p1/lvm1"].scheme == "lvm2"
        assert volumes["p1/lvm1"].offset == (2048 + writer.FIRST_EXTENT + 3 * 8) * 512
        assert _read(source, "p1/lvm1") == contents["root"]
        assert _read(source, "p1/lvm2") == contents["data"]
        assert [list(source.walk(volumes[label])) for label in ("p1", "p2")] == [[], []]


def test_metadata_that_goes_round_its_ring_is_read(tmp_path: Path) -> None:
    path, contents = _build(_LINEAR_AND_STRIPED, tmp_path / "disk.raw", text_offset=writer.METADATA_SIZE - 700)
    with Source.open(path, "E1") as source:
        assert _read(source, "p1/lvm2") == contents["data"]


@st.composite
def _groups(draw: st.DrawFn) -> writer.Group:
    extents = tuple(draw(st.lists(st.integers(8, 20), min_size=1, max_size=3)))
    free = [0] * len(extents)
    logical_volumes: dict[str, tuple[writer.Segment, ...]] = {}
    for name in ("a", "bb", "ccc"):
        segments = []
        for _ in range(draw(st.integers(1, 3))):
            count = draw(st.integers(1, 2))
            chosen = draw(st.lists(st.sampled_from(range(len(extents))), min_size=1, unique=True))
            if any(free[number] + count > extents[number] for number in chosen):
                continue
            stripes = tuple((number, free[number]) for number in chosen)
            for number in chosen:
                free[number] += count
            stripe_size = draw(st.sampled_from((1, 2, 4))) if len(chosen) > 1 else 0
            segments.append(writer.Segment(count * len(chosen), stripes, stripe_size))
        if segments:
            logical_volumes[name] = tuple(segments)
    return writer.Group(4, extents, logical_volumes)


@settings(max_examples=30, deadline=None)
@given(group=_groups())
def test_every_layout_is_read_as_it_was_written(group: writer.Group, tmp_path_factory: pytest.TempPathFactory) -> None:
    path, contents = _build(group, tmp_path_factory.mktemp("lvm") / "disk.raw")
    disk = path.read_bytes()
    with Source.open(path, "E1") as source:
        for number, content in enumerate(contents.values(), start=1):
            label = f"p1/lvm{number}"
            assert _read(source, label) == content
            image = source._all_nodes()[label].image
            for offset in range(0, len(content), 512):
                place = image.offset_in_parent(offset)  # type: ignore[attr-defined]
                assert disk[place : place + 512] == content[offset : offset + 512]


def test_libvslvm_reads_the_same(tmp_path: Path) -> None:
    # of a volume with several segments on one disk it says "physical volume value already set"
    group = writer.Group(8, (40,), {"one": (writer.Segment(4, ((0, 20),)),), "two": (writer.Segment(5, ((0, 11),)),)})
    path, contents = _build(group, tmp_path / "disk.raw")
    alone = tmp_path / "pv.raw"
    alone.write_bytes(path.read_bytes()[2048 * 512 :])
    handle = pyvslvm.handle()
    handle.open(str(alone))
    with alone.open("rb") as file:
        handle.open_physical_volume_files_as_file_objects([file])
        found = handle.get_volume_group()
        for index, content in enumerate(contents.values()):
            volume = found.get_logical_volume(index)
            assert volume.read_buffer_at_offset(volume.size, 0) == content
        del volume, found
        handle.close()
    with Source.open(alone, "E1") as source:
        assert [_read(source, f"p0/lvm{number}") for number in (1, 2)] == list(contents.values())


def test_a_missing_physical_volume_costs_only_what_lies_on_it(tmp_path: Path) -> None:
    group = writer.Group(
        8, (20, 20), {"here": (writer.Segment(3, ((0, 1),)),), "there": (writer.Segment(3, ((1, 1),)),)}
    )
    path, contents = _build(group, tmp_path / "disk.raw")
    data = bytearray(path.read_bytes())
    data[446 + 16 : 446 + 32] = bytes(16)
    path.write_bytes(data)
    with Source.open(path, "E1") as source:
        assert _read(source, "p1/lvm1") == contents["here"]
        (gap,) = walk(source, _volume(source, "p1/lvm2"))[1]
    assert (gap.locator, gap.reason, gap.size) == ("E1/p1/lvm2", Reason.NO_FILE_SYSTEM, 3 * 8 * 512)
    assert writer.uuid(1) in gap.detail


@pytest.mark.parametrize("kind", ["thin", "raid1", "snapshot"])
def test_other_kinds_of_volumes_are_reported(tmp_path: Path, kind: str) -> None:
    group = writer.Group(8, (20,), {"one": (writer.Segment(2, ((0, 0),)),)})
    text = writer.metadata(group).replace('"striped"', f'"{kind}"')
    path = writer.disk(tmp_path / "disk.raw", [writer.physical_volume(0, text, 20, 8)])
    with Source.open(path, "E1") as source:
        (gap,) = walk(source, _volume(source, "p1/lvm1"))[1]
    assert gap.reason is Reason.NO_FILE_SYSTEM
    assert kind in gap.detail


def test_damaged_metadata_is_reported_and_not_followed(tmp_path: Path) -> None:
    path, _ = _build(writer.Group(8, (20,), {"one": (writer.Segment(2, ((0, 0),)),)}), tmp_path / "disk.raw")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"extent_size = 8", b"extent_size = 9"))
    with Source.open(path, "E1") as source:
        assert [volume.label for volume in source.volumes() if volume.allocated] == ["p1"]
        (gap,) = walk(source, _volume(source, "p1"))[1]
    assert gap.reason is Reason.FILE_SYSTEM_DAMAGED
    assert "checksum" in gap.detail


def test_a_group_cut_off_with_its_image_is_reported(tmp_path: Path) -> None:
    path, contents = _build(writer.Group(8, (40,), {"one": (writer.Segment(30, ((0, 5),)),)}), tmp_path / "disk.raw")
    cut = (2048 + writer.FIRST_EXTENT + 15 * 8) * 512
    path.write_bytes(path.read_bytes()[:cut])
    with Source.open(path, "E1") as source:
        image = source._all_nodes()["p1/lvm1"].image
        assert image.read_at(0, 10 * 8 * 512) == contents["one"][: 10 * 8 * 512]
        gaps = walk(source, _volume(source, "p1/lvm1"))[1]
    assert (
        NotExamined("E1/p1/lvm1", Reason.BEYOND_END_OF_IMAGE, "its extents reach beyond the image", 20 * 8 * 512)
        in gaps
    )


@settings(max_examples=60, deadline=None)
@given(place=st.integers(512, 4096 + 2000), value=st.binary(min_size=1, max_size=8))
def test_damage_never_goes_beyond_this_volume(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: bytes
) -> None:
    text = writer.metadata(writer.Group(8, (20,), {"one": (writer.Segment(2, ((0, 0),)),)}))
    volume = writer.physical_volume(0, text, 20, 8)
    volume[place : place + len(value)] = value
    path = writer.disk(tmp_path_factory.mktemp("lvm") / "disk.raw", [volume])
    with Source.open(path, "E1") as source:
        for found in source.volumes():
            walk(source, found)


@pytest.fixture(scope="module")
def lvm2_disk(tmp_path_factory: pytest.TempPathFactory, run: Run, require: Require) -> tuple[Path, bytes]:
    """A disk whose volume group lvm2 itself made; its ext4 volume is striped over both partitions."""
    require("lvm", "losetup", "mke2fs")
    if os.geteuid():
        pytest.skip("lvm2 needs loop devices, and those need root")
    folder = tmp_path_factory.mktemp("lvm2")
    devices = [_attach(folder / f"pv{number}") for number in range(2)]
    try:
        where = _make_group(folder, devices)
    finally:
        for device in devices:
            run("losetup", "-d", device)
    file_system = folder / "ext4.raw"
    tree = folder / "tree"
    tree.mkdir()
    for number in range(20):
        (tree / f"file{number}").write_bytes(noise(number).randbytes(40_000 + number))
    run("mke2fs", "-q", "-t", "ext4", "-d", tree, file_system, "8M")
    content = file_system.read_bytes()
    volumes = [bytearray((folder / f"pv{number}").read_bytes()) for number in range(2)]
    for number, start in enumerate(range(0, len(content), 64 * 1024)):
        volume = where[number % 2]
        place = (1 << 20) + volume[1] * (1 << 20) + number // 2 * 64 * 1024
        volumes[volume[0]][place : place + 64 * 1024] = content[start : start + 64 * 1024]
    return writer.disk(folder / "disk.raw", volumes), content


def _attach(path: Path) -> str:
    with path.open("xb") as file:
        file.truncate(16 << 20)
    found = subprocess.run(["/sbin/losetup", "-f", "--show", path], capture_output=True, check=False, text=True)
    if found.returncode:
        pytest.skip("no loop device is to be had")
    return found.stdout.strip()


def _make_group(folder: Path, devices: list[str]) -> list[tuple[int, int]]:
    """Make the group; give partition and first extent of each stripe, as ``lvs`` tells them."""
    accept = ", ".join(f'"a|^{device}$|"' for device in devices)
    (folder / "lvm.conf").write_text(
        f'devices {{ scan_lvs=0 use_devicesfile=0 filter=[{accept}, "r|.*|"] }}\n'
        "global { activation=0 }\nactivation { udev_sync=0 udev_rules=0 }\nbackup { backup=0 archive=0 }\n"
    )
    environment = {**os.environ, "LVM_SYSTEM_DIR": str(folder), "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}

    def lvm(*command: str) -> str:
        done = subprocess.run(["lvm", *command], env=environment, capture_output=True, check=True, text=True)
        return done.stdout

    lvm("pvcreate", *devices)
    lvm("vgcreate", "-s", "1M", "tamiztest", *devices)
    lvm("lvcreate", "-an", "-Zn", "-Wn", "-L", "2M", "-n", "first", "tamiztest", devices[0])
    lvm("lvcreate", "-an", "-Zn", "-Wn", "-i2", "-I", "64k", "-L", "8M", "-n", "striped", "tamiztest")
    listed = lvm("lvs", "--segments", "-o", "lv_name,seg_pe_ranges", "--noheadings", "tamiztest")
    (line,) = (line for line in listed.splitlines() if "striped" in line)
    return [(devices.index(device), int(extent)) for device, extent in re.findall(r"(/dev/\w+):([0-9]+)-", line)]


def test_a_group_of_lvm2_itself_is_read(lvm2_disk: tuple[Path, bytes]) -> None:
    path, content = lvm2_disk
    with Source.open(path, "E1") as source:
        assert [volume.description for volume in source.volumes() if volume.scheme == "lvm2"] == ["first", "striped"]
        assert _read(source, "p1/lvm2") == content
        streams, not_examined = walk(source, _volume(source, "p1/lvm2"))
        assert not_examined == []
        found = {stream.path: read_whole(source, stream.locator) for stream in streams if not stream.not_hashable}
        for number in range(20):
            assert found[b"file%d" % number] == noise(number).randbytes(40_000 + number)
        offsets = [stream.physical_offset for stream in streams if stream.path == b"file3"]
        assert offsets[0] is not None
        assert path.read_bytes()[offsets[0] :].startswith(found[b"file3"][:4096])


def test_volumes_that_map_their_own_physical_volume_end_and_hide_no_other_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume_tree, "MAX_VOLUMES", 20)
    group = writer.Group(256, (8,), {name: (writer.Segment(7, ((0, 0),)),) for name in ("first", "second")})
    text = writer.metadata(group).replace(f"pe_start = {writer.FIRST_EXTENT}", "pe_start = 0")
    hostile = writer.physical_volume(0, text, 8, 256)
    with Source.open(writer.disk(tmp_path / "disk.raw", [hostile, bytearray(1 << 20)]), "E1") as source:
        labels = [volume.label for volume in source.volumes()]
        assert len([label for label in labels if label.startswith("p1")]) == 20
        assert "p2" in labels
        gaps = [item for volume in source.volumes() for item in source.walk(volume) if isinstance(item, NotExamined)]
    (limit,) = (gap for gap in gaps if gap.reason is Reason.WALK_LIMIT)
    assert "more than 20 volumes" in limit.detail
