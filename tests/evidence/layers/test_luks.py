"""LUKS: what cryptsetup encrypted is decrypted, and nothing without the right key."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyluksde
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.evidence.image import open_image
from forensics.evidence.keys import Key, KeyKind, Keyring
from forensics.evidence.layer import Inside, LayerPlace, VolumeImage
from forensics.evidence.layers import luks_header
from forensics.evidence.layers.luks import LuksLayer
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined
from forensics.evidence.volume import Volume
from forensics.reason import Reason
from tests.evidence.conftest import Run
from tests.evidence.layers import lvm_writer
from tests.evidence.noise import noise
from tests.evidence.samples import sample
from tests.evidence.sleuthkit import read_whole, walk

_PASSPHRASE = b"correct horse"
_CHEAP = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")


def _keyring(*secrets: bytes, kind: KeyKind = KeyKind.PASSWORD, volume: str | None = None) -> Keyring:
    return Keyring(tuple(Key(kind, secret, volume) for secret in secrets))


def _open(path: Path, keyring: Keyring) -> Inside | None:
    image = open_image(path)
    volume = Volume("p1", "none", "", 0, image.size)
    return LuksLayer().open(LayerPlace(image, volume, (volume,), keyring.of_volume("p1")))


def _image(inside: Inside | None) -> VolumeImage:
    assert inside is not None
    image = inside.volumes[0].image
    assert image is not None
    return image


def _encrypted(content: bytes, folder: Path, run: Run, *options: str, secret: bytes = _PASSPHRASE) -> Path:
    """Encrypt a content in place, as cryptsetup does it where it needs no device."""
    key, path = folder / "key", folder / "luks.raw"
    key.write_bytes(secret)
    path.write_bytes(content + bytes(32 << 20))
    base = ("reencrypt", "--encrypt", "--type", "luks2", "--reduce-device-size", "32M", "-q", "--key-file", key)
    run("cryptsetup", *base, *options, path)
    return path


@pytest.mark.parametrize(
    "options",
    [
        (*_CHEAP, "--cipher", "aes-xts-plain64", "--key-size", "256"),
        (*_CHEAP, "--cipher", "aes-xts-plain64", "--key-size", "512", "--sector-size", "4096"),
        (*_CHEAP, "--cipher", "aes-cbc-essiv:sha256", "--key-size", "256"),
        (*_CHEAP, "--cipher", "aes-cbc-plain", "--key-size", "128"),
        (*_CHEAP, "--cipher", "aes-cbc-plain64be", "--key-size", "192", "--sector-size", "1024"),
        (*_CHEAP, "--cipher", "aes-xts-benbi", "--hash", "sha512"),
        (*_CHEAP, "--cipher", "aes-xts-essiv:sha256", "--key-size", "256"),
        (*_CHEAP, "--cipher", "aes-ecb", "--key-size", "256"),
        ("--pbkdf", "argon2id", "--pbkdf-memory", "64", "--pbkdf-force-iterations", "4"),
        ("--pbkdf", "argon2i", "--pbkdf-memory", "64", "--pbkdf-force-iterations", "5", "--pbkdf-parallel", "1"),
    ],
    ids=lambda options: " ".join(options[-4:]),
)
def test_what_cryptsetup_encrypted_is_read(options: tuple[str, ...], tmp_path: Path, run: Run) -> None:
    content = noise(1).randbytes(3 << 20)
    image = _image(_open(_encrypted(content, tmp_path, run, *options), _keyring(_PASSPHRASE)))
    assert image.read_at(0, len(content)) == content
    for offset, length in ((0, 1), (511, 2), (4095, 513), (100_000, 70_000), (image.size - 5, 100), (image.size, 1)):
        expected = image.read_at(0, image.size)[offset : offset + length]
        assert image.read_at(offset, length) == expected


@pytest.mark.parametrize("secret", [b"\x00\xff binary", b"ends in a line break\n", "contraseña\r\n".encode()])
def test_a_key_file_is_tried_with_and_without_its_last_line_break(secret: bytes, tmp_path: Path, run: Run) -> None:
    path = _encrypted(b"content" * 1024, tmp_path, run, *_CHEAP, secret=secret)
    assert _image(_open(path, _keyring(secret))).read_at(0, 7) == b"content"
    shorter = secret.rstrip(b"\r\n")
    if shorter != secret:
        assert _open(path, _keyring(shorter)).volumes == ()  # type: ignore[union-attr]


@pytest.mark.parametrize("cipher", ["aes-xts-plain64", "aes-cbc-essiv:sha256", "aes-cbc-plain64", "aes-ecb"])
def test_version_1_is_read_as_libluksde_reads_it(cipher: str, tmp_path: Path, run: Run) -> None:
    path, key = tmp_path / "luks.raw", tmp_path / "key"
    key.write_bytes(_PASSPHRASE)
    path.write_bytes(noise(2).randbytes(5 << 20))
    cheap = ("--pbkdf-force-iterations", "1000", "--cipher", cipher, "--hash", "sha256")
    run("cryptsetup", "luksFormat", "-q", "--type", "luks1", *cheap, "--key-file", key, path)
    oracle = pyluksde.volume()
    oracle.set_password(_PASSPHRASE.decode())
    oracle.open(str(path))
    image = _image(_open(path, _keyring(_PASSPHRASE)))
    assert image.size == oracle.size
    assert image.read_at(0, image.size) == oracle.read_buffer_at_offset(oracle.size, 0)
    oracle.close()


@pytest.mark.parametrize("name", ["luks1/sha1", "luks2/aes-ecb-pbkdf2"])
def test_volumes_of_others_are_read(name: str, tmp_path: Path) -> None:
    image = _image(_open(sample("fve", f"{name}.bin.gz", tmp_path), _keyring(b"password")))
    assert image.read_at(0, 2048) == b"".join(bytes([number]) * 512 for number in range(4))


@pytest.fixture(scope="module")
def encrypted_disk(tmp_path_factory: pytest.TempPathFactory, run: Run, ext4_image: Path) -> Path:
    """A disk with a LUKS partition, in it LVM2, in its second logical volume ext4."""
    content = ext4_image.read_bytes()
    extents = len(content) // (8 * 512)
    group = lvm_writer.Group(
        8,
        (extents + 10,),
        {"first": (lvm_writer.Segment(3, ((0, 0),)),), "root": (lvm_writer.Segment(extents, ((0, 5),)),)},
    )
    volume = lvm_writer.physical_volume(0, lvm_writer.metadata(group), extents + 10, 8)
    lvm_writer.fill(group, "root", content, [volume])
    folder = tmp_path_factory.mktemp("luks")
    encrypted = _encrypted(bytes(volume), folder, run, *_CHEAP)
    return lvm_writer.disk(folder / "disk.raw", [bytearray(encrypted.read_bytes())])


def test_volumes_in_an_encrypted_volume_are_walked(encrypted_disk: Path, ext4_image: Path) -> None:
    with Source.open(encrypted_disk, "E1", _keyring(_PASSPHRASE + b"\n", volume="p1")) as source:
        volumes = {volume.label: volume for volume in source.volumes() if volume.allocated}
        assert list(volumes) == ["p1", "p1/luks", "p1/luks/lvm1", "p1/luks/lvm2"]
        assert volumes["p1/luks"].description == "LUKS 2, aes-xts-plain64, unlocked with a password file"
        streams, not_examined = walk(source, volumes["p1/luks/lvm2"])
        assert not_examined == []
        found = {str(stream.locator): stream for stream in streams if stream.not_hashable is None}
        contents = {text: read_whole(source, stream.locator) for text, stream in found.items()}
        stream = next(stream for stream in streams if stream.path == b"d0/s0/f0.bin")
        assert str(stream.locator).startswith("E1/p1/luks/lvm2/ext4:")
    with Source.open(ext4_image, "E1") as source:
        plain = {stream.locator.address: stream for stream in walk(source, source.volumes()[0])[0]}
        for text, content in contents.items():
            address = Locator.parse(text).address
            assert read_whole(source, Locator("E1", "p0", "ext4", address)) == content
            inner, outer = plain[address].physical_offset, found[text].physical_offset
            assert outer == (None if inner is None else inner + volumes["p1/luks/lvm2"].offset)


def test_workers_need_not_derive_the_volume_key_again(encrypted_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Source.open(encrypted_disk, "E1", _keyring(_PASSPHRASE)) as source:
        keyring = source.unlocked_keyring()
    assert [(key.kind, key.volume) for key in keyring.keys] == [
        (KeyKind.PASSWORD, None),
        (KeyKind.VOLUME, "p1/luks"),
    ]
    monkeypatch.setattr(luks_header.LuksHeader, "unlock", None)
    with Source.open(encrypted_disk, "E1", Keyring(keyring.keys[1:])) as source:
        assert "p1/luks/lvm2" in {volume.label for volume in source.volumes()}


def test_workers_need_not_try_again_keys_that_do_not_fit(encrypted_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    with Source.open(encrypted_disk, "E1", _keyring(b"wrong")) as source:
        found.append([item for volume in source.volumes() for item in source.walk(volume)])
        keyring = source.unlocked_keyring()
    monkeypatch.setattr(luks_header.LuksHeader, "unlock", None)
    with Source.open(encrypted_disk, "E1", keyring) as source:
        found.append([item for volume in source.volumes() for item in source.walk(volume)])
        assert source.unlocked_keyring() == keyring
    assert found[0] == found[1]
    assert "none of the keys given opens it" in str(found[0])


@pytest.mark.parametrize(
    ("keyring", "detail"),
    [
        (Keyring(), "LUKS"),
        (_keyring(_PASSPHRASE, volume="p2"), "LUKS"),
        (_keyring(_PASSPHRASE, volume="p1/lvm1"), "LUKS"),
        (_keyring(b"wrong", b"\xff\x00"), "LUKS 2: none of the keys given opens it"),
        (_keyring(bytes(64), kind=KeyKind.VOLUME, volume="p1/luks"), "LUKS 2"),
    ],
)
def test_without_the_right_key_it_is_listed_as_encrypted(encrypted_disk: Path, keyring: Keyring, detail: str) -> None:
    with Source.open(encrypted_disk, "E1", keyring) as source:
        (volume,) = (volume for volume in source.volumes() if volume.allocated)
        assert list(source.walk(volume)) == [NotExamined("E1/p1", Reason.VOLUME_ENCRYPTED, detail, volume.size)]


def test_the_second_header_serves_where_the_first_is_damaged(tmp_path: Path, run: Run) -> None:
    content = noise(3).randbytes(1 << 20)
    path = _encrypted(content, tmp_path, run, *_CHEAP)
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    assert _image(_open(path, _keyring(_PASSPHRASE))).read_at(0, len(content)) == content


def _changed(path: Path, change: dict[str, object]) -> None:
    """Change the metadata of both headers as cryptsetup would: with the right checksums."""
    data = bytearray(path.read_bytes())
    for start in (0, 16384):
        head = data[start : start + 16384]
        metadata = json.loads(head[4096:].partition(b"\0")[0])
        for name, value in change.items():
            *way, last = name.split(".")
            target = metadata
            for step in way:
                target = target[step]
            target[last] = value
        head[4096:] = json.dumps(metadata).encode().ljust(16384 - 4096, b"\0")
        head[448:512] = bytes(64)
        head[448:480] = hashlib.sha256(head).digest()
        data[start : start + 16384] = head
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"segments.0.integrity": {"type": "hmac(sha256)"}}, "a LUKS volume with integrity protection"),
        ({"config.requirements": {"mandatory": ["online-reencrypt"]}}, "online-reencrypt"),
        ({"segments.0.encryption": "serpent-xts-plain64"}, "serpent-xts-plain64 is not supported"),
        ({"segments.1": {"type": "linear", "offset": "0", "size": "dynamic"}}, "several segments"),
        ({"keyslots.0.kdf.hash": "whirlpool"}, "the hash whirlpool is not supported"),
        ({"keyslots.0.kdf": {"type": "argon2id", "time": 1, "memory": 1 << 40, "cpus": 1, "salt": "AAAA"}}, "damaged"),
        ({"digests": {}}, "damaged"),
        ({"segments.0.offset": "many"}, "damaged"),
    ],
)
def test_what_is_not_supported_is_said(change: dict[str, object], detail: str, tmp_path: Path, run: Run) -> None:
    path = _encrypted(bytes(1 << 20), tmp_path, run, *_CHEAP)
    _changed(path, change)
    inside = _open(path, _keyring(_PASSPHRASE))
    assert inside is not None
    assert inside.volumes == ()
    assert inside.gaps[0].reason is Reason.VOLUME_ENCRYPTED
    assert detail in inside.gaps[0].detail


@pytest.fixture(scope="module")
def small_header(tmp_path_factory: pytest.TempPathFactory, run: Run) -> bytes:
    return _encrypted(bytes(1 << 20), tmp_path_factory.mktemp("luks"), run, *_CHEAP).read_bytes()[: 1 << 20]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_header_is_told(
    data: st.DataObject, small_header: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    damaged = bytearray(small_header)
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(6, 4096) | st.integers(0, 32768 + 300_000))
        damaged[place : place + 1] = data.draw(st.binary(min_size=1, max_size=4))
    path = tmp_path_factory.mktemp("damaged") / "luks.raw"
    path.write_bytes(damaged)
    inside = _open(path, _keyring(_PASSPHRASE))
    assert inside is None or inside.gaps or inside.volumes


def test_a_truncated_volume_is_read_as_far_as_it_goes(tmp_path: Path, run: Run) -> None:
    content = noise(5).randbytes(2 << 20)
    path = _encrypted(content, tmp_path, run, *_CHEAP)
    whole = _open(path, _keyring(_PASSPHRASE))
    cut = (16 << 20) + (1 << 20) + 100
    path.write_bytes(path.read_bytes()[:cut])
    image = open_image(path)
    volume = Volume("p1", "none", "", 0, (2 << 20) + (32 << 20))
    place = LayerPlace(image, volume, (volume,), _keyring(_PASSPHRASE).of_volume("p1"))
    inside = LuksLayer().open(place)
    assert inside is not None
    assert whole is not None
    assert inside.volumes[0].size == whole.volumes[0].size
    assert _image(inside).size == 1 << 20
    assert _image(inside).read_at(0, 1 << 20) == content[: 1 << 20]
