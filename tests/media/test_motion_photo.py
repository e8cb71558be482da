"""Films that phones append to photographs: found by their boxes, and nowhere else."""

from __future__ import annotations

import io
import struct

import pytest

from forensics.media.film import sample
from forensics.media.motion_photo import embedded_film_offset
from tests.films import film, moving
from tests.pictures import encoded, photo


@pytest.fixture(scope="module")
def mp4() -> bytes:
    return film(moving(40))


@pytest.mark.parametrize("between", [b"", b"MotionPhoto_Data", bytes(37)])
def test_film_behind_a_photograph_is_found(between: bytes, mp4: bytes) -> None:
    picture = encoded(photo(300, 400), "JPEG")
    data = picture + between + mp4 + b"trailer"
    offset = embedded_film_offset(data)
    assert offset == len(picture + between)
    assert len(list(sample(io.BytesIO(data[offset:])))) == 4


def test_film_within_a_box_of_a_photograph_is_found(mp4: bytes) -> None:
    heic = encoded(photo(300, 400), "AVIF") + struct.pack(">I4s", len(mp4) + 8, b"mpvd")
    assert embedded_film_offset(heic + mp4) == len(heic)


def test_ordinary_pictures_hold_no_film() -> None:
    for file_format in ("JPEG", "PNG", "AVIF", "TIFF"):
        assert embedded_film_offset(encoded(photo(300, 400), file_format)) is None
    text = b"\0\0\0\x18ftypmp42" * 1000
    assert embedded_film_offset(encoded(photo(30, 40), "JPEG") + text + b"ftypisom") is None
