"""Entries of a list made sure of: one by one, and many at once as columns.

A format may be anyone's plug-in, so whatever it yields is checked before it enters a library. One entry alone goes
through :func:`checked`, which puts right what can be. Nearly all entries are as they must be, and of some hundreds that
is told a column at a time (:class:`EntryColumns`), in a tenth of the time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, starmap
from typing import Any, TypeVar, cast

from hashsets.fields import (
    ATTRIBUTES,
    DIGEST_LENGTHS,
    LARGEST_SIZE,
    LONGEST_ATTRIBUTE,
    LONGEST_TEXT,
    PERCEPTUAL_LENGTHS,
    PHOTODNA_SIZE,
    FieldError,
    attribute,
    digest,
    perceptual_hash,
    plain_text,
    require_a_hash,
    short_text,
    whole_number,
)
from hashsets.format import NO_ATTRIBUTES, KnownEntry, KnownPerceptualHash, ListItem

_FEW = 8
"""Items of which one needs a closer look are halved down to so many."""

_Item = TypeVar("_Item")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class EntryColumns:
    """Some entries, a column each. Whoever has one knows that :func:`checked` would leave every entry as it is.

    Attributes:
        positions: Above 0, rising.
        md5, sha1, sha256, sizes, perceptual, categories, references, attributes: As in
            :class:`hashsets.format.KnownEntry`, for each entry. Entries may share one mapping of attributes.

    Raises:
        FieldError: Some entry needs a closer look; it may be sound for all that.
    """

    positions: Sequence[int]
    md5: Sequence[str | None]
    sha1: Sequence[str | None]
    sha256: Sequence[str | None]
    sizes: Sequence[int | None]
    perceptual: Sequence[tuple[KnownPerceptualHash, ...]]
    categories: Sequence[str | None]
    references: Sequence[str | None]
    attributes: Sequence[Mapping[str, str]]

    def __post_init__(self) -> None:
        try:
            is_sound = self._is_sound()
        except (TypeError, AttributeError):
            is_sound = False  # a field of another type
        if not is_sound:
            raise FieldError("some entry needs a closer look")

    @classmethod
    def of(cls, entries: Sequence[KnownEntry]) -> EntryColumns:
        """Turn entries, of which there is one at least, into columns.

        Raises:
            FieldError: Some entry needs a closer look.
        """
        return cls(*zip(*entries, strict=True))

    def __len__(self) -> int:
        return len(self.positions)

    def entries(self) -> Iterator[KnownEntry]:
        """The same one by one."""
        return map(KnownEntry, *self.columns())

    def _is_sound(self) -> bool:
        return (
            len(set(map(len, self.columns()))) == 1
            and _are_rising(self.positions)
            and _are_hexadecimal(self.md5, DIGEST_LENGTHS["md5"])
            and _are_hexadecimal(self.sha1, DIGEST_LENGTHS["sha1"])
            and _are_hexadecimal(self.sha256, DIGEST_LENGTHS["sha256"])
            and _are_whole_numbers(self.sizes, LARGEST_SIZE)
            and _are_short_texts(self.categories)
            and _are_short_texts(self.references)
            and _are_perceptual(self.perceptual)
            and _are_attributes(self.attributes)
            and self._have_a_hash()
        )

    def columns(self) -> tuple[Sequence[Any], ...]:
        """All of them, in the order of the fields of an entry."""
        return (
            self.positions, self.md5, self.sha1, self.sha256, self.sizes, self.perceptual, self.categories,
            self.references, self.attributes,
        )  # fmt: skip

    def _have_a_hash(self) -> bool:
        if None not in self.md5 or None not in self.sha1 or None not in self.sha256:
            return True
        searched = (any(known.algorithm in PERCEPTUAL_LENGTHS for known in of_entry) for of_entry in self.perceptual)
        return all(map(any, zip(self.md5, self.sha1, self.sha256, searched, strict=True)))


def checked(entry: KnownEntry) -> KnownEntry:
    """Check an entry as a list format gave it, whoever wrote that format.

    Returns:
        The entry, with upper-case digits and the like put right.

    Raises:
        FieldError: A field is malformed, or there is no hash.
    """
    return require_a_hash(
        KnownEntry(
            entry.position,
            None if entry.md5 is None else digest("md5", entry.md5),
            None if entry.sha1 is None else digest("sha1", entry.sha1),
            None if entry.sha256 is None else digest("sha256", entry.sha256),
            whole_number("size", entry.size),
            _checked_perceptual(entry.perceptual),
            short_text("category", entry.category),
            short_text("reference", entry.reference),
            _checked_attributes(entry.attributes),
        )
    )


def by_columns(
    items: Sequence[_Item],
    first: int,
    together: Callable[[Sequence[_Item], int], EntryColumns],
    singly: Callable[[Sequence[_Item], int], Sequence[ListItem]],
) -> Iterator[EntryColumns | Sequence[ListItem]]:
    """Turn items into columns as far as they are plain; those that need a closer look are found by halving.

    Args:
        items: Lines, objects or whatever entries are made of.
        first: Number of the first of them.
        together: Makes columns of some items, given the number of their first; raises FieldError if one is not plain.
        singly: Makes what the list holds of some items, of whatever kind they are.
    """
    if not items:
        return
    try:
        columns = together(items, first)
    except FieldError:
        pass
    else:
        yield columns
        return
    if len(items) <= _FEW:
        yield singly(items, first)
        return
    half = len(items) // 2
    yield from by_columns(items[:half], first, together, singly)
    yield from by_columns(items[half:], first + half, together, singly)


def items_of(batches: Iterable[EntryColumns | Sequence[ListItem]]) -> Iterator[ListItem]:
    """Give what a list holds one by one."""
    for batch in batches:
        yield from batch.entries() if isinstance(batch, EntryColumns) else batch


def _are_rising(positions: Sequence[int]) -> bool:
    return not positions or (
        set(map(type, positions)) == {int}
        and positions[0] > 0
        and positions[-1] <= LARGEST_SIZE
        and all(map(operator.lt, positions, positions[1:]))
    )


def _stated(column: Sequence[_Value | None]) -> Sequence[_Value]:
    return [value for value in column if value is not None] if None in column else cast("Sequence[_Value]", column)


def _are_hexadecimal(column: Sequence[str | None], digits: int) -> bool:
    values = _stated(column)
    if not values:
        return True
    if set(map(len, values)) != {digits}:
        return False
    joined = "".join(values)
    try:
        # fromhex takes upper case, and passes over spaces: it is several times as fast as an expression
        return joined.lower() == joined and 2 * len(bytes.fromhex(joined)) == len(joined)
    except ValueError:
        return False


def _are_whole_numbers(column: Sequence[int | None], largest: int) -> bool:
    values = _stated(column)
    return not values or (set(map(type, values)) == {int} and min(values) >= 0 and max(values) <= largest)


def _are_short_texts(column: Sequence[str | None]) -> bool:
    values = _stated(column)
    joined = "".join(values)
    return not values or (
        all(values)
        and max(map(len, values)) <= LONGEST_TEXT
        and joined.isprintable()
        and (" " not in joined or list(map(str.strip, values)) == list(values))
    )


def _are_perceptual(column: Sequence[tuple[KnownPerceptualHash, ...]]) -> bool:
    if column and set(map(type, column)) != {tuple}:
        return False
    known = list(chain.from_iterable(column))
    if not known:
        return True
    if set(map(type, known)) != {KnownPerceptualHash}:
        return False
    photodna = [each for each in known if each.algorithm == "photodna"]
    compared = [each for each in known if each.algorithm != "photodna"] if photodna else known
    return (
        {each.quality for each in photodna} <= {None}
        and _are_hexadecimal([each.value for each in photodna], 2 * PHOTODNA_SIZE)
        and {each.algorithm for each in compared} <= PERCEPTUAL_LENGTHS.keys()
        and _are_hexadecimal([each.value for each in compared], 64)
        and _are_whole_numbers([each.quality for each in compared], 100)
    )


def _are_attributes(column: Sequence[Mapping[str, str]]) -> bool:
    each_once = dict(zip(map(id, column), column, strict=True)).values()
    return all(type(attributes) is dict or attributes is NO_ATTRIBUTES for attributes in each_once) and all(
        starmap(_is_attribute, set(chain.from_iterable(attributes.items() for attributes in each_once)))
    )


def _is_attribute(name: str, text: str) -> bool:
    return name in ATTRIBUTES and attribute(name, text) == text


def _checked_perceptual(perceptual: object) -> tuple[KnownPerceptualHash, ...]:
    if not isinstance(perceptual, tuple) or not all(isinstance(each, KnownPerceptualHash) for each in perceptual):
        raise FieldError("perceptual hashes are not as they must be")
    return tuple(_checked_perceptual_hash(known) for known in perceptual)


def _checked_perceptual_hash(known: KnownPerceptualHash) -> KnownPerceptualHash:
    """Check the value of a known algorithm; one of a plug-in's own is a short text."""
    quality = whole_number(f"{known.algorithm} quality", known.quality, 100)
    if known.algorithm in PERCEPTUAL_LENGTHS or known.algorithm == "photodna":
        return perceptual_hash(known.algorithm, known.value, quality)
    algorithm, value = short_text("perceptual algorithm", known.algorithm), plain_text(known.value)[:LONGEST_ATTRIBUTE]
    if not algorithm or not value:
        raise FieldError("a perceptual hash is empty")
    return KnownPerceptualHash(algorithm, value, quality)


def _checked_attributes(attributes: object) -> dict[str, str]:
    """Check attributes: texts; those of :data:`ATTRIBUTES` as they must be, a plug-in's own cut if they are long."""
    if not isinstance(attributes, Mapping):
        raise FieldError("attributes are not texts")
    found: dict[str, str] = {}
    for name, value in attributes.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise FieldError("attributes are not texts")
        found[name] = attribute(name, value) if name in ATTRIBUTES else plain_text(value)[:LONGEST_ATTRIBUTE]
    return found
