"""Films that are broken, too large, or built to break a decoder or to make it open something else."""

from __future__ import annotations

import ctypes
import io
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from forensics.errors import FilmError, StreamReadError
from forensics.evidence.filesystem import StreamReader
from forensics.evidence.stream_file import StreamFile
from forensics.media import film as films
from forensics.media.film import FilmLimits, FilmSampling, sample
from forensics.media.frame_sampler import FrameSampler
from forensics.media.picture import Picture, decode
from forensics.reason import Reason
from forensics.triage.diagnosis import diagnose
from forensics.triage.environment import describe_environment
from tests.films import DESCRIPTION_IN_FRONT, film, moving
from tests.pictures import encoded, noise, photo


@pytest.fixture(scope="session")
def mp4() -> bytes:
    """Eight seconds whose description stands in front, as phones and servers write it."""
    return film(moving(80), container_options=DESCRIPTION_IN_FRONT)


def sampled(data: bytes, limits: FilmLimits | None = None) -> tuple[FilmSampling, list[tuple[int, Picture]]]:
    opened = sample(io.BytesIO(data), limits=limits)
    return opened, list(opened)


def refused(data: bytes, limits: FilmLimits | None = None) -> str:
    with pytest.raises(FilmError) as caught:
        sampled(data, limits)
    assert "\n" not in str(caught.value)
    return caught.value.reason


class Bytes(StreamReader):
    """A stream that notes what is read of it, and of which a part may be unreadable."""

    def __init__(self, data: bytes, unreadable: int | None = None) -> None:
        self.data, self.size, self.unreadable = data, len(data), unreadable
        self.read, self.largest = 0, 0

    def read_at(self, offset: int, length: int) -> bytes:
        if self.unreadable is not None and offset + length > self.unreadable:
            raise StreamReadError("a sector cannot be read")
        self.read += length
        self.largest = max(self.largest, length)
        return self.data[offset : offset + length]


def test_film_is_read_in_pieces_from_a_stream(mp4: bytes) -> None:
    stream = Bytes(mp4)
    opened = sample(io.BufferedReader(StreamFile(stream), 64 * 1024))
    assert len(list(opened)) == 8
    assert stream.largest <= 128 * 1024


def test_part_of_a_stream_is_a_file_of_its_own(mp4: bytes) -> None:
    file = StreamFile(Bytes(b"before" + mp4), 6)
    assert file.read() == mp4
    assert file.seek(-4, os.SEEK_END) == len(mp4) - 4 == file.tell()
    assert file.read(10) == mp4[-4:]
    assert file.read(1) == b""


