"""Generators of harmless pictures, all from a seed: plasma fractals, gradients, shapes, noise and text.

This module is the only place in the product that encodes pictures, and only these synthetic ones. Pixels of evidence
never come here.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont, ImageOps

_PLASMA_OCTAVES = 8
_PLASMA_ROUGHNESS = 0.68
_PALETTE_STOPS = 5
_WORDS = (
    "arena",
    "cedazo",
    "harina",
    "grano",
    "molino",
    "trigo",
    "agua",
    "viento",
    "piedra",
    "camino",
    "noria",
    "campo",
)

Generator = Callable[[int, int, int], Image.Image]
"""Takes seed, width and height in pixels, gives an RGB picture; the same arguments give the same pixels."""


def plasma(seed: int, width: int, height: int) -> Image.Image:
    """A plasma fractal in a smooth palette; the most photo-like of the generators, with detail at every scale.

    Value noise: random grids of doubling resolution, enlarged to the picture and summed with falling amplitude.
    """
    random = np.random.default_rng(seed)
    field = np.zeros((height, width), dtype=np.float32)
    amplitude = 1.0
    for octave in range(1, _PLASMA_OCTAVES + 1):
        points = 2**octave + 1
        grid = Image.fromarray(random.random((points, points), dtype=np.float32))
        field += amplitude * np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)
        amplitude *= _PLASMA_ROUGHNESS
    field = (field - field.min()) / (field.max() - field.min())
    return Image.fromarray(_palette(random)[(field * 255).astype(np.uint8)])


def gradient(seed: int, width: int, height: int) -> Image.Image:
    """A straight gradient between two colours in a random direction."""
    random = np.random.default_rng(seed)
    angle = random.uniform(0, 2 * np.pi)
    across = np.linspace(-1, 1, width)[None, :] * np.cos(angle) + np.linspace(-1, 1, height)[:, None] * np.sin(angle)
    share = ((across - across.min()) / (across.max() - across.min()))[:, :, None]
    first, last = random.integers(0, 256, (2, 3))
    return Image.fromarray((first * (1 - share) + last * share).astype(np.uint8))


def shapes(seed: int, width: int, height: int) -> Image.Image:
    """Rectangles, ellipses and lines in plain colours."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (width, height), _colour(random))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(8, 24))):
        left, right = sorted(int(x) for x in random.integers(0, width, 2))
        top, bottom = sorted(int(y) for y in random.integers(0, height, 2))
        kind = random.integers(0, 3)
        if kind == 0:
            draw.rectangle((left, top, right, bottom), fill=_colour(random))
        elif kind == 1:
            draw.ellipse((left, top, right, bottom), fill=_colour(random))
        else:
            draw.line((left, top, right, bottom), fill=_colour(random), width=int(random.integers(1, 9)))
    return picture


def noise(seed: int, width: int, height: int) -> Image.Image:
    """Coloured noise in blocks of a few pixels."""
    random = np.random.default_rng(seed)
    block = int(random.integers(2, 9))
    grid = random.integers(0, 256, (-(-height // block), -(-width // block), 3), dtype=np.uint8)
    return Image.fromarray(grid.repeat(block, axis=0).repeat(block, axis=1)[:height, :width])


def text(seed: int, width: int, height: int) -> Image.Image:
    """A page of random words."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    size = int(random.integers(11, 22))
    font = ImageFont.load_default(size)
    for top in range(size, height - size, size * 3 // 2):
        line = " ".join(random.choice(_WORDS, int(random.integers(2, 12))))
        draw.text((size, top), line, fill="black", font=font)
    return picture


GENERATORS: Mapping[str, Generator] = {
    "plasma": plasma,
    "gradient": gradient,
    "shapes": shapes,
    "noise": noise,
    "text": text,
}
"""Every generator by name."""


def encode(picture: Image.Image, file_format: str, quality: int = 90) -> bytes:
    """Encode a synthetic picture.

    Args:
        picture: A picture made by this module.
        file_format: ``JPEG``, ``PNG``, ``GIF`` or ``BMP``, as Pillow names them.
        quality: JPEG quality, 1 to 95; other formats ignore it.
    """
    file = io.BytesIO()
    if file_format == "JPEG":
        picture.save(file, file_format, quality=quality)
    else:
        picture.save(file, file_format)
    return file.getvalue()


def resized(picture: Image.Image, factor: float) -> Image.Image:
    """A copy of a synthetic picture at another scale.

    Args:
        picture: A picture made by this module.
        factor: New width divided by old width; the proportions stay.
    """
    size = (round(picture.width * factor), round(picture.height * factor))
    return picture.resize(size, Image.Resampling.LANCZOS)


def mirrored(picture: Image.Image) -> Image.Image:
    """A synthetic picture with left and right exchanged."""
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def turned(picture: Image.Image) -> Image.Image:
    """A synthetic picture turned by a quarter."""
    return picture.transpose(Image.Transpose.ROTATE_90)


def framed(picture: Image.Image, share: float) -> Image.Image:
    """A synthetic picture in a plain border.

    Args:
        picture: A picture made by this module.
        share: Width of the border as a part of the shorter side.
    """
    return ImageOps.expand(picture, round(min(picture.size) * share), (240, 240, 240))


def _palette(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """256 colours from dark to bright through random ones, so that every plasma has contrast for PDQ to measure."""
    colours = random.integers(0, 256, (_PALETTE_STOPS, 3))
    colours = colours[np.argsort(colours @ (299, 587, 114))]
    stops = (colours + np.linspace(0, 255, _PALETTE_STOPS)[:, None]) / 2
    positions = np.linspace(0, 255, _PALETTE_STOPS)
    channels = [np.interp(np.arange(256), positions, stops[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).astype(np.uint8)


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue
