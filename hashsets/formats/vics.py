"""VICS, the JSON of Project VIC and its adopters, versions 1.1 to 2.0: hash sets (``#Media``), cases (``#Cases``).

One pass over parser events, keeping only the fields that are imported: what else a Media object carries (file names
and paths, Exif, series, remarks) is skipped without being built, however large. File names, ``Series``, ``Tags`` and
``Comments`` are never imported: they can name a victim or describe the material.

The root holds a context, ``odata.metadata`` (1.x) or ``@odata.context`` (2.0), and an array ``value`` of Media
objects, or of cases that each hold an array ``Media``. The context may stand after the array.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Any, BinaryIO, ClassVar, TypeAlias

import ijson

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.entries import EntryColumns, by_columns, items_of
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, KnownPerceptualHash, ListFormat, ListHeader, ListItem, RejectedEntry
from hashsets.formats.text import head_text
from hashsets.formats.vics_columns import columns_of
from hashsets.formats.vics_objects import MediaObjects
from hashsets.standing import DISPUTED, RETRACTED

Scalar: TypeAlias = str | int | Decimal | bool | None
Event: TypeAlias = tuple[str, Scalar]

LONGEST_VALUE = 4 << 20
"""Bytes the parser may swallow without one event: a longer single value is refused, for it is held in memory."""

ATTRIBUTES = {
    "MimeType": "mime_type",
    "VictimIdentified": "victim_identified",
    "OffenderIdentified": "offender_identified",
    "IsDistributed": "is_distributed",
    "IsSuspected": "is_suspected",
    "SelfGenerated": "self_generated",
    "IsPrecategorized": "is_precategorized",
    "DateUpdated": "date_updated",
    # not of the data model: what tamiz writes so that its own lists lose nothing
    "MediaType": "media_type",
    "Baseline": "baseline",
    "FileAvailable": "file_available",
    "NumberOfSubmissions": "number_of_submissions",
    "Retracted": RETRACTED,
    "Disputed": DISPUTED,
}
"""Further fields of a Media that are kept, and the names of :data:`hashsets.fields.ATTRIBUTES` they are kept under."""

SCHEME_KEY = "CategoryScheme"
"""Key of the root under which tamiz writes the scheme of a list's categories; empty if it has none. Not of the data
model, in which the context names one of four."""

_CONTEXT_KEYS = ("odata.metadata", "@odata.context")
_CONTEXT = re.compile(r"/DataModels/([0-9]+(?:\.[0-9]+)*)\.xml(?:/([A-Za-z0-9_-]{1,40})/\$metadata)?", re.IGNORECASE)
_ROOT = re.compile(r'\s*\{.*?"(?:odata\.metadata|@odata\.context|value)"\s*:', re.DOTALL)
_KEPT = {"MediaID", "Category", "MD5", "SHA1", "SHA256", "MediaSize", "PhotoDNA", *ATTRIBUTES}
_DIGESTS = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256"}
_TOGETHER = partial(columns_of, attribute_names=ATTRIBUTES)
_BATCH = 1000
_KEPT_OF_HASH = ("HashName", "HashValue", "Quality")
_NESTED = "\0"
"""Stands for an object or array where a value belongs: it is no hash and no number."""
_OPENING = frozenset(("start_map", "start_array"))
_CLOSING = frozenset(("end_map", "end_array"))


class VicsFormat(ListFormat):
    """VICS 1.1 to 2.0 JSON."""

    name: ClassVar[str] = "vics"

    def recognises(self, head: bytes) -> bool:
        """Tell by a JSON object whose first keys are those of an OData answer."""
        return _ROOT.match(head_text(head)) is not None

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read a hash set or case; an entry's position is the ordinal of its Media object.

        Raises:
            ListFormatError: The JSON is broken (the message says after which entry), or holds no array ``value``.
        """
        return items_of(self.read_batches(file))

    def read_batches(self, file: BinaryIO) -> Iterator[EntryColumns | Sequence[ListItem]]:
        """Read a hash set or case, plain Media some hundred at a time."""
        return _VicsReader(file).batches()


