"""Decoded Media objects of a VICS hash set turned into columns of entries, if all of their fields are plain.

Those of nearly all are. Of any other nothing is said here: :mod:`hashsets.formats.vics` looks at it field by field, and
both give the same entry of a plain one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat
from typing import Any, TypeAlias

from hashsets import columns, fields
from hashsets.entries import EntryColumns

_Media: TypeAlias = Mapping[str, Any]
_DIGESTS = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256"}


def columns_of(media: Sequence[_Media], first: int, attribute_names: Mapping[str, str]) -> EntryColumns:
    """Turn Media into columns.

    Args:
        media: As decoded.
        first: Ordinal of the first.
        attribute_names: Keys of the fields that are kept as attributes, and the names they are kept under.

    Raises:
        FieldError: Some Media needs a closer look.
    """
    length = len(media)
    keys = set().union(*media)
    stated = {name: _values(media, key) for name, key in _DIGESTS.items() if key in keys}
    digests: dict[str, Sequence[str | None]] = {
        name: columns.digests(columns.texts(stated[name])) if name in stated else [None] * length for name in _DIGESTS
    }
    perceptual = _perceptual(media, digests) if "AlternativeHashes" in keys else [()] * length
    if "PhotoDNA" in keys:
        perceptual = [
            (fields.perceptual_hash("photodna", value), *others) if value else others
            for value, others in zip(_values(media, "PhotoDNA"), perceptual, strict=True)
        ]
    return EntryColumns(
        range(first, first + length),
        digests["md5"],
        digests["sha1"],
        digests["sha256"],
        _whole_numbers(_values(media, "MediaSize")),
        [tuple(dict.fromkeys(known)) if len(known) > 1 else known for known in perceptual],
        _short_texts(_values(media, "Category")),
        _short_texts(_values(media, "MediaID")),
        columns.attributes({name: _values(media, key) for key, name in attribute_names.items() if key in keys}, length),
    )


def _values(media: Sequence[_Media], key: str) -> list[Any]:
    """What each Media states under a key."""
    return list(map(dict.get, media, repeat(key)))  # type: ignore[arg-type]


def _whole_numbers(values: Sequence[object]) -> Sequence[int | None]:
    """Sizes, which are stated as numbers or as texts.

    Raises:
        FieldError: Some are something else.
    """
    return values if columns.are_whole_numbers(values) else columns.whole_numbers(columns.texts(values))


def _short_texts(values: Sequence[object]) -> Sequence[str | None]:
    """Categories or identifiers, which are stated as numbers or as texts.

    Raises:
        FieldError: Some are something else.
    """
    if columns.are_whole_numbers(values):
        return [None if value is None else str(value) for value in values]
    return columns.short_texts(columns.stripped(columns.texts(values)))


def _perceptual(media: Sequence[_Media], digests: dict[str, Sequence[str | None]]) -> Sequence[columns.Known]:
    """Give the perceptual hashes among the alternative ones, and add the digests.

    Raises:
        FieldError: Something in them needs a closer look.
    """
    stated = [alternatives or () for alternatives in _values(media, "AlternativeHashes")]
    if not set(map(type, stated)) <= {list, tuple}:
        raise columns.closer_look()
    each = list(chain.from_iterable(stated))
    if not set(map(type, each)) <= {dict}:
        raise columns.closer_look()
    names = _values(each, "HashName")
    if not set(map(type, names)) <= {str}:
        raise columns.closer_look()
    return columns.alternatives(
        list(map(len, stated)),
        list(map(_algorithm, names)),
        _values(each, "HashValue"),
        _values(each, "Quality"),
        digests,
    )


@lru_cache(64)
def _algorithm(name: str) -> str:
    algorithm = fields.field_key(name)
    return "photodna" if algorithm == "pdna" else algorithm
