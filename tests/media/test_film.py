"""Sampling of films: which frames, at which cost, and what becomes of films that are broken or built to break."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from forensics.media import film as films
from forensics.media.film import FILM_DECODE_PATH, FilmLimits, FilmSampling, Sampling, sample
from forensics.media.film_formats import is_film_candidate
from forensics.media.picture import Picture
from forensics.triage.pool import Limits
from tests.films import all_frames, film, moving, sound
from tests.pictures import Pixels

X264 = {"bf": "2", "g": "25", "preset": "ultrafast", "b_strategy": "0"}
KINDS: dict[str, dict[str, object]] = {
    "mp4": {"container": "mp4", "codec": "mpeg4"},
    "mp4-h264-b-frames": {"container": "mp4", "codec": "libx264", "options": X264},
    "mp4-h264-long": {"container": "mp4", "codec": "libx264", "options": {**X264, "g": "250"}},
    "mp4-hevc": {"container": "mp4", "codec": "libx265", "options": {"x265-params": "log-level=none:pools=none"}},
    "mp4-fragmented": {"container": "mp4", "codec": "mpeg4", "container_options": {"movflags": "frag_keyframe"}},
    "quicktime-mjpeg": {"container": "mov", "codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "3gp": {"container": "3gp", "codec": "mpeg4"},
    "matroska-b-frames": {"container": "matroska", "codec": "libx264", "options": X264},
    "webm": {"container": "webm", "codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}},
    "avi": {"container": "avi", "codec": "mpeg4"},
    "avi-b-frames": {"container": "avi", "codec": "mpeg4", "options": {"bf": "2"}},
    "asf": {"container": "asf", "codec": "wmv2"},
    "flv": {"container": "flv", "codec": "flv"},
    "transport-stream": {"container": "mpegts", "codec": "mpeg2video", "options": {"bf": "2"}, "rate": 25},
    "m2ts": {
        "container": "mpegts",
        "codec": "mpeg2video",
        "rate": 25,
        "container_options": {"mpegts_m2ts_mode": "1"},
    },
    "programme-stream": {"container": "vob", "codec": "mpeg2video", "rate": 25, "options": {"bf": "2"}},
    "mxf": {"container": "mxf", "codec": "mpeg2video", "rate": 25},
    "nut": {"container": "nut", "codec": "mpeg4"},
    "interlaced": {"container": "mp4", "codec": "mpeg2video", "rate": 25, "options": {"flags": "+ildct+ilme"}},
    "ten-bits": {"container": "mp4", "codec": "libx264", "pix_fmt": "yuv420p10le", "options": X264},
}


@pytest.fixture(scope="session")
def of_kind() -> dict[str, bytes]:
    """A film of some four seconds of every kind."""
    made = {}
    for name, kind in KINDS.items():
        rate = int(str(kind.get("rate", 10)))
        made[name] = film(moving(4 * rate + 3, rate), **kind)  # type: ignore[arg-type]
    return made


def sampled(data: bytes, sampling: Sampling = Sampling.ONE_A_SECOND) -> tuple[FilmSampling, list[tuple[int, Picture]]]:
    opened = sample(io.BytesIO(data), sampling)
    return opened, list(opened)


def one_a_second(frames: list[tuple[int, Pixels]]) -> list[tuple[int, Pixels]]:
    """What should be sampled, by the definition."""
    chosen: list[tuple[int, Pixels]] = []
    for milliseconds, pixels in frames:
        if not chosen or milliseconds >= (chosen[-1][0] // 1000 + 1) * 1000:
            chosen.append((milliseconds, pixels))
    return chosen


@pytest.mark.parametrize("kind", KINDS)
def test_first_frame_of_each_second_is_what_decoding_everything_gives(kind: str, of_kind: dict[str, bytes]) -> None:
    data = of_kind[kind]
    expected = one_a_second(all_frames(data))
    opened, frames = sampled(data)
    assert [milliseconds for milliseconds, _ in frames] == [milliseconds for milliseconds, _ in expected]
    for (_, picture), (_, pixels) in zip(frames, expected, strict=True):
        assert np.array_equal(picture.pixels, pixels)
        assert picture.decode == FILM_DECODE_PATH
    assert len(frames) >= 4
    assert (opened.streams, opened.frames, opened.errors, opened.limit) == (1, len(frames), 0, None)
    assert (opened.width, opened.height, opened.rotation) == (176, 144, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_film_is_told_by_its_signature(kind: str, of_kind: dict[str, bytes]) -> None:
    assert is_film_candidate("application/octet-stream", of_kind[kind][:4096])


@pytest.mark.parametrize("kind", ["mp4-h264-b-frames", "matroska-b-frames", "avi", "transport-stream", "flv"])
def test_key_frames_are_those_of_the_file(kind: str, of_kind: dict[str, bytes]) -> None:
    everything = all_frames(of_kind[kind])
    opened, frames = sampled(of_kind[kind], Sampling.KEY_FRAMES)
    assert opened.limit is None
    assert 1 <= len(frames) <= len(sampled(of_kind[kind])[1])
    by_time = dict(everything)
    for milliseconds, picture in frames:
        assert np.array_equal(picture.pixels, by_time[milliseconds])


def test_every_frame_of_an_intra_coded_film_is_a_key_frame_but_one_a_second_is_enough(
    of_kind: dict[str, bytes],
) -> None:
    _, frames = sampled(of_kind["quicktime-mjpeg"], Sampling.KEY_FRAMES)
    assert [milliseconds for milliseconds, _ in frames] == [0, 1000, 2000, 3000, 4000]


@pytest.mark.parametrize("kind", ["mp4-h264-b-frames", "mp4-hevc", "webm", "quicktime-mjpeg"])
def test_no_thread_is_started(kind: str, of_kind: dict[str, bytes]) -> None:
    """A worker has one core, and threads of a film that is done would hold address space until they are collected."""
    opened = sample(io.BytesIO(of_kind[kind]))
    before = len(list(Path("/proc/self/task").iterdir()))
    for _ in opened:
        assert len(list(Path("/proc/self/task").iterdir())) == before


def test_duration_is_stated() -> None:
    assert sampled(film(moving(25)))[0].duration == 2500


def test_variable_frame_rate() -> None:
    times = [0, 1, 2, 14, 15, 47, 48, 60]
    opened, frames = sampled(film(moving(8), "matroska", "mpeg4", times=times))
    assert [milliseconds for milliseconds, _ in frames] == [0, 1400, 4700, 6000]
    assert opened.limit is None


def test_slow_film_whose_frames_the_decoder_holds_back() -> None:
    data = film(moving(8, 1, cut=1), "matroska", "libx264", rate=1, times=[2 * n for n in range(8)], options=X264)
    _, frames = sampled(data)
    assert [milliseconds for milliseconds, _ in frames] == [2000 * n for n in range(8)]


def test_recording_joined_to_another_whose_clock_starts_again() -> None:
    part = film(moving(75, 25), "mpegts", "mpeg2video", rate=25)
    _, once = sampled(part)
    _, frames = sampled(part + part)
    assert len(frames) >= 2 * len(once) - 1
    assert [milliseconds for milliseconds, _ in frames] == sorted(milliseconds for milliseconds, _ in frames)


def test_film_whose_key_frames_need_what_comes_before_them() -> None:
    """Periodic intra refresh marks key frames that show a whole picture only later: one sample is late, then none."""
    options = {"intra-refresh": "1", "g": "20", "preset": "ultrafast"}
    data = film(moving(103), "mp4", "libx264", options=options)
    expected = [milliseconds for milliseconds, _ in one_a_second(all_frames(data))]
    times = [milliseconds for milliseconds, _ in sampled(data)[1]]
    assert len(set(expected) - set(times)) <= 1
    assert len(times) >= len(expected) - 1


def test_film_of_one_frame() -> None:
    opened, frames = sampled(film(moving(1)))
    assert len(frames) == opened.frames == 1


def test_edit_list_hides_nothing() -> None:
    data = bytearray(film(moving(40)))
    entry = data.index(b"elst") + 8
    assert int.from_bytes(data[entry : entry + 4], "big") == 1
    data[entry + 4 : entry + 8] = (500).to_bytes(4, "big")  # shown: half a second ...
    data[entry + 8 : entry + 12] = (30_000).to_bytes(4, "big")  # ... from far within
    assert [milliseconds for milliseconds, _ in sampled(bytes(data))[1]] == [0, 1000, 2000, 3000]


@pytest.mark.parametrize(("counter_clockwise", "clockwise"), [(90, 270), (180, 180), (270, 90), (0, 0)])
def test_rotation_is_applied_and_told(counter_clockwise: int, clockwise: int) -> None:
    plain = sampled(film(moving(5)))[1][0][1].pixels
    opened, frames = sampled(film(moving(5), rotation=counter_clockwise))
    assert opened.rotation == clockwise
    assert np.array_equal(frames[0][1].pixels, np.rot90(plain, counter_clockwise // 90))
    assert (frames[0][1].width, frames[0][1].height) == (176, 144)


def test_display_matrices_turn_and_mirror() -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)

    def shown(a: int, b: int, c: int, d: int) -> tuple[list[list[int]], int]:
        matrix = np.array([a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30], np.int32).tobytes()
        turned, degrees = films.turned(pixels, matrix)
        return turned.tolist(), degrees

    mirrored = [(-1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 0, -1), (0, -1, -1, 0)]
    for a, b, c, d in [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0), *mirrored]:
        # by the definition: each pixel goes where the matrix sends it
        places = {(a * x + c * y, b * x + d * y): int(pixels[y, x]) for y in range(2) for x in range(3)}
        columns, rows = sorted({x for x, _ in places}), sorted({y for _, y in places})
        assert shown(a, b, c, d)[0] == [[places[x, y] for x in columns] for y in rows]
    assert [shown(*m)[1] for m in [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)]] == [0, 90, 180, 270]


def test_sound_alone_has_no_video_stream() -> None:
    opened, frames = sampled(sound())
    assert (opened.streams, opened.frames, frames, opened.limit, opened.width) == (0, 0, [], None, None)
    assert opened.covers == []


def test_limit_of_time_is_reached_before_a_silent_worker_is_ended() -> None:
    assert FilmLimits().seconds < Limits().silence_seconds
