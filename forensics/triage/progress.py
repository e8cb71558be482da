"""How far a scan is, told to people: a live display on a terminal, plain lines elsewhere. Always on standard error."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

LINE_SECONDS = 10.0
"""How often a plain line is written."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """The state of one phase of a scan.

    Attributes:
        phase: What is being done, with the label of the source.
        bytes_done: Bytes read so far.
        bytes_total: Bytes to read in this phase; ``None`` if not known.
        streams_done: Streams with an outcome, or found by a walk.
        streams_total: Streams to examine; ``None`` if not known.
        hits: Hits so far, over the whole scan.
    """

    phase: str
    bytes_done: int = 0
    bytes_total: int | None = None
    streams_done: int = 0
    streams_total: int | None = None
    hits: int = 0


class ProgressDisplay(ABC):
    """Shows the progress of a scan. Keeps the state; implementations show it."""

    def __init__(self) -> None:
        self.state = Progressed("starting")
        self.began = time.monotonic()

    def phase(self, name: str, *, bytes_total: int | None = None, streams_total: int | None = None) -> None:
        """Begin a phase."""
        self.state = Progressed(name, 0, bytes_total, 0, streams_total, self.state.hits)
        self.began = time.monotonic()
        self.show(changed=True)

    def advance(self, *, bytes_read: int = 0, streams: int = 0, hits: int = 0) -> None:
        """Add to what is done."""
        state = self.state
        self.state = replace(
            state,
            bytes_done=state.bytes_done + bytes_read,
            streams_done=state.streams_done + streams,
            hits=state.hits + hits,
        )
        self.show(changed=False)

    def bytes_a_second(self) -> float:
        """Mean speed of this phase."""
        return self.state.bytes_done / max(time.monotonic() - self.began, 1e-6)

    def note(self, text: str) -> None:
        """Say something the user should know."""
        print(f"tamiz: {text}", file=sys.stderr, flush=True)  # noqa: T201

    @abstractmethod
    def show(self, *, changed: bool) -> None:
        """Show the state; ``changed`` when a new phase begins."""

    @abstractmethod
    def close(self) -> None:
        """Stop showing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LiveDisplay(ProgressDisplay):
    """A bar with speed, time left and hits, on a terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task: TaskID | None = None
        self._progress.start()

    def show(self, *, changed: bool) -> None:
        """Update the bar, a new one for each phase."""
        state = self.state
        if changed or self._task is None:
            if self._task is not None:
                self._progress.stop_task(self._task)
            self._task = self._progress.add_task(state.phase, total=state.bytes_total, counts="")
        self._progress.update(self._task, completed=state.bytes_done, counts=counts_text(self))

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._progress.stop()


class PlainDisplay(ProgressDisplay):
    """A line at the beginning of each phase and every few seconds."""

    def __init__(self, output: TextIO) -> None:
        super().__init__()
        self._output = output
        self._last = time.monotonic()
        self._ended = False

    def show(self, *, changed: bool) -> None:
        """Write a line when it is time, and at the end of a phase."""
        now = time.monotonic()
        finished = self.state.bytes_total is not None and self.state.bytes_done >= self.state.bytes_total
        ended, self._ended = finished and not self._ended, finished
        if changed or ended or now - self._last >= LINE_SECONDS:
            self._last = now
            print(f"{self.state.phase}: {counts_text(self)}{time_left_text(self)}", file=self._output, flush=True)

    def close(self) -> None:
        """Nothing is left to say."""


class NoDisplay(ProgressDisplay):
    """Shows nothing."""

    def show(self, *, changed: bool) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing was shown."""


def choose_display(*, quiet: bool = False) -> ProgressDisplay:
    """The display that suits standard error."""
    if quiet:
        return NoDisplay()
    console = Console(stderr=True)
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(sys.stderr)


def counts_text(display: ProgressDisplay) -> str:
    """Streams, bytes, speed and hits in a few words."""
    state = display.state
    parts = [f"{state.hits:,} hits"]
    if state.streams_total is not None:
        parts.append(f"{state.streams_done:,}/{state.streams_total:,} streams")
    elif state.streams_done:
        parts.append(f"{state.streams_done:,} streams")
    if state.bytes_total is not None:
        parts.append(f"{size_text(state.bytes_done)}/{size_text(state.bytes_total)}")
        parts.append(f"{size_text(int(display.bytes_a_second()))}/s")
    return ", ".join(parts)


def time_left_text(display: ProgressDisplay) -> str:
    """Estimated time left, where it can be told."""
    state = display.state
    if state.bytes_total is None or state.bytes_done == 0:
        return ""
    seconds = max(state.bytes_total - state.bytes_done, 0) / max(display.bytes_a_second(), 1.0)
    minutes, rest = divmod(int(seconds), 60)
    return f", {minutes // 60}:{minutes % 60:02d}:{rest:02d} left"


def size_text(size: int) -> str:
    """Bytes for people, in decimal units as disks are sold."""
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
