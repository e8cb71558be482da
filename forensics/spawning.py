"""Starting child processes of our own: ``spawn``, without the parent's main program, deaf to Ctrl-C.

``spawn``, never ``fork``: an evidence handle that crosses a fork shares its file offset with the parent and gives wrong
bytes without any error. Only what has none, and never will, may fork (:mod:`forensics.triage.nursery`).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Protocol

_CONTEXT = multiprocessing.get_context("spawn")


class ChildProcess(Protocol):
    """A process of ours, however it was started: what :class:`multiprocessing.Process` says of it and does with it."""

    @property
    def pid(self) -> int | None:
        """Its process id."""

    @property
    def exitcode(self) -> int | None:
        """How it ended, a signal as its negative number; ``None`` while it has not."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, at most for so many seconds."""

    def kill(self) -> None:
        """End it at once."""


def spawn(
    target: Callable[..., object], *arguments: object, environment: Mapping[str, str] | None = None
) -> tuple[SpawnProcess, Connection]:
    """Start a child and give it one end of a pipe. It ends with this process, and when it likes.

    Args:
        target: What it runs: a function of a module, called with its end of the pipe and the arguments.
        arguments: Further arguments; they are pickled.
        environment: Variables that it has before it imports anything.

    Returns:
        The process and our end of the pipe.
    """
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=target, args=(theirs, *arguments), daemon=True)
    with _environment(environment or {}), _without_main_module(), _interrupts_held_back():
        process.start()
    theirs.close()
    return process, ours


def single_threaded_environment() -> dict[str, str]:
    """Environment variables a child needs from its start that shares the cores with others like it: one thread each."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    return {name: os.environ.get(name, "1") for name in names}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables while a child starts, so that it has them before it imports anything."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start children to whom Ctrl-C never comes, from their first moment on; it reaches this process afterwards.

    A child inherits what is blocked. It ends when its coordinator does.
    """
    resource_tracker.ensure_running()  # started with the first child else, and it lets interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Start children that do not run the parent's main program again: they need nothing of it.

    ``spawn`` would otherwise import whatever script called us, with all the command line needs.
    """
    names: dict[str, object] = vars(sys.modules["__main__"])
    hidden: dict[str, object] = {name: names.pop(name) for name in ("__file__", "__spec__") if name in names}
    names["__spec__"] = None
    try:
        yield
    finally:
        names.update(hidden)
