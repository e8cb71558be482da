"""FileVault 2: what macOS encrypted is decrypted to what cryptsetup's authors say it is."""

from __future__ import annotations

import hashlib
import shutil
import struct
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import XTS

from forensics.errors import VolumeError
from forensics.evidence.image import open_image
from forensics.evidence.keys import Key, KeyKind, Keyring
from forensics.evidence.layer import Inside, LayerPlace
from forensics.evidence.layers import core_storage
from forensics.evidence.layers.core_storage import LogicalVolume, _sound, logical_volumes
from forensics.evidence.layers.filevault import FilevaultLayer
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined
from forensics.evidence.volume import Volume
from forensics.reason import Reason
from tests.evidence.noise import noise
from tests.evidence.samples import cryptsetup_sample

_PASSWORD = Key(KeyKind.PASSWORD, b"heslo123\n")
_START, _SIZE = 67_108_864, 167_772_160
_SHA256 = "2c662e36c0f7e2f5583e6a939bbcbdc660805692d0fccaa45ad4052beb3b8e18"
"""Of the decrypted volume, as cryptsetup's test of the same sample has it; so has it start, size and password."""

_METADATA, _BLOCK = 2049 * 4096, 8192


@pytest.fixture
def sample() -> Path:
    return cryptsetup_sample("fvault2-images/small")


@pytest.fixture
def copy(sample: Path, tmp_path: Path) -> Path:
    """A copy that a test may change: what of the sample is not empty, as sparse as it is."""
    path = tmp_path / "copy.raw"
    shutil.copy(sample, path)
    return path


def _open(path: Path, *keys: Key) -> Inside | None:
    image = open_image(path)
    volume = Volume("p0", "none", "", 0, image.size)
    return FilevaultLayer().open(LayerPlace(image, volume, (volume,), Keyring(keys).of_volume("p0")))


def _checksum(block: bytes, seed: int) -> int:
    """CRC-32C of a block, bit by bit and without the last inversion."""
    value = seed
    for byte in block[8:]:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


def _change(path: Path, number: int, offset: int, content: bytes) -> None:
    """Change a block of the encrypted metadata as Core Storage would: with the right checksum, and encrypted."""
    with path.open("r+b") as file:
        header = file.read(512)
        cipher = Cipher(AES(header[176:192] + header[304:320]), XTS(number.to_bytes(16, "little")))
        file.seek(_METADATA + number * _BLOCK)
        block = bytearray(cipher.decryptor().update(file.read(_BLOCK)))
        block[offset : offset + len(content)] = content
        block[:4] = struct.pack("<I", _checksum(bytes(block), 0xFFFFFFFF))
        assert _sound(bytes(block))
        file.seek(_METADATA + number * _BLOCK)
        file.write(cipher.encryptor().update(bytes(block)))


def test_what_macos_encrypted_is_read(sample: Path) -> None:
    with Source.open(sample, "E1", Keyring((Key(KeyKind.PASSWORD, b"wrong"), _PASSWORD))) as source:
        outer, inner = source.volumes()
        assert (outer.label, inner.label, inner.offset, inner.size) == ("p0", "p0/fvde1", _START, _SIZE)
        assert inner.description == "Untitled, FileVault 2, unlocked with a password file"
        keyring = source.unlocked_keyring()
        assert list(source.walk(outer)) == []
        # of the sample's files nothing is left but the head of the file system
        (gap,) = source.walk(inner)
        assert isinstance(gap, NotExamined)
        assert gap.reason is Reason.FILE_SYSTEM_DAMAGED
        assert "begins like HFS+" in gap.detail
    inside = _open(sample, *(Key(key.kind, key.secret) for key in keyring.keys if key.kind is KeyKind.VOLUME))
    assert inside is not None
    image = inside.volumes[0].image
    assert image is not None
    digest = hashlib.sha256()
    for offset in range(0, image.size, 1 << 22):
        digest.update(image.read_at(offset, 1 << 22))
    assert digest.hexdigest() == _SHA256
    assert image.read_at(1000, 1000) == image.read_at(0, 4096)[1000:2000]
    assert image.offset_in_parent(5) == _START + 5


