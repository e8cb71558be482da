"""Signing with an X.509 certificate: a detached CMS signature (RFC 5652), as courts and OpenSSL read it.

The e.firma of a Mexican official is such a certificate (RSA). Whether a certificate is to be trusted is asked of its
issuer, not of us: :func:`signer_of` says that a signature is genuine, and whose. To check the chain as well::

    openssl cms -verify -binary -inform DER -in FILE.manifest.json.p7s -content FILE.manifest.json -CAfile CA.pem
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificate

from forensics.errors import SealError
from forensics.seal import der
from forensics.seal.keys import read_private_key, read_small_file

_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")  # 1.2.840.113549.1.9.4
_IMPLICIT_0 = 0xA0  # the certificates in SignedData, the signed attributes in SignerInfo
_NOT_MATCHING = "is not the key of the certificate"


class CertificateSigner:
    """Signs as the holder of a certificate.

    Args:
        certificate: The certificate.
        key: Its private key.
    """

    __slots__ = ("_certificate", "_key")

    def __init__(self, certificate: Certificate, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def read(cls, certificate: Path, key: Path, passphrase: bytes | None = None) -> CertificateSigner:
        """Read a certificate and its key, each PEM or DER.

        Raises:
            SealError: One cannot be read, they do not belong together, or the key is neither RSA nor EC.
        """
        read, private = read_certificate(certificate), read_private_key(key, passphrase)
        if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise SealError("is neither an RSA nor an EC key, as CMS asks for", str(key), "use another certificate")
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        if private.public_key().public_bytes(*form) != read.public_key().public_bytes(*form):
            raise SealError(_NOT_MATCHING, str(key), "give the key that the certificate was issued for")
        return cls(read, private)

    def sign(self, message: bytes) -> bytes:
        """Sign a message: CMS SignedData without the message, DER."""
        builder = PKCS7SignatureBuilder().set_data(message).add_signer(self._certificate, self._key, hashes.SHA256())
        return builder.sign(
            Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary, PKCS7Options.NoCapabilities]
        )


def read_certificate(path: Path) -> Certificate:
    """Read an X.509 certificate, PEM or DER.

    Raises:
        SealError: It cannot be read.
    """
    data = read_small_file(path)
    try:
        if b"-----BEGIN CERTIFICATE-----" in data:
            return load_pem_x509_certificate(data)
        return load_der_x509_certificate(data)
    except ValueError as error:
        raise SealError("cannot be read as a certificate", str(path), "give an X.509 file, PEM or DER") from error


def signer_of(signature: bytes, message: bytes, where: str) -> Certificate | None:
    """Check a detached CMS signature with SHA-256 by one signer.

    Args:
        signature: CMS SignedData, DER.
        message: What it should be over.
        where: What an error names.

    Returns:
        The certificate in it whose key made the signature; ``None`` if the signature is not over this message.

    Raises:
        SealError: It is malformed, or signed in a way that is not read here.
    """
    certificates, attributes, value = _parts(signature, where)
    if _message_digest(attributes) != hashlib.sha256(message).digest():
        return None
    # what is signed is the set of attributes under its own tag, not under the one it has in the signature
    signed = bytes([der.SET]) + attributes.encoded[1:]
    return next((certificate for certificate in certificates if _made(certificate, value, signed)), None)


def _parts(signature: bytes, where: str) -> tuple[list[Certificate], der.Value, bytes]:
    """Certificates, signed attributes and signature value of a SignedData with one signer (RFC 5652, 5.1 and 5.3)."""
    try:
        _, wrapped = der.read_value(signature, where).parts()
        (signed_data,) = wrapped.parts()
        parts = signed_data.parts()
        (signer,) = parts[-1].parts()
        enclosed = next(part for part in parts if part.tag == _IMPLICIT_0)
        with warnings.catch_warnings(action="error"):  # of certificates that later versions will refuse
            certificates = [load_der_x509_certificate(part.encoded) for part in enclosed.parts()]
        attributes = next(part for part in signer.parts() if part.tag == _IMPLICIT_0)
        value = next(part for part in signer.parts() if part.tag == der.OCTET_STRING)
    except (ValueError, StopIteration, IndexError, SealError, Warning) as error:
        what = "is no CMS signature with a certificate and signed attributes by one signer"
        raise SealError(what, where, "check it with openssl") from error
    return certificates, attributes, value.content


def _message_digest(attributes: der.Value) -> bytes | None:
    """What the signed attributes say the message's digest is (RFC 5652, 11.2); ``None`` if they do not say it once."""
    try:
        named = [(name.content, values.parts()) for name, values in (each.parts() for each in attributes.parts())]
    except (ValueError, SealError):
        return None
    found = [value.content for name, values in named if name == _MESSAGE_DIGEST for value in values]
    return found[0] if len(found) == 1 else None


def _made(certificate: Certificate, signature: bytes, message: bytes) -> bool:
    try:
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True
