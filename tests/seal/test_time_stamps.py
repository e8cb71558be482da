"""Time stamps of an authority made with OpenSSL, which knows nothing of us; and what is not one is told."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from forensics.errors import ReportError, SealError
from forensics.seal import verify
from forensics.seal.certificates import read_certificate
from forensics.seal.files import manifest_path, time_stamp_path
from forensics.seal.time_stamps import attach_answer, check_answer, write_request
from forensics.seal.verification import verify_sealed
from tests.seal.authorities import Authority, make_authority, openssl
from tests.seal.conftest import Sealed


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("x") / "authority")


@pytest.fixture(scope="module")
def exchange(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A file, the request for it, and the answer."""
    folder = tmp_path_factory.mktemp("exchange")
    (folder / "m").write_bytes(b"what was there")
    write_request(folder / "m", folder / "m.tsq")
    return folder / "m", folder / "m.tsq", authority.stamp(folder / "m.tsq", folder / "m.tsr")


def test_openssl_reads_the_request(exchange: tuple[Path, Path, Path]) -> None:
    stamped, request, _ = exchange
    text = openssl("ts", "-query", "-in", request, "-text").decode()
    assert "Hash Algorithm: sha256" in text
    assert "Certificate required: yes" in text
    assert "Nonce: 0x" in text
    assert openssl("ts", "-query", "-data", stamped, "-sha256", "-cert")[:50] != b""


def test_an_answer_is_checked_against_file_request_and_authority(
    authority: Authority, exchange: tuple[Path, Path, Path]
) -> None:
    stamped, request, answer = exchange
    issuer = read_certificate(authority.folder / "ca.pem")
    stamp = check_answer(answer, stamped, request, [issuer])
    assert stamp.checked
    assert abs(stamp.at - datetime.now(UTC)) < timedelta(minutes=10)
    assert not check_answer(answer, stamped).checked
    openssl("ts", "-verify", "-queryfile", request, "-in", answer, "-CAfile", authority.folder / "ca.pem")
    openssl("ts", "-verify", "-data", stamped, "-in", answer, "-CAfile", authority.folder / "ca.pem")


def test_an_answer_over_something_else_is_told(exchange: tuple[Path, Path, Path], tmp_path: Path) -> None:
    _, _, answer = exchange
    (tmp_path / "other").write_bytes(b"what was not there")
    with pytest.raises(SealError, match=r"is not over .*other"):
        check_answer(answer, tmp_path / "other")


def test_an_answer_to_another_request_is_told(exchange: tuple[Path, Path, Path], tmp_path: Path) -> None:
    stamped, _, answer = exchange
    write_request(stamped, tmp_path / "later.tsq")
    with pytest.raises(SealError, match=r"does not answer .*later\.tsq"):
        check_answer(answer, stamped, tmp_path / "later.tsq")


def test_a_refusal_is_told_with_the_authoritys_words(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"x")
    openssl("ts", "-query", "-data", tmp_path / "m", "-sha1", "-out", tmp_path / "q")  # not among its digests
    authority.stamp(tmp_path / "q", tmp_path / "r")
    with pytest.raises(SealError, match=r"the authority refused \(.*(not supported|rejected).*\)"):
        check_answer(tmp_path / "r", tmp_path / "m")
    with pytest.raises(verify.MALFORMED):
        verify.time_stamp((tmp_path / "r").read_bytes())


