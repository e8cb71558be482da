"""How many pictures and films a case holds, and what became of their perceptual hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from hashsets.known_hashes import LEAST_QUALITY

Query: TypeAlias = Callable[[str], Iterable[dict[str, Any]]]
"""Gives the rows of an SQL query by the names of their columns."""

# a photograph that a phone put a film behind is a picture all the same
_IS_VIDEO = "(media_type GLOB 'video/*' OR (media_type NOT GLOB 'image/*' AND sha256 IN (SELECT content FROM films)))"
_IS_HASHED_VIDEO = f"{_IS_VIDEO} AND sha256 IN (SELECT content FROM films)"  # noqa: S608 - literals only
_IS_PICTURE = f"((media_type GLOB 'image/*' OR perceptual = 'hashed') AND NOT {_IS_VIDEO})"
_NOT_HASHED = "perceptual IN ('skipped', 'failed')"
# of the frames of films only those that are compared are kept
_SAYS_ENOUGH = (
    "(sha256 IN (SELECT content FROM film_frames) OR EXISTS (SELECT 1 FROM perceptual_hashes "  # noqa: S608 - a number
    f"WHERE content = sha256 AND algorithm = 'pdq' AND quality >= {LEAST_QUALITY}))"
)


@dataclass(frozen=True, slots=True)
class PerceptualAccount:
    """Distinct contents. The lists hold ``perceptual``, ``reason`` and ``count``.

    Attributes:
        pictures: Pictures, by media type or because they decoded as one; also those that hold a film.
        pictures_hashed: Those with perceptual hashes.
        videos: Films, by media type or because they decoded as one.
        videos_hashed: Those with hashes of their frames.
        pictures_not_hashed: What is no film and was skipped or failed.
        videos_not_hashed: Films that were skipped or failed.
        partly_hashed: Pictures and films of which only a part has perceptual hashes.
        pictures_not_compared: Hashed pictures that show too little to be compared: no view is of the PDQ quality that
            this needs.
        videos_not_compared: Such films: no frame of them is.
    """

    pictures: int
    pictures_hashed: int
    videos: int
    videos_hashed: int
    pictures_not_hashed: list[dict[str, Any]]
    videos_not_hashed: list[dict[str, Any]]
    partly_hashed: list[dict[str, Any]]
    pictures_not_compared: int
    videos_not_compared: int


def perceptual_account(query: Query) -> PerceptualAccount:
    """Count them.

    Args:
        query: Asks the case.
    """
    return PerceptualAccount(
        _count(query, _IS_PICTURE),
        _count(query, f"{_IS_PICTURE} AND perceptual = 'hashed'"),
        _count(query, _IS_VIDEO),
        _count(query, _IS_HASHED_VIDEO),
        _by_reason(query, f"{_NOT_HASHED} AND NOT {_IS_VIDEO}"),
        _by_reason(query, f"{_NOT_HASHED} AND {_IS_VIDEO}"),
        _by_reason(query, "perceptual = 'hashed' AND perceptual_reason IS NOT NULL"),
        _count(query, f"{_IS_PICTURE} AND perceptual = 'hashed' AND NOT {_SAYS_ENOUGH}"),
        _count(query, f"{_IS_HASHED_VIDEO} AND NOT {_SAYS_ENOUGH}"),
    )


def _count(query: Query, condition: str) -> int:
    (row,) = query(f"SELECT count(*) AS count FROM contents WHERE {condition}")  # noqa: S608 - literals only
    return int(row["count"])


def _by_reason(query: Query, condition: str) -> list[dict[str, Any]]:
    return list(
        query(
            "SELECT perceptual, perceptual_reason AS reason, count(*) AS count FROM contents "  # noqa: S608 - literals
            f"WHERE {condition} GROUP BY 1, 2 ORDER BY 1, 2"
        )
    )
