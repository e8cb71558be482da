"""Reading DER (ITU-T X.690), as far as a time-stamp request and a CMS signature need it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forensics.errors import SealError

INTEGER, OCTET_STRING, OBJECT_IDENTIFIER, SEQUENCE, SET = 0x02, 0x04, 0x06, 0x30, 0x31


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its tag, its content, and all of its bytes, header included."""

    tag: int
    content: bytes
    encoded: bytes

    def parts(self) -> list[Value]:
        """The values inside one that is constructed.

        Raises:
            SealError: They are malformed.
        """
        return list(read_values(self.content))


def read_value(data: bytes, where: str) -> Value:
    """Read bytes that are one value.

    Args:
        data: The bytes.
        where: What an error names.

    Raises:
        SealError: They are not.
    """
    try:
        (value,) = read_values(data)
    except (SealError, ValueError) as error:
        raise SealError("is not what it should be (malformed DER)", where, "check the file") from error
    return value


def read_values(data: bytes) -> Iterator[Value]:
    """Read values that follow one another.

    Raises:
        SealError: They are malformed.
    """
    position = 0
    while position < len(data):
        header = data[position : position + 2]
        if len(header) < 2 or header[0] & 0x1F == 0x1F:  # tags of more than a byte do not occur here
            raise SealError("malformed DER")
        length, start = header[1], position + 2
        if length & 0x80:
            octets = length & 0x7F
            length, start = int.from_bytes(data[start : start + octets], "big"), start + octets
            if not 0 < octets <= 4:  # neither the indefinite form, which DER forbids, nor more than 4 GiB
                raise SealError("malformed DER")
        if start + length > len(data):
            raise SealError("malformed DER")
        yield Value(header[0], data[start : start + length], data[position : start + length])
        position = start + length
