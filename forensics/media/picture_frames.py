"""Steps through what a picture file holds besides its first picture: frames, pages, layers, sizes of an icon.

Each step is decoded under Pillow's limits, and no step is begun after the deadline, so that a file of a million frames
costs a bounded time.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

from PIL import Image
from PIL.IcoImagePlugin import IcoImageFile
from PIL.MpoImagePlugin import MpoImageFile
from PIL.PsdImagePlugin import PsdImageFile

from forensics.errors import PictureError
from forensics.media.jpeg_segments import segments
from forensics.media.picture import MAX_PIXELS, Picture, decode, pillow_limits, too_many_pixels
from forensics.media.pixel_copy import pixels_of
from forensics.reason import Reason

MAX_FRAMES = 8
"""Frames of an animation that are decoded beside the first, evenly spaced, the last among them."""

MAX_PAGES = 32
"""Pages, layers or hidden pictures of a file that are decoded beside the first."""

_ANIMATED = frozenset({"GIF", "PNG", "WEBP", "AVIF", "FLI"})
_PAGED = frozenset({"TIFF", "DCX", "HEIF"})
_SMALLEST_ICON = 32
_MP_ENTRIES = 0xB002
_APP2 = 0xE2
_INDEX = b"MPF\0"

FrameSteps = Generator[Picture, None, Reason | None]
"""Pictures, and at the end why there are not more of them."""


def may_hold_more(image: Image.Image) -> bool:
    """Whether an open file may show more than its first picture, so that it must be kept open."""
    if isinstance(image, (MpoImageFile, PsdImageFile, IcoImageFile)) or image.format in _PAGED:
        return True
    # to ask a GIF is to decode it in part, which a damaged one does not survive
    return image.format == "GIF" or (image.format in _ANIMATED and bool(getattr(image, "is_animated", False)))


def frames(image: Image.Image, data: bytes | bytearray | memoryview, deadline: float) -> FrameSteps:
    """What else a file shows.

    Args:
        image: The open file, its first picture loaded.
        data: Its whole content.
        deadline: When to stop, by ``time.process_time``.

    Returns:
        Why not everything was decoded, ``None`` if it was.
    """
    if isinstance(image, MpoImageFile):
        return (yield from _steps(_hidden_jpegs(image, data), deadline))
    if isinstance(image, PsdImageFile):
        return (yield from _steps(_layers(image), deadline))
    if isinstance(image, IcoImageFile):
        return (yield from _steps(_icon_sizes(image), deadline))
    if image.format in _PAGED:
        return (yield from _steps(_pages(image), deadline))
    if may_hold_more(image):
        return (yield from _animation(image, data, deadline))
    return None


def _steps(decoders: Iterator[Callable[[], Picture]], deadline: float) -> FrameSteps:
    """Decode one after the other; one that fails does not end it, the limits do."""
    reason: Reason | None = None
    count = 0
    while True:
        try:
            with pillow_limits():
                step = next(decoders, None)
            if step is None:
                return reason
            if count == MAX_PAGES:
                return reason or Reason.FRAME_LIMIT
            if time.process_time() > deadline:
                return reason or Reason.VIEW_TIME_LIMIT
            count += 1
            picture = step()
        except PictureError as error:
            reason = reason or _reason_of_view(error)
        except MemoryError:
            reason = reason or Reason.OUT_OF_MEMORY
        except Exception:  # noqa: BLE001  # a decoder may fail in any way
            reason = reason or Reason.VIEW_UNDECODABLE
        else:
            yield picture


def _reason_of_view(error: PictureError) -> Reason:
    """Why a further view failed; that it is no picture is said of the view, not of the file."""
    reason = Reason(error.reason)
    return Reason.VIEW_UNDECODABLE if reason in {Reason.UNDECODABLE, Reason.UNSUPPORTED_FORMAT} else reason


def _loaded(image: Image.Image, view: str) -> Picture:
    """Decode what the image stands at; the limits must have been set."""
    if image.width * image.height > MAX_PIXELS:
        raise too_many_pixels()
    image.load()
    return Picture(pixels_of(image), image.width, image.height, view)


def _hidden_jpegs(image: MpoImageFile, data: bytes | bytearray | memoryview) -> Iterator[Callable[[], Picture]]:
    """The further pictures of a multi-picture JPEG, each a JPEG of its own. Source: CIPA DC-007, section 5.2.3.3."""
    base = _multi_picture_base(data)
    for index, entry in enumerate((image.mpinfo or {}).get(_MP_ENTRIES, ())[1:], 1):
        start = base + entry["DataOffset"]

        def decode_hidden(start: int = start, size: int = entry["Size"], index: int = index) -> Picture:
            return replace(decode(data[start : start + size]), view=f"frame-{index + 1}")

        yield decode_hidden


def _multi_picture_base(data: bytes | bytearray | memoryview) -> int:
    """Where the offsets of a multi-picture JPEG count from: behind the name of its index."""
    for marker, content in segments(data):
        if marker == _APP2 and bytes(data[content : content + len(_INDEX)]) == _INDEX:
            return content + len(_INDEX)
    return 0


def _layers(image: PsdImageFile) -> Iterator[Callable[[], Picture]]:
    """The layers of a Photoshop file; the composite that was hashed may hide any of them."""
    for number, layer in enumerate(image.layers, 1):
        left, top, right, bottom = layer[2]
        if right <= left or bottom <= top:  # holds no pixels
            continue

        def decode_layer(number: int = number, box: tuple[int, int, int, int] = layer[2]) -> Picture:
            with pillow_limits():
                image.frame = 0  # Pillow counts the composite as the first layer and would not seek to it
                image.seek(number)
                picture = _loaded(image, f"layer-{number}")
            pixels = picture.pixels[max(0, box[1]) : box[3], max(0, box[0]) : box[2]].copy()
            return Picture(pixels, pixels.shape[1], pixels.shape[0], picture.view)

        yield decode_layer


def _icon_sizes(image: IcoImageFile) -> Iterator[Callable[[], Picture]]:
    """The other sizes of an icon, which need not show the same."""
    others = sorted({*image.info["sizes"]} - {image.size}, reverse=True)
    for number, size in enumerate((size for size in others if min(size) >= _SMALLEST_ICON), 1):

        def decode_icon(number: int = number, size: tuple[int, int] = size) -> Picture:
            with pillow_limits():
                image.size = size
                return _loaded(image, f"page-{number + 1}")

        yield decode_icon


def _pages(image: Image.Image) -> Iterator[Callable[[], Picture]]:
    """The pages of a file, which are independent of each other."""
    first = image.tell()
    for number in itertools.count():
        if number == first:
            continue
        try:
            image.seek(number)
        except EOFError:
            return

        def decode_page(number: int = number) -> Picture:
            with pillow_limits():
                return _loaded(image, f"page-{number + 1}")

        yield decode_page


def _animation(image: Image.Image, data: bytes | bytearray | memoryview, deadline: float) -> FrameSteps:
    """Frames of an animation. Most formats store differences, so every frame up to the last is decoded."""
    count = _gif_frames(data, deadline) if image.format == "GIF" else int(getattr(image, "n_frames", 1))
    if time.process_time() > deadline:
        return Reason.VIEW_TIME_LIMIT
    steps = min(MAX_FRAMES, count - 1)
    chosen = {-(-step * (count - 1) // steps) for step in range(1, steps + 1)}
    for number in range(1, count):
        if time.process_time() > deadline:
            return Reason.VIEW_TIME_LIMIT
        try:
            with pillow_limits():
                image.seek(number)
                if number in chosen:
                    picture = _loaded(image, f"frame-{number + 1}")
                else:
                    image.load()
        except PictureError as error:
            return _reason_of_view(error)
        except Exception:  # noqa: BLE001  # a decoder may fail in any way; later frames build on this one
            return Reason.VIEW_UNDECODABLE
        if number in chosen:
            yield picture
    return Reason.FRAME_LIMIT if count - 1 > MAX_FRAMES else None


def _gif_frames(data: bytes | bytearray | memoryview, deadline: float) -> int:
    """Count the frames of a GIF without decoding them, as far as it goes and the time allows.

    Source: GIF89a specification, sections 18 to 26.
    """
    view = memoryview(data)
    end = len(view)
    position = 13 + (3 << ((view[10] & 7) + 1) if view[10] & 0x80 else 0)
    count = 0
    while position < end and time.process_time() <= deadline:
        block = view[position]
        if block == 0x2C and position + 10 < end:  # image descriptor, its colour table, the code size
            packed = view[position + 9]
            position += 11 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0)
            count += 1
        elif block == 0x21:  # extension and its label
            position += 2
        elif block == 0x3B:
            break
        else:
            position += 1
            continue
        while position < end and view[position]:
            position += view[position] + 1
        position += 1
    return max(1, count)
