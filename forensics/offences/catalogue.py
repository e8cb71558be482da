"""Offence catalogues: dated, versioned data, never code. Those that ship with tamiz, and a laboratory's own.

A catalogue is a TOML file::

    catalogue = "mx-jal"            # a short name: lower-case letters, digits, hyphens
    version = "2026-01-31"          # day of the text it follows
    jurisdiction = "MX-JAL"
    law = "Código Penal para el Estado Libre y Soberano de Jalisco"

    [[offence]]
    code = "142-bis"                # letters, digits, dots, hyphens
    provision = "artículo 142 Bis"
    title_es = "..."
    title_en = "..."
    published = "2019-05-01"        # optional: day of the present wording
    repealed = "2025-01-01"         # optional

A laboratory's own lie in its library, in the folder ``offences``; several versions of one law stand side by side, for
what counts is the law at the time of the facts.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from forensics.errors import OffenceError

LARGEST_FILE = 1 << 20
"""Bytes; a catalogue is a few pages."""

FOLDER = "offences"
"""Name of the folder in the library."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CODE = re.compile(r"[A-Za-z0-9]+([.-][A-Za-z0-9]+)*")
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Offence:
    """A provision of a law.

    Attributes:
        catalogue: Name of its catalogue.
        version: The catalogue's, a day.
        code: Within the catalogue.
        jurisdiction: Such as MX.
        law: Name of the law or treaty.
        provision: The article, as it is cited.
        title_es: Short description in Spanish.
        title_en: The same in English.
        published: Day of the present wording; ``None`` if the catalogue does not say.
        repealed: Day on which it was repealed; ``None`` if it was not, or the catalogue does not say.
        catalogue_sha256: Digest of the catalogue's file.
    """

    catalogue: str
    version: str
    code: str
    jurisdiction: str
    law: str
    provision: str
    title_es: str
    title_en: str
    published: str | None
    repealed: str | None
    catalogue_sha256: str

    @property
    def name(self) -> str:
        """How it is named on the command line, such as ``mx-cpf/202-bis``."""
        return f"{self.catalogue}/{self.code}"


def parse(data: bytes, where: str) -> tuple[Offence, ...]:
    """Read a catalogue.

    Args:
        data: The file.
        where: Its name, for errors.

    Raises:
        OffenceError: It is no catalogue, or a part of it is missing or malformed.
    """
    if len(data) > LARGEST_FILE:
        raise OffenceError("is too large for a catalogue of offences", where, "give the right file")
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OffenceError("is no TOML file in UTF-8", where, "see docs/offences.md") from error
    common = {
        "catalogue": _text(document, "catalogue", where, _NAME),
        "version": _day(document, "version", where) or "",
        "jurisdiction": _text(document, "jurisdiction", where),
        "law": _text(document, "law", where),
        "catalogue_sha256": hashlib.sha256(data).hexdigest(),
    }
    if not common["version"]:
        raise OffenceError("has no 'version'", where, "give the day of the text it follows")
    listed = document.get("offence")
    if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
        raise OffenceError("lists no [[offence]]", where, "see docs/offences.md")
    offences = tuple(
        Offence(
            code=_text(each, "code", f"{where}, offence {number}", _CODE),
            **{name: _text(each, name, f"{where}, offence {number}") for name in ("provision", "title_es", "title_en")},
            published=_day(each, "published", f"{where}, offence {number}"),
            repealed=_day(each, "repealed", f"{where}, offence {number}"),
            **common,
        )
        for number, each in enumerate(listed, start=1)
    )
    if len({offence.code for offence in offences}) < len(offences):
        raise OffenceError("has one code twice", where, "give each offence a code of its own")
    return offences


def all_offences(library: Path) -> list[Offence]:
    """Every offence of every catalogue: ours first, then the laboratory's, each by name and version.

    Args:
        library: The library's folder.

    Raises:
        OffenceError: A file of the laboratory's cannot be read.
    """
    found: list[Offence] = []
    for path in sorted(files("forensics.offences").joinpath("catalogues").iterdir(), key=lambda path: path.name):
        found += parse(path.read_bytes(), path.name)
    for own in sorted((library / FOLDER).glob("*.toml")):
        found += parse(_read(own), str(own))
    return found


def find(offences: Iterable[Offence], name: str, version: str | None = None) -> Offence:
    """The offence of a name, of the newest version of its catalogue unless another is asked for.

    Args:
        offences: Those there are.
        name: ``CATALOGUE/CODE``, or the code alone where one catalogue only has it.
        version: A version of the catalogue.

    Raises:
        OffenceError: None has it, or several do.
    """
    named = [each for each in offences if name in {each.name, each.code} and version in {None, each.version}]
    if not named:
        raise OffenceError(f"no catalogue has an offence '{name}'", None, "see 'tamiz offence list'")
    catalogues = sorted({each.catalogue for each in named})
    if len(catalogues) > 1:
        raise OffenceError(
            f"several catalogues have an offence '{name}' ({', '.join(catalogues)})", None, "name it CATALOGUE/CODE"
        )
    return max(named, key=lambda each: each.version)


def import_catalogue(file: Path, library: Path) -> tuple[Offence, ...]:
    """Take a catalogue into the library.

    Args:
        file: The file.
        library: The library's folder.

    Returns:
        Its offences.

    Raises:
        OffenceError: It is no catalogue, another of the same name and version is there, or it cannot be written.
    """
    data = _read(file)
    offences = parse(data, str(file))
    first = offences[0]
    known = [
        each for each in all_offences(library) if (each.catalogue, each.version) == (first.catalogue, first.version)
    ]
    if known and known[0].catalogue_sha256 != first.catalogue_sha256:
        what = f"there is another catalogue '{first.catalogue}' of version {first.version}"
        raise OffenceError(what, str(file), "give it another version or name: what cases refer to is not changed")
    if not known:
        _write(library / FOLDER / f"{first.catalogue}-{first.version}.toml", data)
    return offences


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise OffenceError(f"cannot be read ({error.strerror})", str(path), "check the name and permissions") from error


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            temporary.unlink()
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OffenceError(
            f"cannot be written ({error.strerror})", str(path), "check free space and permissions"
        ) from error


def _text(table: Mapping[str, Any], name: str, where: str, form: re.Pattern[str] | None = None) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT:
        raise OffenceError(f"'{name}' is missing, empty or too long", where, "see docs/offences.md")
    if form is not None and not form.fullmatch(value):
        raise OffenceError(f"'{name}' has characters it must not have", where, "see docs/offences.md")
    return value.strip()


def _day(table: Mapping[str, Any], name: str, where: str) -> str | None:
    value = table.get(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise OffenceError(f"'{name}' is no day", where, "write it as in 2026-03-01") from error