class _VicsReader:
    """One pass over one file."""

    def __init__(self, file: BinaryIO) -> None:
        self._objects = MediaObjects(file)
        self._text: Iterable[str] = self._objects.rest()
        self._fed = 0
        self._position = 0
        self._is_case = False
        self._has_value = False
        self._scheme: str | None = None
        self._events = chain.from_iterable(self._parse())

    def batches(self) -> Iterator[EntryColumns | Sequence[ListItem]]:
        """Read the root object."""
        if self._objects.began:
            for key, value in self._objects.root:
                yield list(self._root_member(key, value))
            if not self._is_case:
                for media in self._objects:
                    for batch in by_columns(media, self._position + 1, _TOGETHER, self._entries_or_rejected):
                        yield batch
                        self._position += len(batch)
            yield from _batched(self._resume())
        elif next(self._events, None) != ("start_map", None):
            raise ListFormatError("the root of a VICS list is a JSON object", None, "check the file or name its format")
        yield from _batched(self._root())

    def _entries_or_rejected(self, media: Sequence[Mapping[str, Any]], first: int) -> list[ListItem]:
        """Look at decoded Media one by one."""
        return [_entry_or_rejected(position, *_kept_of(each)) for position, each in enumerate(media, first)]

    def _resume(self) -> Iterator[KnownEntry | RejectedEntry]:
        """Go on event by event in the array ``value`` where its plain objects ended, with an array so begun."""
        ended = self._objects.ended
        beginning = '{"value": [0]' if ended else '{"value": [0,' if self._position else '{"value": ['
        self._fed = self._objects.bytes_fed - self._objects.rest_bytes() - len(beginning)
        self._text = chain((beginning,), self._objects.rest())
        for _ in range(5 if ended else 4 if self._position else 3):
            next(self._events)
        self._has_value = True
        if not ended:
            yield from self._media_array()

    def _root(self) -> Iterator[KnownEntry | RejectedEntry | ListHeader]:
        """Read what members of the root there are."""
        key: Scalar = None
        for event, value in self._events:
            if event == "map_key":
                key = value
            elif event == "start_array" and key == "value":
                self._has_value = True
                yield from self._media_array()
            elif event in _OPENING:
                self._skip()
            else:
                yield from self._root_member(key, value)
        if not self._has_value:
            raise ListFormatError("a VICS list has an array 'value' and this file has none", None, "check the file")

    def _root_member(self, key: Scalar, value: Scalar) -> Iterator[ListHeader]:
        """Read what the root says of itself."""
        if key in _CONTEXT_KEYS and isinstance(value, str):
            self._is_case = value.endswith("#Cases")
            yield self._header(value)
        elif key == SCHEME_KEY and isinstance(value, str):
            self._scheme = fields.short_text(SCHEME_KEY, value[: fields.LONGEST_TEXT]) or ""

    def _header(self, context: str) -> ListHeader:
        header = _header(context)
        return header if self._scheme is None else ListHeader(header.version, self._scheme or None)

    def _parse(self) -> Iterator[list[Event]]:
        """Turn the file into parser events, a batch for each piece of the file.

        The parser's own messages quote the input, so they are not passed on.
        """
        events: list[Event] = ijson.sendable_list()
        parser = ijson.basic_parse_coro(events)
        fed, unanswered = self._fed, 0
        try:
            for text in self._text:
                chunk = text.encode()
                fed += len(chunk)
                parser.send(chunk)
                unanswered = 0 if events else unanswered + len(chunk)
                if unanswered > LONGEST_VALUE:
                    raise self._broken(f"a single value is longer than {LONGEST_VALUE} bytes", fed)
                yield events[:]
                del events[:]
            parser.close()
        except ijson.JSONError as error:
            # What was parsed before the break still gives the ordinal of the last whole entry.
            yield events[:]
            if fed == 0:
                raise ListFormatError("the file is empty", None, "check the file") from error
            what = "the JSON ends too early" if "premature EOF" in str(error) else "the JSON is broken"
            raise self._broken(what, fed) from error
        except (SystemError, ArithmeticError, ValueError) as error:
            # A number of thousands of digits or an astronomic exponent: ijson gives up in the middle of an event.
            raise self._broken("a number is too large", fed) from error

    def _broken(self, what: str, fed: int) -> ListFormatError:
        return ListFormatError(
            f"{what} after entry {self._position}, within the first {fed} bytes", None, "nothing was imported"
        )

    def _skip(self) -> None:
        """Pass over the rest of an object or array that was just opened."""
        depth = 1
        for event, _ in self._events:
            if event in _OPENING:
                depth += 1
            elif event in _CLOSING:
                depth -= 1
                if not depth:
                    return

    def _media_array(self) -> Iterator[KnownEntry | RejectedEntry]:
        """Read the items of ``value``, or of a case's ``Media``, to the end of the array."""
        for event, _ in self._events:
            if event == "end_array":
                return
            if event == "start_map":
                yield from self._media()
                continue
            if event in _OPENING:
                self._skip()
            self._position += 1
            yield RejectedEntry(self._position, "not a JSON object")

    def _media(self) -> Iterator[KnownEntry | RejectedEntry]:
        """Read one object: a Media, or a case with its Media."""
        kept: dict[str, Scalar] = {}
        alternatives: list[dict[str, Scalar]] = []
        is_case = self._is_case
        key: Scalar = None
        for event, value in self._events:
            if event == "map_key":
                key = value
            elif event == "end_map":
                break
            elif event not in _OPENING:
                if key in _KEPT:
                    kept[str(key)] = value
            elif event == "start_array" and key == "Media":
                is_case = True
                yield from self._media_array()
            elif event == "start_array" and key == "AlternativeHashes":
                alternatives.extend(self._alternative_hashes())
            else:
                self._skip()
                if key in _KEPT:
                    kept[str(key)] = _NESTED
        if not is_case or kept.keys() & _DIGESTS.keys():
            self._position += 1
            yield _entry_or_rejected(self._position, kept, alternatives)

    def _alternative_hashes(self) -> Iterator[dict[str, Scalar]]:
        """Read the items of ``AlternativeHashes`` that are objects of scalar values."""
        item: dict[str, Scalar] = {}
        key: Scalar = None
        in_item = False
        for event, value in self._events:
            if event == "map_key":
                key = value
            elif event == "start_map" and not in_item:
                item, in_item = {}, True
            elif event == "end_map":
                in_item = False
                yield item
            elif event == "end_array":
                return
            elif event in _OPENING:
                self._skip()
            elif in_item and key in _KEPT_OF_HASH:
                item[str(key)] = value


