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
from PIL.JpegImagePlugin import JpegImageFile

from forensics.errors import PictureError
from forensics.hashing.perceptual import ORIGINAL
from forensics.media.picture_formats import DECODED_FORMATS, PREFIX_SIZE, formats_by_prefix
from forensics.reason import Reason

DECODE_PATH = "decode-v1"
"""Name of the decode policy below; stored with every perceptual hash. Any change of pixels needs a new name."""

REDUCED_SIDE = 512
"""A JPEG is decoded at the smallest of the scales 1/1, 1/2, 1/4, 1/8 that leaves both sides at least this long."""

MAX_PIXELS = 128 * 2**20
"""Pixels decoded at full size at most: about 1 GB of memory."""

MAX_JPEG_PIXELS = 512 * 2**20
"""Pixels, as the file states them, of a JPEG that can be reduced while it is read."""

_STRIP_PIXELS = 4 * 2**20
_GREY_MODES = frozenset({"1", "L", "LA", "La"})
_JPEG_SIGNATURE = b"\xff\xd8\xff"
_START_OF_SCAN = 0xDA

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


def decode(data: bytes | bytearray | memoryview) -> Picture:
    """Decode a picture for hashing; of an animation the first frame.

    JPEGs are decoded grey and small (:data:`REDUCED_SIDE`). Transparency is dropped, which shows the colours under it.
    What is cut short or damaged is decoded as far as it goes.

    Args:
        data: The whole content.

    Raises:
        PictureError: It cannot be decoded; ``reason`` says why.
    """
    try:
        return _decode(data, lenient=False)
    except PictureError:
        raise
    except Exception:  # noqa: BLE001  # a decoder may fail in any way
        return _decode_damaged(data)


def _decode_damaged(data: bytes | bytearray | memoryview) -> Picture:
    """Decode as far as it goes."""
    try:
        return _decode(data, lenient=True)
    except PictureError:
        raise
    except Exception as error:
        if not formats_by_prefix(bytes(data[:PREFIX_SIZE])):
            raise PictureError("is of no picture format that is decoded", Reason.UNSUPPORTED_FORMAT) from error
        raise PictureError(f"cannot be decoded ({type(error).__name__})", Reason.UNDECODABLE) from error


def _decode(data: bytes | bytearray | memoryview, lenient: bool) -> Picture:
    """Decode once; ``lenient`` keeps what was decoded before an error."""
    is_jpeg = bytes(data[:3]) == _JPEG_SIGNATURE
    try:
        with (
            _pillow_limits(MAX_JPEG_PIXELS if is_jpeg else MAX_PIXELS, lenient),
            Image.open(io.BytesIO(data), formats=DECODED_FORMATS) as image,
        ):
            width, height = image.size
            if isinstance(image, JpegImageFile):
                if width * height > MAX_PIXELS and not _is_one_scan(data):
                    raise _too_many_pixels()
                image.draft("L", (REDUCED_SIDE, REDUCED_SIDE))
            if image.size[0] * image.size[1] > MAX_PIXELS:
                raise _too_many_pixels()
            image.load()
            pixels = _pixels(image)
    except MemoryError as error:
        raise PictureError("needs more memory than is allowed", Reason.OUT_OF_MEMORY) from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_many_pixels() from error
    if lenient and bool((pixels == pixels[0, 0]).all()):
        raise PictureError("breaks off before its first pixel", Reason.UNDECODABLE)
    return Picture(pixels, width, height, truncated=lenient)


@contextmanager
def _pillow_limits(max_pixels: int, lenient: bool) -> Iterator[None]:
    """Set Pillow's limits for one picture, turn its warning about too many pixels into an error and mute the others."""
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        previous = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = max_pixels, lenient
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = previous


def _is_one_scan(data: bytes | bytearray | memoryview) -> bool:
    """Whether a JPEG holds all its components in one sequential scan.

    Only then can libjpeg decode it line by line; else it keeps the coefficients of the whole picture, six bytes a
    pixel. Source: ITU-T T.81, annex B.
    """
    components = 0
    position = 2
    while position + 10 <= len(data):
        marker = data[position + 1]
        if data[position] != 0xFF or marker == 0xFF:  # fill bytes
            position += 1
        elif marker == _START_OF_SCAN:
            return data[position + 4] == components
        else:
            if marker in {0xC0, 0xC1}:  # baseline and extended sequential frames
                components = data[position + 9]
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return False


def _pixels(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Copy a loaded picture's pixels strip by strip, converting only one strip at a time."""
    image.info.pop("transparency", None)
    width, height = image.size
    grey_range = image.getextrema() if image.mode in {"I", "F"} else (0, 0)
    is_grey = image.mode in _GREY_MODES or image.mode[0] in "IF"
    pixels = np.empty((height, width) if is_grey else (height, width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        strip = image.crop((0, top, width, bottom)) if rows < height else image
        if not is_grey:
            pixels[top:bottom] = np.asarray(strip.convert("RGB"))
        elif image.mode in _GREY_MODES:
            pixels[top:bottom] = np.asarray(strip.convert("L"))
        else:
            pixels[top:bottom] = _deep_grey(np.asarray(strip), grey_range)  # type: ignore[arg-type]  # one band
    return pixels


def _deep_grey(values: npt.NDArray[np.generic], grey_range: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """Bring grey values of more than eight bits to eight.

    Sixteen bits keep their upper half, wherever they come in 32-bit integers too. Floats have no agreed range and are
    stretched to it.
    """
    if values.dtype.kind == "f":
        low, high = grey_range
        scaled = (np.nan_to_num(values.astype(np.float32), nan=low) - low) * (255 / max(high - low, 1e-30))
        return scaled.clip(0, 255).astype(np.uint8)
    if values.dtype.itemsize == 4 and grey_range[1] <= 255:  # eight bits in 32
        return values.astype(np.int64).clip(0, 255).astype(np.uint8)
    return (values.astype(np.int64).clip(0, 65535) >> 8).astype(np.uint8)


def _too_many_pixels() -> PictureError:
    return PictureError("states more pixels than are decoded", Reason.TOO_MANY_PIXELS)
