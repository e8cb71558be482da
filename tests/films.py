"""Harmless films of generated pictures, encoded by PyAV: the only ones the tests use beside public test vectors."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np

from tests.pictures import Pixels, plasma

DESCRIPTION_IN_FRONT = {"movflags": "faststart"}
"""Options of an MP4 as phones and servers write it: what the frames are stands before them."""


@cache
def scene(seed: int, height: int = 144, width: int = 176) -> Pixels:
    """A picture larger than a frame, over which the camera of :func:`moving` pans."""
    return plasma(height + 64, width + 64, seed)


def moving(frames: int, rate: int = 10, cut: float = 2.0, height: int = 144, width: int = 176) -> list[Pixels]:
    """Frames of a camera that pans, with another scene every ``cut`` seconds."""
    pictures = []
    for index in range(frames):
        number, step = divmod(index, round(cut * rate))
        offset = step % 64
        pictures.append(np.ascontiguousarray(scene(number, height, width)[offset : offset + height, :width]))
    return pictures


def film(
    pictures: Iterable[Pixels],
    container: str = "mp4",
    codec: str = "mpeg4",
    *,
    rate: int = 10,
    times: list[int] | None = None,
    rotation: int | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
) -> bytes:
    """A film file.

    Args:
        pictures: Its frames, grey, all of one shape with even sides.
        container: FFmpeg's name of the format.
        codec: FFmpeg's name of the encoder.
        rate: Frames a second.
        times: When each frame is shown, in frames of the rate; one after the other by default.
        rotation: Degrees counter-clockwise, for the display matrix.
        options: Options of the encoder.
        container_options: Options of the container.
        pix_fmt: FFmpeg's name of the pixel format.
    """
    pictures = list(pictures)
    height, width = pictures[0].shape
    # a description in front is put there afterwards, for which FFmpeg opens the file again
    file: Any = tempfile.NamedTemporaryFile() if container_options == DESCRIPTION_IN_FRONT else io.BytesIO()  # noqa: SIM115
    target = getattr(file, "name", file)
    with av.open(target, "w", format=container, container_options=container_options or {}) as output:
        stream: Any = output.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.thread_count = 1
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format=pix_fmt)
            frame.pts, frame.time_base = times[index] if times else index, Fraction(1, rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    with file:
        file.seek(0)
        return bytes(file.read())


def sound(container: str = "mp4", codec: str = "aac", seconds: int = 1) -> bytes:
    """A file of silence."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=8000)
        for index in range(seconds * 8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1000), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, index * 1000
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


def all_frames(data: bytes) -> list[tuple[int, Pixels]]:
    """Every frame as FFmpeg gives it when nothing is left out: milliseconds from the first, and grey pixels."""
    with av.open(io.BytesIO(data), "r", options={"ignore_editlist": "1"}) as container:
        shown: list[tuple[float, Pixels]] = [
            (float(frame.time), frame.to_ndarray(format="gray"))  # type: ignore[misc]
            for frame in container.decode(video=0)
        ]
    return [(round((seconds - shown[0][0]) * 1000), pixels) for seconds, pixels in shown]
