"""How far a job is: told to people by a live display or plain lines, to programs by JSON lines; on standard error.

What is told goes into the log of the case too (:mod:`forensics.triage.run_log`).
"""

from __future__ import annotations

import json
import logging
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from forensics.case import utc

LINE_SECONDS = 10.0
"""How often a plain line is written."""

JSON_SECONDS = 1.0
"""How often a JSON line is written."""

LOG_SECONDS = 60.0
"""How often a long phase says in the log how far it is."""

_log = logging.getLogger(__name__)


class Style(StrEnum):
    """How progress is told; the codes are those of ``--progress``."""

    AUTO = "auto"
    """Live on a terminal, else plain."""
    LIVE = "live"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


def tell(text: str, style: Style = Style.PLAIN) -> None:
    """Tell the user something, on standard error: a line, or an object like all others that programs read."""
    line = _json_line({"message": text}) if style is Style.JSON else f"tamiz: {text}"
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _json_line(document: Mapping[str, Any]) -> str:
    return json.dumps({"time": utc.now(), **document}, ensure_ascii=False)


class Phase(StrEnum):
    """What a job is doing. The codes are what programs read, and stable."""

    STARTING = "starting"
    OPENING = "opening"
    DIGESTING_BEFORE = "digesting-before"
    """The digest of the evidence, before it is examined."""
    LISTING = "listing"
    EXAMINING = "examining"
    DIGESTING_AFTER = "digesting-after"
    MATCHING = "matching"
    """Contents that the case holds are matched against further sets."""
    CLOSING = "closing"
    """The digest over all findings."""


_WORDS = {
    Phase.DIGESTING_BEFORE: "digest of the evidence before the examination",
    Phase.EXAMINING: "hashing and matching",
    Phase.DIGESTING_AFTER: "digest of the evidence after the examination",
    Phase.MATCHING: "matching stored contents",
    Phase.CLOSING: "digest over all findings",
}


class Ending(StrEnum):
    """How a job ended."""

    DONE = "done"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progressed:
    """The state of one phase of a scan.

    Attributes:
        phase: What is being done.
        subject: To what: label of a source or volume; nothing where it is the case.
        bytes_done: Bytes read so far.
        bytes_total: Bytes to read in this phase; ``None`` if not known.
        streams_done: Streams with an outcome, or found by a walk.
        streams_total: Streams to examine; ``None`` if not known.
        hits: Hits so far, over the whole scan.
    """

    phase: Phase
    subject: str = ""
    bytes_done: int = 0
    bytes_total: int | None = None
    streams_done: int = 0
    streams_total: int | None = None
    hits: int = 0

    def title(self) -> str:
        """The phase for people."""
        words = _WORDS.get(self.phase, self.phase.value)
        return f"{self.subject}: {words}" if self.subject else words


