"""Hashes of films as Meta's vPDQ writes them: a line for each frame, ``frame,quality,hash,seconds``.

https://github.com/facebook/ThreatExchange/tree/main/vpdq. A film is one entry, however many frames it has. The tool
writes a file for each film; several put one after the other are read as well, for the number of the frame falls back
where a film begins, or is 0 again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, KnownPerceptualHash, ListFormat, ListHeader, RejectedEntry
from hashsets.formats.text import head_text, numbered_lines

MOST_FRAMES = 500_000
"""Of one film: over four hours of every frame, and some 150 MB of memory."""

_LINE = re.compile(r"\s*[0-9]{1,12}\s*,\s*[0-9]{1,3}\s*,\s*[0-9A-Fa-f]{64}\s*,\s*[0-9]{1,12}(?:\.[0-9]{1,12})?\s*")
_COLUMNS = ("frame", "quality", "hash", "seconds")


class VpdqFormat(ListFormat):
    """The PDQ of frames of films; an entry's position is the line of its first frame."""

    name: ClassVar[str] = "vpdq"

    def recognises(self, head: bytes) -> bool:
        """Tell by the first line."""
        lines = [line for line in head_text(head).splitlines() if line.strip()]
        return bool(lines) and _LINE.fullmatch(lines[0]) is not None

    def read(self, file: BinaryIO) -> Iterator[KnownEntry | RejectedEntry | ListHeader]:
        """Read films one by one; a malformed frame is set aside and the rest of its film is kept.

        Raises:
            ListFormatError: A film has more than :data:`MOST_FRAMES` frames.
        """
        position, last_frame = 0, -1
        frames: dict[str, KnownPerceptualHash] = {}
        for number, line in numbered_lines(file):
            if line is None:
                yield RejectedEntry(number, "line too long")
                continue
            if not line.strip():
                continue
            try:
                frame, known = _frame(line)
            except FieldError as error:
                yield RejectedEntry(number, str(error))
                continue
            if frame < last_frame or frame == last_frame == 0:
                yield KnownEntry(position, perceptual=tuple(frames.values()))
                frames = {}
            if not frames:
                position = number
            last_frame = frame
            frames.setdefault(known.value, known)
            if len(frames) > MOST_FRAMES:
                raise ListFormatError(
                    f"a film of more than {MOST_FRAMES} frames", f"line {number}", "hash fewer frames of a second"
                )
        if frames:
            yield KnownEntry(position, perceptual=tuple(frames.values()))


def _frame(line: str) -> tuple[int, KnownPerceptualHash]:
    """Read one line: the number of the frame, and its hash.

    Raises:
        FieldError: A field is missing or malformed.
    """
    values = line.split(",")
    if len(values) != len(_COLUMNS):
        raise FieldError(f"{len(values)} columns where vPDQ has {len(_COLUMNS)}")
    row = dict(zip(_COLUMNS, values, strict=True))
    frame, quality = fields.whole_number("frame", row["frame"]), fields.whole_number("quality", row["quality"], 100)
    if frame is None or quality is None:
        raise FieldError("a frame without its number or quality")
    return frame, fields.perceptual_hash("vpdq", row["hash"], quality)
