"""Key files: read as given, tried where meant, shown nowhere."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from forensics.errors import EvidenceError
from forensics.evidence.keys import MAX_KEY_FILE, Key, KeyKind, Keyring

_SECRET = b"open sesame"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "a=b key"
    path.write_bytes(_SECRET + b"\r\n")
    return path


@pytest.mark.parametrize("volume", ["p2", "p0", "p3/luks/lvm1", "p2/apfs1", "u4"])
def test_a_volume_may_be_named(volume: str, key_file: Path) -> None:
    keyring = Keyring.read([f"{volume}={key_file}", str(key_file)], [f"{volume}={key_file}"])
    assert keyring.keys == (
        Key(KeyKind.PASSWORD, _SECRET + b"\r\n", volume),
        Key(KeyKind.PASSWORD, _SECRET + b"\r\n", None),
        Key(KeyKind.RECOVERY, _SECRET + b"\r\n", volume),
    )
    assert keyring.recorded(KeyKind.PASSWORD) == [volume, "any"]
    assert keyring.recorded(KeyKind.RECOVERY) == [volume]


def test_a_file_name_with_an_equals_sign_is_no_volume(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(key_file.parent)
    assert Keyring.read([key_file.name], []).keys[0].volume is None


def test_keys_are_tried_where_they_are_meant() -> None:
    keyring = Keyring(
        (Key(KeyKind.PASSWORD, b"1"), Key(KeyKind.PASSWORD, b"2", "p2"), Key(KeyKind.PASSWORD, b"3", "p2/apfs1"))
    )

    def tried(volume: str, inner: str | None = None) -> bytes:
        return b"".join(key.secret for key in keyring.of_volume(volume).of_kind(KeyKind.PASSWORD, inner))

    assert tried("p1") == b"1"
    assert tried("p2") == b"12"
    assert tried("p2", "apfs1") == b"123"
    assert tried("p2", "apfs2") == b"12"


def test_where_none_fits_none_is_tried_again() -> None:
    keyring = Keyring((Key(KeyKind.PASSWORD, b"1"), Key(KeyKind.RECOVERY, b"2", "p2")))
    told = keyring.with_unopened(["p1", "p2/apfs1"]).with_volume_keys([("p2/apfs2", b"3")]).with_unopened([])
    for volume, inner, count in (
        ("p1", "luks", 0),
        ("p1", None, 0),
        ("p2", "apfs1", 0),
        ("p2", "apfs2", 2),
        ("p3", None, 1),
    ):
        keys = told.of_volume(volume)
        assert sum(len(keys.of_kind(kind, inner)) for kind in (KeyKind.PASSWORD, KeyKind.RECOVERY)) == count
        assert keys.any(inner)  # keys were given, and that is what is told
    assert pickle.loads(pickle.dumps(told)) == told  # noqa: S301  it travels to workers


def test_a_secret_shows_in_no_text_of_its_holders(key_file: Path) -> None:
    keyring = Keyring.read([str(key_file)], []).with_volume_keys([("p2/luks", b"volume key")])
    text = repr(keyring) + str(keyring) + repr(keyring.of_volume("p2")) + repr(keyring.keys)
    assert "sesame" not in text
    assert "volume key" not in text.replace("volume-key", "")
    assert pickle.loads(pickle.dumps(keyring)) == keyring  # noqa: S301  it travels to workers


def test_a_file_that_can_be_no_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be read"):
        Keyring.read([str(tmp_path / "missing")], [])
    (tmp_path / "empty").write_bytes(b"\n")
    with pytest.raises(EvidenceError, match="empty"):
        Keyring.read([], [f"p1={tmp_path / 'empty'}"])
    with (tmp_path / "large").open("wb") as file:
        file.write(b"x")
        file.truncate(MAX_KEY_FILE + 1)
    with pytest.raises(EvidenceError, match="too large"):
        Keyring.read([str(tmp_path / "large")], [])


def test_a_process_that_read_a_key_leaves_no_core_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"secret")
    program = (
        "import resource, sys; from forensics.evidence.keys import Keyring; "
        "most = resource.getrlimit(resource.RLIMIT_CORE)[1]; resource.setrlimit(resource.RLIMIT_CORE, (most, most)); "
        "Keyring.read((), sys.argv[1:]); print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "key"], check=True, capture_output=True, text=True)
    assert done.stdout == "(0, 0)\n"
