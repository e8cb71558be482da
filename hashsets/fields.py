"""The single fields of a list entry: what a digest, a perceptual hash, a size or a short text must look like.

Every list format, and whoever takes a hash from an operator, validates here and nowhere else. A :class:`FieldError`
names the field and what is wrong with it, never its value: hash values belong neither in messages nor in logs.
"""

from __future__ import annotations

import binascii
import operator
import re
import unicodedata
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat, starmap
from typing import TypeVar, cast

from hashsets.format import NO_ATTRIBUTES, KnownEntry, KnownPerceptualHash

DIGEST_LENGTHS: Mapping[str, int] = {"md5": 32, "sha1": 40, "sha256": 64}
"""Hexadecimal digits of each digest tamiz matches on."""

PERCEPTUAL_LENGTHS: Mapping[str, int] = {"pdq": 64, "phash": 64, "vpdq": 64}
"""Hexadecimal digits of each perceptual hash that tamiz compares; ``vpdq`` is that of one frame of a film."""

PICTURE_HASHES = ("pdq", "phash")
"""Those of pictures, of which an entry of a table or a VICS list states one each."""

PHOTODNA_SIZE = 144
"""Bytes of a PhotoDNA hash. Licensed: tamiz carries it and never computes or compares it."""

LARGEST_SIZE = 2**63 - 1
LONGEST_TEXT = 200
LONGEST_ATTRIBUTE = 1000

_FLAG = re.compile("true|false|yes|no|y|n|t|f|1|0|unknown|s|sí|si|v|verdadero|falso|desconocid[oa]|n/?a", re.IGNORECASE)
_DISPUTED = re.compile(r"[a-z0-9]{1,32} \([0-9]{1,4} members?\)(?:; [a-z0-9]{1,32} \([0-9]{1,4} members?\)){0,15}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,80}(?:/[A-Za-z0-9.+-]{1,80})?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]{1,20} ?[0-9:+-]{0,6}Z?)?|/Date\(-?[0-9]{1,19}[0-9+-]{0,5}\)/"
)

ATTRIBUTES: Mapping[str, re.Pattern[str]] = {
    "victim_identified": _FLAG,
    "offender_identified": _FLAG,
    "is_distributed": _FLAG,
    "is_suspected": _FLAG,
    "self_generated": _FLAG,
    "is_precategorized": _FLAG,
    "baseline": _FLAG,
    "file_available": _FLAG,
    "number_of_submissions": re.compile("[0-9]{1,19}"),
    "media_type": _MEDIA_TYPE,
    "mime_type": _MEDIA_TYPE,
    "date_updated": _DATE,
    "series_named": _FLAG,
    "retracted": re.compile("true"),
    "disputed": _DISPUTED,
    "known_malicious": _FLAG,
    "special_code": re.compile("[A-Z]"),
    "status": re.compile("[A-Za-z]{1,20}"),
}
"""Further fields of lists that are kept, and what each must look like.

An allow-list: what goes into the library goes, after a hit, into the case, so only flags and codes do. A field of any
other name, or a free text in one of these, could name a victim or describe the material.
"""

LEFT_OUT = "malformed, left out"
"""Stands where a list's value is not kept."""

