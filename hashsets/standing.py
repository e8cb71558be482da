"""What the issuer of a list, or others who use it, say against one of its entries.

Two attributes of an entry carry it from the list to the hit: ``retracted`` (the issuer takes the entry back) and
``disputed`` (others say that it is wrong, in the list's own words). A format writes them only where they hold; that
one is there at all is what counts, also where its value could not be kept.
"""

from __future__ import annotations

from collections.abc import Mapping

RETRACTED = "retracted"
DISPUTED = "disputed"

_DENIED = frozenset(("", "0", "f", "false", "falso", "n", "n/a", "na", "no", "none", "unknown"))


def is_retracted(attributes: Mapping[str, str]) -> bool:
    """Tell whether the issuer has taken an entry back."""
    return RETRACTED in attributes


def dispute(attributes: Mapping[str, str]) -> str | None:
    """What is said against an entry; ``None`` if nothing is."""
    return attributes.get(DISPUTED)


def is_denied(value: object) -> bool:
    """Tell whether a list's value says that the entry is *not* retracted or disputed, so that nothing is to be kept."""
    return value is None or str(value).strip().lower() in _DENIED
