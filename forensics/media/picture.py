"""Pixels on their way to a hash. They exist only inside a worker and leave it only as a hash.

Pictures come from seized disks: any of them may be broken, or built to break a decoder. Size is checked before pixels
are, every failure is a :class:`~forensics.errors.PictureError`, and nothing is ever encoded.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile

from forensics.errors import PictureError
from forensics.hashing.perceptual import ORIGINAL
from forensics.media import exif
from forensics.media.jpeg_segments import START_OF_IMAGE, START_OF_SCAN, segments
from forensics.media.picture_formats import DECODED_FORMATS, PREFIX_SIZE, formats_by_prefix
from forensics.media.pixel_copy import pixels_of
from forensics.reason import Reason

DECODE_PATH = "decode-v2"
"""Name of the decode policy below; stored with every perceptual hash. Any change of pixels needs a new name."""

REDUCED_SIDE = 384
"""A JPEG is decoded at the smallest of the scales 1/1, 1/2, 1/4, 1/8 that leaves both sides at least this long."""

REDUCED_JPEG2000_PATH = "decode-v2-jpeg2000"
"""Name of the path of a JPEG 2000 picture that was reduced as a JPEG is: its scales are other averages."""

MAX_PIXELS = 128 * 2**20
"""Pixels decoded at full size at most: about 1 GB of memory."""

MAX_JPEG_PIXELS = 512 * 2**20
"""Pixels, as the file states them, of a JPEG that can be reduced while it is read."""

_JPEG2000_HEAD = 4096
_TURNED_ON_LOAD = frozenset({"TIFF", "HEIF"})

# Pillow's limits are global to a process; they are set only while a picture is decoded, by one thread at a time.
_PILLOW = threading.Lock()


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: Values 0 to 255, C-contiguous, of the picture as decoded (a large JPEG is decoded at a reduced scale):
            grey of shape (height, width) if the file is grey or a JPEG, else red, green, blue of shape
            (height, width, 3).
        width: Width in pixels as the file states, before any reduction.
        height: Height in pixels as the file states.
        view: What it shows of the file: ``original``, ``trimmed``, ``composited``, ``frame-12``, ``thumbnail`` ...
        turn: How a viewer turns it (Exif orientation), by Pillow's name of the turn: ``original`` if not at all.
        truncated: Whether the file broke off or was damaged, so that only a part of the pixels is its own.
        decode: Name of the decode path.
    """

    pixels: npt.NDArray[np.uint8]
    width: int
    height: int
    view: str = ORIGINAL
    turn: str = ORIGINAL
    truncated: bool = False
    decode: str = DECODE_PATH


@dataclass(frozen=True, slots=True)
class OpenPicture:
    """A picture file that is held open for more views than its original.

    Attributes:
        image: Pillow's, loaded; :func:`pillow_limits` must surround whatever else it decodes.
        original: The picture as :func:`decode` gives it.
    """

    image: Image.Image
    original: Picture


def decode(data: bytes | bytearray | memoryview) -> Picture:
    """Decode a picture for hashing; of an animation the first frame.

    JPEGs are decoded grey and small (:data:`REDUCED_SIDE`). Transparency is dropped, which shows the colours under it.
    What is cut short or damaged is decoded as far as it goes.

    Args:
        data: The whole content.

    Raises:
        PictureError: It cannot be decoded; ``reason`` says why.
    """
    opened = open_picture(data)
    opened.image.close()
    return opened.original


def open_picture(data: bytes | bytearray | memoryview) -> OpenPicture:
    """Decode a picture and leave its file open; the caller closes the image.

    Args:
        data: The whole content.

    Raises:
        PictureError: It cannot be decoded; ``reason`` says why.
    """
    try:
        return _open(data, lenient=False)
    except PictureError:
        raise
    except Exception:  # noqa: BLE001  # a decoder may fail in any way
        return _open_damaged(data)


def _open_damaged(data: bytes | bytearray | memoryview) -> OpenPicture:
    """Decode as far as it goes."""
    try:
        return _open(data, lenient=True)
    except PictureError:
        raise
    except Exception as error:
        if not formats_by_prefix(bytes(data[:PREFIX_SIZE])):
            raise PictureError("is of no picture format that is decoded", Reason.UNSUPPORTED_FORMAT) from error
        raise PictureError(f"cannot be decoded ({type(error).__name__})", Reason.UNDECODABLE) from error


