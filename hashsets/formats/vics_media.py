"""A decoded Media object of a VICS hash set to an entry, if every field of it is as it must be at first sight.

Nearly all are. Of any other nothing is said here: :mod:`hashsets.formats.vics` looks at it field by field, and both
give the same entry of a plain one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import NO_ATTRIBUTES, KnownEntry, KnownPerceptualHash
from hashsets.standing import DISPUTED, RETRACTED

_DIGITS = re.compile("[0-9a-fA-F]*+").fullmatch
_DIGESTS = (("MD5", "md5", 32), ("SHA1", "sha1", 40), ("SHA256", "sha256", 64))


def plain_entry(
    position: int, media: Mapping[str, object], attribute_keys: Sequence[tuple[str, str]]
) -> KnownEntry | None:
    """Make an entry of a plain Media.

    Args:
        position: Its ordinal.
        media: As decoded.
        attribute_keys: Keys of the fields that are kept as attributes, and the names they are kept under.

    Returns:
        The entry; ``None`` if anything about the Media needs a closer look.
    """
    digests: dict[str, str] = {}
    for key, algorithm, digits in _DIGESTS:
        if value := media.get(key):
            if type(value) is not str or len(value) != digits or not _DIGITS(value):
                return None
            digests[algorithm] = value.lower()
    if media.get("PhotoDNA"):
        return None
    alternatives = media.get("AlternativeHashes")
    perceptual = _perceptual(alternatives, digests) if alternatives else ()
    if perceptual is None or not (digests or perceptual):
        return None
    attributes: dict[str, str] = {}
    for key, name in attribute_keys:
        stated = media.get(key)
        if stated is None or stated == "":
            continue
        if type(stated) in (dict, list) or name in (RETRACTED, DISPUTED):
            return None
        attributes[name] = fields.attribute(name, stated)
    try:
        return KnownEntry(
            position,
            digests.get("md5"),
            digests.get("sha1"),
            digests.get("sha256"),
            fields.whole_number("MediaSize", media.get("MediaSize")),
            perceptual,
            _text(media.get("Category")),
            _text(media.get("MediaID")),
            attributes or NO_ATTRIBUTES,
        )
    except FieldError:
        return None


def _text(value: object) -> str | None:
    if type(value) is str or value is None:
        return fields.short_text("", value)
    if type(value) is int and 0 <= value <= fields.LARGEST_SIZE:
        return str(value)
    raise FieldError


def _perceptual(alternatives: object, digests: dict[str, str]) -> tuple[KnownPerceptualHash, ...] | None:
    """Give the perceptual hashes, and add the digests; ``None`` if one needs a closer look."""
    if type(alternatives) is not list:
        return None
    found: dict[KnownPerceptualHash, None] = {}
    for each in alternatives:
        if type(each) is not dict or each.get("Quality") is not None:
            return None
        name, value = each.get("HashName"), each.get("HashValue")
        if type(name) is not str or type(value) is not str or not _DIGITS(value):
            return None
        algorithm = _algorithm(name)
        if len(value) == fields.PERCEPTUAL_LENGTHS.get(algorithm):
            found[KnownPerceptualHash(algorithm, value.lower())] = None
        elif (
            len(value) != fields.DIGEST_LENGTHS.get(algorithm)
            or digests.setdefault(algorithm, value.lower()) != value.lower()
        ):
            return None
    return tuple(found)


@lru_cache(64)
def _algorithm(name: str) -> str:
    return fields.field_key(name)
