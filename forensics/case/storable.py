"""Numbers as a case can hold them."""

from __future__ import annotations

from typing import overload

LARGEST_INTEGER = (1 << 63) - 1
"""The largest number a case can hold. A damaged partition table or file record may state a larger one."""


@overload
def storable(number: int) -> int: ...


@overload
def storable(number: None) -> None: ...


def storable(number: int | None) -> int | None:
    """A size or offset as the case writes it: :data:`LARGEST_INTEGER` for any that is larger."""
    return None if number is None else min(number, LARGEST_INTEGER)
