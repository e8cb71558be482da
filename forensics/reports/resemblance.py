"""In words, how a content resembles an entry: which view of it does, or which share of a film's frames."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from forensics.case.reader import Hit
from forensics.hashing.perceptual import ORIGINAL
from forensics.reports.printable import printable
from forensics.reports.translation import Translation

_NUMBERED = re.compile(r"(frame|page|layer|preview|cover)-([0-9]{1,9})")
_FRAME_AT = re.compile(r"frame-at-([0-9]{1,9})s")
_MILLIONTHS = 1_000_000


def resemblance(words: Translation, hit: Hit) -> Markup | None:
    """Say what of a content resembles an entry.

    Args:
        words: The language.
        hit: The hit.

    Returns:
        One or two phrases; ``None`` where there is nothing to say: a match by digest, or of a picture as it is.
    """
    phrases = []
    if hit.probe is not None and hit.probe != ORIGINAL:
        phrases.append(words.gettext("seen as: %(probe)s", probe=probe_in_words(words, hit.probe)))
    if hit.query_covered is not None and hit.known_covered is not None:
        query, known = (
            words.percent(round(share * _MILLIONTHS), _MILLIONTHS) for share in (hit.query_covered, hit.known_covered)
        )
        phrases.append(
            words.gettext("frames: %(query)s of this film, %(known)s of the known film", query=query, known=known)
        )
    elif hit.basis == "vpdq":
        phrases.append(words.gettext("like a frame of the known film"))
    return Markup(" · ").join(phrases) if phrases else None


def probe_in_words(words: Translation, probe: str) -> Markup:
    """Name a probe: ``trimmed/rotate-90`` is without its border and turned, ``frame-at-12s`` a frame of a film."""
    return Markup(", ").join(_part_in_words(words, part) for part in probe.split("/"))


def _part_in_words(words: Translation, part: str) -> Markup:
    if numbered := _NUMBERED.fullmatch(part):
        number = words.number(int(numbered[2]))
        match numbered[1]:
            case "frame":
                return words.gettext("frame %(number)s of the animation", number=number)
            case "page":
                return words.gettext("page %(number)s", number=number)
            case "layer":
                return words.gettext("layer %(number)s", number=number)
            case "cover":
                return words.gettext("attached picture %(number)s", number=number)
            case _:
                return words.gettext("preview %(number)s in the file", number=number)
    if at := _FRAME_AT.fullmatch(part):
        minutes, seconds = divmod(int(at[1]), 60)
        time = f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        return words.gettext("the frame at %(time)s", time=time)
    return escape(printable(words.code(part, "probe")))
