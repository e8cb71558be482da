"""What travels through the pipe between coordinator and workers arrives as it was sent."""

from __future__ import annotations

import pickle
from dataclasses import fields, is_dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from forensics.evidence.keys import Keyring
from forensics.evidence.locator import Locator
from forensics.evidence.stream import Allocation, NotExamined, Recovery, Stream, Times
from forensics.hashing.digests import Digests
from forensics.hashing.perceptual import FilmHash, FrameHash, PerceptualHash
from forensics.outcome import ExaminedContent, ExaminedFilm, Outcome, PerceptualState
from forensics.reason import Reason
from forensics.triage.messages import Examined, ExamineJob, SourceAccess, Walked
from forensics.triage.plan import Task, Unit
from hashsets.match import EntryReference, Match, Tier

_NUMBER = st.none() | st.integers()
_TEXT = st.none() | st.text()
_REASON = st.none() | st.sampled_from(Reason)
_STREAM = st.builds(
    Stream, st.builds(Locator, st.text(), _TEXT, _TEXT, _TEXT), st.binary(), st.integers(), st.sampled_from(Allocation),
    st.sampled_from(Recovery), _NUMBER, st.builds(Times, _NUMBER, _NUMBER, _NUMBER, _NUMBER), _REASON,
)  # fmt: skip
_ITEM = _STREAM | st.builds(NotExamined, st.text(), st.sampled_from(Reason), st.text(), _NUMBER)
_TASK = st.builds(
    Task, st.integers(), st.text(), st.integers(), st.booleans(), st.integers(), _REASON, st.booleans()
)  # fmt: skip


@given(st.lists(_ITEM))
def test_what_a_walk_found(items: list[Stream | NotExamined]) -> None:
    assert _sent(Walked(items)) == Walked(items)


@given(st.lists(st.builds(Outcome), max_size=5).map(tuple), st.integers(), st.lists(st.text()).map(tuple))
def test_outcomes(outcomes: tuple[Outcome, ...], bytes_read: int, faults: tuple[str, ...]) -> None:
    message = Examined(outcomes, bytes_read, faults)
    assert _sent(message) == message


@given(st.lists(_TASK).map(tuple))
def test_units(tasks: tuple[Task, ...]) -> None:
    sent = ExamineJob(SourceAccess(Path("disk.raw"), "E1", Keyring(), deep=True), Unit(tasks), "seen")
    arrived = _sent(sent)
    assert isinstance(arrived, ExamineJob)
    assert (arrived.source, arrived.unit, arrived.seen) == (sent.source, sent.unit, sent.seen)


def test_no_field_is_forgotten() -> None:
    """A field that is added and does not travel is lost only where it is not the default: here none is."""
    digests = Digests("a", "b", "c", 1)
    hashed = FilmHash("vpdq", (FrameHash(1, "d", 2),), "e")
    content = ExaminedContent(
        digests, "f", PerceptualState.HASHED, Reason.FRAME_LIMIT, 2, 3, (PerceptualHash("g", "h", 4, "i", "j"),),
        (_match(),), ExaminedFilm(5, 90, "one-a-second", 6, hashed),
    )  # fmt: skip
    outcome = Outcome(7, 8, Reason.BENIGN, "k", "l", content)
    stream = Stream(
        Locator("m", "n", "o", "p"), b"q", 9, Allocation.DELETED, Recovery.ASSUMED_CONTIGUOUS, 10,
        Times(11, 12, 13, 14), Reason.SPARSE,
    )  # fmt: skip
    task = Task(15, "r", 16, whole=True, deaths=17, undecoded=Reason.CRASHED, steps=18, only_media=True)
    match = content.matches[0]
    for value in (outcome, content, match, match.entry, content.perceptual_hashes[0], stream, stream.times, task):
        assert not _defaults(value)
    assert _sent(Examined((outcome,), 1)) == Examined((outcome,), 1)
    assert _sent(Walked([stream])) == Walked([stream])
    arrived = _sent(ExamineJob(SourceAccess(Path("disk.raw"), "E1", Keyring(), deep=False), Unit((task,)), ""))
    assert isinstance(arrived, ExamineJob)
    assert arrived.unit.tasks == (task,)


def _match() -> Match:
    entry = EntryReference("1", 2, "3", "4", "5", "6", "7", 8, {"9": "10"})
    return Match(entry, "11", 12, Tier.NEAR, "13", ("14",), ("15",), 0.25, 0.5)


def _defaults(value: object) -> list[str]:
    """Fields that hold what they hold if nothing is said."""
    assert is_dataclass(value)
    return [field.name for field in fields(value) if getattr(value, field.name) == field.default]


def _sent(message: object) -> object:
    return pickle.loads(pickle.dumps(message))  # noqa: S301 - just made
