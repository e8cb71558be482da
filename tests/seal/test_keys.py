"""Keys that OpenSSL reads, for their owner only, and one clear line for any other file."""

from __future__ import annotations

import hashlib
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from forensics.errors import ReportError, SealError
from forensics.seal.keys import new_key, read_passphrase, read_public_key, read_signing_key


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True).stdout


def test_openssl_reads_the_key_and_finds_the_same_fingerprint(tmp_path: Path) -> None:
    public = new_key(tmp_path / "k", None)
    der = openssl("pkey", "-pubin", "-in", tmp_path / "k.pub", "-outform", "DER")
    assert openssl("pkey", "-in", tmp_path / "k", "-pubout", "-outform", "DER") == der
    assert public.fingerprint == hashlib.sha256(der).hexdigest()
    assert read_public_key(tmp_path / "k.pub") == read_signing_key(tmp_path / "k").public == public


def test_openssl_finds_the_signature_good(tmp_path: Path) -> None:
    new_key(tmp_path / "k", None)
    (tmp_path / "m").write_bytes(b"what is signed")
    (tmp_path / "m.sig").write_bytes(read_signing_key(tmp_path / "k").sign(b"what is signed"))
    options = ("-pubin", "-inkey", tmp_path / "k.pub", "-rawin", "-in", tmp_path / "m", "-sigfile", tmp_path / "m.sig")
    assert b"Successfully" in openssl("pkeyutl", "-verify", *options)


def test_both_halves_are_for_their_owner_only(tmp_path: Path) -> None:
    new_key(tmp_path / "k", None)
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600


def test_a_passphrase_encrypts_the_private_half(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes("contraseña\n".encode())
    passphrase = read_passphrase(tmp_path / "p")
    public = new_key(tmp_path / "k", passphrase)
    assert b"ENCRYPTED" in (tmp_path / "k").read_bytes()
    assert read_signing_key(tmp_path / "k", passphrase).public == public
    with pytest.raises(SealError, match="is encrypted"):
        read_signing_key(tmp_path / "k")
    with pytest.raises(SealError, match="Check the file and its passphrase"):
        read_signing_key(tmp_path / "k", b"another")
    new_key(tmp_path / "open", None)
    with pytest.raises(SealError, match="is not encrypted"):
        read_signing_key(tmp_path / "open", passphrase)


@pytest.mark.parametrize("name", ["k", "k.pub"])
def test_no_key_is_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("in the way")
    with pytest.raises(ReportError, match="exists already"):
        new_key(tmp_path / "k", None)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("data", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\x30\x00", b"x" * 100_000])
def test_what_is_no_key_is_told_in_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "k").write_bytes(data)
    for read in (read_signing_key, read_public_key):
        with pytest.raises(SealError) as error:
            read(tmp_path / "k")
        assert len(str(error.value).splitlines()) == 1
    with pytest.raises(SealError, match="cannot be read"):
        read_signing_key(tmp_path / "none")


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    (tmp_path / "k").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "k.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(SealError, match="is no Ed25519 key"):
        read_signing_key(tmp_path / "k")
    with pytest.raises(SealError, match="is no Ed25519 key"):
        read_public_key(tmp_path / "k.pub")


@pytest.mark.parametrize("data", [b"", b"\n", b"\nsecret"])
def test_an_empty_passphrase_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(SealError, match="holds no passphrase"):
        read_passphrase(tmp_path / "p")