class ProgressDisplay(ABC):
    """Shows the progress of a scan. Keeps the state; implementations show it."""

    def __init__(self) -> None:
        self.state = Progressed(Phase.STARTING)
        self.began = self._logged = time.monotonic()

    def phase(
        self, phase: Phase, subject: str = "", *, bytes_total: int | None = None, streams_total: int | None = None
    ) -> None:
        """Begin a phase.

        Args:
            phase: What is done.
            subject: Label of the source or volume it is done to.
            bytes_total: Bytes to read, where known.
            streams_total: Streams to examine, where known.
        """
        self._log_state("ended")
        self.state = Progressed(phase, subject, 0, bytes_total, 0, streams_total, self.state.hits)
        self.began = time.monotonic()
        self._log_state("began")
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
        if time.monotonic() - self._logged > LOG_SECONDS:
            self._log_state("goes on")
        self.show(changed=False)

    def seconds(self) -> float:
        """How long this phase has taken so far."""
        return time.monotonic() - self.began

    def bytes_a_second(self) -> float:
        """Mean speed of this phase."""
        return self.state.bytes_done / max(self.seconds(), 1e-6)

    def seconds_left(self) -> int | None:
        """Estimate of what is left of this phase, by its mean speed; ``None`` where it cannot be told."""
        state = self.state
        if state.bytes_total is None or state.bytes_done == 0:
            return None
        return int(max(state.bytes_total - state.bytes_done, 0) / max(self.bytes_a_second(), 1.0))

    def note(self, text: str) -> None:
        """Say something the user should know."""
        _log.info("%s", text)
        self.say(text)

    def say(self, text: str) -> None:
        """Say something to the user, who should not have to look at the log for it."""
        tell(text)

    @abstractmethod
    def show(self, *, changed: bool) -> None:
        """Show the state; ``changed`` when a new phase begins."""

    @abstractmethod
    def close(self, ending: Ending) -> None:
        """Stop showing."""

    def _log_state(self, event: str) -> None:
        self._logged = time.monotonic()
        state = self.state
        if state.phase is not Phase.STARTING:
            counts = "" if event == "began" else f" after {self.seconds():.1f} s: {counts_text(self)}"
            _log.info("%s %s%s", state.title(), event, counts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._log_state("ended")
        self.close(Ending.DONE if kind is None else _ending(kind))


def _ending(kind: type[BaseException]) -> Ending:
    return Ending.INTERRUPTED if issubclass(kind, KeyboardInterrupt) else Ending.FAILED


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
            self._task = self._progress.add_task(state.title(), total=state.bytes_total, counts="")
        self._progress.update(self._task, completed=state.bytes_done, counts=counts_text(self))

    def close(self, ending: Ending) -> None:  # noqa: ARG002
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
            print(f"{self.state.title()}: {counts_text(self)}{time_left_text(self)}", file=self._output, flush=True)

    def close(self, ending: Ending) -> None:
        """Nothing is left to say."""


class JsonDisplay(ProgressDisplay):
    """A JSON object a line: at the beginning of each phase, every second, and at the end."""

    def __init__(self, output: TextIO) -> None:
        super().__init__()
        self._output = output
        self._last = time.monotonic()

    def show(self, *, changed: bool) -> None:
        """Write a line when it is time."""
        now = time.monotonic()
        if changed or now - self._last >= JSON_SECONDS:
            self._last = now
            self._write(self._state())

    def say(self, text: str) -> None:
        """Say it in a line of its own."""
        self._write({"message": text})

    def close(self, ending: Ending) -> None:
        """Say how it ended."""
        self._write(self._state() | {"ending": ending})

    def _state(self) -> dict[str, Any]:
        state = self.state
        return {
            "phase": state.phase,
            "subject": state.subject or None,
            "bytes_done": state.bytes_done,
            "bytes_total": state.bytes_total,
            "bytes_per_second": int(self.bytes_a_second()),
            "seconds_left": self.seconds_left(),
            "streams_done": state.streams_done,
            "streams_total": state.streams_total,
            "hits": state.hits,
        }

    def _write(self, document: dict[str, Any]) -> None:
        print(_json_line(document), file=self._output, flush=True)


class NoDisplay(ProgressDisplay):
    """Shows nothing."""

    def show(self, *, changed: bool) -> None:
        """Show nothing."""

    def close(self, ending: Ending) -> None:
        """Nothing was shown."""


def choose_display(style: Style = Style.AUTO) -> ProgressDisplay:
    """The display of a style, on standard error."""
    console = Console(stderr=True)
    if style is Style.AUTO:
        style = Style.LIVE if console.is_terminal else Style.PLAIN
    match style:
        case Style.LIVE:
            return LiveDisplay(console)
        case Style.JSON:
            return JsonDisplay(sys.stderr)
        case Style.NONE:
            return NoDisplay()
        case _:
            return PlainDisplay(sys.stderr)


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
    seconds = display.seconds_left()
    if seconds is None:
        return ""
    minutes, rest = divmod(seconds, 60)
    return f", {minutes // 60}:{minutes % 60:02d}:{rest:02d} left"


def size_text(size: int) -> str:
    """Bytes for people, in decimal units as disks are sold."""
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
