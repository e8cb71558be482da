"""What a worker is doing at this moment, in memory that it shares with the coordinator.

A few numbers that cost nothing to set, so that a worker can say with every stream which one it is at. They outlive the
worker: when it has died, the coordinator knows by which stream. They come from a process that a hostile file may have
got hold of, so they are a hint to be checked, and the memory's size is sealed lest reading it harm the coordinator.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from dataclasses import dataclass
from enum import IntEnum
from multiprocessing import reduction

_SIZE = mmap.PAGESIZE
_STAGE, _STREAM, _BEATS, _STEPS = range(4)
_WHOLE = (1 << 63) - 1


class Stage(IntEnum):
    """What a worker does."""

    STARTING = 0
    """It loads libraries and confines itself; it has not begun to work."""
    READING = 1
    """It waits for a job, opens, walks, reads or digests."""
    DECODING = 2
    """It decodes what a stream shows, hashes and matches that."""


_STAGES = {int(stage): stage for stage in Stage}


@dataclass(frozen=True, slots=True)
class Moment:
    """A look at a pulse.

    Attributes:
        stage: What the worker does.
        stream: Id of the stream it is at; 0 for none.
        beats: As long as this number changes, it gets on.
        steps: How many steps of decoding and hashing this stream have gone well.
    """

    stage: Stage
    stream: int
    beats: int
    steps: int = 0


class Pulse:
    """The shared numbers. Made by the coordinator, handed to a worker as it is spawned.

    Args:
        descriptor: Of the memory; this object closes it.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        if descriptor is None:
            descriptor = os.memfd_create("tamiz-pulse", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.ftruncate(descriptor, _SIZE)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _SIZE)
        self._numbers = memoryview(self._memory).cast("q")

    def __reduce__(self) -> tuple[object, ...]:
        return _received, (reduction.DupFd(self._descriptor),)

    def fileno(self) -> int:
        """Descriptor of the memory, to be sent to another process."""
        return self._descriptor

    def begin(self, stage: Stage, stream: int | None = None) -> None:
        """Say what is done from now on.

        Args:
            stage: What.
            stream: Id of the stream; ``None`` if it stays the same.
        """
        if stream is not None:
            self._numbers[_STREAM] = stream
            self._numbers[_STEPS] = 0
        self._numbers[_STAGE] = stage
        self.beat()

    def step(self, steps: int) -> None:
        """Say how many steps of decoding and hashing the stream have gone well."""
        self._numbers[_STEPS] = steps
        self.beat()

    def beat(self) -> None:
        """Say that it goes on."""
        self._numbers[_BEATS] = (self._numbers[_BEATS] + 1) & _WHOLE

    def look(self) -> Moment:
        """What the worker said last."""
        stage = _STAGES.get(self._numbers[_STAGE], Stage.READING)
        return Moment(stage, self._numbers[_STREAM], self._numbers[_BEATS], max(self._numbers[_STEPS], 0))

    def close(self) -> None:
        """Let go of the memory. Closing twice is harmless."""
        if self._descriptor < 0:
            return
        self._numbers.release()
        self._memory.close()
        os.close(self._descriptor)
        self._descriptor = -1


def _received(duplicate: object) -> Pulse:
    """The pulse in the process that it was sent to."""
    return Pulse(duplicate.detach())  # type: ignore[attr-defined]
