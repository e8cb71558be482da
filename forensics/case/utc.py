"""Points in time as a case writes them: UTC, ISO 8601 with ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> str:
    """The present, to the microsecond."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """A moment that has a time zone, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


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
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z" if moment.year >= 1000 else None
