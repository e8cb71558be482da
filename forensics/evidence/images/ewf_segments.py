"""Finds the segment files of an EWF (E01) image and tells whether they are all there.

Each segment file names its own number, and its chain of sections says whether another one follows. Reading that chain,
and not just looking which files exist, is what tells a missing last segment from an image that ends there.

Format: Joachim Metz, "Expert Witness Compression Format specification" (libewf documentation), section 2.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.images.ewf_sections import EWF_MAGIC, MAX_SECTIONS, Section, read_segment_file

_DAMAGES_TOLD = 3


@dataclass(frozen=True, slots=True)
class EwfSegments:
    """The segment files of one image.

    Attributes:
        paths: The files, in order, up to and including the first damaged one.
        sections: All their sections, in order.
        damage: What is wrong with them, such as ``segment 2 breaks off at byte 100``; empty if nothing.
    """

    paths: tuple[Path, ...]
    sections: tuple[Section, ...]
    damage: str


def find_segments(first: Path, magic: bytes = EWF_MAGIC) -> EwfSegments:
    """Find all segment files of an image.

    A segment whose chain of sections breaks ends the image: chunks are numbered through, so what follows a gap would
    be read as the wrong part of the disk.

    Args:
        first: The first segment file, as the user named it.
        magic: First bytes of each segment file.

    Raises:
        MissingSegmentError: A segment announces another one that is not there.
        ImageError: The named file is not the first segment, or a file carries another segment's number.
    """
    paths: list[Path] = []
    sections: list[Section] = []
    damages: list[str] = []
    for number, path in enumerate(_segment_paths(first), start=1):
        if number > 1 and not path.is_file():
            raise MissingSegmentError(
                f"segment {number} is missing: {path.name} must lie beside the first one",
                str(first),
                "copy all segments into one folder; examining the rest would miss evidence silently",
            )
        segment = read_segment_file(path, number - 1, MAX_SECTIONS - len(sections), magic)
        if segment.number != number:
            _refuse_number(first, path, expected=number, found=segment.number)
        paths.append(path)
        sections.extend(segment.sections)
        if segment.damage:
            damages.append(segment.damage)
        if segment.end != "next":
            return EwfSegments(tuple(paths), tuple(sections), "; ".join(damages[:_DAMAGES_TOLD]))
    raise ImageError("has more segments than their names can number", str(first), "acquire the image again")


def segment_extensions(first: str) -> Iterator[str]:
    """Generate the file extensions of the segments of an image, by the EWF convention.

    ``E01`` to ``E99``, then ``EAA`` to ``EZZ``, ``FAA`` to ``ZZZ``; lower case if the first one is.

    Args:
        first: Extension of the first segment without the dot, such as ``E01``.
    """
    letter = first[0]
    letters = string.ascii_lowercase if letter.islower() else string.ascii_uppercase
    yield from (f"{letter}{number:02d}" for number in range(1, 100))
    for initial in letters[letters.index(letter) :]:
        yield from (initial + second + third for second, third in product(letters, letters))


def _segment_paths(first: Path) -> Iterator[Path]:
    """Generate the paths of an image's segments; only the first if its name does not follow the convention."""
    yield first
    extension = first.suffix[1:]
    if extension.lower() in {"e01", "s01", "l01"}:
        extensions = segment_extensions(extension)
        next(extensions)
        for following in extensions:
            yield first.with_suffix(f".{following}")
    else:
        # Nothing says what the next segment is called; this name cannot exist, so it is reported missing
        yield first.with_name(f"{first.name} (segment 2; name the first segment .E01)")


def _refuse_number(first: Path, path: Path, expected: int, found: int) -> None:
    if expected == 1:
        raise ImageError(f"is segment {found} of an image, not the first one", str(path), "name the .E01 file")
    raise ImageError(
        f"{path.name} says it is segment {found} where segment {expected} belongs",
        str(first),
        "restore the names the acquisition tool gave the segments",
    )
