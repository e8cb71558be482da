"""What two sets have in common and where they differ, entry by entry, in memory that does not grow with them.

Two entries are of one content if they state the same digest; entries that state none, if they share a perceptual hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from hashsets.fields import DIGEST_LENGTHS, PERCEPTUAL_LENGTHS
from hashsets.format import KnownEntry
from hashsets.match import EntryReference
from hashsets.set_file import SetFile

if TYPE_CHECKING:
    from hashsets.library import Library

_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Difference:
    """An entry that one set has and the other has not, or has otherwise.

    Attributes:
        first: Its place in the first set; ``None`` if it is not there.
        second: Its place in the second set; ``None`` if it is not there.
        fields: In both: what they state differently (``category``, ``size``, a digest, an attribute).
        hash: The strongest hash that it states.
    """

    first: int | None
    second: int | None
    fields: tuple[str, ...]
    hash: str


@dataclass(slots=True)
class Comparison:
    """Two sets compared.

    Attributes:
        same: Entries of the first set that the second has as well, stated alike.
        differing: Those that it has, stated otherwise.
        only_first: Those that it has not.
        only_second: Entries of the second set that the first has not.
        details: All but the first kind one by one, in order of place; empty unless asked for.
    """

    same: int = 0
    differing: int = 0
    only_first: int = 0
    only_second: int = 0
    details: list[Difference] = field(default_factory=list)


def compare(library: Library, first: str, second: str, *, details: bool = True) -> Comparison:
    """Compare two sets of a library.

    Args:
        library: The library.
        first: Name of one set.
        second: Name of the other.
        details: Give the differences one by one, not only how many.

    Raises:
        UnknownSetError: There is no set of one of these names.
        LibraryError: A set cannot be read.
    """
    result = Comparison()
    with ExitStack() as stack:
        one, other = (stack.enter_context(library.set_file(name)) for name in (first, second))
        for entry, found in _counterparts(one, other):
            if not found:
                result.only_first += 1
                difference = Difference(entry.position, None, (), _strongest(entry))
            else:
                differs = min((_differing(entry, each) for each in found), key=len)
                result.differing += bool(differs)
                result.same += not differs
                if not differs:
                    continue
                difference = Difference(entry.position, found[0].position, differs, _strongest(entry))
            if details:
                result.details.append(difference)
        for entry, found in _counterparts(other, one):
            if not found:
                result.only_second += 1
                if details:
                    result.details.append(Difference(None, entry.position, (), _strongest(entry)))
    return result


def _counterparts(one: SetFile, other: SetFile) -> Iterator[tuple[KnownEntry, list[EntryReference]]]:
    """Give each entry of one set with those of the other that are of the same content, in order of place."""
    without_digest = _by_perceptual_hash(other)
    entries = one.entries()
    while batch := list(islice(entries, _BATCH)):
        by_digest: dict[str, list[EntryReference]] = {}
        for algorithm in DIGEST_LENGTHS:
            digests = {value for entry in batch if (value := getattr(entry, algorithm)) is not None}
            for found in other.by_digest(algorithm, digests):
                by_digest.setdefault(getattr(found, algorithm), []).append(found)
        for entry in batch:
            of_content: dict[int, EntryReference] = {}
            for value in _digests(entry) or _perceptual(entry):
                for each in (by_digest if _digests(entry) else without_digest).get(value, ()):
                    of_content[each.position] = each
            yield entry, [of_content[position] for position in sorted(of_content)]


def _by_perceptual_hash(file: SetFile) -> dict[str, list[EntryReference]]:
    """The entries that state no digest, by their perceptual hashes."""
    found: dict[str, list[EntryReference]] = {}
    for entry in file.entries():
        if not _digests(entry):
            reference = EntryReference(
                "", entry.position, entry.reference, entry.category, size=entry.size, attributes=entry.attributes
            )
            for value in _perceptual(entry):
                found.setdefault(value, []).append(reference)
    return found


def _digests(entry: KnownEntry | EntryReference) -> list[str]:
    return [value for algorithm in DIGEST_LENGTHS if (value := getattr(entry, algorithm)) is not None]


def _perceptual(entry: KnownEntry) -> Iterable[str]:
    return [known.value for known in entry.perceptual if known.algorithm in PERCEPTUAL_LENGTHS]


def _strongest(entry: KnownEntry) -> str:
    return entry.sha256 or entry.sha1 or entry.md5 or next(iter(_perceptual(entry)), "")


def _differing(entry: KnownEntry, other: EntryReference) -> tuple[str, ...]:
    """Name what two entries of one content state differently; a digest or size that only one states is none."""
    both_state = (*DIGEST_LENGTHS, "size")
    differs = [
        name
        for name in both_state
        if (stated := getattr(entry, name)) is not None and getattr(other, name) not in (None, stated)
    ]
    if entry.category != other.category:
        differs.append("category")
    names = sorted({*entry.attributes, *other.attributes})
    return (*differs, *(name for name in names if entry.attributes.get(name) != other.attributes.get(name)))
