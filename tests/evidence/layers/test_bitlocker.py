"""BitLocker: what Windows encrypted is decrypted with each of its keys, and nothing without one."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

from forensics.errors import StreamReadError
from forensics.evidence.image import open_image
from forensics.evidence.keys import Key, KeyKind, Keyring
from forensics.evidence.layer import Gap, Inside, LayerPlace, VolumeImage
from forensics.evidence.layers.bitlocker import BitlockerLayer
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.evidence.volume import Volume
from forensics.reason import Reason
from plugins.sample_evidence import programs
from plugins.sample_evidence.ntfs_volume import NtfsVolume, format_ntfs
from tests.evidence.conftest import Require, Run
from tests.evidence.layers import bitlocker_writer
from tests.evidence.noise import noise
from tests.evidence.samples import cryptsetup_sample
from tests.evidence.sleuthkit import read_whole

_WHOLE = (
    "bitlk-aes-cbc-128",
    "bitlk-aes-cbc-128-4k",
    "bitlk-aes-cbc-256",
    "bitlk-aes-cbc-elephant-128",
    "bitlk-aes-cbc-elephant-256",
    "bitlk-aes-xts-128",
    "bitlk-aes-xts-128-4k",
    "bitlk-aes-xts-128-new-entry",
    "bitlk-aes-xts-128-smart-card",
    "bitlk-aes-xts-128-startup-key",
    "bitlk-aes-xts-128-startup-key-win11",
    "bitlk-aes-xts-256",
    "bitlk-togo-aes-cbc-128",
    "bitlk-togo-aes-xts-128",
)
_CUT = ("bitlk-aes-xts-128-eow", "bitlk-clearkey-aes-cbc-128")
"""The samples have no longer what Windows kept for encrypting while writing; cryptsetup cannot open them either."""

_PASSWORD = b"anaconda"
_XTS = "bitlk-aes-xts-128"
_MEGABYTE = 1 << 20
_MOVED_SECTORS = 0x21A5000
"""Where the first sectors of the volume lie in it."""
_SIZE = 100 * _MEGABYTE
_KIND_OF_VOLUME, _ENCRYPTING_WHILE_WRITING = (
    bytes.fromhex(text) for text in ("3bd66749292ed84a8399f6a339e3d001", "3b4da89280dd0e4d9e4eb1e3284eaed8")
)


def _path(name: str) -> Path:
    return cryptsetup_sample(f"bitlk-images/{name}.img")


def _facts(name: str) -> dict[str, str]:
    """What Windows and its makers say of a sample."""
    facts = ConfigParser()
    facts.read(cryptsetup_sample("bitlk-images/images.conf"))
    return {key.upper(): value for key, value in facts[name].items()}


def _keys(name: str) -> Iterator[Key]:
    facts = _facts(name)
    if facts["PW"]:
        yield Key(KeyKind.PASSWORD, facts["PW"].encode() + b"\n")
    yield Key(KeyKind.RECOVERY, facts["RP"].encode() + b"\r\n")
    if "SK_VMK_GUID" in facts:
        file = cryptsetup_sample(f"bitlk-images/{facts['SK_VMK_GUID'].upper()}.BEK")
        yield Key(KeyKind.RECOVERY, file.read_bytes())


def _open(path: Path, *keys: Key, size: int | None = None) -> Inside | None:
    image = open_image(path)
    volume = Volume("p0", "none", "", 0, size or image.size)
    return BitlockerLayer().open(LayerPlace(image, volume, (volume,), Keyring(keys).of_volume("p0")))


def _image(inside: Inside | None) -> VolumeImage:
    assert inside is not None
    image = inside.volumes[0].image
    assert image is not None
    return image


@pytest.mark.parametrize("name", _WHOLE)
def test_what_windows_encrypted_is_read_with_each_of_its_keys(name: str) -> None:
    first, *others = _keys(name)
    whole = _image(_open(_path(name), first))
    digest = hashlib.sha256()
    for offset in range(0, whole.size, 16 * _MEGABYTE):
        digest.update(whole.read_at(offset, 16 * _MEGABYTE))
    assert digest.hexdigest() == _facts(name)["SHA256SUM"]
    for key in others:
        image = _image(_open(_path(name), Key(KeyKind.PASSWORD, b"wrong"), key))
        for offset in (0, whole.size // 2, whole.size - _MEGABYTE):
            assert image.read_at(offset, _MEGABYTE) == whole.read_at(offset, _MEGABYTE)
    for offset, length in ((0, 1), (511, 2), (8191, 513), (whole.size - 5, 100), (whole.size, 1)):
        expected = (whole.read_at(offset // 512 * 512, 4096))[offset % 512 :][:length]
        assert whole.read_at(offset, length) == expected


_WRONG = (Key(KeyKind.PASSWORD, b"wrong"), Key(KeyKind.RECOVERY, b"\xff\0"), Key(KeyKind.RECOVERY, b"1-2-3"))


@pytest.mark.parametrize(("name", "keys"), [*((name, ()) for name in _WHOLE), (_XTS, _WRONG), (_WHOLE[8], _WRONG[1:])])
def test_without_a_key_or_with_a_wrong_one_it_is_listed(name: str, keys: tuple[Key, ...]) -> None:
    with Source.open(_path(name), "E1", Keyring(keys)) as source:
        (volume,) = source.volumes()
        (gap,) = source.walk(volume)
    said = "BitLocker To Go" if "togo" in name else "BitLocker"
    detail = f"{said}: none of the keys given opens it" if keys else said
    assert gap == NotExamined("E1/p0", Reason.VOLUME_ENCRYPTED, detail, volume.size)


def test_the_key_of_another_volume_does_not_open_it() -> None:
    other = [key for key in _keys("bitlk-aes-xts-128-startup-key") if key.kind is KeyKind.RECOVERY]
    inside = _open(_path(_XTS), *other)
    assert inside is not None
    assert inside.volumes == ()


@pytest.mark.parametrize("name", _CUT)
def test_a_volume_whose_records_are_missing_is_told_from_one_without_a_key(name: str) -> None:
    inside = _open(_path(name), *_keys(name))
    assert inside is not None
    assert inside.volumes == ()
    assert "its metadata cannot be read" in inside.gaps[0].detail


@pytest.fixture(scope="module")
def suspended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The volume with a key in the clear, marked as what it is without the records that the sample has lost."""
    path = tmp_path_factory.mktemp("bitlocker") / "suspended.raw"
    shutil.copy(_path(_CUT[1]), path)
    with path.open("r+b") as file:
        file.seek(160)
        assert file.read(16) == _ENCRYPTING_WHILE_WRITING
        file.seek(160)
        file.write(_KIND_OF_VOLUME)
    return path