def _open(data: bytes | bytearray | memoryview, lenient: bool) -> OpenPicture:
    """Decode once; ``lenient`` keeps what was decoded before an error."""
    is_jpeg = bytes(data[:3]) == START_OF_IMAGE
    with pillow_limits(MAX_JPEG_PIXELS if is_jpeg else MAX_PIXELS, lenient):
        image = Image.open(io.BytesIO(data), formats=DECODED_FORMATS)
        try:
            return OpenPicture(image, _original(image, data, lenient))
        except BaseException:
            image.close()
            raise


def _original(image: Image.Image, data: bytes | bytearray | memoryview, lenient: bool) -> Picture:
    """Load a picture and copy its pixels."""
    width, height = image.size
    path = DECODE_PATH
    if isinstance(image, JpegImageFile):
        if width * height > MAX_PIXELS and not _is_one_scan(data):
            raise too_many_pixels()
        image.draft("L", (REDUCED_SIDE, REDUCED_SIDE))
    elif isinstance(image, Jpeg2KImageFile) and (power := jpeg2000_reduction(width, height, data)):
        image.reduce = power
        path = REDUCED_JPEG2000_PATH
    if image.size[0] * image.size[1] > MAX_PIXELS:
        raise too_many_pixels()
    image.load()
    pixels = pixels_of(image)
    if lenient and bool((pixels == pixels[0, 0]).all()):
        raise PictureError("breaks off before its first pixel", Reason.UNDECODABLE)
    return Picture(pixels, width, height, turn=_turn(image), truncated=lenient, decode=path)


def _turn(image: Image.Image) -> str:
    """What a viewer does with the pixels; nothing where Pillow (TIFF) or libheif has done it already."""
    block = image.info.get("exif")
    return exif.turn(block) if isinstance(block, bytes) and image.format not in _TURNED_ON_LOAD else ORIGINAL


@contextmanager
def pillow_limits(max_pixels: int = MAX_PIXELS, lenient: bool = False) -> Iterator[None]:
    """Set Pillow's limits for one picture, turn its warning about too many pixels into an error and mute the others.

    Args:
        max_pixels: Pixels a picture may state.
        lenient: Whether what was decoded before an error is kept.

    Raises:
        PictureError: A picture was larger, or took more memory than there is.
    """
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        previous = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = max_pixels, lenient
        try:
            yield
        except MemoryError as error:
            raise PictureError("needs more memory than is allowed", Reason.OUT_OF_MEMORY) from error
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise too_many_pixels() from error
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = previous


def _is_one_scan(data: bytes | bytearray | memoryview) -> bool:
    """Whether a JPEG holds all its components in one sequential scan.

    Only then can libjpeg decode it line by line; else it keeps the coefficients of the whole picture, six bytes a
    pixel.
    """
    components = 0
    for marker, content in segments(data):
        if marker in {0xC0, 0xC1} and content + 5 < len(data):  # baseline and extended sequential frames
            components = data[content + 5]
        elif marker == START_OF_SCAN and content < len(data):
            return data[content] == components
    return False


def jpeg2000_reduction(width: int, height: int, data: bytes | bytearray | memoryview) -> int:
    """How often a JPEG 2000 picture may be halved to the scale a JPEG would be decoded at.

    Source: ITU-T T.800, annex A.6.1 (the coding style says how many halvings the file holds).
    """
    head = bytes(data[:_JPEG2000_HEAD])
    coding_style = head.find(b"\xff\x52", head.find(b"\xff\x4f\xff\x51"))
    if coding_style < 0 or coding_style + 9 >= len(head):
        return 0
    for power in range(min(3, head[coding_style + 9]), 0, -1):
        scale = 2**power
        # Pillow rounds the reduced size to the nearest, OpenJPEG up: only where both agree can it be decoded
        agree = all((side + scale // 2) // scale == -(-side // scale) for side in (width, height))
        if agree and min(width, height) // scale >= REDUCED_SIDE:
            return power
    return 0


def too_many_pixels() -> PictureError:
    """The error of a picture that states more pixels than are decoded."""
    return PictureError("states more pixels than are decoded", Reason.TOO_MANY_PIXELS)
