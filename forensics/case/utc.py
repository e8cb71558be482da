"""Points in time as a case writes them: UTC, ISO 8601 with ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_KEPT = 16_384
"""Files come in crowds, and their times are often one: what a time or a second is written as is kept for the others."""


def now() -> str:
    """The present, to the microsecond."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """A moment that has a time zone, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@lru_cache(_KEPT)
def from_nanoseconds(nanoseconds: int | None) -> str | None:
    """Write a file time without losing precision.

    Args:
        nanoseconds: Since 1970-01-01 UTC; may be negative (file systems date back to 1601).

    Returns:
        ISO 8601 with nine decimals; ``None`` for ``None`` and for a time no calendar holds (damaged metadata).
    """
    if nanoseconds is None:
        return None
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    moment = _to_the_second(seconds)
    return None if moment is None else f"{moment}.{fraction:09d}Z"


@lru_cache(_KEPT)
def _to_the_second(seconds: int) -> str | None:
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}" if moment.year >= 1000 else None
