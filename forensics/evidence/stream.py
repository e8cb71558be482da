"""What a walk over evidence yields: streams, and what could not be examined."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.evidence.locator import Locator
    from forensics.reason import Reason


class Allocation(StrEnum):
    """How the file system accounts for a stream."""

    ALLOCATED = "allocated"
    DELETED = "deleted"
    ORPHAN = "orphan"
    CARVED = "carved"


class Recovery(StrEnum):
    """How sure it is that a stream's bytes are the file's bytes."""

    INTACT = "intact"
    """The file system's own allocation leads to the bytes."""
    ASSUMED_CONTIGUOUS = "assumed-contiguous"
    """Deleted on FAT: the chain is gone, the bytes are the run that starts at its first cluster. A hit is as strong
    as any (the digest proves it); a miss says nothing."""


@dataclass(frozen=True, slots=True)
class Times:
    """File times as the file system stores them, in nanoseconds since 1970-01-01 UTC; ``None`` where it has none.

    FAT stores local time without an offset: its times are kept as if the offset were zero.
    """

    modified: int | None = None
    accessed: int | None = None
    changed: int | None = None
    created: int | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """One addressable run of bytes worth hashing.

    Attributes:
        locator: Where it is; reopens it on another machine.
        path: Full path inside the file system as stored, without a leading slash, parts joined by ``/``; an
            alternate data stream is appended as ``:name``. Sensitive: may name or describe a victim.
        size: Length in bytes.
        allocation: How the file system accounts for it.
        recovery: How sure its bytes are.
        physical_offset: Byte offset in the image of its first block, for reading in physical order; ``None`` when
            it has none of its own (resident, empty, unknown).
        times: File times.
        not_hashable: Why its content must not be hashed (name only, unreadable by nature); ``None`` if it can be.
    """

    locator: Locator
    path: bytes
    size: int
    allocation: Allocation
    recovery: Recovery = Recovery.INTACT
    physical_offset: int | None = None
    times: Times = Times()
    not_hashable: Reason | None = None

    @property
    def display_path(self) -> str:
        """The path as text that is safe to print (see :func:`display_text`)."""
        return display_text(self.path)


@dataclass(frozen=True, slots=True)
class NotExamined:
    """Something that could not be examined, to be listed in the case.

    Attributes:
        locator: Text of the locator, as far down as it is known (``E1``, ``E1/p2``, ``E1/p2/ntfs:1234``).
        reason: Why.
        detail: The library's own words or the figures; may be empty. Never holds a file name.
        size: Bytes concerned, where known.
    """

    locator: str
    reason: Reason
    detail: str = ""
    size: int | None = None


def display_text(name: bytes) -> str:
    r"""Decode a stored name for people: UTF-8, with everything invisible or misleading written as an escape.

    Bytes that are not UTF-8 become ``\xNN``; control, formatting and bidirectional characters become ``\uNNNN``, so
    that a hostile name can neither move the cursor nor reverse the reading order.

    Args:
        name: The name as the file system stores it.

    Returns:
        Printable text. Not reversible where escapes were needed: the case keeps the bytes too.
    """
    text = name.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        character
        if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        else f"\\u{ord(character):04x}"
        for character in text
    )
