"""vPDQ: which frames stand in the hash of a film, and that they are those of the reference."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pdqhash
import pytest

from forensics.hashing.vpdq import film_hash
from forensics.media.film import FILM_DECODE_PATH, sample
from forensics.media.picture import Picture
from tests.films import film, moving
from tests.pictures import Pixels, flat, plasma

SAMPLES = ["doorknob-hd-no-bar", "pattern-hd-no-bar", "pattern-sd-grey-bar"]


def frame(pixels: Pixels) -> Picture:
    return Picture(pixels, pixels.shape[1], pixels.shape[0])


def test_each_frame_has_its_pdq_hash() -> None:
    pictures = [plasma(144, 176, seed) for seed in range(5)]
    hashed = film_hash(((1000 * n, frame(pixels)) for n, pixels in enumerate(pictures)), "path")
    assert (hashed.algorithm, hashed.decode) == ("vpdq", "path")
    for number, (given, pixels) in enumerate(zip(hashed.frames, pictures, strict=True)):
        bits, quality = pdqhash.compute(np.stack([pixels] * 3, axis=2))
        assert given.milliseconds == 1000 * number
        assert given.value == np.packbits(bits).tobytes().hex()
        assert given.quality == quality


def test_equal_hashes_stand_once_with_the_first_time() -> None:
    one, other = frame(plasma(144, 176, 1)), frame(plasma(144, 176, 2))
    hashed = film_hash([(2000, one), (0, other), (1000, one), (3000, other)], "path")
    assert [given.milliseconds for given in hashed.frames] == [0, 1000]


def test_frames_that_say_little_are_left_out() -> None:
    dim = plasma(144, 176, 3) // 16 + 100
    pictures = [flat(144, 176, 0), flat(144, 176, 200), dim, plasma(144, 176, 3)]
    hashed = film_hash(((1000 * n, frame(pixels)) for n, pixels in enumerate(pictures)), "path")
    assert [given.milliseconds for given in hashed.frames] == [3000]
    assert all(given.quality >= 50 for given in hashed.frames)


def test_film_without_frames_has_an_empty_hash() -> None:
    assert film_hash([], "path").frames == ()


@pytest.mark.parametrize("name", SAMPLES)
def test_frames_are_near_those_of_the_reference_program(name: str, corpora: Path) -> None:
    """Every tenth frame, decoded as we decode, against the hashes that vPDQ's own program published."""
    folder = corpora / "perceptual" / "video"
    lines = [line.split(",") for line in (folder / f"{name}.vpdq.txt").read_text().split()]
    published = {int(number): (int(quality), value) for number, quality, value, _ in lines}
    distances = []
    with av.open(str(folder / f"{name}.mp4")) as container:
        for number, decoded in enumerate(container.decode(video=0)):
            if number % 10 or published[number][0] < 50:
                continue
            hashed = film_hash([(0, frame(np.asarray(decoded.to_ndarray(format="gray"), np.uint8)))], FILM_DECODE_PATH)
            distances += [(int(given.value, 16) ^ int(published[number][1], 16)).bit_count() for given in hashed.frames]
    assert len(distances) >= 5
    assert max(distances) <= 10
    assert float(np.mean(distances)) <= 4


def test_copy_of_another_size_and_codec_has_near_frames() -> None:
    pictures = moving(40, height=288, width=352)
    copy = [np.ascontiguousarray(pixels[::2, ::2] // 2 + pixels[1::2, 1::2] // 2) for pixels in pictures]
    first = film_hash(sample(BytesIO(film(pictures))), FILM_DECODE_PATH)
    webm = film(copy, "webm", "libvpx-vp9", options={"cpu-used": "8", "deadline": "realtime", "crf": "40"})
    second = film_hash(sample(BytesIO(webm)), FILM_DECODE_PATH)
    assert len(first.frames) == len(second.frames) == 4
    for one, other in zip(first.frames, second.frames, strict=True):
        assert (int(one.value, 16) ^ int(other.value, 16)).bit_count() <= 31