def test_the_stamp_of_an_authority_that_nobody_vouches_for_is_told(
    exchange: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    stamped, request, answer = exchange
    other = make_authority(tmp_path / "other", "Otra autoridad")
    with pytest.raises(SealError, match="its signature does not hold"):
        check_answer(answer, stamped, request, [read_certificate(other.folder / "ca.pem")])


def test_a_certificate_that_is_not_for_stamping_is_told(authority: Authority, tmp_path: Path) -> None:
    """RFC 3161, 2.3: the authority's certificate must be for time stamps alone."""
    (tmp_path / "m").write_bytes(b"x")
    write_request(tmp_path / "m", tmp_path / "q")
    folder = authority.folder
    with pytest.raises(subprocess.CalledProcessError):
        authority.stamp(tmp_path / "q", tmp_path / "r", "-signer", folder / "ana.pem", "-inkey", folder / "ana.key")
    answer = authority.stamp(tmp_path / "q", tmp_path / "r")
    assert check_answer(answer, tmp_path / "m", certificates=[read_certificate(folder / "ca.pem")]).checked


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_answer_that_was_changed_is_told_or_says_the_same(
    authority: Authority, exchange: tuple[Path, Path, Path], tmp_path: Path, data: st.DataObject
) -> None:
    stamped, request, answer = exchange
    issuer = read_certificate(authority.folder / "ca.pem")
    whole = answer.read_bytes()
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "r").write_bytes(changed)
    try:
        stamp = check_answer(tmp_path / "r", stamped, request, [issuer])
    except SealError:
        return
    assert stamp == check_answer(answer, stamped, request, [issuer])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=80))
@example(junk=b"\0\0")
@example(junk=b"\x30\x03\x02\x01\x01")
def test_any_bytes_are_no_answer_and_no_request(exchange: tuple[Path, Path, Path], tmp_path: Path, junk: bytes) -> None:
    stamped, _, answer = exchange
    (tmp_path / "junk").write_bytes(junk)
    with pytest.raises(SealError):
        check_answer(tmp_path / "junk", stamped)
    with pytest.raises(SealError):
        check_answer(answer, stamped, tmp_path / "junk")
    with pytest.raises(verify.MALFORMED):
        verify.time_stamp(junk)


def test_a_request_is_not_written_over_and_not_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"")
    with pytest.raises(SealError, match="is empty"):
        write_request(tmp_path / "m", tmp_path / "q")
    with pytest.raises(SealError, match="cannot be read"):
        write_request(tmp_path / "none", tmp_path / "q")
    (tmp_path / "m").write_bytes(b"x")
    write_request(tmp_path / "m", tmp_path / "q")
    with pytest.raises(ReportError, match="exists already"):
        write_request(tmp_path / "m", tmp_path / "q")


# Beside a sealed case


def test_a_stamp_over_the_manifest_is_found_good(sealed: Sealed, authority: Authority, tmp_path: Path) -> None:
    manifest = manifest_path(sealed.path)
    write_request(manifest, tmp_path / "q")
    answer = authority.stamp(tmp_path / "q", tmp_path / "r")
    attach_answer(answer, time_stamp_path(sealed.path))
    assert sealed.codes() == set()
    issuer = read_certificate(authority.folder / "ca.pem")
    checked = verify_sealed(sealed.path, certificates=[issuer])
    assert [code for code, _ in checked.findings] == []
    assert "time-stamp-checked" in [code for code, _ in checked.notes]
    (at,) = (values["at"] for code, values in verify.verify(sealed.path).notes if code == "time-stamp")
    assert datetime.strptime(at, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC) == check_answer(answer, manifest).at
    with pytest.raises(ReportError, match="exists already"):
        attach_answer(answer, time_stamp_path(sealed.path))
    other = make_authority(tmp_path / "other", "Otra autoridad")
    unknown = verify_sealed(sealed.path, certificates=[read_certificate(other.folder / "ca.pem")])
    assert [code for code, _ in unknown.findings] == ["time-stamp-untrusted"]


def test_a_stamp_over_something_else_is_found_wrong(
    sealed: Sealed, exchange: tuple[Path, Path, Path], authority: Authority
) -> None:
    _, _, answer = exchange
    for wrong in (answer.read_bytes(), b"", answer.read_bytes()[:-100]):
        time_stamp_path(sealed.path).write_bytes(wrong)
        assert sealed.codes() == {"time-stamp-wrong"}, wrong[:10]
    assert authority.folder.exists()