def test_unreadable_sector_leaves_the_frames_before_it() -> None:
    pictures = moving(80, height=288, width=352)
    data = film(pictures, "mov", "mjpeg", pix_fmt="yuvj420p", container_options=DESCRIPTION_IN_FRONT)
    assert len(data) > 300_000  # more than one read
    opened = sample(io.BufferedReader(StreamFile(Bytes(data, unreadable=len(data) * 3 // 4)), 4096))
    frames = list(opened)
    assert 1 <= len(frames) < 8
    assert opened.limit == Reason.READ_ERROR


def test_film_cut_short_is_decoded_as_far_as_it_goes(mp4: bytes) -> None:
    opened, frames = sampled(mp4[: len(mp4) // 2])
    assert 1 <= len(frames) < 8
    assert opened.limit == Reason.TRUNCATED_FILM
    whole = sampled(mp4)[1]
    assert np.array_equal(frames[0][1].pixels, whole[0][1].pixels)


@pytest.mark.parametrize("container", ["matroska", "avi", "mpegts"])
def test_other_containers_cut_short_give_what_there_is(container: str) -> None:
    codec, rate = ("mpeg2video", 25) if container == "mpegts" else ("mpeg4", 10)
    data = film(moving(8 * rate, rate), container, codec, rate=rate)
    assert 1 <= len(sampled(data[: len(data) // 2])[1]) < 8


def test_film_without_its_description_is_undecodable() -> None:
    data = film(moving(20))  # the description comes last
    assert refused(data[: data.index(b"moov") - 4]) == Reason.UNDECODABLE


def test_damage_within_is_counted_and_passed_by(mp4: bytes) -> None:
    data = bytearray(mp4)
    middle = data.index(b"mdat") + 8 + (len(data) - data.index(b"mdat")) // 3
    data[middle : middle + 3000] = noise(1, 3000).tobytes()
    opened, frames = sampled(bytes(data))
    assert opened.errors
    assert opened.limit == Reason.TRUNCATED_FILM
    assert frames[-1][0] >= 6000


def test_limit_of_frames(mp4: bytes) -> None:
    opened, frames = sampled(mp4, FilmLimits(frames=3))
    assert len(frames) == opened.frames == 3
    assert opened.limit == Reason.FRAME_LIMIT


def test_time_in_which_others_have_the_processor_does_not_count(mp4: bytes) -> None:
    """How busy the machine is must not decide what is found."""
    opened = sample(io.BytesIO(mp4), limits=FilmLimits(seconds=2))
    for number, _ in enumerate(opened):
        if number == 1:
            time.sleep(2.1)
    assert (opened.frames, opened.limit) == (8, None)


def test_limit_of_time(mp4: bytes) -> None:
    assert refused(mp4, FilmLimits(seconds=-1)) == Reason.VIEW_TIME_LIMIT
    opened = sample(io.BytesIO(mp4), limits=FilmLimits(seconds=0.5))
    frames = []
    for frame in opened:
        frames.append(frame)
        if len(frames) == 2:
            busy_until = time.process_time() + 0.6
            while time.process_time() < busy_until:
                pass
    assert 2 <= len(frames) < 8
    assert opened.limit == Reason.VIEW_TIME_LIMIT


def test_limit_of_pixels(mp4: bytes) -> None:
    assert refused(mp4, FilmLimits(pixels=176 * 144 - 1)) == Reason.TOO_MANY_PIXELS
    assert len(sampled(mp4, FilmLimits(pixels=176 * 144))[1]) == 8


def test_unreadable_beginning_is_told_from_damage(mp4: bytes) -> None:
    with pytest.raises(FilmError) as caught:
        sample(io.BufferedReader(StreamFile(Bytes(mp4, unreadable=0))))
    assert caught.value.reason == Reason.READ_ERROR


def test_film_that_claims_a_huge_size_takes_no_memory() -> None:
    data = bytearray(film(moving(10), "mov", "mjpeg", pix_fmt="yuvj420p"))
    at = data.index(b"\xff\xc0\x00\x11")
    while at >= 0:
        data[at + 5 : at + 9] = struct.pack(">HH", 65500, 65500)
        at = data.find(b"\xff\xc0\x00\x11", at + 1)
    assert refused(bytes(data)) in {Reason.UNDECODABLE, Reason.TOO_MANY_PIXELS}


class Opened:
    """Whether a file has been opened, by the kernel's account (inotify)."""

    def __init__(self, path: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._watch = self._libc.inotify_init1(os.O_NONBLOCK)
        assert self._watch >= 0
        assert self._libc.inotify_add_watch(self._watch, os.fsencode(path), 0x20) >= 0  # IN_OPEN

    def __bool__(self) -> bool:
        try:
            return bool(os.read(self._watch, 4096))
        except BlockingIOError:
            return False
        finally:
            os.close(self._watch)


def mov_with_external_data(target: Path) -> bytes:
    """A QuickTime film whose frames stand in another file, named by an alias and by a URL."""
    data = film(moving(10), "mov", container_options=DESCRIPTION_IN_FRONT)
    at = data.index(b"dref") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    name = str(target).encode()
    url = name + b"\0"
    # an alias record: volume and file names of fixed length, then the path as a tag (FFmpeg: mov_read_dref)
    alias = bytearray(150)
    alias[10] = 4
    alias[11:15] = b"disk"
    alias[50] = len(target.name)
    alias[51 : 51 + len(target.name)] = target.name.encode()
    tags = struct.pack(">hH", 2, len(name)) + name + (b"\0" if len(name) % 2 else b"") + struct.pack(">hH", -1, 0)
    entries = [
        struct.pack(">I4sI", 12 + len(alias) + len(tags), b"alis", 0) + bytes(alias) + tags,
        struct.pack(">I4sI", 12 + len(url), b"url ", 0) + url,
    ]
    body = b"".join(entries)
    dref = struct.pack(">I4sII", 16 + len(body), b"dref", 0, len(entries)) + body
    out = bytearray(data[:at] + dref + data[at + size :])
    grown = len(dref) - size
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        where = out.index(box) - 4
        out[where : where + 4] = (int.from_bytes(out[where : where + 4], "big") + grown).to_bytes(4, "big")
    return bytes(out)


def referring_to(target: Path) -> dict[str, bytes]:
    """Files of every kind that name another film to be opened."""
    dash = f"""<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
        mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet
        mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>
        </AdaptationSet></Period></MPD>"""
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n".encode(),
        "concat": f"ffconcat version 1.0\nfile '{target}'\n".encode(),
        "dash": dash.encode(),
        "quicktime": mov_with_external_data(target),
    }


@pytest.mark.parametrize("name", ["hls", "concat", "dash", "quicktime"])
def test_no_other_file_is_opened(name: str, tmp_path: Path) -> None:
    target = tmp_path / "target.mp4"
    target.write_bytes(film(moving(10), container_options=DESCRIPTION_IN_FRONT))
    evidence = referring_to(target)[name]
    opened = Opened(target)
    with suppress(FilmError):
        sampled(evidence)
    assert not opened


@pytest.mark.parametrize("name", ["hls", "concat", "quicktime"])
def test_ffmpeg_left_to_itself_would_open_it(name: str, tmp_path: Path) -> None:
    """So the test above can fail."""
    target = tmp_path / "target.mp4"
    target.write_bytes(film(moving(10), container_options=DESCRIPTION_IN_FRONT))
    file = tmp_path / {"hls": "a.m3u8", "concat": "a.ffconcat", "quicktime": "a.mov"}[name]
    file.write_bytes(referring_to(target)[name])
    allowed = {"quicktime": {"enable_drefs": "1", "use_absolute_path": "1"}, "concat": {"safe": "0"}}.get(name, {})
    opened = Opened(target)
    with suppress(av.FFmpegError), av.open(str(file), "r", options=allowed) as container:
        next(container.decode(video=0))
    assert opened


def test_refusal_holds_even_where_references_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "target.mp4"
    target.write_bytes(film(moving(10)))
    monkeypatch.setattr(films, "_NOTHING_ELSE_IS_OPENED", {"enable_drefs": "1", "use_absolute_path": "1"})
    opened = Opened(target)
    with suppress(FilmError):
        sampled(mov_with_external_data(target))
    assert not opened


def with_covers(*covers: bytes) -> bytes:
    """A film with attached pictures."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 176, 144, "yuv420p"
        attached = [output.add_stream("mjpeg", rate=1) for _ in covers]
        for each in attached:
            each.width, each.height, each.pix_fmt = 160, 120, "yuvj420p"
            each.disposition = Disposition.attached_pic
        output.start_encoding()
        for each, cover in zip(attached, covers, strict=True):
            packet = av.Packet(cover)
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = each, 0, 0, True
            output.mux(packet)
        for index, picture in enumerate(moving(15)):
            frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")
            frame.pts = index
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


def test_cover_is_given_as_a_picture_file() -> None:
    cover = encoded(photo(120, 160), "JPEG")
    opened, frames = sampled(with_covers(cover))
    assert (opened.streams, len(frames)) == (1, 2)
    assert (opened.covers, opened.limit) == ([cover], None)
    assert decode(opened.covers[0]).width == 160


def test_covers_that_are_left_out_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    covers = [encoded(photo(24, 32, seed=seed), "JPEG") for seed in range(films.MOST_COVERS + 1)]
    opened, _ = sampled(with_covers(*covers))
    assert (opened.covers, opened.limit) == (covers[:-1], Reason.FRAME_LIMIT)
    monkeypatch.setattr(films, "MOST_COVER_BYTES", 100)
    opened, frames = sampled(with_covers(covers[0]))
    assert (opened.covers, opened.limit, len(frames)) == ([], Reason.TOO_LARGE, 2)


def two_streams() -> bytes:
    """A film with two video streams, of MPEG-4 and MPEG-2."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        streams = []
        for codec in ("mpeg4", "mpeg2video"):
            stream = output.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 176, 144, "yuv420p"
            streams.append(stream)
        for index, picture in enumerate(moving(40)):
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")
                frame.pts = index
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode())
    return file.getvalue()


def test_a_stream_of_a_codec_that_is_not_decoded_is_told() -> None:
    whole, frames = sampled(two_streams())
    assert (whole.streams, len(frames), whole.limit) == (2, 4, None)
    part, frames = sampled(two_streams().replace(b"V_MPEG2", b"V_XPEG9"))
    assert (part.streams, len(frames), part.limit) == (2, 2, Reason.UNSUPPORTED_FORMAT)
    with pytest.raises(FilmError) as raised:
        sampled(film(moving(10), "matroska").replace(b"V_MPEG4/ISO/ASP", b"V_XPEG9/ISO/ASP"))
    assert raised.value.reason == Reason.UNSUPPORTED_FORMAT


def test_whatever_the_binding_raises_ends_one_film_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyAV raises IndexError for some streams that appear after the film was opened."""
    feed = FrameSampler.feed

    def failing(self: FrameSampler, packet: av.Packet[av.VideoStream]) -> Iterator[tuple[int, av.VideoFrame]]:
        yield from feed(self, packet)
        if packet.pts is not None and packet.pts * packet.time_base >= 1:
            raise IndexError("list index out of range")

    monkeypatch.setattr(FrameSampler, "feed", failing)
    opened, frames = sampled(film(moving(30)))
    assert (len(frames), opened.limit) == (2, Reason.TRUNCATED_FILM)


def test_each_video_stream_is_sampled() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        streams = []
        for _ in range(2):
            stream = output.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = 176, 144, "yuv420p"
            streams.append(stream)
        for index, picture in enumerate(moving(25)):
            for stream, pixels in zip(streams, (picture, 255 - picture), strict=True):
                frame = av.VideoFrame.from_ndarray(pixels, format="gray").reformat(format="yuv420p")
                frame.pts = index
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode())
    opened, frames = sampled(file.getvalue())
    assert opened.streams == 2
    assert sorted(milliseconds for milliseconds, _ in frames) == [0, 0, 1000, 1000, 2000, 2000]


DAMAGED = """
import io, random, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from forensics.errors import FilmError
from forensics.hashing.vpdq import film_hash
from forensics.media import film as films
from forensics.media.film import FilmLimits, Sampling, sample
count = frames = 0
for name in sys.argv[2:]:
    whole = open(name, "rb").read()
    for seed in range(int(sys.argv[1])):
        chance = random.Random(name + str(seed))
        data = bytearray(whole)
        for _ in range(chance.choice([1, 4, 30])):
            where = chance.choice([chance.randrange(min(400, len(data))), chance.randrange(len(data))])
            data[where] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        try:
            film = sample(io.BytesIO(data), chance.choice(list(Sampling)), FilmLimits(seconds=20))
            frames += len(film_hash(film, "x").frames)
        except FilmError:
            pass
        count += 1
print(count, frames)
"""


def test_three_hundred_damaged_films_end_no_worker(tmp_path: Path) -> None:
    """Within 3 GiB of address space; whatever is wrong is a FilmError."""
    kinds: dict[str, tuple[str, str, dict[str, str]]] = {
        "a": ("mp4", "mpeg4", {}),
        "b": ("mp4", "libx264", {"bf": "2", "preset": "ultrafast"}),
        "c": ("matroska", "libx264", {"bf": "2", "preset": "ultrafast"}),
        "d": ("webm", "libvpx-vp9", {"cpu-used": "8", "deadline": "realtime"}),
        "e": ("avi", "mpeg4", {}),
        "f": ("mpegts", "mpeg2video", {}),
        "g": ("asf", "wmv2", {}),
        "h": ("flv", "flv", {}),
        "i": ("mov", "mjpeg", {}),
        "j": ("mxf", "mpeg2video", {}),
    }
    for name, (container, codec, options) in kinds.items():
        rate = 25 if codec == "mpeg2video" else 10
        pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        made = film(moving(2 * rate, rate), container, codec, rate=rate, options=options, pix_fmt=pix_fmt)
        (tmp_path / name).write_bytes(made)
    done = subprocess.run(
        [sys.executable, "-c", DAMAGED, "30", *(tmp_path / name for name in kinds)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    count, frames = map(int, done.stdout.split())
    assert count == 300
    assert frames > 100


def test_without_the_extra_films_are_refused_with_a_reason(mp4: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert not films.is_supported()
    (finding,) = [finding for finding in diagnose() if finding.subject == "films"]
    assert finding.state == "missing"
    assert "tamiz[video]" in finding.detail
    assert refused(mp4) == Reason.VIDEO_SUPPORT_MISSING


def test_with_the_extra_the_decoder_is_named_and_recorded() -> None:
    (finding,) = [finding for finding in diagnose() if finding.subject == "films"]
    assert finding.state == "ok"
    assert "FFmpeg" in finding.detail
    assert describe_environment()["packages"]["av"] == av.__version__


def test_the_extra_is_imported_only_when_a_film_is_opened() -> None:
    check = "import sys, forensics.media.film, forensics.triage.examination; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
