"""The single fields of a list entry: what a digest, a perceptual hash, a size or a short text must look like.

Every list format, and whoever takes a hash from an operator, validates here and nowhere else. A :class:`FieldError`
names the field and what is wrong with it, never its value: hash values belong neither in messages nor in logs.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from base64 import b64decode
from collections.abc import Mapping

from hashsets.format import KnownEntry, KnownPerceptualHash
from hashsets.standing import DISPUTED, RETRACTED, is_denied

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
_NOT_LETTERS_OR_DIGITS = re.compile(r"[^a-z0-9]")


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
    text = plain_text(value)
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
    text = plain_text(value)
    if len(text) > LONGEST_TEXT:
        raise FieldError(f"{field} is longer than {LONGEST_TEXT} characters")
    return text or None


def attribute(name: str, value: object) -> str:
    """Give a field of :data:`ATTRIBUTES` as written, or :data:`LEFT_OUT` if it is not as it must be."""
    text = plain_text(value)
    return text if ATTRIBUTES[name].fullmatch(text) else LEFT_OUT


def stated_attribute(name: str, value: object) -> str | None:
    """Give a field of a list as :func:`attribute` does; ``None`` where it states nothing.

    Nothing is stated by an empty value, and of a retraction or dispute by one that denies it.
    """
    if value is None or value == "" or (name in (RETRACTED, DISPUTED) and is_denied(value)):
        return None
    return attribute(name, value)


def column_name(name: str) -> str:
    """Give the name of a list's column as it can be shown: plain, and cut to 60 characters."""
    return plain_text(name)[:60]


def require_a_hash(entry: KnownEntry) -> KnownEntry:
    """Give back an entry that can be matched by something.

    Raises:
        FieldError: It holds no digest and no perceptual hash that tamiz compares (a PhotoDNA alone is none).
    """
    has_digest = entry.md5 is not None or entry.sha1 is not None or entry.sha256 is not None
    if not has_digest and not any(known.algorithm in PERCEPTUAL_LENGTHS for known in entry.perceptual):
        raise FieldError("no hash that tamiz can match")
    return entry


def plain_text(value: object) -> str:
    """Text without the control characters that could disturb a terminal or a report."""
    if isinstance(value, str):
        text = value.strip()
    elif value is None:
        return ""
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if text.isprintable() else _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
