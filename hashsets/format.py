"""The contract of a list format: bytes of a file in, known entries out, one by one.

Implementations stand in :mod:`hashsets.formats` and in plug-ins; they register through ``tamiz_list_formats``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, ClassVar, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from hashsets.entries import EntryColumns

_BATCH = 5000

HEAD_SIZE = 4096
"""How many first bytes of a list are given to :meth:`ListFormat.recognises`."""

NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})
"""Of an entry of which a list says nothing more; one for all, for it cannot be changed."""


class Disposition(StrEnum):
    """What a set is for. Declared by the operator on import; no format implies it and no default exists."""

    NOTABLE = "notable"
    """To be found."""
    BENIGN = "benign"
    """To be ignored."""
    REFERENCE = "reference"
    """To be noted."""


class KnownPerceptualHash(NamedTuple):
    """A perceptual hash carried by a list.

    Attributes:
        algorithm: ``pdq``, ``phash`` ...
        value: Lower-case hexadecimal.
        quality: As stated by the list, 0 to 100; ``None`` where it states none.
    """

    algorithm: str
    value: str
    quality: int | None = None


class KnownEntry(NamedTuple):
    """One entry of a list. A tuple, which is made in a quarter of the time of a frozen dataclass: there are millions.

    Attributes:
        position: Line number in a text list, ordinal in any other, from 1. Identifies the entry in its set.
        md5, sha1, sha256: Digests in lower-case hexadecimal; ``None`` where the list gives none.
        size: Length of the content in bytes, where the list gives it.
        perceptual: Perceptual hashes.
        category: The list's own code, raw and never interpreted; ``None`` where it gives none.
        reference: The issuer's own identifier of the entry.
        attributes: Other fields worth keeping with a hit (``victim_identified`` ...), values as the list wrote them.
    """

    position: int
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    size: int | None = None
    perceptual: tuple[KnownPerceptualHash, ...] = ()
    category: str | None = None
    reference: str | None = None
    attributes: Mapping[str, str] = NO_ATTRIBUTES


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """An entry that is malformed: kept aside with its place and reason, never in the way of the others.

    Attributes:
        position: As in :class:`KnownEntry`.
        reason: One line; quotes no more of the entry than the name of the bad field.
    """

    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class RetractedEntry:
    """The issuer takes back the entries of one reference, wherever in the same list they stand.

    The import marks them with the attribute ``retracted``; if there is none, this counts as an entry set aside.

    Attributes:
        position: As in :class:`KnownEntry`.
        reference: That of the entries taken back.
    """

    position: int
    reference: str


@dataclass(frozen=True, slots=True)
class ListHeader:
    """What a list says of itself. Yielded at most once, before the first entry if it stands there.

    Attributes:
        version: Version of the format or data model (``1.3``, ``2.0``).
        scheme: Category scheme that the list names, such as ``vics-2.0-us``; ``None`` if it names none.
        columns_read: What its columns were read as, in their order, for a table whose columns are named freely.
        columns_ignored: Its columns that are not imported, as the list names them, for the operator to see once.
    """

    version: str | None = None
    scheme: str | None = None
    columns_read: tuple[str, ...] = ()
    columns_ignored: tuple[str, ...] = ()


ListItem: TypeAlias = KnownEntry | RejectedEntry | RetractedEntry | ListHeader
"""What reading a list yields."""


class ListFormat(ABC):
    """A format of known-hash lists. Stateless.

    Attributes:
        name: Short name, as for ``set import --format``.
        requires: What a file must have to be of this format, in a few words, for whoever brings one that no format
            recognises; may be empty.
        needs_path: Whether it is read from a file on disk (a database) and not from a stream: then the file that
            :meth:`read` is given has its path as ``name``, and :meth:`recognises_path` is asked as well.
    """

    name: ClassVar[str]
    requires: ClassVar[str] = ""
    needs_path: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, head: bytes) -> bool:
        """Tell by its first :data:`HEAD_SIZE` bytes whether a file is of this format."""

    def recognises_path(self, path: Path) -> bool:  # noqa: ARG002
        """Tell by the whole file whether it is of this format, where it must be (:attr:`needs_path`).

        Asked only if :meth:`recognises` said yes.
        """
        return True

    @abstractmethod
    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read a list as a stream, in memory that does not grow with the file.

        Positions rise from entry to entry. The import checks every entry once more (:func:`hashsets.entries.checked`)
        and sets aside what is malformed.

        Raises:
            ListFormatError: The file is broken beyond its single entries (its message says where).
        """

    def read_batches(self, file: BinaryIO) -> Iterator[EntryColumns | Sequence[ListItem]]:
        """Read a list as :meth:`read` does, some thousand items at a time.

        This is what the import calls. A format may do it in a way of its own that is faster than item by item.

        Raises:
            ListFormatError: As :meth:`read`.
        """
        items = iter(self.read(file))
        while batch := list(islice(items, _BATCH)):
            yield batch
