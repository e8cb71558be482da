"""The eight orientations of a picture, by Pillow's names, and what the hash of each is called.

Someone who turns or mirrors a known picture leaves a picture whose hash has nothing in common with it. Both hashers are
linear up to their last step, so they give the hashes of all eight orientations from one pass over the pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from forensics.hashing.perceptual import DISPLAYED, ORIGINAL, probe_name

if TYPE_CHECKING:
    from forensics.media.picture import Picture

TRIMMED = "trimmed"
"""Name of the view without the borders of one colour."""

_VIEWS_TURNED_EVERY_WAY = frozenset({ORIGINAL, TRIMMED})


class Turn(NamedTuple):
    """An orientation, as three steps one after the other.

    Attributes:
        upside_down: The last row comes first.
        left_right: The last column comes first.
        transposed: Then rows become columns.
    """

    upside_down: bool
    left_right: bool
    transposed: bool


TURNS = {
    ORIGINAL: Turn(False, False, False),
    "flip-left-right": Turn(False, True, False),
    "flip-top-bottom": Turn(True, False, False),
    "rotate-180": Turn(True, True, False),
    "transpose": Turn(False, False, True),
    "rotate-90": Turn(False, True, True),
    "rotate-270": Turn(True, False, True),
    "transverse": Turn(True, True, True),
}
"""The eight orientations by their names; rotations go counter-clockwise, as Pillow's do."""


def probes_of(picture: Picture) -> dict[str, str]:
    """The turns in which a view is hashed, each with the name of the probe, the view as it is first.

    The original and the trimmed view are hashed in every orientation, others as they are and as displayed. The turn
    that the file asks for is named :data:`~forensics.hashing.perceptual.DISPLAYED`.
    """
    turns = TURNS if picture.view in _VIEWS_TURNED_EVERY_WAY else dict.fromkeys((ORIGINAL, picture.turn))
    return {turn: probe_name(picture.view, DISPLAYED if turn == picture.turn != ORIGINAL else turn) for turn in turns}
