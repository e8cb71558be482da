"""Pictures with the statistics of photographs, of any size, quickly: for measurements that need hundreds of them.

Nothing here shows anything. Spectra fall off as those of photographs do (1/f^1 to 1/f^1.6), light falls from one side,
discs and rectangles give hard edges, some carry words, all carry grain.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tests.pictures import Pixels, encoded, plasma

SHAPES = (4 / 3, 3 / 2, 16 / 9, 1.0, 3 / 4, 2 / 3, 9 / 16)
"""Width over height of usual photographs."""

_COARSER = 4
"""The spectrum is drawn at a quarter of the size; what is finer is grain."""

_GRAIN_SIDE = 1024


def photograph(random: np.random.Generator, height: int, width: int) -> Image.Image:
    """A coloured picture."""
    small = (-(-height // _COARSER), -(-width // _COARSER)) if min(height, width) >= 512 else (height, width)
    image = Image.fromarray(_scene(random, *small))
    _draw_objects(random, image)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    if random.random() < 0.3:
        _draw_words(random, image)
    return Image.fromarray(_grained(random, np.asarray(image)))


def photograph_of(random: np.random.Generator, megapixels: float) -> Image.Image:
    """A photograph of about that many megapixels and of a usual shape."""
    ratio = random.choice(SHAPES)
    width = int((megapixels * 1e6 * ratio) ** 0.5)
    return photograph(random, int(width / ratio), width)


def photograph_file(random: np.random.Generator, megapixels: float) -> bytes:
    """A JPEG file of any usual quality and chroma subsampling; about one in seven is progressive."""
    return encoded(
        photograph_of(random, megapixels),
        "JPEG",
        quality=int(random.integers(60, 96)),
        subsampling=int(random.integers(0, 3)),
        progressive=bool(random.random() < 0.15),
    )


def _scene(random: np.random.Generator, height: int, width: int) -> Pixels:
    """Coloured clouds under light that falls from one side."""
    exponent = random.uniform(1.0, 1.6)
    light, *dyes = (plasma(height, width, int(seed), exponent) for seed in random.integers(0, 2**31, 3))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope = (random.uniform(-1, 1) * x + random.uniform(-1, 1) * y) * random.uniform(0, 60)
    grey = (light.astype(np.float32) - 128) * random.uniform(0.5, 1.0) + 128 + slope
    saturation = random.uniform(0, 0.5)
    channels = [grey, *(grey + saturation * (dye.astype(np.float32) - 128) for dye in dyes)]
    return np.stack([channels[index] for index in random.permutation(3)], axis=2).clip(0, 255).astype(np.uint8)


def _draw_objects(random: np.random.Generator, image: Image.Image) -> None:
    """Discs and rectangles, some of them large."""
    draw = ImageDraw.Draw(image)
    for _ in range(random.integers(1, 9)):
        left, top = random.uniform(-0.1, 0.9) * image.width, random.uniform(-0.1, 0.9) * image.height
        box = (
            left,
            top,
            left + random.uniform(0.03, 0.5) * image.width,
            top + random.uniform(0.03, 0.5) * image.height,
        )
        fill = tuple(int(value) for value in random.integers(0, 256, 3))
        if random.random() < 0.5:
            draw.ellipse(box, fill=fill)
        else:
            draw.rectangle(box, fill=fill)


def _draw_words(random: np.random.Generator, image: Image.Image) -> None:
    draw = ImageDraw.Draw(image)
    place = (random.uniform(0, 0.6) * image.width, random.uniform(0, 0.9) * image.height)
    draw.text(place, "harmless sample 0123", fill="white", font_size=max(10, image.height // 20))


def _grained(random: np.random.Generator, pixels: Pixels) -> Pixels:
    """Add grain, from one tile laid over the picture."""
    side = min(_GRAIN_SIDE, max(pixels.shape[:2]))
    tile = (random.standard_normal((side, side), np.float32) * random.uniform(0, 6)).astype(np.int16)
    height, width = pixels.shape[:2]
    grain = np.tile(tile, (-(-height // side), -(-width // side)))[:height, :width, None]
    grained: Pixels = (pixels + grain).clip(0, 255).astype(np.uint8)
    return grained
