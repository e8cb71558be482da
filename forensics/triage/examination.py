"""Examines one stream: reads it once, digests it, and if it is a new picture or film hashes what it shows."""

from __future__ import annotations

import io
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from forensics.errors import EvidenceError
from forensics.evidence.filesystem import StreamReader
from forensics.evidence.locator import Locator
from forensics.evidence.stream_file import StreamFile
from forensics.hashing.digests import DigestComputer, Digests
from forensics.media import kind
from forensics.media.film import Sampling
from forensics.media.film_formats import is_film_candidate
from forensics.outcome import ExaminedContent, Outcome, PerceptualState
from forensics.reason import Reason
from forensics.triage.appearance import AppearanceExaminer
from forensics.triage.plan import Task
from forensics.triage.pulse import Stage
from forensics.triage.steps import Steps
from hashsets.format import Disposition

if TYPE_CHECKING:
    from forensics.evidence.source import Source
    from forensics.hashing.perceptual import PictureHasher
    from hashsets.match import Match
    from hashsets.matcher import Matcher

READ_SIZE = 256 * 1024
"""Bytes read at a time. Reads above 64 KiB pass The Sleuth Kit's cache by; what three digests go over in turn should
fit into the processor's own cache."""

PICTURE_BYTES = 256 * 1024 * 1024
"""A larger stream is not decoded: no camera or screen makes such files, and it would have to be held in memory."""


KEPT_BYTES = 8 * 1024 * 1024
"""A stream up to this size is held while it is digested, so that what it is need be asked only if it is new."""


SPARING_BASES = frozenset({"sha1", "sha256"})
"""Digests by which a benign entry spares a picture perceptual hashing."""


