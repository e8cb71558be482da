"""Raw images split into segments: ``.001 .002 ...``, ``.000 .001 ...``, ``.00 .01 ...``, ``.aa .ab ...``, ``xaa xab``.

Such segments have no header. Only their names say that they belong together, so a gap between the names that are there
is refused. That segments are missing at the end cannot be seen from the names; partitions that reach beyond the end of
the image are reported when it is examined.
"""

from __future__ import annotations

import re
import string
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import ImageFormat
from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.piecewise import PiecewiseImage
from forensics.evidence.images.raw import refuse_foreign

_NUMBERED = re.compile(r"(.*\.)([0-9]{2,4})", re.DOTALL)
_LETTERED = re.compile(r"(.*\.|x)([a-z]{2,3}|[A-Z]{2,3})", re.DOTALL)
_LOOK_AHEAD = 26
_MOST_SEGMENTS = 100_000


@dataclass(frozen=True, slots=True)
class _Series:
    """The names that the segments of one image would have.

    Attributes:
        number: Place of the named file in the series.
        name: File name of each place.
    """

    number: int
    name: Callable[[int], str]


class SplitRawImage(PiecewiseImage):
    """An open split raw image.

    A segment other than the last one whose size differs from the first one's is declared in :attr:`damage`: tools that
    split cut segments of one size, so it was probably truncated, and what follows it lies at the wrong place.

    Args:
        path: The segment the user named.
        segments: All segments, in order.
    """

    format: ClassVar[str] = "split-raw"

    def __init__(self, path: Path, segments: tuple[Path, ...]) -> None:
        self._paths = segments
        super().__init__(path)

    def _open(self) -> None:
        self.segments = self._paths
        self._files = SegmentFiles(self._paths)
        self._resources.callback(self._files.close)
        self._starts: list[int] = []
        self.size = 0
        sizes = []
        for path in self._paths:
            try:
                sizes.append(path.stat().st_size)
            except OSError as error:
                raise ImageError(f"cannot be read ({error.strerror})", str(path), "check permissions") from error
            self._starts.append(self.size)
            self.size += sizes[-1]
        odd = [number for number, size in enumerate(sizes[:-1], start=1) if size != sizes[0]]
        if odd or sizes[-1] > sizes[0]:
            number = odd[0] if odd else len(sizes)
            self.damage = (
                f"segment {number} has {sizes[number - 1]} bytes, the first one {sizes[0]}: one of them is probably not"
                " whole, and what follows it would lie at the wrong place"
            )

    def _piece(self, offset: int, most: int) -> bytes:
        segment = bisect_right(self._starts, offset) - 1
        start = self._starts[segment]
        stop = self._starts[segment + 1] if segment + 1 < len(self._starts) else self.size
        wanted = min(most, stop - offset)
        data = self._files.read(segment, offset - start, wanted)
        if len(data) < wanted:
            raise ImageError("has become shorter since it was opened", str(self._paths[segment]))
        return data


class SplitRawFormat(ImageFormat):
    """Raw images in several segments."""

    name: ClassVar[str] = "split-raw"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  a segment has no magic
        """Recognise a file that is named like a segment and has another one beside it."""
        series = _series(path)
        return series is not None and bool(_others(path, series))

    def open(self, path: Path) -> SplitRawImage:
        """Open a split raw image from its first segment, whichever was named (see :meth:`ImageFormat.open`).

        Raises:
            MissingSegmentError: There is a gap between the segments, or the first one is not there.
            ImageError: They are recognisably something else, or cannot be read.
        """
        image = SplitRawImage(path, _segments(path))
        try:
            refuse_foreign(image)
        except BaseException:
            image.close()
            raise
        return image


def _segments(path: Path) -> tuple[Path, ...]:
    """Find all segments of the image a file belongs to."""
    series = _series(path)
    if series is None:
        raise ImageError("is not named like a segment of a split raw image", str(path), "restore its name")
    lettered = _NUMBERED.fullmatch(path.name) is None
    first = 0 if lettered or path.with_name(series.name(0)).is_file() else 1
    segments: list[Path] = []
    while (segment := path.with_name(series.name(first + len(segments)))).is_file():
        segments.append(segment)
        if len(segments) > _MOST_SEGMENTS:
            raise ImageError(f"has more than {_MOST_SEGMENTS} segments", str(path), "join them into one file")
    last = max(series.number, *_others(path, series))
    if first + len(segments) <= last:
        missing = series.name(first + len(segments))
        raise MissingSegmentError(
            f"segment {missing} of this split raw image is missing",
            str(path),
            "copy all segments into one folder; examining the rest would miss evidence silently",
        )
    return tuple(segments)


def _series(path: Path) -> _Series | None:
    """Tell the series of names a file's name belongs to; ``None`` if it is not named like a segment."""
    match = _NUMBERED.fullmatch(path.name)
    if match:
        base, digits = match.groups()
        # a series of three digits goes on with four after 999
        width = 3 if len(digits) == 4 and digits[0] != "0" else len(digits)
        return _Series(int(digits), lambda number: f"{base}{number:0{width}d}")
    match = _LETTERED.fullmatch(path.name)
    if match:
        base, suffix = match.groups()
        alphabet = string.ascii_lowercase if suffix.islower() else string.ascii_uppercase
        number = 0
        for letter in suffix:
            number = number * 26 + alphabet.index(letter)
        return _Series(number, lambda number: base + _letters(number, len(suffix), alphabet))
    return None


def _letters(number: int, width: int, alphabet: str) -> str:
    letters = ""
    for _ in range(width):
        number, letter = divmod(number, 26)
        letters = alphabet[letter] + letters
    # what a series of this width cannot number has a name that no file has
    return letters if not number else "\N{REPLACEMENT CHARACTER}"


def _others(path: Path, series: _Series) -> list[int]:
    """Find the places of the series whose files are there, the named one's aside.

    Numbers: all that are there. Letters: those that follow the first segment without a long gap, and the direct
    neighbours of the named file, since many file extensions have two or three letters.
    """
    found = _numbers(path, series) if _NUMBERED.fullmatch(path.name) else _from_first(path, series)
    if found and series.number - found[-1] > _LOOK_AHEAD and not _NUMBERED.fullmatch(path.name):
        found = []
    near = [number for number in (series.number - 1, series.number + 1) if number >= 0 and number not in found]
    found += [number for number in near if path.with_name(series.name(number)).is_file()]
    return [number for number in found if number != series.number]


def _numbers(path: Path, series: _Series) -> list[int]:
    try:
        names = {entry.name for entry in path.parent.iterdir() if entry.is_file()}
    except OSError:
        return []  # a folder that may be entered and not listed: the neighbours are still found
    matches = (_NUMBERED.fullmatch(name) for name in names)
    return sorted(number for match in matches if match and series.name(number := int(match[2])) == match[0])


def _from_first(path: Path, series: _Series) -> list[int]:
    found: list[int] = []
    number = 0
    while number - (found[-1] if found else 0) <= _LOOK_AHEAD:
        if path.with_name(series.name(number)).is_file():
            found.append(number)
        elif not number:
            break
        number += 1
    return found
