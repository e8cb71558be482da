"""Decides what becomes of the streams of a unit whose worker has died.

The worker has said which stream it was at. That one is set apart and the others go on. It is tried once more alone, for
the cause may lie in another stream before it, or outside (a worker killed by hand, memory short for a moment). If it
ends its worker again, it is decoded and hashed up to the step before the one that did it, so that a later view or frame
does not cost the hashes of those before it. If even that ends a worker, it is read for its digests with no decoder
called; only what cannot be read so either is given up. Where the worker did not say which stream, or said nonsense, the
unit is halved until the stream stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from forensics.outcome import Outcome
from forensics.reason import Reason
from forensics.triage.plan import Task, Unit
from forensics.triage.pool import Died

DEATHS = 2
"""So many workers must end at a stream before it is taken to be the cause."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What is to be done now.

    Attributes:
        units: To be examined, again or after all.
        outcomes: Of streams that are given up.
    """

    units: tuple[Unit, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


def after_death(died: Died, waiting: Mapping[int, Task]) -> Consequence:
    """Decide about the streams of a unit.

    Args:
        died: How its worker ended.
        waiting: Those whose outcome has not come back, by id, in the order of the unit.
    """
    tasks = tuple(waiting.values())
    suspect = waiting.get(died.stream)
    if suspect is None:
        if len(tasks) != 1:
            return Consequence(Unit(tasks).halves() if tasks else ())
        suspect = tasks[0]
    others = tuple(task for task in tasks if task is not suspect)
    units = (Unit(others),) if others else ()
    further = _tried_further(suspect, died)
    if further is None:
        return Consequence(units, (_given_up(suspect, died),))
    return Consequence((*units, Unit((further,))))


def _tried_further(task: Task, died: Died) -> Task | None:
    """The next attempt at a stream; none if there is no hope."""
    timed_out = died.reason is Reason.TIMED_OUT
    if task.undecoded is not None:
        return replace(task, steps=0) if task.steps and died.decoding else None
    if died.decoding and timed_out:  # a limit of processor time is not met by chance
        return replace(task, undecoded=died.reason, steps=died.steps)
    deaths = task.deaths + 1
    if deaths < DEATHS and not timed_out:
        return replace(task, deaths=deaths)
    return replace(task, deaths=deaths, undecoded=died.reason, steps=died.steps) if died.decoding else None


def _given_up(task: Task, died: Died) -> Outcome:
    return Outcome(task.stream_id, task.size, died.reason, died.detail)
