"""What this machine can and cannot do, for ``tamiz doctor``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forensics.errors import PluginError, TamizError
from forensics.media import film, kind
from forensics.triage import sandbox
from forensics.triage.environment import available_cores, describe_environment, plugin_versions
from plugins import loader

OLDEST_SQLITE = (3, 37, 0)
"""The first SQLite with STRICT tables, which cases are made of."""


_PICTURE_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing a user may need.

    Attributes:
        subject: What was looked at.
        state: ``ok`` or ``missing``.
        detail: Versions or names; what to do if it is missing.
    """

    subject: str
    state: str
    detail: str


def diagnose() -> Iterator[Diagnosis]:
    """Look at everything once; never raises."""
    environment = describe_environment()
    yield Diagnosis("tamiz", "ok", f"{environment['tamiz']} on Python {environment['python']}, {environment['system']}")
    yield Diagnosis("cores", "ok", f"{available_cores()} workers unless --jobs says otherwise")
    yield _sqlite()
    yield _libmagic()
    yield _films()
    for subject, enforced in environment["sandbox"].items():
        state = "missing" if enforced.startswith(sandbox.NOT_ENFORCED) else "ok"
        yield Diagnosis(f"sandbox: {subject}", state, enforced)
    for name, version in environment["packages"].items():
        yield Diagnosis(f"package {name}", "missing" if version == "unknown" else "ok", version)
    try:
        yield from _registered()
    except PluginError as error:
        yield Diagnosis("plug-ins", "missing", str(error))


def _registered() -> Iterator[Diagnosis]:
    yield Diagnosis("image formats", "ok", _names(loader.image_formats(), "name"))
    yield Diagnosis("volume systems", "ok", _names(loader.volume_systems(), "name"))
    yield Diagnosis("file systems", "ok", _names(loader.file_systems(), "name"))
    yield Diagnosis("picture hashers", "ok", _names(loader.picture_hashers(), "algorithm"))
    yield Diagnosis("list formats", "ok", _names(loader.list_formats(), "name"))
    yield Diagnosis("export formats", "ok", _names(loader.exporters(), "name"))
    plugins = [f"{name} {version}" for name, version in plugin_versions().items()]
    yield Diagnosis("further plug-ins", "ok", ", ".join(plugins) or "none installed")


def _sqlite() -> Diagnosis:
    if sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return Diagnosis("SQLite", "ok", sqlite3.sqlite_version)
    return Diagnosis("SQLite", "missing", f"{sqlite3.sqlite_version} is too old for cases; 3.37 is needed")


def _libmagic() -> Diagnosis:
    try:
        return Diagnosis("libmagic", "ok", f"recognises a picture as {kind.media_type(_PICTURE_HEAD)}")
    except TamizError as error:
        return Diagnosis("libmagic", "missing", str(error))


def _films() -> Diagnosis:
    if film.is_supported():
        return Diagnosis("films", "ok", f"a frame a second is hashed, decoded by {film.decoder_version()}")
    return Diagnosis("films", "missing", "digests only; for hashes of their frames: pip install tamiz[video]")


def _names(items: Sequence[object], attribute: str) -> str:
    return ", ".join(str(getattr(item, attribute)) for item in items)
