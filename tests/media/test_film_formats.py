"""Which files are films, by their first bytes."""

from __future__ import annotations

import io

import pytest

from forensics.errors import FilmError
from forensics.media.film import sample
from forensics.media.film_formats import demuxer, is_film_candidate
from forensics.reason import Reason
from tests.films import film, moving
from tests.pictures import encoded, noise, photo


def test_what_is_no_film_is_of_no_format() -> None:
    for data in (b"", b"text", encoded(photo(20, 20), "JPEG"), bytes(5000), b"G" * 5000, noise(1, 5000).tobytes()):
        assert demuxer(data) is None
        with pytest.raises(FilmError) as caught:
            sample(io.BytesIO(data))
        assert caught.value.reason == Reason.UNSUPPORTED_FORMAT
        assert not is_film_candidate("application/octet-stream", data)


@pytest.mark.parametrize("brand", [b"heic", b"avif", b"mif1", b"crx "])
def test_still_pictures_in_the_same_boxes_are_no_films(brand: bytes) -> None:
    assert demuxer(b"\0\0\0\x18ftyp" + brand + bytes(20)) is None


def test_what_libmagic_calls_a_film_is_tried() -> None:
    assert is_film_candidate("video/x-unheard-of", b"")
    assert not is_film_candidate("text/plain", b"#EXTM3U")


@pytest.mark.parametrize("length", [188, 192, 204])
def test_transport_stream_may_begin_within_a_packet(length: int) -> None:
    packet = b"G" + bytes(range(1, 60)) * 4
    stream = packet[:length] * 30
    assert demuxer(stream) == demuxer(stream[77:]) == "mpegts"


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("delimited", ["0", "1"])
def test_raw_streams_begin_with_a_parameter_set_or_a_delimiter(codec: str, delimited: str) -> None:
    name = "h264" if codec == "libx264" else "hevc"
    options = {"preset": "ultrafast", f"{codec[3:]}-params": f"aud={delimited}:log-level=none"}
    data = film(moving(10), name, codec, options=options)
    assert demuxer(data) == name
    assert len(list(sample(io.BytesIO(data)))) == 1


@pytest.mark.parametrize("unit", [0x27, 0x47, 0x67])
def test_the_priority_of_a_parameter_set_does_not_matter(unit: int) -> None:
    assert demuxer(b"\0\0\0\x01" + bytes([unit, 0x4D, 0, 0x1E])) == "h264"
