"""Keys with which a laboratory signs what it seals: Ed25519 (RFC 8032), in PEM files that OpenSSL reads too."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    load_pem_public_key,
)

from forensics.errors import SealError
from forensics.new_file import new_file, refuse_existing

MOST_KEY_BYTES = 1 << 16
"""No key or passphrase file is larger; a wrong file must not be read whole."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The half of a key that checks signatures.

    Attributes:
        raw: Its 32 bytes.
    """

    raw: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key as DER (SubjectPublicKeyInfo): ``openssl pkey -pubin -outform DER | sha256sum``."""
        der = self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()

    @property
    def pem(self) -> bytes:
        """The key as a file that other programs read."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether a signature of 64 bytes over a message was made with this key."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)


class SigningKey:
    """The half of a key that signs.

    Args:
        key: As the library holds it.
    """

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public(self) -> PublicKey:
        """The other half."""
        return PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Sign a message: 64 bytes, the same each time."""
        return self._key.sign(message)


def public_key_path(path: Path) -> Path:
    """Where the public half of a key is written."""
    return path.with_name(path.name + ".pub")


def new_key(path: Path, passphrase: bytes | None) -> PublicKey:
    """Make a key: the private half in a file for its owner only, the public half beside it.

    Args:
        path: The file for the private half (PKCS 8, PEM); must not exist.
        passphrase: Encrypts the file; ``None`` leaves it readable to whoever gets hold of it.

    Raises:
        ReportError: A file exists or cannot be written.
    """
    refuse_existing(public_key_path(path))
    key = Ed25519PrivateKey.generate()
    encryption: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    with new_file(path) as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    try:
        with new_file(public_key_path(path)) as file:
            file.write(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except BaseException:
        path.unlink()
        raise
    return SigningKey(key).public


def read_signing_key(path: Path, passphrase: bytes | None = None) -> SigningKey:
    """Read a private key.

    Raises:
        SealError: It cannot be read, is no Ed25519 key, or the passphrase is not its own.
    """
    key = read_private_key(path, passphrase)
    if not isinstance(key, Ed25519PrivateKey):
        raise SealError("is no Ed25519 key", str(path), "make one with 'tamiz key new'")
    return SigningKey(key)


def read_private_key(path: Path, passphrase: bytes | None = None) -> object:
    """Read a private key of any kind, PEM or DER, such as one that belongs to a certificate.

    Raises:
        SealError: It cannot be read, or the passphrase is not its own.
    """
    data = read_small_file(path)
    load: Callable[..., object] = load_pem_private_key if data.lstrip().startswith(b"-----") else load_der_private_key
    try:
        return load(data, passphrase)
    except TypeError as error:
        if passphrase is None:
            raise SealError("is encrypted", str(path), "give its passphrase with --passphrase-file") from error
        raise SealError("is not encrypted", str(path), "leave out its passphrase") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        remedy = "check the file and its passphrase"
        raise SealError("cannot be read as a private key", str(path), remedy) from error


def read_public_key(path: Path) -> PublicKey:
    """Read a public key in PEM.

    Raises:
        SealError: It cannot be read or is no Ed25519 key.
    """
    try:
        key = load_pem_public_key(read_small_file(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SealError("cannot be read as a public key", str(path), "give the .pub file of the laboratory") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SealError("is no Ed25519 key", str(path), "give the .pub file of the laboratory")
    return PublicKey(key.public_bytes_raw())


def read_passphrase(path: Path) -> bytes:
    """Read a passphrase: the first line of a file.

    Raises:
        SealError: The file cannot be read or begins with an empty line.
    """
    line = read_small_file(path).splitlines()[:1]
    if not line or not line[0]:
        raise SealError("holds no passphrase", str(path), "write it into the first line")
    return line[0]


def read_small_file(path: Path) -> bytes:
    """Read a file that holds a key, a certificate or a passphrase.

    Raises:
        SealError: It cannot be read, or is too large to be one.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_KEY_BYTES + 1)
    except OSError as error:
        raise SealError(f"cannot be read ({error.strerror})", str(path), "check path and permissions") from error
    if len(data) > MOST_KEY_BYTES:
        raise SealError("is too large for a key, certificate or passphrase", str(path), "check path")
    return data
