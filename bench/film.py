"""How near our frame hashes are to vPDQ's own, and what a minute of film costs: ``python -m bench.film [SECONDS]``.

First the published hashes of the vPDQ sample films (where the corpora are): every tenth frame of quality 50 or more.
Then generated films at three sizes, in processor time of one core: what vPDQ does (decode every frame to RGB, hash one
a second with ``pdqhash``) beside one frame a second and key frames of ours, in the same run.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in a worker; must be set before numpy is loaded

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pdqhash

from forensics.hashing.pdq import pdq_hash
from forensics.hashing.vpdq import film_hash
from forensics.media.film import FILM_DECODE_PATH, Sampling, sample
from tests.films import film
from tests.pictures import Pixels, plasma

_CORPORA = Path(__file__).parents[2] / "shared" / "corpora" / "perceptual" / "video"
_RATE = 30
_GROUP = "60"
_SIZES = {"480p": (480, 854), "720p": (720, 1280), "1080p": (1080, 1920)}


def against_published(path: Path) -> tuple[int, float, int]:
    """How many frames were compared, and the mean and greatest distance in bits."""
    lines = [line.split(",") for line in path.with_suffix(".vpdq.txt").read_text().split()]
    distances = []
    with av.open(str(path)) as container:
        for (_, quality, published, _), frame in zip(lines[::10], _every_tenth(container), strict=True):
            own = pdq_hash(np.asarray(frame.to_ndarray(format="gray"), np.uint8))
            if min(int(quality), own.quality) >= 50:
                distances.append((int(own.value, 16) ^ int(published, 16)).bit_count())
    return len(distances), float(np.mean(distances)), max(distances)


def _every_tenth(container: av.container.InputContainer) -> list[av.VideoFrame]:
    return [frame for number, frame in enumerate(container.decode(video=0)) if number % 10 == 0]


def panning(seconds: int, height: int, width: int) -> list[Pixels]:
    """A camera that pans over a generated landscape, with another scene every five seconds, and some grain."""
    random = np.random.default_rng(1)
    grain = random.integers(0, 12, (height, width), np.uint8)
    pictures = []
    for second in range(seconds):
        if second % 5 == 0:
            scene = plasma(height + 160, width, second) // 16 * 15
        for step in range(_RATE):
            top = (second % 5 * _RATE + step) % 160
            pictures.append(np.ascontiguousarray(scene[top : top + height]) + np.roll(grain, 37 * step))
    return pictures


def as_vpdq(data: bytes) -> int:
    """Hash one frame a second as vPDQ's own program does: every frame is decoded and converted."""
    hashes = 0
    with av.open(io.BytesIO(data), "r") as container:
        container.streams.video[0].codec_context.thread_count = 1
        for number, frame in enumerate(container.decode(video=0)):
            pixels = frame.to_ndarray(format="rgb24")
            if number % _RATE == 0:
                pdqhash.compute(pixels)
                hashes += 1
    return hashes


def as_we_do(data: bytes, sampling: Sampling) -> int:
    opened = sample(io.BytesIO(data), sampling)
    film_hash(opened, FILM_DECODE_PATH)
    return opened.frames


def cost(work: Callable[[], int], seconds: int) -> str:
    start = time.process_time()
    frames = work()
    spent = time.process_time() - start
    return (
        f"{spent * 60 / seconds:.2f} s a minute of film, {seconds * _RATE / spent:,.0f} film frames/s, {frames} hashed"
    )


def main(seconds: int = 10) -> None:
    for path in sorted(_CORPORA.glob("*.mp4")):
        if path.with_suffix(".vpdq.txt").is_file():
            count, mean, most = against_published(path)
            print(f"{path.stem}: {count} frames, bits from vPDQ's own: mean {mean:.2f}, at most {most}")
    codecs = {
        "h264": ("libx264", {"preset": "veryfast", "crf": "23", "g": _GROUP}),
        "mjpeg": ("mjpeg", {"q": "5"}),
    }
    for size, (height, width) in _SIZES.items():
        pictures = panning(seconds, height, width)
        for name, (codec, options) in codecs.items():
            pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            data = film(pictures, "mp4", codec, rate=_RATE, options=options, pix_fmt=pix_fmt)
            print(f"{size} {name}, {len(data) * 8 / seconds / 1e6:.1f} Mbit/s")
            print(f"  as vPDQ:      {cost(lambda data=data: as_vpdq(data), seconds)}")
            for sampling in Sampling:
                work = cost(lambda data=data, sampling=sampling: as_we_do(data, sampling), seconds)
                print(f"  {sampling + ':':13} {work}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
