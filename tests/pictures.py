"""Harmless pictures, made by arithmetic: the only ones the tests use beside public test vectors."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Pixels = npt.NDArray[np.uint8]


def plasma(height: int, width: int, seed: int = 0, exponent: float = 1.1) -> Pixels:
    """Grey noise whose spectrum falls off as that of photographs does."""
    random = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1
    phases = random.standard_normal(frequency.shape) + 1j * random.standard_normal(frequency.shape)
    return _stretched(np.fft.irfft2(phases * frequency**-exponent, (height, width)))


def photo(height: int, width: int, seed: int = 0) -> Pixels:
    """A coloured plasma, shape (height, width, 3)."""
    light = plasma(height, width, seed)
    return dyed([light[::-1], light, light[:, ::-1]])


def dyed(channels: Sequence[Pixels]) -> Pixels:
    """A coloured picture of three grey ones."""
    return np.stack(channels, axis=2)


def gradient(height: int, width: int, across: float, down: float) -> Pixels:
    """A grey ramp that starts again at black when it passes white."""
    y, x = np.mgrid[0:height, 0:width]
    return np.asarray((across * x + down * y) % 256, np.uint8)


def checkerboard(height: int, width: int, side: int) -> Pixels:
    """Black and white squares."""
    y, x = np.mgrid[0:height, 0:width]
    return np.asarray((x // side + y // side) % 2 * 255, np.uint8)


def rings(height: int, width: int, period: float) -> Pixels:
    """Rings round the middle: symmetric, so many of its frequencies tie."""
    y, x = np.mgrid[0:height, 0:width]
    return np.asarray(127.5 + 127 * np.sin(np.hypot(x - (width - 1) / 2, y - (height - 1) / 2) / period), np.uint8)


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    """White noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def flat(height: int, width: int, value: int) -> Pixels:
    """One grey."""
    return np.full((height, width), value, np.uint8)


def fractal(height: int, width: int, turns: int = 24) -> Pixels:
    """The Mandelbrot set."""
    point = np.linspace(-2, 0.6, width)[None] + 1j * np.linspace(-1.2, 1.1, height)[:, None]
    value, age = np.zeros_like(point), np.zeros(point.shape)
    for _ in range(turns):
        inside = np.abs(value) < 2
        value[inside] = value[inside] ** 2 + point[inside]
        age += inside
    return (age * 255 / turns).astype(np.uint8)


def text(height: int, width: int, words: str = "harmless sample text 0123456789") -> Pixels:
    """Black words on white."""
    image = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(image)
    for line in range(0, height, 14):
        draw.text((line % 50, line), words * 4, fill=0)
    return np.asarray(image)


def many(count: int, seed: int, sides: tuple[int, int] = (5, 900)) -> Iterator[Pixels]:
    """Pictures of every kind above, grey and coloured, of many sizes and shapes.

    Args:
        count: How many.
        seed: Another seed gives others.
        sides: Shortest and longest side in pixels; every tenth is a narrow strip.
    """
    random = np.random.default_rng(seed)
    for index in range(count):
        height, width = (int(side) for side in np.exp(random.uniform(np.log(sides[0]), np.log(sides[1]), 2)))
        if index % 10 == 0:
            height = int(random.integers(1, 20))
        if random.random() < 0.5:
            yield _any_kind(random, height, width)
        else:
            yield dyed([_any_kind(random, height, width) for _ in range(3)])


def encoded(pixels: Pixels | Image.Image, file_format: str, **options: Any) -> bytes:
    """A picture file."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def _any_kind(random: np.random.Generator, height: int, width: int) -> Pixels:
    seed = int(random.integers(2**31))
    match int(random.integers(9)):
        case 0 | 1:
            return plasma(height, width, seed)
        case 2:
            return gradient(height, width, *random.uniform(-0.4, 0.4, 2))
        case 3:
            return gradient(height, width, *random.uniform(-3, 3, 2))
        case 4:
            return checkerboard(height, width, int(random.integers(1, 60)))
        case 5:
            return rings(height, width, random.uniform(2, 200))
        case 6:
            return noise(height, width, seed)
        case 7:
            return flat(height, width, int(random.integers(256)))
        case _:
            return text(height, width) if random.random() < 0.5 else fractal(height, width)


def _stretched(values: npt.NDArray[np.float64]) -> Pixels:
    low, high = values.min(), values.max()
    return np.asarray((values - low) * (255 / max(high - low, 1e-9)), np.uint8)
