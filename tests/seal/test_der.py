"""Reading DER: what OpenSSL writes is read; what is malformed is told and never read beyond its end."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import SealError
from forensics.seal import der


def test_a_public_key_is_a_sequence_of_its_kind_and_its_bits() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    value = der.read_value(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "x")
    kind, bits = value.parts()
    assert (value.tag, kind.tag, kind.parts()[0].tag) == (der.SEQUENCE, der.SEQUENCE, der.OBJECT_IDENTIFIER)
    assert bits.content[1:] == key.public_bytes_raw()


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 70_000])
def test_lengths_of_every_form_are_read(length: int) -> None:
    octets = length.to_bytes((length.bit_length() + 7) // 8 or 1, "big")
    header = bytes([length]) if length < 128 else bytes([0x80 | len(octets)]) + octets
    value = der.read_value(bytes([der.OCTET_STRING]) + header + bytes(length), "x")
    assert value.content == bytes(length)


_MALFORMED = (b"", b"\x30", b"\x30\x80\0\0", b"\x30\x05\x01", b"\x30\x85\0\0\0\0\1x", b"\x1f\x81\1\0", b"\2\0\2\0")


@pytest.mark.parametrize("data", _MALFORMED)
def test_what_is_not_one_value_is_told(data: bytes) -> None:
    with pytest.raises(SealError, match="malformed DER"):
        der.read_value(data, "x")


@given(st.binary(max_size=64))
def test_values_that_are_read_are_all_the_bytes(data: bytes) -> None:
    try:
        values = list(der.read_values(data))
    except SealError:
        return
    assert b"".join(value.encoded for value in values) == data
