"""Keys to encrypted volumes: read from files the user names, handed to workers, never written anywhere.

A key's secret has no place in a command line, a log, an error, a case or a text of the object that holds it.
"""

from __future__ import annotations

import re
import resource
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from forensics.errors import EvidenceError
from forensics.evidence.locator import VOLUME_LABEL

MAX_KEY_FILE = 8 * 1024 * 1024
"""Bytes of the largest key file; the limit of cryptsetup."""

ANY_VOLUME = "any"
"""How a key that names no volume is recorded in a case."""

_PREFIX = re.compile(rf"(?P<volume>{VOLUME_LABEL.pattern})=(?P<file>.+)", re.DOTALL)


class KeyKind(StrEnum):
    """What a key is."""

    PASSWORD = "password"  # noqa: S105  a name of a kind
    """What the user typed, or a key file of LUKS."""
    RECOVERY = "recovery-key"
    """What the system made for emergencies: 48 digits of BitLocker, a FileVault recovery key."""
    VOLUME = "volume-key"
    """The key of the volume itself, as unlocking it once gave it: spares every worker the costly derivation."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        kind: What it is.
        secret: The bytes of its file.
        volume: Label of the volume it is for, such as ``p2``, in whichever source; ``None`` to try it on all.
    """

    kind: KeyKind
    secret: bytes = field(repr=False)
    volume: str | None = None

    def passphrases(self) -> Iterator[bytes]:
        """The secret as it may be meant: without the line break at its end, and, if there is one, with it."""
        shortened = self.secret.removesuffix(b"\n").removesuffix(b"\r")
        yield shortened
        if shortened != self.secret:
            yield self.secret

    def text(self) -> str | None:
        """The secret as text without white space around it; ``None`` if it is none (UTF-8)."""
        try:
            return self.secret.decode("utf-8").strip()
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys of a scan, as they travel to workers.

    Attributes:
        keys: The keys.
        unopened: Labels of volumes of one source that were tried with all of them in vain: trying is costly.
    """

    keys: tuple[Key, ...] = ()
    unopened: frozenset[str] = frozenset()

    @classmethod
    def read(cls, password_files: Iterable[str], recovery_key_files: Iterable[str]) -> Self:
        """Read key files. From the first one on, this process leaves no core file: the keys would be in it.

        Args:
            password_files: Each ``FILE`` or ``VOLUME=FILE``.
            recovery_key_files: The same.

        Raises:
            EvidenceError: A file cannot be read, is empty or too large.
        """
        kinds = ((KeyKind.PASSWORD, tuple(password_files)), (KeyKind.RECOVERY, tuple(recovery_key_files)))
        if any(arguments for _, arguments in kinds):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        return cls(tuple(_read(kind, argument) for kind, arguments in kinds for argument in arguments))

    def recorded(self, kind: KeyKind) -> list[str]:
        """For which volumes keys of a kind were given, as the case records it."""
        return [key.volume or ANY_VOLUME for key in self.keys if key.kind is kind]

    def of_volume(self, volume: str) -> VolumeKeys:
        """The keys to try on a volume and what lies in it."""
        return VolumeKeys(self, volume)

    def with_volume_keys(self, volume_keys: Iterable[tuple[str, bytes]]) -> Keyring:
        """The same, and the keys of volumes of one source that were unlocked with it (label, key)."""
        known = {key.volume for key in self.keys if key.kind is KeyKind.VOLUME}
        added = (Key(KeyKind.VOLUME, secret, volume) for volume, secret in volume_keys if volume not in known)
        return replace(self, keys=(*self.keys, *added))

    def with_unopened(self, labels: Iterable[str]) -> Keyring:
        """The same, which no worker tries again on volumes of one source that none of them opens."""
        return replace(self, unopened=self.unopened.union(labels))


@dataclass(frozen=True, slots=True)
class VolumeKeys:
    """The keys to try on one volume."""

    keyring: Keyring
    volume: str

    def of_kind(self, kind: KeyKind, inner: str | None = None) -> list[Key]:
        """Keys of a kind that are to be tried on the volume: none of the user's where they are known not to fit.

        Args:
            kind: The kind.
            inner: Label of a volume inside it (``apfs1``) that has keys of its own; ``None`` for the volume itself.
        """
        if kind is not KeyKind.VOLUME and not self._labels(inner).isdisjoint(self.keyring.unopened):
            return []
        return self._given(kind, inner)

    def any(self, inner: str | None = None) -> bool:
        """Tell whether the user gave a key for it."""
        return bool(self._given(KeyKind.PASSWORD, inner) or self._given(KeyKind.RECOVERY, inner))

    def _given(self, kind: KeyKind, inner: str | None) -> list[Key]:
        labels = {None, *self._labels(inner)}
        return [key for key in self.keyring.keys if key.kind is kind and key.volume in labels]

    def _labels(self, inner: str | None) -> set[str]:
        return {self.volume} if inner is None else {self.volume, f"{self.volume}/{inner}"}


def _read(kind: KeyKind, argument: str) -> Key:
    match = _PREFIX.fullmatch(argument)
    volume, name = (match["volume"], match["file"]) if match else (None, argument)
    try:
        with Path(name).expanduser().open("rb") as file:
            secret = file.read(MAX_KEY_FILE + 1)
    except OSError as error:
        raise EvidenceError(f"the key file cannot be read ({error.strerror})", name, "check the path") from error
    if not secret.strip():
        raise EvidenceError("the key file is empty", name, "write the key into it")
    if len(secret) > MAX_KEY_FILE:
        raise EvidenceError("is too large for a key file", name, "check the path")
    return Key(kind, secret, volume)