_WHOLE_NUMBER = re.compile(r"([0-9]{1,19})(?:\.0+)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DIGITS = re.compile("[0-9a-fA-F]*+").fullmatch
_LOWER_CASE_DIGITS = re.compile("[0-9a-f]*+").fullmatch
_NOT_LETTERS_OR_DIGITS = re.compile(r"[^a-z0-9]")

_Value = TypeVar("_Value")


class FieldError(ValueError):
    """A field of an entry is malformed. Its text is the reason to set the entry aside."""


def field_key(name: str) -> str:
    """Reduce a field's name to plain lower-case letters and digits.

    So ``SHA-256``, ``sha_256`` and ``SHA256`` agree, and ``Categoría`` and ``CATEGORIA``.
    """
    return _NOT_LETTERS_OR_DIGITS.sub("", unicodedata.normalize("NFKD", name).lower())


def hexadecimal(field: str, text: object, digits: int) -> str:
    """Check a hash in hexadecimal of either case.

    Args:
        field: Name of the field, for the reason.
        text: The value as the list gives it.
        digits: How many digits it must have.

    Returns:
        The digits in lower case.

    Raises:
        FieldError: It is no string of that many hexadecimal digits.
    """
    if type(text) is str and len(text) == digits and _DIGITS(text):
        return text.lower()
    value = text.strip() if isinstance(text, str) else ""
    try:
        # fromhex passes over white space, so the length of what it gives counts too
        if len(value) == digits and 2 * len(bytes.fromhex(value)) == digits:
            return value.lower()
    except ValueError:
        pass
    raise FieldError(f"{field} is not {digits} hexadecimal digits")


def digest(algorithm: str, text: object, field: str | None = None) -> str:
    """Check a digest of one of :data:`DIGEST_LENGTHS`; see :func:`hexadecimal`."""
    return hexadecimal(field or algorithm, text, DIGEST_LENGTHS[algorithm])


def perceptual_hash(algorithm: str, text: object, quality: int | None = None) -> KnownPerceptualHash:
    """Check a perceptual hash of one of :data:`PERCEPTUAL_LENGTHS`, or a PhotoDNA.

    A 64-bit pHash is valid and another algorithm than the 256-bit one: it is kept under the name ``phash-64``, which
    nothing searches, rather than costing the entry its digests.

    Raises:
        FieldError: It has the wrong length or alphabet.
    """
    if algorithm == "photodna":
        return KnownPerceptualHash("photodna", photodna(text))
    if algorithm == "phash" and isinstance(text, str) and len(text.strip()) == 16:
        return KnownPerceptualHash("phash-64", hexadecimal("phash", text, 16))
    return KnownPerceptualHash(algorithm, hexadecimal(algorithm, text, PERCEPTUAL_LENGTHS[algorithm]), quality)


def photodna(text: object) -> str:
    """Give a PhotoDNA, written in Base64 or hexadecimal, as 288 lower-case hexadecimal digits.

    Raises:
        FieldError: It does not hold 144 bytes.
    """
    value = text.strip() if isinstance(text, str) else ""
    if len(value) == 2 * PHOTODNA_SIZE:
        return hexadecimal("PhotoDNA", value, 2 * PHOTODNA_SIZE)
    try:
        decoded = b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != PHOTODNA_SIZE:
        raise FieldError(f"PhotoDNA is not {PHOTODNA_SIZE} bytes in Base64 or hexadecimal")
    return decoded.hex()


def carried_photodna(text: object, attributes: dict[str, str]) -> tuple[KnownPerceptualHash, ...]:
    """Carry a PhotoDNA; an empty value is none.

    A malformed one, which some exporters write, does not cost the entry its other hashes: it is left out, and the
    attribute ``photodna`` says so.
    """
    if text is None or (isinstance(text, str) and not text.strip()):
        return ()
    try:
        return (perceptual_hash("photodna", text),)
    except FieldError:
        attributes["photodna"] = LEFT_OUT
        return ()


def whole_number(field: str, value: object, largest: int = LARGEST_SIZE) -> int | None:
    """Check a size, quality or the like; an empty value is none.

    Raises:
        FieldError: It is no whole number from 0 to `largest`.
    """
    if type(value) is int and 0 <= value <= largest:
        return value
    text = _plain(value)
    if not text:
        return None
    match = _WHOLE_NUMBER.fullmatch(text)
    if match is None or int(match[1]) > largest:
        raise FieldError(f"{field} is not a whole number" + (f" from 0 to {largest}" if largest < LARGEST_SIZE else ""))
    return int(match[1])


def short_text(field: str, value: object) -> str | None:
    """Check a category code or an issuer's reference: kept as written, an empty value is none.

    Raises:
        FieldError: It is longer than :data:`LONGEST_TEXT` characters.
    """
    if value is None:
        return None
    text = _plain(value)
    if len(text) > LONGEST_TEXT:
        raise FieldError(f"{field} is longer than {LONGEST_TEXT} characters")
    return text or None


def attribute(name: str, value: object) -> str:
    """Give a field of :data:`ATTRIBUTES` as written, or :data:`LEFT_OUT` if it is not as it must be."""
    if type(value) is str and _is_attribute(name, value):
        return value
    text = _plain(value)
    return text if ATTRIBUTES[name].fullmatch(text) else LEFT_OUT


def column_name(name: str) -> str:
    """Give the name of a list's column as it can be shown: plain, and cut to 60 characters."""
    return _plain(name)[:60]


def require_a_hash(entry: KnownEntry) -> KnownEntry:
    """Give back an entry that can be matched by something.

    Raises:
        FieldError: It holds no digest and no perceptual hash that tamiz compares (a PhotoDNA alone is none).
    """
    has_digest = entry.md5 is not None or entry.sha1 is not None or entry.sha256 is not None
    if not has_digest and not any(known.algorithm in PERCEPTUAL_LENGTHS for known in entry.perceptual):
        raise FieldError("no hash that tamiz can match")
    return entry


_WELL_FORMED = {digits: re.compile(f"[0-9a-f]{{{digits}}}").fullmatch for digits in (32, 40, 64)}


def checked(entry: KnownEntry) -> KnownEntry:
    """Check an entry as a list format gave it, whoever wrote that format.

    Nearly every entry is as it must be; that is told by a few comparisons, and it is given back as it is.

    Returns:
        The entry, with upper-case digits and the like put right.

    Raises:
        FieldError: A field is malformed, or there is no hash.
    """
    try:
        if _is_well_formed(entry):
            return entry
    except (TypeError, AttributeError):
        pass  # a field of another type: put right or refused below
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


def _is_well_formed(entry: KnownEntry) -> bool:
    """Tell quickly that nothing about an entry needs a closer look."""
    md5, sha1, sha256, size, category, reference = (
        entry.md5, entry.sha1, entry.sha256, entry.size, entry.category, entry.reference
    )  # fmt: skip
    return bool(
        (md5 or sha1 or sha256 or entry.perceptual)
        and (md5 is None or _WELL_FORMED[32](md5))
        and (sha1 is None or _WELL_FORMED[40](sha1))
        and (sha256 is None or _WELL_FORMED[64](sha256))
        and (size is None or (type(size) is int and 0 <= size <= LARGEST_SIZE))
        and (category is None or (0 < len(category) <= LONGEST_TEXT and category.isprintable()))
        and (reference is None or (0 < len(reference) <= LONGEST_TEXT and reference.isprintable()))
        and type(entry.perceptual) is tuple
        and (type(entry.attributes) is dict or entry.attributes is NO_ATTRIBUTES)
        and (not entry.perceptual or all(map(_is_well_formed_hash, entry.perceptual)))
        and (
            not entry.attributes
            or all(name in ATTRIBUTES and ATTRIBUTES[name].fullmatch(text) for name, text in entry.attributes.items())
        )
    )


def are_well_formed(entries: Sequence[KnownEntry]) -> bool:
    """Tell quickly, of many entries at once, that none needs a closer look and their positions rise.

    A column at a time, which takes a fifth of the time of one entry after the other. ``False`` says only that a closer
    look is needed.
    """
    try:
        positions, md5, sha1, sha256, sizes, perceptual, categories, references, attributes = zip(*entries, strict=True)
        return bool(
            set(map(type, positions)) == {int}
            and positions[0] > 0
            and positions[-1] <= LARGEST_SIZE
            and all(map(operator.lt, positions, positions[1:]))
            and (
                None not in md5
                or None not in sha1
                or None not in sha256
                or all(any(of_one) for of_one in zip(md5, sha1, sha256, perceptual, strict=True))
            )
            and _are_hexadecimal(md5, DIGEST_LENGTHS["md5"])
            and _are_hexadecimal(sha1, DIGEST_LENGTHS["sha1"])
            and _are_hexadecimal(sha256, DIGEST_LENGTHS["sha256"])
            and _are_whole_numbers(sizes, LARGEST_SIZE)
            and _are_short_texts(categories)
            and _are_short_texts(references)
            and _are_perceptual(perceptual)
            and (all(map(operator.is_, attributes, repeat(NO_ATTRIBUTES))) or all(map(_are_attributes, attributes)))
        )
    except (TypeError, AttributeError):
        return False  # a field of another type


def _stated(column: Sequence[_Value | None]) -> Sequence[_Value]:
    return [value for value in column if value is not None] if None in column else cast("Sequence[_Value]", column)


def _are_hexadecimal(column: Sequence[str | None], digits: int) -> bool:
    values = _stated(column)
    return not values or (set(map(len, values)) == {digits} and _LOWER_CASE_DIGITS("".join(values)) is not None)


def _are_whole_numbers(column: Sequence[int | None], largest: int) -> bool:
    values = _stated(column)
    return not values or (set(map(type, values)) == {int} and min(values) >= 0 and max(values) <= largest)


def _are_short_texts(column: Sequence[str | None]) -> bool:
    values = _stated(column)
    return not values or (all(values) and max(map(len, values)) <= LONGEST_TEXT and "".join(values).isprintable())


def _are_perceptual(column: Sequence[tuple[KnownPerceptualHash, ...]]) -> bool:
    if set(map(type, column)) != {tuple}:
        return False
    known = list(chain.from_iterable(column))
    if not known:
        return True
    if set(map(type, known)) != {KnownPerceptualHash}:
        return False
    algorithms, values, qualities = zip(*known, strict=True)
    return (
        set(algorithms) <= PERCEPTUAL_LENGTHS.keys()
        and _are_hexadecimal(values, 64)
        and _are_whole_numbers(qualities, 100)
    )


def _are_attributes(attributes: Mapping[str, str]) -> bool:
    return attributes is NO_ATTRIBUTES or (type(attributes) is dict and all(starmap(_is_attribute, attributes.items())))


@lru_cache(256)
def _is_attribute(name: str, text: str) -> bool:
    return name in ATTRIBUTES and ATTRIBUTES[name].fullmatch(text) is not None


def _is_well_formed_hash(known: KnownPerceptualHash) -> bool:
    quality = known.quality
    return bool(
        known.algorithm in PERCEPTUAL_LENGTHS
        and _WELL_FORMED[64](known.value)
        and (quality is None or (type(quality) is int and 0 <= quality <= 100))
    )


def _checked_perceptual(perceptual: object) -> tuple[KnownPerceptualHash, ...]:
    if not isinstance(perceptual, tuple) or not all(isinstance(each, KnownPerceptualHash) for each in perceptual):
        raise FieldError("perceptual hashes are not as they must be")
    return tuple(_checked_perceptual_hash(known) for known in perceptual)


def _checked_perceptual_hash(known: KnownPerceptualHash) -> KnownPerceptualHash:
    """Check the value of a known algorithm; one of a plug-in's own is a short text."""
    quality = whole_number(f"{known.algorithm} quality", known.quality, 100)
    if known.algorithm in PERCEPTUAL_LENGTHS or known.algorithm == "photodna":
        return perceptual_hash(known.algorithm, known.value, quality)
    algorithm, value = short_text("perceptual algorithm", known.algorithm), _plain(known.value)[:LONGEST_ATTRIBUTE]
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
        found[name] = attribute(name, value) if name in ATTRIBUTES else _plain(value)[:LONGEST_ATTRIBUTE]
    return found


def _plain(value: object) -> str:
    """Text without the control characters that could disturb a terminal or a report."""
    if isinstance(value, str):
        text = value.strip()
    elif value is None:
        return ""
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if text.isprintable() else _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
