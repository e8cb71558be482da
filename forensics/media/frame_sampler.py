"""Picks one frame a second of a video stream and decodes no more packets than those frames need.

A frame needs the packets since the last key frame. So packets are held back until one reaches the second that is
wanted: if a key frame comes in between, those before it are never decoded. Of the rest, frames that no other frame
refers to are skipped as long as they are shown too early to be wanted. Neither changes which frames are sampled.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import av

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_SECOND = 1000
_MOST_REORDERED = 10_000
_HELD_BYTES = 16 * 1024 * 1024
_HELD_PACKETS = 4096
_GUESSED_RATE = Fraction(25)


class FrameSampler:
    """The sampled frames of one video stream: the first, then the first at or after each whole second.

    Args:
        stream: The stream, whose packets are fed in the order in which they are stored.
        start: When the film starts, in seconds of the stream's clock.
        key_frames_only: Whether only key frames are decoded, so that there may be fewer than one a second.

    Attributes:
        errors: How many packets could not be decoded.
        end: Milliseconds from the start of the film at which the last packet seen ends.
    """

    def __init__(self, stream: VideoStream, start: Fraction, key_frames_only: bool) -> None:
        self.errors = 0
        self.end = 0
        self._context = stream.codec_context
        self._time_base = stream.time_base or Fraction(1, _SECOND)
        self._interval = max(round(_SECOND / (stream.average_rate or _GUESSED_RATE)), 1)
        self._start = start
        self._key_frames_only = key_frames_only
        self._wanted: int | None = None  # nothing sampled yet: the first frame, whenever it is shown
        self._wait = False
        self._restart = False
        self._restarted = False
        self._expected: int | None = None
        self._key_frames_hold = True
        self._orderly = True
        self._held: list[Packet[VideoStream]] = []
        self._held_bytes = 0
        self._latest: int | None = None
        self._previous: int | None = None
        self._shift = 0

    def feed(self, packet: Packet[VideoStream]) -> Iterator[tuple[int, VideoFrame]]:
        """Take the next packet; the last one must be empty.

        Yields:
            Milliseconds from the start of the film, and the sampled frame.
        """
        if not packet.size:
            if not self._restart:  # else what the decoder still has is too early to be wanted
                yield from self._decode(packet)
            return
        if self._key_frames_only and not packet.is_keyframe:
            return
        shown = self._shown(packet)
        for ready in self._ready(packet, shown):
            yield from self._decode(ready)

    def _ready(self, packet: Packet[VideoStream], shown: int | None) -> Iterator[Packet[VideoStream]]:
        """The packets to decode now: none while none is wanted."""
        if not self._orderly or shown is None or self._wanted is None:
            yield from self._release()
            yield packet
            return
        if shown >= self._wanted:
            self._expected = min(shown, self._expected or shown)
        if packet.is_keyframe and shown <= self._wanted and self._wait and self._key_frames_hold:
            # frames before this one are shown before it, and so too early
            self._held.clear()
            self._held_bytes = 0
            self._restart = True
        self._held.append(packet)
        self._held_bytes += packet.size
        full = self._held_bytes > _HELD_BYTES or len(self._held) > _HELD_PACKETS
        if shown >= self._wanted or full or not self._wait:
            yield from self._release()

    def _release(self) -> Iterator[Packet[VideoStream]]:
        packets, self._held, self._held_bytes = self._held, [], 0
        self._wait = False
        if self._restart:
            self._restart, self._restarted = False, True
            self._context.flush_buffers()
        yield from packets

    def _decode(self, packet: Packet[VideoStream]) -> Iterator[tuple[int, VideoFrame]]:
        self._context.skip_frame = self._skipped(packet)
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            self.errors += 1
            return
        for frame in frames:
            self.errors += frame.is_corrupt
            milliseconds = self._time_of(frame)
            if self._wanted is None or milliseconds >= self._wanted:
                if self._restarted and self._expected is not None and milliseconds > self._expected:
                    # what is marked as key frames needs earlier packets after all (intra refresh): leave none out
                    self._key_frames_hold = False
                self._restarted, self._expected = False, None
                self._wanted = (milliseconds // _SECOND + 1) * _SECOND
                self._wait = True
                yield max(milliseconds, 0), frame

    def _skipped(self, packet: Packet[VideoStream]) -> Literal["NONKEY", "NONREF", "DEFAULT"]:
        """Which frames the decoder may leave out while it is given this packet."""
        if self._key_frames_only:
            return "NONKEY"
        if not self._orderly or self._wanted is None or packet.pts is None:
            return "DEFAULT"
        return "NONREF" if self._milliseconds(packet.pts) < self._wanted else "DEFAULT"

    def _shown(self, packet: Packet[VideoStream]) -> int | None:
        """When the packet's frame is shown; what has no times, or whose times go back, is decoded in full from here."""
        clock = packet.dts if packet.dts is not None else packet.pts
        if clock is None or packet.pts is None:
            self._orderly = False
            return None
        now = self._milliseconds(clock)
        if self._latest is not None and now < self._latest - (_SECOND if packet.dts is not None else _MOST_REORDERED):
            self._orderly = False
        self._latest = max(now, self._latest or now)
        shown = self._milliseconds(packet.pts)
        self.end = max(self.end, shown + round((packet.duration or 0) * self._time_base * _SECOND))
        return shown

    def _time_of(self, frame: VideoFrame) -> int:
        """When a frame is shown. Where the clock is set back (joined recordings) it runs on."""
        if self._previous is None and frame.pts is not None and self._milliseconds(frame.pts) < _SECOND:
            # the film starts with its first frame, whatever the container says, unless sound alone comes first
            self._start = frame.pts * self._time_base
            self._latest = None
        follows = None if self._previous is None else self._previous + self._interval
        milliseconds = (follows or 0) if frame.pts is None else self._milliseconds(frame.pts) + self._shift
        if follows is not None and milliseconds < follows - self._interval - _SECOND:
            self._shift += follows - milliseconds
            milliseconds = follows
        self._previous = milliseconds
        return milliseconds

    def _milliseconds(self, ticks: int) -> int:
        """Milliseconds from the start of the film."""
        return round((ticks * self._time_base - self._start) * _SECOND)
