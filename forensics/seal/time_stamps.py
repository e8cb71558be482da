"""Time stamps (RFC 3161) for a machine without a network: the request is written, carried out, and its answer taken in.

A time stamp says that a file existed at a time, on the word of an authority that is neither us nor the laboratory. It
is taken over the manifest, which holds the digest of the sealed case, the head of its ledger and the signer's key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.x509 import Certificate, ObjectIdentifier
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from forensics.errors import SealError
from forensics.new_file import new_file, refuse_existing
from forensics.seal import der
from forensics.seal.keys import read_small_file

_HASHES = {
    ObjectIdentifier("2.16.840.1.101.3.4.2.1"): "sha256",
    ObjectIdentifier("2.16.840.1.101.3.4.2.2"): "sha384",
    ObjectIdentifier("2.16.840.1.101.3.4.2.3"): "sha512",
}


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What an authority attests.

    Attributes:
        at: When the file existed, UTC, by the authority's clock.
        serial_number: The authority's number for this time stamp.
        checked: Whether its signature was checked against certificates of the authority.
    """

    at: datetime
    serial_number: int
    checked: bool


def write_request(stamped: Path, output: Path) -> None:
    """Write a request for a time stamp over a file: its SHA-256, a nonce, and that certificates be sent along.

    Raises:
        SealError: The file cannot be read or is empty.
        ReportError: The output exists or cannot be written.
    """
    refuse_existing(output)
    data = _read(stamped)
    if not data:
        raise SealError("is empty", str(stamped), "give the file to be time-stamped")
    builder = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    with new_file(output) as file:
        file.write(request.as_bytes())


def check_answer(
    answer: Path, stamped: Path, request: Path | None = None, certificates: Sequence[Certificate] = ()
) -> TimeStamp:
    """Check an answer of an authority.

    Args:
        answer: The TimeStampResp, DER.
        stamped: The file it should be over.
        request: The request it should answer: it has the same nonce; ``None``: not compared.
        certificates: Of the authority and its issuers; if there is none, its signature is not checked.

    Raises:
        SealError: It is refused, over something else, answers another request, or its signature does not hold.
    """
    where = str(answer)
    response, at, serial_number, nonce, imprint, algorithm = _decode(read_small_file(answer), where)
    data = _read(stamped)
    if imprint != hashlib.new(algorithm, data).digest():
        raise SealError(f"is not over {stamped}", where, "give the answer to the request for this very file")
    if request is not None and nonce != _nonce(request):
        raise SealError(f"does not answer {request}", where, "give the answer to this very request")
    if certificates:
        try:
            VerifierBuilder(roots=list(certificates)).build().verify_message(response, data)
        except (VerificationError, ValueError) as error:
            what = f"its signature does not hold against the certificates given ({error})"
            raise SealError(what, where, "give the authority's certificates, from its issuer") from error
    return TimeStamp(at, serial_number, bool(certificates))


def attach_answer(answer: Path, place: Path) -> None:
    """Keep an answer that was checked.

    Raises:
        ReportError: There is one already, or it cannot be written.
    """
    data = read_small_file(answer)
    with new_file(place) as file:
        file.write(data)


def _decode(data: bytes, where: str) -> tuple[TimeStampResponse, datetime, int, int | None, bytes, str]:
    """Read an answer: itself, its time, serial number, nonce, imprint and the name of the imprint's algorithm."""
    try:
        response = decode_timestamp_response(data)
        if response.status != PKIStatus.GRANTED:
            said = "; ".join(response.status_string) or f"status {response.status}"
            raise SealError(f"the authority refused ({said})", where, "ask it again, or another one")
        information = response.tst_info
        imprint = information.message_imprint
        algorithm = _HASHES.get(imprint.hash_algorithm)
        fields = information.gen_time, information.serial_number, information.nonce, imprint.message
    except ValueError as error:
        raise SealError("is no answer to a time-stamp request", where, "give the .tsr file of the authority") from error
    if algorithm is None:
        raise SealError("is over a digest that is not read here", where, "ask for SHA-256")
    return response, *fields, algorithm


def _nonce(request: Path) -> int:
    """The nonce of a request (RFC 3161, 2.4.1): the integer after the imprint."""
    parts = der.read_value(read_small_file(request), str(request)).parts()
    numbers = [part for part in parts[2:] if part.tag == der.INTEGER]
    if [part.tag for part in parts[:2]] != [der.INTEGER, der.SEQUENCE] or not numbers:
        raise SealError("is no time-stamp request with a nonce", str(request), "give the .tsq file")
    return int.from_bytes(numbers[0].content, "big", signed=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SealError(f"cannot be read ({error.strerror})", str(path), "check path and permissions") from error
