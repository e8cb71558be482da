"""CMS signatures that OpenSSL finds good, and those of OpenSSL that are found good here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.errors import SealError
from forensics.seal.certificates import CertificateSigner, read_certificate, signer_of
from tests.seal.authorities import Authority, make_authority, openssl

MESSAGE = b'{"format": "tamiz-seal-1"}\r\n\n\x00'


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("x") / "authority")


@pytest.fixture(scope="module")
def signature(authority: Authority) -> bytes:
    return CertificateSigner.read(authority.folder / "ana.pem", authority.folder / "ana.key").sign(MESSAGE)


def test_openssl_finds_the_signature_and_its_issuer_good(
    authority: Authority, signature: bytes, tmp_path: Path
) -> None:
    (tmp_path / "m").write_bytes(MESSAGE)
    (tmp_path / "m.p7s").write_bytes(signature)
    checked = ("cms", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "m.p7s", "-content", tmp_path / "m")
    assert openssl(*checked, "-CAfile", authority.folder / "ca.pem") == MESSAGE


def test_whose_signature_it_is_and_over_what(authority: Authority, signature: bytes) -> None:
    certificate = signer_of(signature, MESSAGE, "m.p7s")
    assert certificate == read_certificate(authority.folder / "ana.pem")
    assert signer_of(signature, MESSAGE + b"x", "m.p7s") is None


@pytest.mark.parametrize("digest", ["sha256"])
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_signature_by_openssl_is_found_good(authority: Authority, tmp_path: Path, kind: str, digest: str) -> None:
    certificate, key = authority.folder / "ana.pem", authority.folder / "ana.key"
    if kind == "ec":
        certificate, key = tmp_path / "ec.pem", tmp_path / "ec.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj",
                "/CN=curva", "-keyout", key, "-out", certificate)  # fmt: skip
    (tmp_path / "m").write_bytes(MESSAGE)
    openssl("cms", "-sign", "-binary", "-md", digest, "-in", tmp_path / "m", "-signer", certificate, "-inkey", key,
            "-outform", "DER", "-out", tmp_path / "p7s")  # fmt: skip
    assert signer_of((tmp_path / "p7s").read_bytes(), MESSAGE, "p7s") == read_certificate(certificate)
    assert CertificateSigner.read(certificate, key).sign(MESSAGE)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_signature_that_was_changed_is_not_good_or_says_the_same(
    authority: Authority, signature: bytes, data: st.DataObject
) -> None:
    """Some bytes are not covered: which algorithm the digest is named by, the versions. The signer stays the signer."""
    changed = bytearray(signature)
    changed[data.draw(st.integers(0, len(signature) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = signer_of(bytes(changed), MESSAGE, "m.p7s")
    except SealError:
        return
    assert found is None or found.public_key() == read_certificate(authority.folder / "ana.pem").public_key()


def test_certificate_and_key_as_der_and_encrypted(authority: Authority, tmp_path: Path) -> None:
    """As the Mexican tax authority hands out an e.firma: .cer and .key in DER, the key under a passphrase."""
    openssl("x509", "-in", authority.folder / "ana.pem", "-outform", "DER", "-out", tmp_path / "ana.cer")
    openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:clave", "-outform", "DER", "-in",
            authority.folder / "ana.key", "-out", tmp_path / "ana.key")  # fmt: skip
    signer = CertificateSigner.read(tmp_path / "ana.cer", tmp_path / "ana.key", b"clave")
    assert signer_of(signer.sign(MESSAGE), MESSAGE, "m.p7s") is not None
    with pytest.raises(SealError, match="passphrase"):
        CertificateSigner.read(tmp_path / "ana.cer", tmp_path / "ana.key", b"otra")


def test_what_does_not_belong_together_is_refused(authority: Authority, tmp_path: Path) -> None:
    folder = authority.folder
    with pytest.raises(SealError, match="is not the key of the certificate"):
        CertificateSigner.read(folder / "ana.pem", folder / "tsa.key")
    with pytest.raises(SealError, match="cannot be read as a certificate"):
        read_certificate(folder / "ana.key")
    openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "9", "-subj", "/CN=x", "-keyout", tmp_path / "k",
            "-out", tmp_path / "c")  # fmt: skip
    with pytest.raises(SealError, match="neither an RSA nor an EC key"):
        CertificateSigner.read(tmp_path / "c", tmp_path / "k")


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=60))
def test_any_bytes_are_no_signature_or_told(data: bytes) -> None:
    with pytest.raises(SealError):
        signer_of(data, MESSAGE, "m.p7s")
