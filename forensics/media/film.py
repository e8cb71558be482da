"""Films on their way to a hash: a few frames of each, as pixels that leave the worker only as hashes.

FFmpeg (through PyAV) reads from a file object and nothing else: the container is told by its signature, formats that
refer to other files are not among those read, and should one ask for another file it is refused. PyAV's wheel holds
GPL parts (encoders, never called here), so it is the optional extra ``tamiz[video]`` and imported on first use.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast

import numpy as np

from forensics.errors import EvidenceError, FilmError
from forensics.media.film_formats import HEAD_SIZE, demuxer
from forensics.reason import Reason

if TYPE_CHECKING:
    import numpy.typing as npt
    from av.buffer import Buffer
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from forensics.media.frame_sampler import FrameSampler
    from forensics.media.picture import Picture

FILM_DECODE_PATH = "film-v1"
"""Name of the path from a film to the pixels of its frames: grey, at full size, turned as the film asks for, one a
second or key frames. Any change of pixels needs a new name."""

MOST_COVERS = 16
"""Pictures attached to a film that are kept at most."""

MOST_COVER_BYTES = 32 * 1024 * 1024
"""Bytes of such a picture at most."""

_BUFFER = 128 * 1024
_MICROSECONDS = 1_000_000
_MOST_RETRIES = 100
_CUT_SHORT = 2000
"""Milliseconds by which a stream may end before the time it states: containers round."""


class Sampling(StrEnum):
    """Which frames of a film are hashed."""

    ONE_A_SECOND = "one-a-second"
    """The first, then the first at or after each whole second."""
    KEY_FRAMES = "key-frames"
    """The same, of key frames only: some ten times cheaper, but they stand elsewhere in a re-encoded copy."""


@dataclass(frozen=True, slots=True)
class FilmLimits:
    """How much work a film may be.

    Attributes:
        frames: Sampled frames, of all video streams together.
        seconds: Of the processor, looked at after each packet and each read: how busy the machine is must not decide
            what is found.
        pixels: Pixels of a frame.
    """

    frames: int = 14_400
    seconds: float = 540.0
    pixels: int = 64 * 2**20


@dataclass(slots=True)
class FilmSampling:
    """A film whose frames are sampled by iterating over it, once. What is noted is complete when that has ended.

    Attributes:
        streams: Video streams, also those of a codec that is not decoded, without pictures that are only attached.
        duration: Milliseconds, as the file states; ``None`` if it states none.
        width: Pixels, as the first video stream states; ``None`` if there is none.
        height: As ``width``.
        rotation: Degrees by which a viewer turns the film clockwise: 0, 90, 180 or 270. The frames are turned.
        sampling: Which frames are sampled.
        frames: How many frames were given.
        errors: Packets or frames that were damaged.
        limit: Why only a part was given; ``None`` if all was.
        covers: Attached pictures, as the bytes of picture files.
    """

    streams: int
    duration: int | None
    width: int | None
    height: int | None
    sampling: Sampling
    rotation: int = 0
    frames: int = 0
    errors: int = 0
    limit: Reason | None = None
    covers: list[bytes] = field(default_factory=list)
    _reader: _FilmReader | None = None

    def __iter__(self) -> Iterator[tuple[int, Picture]]:
        """Yield milliseconds from the start of the film, and the frame in grey.

        Raises:
            FilmError: Nothing could be decoded, though there is a video stream.
        """
        reader, self._reader = self._reader, None
        if reader is not None:
            with reader.container:
                yield from reader.read(self)
        if self.streams and not self.frames:
            reason = Reason.UNDECODABLE if self.limit in {None, Reason.TRUNCATED_FILM} else self.limit
            raise FilmError("has no frame that can be decoded", reason or Reason.UNDECODABLE)


def is_supported() -> bool:
    """Whether films can be decoded here: whether ``tamiz[video]`` is installed."""
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


def decoder_version() -> str:
    """Name and version of the decoder: another may give other pixels. Only where films can be decoded."""
    import av

    return f"FFmpeg {av.ffmpeg_version_info}"


def sample(
    file: BinaryIO, sampling: Sampling = Sampling.ONE_A_SECOND, limits: FilmLimits | None = None
) -> FilmSampling:
    """Open a film.

    Args:
        file: The film, seekable; read in pieces, never held whole, not closed.
        sampling: Which frames are wanted.
        limits: How much work it may be.

    Raises:
        FilmError: It cannot be opened; ``reason`` says why.
    """
    limits = limits or FilmLimits()
    try:
        import av
    except ImportError as error:
        raise FilmError("needs the extra tamiz[video]", Reason.VIDEO_SUPPORT_MISSING) from error
    deadline = time.process_time() + limits.seconds
    watched = _WatchedFile(file, deadline)
    watched.seek(0)
    name = demuxer(watched.read(HEAD_SIZE))
    if name is None:
        raise FilmError("is of no film container that is read", watched.failure or Reason.UNSUPPORTED_FORMAT)
    watched.seek(0)
    try:
        container = av.open(
            watched,
            "r",
            format=name,
            options={**_NOTHING_ELSE_IS_OPENED, **_allocated(limits), "ignore_editlist": "1"},
            metadata_errors="replace",
            buffer_size=_BUFFER,
            io_open=_refuse,
        )
    except FilmError:
        raise
    except MemoryError as error:
        raise FilmError("needs more memory than is allowed", Reason.OUT_OF_MEMORY) from error
    except Exception as error:
        reason = watched.failure or Reason.UNDECODABLE
        raise FilmError(f"cannot be opened ({type(error).__name__})", reason) from error
    try:
        return _described(container, watched, sampling, limits)
    except (FilmError, MemoryError):
        container.close()
        raise
    except Exception as error:
        container.close()
        raise FilmError(f"cannot be described ({type(error).__name__})", Reason.UNDECODABLE) from error


_NOTHING_ELSE_IS_OPENED = {"protocol_whitelist": "none", "enable_drefs": "0", "use_absolute_path": "0"}
"""No protocol of FFmpeg's has this name. QuickTime's references to other files are off by default, too."""


def _allocated(limits: FilmLimits) -> dict[str, str]:
    """FFmpeg's own limit, which holds while the size is not known yet. It counts padding too, so it is no exact one."""
    return {"max_pixels": str(2 * limits.pixels + 2**20)}


