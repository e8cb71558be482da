"""Examines what a content shows: hashes the views of a picture, the frames of a film, and finds what is like them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, cast

from forensics.errors import FilmError, PictureError
from forensics.hashing.vpdq import film_hash
from forensics.media import kind
from forensics.media.film import FILM_DECODE_PATH, FilmLimits, Sampling, sample
from forensics.media.motion_photo import embedded_film_offset
from forensics.media.views import Views, views
from forensics.outcome import ExaminedContent, ExaminedFilm, PerceptualState
from forensics.reason import Reason
from hashsets.match import combine

if TYPE_CHECKING:
    from forensics.hashing.perceptual import FilmHash, PerceptualHash, PictureHasher
    from forensics.media.film import FilmSampling
    from forensics.media.picture import Picture
    from forensics.triage.steps import Steps
    from hashsets.match import Match
    from hashsets.matcher import Matcher

COVER = "cover"
"""Name of the view that is a picture attached to a film or a piece of music; the number says which."""

_OF_ANOTHER_KIND = frozenset({Reason.UNDECODABLE, Reason.UNSUPPORTED_FORMAT})
"""Why what only begins like a picture or film does not open. A limit that was met speaks of a real one."""


@dataclass(frozen=True, slots=True)
class _SampledFilm:
    """A film that was sampled to its end, or to what kept it from that."""

    film: FilmSampling
    hashed: FilmHash

    def examined(self) -> ExaminedFilm | None:
        """What is known of it; nothing where there is no moving picture."""
        if not self.film.streams:
            return None
        return ExaminedFilm(
            self.film.duration, self.film.rotation, self.film.sampling.value, self.film.frames, self.hashed
        )


class _FollowedFile:
    """A file that says when it is read: a film that goes on being read ends at a limit of its own."""

    def __init__(self, file: BinaryIO, on_read: Callable[[], None]) -> None:
        self._file, self._on_read = file, on_read
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        self._on_read()
        return self._file.read(size)


def _followed(file: BinaryIO, on_read: Callable[[], None]) -> BinaryIO:
    return cast("BinaryIO", _FollowedFile(file, on_read))


class AppearanceExaminer:
    """Hashes and matches what contents show, for one worker.

    Args:
        hashers: Perceptual hash algorithms for pictures.
        matcher: The known-hash sets; ``None`` when no set is used.
        sampling: Which frames of films are hashed.
        on_beat: Called for every view and read of a film: long work is not taken for a hung worker.
    """

    def __init__(
        self,
        hashers: Sequence[PictureHasher],
        matcher: Matcher | None,
        sampling: Sampling,
        on_beat: Callable[[], None],
    ) -> None:
        self._hashers = hashers
        self._matcher = matcher
        self._sampling = sampling
        self._on_beat = on_beat

    def of_picture(self, content: ExaminedContent, data: bytes, steps: Steps) -> ExaminedContent:
        """Hash and match every view of a picture, and the film that a phone may have put behind it.

        Args:
            content: What is known of it by its digests.
            data: The whole content.
            steps: Counts them, and says how many there may be; at least one.
        """
        pictures = views(data)
        try:
            original = next(pictures)
        except PictureError as error:
            return _no_picture(content, Reason(error.reason))
        hashes = [*self._hashes_of(original, steps), *self._further_hashes(pictures, steps)]
        film, reason = self._film_within(data, steps)
        if reason is not Reason.VIDEO_SUPPORT_MISSING:  # which is told before all others: it can be mended
            reason = pictures.reason or reason
        return replace(
            content,
            perceptual=PerceptualState.HASHED,
            perceptual_reason=reason,
            width=original.width,
            height=original.height,
            perceptual_hashes=tuple(hashes),
            matches=combine(content.matches, self._matches(hashes, film)),
            film=film,
        )

    def of_film(self, content: ExaminedContent, file: BinaryIO, steps: Steps) -> ExaminedContent:
        """Hash and match the frames of a film, and the pictures attached to it or to a piece of music.

        Args:
            content: What is known of it by its digests.
            file: Its bytes, seekable; read a second time, in pieces.
            steps: Counts them, and says how many there may be; at least one.
        """
        try:
            opened = self._sampled(file, steps)
        except FilmError as error:
            return _no_film(content, Reason(error.reason))
        try:
            sampled = self._hashed(opened, steps)
        except FilmError as error:  # it has moving pictures, whatever it is called
            return replace(content, perceptual=PerceptualState.FAILED, perceptual_reason=Reason(error.reason))
        film = sampled.examined()
        covers = [] if steps.left == 0 else list(self._covers(sampled.film.covers))
        if film is None and not covers:
            return content
        hashes = [item for cover in covers for item in self._hashes_of(cover, steps)]
        width, height = sampled.film.width, sampled.film.height
        return replace(
            content,
            perceptual=PerceptualState.HASHED,
            perceptual_reason=sampled.film.limit,
            width=width if film else covers[0].width,
            height=height if film else covers[0].height,
            perceptual_hashes=tuple(hashes),
            matches=combine(content.matches, self._matches(hashes, film)),
            film=film,
        )

    def _hashes_of(self, picture: Picture, steps: Steps) -> Iterator[PerceptualHash]:
        for hasher in self._hashers:
            if steps.left == 0:
                return
            yield from hasher.hash(picture)
            steps.count()

    def _further_hashes(self, pictures: Views, steps: Steps) -> Iterator[PerceptualHash]:
        """Hashes of the views after the original; memory that runs out ends them and is told."""
        try:
            while steps.left != 0 and (picture := next(pictures, None)) is not None:
                self._on_beat()
                yield from self._hashes_of(picture, steps)
        except MemoryError:
            pictures.reason = pictures.reason or Reason.OUT_OF_MEMORY

    def _covers(self, covers: Sequence[bytes]) -> Iterator[Picture]:
        """Attached pictures that decode. What is wrong with one is no failure of the film."""
        for number, data in enumerate(covers, start=1):
            try:
                picture = next(views(data))
            except PictureError:
                continue
            yield replace(picture, view=f"{COVER}-{number}")

    def _sampled(self, file: BinaryIO, steps: Steps) -> FilmSampling:
        """Open a film, of which no more frames are given than there may be steps.

        Raises:
            FilmError: It cannot be opened.
        """
        limits = FilmLimits()
        if steps.left is not None:
            limits = replace(limits, frames=min(limits.frames, steps.left))
        return sample(_followed(file, self._on_beat), self._sampling, limits)

    def _hashed(self, film: FilmSampling, steps: Steps) -> _SampledFilm:
        """Sample a film to its end.

        Raises:
            FilmError: It has moving pictures, and none of them could be hashed.
        """
        try:
            return _SampledFilm(film, film_hash(_counted(film, steps), FILM_DECODE_PATH))
        except MemoryError as error:
            raise FilmError("needs more memory than is allowed", Reason.OUT_OF_MEMORY) from error

    def _film_within(self, data: bytes, steps: Steps) -> tuple[ExaminedFilm | None, Reason | None]:
        """The film within a picture file, and why not all of it was hashed."""
        offset = None if steps.left == 0 else embedded_film_offset(data)
        if offset is None:
            return None, None
        try:
            sampled = self._hashed(self._sampled(io.BytesIO(memoryview(data)[offset:]), steps), steps)
        except FilmError as error:
            return None, Reason(error.reason)
        return sampled.examined(), sampled.film.limit

    def _matches(self, hashes: Sequence[PerceptualHash], film: ExaminedFilm | None) -> tuple[Match, ...]:
        if self._matcher is None:
            return ()
        self._on_beat()
        of_film = self._matcher.films([film.hashed])[0] if film else ()
        return combine(of_film, self._matcher.near([hashes])[0] if hashes else ())


def _counted(film: FilmSampling, steps: Steps) -> Iterator[tuple[int, Picture]]:
    for frame in film:
        yield frame
        steps.count()


def _no_picture(content: ExaminedContent, reason: Reason) -> ExaminedContent:
    """A content that was taken for a picture and does not decode as one."""
    if content.media_type in kind.GUESSED:
        return replace(content, media_type=kind.UNKNOWN)
    if not content.media_type.startswith("image/") and reason in _OF_ANOTHER_KIND:
        return content  # it only began like a picture
    return replace(content, perceptual=PerceptualState.FAILED, perceptual_reason=reason)


def _no_film(content: ExaminedContent, reason: Reason) -> ExaminedContent:
    """A content that was taken for a film and cannot be opened as one."""
    if reason is Reason.VIDEO_SUPPORT_MISSING:
        return replace(content, perceptual=PerceptualState.SKIPPED, perceptual_reason=reason)
    if not content.media_type.startswith("video/") and reason in _OF_ANOTHER_KIND:
        return content  # sound, or it only began like a film
    return replace(content, perceptual=PerceptualState.FAILED, perceptual_reason=reason)
