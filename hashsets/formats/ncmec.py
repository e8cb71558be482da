"""NCMEC's hash sharing, version 2: the XML that its interface gives, saved to a file.

https://report.cybertip.org/hashsharing/v2/documentation.pdf; as read by facebook/ThreatExchange
(``exchanges/clients/ncmec/hash_api.py``). ``queryResult`` holds ``images`` and ``videos``: entries with fingerprints,
the feedback of other members, and tombstones (``deletedImage``, ``deletedVideo``) of what its issuer takes back.

The file comes from elsewhere, so the parser takes nothing but elements: a document type, and with it every entity, is
refused, nothing external is ever opened, and depth and length are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, ClassVar
from xml.parsers import expat

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import (
    KnownEntry,
    KnownPerceptualHash,
    ListFormat,
    ListHeader,
    ListItem,
    RejectedEntry,
    RetractedEntry,
)
from hashsets.formats.text import head_text, text_chunks

DEEPEST = 32
"""Elements within elements; the format needs nine."""

LONGEST_VALUE = 1 << 20
"""Characters of a text, a tag or a remark: a longer one is in no list."""

MOST_MEMBERS = 1000
"""Members whose dispute of one hash type is counted."""

_MOST_TYPES = 16
_KINDS = {"image": "image", "deletedImage": "image", "video": "video", "deletedVideo": "video"}
_ROOT = "queryResult"
_DIGESTS = ("md5", "sha1", "sha256")
_READ = {"id", "classification"}


class NcmecFormat(ListFormat):
    """NCMEC hash sharing, version 2, as XML."""

    name: ClassVar[str] = "ncmec"

    def recognises(self, head: bytes) -> bool:
        """Tell by the root element."""
        text = head_text(head).lstrip()
        return text.startswith("<") and (f"<{_ROOT}" in text or f":{_ROOT}" in text)

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read an answer of the interface; an entry's position is its ordinal, tombstones counted.

        Raises:
            ListFormatError: It is no XML, or not this one, or declares a document type, or nests too deep.
        """
        reader = _Reader()
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = reader.refuse
        parser.EntityDeclHandler = reader.refuse
        parser.ExternalEntityRefHandler = reader.refuse
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.characters
        try:
            for text in text_chunks(file):
                parser.Parse(text.encode(), False)
                reader.swallowed(len(text))
                yield from reader.taken()
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            # the parser's own message may quote the input
            raise ListFormatError(
                f"the XML is broken after entry {reader.position}", f"line {error.lineno}", "nothing was imported"
            ) from error
        yield from reader.taken()


@dataclass(slots=True)
class _Entry:
    """One entry while it is read."""

    is_tombstone: bool
    kind: str
    member: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    contradictory: str | None = None
    disputed: dict[str, set[str]] = field(default_factory=dict)