def _refuse(_url: str, _flags: int, _options: dict[str, str]) -> NoReturn:
    """Refuse to open another file; its name is not repeated, for it may be a victim's."""
    raise FilmError("refers to another file", Reason.UNSUPPORTED_FORMAT)


class _WatchedFile:
    """A file that ends, for FFmpeg, where it cannot be read, or when its time is over. Nothing is raised through C.

    Attributes:
        failure: Why it ended early; ``None`` if it did not.
        deadline: When its time is over, by ``time.process_time``.
    """

    def __init__(self, file: BinaryIO, deadline: float) -> None:
        self.failure: Reason | None = None
        self._file = file
        self.deadline = deadline
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        if self.failure is None and time.process_time() > self.deadline:
            self.failure = Reason.VIEW_TIME_LIMIT
        if self.failure is not None:
            return b""
        try:
            return self._file.read(size)
        except (EvidenceError, OSError):
            self.failure = Reason.READ_ERROR
            return b""


def _described(container: InputContainer, file: _WatchedFile, sampling: Sampling, limits: FilmLimits) -> FilmSampling:
    """Note what the file states, and choose the streams to decode."""
    from av.stream import Discard, Disposition

    for stream in container.streams:
        if stream.type != "video":
            stream.discard = Discard.all
    videos = [stream for stream in container.streams.video if stream.codec_context is not None]
    every = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    moving = [stream for stream in every if stream.codec_context is not None]
    for stream in moving:
        context = stream.codec_context
        if context.width * context.height > limits.pixels:
            raise FilmError("states more pixels than are decoded", Reason.TOO_MANY_PIXELS)
        context.thread_count = 1  # a worker has one core
        context.options = _allocated(limits)
    return FilmSampling(
        streams=len(every),
        duration=None if container.duration is None else max(container.duration * 1000 // _MICROSECONDS, 0),
        width=moving[0].codec_context.width if moving else None,
        height=moving[0].codec_context.height if moving else None,
        sampling=sampling,
        limit=Reason.UNSUPPORTED_FORMAT if len(moving) < len(every) else None,
        _reader=_FilmReader(container, file, videos, moving, limits),
    )


@dataclass(slots=True)
class _FilmReader:
    """Reads a film's packets and hands them to the samplers of their streams."""

    container: InputContainer
    file: _WatchedFile
    videos: list[VideoStream]
    moving: list[VideoStream]
    limits: FilmLimits

    def read(self, film: FilmSampling) -> Iterator[tuple[int, Picture]]:
        """Yield sampled frames, and note in ``film`` what becomes of it."""
        from forensics.media.frame_sampler import FrameSampler

        key_frames_only = film.sampling is Sampling.KEY_FRAMES
        start = Fraction(self.container.start_time or 0, _MICROSECONDS)
        samplers = {stream.index: FrameSampler(stream, start, key_frames_only) for stream in self.moving}
        try:
            yield from self._frames(film, samplers)
        except MemoryError:
            film.limit = Reason.OUT_OF_MEMORY
        except FilmError as error:
            film.limit = Reason(error.reason)
        except Exception:  # noqa: BLE001  # the binding may fail in any way: streams that appear late do it (IndexError)
            film.errors += 1
        finally:
            film.errors += sum(sampler.errors for sampler in samplers.values())
        film.limit = film.limit or self.file.failure
        # of key frames alone it cannot be told where a film ends
        if film.limit is None and (film.errors or (not key_frames_only and self._is_cut_short(samplers))):
            film.limit = Reason.TRUNCATED_FILM

    def _frames(self, film: FilmSampling, samplers: dict[int, FrameSampler]) -> Iterator[tuple[int, Picture]]:
        for packet in self._packets(film):
            sampler = samplers.get(packet.stream_index)
            if sampler is None:
                _keep_cover(film, packet)
                continue
            for milliseconds, frame in sampler.feed(packet):
                picture = _picture(film, frame, self.limits)
                if picture is None:
                    continue
                yield milliseconds, picture
                film.frames += 1
                if film.frames >= self.limits.frames:
                    film.limit = Reason.FRAME_LIMIT
                    return
            if time.process_time() > self.file.deadline:
                film.limit = Reason.VIEW_TIME_LIMIT
                return

    def _packets(self, film: FilmSampling) -> Iterator[Packet[VideoStream]]:
        """The packets of the video streams; a damaged place is passed by, as long as something comes after it."""
        import av

        if not self.videos:  # PyAV would take none for all
            return
        for _ in range(_MOST_RETRIES):
            try:
                yield from cast("Iterator[Packet[VideoStream]]", self.container.demux(self.videos))
            except (MemoryError, FilmError):
                raise
            except (av.FFmpegError, ValueError):
                film.errors += 1
            else:
                return

    def _is_cut_short(self, samplers: dict[int, FrameSampler]) -> bool:
        """Whether a stream ends before the time that the file states for it."""
        for stream in self.moving:
            if stream.duration is not None and stream.time_base is not None:
                stated = stream.duration * stream.time_base * 1000
                if samplers[stream.index].end + _CUT_SHORT < stated * Fraction(98, 100):
                    return True
        return False


def _keep_cover(film: FilmSampling, packet: Packet[VideoStream]) -> None:
    if packet.size > MOST_COVER_BYTES:
        film.limit = film.limit or Reason.TOO_LARGE
    elif packet.size and len(film.covers) >= MOST_COVERS:
        film.limit = film.limit or Reason.FRAME_LIMIT
    elif packet.size:
        film.covers.append(bytes(packet))


def _picture(film: FilmSampling, frame: VideoFrame, limits: FilmLimits) -> Picture | None:
    """A frame in grey, turned as a viewer turns it; nothing if it cannot be converted, which is counted."""
    import av

    from forensics.media.picture import Picture

    if frame.width * frame.height > limits.pixels:
        raise FilmError("has a frame of more pixels than are decoded", Reason.TOO_MANY_PIXELS)
    try:
        pixels = np.asarray(frame.to_ndarray(format="gray", threads=1), np.uint8)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
        film.errors += 1
        return None
    # a header need not state a size, or the true one may stand further on than was looked for it
    film.width, film.height = film.width or frame.width, film.height or frame.height
    matrix = cast("Mapping[str, Buffer]", frame.side_data).get("DISPLAYMATRIX")  # the stubs miss most of its keys
    if matrix is not None:
        pixels, film.rotation = turned(pixels, bytes(matrix))
    return Picture(np.ascontiguousarray(pixels), frame.width, frame.height, decode=FILM_DECODE_PATH)


def turned(pixels: npt.NDArray[np.uint8], matrix: bytes) -> tuple[npt.NDArray[np.uint8], int]:
    """Turn a frame as its display matrix says, to the nearest quarter.

    A point (x, y), y downwards, is shown at (a x + c y, b x + d y). Source: ISO/IEC 14496-12, track header; FFmpeg's
    ``libavutil/display.h``.

    Args:
        pixels: Grey, shape (height, width).
        matrix: Nine integers of 32 bits in the machine's order: a, b, u, c, d, v, x, y, w.

    Returns:
        The pixels as shown, and by how many degrees clockwise they were turned (after mirroring, if it mirrors).
    """
    a, b, _, c, d = (int(value) for value in np.frombuffer(matrix, np.int32)[:5])
    if a * d - b * c < 0:  # mirrored: as if the picture were mirrored left to right first, then turned
        pixels, a, b = pixels[:, ::-1], -a, -b
    upright = 2 if a < 0 else 0
    quarters = (1 if b > 0 else 3) if abs(b) > abs(a) else upright
    return np.rot90(pixels, -quarters), quarters * 90
