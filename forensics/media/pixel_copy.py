"""Copies the pixels of a loaded picture to an array of eight bits a channel, whatever mode Pillow holds them in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

_STRIP_PIXELS = 4 * 2**20
_GREY_MODES = frozenset({"1", "L", "LA", "La"})
_OPAQUE = 255


def pixels_of(image: Image.Image) -> Pixels:
    """The pixels, transparency dropped, which shows the colours under it.

    Only one strip at a time is converted, so a large picture is not held three times.

    Args:
        image: A loaded picture of any mode.

    Returns:
        Grey of shape (height, width), or red, green, blue of shape (height, width, 3).
    """
    transparency = image.info.pop("transparency", None)
    try:
        return _pixels(image)
    finally:
        if transparency is not None:
            image.info["transparency"] = transparency


def is_transparent(image: Image.Image) -> bool:
    """Whether any pixel of a loaded picture is not wholly opaque."""
    if not image.has_transparency_data:
        return False
    if "A" in image.getbands():
        return image.getchannel("A").getextrema()[0] != _OPAQUE
    return any(strip.convert("RGBA").getchannel("A").getextrema()[0] != _OPAQUE for _, strip in _strips(image))


def composited_pixels(image: Image.Image) -> Pixels:
    """The pixels as shown on white.

    Args:
        image: A loaded picture with transparency.

    Returns:
        Red, green, blue of shape (height, width, 3).
    """
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top, strip in _strips(image):
        shown = Image.new("RGBA", strip.size, "white")
        shown.alpha_composite(strip.convert("RGBA"))
        pixels[top : top + strip.height] = np.asarray(shown)[:, :, :3]
    return pixels


def _pixels(image: Image.Image) -> Pixels:
    width, height = image.size
    grey_range = image.getextrema() if image.mode in {"I", "F"} else (0, 0)
    is_grey = image.mode in _GREY_MODES or image.mode[0] in "IF"
    pixels = np.empty((height, width) if is_grey else (height, width, 3), np.uint8)
    for top, strip in _strips(image):
        rows = slice(top, top + strip.height)
        if not is_grey:
            pixels[rows] = np.asarray(strip.convert("RGB"))
        elif image.mode in _GREY_MODES:
            pixels[rows] = np.asarray(strip.convert("L"))
        else:
            pixels[rows] = _deep_grey(np.asarray(strip), grey_range)  # type: ignore[arg-type]  # one band
    return pixels


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The picture in strips of whole rows, each with the number of its first row."""
    width, height = image.size
    rows = max(1, _STRIP_PIXELS // max(1, width))
    if rows >= height:
        yield 0, image
        return
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(height, top + rows)))


def _deep_grey(values: npt.NDArray[np.generic], grey_range: tuple[float, float]) -> Pixels:
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