def test_a_key_in_the_clear_needs_no_other(suspended: Path) -> None:
    inside = _open(suspended)
    head = _image(inside).read_at(0, 512)
    assert head[3:11] == b"NTFS    "
    assert head[72:80][::-1].hex().upper() == _facts(_CUT[1])["UUID"]
    assert inside is not None
    assert inside.volumes[0].description == "BitLocker, AES-CBC 128, key stored in the clear"


def test_the_file_system_of_a_removable_volume_is_walked() -> None:
    name = "bitlk-togo-aes-xts-128"
    with Source.open(_path(name), "E1", Keyring(tuple(_keys(name)))) as source:
        outer, inner = source.volumes()
        assert (outer.label, inner.label) == ("p0", "p0/bitlocker")
        assert inner.description == "BitLocker To Go, AES-XTS 128, unlocked with a password file"
        assert [
            item for volume in (outer, inner) for item in source.walk(volume) if isinstance(item, NotExamined)
        ] == []
        file_system = source.file_system(inner)
        assert file_system is not None
        assert file_system.type == "fat16"


@pytest.fixture(scope="module")
def files() -> dict[bytes, bytes]:
    """What the tests put on an encrypted volume."""
    draw = noise(7)
    return {b"a/large.bin": draw.randbytes(3 * _MEGABYTE), b"b.bin": draw.randbytes(20_000), b"small": b"resident"}


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory, require: Require, files: dict[bytes, bytes]) -> Path:
    """NTFS in a BitLocker volume."""
    require("mkntfs", programs.NTFS_LIBRARY, "cryptsetup")
    sample = _path(_XTS)
    folder = tmp_path_factory.mktemp("bitlocker")
    plain, path = folder / "ntfs.raw", folder / "bitlocker.raw"
    format_ntfs(plain, _SIZE, 0, "T")
    with NtfsVolume(plain) as volume:
        for name, content in files.items():
            volume.create(name.decode(), content)
    bitlocker_writer.encrypt_into(sample, plain, _PASSWORD.decode(), path)
    return path


