"""Every view of a picture file that is worth a hash: what it shows, and what it hides.

A known picture may be inside a border, under transparency, on a later page, in the ninth frame of an animation, or only
in the thumbnail that a camera left in a file whose picture was replaced. Each of these is a picture of its own to a
hash.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from forensics.errors import PictureError
from forensics.hashing.perceptual import COMPOSITED, ORIGINAL
from forensics.media import camera_raw, embedded_thumbnail, exif
from forensics.media.border import trimmed
from forensics.media.picture import OpenPicture, Picture, decode, open_picture, pillow_limits
from forensics.media.picture_frames import frames, may_hold_more
from forensics.media.pixel_copy import composited_pixels, is_transparent
from forensics.reason import Reason

VIEW_SECONDS = 10.0
"""After this time of the processor no further view of a file is begun: how busy the machine is must not decide what is
found. The original is decoded however long it takes."""

THUMBNAIL = "thumbnail"
"""Name of the view that is the small picture a camera or program put into the file."""


class Views(Iterator[Picture]):
    """The views of one picture, decoded one after the other as they are asked for.

    The first is the original; then, where there are such, ``trimmed``, ``composited``, ``thumbnail`` or ``preview-K``,
    and ``frame-K``, ``page-K`` or ``layer-K``. What fails after the original is left out and told by :attr:`reason`.
    Of a JPEG that cannot be decoded itself, ``thumbnail`` is the only view, and :attr:`reason` says why.

    Attributes:
        reason: Why only a part of the file was decoded, the weightiest reason met so far; ``None`` if none. Whole only
            when all views have been taken.
    """

    def __init__(self, data: bytes | bytearray | memoryview, seconds: float = VIEW_SECONDS) -> None:
        self.reason: Reason | None = None
        self._data = data
        self._begun = False
        self._deadline = time.process_time() + seconds
        self._pictures = self._camera_raw() if camera_raw.is_camera_raw(data) else self._picture()

    def __next__(self) -> Picture:
        try:
            picture = next(self._pictures)
        except (StopIteration, PictureError, MemoryError):
            raise
        except Exception as error:  # one odd file must not end the examination of all others
            if not self._begun:
                raise PictureError(f"cannot be decoded ({type(error).__name__})", Reason.UNDECODABLE) from error
            self._tell(Reason.VIEW_UNDECODABLE)
            raise StopIteration from error
        self._begun = True
        return picture

    def _picture(self) -> Iterator[Picture]:
        try:
            pictures = self._views_of(open_picture(self._data))
        except PictureError as error:
            pictures = iter((self._thumbnail_alone(error),))
        yield from pictures

    def _views_of(self, picture: OpenPicture) -> Iterator[Picture]:
        """The views of an open picture, of which the caller keeps no hold."""
        opened: OpenPicture | None
        opened = picture
        del picture
        original, thumbnail = opened.original, embedded_thumbnail.of_image(opened.image)
        if not opened.image.has_transparency_data and not may_hold_more(opened.image):
            opened.image.close()
            opened = None  # frees its pixels before the hashes are computed
        if original.truncated:
            self.reason = Reason.TRUNCATED_PICTURE
        yield original
        yield from self._without_border(original)
        if thumbnail is not None:
            yield from self._thumbnail(thumbnail, original.turn)
        if opened is not None:
            with opened.image:
                yield from self._composited(opened)
                self._tell((yield from frames(opened.image, self._data, self._deadline)))

    def _without_border(self, original: Picture) -> Iterator[Picture]:
        """The picture inside its border, if it has one."""
        try:
            inside = trimmed(original)
        except MemoryError:
            self._tell(Reason.OUT_OF_MEMORY)
            return
        if inside is not None:
            yield inside

    def _composited(self, opened: OpenPicture) -> Iterator[Picture]:
        """The picture on white, if it has transparency."""
        if not opened.image.has_transparency_data or self._is_late():
            return
        try:
            with pillow_limits():
                if not is_transparent(opened.image):
                    return
                picture = replace(opened.original, pixels=composited_pixels(opened.image), view=COMPOSITED)
        except PictureError as error:
            self._tell(Reason(error.reason))
        except Exception:  # noqa: BLE001  # a decoder may fail in any way
            self._tell(Reason.VIEW_UNDECODABLE)
        else:
            yield picture

    def _thumbnail(self, data: bytes, turn: str) -> Iterator[Picture]:
        """The thumbnail. Programs that change a picture often leave a broken one: that is no failure."""
        if self._is_late():
            return
        try:
            picture = decode(data)
        except PictureError:
            return
        yield replace(picture, view=THUMBNAIL, turn=turn)

    def _thumbnail_alone(self, error: PictureError) -> Picture:
        """The thumbnail of a picture that cannot be decoded itself.

        Raises:
            PictureError: It has none; the one that the picture raised.
        """
        thumbnail = embedded_thumbnail.of_jpeg(self._data)
        if thumbnail is None:
            raise error
        try:
            picture = decode(thumbnail.data)
        except PictureError:
            raise error from None
        self.reason = Reason(error.reason)
        return replace(picture, view=THUMBNAIL, turn=thumbnail.turn)

    def _camera_raw(self) -> Iterator[Picture]:
        """The previews of a camera RAW file, of which the largest stands for the picture."""
        turn = exif.turn(memoryview(self._data))
        count = 0
        for preview in camera_raw.previews(self._data):
            if count and self._is_late():
                return
            try:
                picture = decode(preview)
            except PictureError:
                continue
            count += 1
            picture = replace(picture, turn=turn if turn != ORIGINAL else picture.turn)
            if count == 1:
                if picture.truncated:
                    self.reason = Reason.TRUNCATED_PICTURE
                yield picture
                yield from self._without_border(picture)
            else:
                yield replace(picture, view=f"preview-{count}")
        if not count:
            yield from self._undeveloped()

    def _undeveloped(self) -> Iterator[Picture]:
        """A RAW file without a preview, which may still be a picture to Pillow."""
        try:
            yield from self._picture()
        except PictureError as error:
            raise PictureError("is a camera RAW file without a preview", Reason.UNSUPPORTED_FORMAT) from error

    def _is_late(self) -> bool:
        if time.process_time() <= self._deadline:
            return False
        self._tell(Reason.VIEW_TIME_LIMIT)
        return True

    def _tell(self, reason: Reason | None) -> None:
        """Note why something is missing; the first reason stands."""
        self.reason = self.reason or reason


def views(data: bytes | bytearray | memoryview, seconds: float = VIEW_SECONDS) -> Views:
    """The views of a picture file.

    Args:
        data: The whole content.
        seconds: After this time of the processor no further view is begun.

    Returns:
        An iterator; its ``reason`` says, when it is exhausted, why not everything was decoded. Taking the first view
        raises :class:`~forensics.errors.PictureError` if neither the picture nor, of a JPEG, its thumbnail can be
        decoded; taking a later one never does.
    """
    return Views(data, seconds)
