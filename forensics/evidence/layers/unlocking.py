"""What the layers that decrypt have in common: how they say that a key was used, or that none fits."""

from __future__ import annotations

from forensics.evidence.keys import KeyKind
from forensics.evidence.layer import Gap, LayerPlace
from forensics.reason import Reason

_WORDS = {KeyKind.PASSWORD: "a password file", KeyKind.RECOVERY: "a recovery key file", KeyKind.VOLUME: "a key file"}


def unlocked_with(description: str, kind: KeyKind) -> str:
    """Describe a volume that a key opened.

    Args:
        description: What it is.
        kind: The kind of the key.
    """
    return f"{description}, unlocked with {_WORDS[kind]}".removeprefix(", ")


def locked(name: str, place: LayerPlace, inner: str | None, size: int, cause: str = "") -> Gap:
    """Say that an encrypted volume was not unlocked, and why.

    Args:
        name: Name of the encryption.
        place: Where it lies.
        inner: Label of the volume in it, where that one has keys of its own.
        size: Bytes concerned.
        cause: What else there is to say.
    """
    has_keys = place.keys.any(inner)
    detail = f"{name}: none of the keys given opens it" if has_keys else name
    return Gap(Reason.VOLUME_ENCRYPTED, f"{detail} ({cause})" if cause else detail, size, has_keys and not cause)