def _batched(items: Iterable[ListItem]) -> Iterator[list[ListItem]]:
    """Gather items, of which those before a break in the list are given before it is said."""
    batch: list[ListItem] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == _BATCH:
                yield batch
                batch = []
    except ListFormatError:
        yield batch
        raise
    yield batch


def _kept_of(media: Mapping[str, Any]) -> tuple[dict[str, Scalar], list[dict[str, Scalar]]]:
    """The fields of a decoded Media that are imported, and its alternative hashes, as the events would give them."""
    kept = {key: _NESTED if type(value) in (dict, list) else value for key, value in media.items() if key in _KEPT}
    stated = media.get("AlternativeHashes")
    if not stated or type(stated) is not list:
        return kept, []
    return kept, [
        {key: value for key in _KEPT_OF_HASH if (value := each.get(key)) is None or type(value) not in (dict, list)}
        for each in stated
        if type(each) is dict
    ]


def _header(context: str) -> ListHeader:
    """Read version and country segment off a context; without them the list names no scheme."""
    match = _CONTEXT.search(context)
    if match is None:
        return ListHeader()
    version, segment = match[1], match[2]
    return ListHeader(version, f"vics-{version}-{segment.lower()}" if segment else f"vics-{version}")


def _entry_or_rejected(
    position: int, kept: dict[str, Scalar], alternatives: list[dict[str, Scalar]]
) -> KnownEntry | RejectedEntry:
    """Read one Media."""
    try:
        return _entry(position, kept, alternatives)
    except FieldError as error:
        return RejectedEntry(position, str(error))


def _entry(position: int, kept: dict[str, Scalar], alternatives: list[dict[str, Scalar]]) -> KnownEntry:
    """Make an entry of the fields of a Media.

    Raises:
        FieldError: A field is malformed, two hashes of one kind contradict each other, or there is no hash.
    """
    digests: dict[str, str] = {}
    attributes: dict[str, str] = {}
    for key, value in kept.items():
        if value is None or value == "":
            continue
        if key in ATTRIBUTES:
            if (stated := fields.stated_attribute(ATTRIBUTES[key], value)) is not None:
                attributes[ATTRIBUTES[key]] = stated
        elif key in _DIGESTS:
            digests[_DIGESTS[key]] = fields.digest(_DIGESTS[key], value, key)
    perceptual = (
        _perceptual(kept.get("PhotoDNA"), alternatives, digests, attributes)
        if (alternatives or kept.get("PhotoDNA"))
        else ()
    )
    return fields.require_a_hash(
        KnownEntry(
            position,
            digests.get("md5"),
            digests.get("sha1"),
            digests.get("sha256"),
            fields.whole_number("MediaSize", kept.get("MediaSize")),
            perceptual,
            fields.short_text("Category", kept.get("Category")),
            fields.short_text("MediaID", kept.get("MediaID")),
            attributes,
        )
    )


def _perceptual(
    photodna: Scalar, alternatives: list[dict[str, Scalar]], digests: dict[str, str], attributes: dict[str, str]
) -> tuple[KnownPerceptualHash, ...]:
    """Sort the alternative hashes into digests (added to `digests`) and perceptual hashes (returned).

    A malformed PhotoDNA, which some exporters write, does not cost the entry its other hashes: it is left out, and
    an attribute says so.

    Raises:
        FieldError: A hash is malformed or contradicts another.
    """
    found: dict[KnownPerceptualHash, None] = {}
    stated: list[tuple[str, Scalar, Scalar]] = [("photodna", photodna, None)] if photodna else []
    for item in alternatives:
        algorithm = fields.field_key(str(item.get("HashName")))
        algorithm = "photodna" if algorithm == "pdna" else algorithm
        stated.append((algorithm, item.get("HashValue"), item.get("Quality")))
    for algorithm, value, quality in stated:
        if value in (None, ""):
            continue
        if algorithm in fields.DIGEST_LENGTHS:
            digest = fields.digest(algorithm, value, f"AlternativeHashes {algorithm}")
            if digests.setdefault(algorithm, digest) != digest:
                raise FieldError(f"two different {algorithm}")
        elif algorithm in fields.PERCEPTUAL_LENGTHS:
            found[fields.perceptual_hash(algorithm, value, fields.whole_number("Quality", quality, 100))] = None
        elif algorithm == "photodna":
            try:
                found[fields.perceptual_hash(algorithm, value)] = None
            except FieldError:
                attributes["photodna"] = fields.LEFT_OUT
    return tuple(found)