class _Reader:
    """Takes the parser's events and makes entries of them."""

    def __init__(self) -> None:
        self.position = 0
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._text_length = 0
        self._silence = 0
        self._entry: _Entry | None = None
        self._disputed_type = ""
        self._items: list[ListItem] = []

    def taken(self) -> list[ListItem]:
        """What was read since the last time."""
        items, self._items = self._items, []
        return items

    def swallowed(self, characters: int) -> None:
        """Refuse a tag or remark that goes on and on: the parser holds it in memory.

        Raises:
            ListFormatError: It is longer than :data:`LONGEST_VALUE`.
        """
        self._silence += characters
        if self._silence > LONGEST_VALUE:
            raise self._refusal(f"holds a tag or remark of more than {LONGEST_VALUE} characters")

    def refuse(self, *_: object) -> int:
        """Refuse a document type, and so every entity.

        Raises:
            ListFormatError: Always.
        """
        raise self._refusal("declares a document type or an entity, as no list does")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._silence = 0
        namespace, _, local = name.rpartition(" ")
        if not self._path:
            if local != _ROOT:
                raise self._refusal(f"is not an answer of NCMEC's hash sharing (the root is not {_ROOT})")
            version = namespace.rsplit("/", 1)[-1].removeprefix("v")
            self._items.append(ListHeader(version if version.isdigit() else None, "ncmec"))
        self._path.append(local)
        if len(self._path) > DEEPEST:
            raise self._refusal(f"nests elements more than {DEEPEST} deep")
        entry, inside = self._entry, self._path[3:]
        if entry is None:
            if len(self._path) == 3 and local in _KINDS:
                self._entry = _Entry(local.startswith("deleted"), _KINDS[local])
            return
        if inside == ["member"]:
            entry.member = attributes.get("id", "")
        elif inside[:2] == ["feedback", "negativeFeedback"]:
            self._start_dispute(entry, inside, attributes)
        if (len(inside) == 1 and local in _READ) or (len(inside) == 2 and inside[0] == "fingerprints"):
            self._text, self._text_length = [], 0

    def _start_dispute(self, entry: _Entry, inside: list[str], attributes: dict[str, str]) -> None:
        if len(inside) == 2:
            self._disputed_type = fields.field_key(attributes.get("type", ""))[:32] or "unknown"
            if len(entry.disputed) < _MOST_TYPES:
                entry.disputed.setdefault(self._disputed_type, set())
        elif inside[-1] == "member":
            members = entry.disputed.get(self._disputed_type)
            if members is not None and len(members) < MOST_MEMBERS:
                members.add(attributes.get("id", "")[: fields.LONGEST_TEXT])

    def characters(self, text: str) -> None:
        """A piece of text."""
        self._silence = 0
        if self._text is not None:
            self._text_length += len(text)
            if self._text_length > LONGEST_VALUE:
                raise self._refusal(f"holds a text of more than {LONGEST_VALUE} characters")
            self._text.append(text)

    def end(self, _: str) -> None:
        """An element ends."""
        self._silence = 0
        local = self._path.pop()
        entry = self._entry
        if entry is None:
            return
        depth = len(self._path) - 2
        if depth == 0:
            self._entry = None
            self._finish(entry)
        elif self._text is not None:
            text, self._text = "".join(self._text).strip(), None
            if depth == 1 and local in _READ:
                entry.texts[local] = text
            elif text:
                self._fingerprint(entry, fields.field_key(local), text)

    @staticmethod
    def _fingerprint(entry: _Entry, kind: str, text: str) -> None:
        if kind in (*_DIGESTS, "pdq", "pdna") and entry.fingerprints.setdefault(kind, text).lower() != text.lower():
            entry.contradictory = kind

    def _finish(self, entry: _Entry) -> None:
        """Make what the import takes of an entry or tombstone."""
        self.position += 1
        try:
            reference = _reference(entry)
            if entry.is_tombstone:
                if reference is None:
                    raise FieldError("a deletion that does not say of what")  # noqa: TRY301
                self._items.append(RetractedEntry(self.position, reference))
                if not entry.fingerprints:
                    return
            self._items.append(_known(self.position, entry, reference))
        except FieldError as error:
            self._items.append(RejectedEntry(self.position, str(error)))

    def _refusal(self, what: str) -> ListFormatError:
        return ListFormatError(f"{what} (after entry {self.position})", None, "nothing was imported")


def _reference(entry: _Entry) -> str | None:
    """Identify an entry: an identifier is the issuing member's own, and images and films are numbered apart."""
    identifier = entry.texts.get("id")
    if not identifier:
        return None
    member = fields.short_text("member", entry.member)
    return fields.short_text("id", "/".join(part for part in (member, entry.kind, identifier) if part))


def _known(position: int, entry: _Entry, reference: str | None) -> KnownEntry:
    """Make an entry.

    Raises:
        FieldError: A field is malformed, two hashes of one kind contradict each other, or there is no hash.
    """
    if entry.contradictory is not None:
        raise FieldError(f"two different {entry.contradictory}")
    stated = entry.fingerprints
    attributes: dict[str, str] = {}
    digests = {name: fields.digest(name, stated[name]) for name in _DIGESTS if name in stated}
    perceptual: tuple[KnownPerceptualHash, ...] = fields.carried_photodna(stated.get("pdna"), attributes)
    if "pdq" in stated:
        perceptual = (fields.perceptual_hash("pdq", stated["pdq"]), *perceptual)
    attributes["media_type"] = entry.kind
    if entry.is_tombstone:
        attributes["retracted"] = "true"
    if entry.disputed:
        attributes["disputed"] = "; ".join(
            f"{kind} ({len(members)} member{'' if len(members) == 1 else 's'})"
            for kind, members in sorted(entry.disputed.items())
        )
    return fields.require_a_hash(
        KnownEntry(
            position,
            digests.get("md5"),
            digests.get("sha1"),
            digests.get("sha256"),
            perceptual=perceptual,
            category=fields.short_text("classification", entry.texts.get("classification")),
            reference=reference,
            attributes=attributes,
        )
    )