def _streams(source: Source, label: str = "p0/bitlocker") -> dict[bytes, Stream]:
    (volume,) = (volume for volume in source.volumes() if volume.label == label)
    return {item.path: item for item in source.walk(volume) if isinstance(item, Stream)}


def test_files_in_it_are_found_where_they_lie(encrypted: Path, files: dict[bytes, bytes]) -> None:
    with Source.open(encrypted, "E1", Keyring((Key(KeyKind.PASSWORD, _PASSWORD, "p0"),))) as source:
        streams = _streams(source)
        assert {path: read_whole(source, streams[path].locator) for path in files} == files
    key, raw = bitlocker_writer.volume_key(_path(_XTS), _PASSWORD.decode()), encrypted.read_bytes()
    for path in (b"a/large.bin", b"b.bin"):
        offset = streams[path].physical_offset
        assert offset is not None
        assert bitlocker_writer.decrypted(key, raw[offset : offset + 512], offset // 512) == files[path][:512]
    locator = str(streams[b"b.bin"].locator)
    assert locator.startswith("E1/p0/bitlocker/ntfs:")
    with Source.open(encrypted, "E1", Keyring((*_keys(_XTS),)[1:])) as source:
        assert read_whole(source, Locator.parse(locator)) == files[b"b.bin"]


def test_a_partition_of_a_disk_is_unlocked(
    encrypted: Path, files: dict[bytes, bytes], tmp_path: Path, run: Run
) -> None:
    disk = tmp_path / "disk.raw"
    with disk.open("xb") as file:
        file.truncate(_SIZE + 2 * _MEGABYTE)
    run("sfdisk", disk, standard_input=f"label: dos\n1 : start=2048, size={_SIZE // 512}, type=7\n")
    run("dd", f"if={encrypted}", f"of={disk}", "bs=1M", "seek=1", "conv=notrunc,sparse")
    with Source.open(disk, "E1", Keyring((Key(KeyKind.PASSWORD, _PASSWORD, "p1"),))) as source:
        streams = _streams(source, "p1/bitlocker")
        assert read_whole(source, streams[b"b.bin"].locator) == files[b"b.bin"]
        outer = streams[b"b.bin"].physical_offset
    with Source.open(encrypted, "E1", Keyring((Key(KeyKind.PASSWORD, _PASSWORD),))) as source:
        inner = _streams(source)[b"b.bin"].physical_offset
    assert inner is not None
    assert outer == inner + _MEGABYTE


def test_a_truncated_volume_is_read_as_far_as_it_goes(
    encrypted: Path, files: dict[bytes, bytes], tmp_path: Path
) -> None:
    cut = tmp_path / "cut.raw"
    shutil.copy(encrypted, cut)
    with cut.open("r+b") as file:
        file.truncate(90 * _MEGABYTE)
    with Source.open(cut, "E1", Keyring((Key(KeyKind.PASSWORD, _PASSWORD),))) as source:
        volume = source.volumes()[1]
        (gap,) = (item for item in source.walk(volume) if isinstance(item, NotExamined))
        assert (gap.locator, gap.reason, gap.size) == (
            "E1/p0/bitlocker", Reason.BEYOND_END_OF_IMAGE, 10 * _MEGABYTE,
        )  # fmt: skip
        assert read_whole(source, _streams(source)[b"b.bin"].locator) == files[b"b.bin"]


def test_an_unreadable_sector_spoils_one_file(
    encrypted: Path, files: dict[bytes, bytes], tmp_path: Path, run: Run
) -> None:
    with Source.open(encrypted, "E1", Keyring((Key(KeyKind.PASSWORD, _PASSWORD),))) as source:
        offset = _streams(source)[b"a/large.bin"].physical_offset
    assert offset is not None
    # what lies in one chunk of an acquired image cannot be read once that chunk is damaged; stored chunks lie in order
    run("ewfacquire", "-u", "-q", "-c", "none", "-f", "encase6", "-t", tmp_path / "disk", encrypted)
    path = tmp_path / "disk.E01"
    data = bytearray(path.read_bytes())
    place = data.index(encrypted.read_bytes()[offset + 700_000 : offset + 700_064])
    data[place] ^= 1
    path.write_bytes(data)
    with Source.open(path, "E1", Keyring((Key(KeyKind.PASSWORD, _PASSWORD),))) as source:
        streams = _streams(source)
        assert read_whole(source, streams[b"b.bin"].locator) == files[b"b.bin"]
        with pytest.raises(StreamReadError) as raised:
            read_whole(source, streams[b"a/large.bin"].locator)
        assert "\n" not in str(raised.value)


def test_a_right_key_that_meets_a_damaged_image_is_not_called_wrong(tmp_path: Path, run: Run) -> None:
    """What the first sectors of the volume hold lies elsewhere, and is read only with a key that fits."""
    run("ewfacquire", "-u", "-q", "-c", "none", "-f", "encase6", "-t", tmp_path / "disk", _path(_XTS))
    path = tmp_path / "disk.E01"
    data = bytearray(path.read_bytes())
    with _path(_XTS).open("rb") as file:
        file.seek(_MOVED_SECTORS)
        data[data.index(file.read(64))] ^= 1
    path.write_bytes(data)
    for secret, is_told in ((_PASSWORD, True), (b"wrong", False)):
        inside = _open(path, Key(KeyKind.PASSWORD, b"also wrong"), Key(KeyKind.PASSWORD, secret))
        assert inside is not None
        (gap,) = inside.gaps
        assert (gap.reason, gap.keys_tried) == (Reason.VOLUME_ENCRYPTED, not is_told)
        assert ("while a key was tried: sectors 68864 to 68927 of the medium cannot be read" in gap.detail) == is_told
        assert "\n" not in gap.detail


def test_changed_bytes_give_a_reason_or_a_volume(suspended: Path, tmp_path: Path) -> None:
    draw = noise(8)
    path = tmp_path / "changed.raw"
    shutil.copy(suspended, path)
    metadata = (0, 0x2195000, 0x2C1D000, 0x373A000)
    outcomes = set()
    for _ in range(300):
        changed: dict[int, bytes] = {}
        with path.open("r+b") as file:
            for start in metadata:
                for _ in range(draw.choice((0, 1, 1, 4))):
                    offset = start + draw.choice((draw.randrange(11, 512), draw.randrange(11, 1600)))
                    file.seek(offset)
                    changed.setdefault(offset, file.read(1))
                    file.seek(offset)
                    file.write(draw.choice((b"\0", b"\xff", draw.randbytes(1))))
        inside = _open(path)
        if inside is not None:
            outcomes.add(bool(inside.volumes))
            for gap in inside.gaps:
                assert isinstance(gap, Gap)
                assert gap.detail.startswith("BitLocker")
                assert "\n" not in gap.detail
            if inside.volumes and _image(inside).size:
                assert _image(inside).read_at(0, 512)
        with path.open("r+b") as file:
            for offset, byte in changed.items():
                file.seek(offset)
                file.write(byte)
    assert outcomes == {True, False}