@dataclass(frozen=True, slots=True)
class _ContentRead:
    """A stream read once. ``pieces`` is all of it, or nothing where it is too large or no picture."""

    digests: Digests
    head: bytes
    pieces: list[bytes]

    def data(self) -> bytes:
        """All of it, where it was kept."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    def file(self, reader: StreamReader) -> BinaryIO:
        """The stream as a file: from memory where it was kept, else from the evidence again."""
        return io.BytesIO(self.data()) if self.pieces else io.BufferedReader(StreamFile(reader))


class Examiner:
    """Examines the streams of one source for one worker.

    Args:
        source: The source, opened by this process.
        matcher: The known-hash sets; ``None`` when no set is used.
        hashers: Perceptual hash algorithms for pictures.
        seen: Contents the case holds already.
        on_bytes: Called with the number of bytes read, as reading goes on.
        sampling: Which frames of films are hashed.
        on_stage: Called when decoding begins and when it has ended.
        on_step: Called after each step of decoding and hashing with their number.
    """

    def __init__(
        self,
        source: Source,
        matcher: Matcher | None,
        hashers: list[PictureHasher],
        seen: Container[str],
        on_bytes: Callable[[int], None],
        sampling: Sampling = Sampling.ONE_A_SECOND,
        on_stage: Callable[[Stage], None] = lambda _: None,
        on_step: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._matcher = matcher
        self._appearance = AppearanceExaminer(hashers, matcher, sampling, lambda: on_bytes(0))
        self._seen = seen
        self._on_bytes = on_bytes
        self._on_stage = on_stage
        self._on_step = on_step
        self._own: set[str] = set()
        self._last: tuple[tuple[str, bool], Outcome] | None = None

    def examine(self, task: Task) -> Outcome:
        """Examine one stream; whatever is wrong with it becomes part of the outcome."""
        key = (task.locator, task.only_media)
        if self._last is not None and self._last[0] == key and not task.whole:
            # another name (hard link) of what was just read: same bytes, no need to read them again
            last = self._last[1]
            return Outcome(task.stream_id, task.size, last.reason, last.detail, last.sha256)
        outcome = self._read_and_examine(task)
        self._last = (key, outcome)
        return outcome

    def _read_and_examine(self, task: Task) -> Outcome:
        try:
            reader = self._source.open_stream(Locator.parse(task.locator))
            if task.only_media and not _begins_as_media(reader, task.size):
                return Outcome(task.stream_id, task.size, Reason.EXCLUDED_BY_PROFILE)
            content_read = self._read(reader, task.size)
        except EvidenceError as error:
            return Outcome(task.stream_id, task.size, Reason.READ_ERROR, error.what)
        digests = content_read.digests
        if digests.size != task.size:
            detail = f"{digests.size} of {task.size} bytes"
            return Outcome(task.stream_id, task.size, Reason.SHORT_READ, detail)
        if not task.whole and (digests.sha256 in self._own or digests.sha256 in self._seen):
            return Outcome(task.stream_id, task.size, sha256=digests.sha256)
        content = self._examine_content(content_read, reader, task)
        self._remember(digests.sha256)
        return Outcome(task.stream_id, task.size, sha256=digests.sha256, content=content)

    def _read(self, reader: StreamReader, size: int) -> _ContentRead:
        """Read a stream once; a large one's pieces are kept only if they may be a picture."""
        computer = DigestComputer()
        pieces: list[bytes] = []
        head = b""
        offset, keep = 0, size <= PICTURE_BYTES
        while offset < size:
            piece = reader.read_at(offset, min(READ_SIZE, size - offset))
            if not piece:
                break
            if offset == 0:
                head = piece[: kind.HEAD_SIZE]
                if keep and size > KEPT_BYTES:
                    keep = kind.is_picture_candidate(kind.media_type(head), head)
            computer.update(piece)
            if keep:
                pieces.append(piece)
            offset += len(piece)
            self._on_bytes(len(piece))
        return _ContentRead(computer.finish(), head, pieces)

    def _remember(self, sha256: str) -> None:
        if len(self._own) > 100_000:  # by now the shared table has long taken these over
            self._own.clear()
        self._own.add(sha256)

    def _examine_content(self, content_read: _ContentRead, reader: StreamReader, task: Task) -> ExaminedContent:
        media_type = kind.media_type(content_read.head)
        exact = self._matcher.exact([content_read.digests])[0] if self._matcher else ()
        content = ExaminedContent(content_read.digests, media_type, matches=exact)
        is_picture = kind.is_picture_candidate(media_type, content_read.head)
        if not is_picture and not is_film_candidate(media_type, content_read.head):
            return content
        if self._is_benign(exact):
            return replace(content, perceptual=PerceptualState.SKIPPED, perceptual_reason=Reason.BENIGN)
        if is_picture and not content_read.pieces and task.undecoded is None:
            return replace(content, perceptual=PerceptualState.SKIPPED, perceptual_reason=Reason.TOO_LARGE)

        def show(content: ExaminedContent, steps: Steps) -> ExaminedContent:
            if is_picture:
                return self._appearance.of_picture(content, content_read.data(), steps)
            return self._appearance.of_film(content, content_read.file(reader), steps)

        return self._shown(content, show, task.undecoded, task.steps)

    def _shown(
        self,
        content: ExaminedContent,
        show: Callable[[ExaminedContent, Steps], ExaminedContent],
        undecoded: Reason | None,
        most: int,
    ) -> ExaminedContent:
        """Hash what a content shows, as far as the task allows and memory lasts."""
        if undecoded is not None:
            content = replace(content, perceptual=PerceptualState.FAILED, perceptual_reason=undecoded)
            if not most:
                return content
        steps = Steps(None if undecoded is None else most, self._on_step)
        self._on_stage(Stage.DECODING)
        try:
            shown = show(content, steps)
            return shown if undecoded is None else replace(shown, perceptual_reason=undecoded)
        except MemoryError:  # one file that takes too much must not end the examination of all others
            done = steps.done if undecoded is None else 0
        finally:
            self._on_stage(Stage.READING)
        return self._shown(content, show, Reason.OUT_OF_MEMORY, done)

    def _is_benign(self, matches: tuple[Match, ...]) -> bool:
        """Whether only benign sets know this content, and one surely does: then it is spared perceptual hashing.

        An MD5 alone, or an entry that contradicts itself, is not enough: MD5 collisions are made at will.
        """
        if self._matcher is None or not matches:
            return False
        dispositions = {self._matcher.known_set(match.entry.set_uuid).disposition for match in matches}
        sure = any(match.basis in SPARING_BASES and not match.disagreeing for match in matches)
        return sure and dispositions == {Disposition.BENIGN}


def _begins_as_media(reader: StreamReader, size: int) -> bool:
    """Whether the first bytes are those of a format that is decoded. libmagic, which is slow, is not asked."""
    head = reader.read_at(0, min(kind.HEAD_SIZE, size))
    return kind.is_picture_candidate(kind.UNKNOWN, head) or is_film_candidate(kind.UNKNOWN, head)