def test_workers_need_not_derive_the_key_again(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Source.open(sample, "E1", Keyring((_PASSWORD,))) as source:
        keyring = source.unlocked_keyring()
    assert [(key.kind, key.volume) for key in keyring.keys] == [
        (KeyKind.PASSWORD, None),
        (KeyKind.VOLUME, "p0/fvde1"),
    ]
    monkeypatch.setattr(LogicalVolume, "wrapping_key", None)
    with Source.open(sample, "E1", Keyring(keyring.keys[1:])) as source:
        assert source.volumes()[1].description == "Untitled, FileVault 2, unlocked with a key file"


def test_workers_need_not_try_again_keys_that_do_not_fit(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Source.open(sample, "E1", Keyring((Key(KeyKind.PASSWORD, b"wrong"),))) as source:
        keyring = source.unlocked_keyring()
    monkeypatch.setattr(LogicalVolume, "wrapping_key", None)
    with Source.open(sample, "E1", keyring) as source:
        (gap,) = (item for volume in source.volumes() for item in source.walk(volume))
    detail = "FileVault 2: none of the keys given opens it"
    assert gap == NotExamined("E1/p0/fvde1", Reason.VOLUME_ENCRYPTED, detail, _SIZE)


@pytest.mark.parametrize(
    ("keys", "detail"),
    [
        ((), "FileVault 2"),
        ((Key(KeyKind.PASSWORD, b"heslo123", "p1"),), "FileVault 2"),
        ((Key(KeyKind.RECOVERY, b"ABCD-EFGH"),), "FileVault 2: none of the keys given opens it"),
        ((Key(KeyKind.VOLUME, bytes(16), "p0/fvde1"),), "FileVault 2"),
    ],
)
def test_without_the_right_key_it_is_listed_as_encrypted(keys: tuple[Key, ...], detail: str, sample: Path) -> None:
    with Source.open(sample, "E1", Keyring(keys)) as source:
        found = [item for volume in source.volumes() for item in source.walk(volume)]
    assert found == [NotExamined("E1/p0/fvde1", Reason.VOLUME_ENCRYPTED, detail, _SIZE)]


def test_a_recovery_key_is_tried_like_a_password(sample: Path) -> None:
    inside = _open(sample, Key(KeyKind.RECOVERY, b"heslo123"))
    assert inside is not None
    assert inside.volumes[0].description == "Untitled, FileVault 2, unlocked with a recovery key file"


@pytest.mark.parametrize(
    ("number", "offset", "content", "detail"),
    [
        (0, 64, b"\2", "it lies in several parts"),
        (0, 64 + 30, b"\0\0", "it is not encrypted, or lies where the metadata do not say"),
        (0, 64 + 40, bytes(8), "it is not encrypted, or lies where the metadata do not say"),
        (0, 24, b"\x77", "a part of its metadata is missing or damaged"),
    ],
)
def test_what_is_not_supported_is_said(number: int, offset: int, content: bytes, detail: str, copy: Path) -> None:
    _change(copy, number, offset, content)
    inside = _open(copy, _PASSWORD)
    assert inside is not None
    assert inside.volumes[0].image is None
    (gap,) = inside.volumes[0].gaps
    assert gap.reason is Reason.VOLUME_ENCRYPTED
    assert detail in gap.detail


def test_a_volume_that_is_encrypted_in_part_is_not_read(copy: Path) -> None:
    _replace(copy, 1, b">Complete<", b">Converts<")
    inside = _open(copy, _PASSWORD)
    assert inside is not None
    assert "in part only" in inside.volumes[0].gaps[0].detail


def _replace(path: Path, number: int, old: bytes, new: bytes) -> None:
    with path.open("rb") as file:
        header = file.read(512)
        file.seek(_METADATA + number * _BLOCK)
        cipher = Cipher(AES(header[176:192] + header[304:320]), XTS(number.to_bytes(16, "little")))
        block = cipher.decryptor().update(file.read(_BLOCK))
    _change(path, number, block.index(old), new)


def test_several_logical_volumes_are_told_apart(copy: Path) -> None:
    # the older of the two records of the volume becomes that of another one
    _change(copy, 2, 24, struct.pack("<Q", 99))
    _replace(copy, 2, b">Untitled<", b">Entitled<")
    inside = _open(copy, _PASSWORD)
    assert inside is not None
    assert [(volume.label, volume.description.partition(",")[0]) for volume in inside.volumes] == [
        ("fvde1", "Untitled"),
        ("fvde2", "Entitled"),
    ]


def test_a_volume_whose_metadata_are_damaged_is_listed_beside_the_others(copy: Path) -> None:
    _change(copy, 2, 24, struct.pack("<Q", 99))
    _change(copy, 2, 64, struct.pack("<Q", 7777))  # its family, which there is not
    inside = _open(copy, _PASSWORD)
    assert inside is not None
    whole, damaged = inside.volumes
    assert (whole.label, damaged.label) == ("fvde1", "fvde2")
    assert whole.image is not None
    assert damaged.image is None
    (gap,) = damaged.gaps
    assert (gap.reason, gap.size) == (Reason.VOLUME_ENCRYPTED, _SIZE)
    assert "a part of its metadata is missing or damaged" in gap.detail


def test_a_truncated_volume_is_read_as_far_as_it_goes(copy: Path) -> None:
    with copy.open("r+b") as file:
        file.truncate(_START + (100 << 20))
    inside = _open(copy, _PASSWORD)
    assert inside is not None
    image = inside.volumes[0].image
    assert image is not None
    assert (inside.volumes[0].size, image.size) == (_SIZE, 100 << 20)
    assert len(image.read_at(image.size - 10, 100)) == 10


def test_changed_bytes_give_a_reason_or_a_volume(sample: Path, tmp_path: Path) -> None:
    with sample.open("rb") as file:
        data = file.read(_METADATA + 5 * _BLOCK)
    path = tmp_path / "changed.raw"
    draw = noise(9)
    outcomes = set()
    for _ in range(100):
        changed = bytearray(data)
        for _ in range(draw.choice((1, 2, 8))):
            start, size = draw.choice(
                ((90, 240), (1025 * 4096 - 4096 + 0, 8192), (4096, 8192), (_METADATA, 4 * _BLOCK))
            )
            changed[start + draw.randrange(size)] = draw.choice((0, 255, draw.randrange(256)))
        path.write_bytes(changed)
        inside = _open(path)
        if inside is None:
            continue
        outcomes.add(bool(inside.volumes))
        for gap in (*inside.gaps, *(gap for volume in inside.volumes for gap in volume.gaps)):
            assert "\n" not in gap.detail
    assert outcomes == {True, False}


@pytest.mark.parametrize("seed", [0, 0xFFFFFFFF, 0x12345678])
def test_a_checksum_is_that_of_the_whole_block_from_its_seed_on(seed: int) -> None:
    block = noise(3).randbytes(_BLOCK)
    block = struct.pack("<2I", _checksum(block, seed), seed) + block[8:]
    assert _sound(block)
    for place in (0, 4, 8, 12, 4000, _BLOCK - 1):
        assert not _sound(block[:place] + bytes([block[place] ^ 1]) + block[place + 1 :])


def test_a_checksum_costs_less_than_reading_the_block() -> None:
    """An image may state hundreds of thousands of blocks, and every worker opens it."""
    block = noise(4).randbytes(_BLOCK)
    _sound(block)  # makes its table
    best = min(_seconds_of_a_hundred(block) for _ in range(5))
    assert best < 0.05


def _seconds_of_a_hundred(block: bytes) -> float:
    start = time.perf_counter()
    for _ in range(100):
        _sound(block)
    return time.perf_counter() - start


def test_no_more_metadata_is_read_than_a_volume_can_need(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four labels name two copies each, all of which may be others."""
    monkeypatch.setattr(core_storage, "_MOST_BLOCKS", 10)
    monkeypatch.setattr(core_storage, "_areas", lambda _, offset: iter([(offset + 1, 7), (offset + 2, 7)]))
    read: list[int] = []
    with sample.open("rb") as file:
        head = file.read(512)

    def read_at(_: int, length: int) -> bytes:
        read.append(length)
        return head if length == len(head) else bytes(length)

    with pytest.raises(VolumeError, match="no sound copy"):
        logical_volumes(read_at)
    assert sum(read) == len(head) + 10 * _BLOCK
