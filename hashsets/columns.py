"""Columns of a list as it states them turned into columns of entries, in a few steps for hundreds of values.

Each function does to a column what its counterpart of :mod:`hashsets.fields` does to a value, as far as that can be
done without a look at each. It does not check: what it gives is right if :class:`hashsets.entries.EntryColumns` takes
it. Where that does not hold it raises :class:`hashsets.fields.FieldError`, and whoever called looks at each value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeAlias, TypeGuard, cast

from hashsets.fields import DIGEST_LENGTHS, PERCEPTUAL_LENGTHS, FieldError, perceptual_hash, stated_attribute
from hashsets.format import NO_ATTRIBUTES, KnownPerceptualHash

Known: TypeAlias = tuple[KnownPerceptualHash, ...]
"""Perceptual hashes of an entry."""

_MOST_DIGITS = 18
_NOTHING = type(None)
_OF_ONE_KIND: tuple[set[type], ...] = ({str}, {bool}, {int}, set())


def closer_look() -> FieldError:
    """What is raised if a column is not plain."""
    return FieldError("some value needs a closer look")


def texts(values: Sequence[object]) -> Sequence[str]:
    """Values that are texts or nothing, as texts.

    Raises:
        FieldError: Some are something else.
    """
    types = set(map(type, values))
    if types == {str}:
        return values  # type: ignore[return-value]
    if types <= {str, _NOTHING}:
        return [value or "" for value in values]  # type: ignore[misc]
    raise closer_look()


def stripped(values: Sequence[str]) -> Sequence[str]:
    """Texts without spaces around them."""
    return values if is_free_of_spaces("".join(values)) else list(map(str.strip, values))


def is_free_of_spaces(text: str) -> bool:
    """Tell that there is nothing in a text that :meth:`str.strip` would take off a part of it."""
    return " " not in text and text.isprintable()


def digests(values: Sequence[str]) -> Sequence[str | None]:
    """Hashes in lower case; see :func:`hashsets.fields.digest`."""
    joined = "".join(values)
    return short_texts(values if joined.lower() == joined else list(map(str.lower, values)))


def whole_numbers(values: Sequence[str]) -> Sequence[int | None]:
    """Numbers; see :func:`hashsets.fields.whole_number`.

    Raises:
        FieldError: Some are more than a few digits.
    """
    joined = "".join(values)
    if joined and not (joined.isdecimal() and joined.isascii() and max(map(len, values)) <= _MOST_DIGITS):
        raise closer_look()
    return [int(value) if value else None for value in values] if "" in values else list(map(int, values))


def short_texts(values: Sequence[str]) -> Sequence[str | None]:
    """Codes and references without spaces around them; see :func:`hashsets.fields.short_text`."""
    return [value or None for value in values] if "" in values else values


def attributes(columns: Mapping[str, Sequence[object]], length: int) -> Sequence[Mapping[str, str]]:
    """Attributes of entries; those that state the same share one mapping.

    Args:
        columns: What a list states, by the name of the attribute.
        length: How many entries there are.
    """
    stated = {name: of_one for name, values in columns.items() if any(of_one := _attribute(name, values))}
    if not stated:
        return [NO_ATTRIBUTES] * length
    rows = list(zip(*stated.values(), strict=True))
    mappings = {row: dict(_stated_of(stated, row)) or NO_ATTRIBUTES for row in set(rows)}
    return list(map(mappings.__getitem__, rows))


def are_whole_numbers(values: Sequence[object]) -> TypeGuard[Sequence[int | None]]:
    """Tell that values are numbers or nothing; true and false are no numbers."""
    return set(map(type, values)) <= {int, _NOTHING}


def alternatives(
    counts: Sequence[int],
    algorithms: Sequence[str],
    values: Sequence[object],
    qualities: Sequence[object],
    of_digests: dict[str, Sequence[str | None]],
) -> list[Known]:
    """Sort further hashes of entries into digests and perceptual hashes.

    Args:
        counts: How many hashes each entry has.
        algorithms: Of each hash; those that tamiz does not know are passed over.
        values: The hashes.
        qualities: Of perceptual hashes, as far as they are stated.
        of_digests: A column for each algorithm, to which the digests are added.

    Returns:
        The perceptual hashes of each entry.

    Raises:
        FieldError: A hash is no text, or an entry states two different digests of an algorithm.
    """
    stated = texts(values)
    if all(stated) and set(algorithms) <= PERCEPTUAL_LENGTHS.keys():
        each = map(KnownPerceptualHash, algorithms, map(str.lower, stated), cast("Sequence[int | None]", qualities))
        return [tuple(islice(each, count)) for count in counts]
    digests_found = {name: list(of_one) for name, of_one in of_digests.items()}
    hashes = zip(algorithms, stated, qualities, strict=True)
    found = [tuple(_sorted_out(islice(hashes, count), entry, digests_found)) for entry, count in enumerate(counts)]
    of_digests.update(digests_found)
    return found


def _sorted_out(
    hashes: Iterable[tuple[str, str, object]], entry: int, digests_found: Mapping[str, list[str | None]]
) -> Iterator[KnownPerceptualHash]:
    """Give the perceptual hashes among those of one entry, and add the digests to their columns."""
    for algorithm, value, quality in hashes:
        if not value:
            continue
        if algorithm in DIGEST_LENGTHS:
            if digests_found[algorithm][entry] not in (None, value.lower()):
                raise closer_look()
            digests_found[algorithm][entry] = value.lower()
        elif algorithm == "photodna":
            yield perceptual_hash(algorithm, value)
        elif algorithm in PERCEPTUAL_LENGTHS:
            yield KnownPerceptualHash(algorithm, value.lower(), cast("int | None", quality))


def _attribute(name: str, values: Sequence[object]) -> list[str | None]:
    """What is stated of one attribute."""
    if set(map(type, values)) - {_NOTHING} not in _OF_ONE_KIND:  # True and 1 are one key
        return [stated_attribute(name, value) for value in values]
    return list(map({value: stated_attribute(name, value) for value in set(values)}.__getitem__, values))


def _stated_of(names: Iterable[str], row: Sequence[str | None]) -> Iterable[tuple[str, str]]:
    return ((name, value) for name, value in zip(names, row, strict=True) if value is not None)
