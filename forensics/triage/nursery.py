"""The nursery: a process that has loaded what every worker needs and forks workers off itself, in milliseconds.

To load Python, numpy, the decoders and the libraries of evidence takes a process the better part of a second. The
nursery does it once a scan; a worker that dies or wears out is replaced by a fork of it.

An evidence handle that crosses a fork shares its file offset with the other process and gives wrong bytes without any
error. So the nursery is itself *spawned*, opens no evidence, list or database, and imports no plug-in of a laboratory:
workers do all that after the fork, each for itself. It forks only while it has a single thread and no file open but
those it began with; otherwise, and wherever the kernel lacks what it needs, workers are spawned one by one.

Workers die with it, and it ends when the coordinator does. It reports how each of them ended.

Source: pidfd_open(2), pidfd_send_signal(2), unix(7) (``SCM_RIGHTS``), prctl(2) (``PR_SET_PDEATHSIG``).
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import select
import signal
import socket
import struct
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import NoReturn, Self

from forensics.spawning import single_threaded_environment, spawn
from forensics.triage.messages import WorkerSetup
from forensics.triage.pulse import Pulse

_log = logging.getLogger(__name__)

START_SECONDS = 120.0
"""How long the nursery may take to load everything."""

ANSWER_SECONDS = 120.0
"""How long it may take to fork."""

_REQUEST = b"w"
_NUMBER = struct.Struct("=i")
_SIGNAL_AT_DEATH_OF_PARENT = 1


class NurseryGoneError(Exception):
    """The nursery has ended; another one may be opened."""


class ForkedProcess:
    """A worker forked by the nursery, as seen by the coordinator, whose child it is not.

    Args:
        pid: Its process id.
        descriptor: Of the process (``pidfd``): a signal sent through it never reaches another that got its number.
        status: Pipe through which the nursery tells how it ended.
    """

    def __init__(self, pid: int, descriptor: int, status: int) -> None:
        self.pid = pid
        self._descriptor = descriptor
        self._status: int | None = status
        self._exitcode: int | None = None

    @property
    def exitcode(self) -> int | None:
        """How it ended, as :class:`multiprocessing.Process` says it; ``None`` while it has not."""
        self.join(0)
        return self._exitcode

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended.

        Args:
            timeout: Seconds to wait at most.
        """
        if self._status is None or not _readable(self._status, timeout):
            return
        told = os.read(self._status, _NUMBER.size)
        # no word of how it ended: the nursery has ended, and the kernel has killed it for that
        self._exitcode = _NUMBER.unpack(told)[0] if told else -signal.SIGKILL
        os.close(self._status)
        os.close(self._descriptor)
        self._status = None

    def kill(self) -> None:
        """End it at once."""
        if self._status is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)


class Nursery:
    """The nursery, as seen by the coordinator. Made by :meth:`open`."""

    def __init__(self, setup: WorkerSetup) -> None:
        self._process, connection = spawn(run, setup, environment=single_threaded_environment())
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        connection.close()

    @classmethod
    def open(cls, setup: WorkerSetup) -> Self | None:
        """Start a nursery and wait until it has loaded everything.

        Args:
            setup: What every worker needs to know.

        Returns:
            ``None`` if workers must be spawned one by one.
        """
        nursery = cls(setup)
        try:
            ready = _readable(nursery._socket.fileno(), START_SECONDS) and nursery._socket.recv(1) == _REQUEST
        except ConnectionError:
            ready = False
        except BaseException:
            nursery.close()
            raise
        if ready:
            return nursery
        nursery.close()
        _log.info("workers are not forked: more than one thread, a file open, or the kernel lacks process descriptors")
        return None

    def fork(self, pulse: Pulse) -> tuple[ForkedProcess, Connection]:
        """Have a worker forked.

        Args:
            pulse: Where it says what it is at.

        Returns:
            The process, and our end of the pipe to it.

        Raises:
            NurseryGoneError: There is no nursery any more, nor any worker of it.
            OSError: No process can be started.
        """
        ours, theirs = Pipe()
        try:
            socket.send_fds(self._socket, [_REQUEST], [theirs.fileno(), pulse.fileno()])
            answer, descriptors = self._answer()
        except ConnectionError as error:
            ours.close()
            self.close()
            raise NurseryGoneError from error
        except BaseException:  # an answer that comes later would be taken for that to the next question
            ours.close()
            self.close()
            raise
        finally:
            theirs.close()
        if not descriptors:
            ours.close()
            raise OSError(-answer, os.strerror(-answer))
        return ForkedProcess(answer, *descriptors), ours

    def _answer(self) -> tuple[int, list[int]]:
        if not _readable(self._socket.fileno(), ANSWER_SECONDS):
            raise BrokenPipeError
        told, descriptors, _, _ = socket.recv_fds(self._socket, _NUMBER.size, 2, socket.MSG_CMSG_CLOEXEC)
        if len(told) < _NUMBER.size:
            raise BrokenPipeError
        return _NUMBER.unpack(told)[0], list(descriptors)

    def close(self) -> None:
        """End it, and with it all its workers. Closing twice is harmless."""
        self._socket.close()
        self._process.kill()
        self._process.join()


# The nursery's own process. Only here is imported what workers are made of: the coordinator needs none of it.


def run(connection: Connection, setup: WorkerSetup) -> None:
    """Entry point of the nursery.

    Args:
        connection: To the coordinator.
        setup: What every worker needs to know.
    """
    from forensics.triage import worker

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker.silence_libraries()
    open_at_first = _open_descriptors()
    with suppress(Exception):  # what cannot be loaded a worker will not be able to load either, and says so
        worker.load_what_all_need()
    with socket.socket(fileno=os.dup(connection.fileno())) as coordinator, suppress(ConnectionError):
        connection.close()
        if not _can_fork(open_at_first, coordinator.fileno()):
            return
        coordinator.send(_REQUEST)
        gc.collect()
        gc.freeze()  # a collection in a worker would write to pages that all share
        _Forks(coordinator, setup).serve()


def _can_fork(open_at_first: set[int], coordinator: int) -> bool:
    """Whether a fork now is as good as a new process."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1 or _open_descriptors() - open_at_first - {coordinator}:
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


class _Forks:
    """The workers that have not ended yet.

    Args:
        coordinator: Socket to the coordinator.
        setup: What every worker needs to know.
    """

    def __init__(self, coordinator: socket.socket, setup: WorkerSetup) -> None:
        self._coordinator = coordinator
        self._setup = setup
        self._alive: dict[int, tuple[int, int]] = {}  # by descriptor of the process: its id, and the pipe to tell
        self._poll = select.poll()
        self._poll.register(coordinator, select.POLLIN)

    def serve(self) -> None:
        """Fork workers as asked and tell how they end, until the coordinator is gone."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._alive:
                    self._tell_end(descriptor)
                elif not self._fork():
                    return

    def _fork(self) -> bool:
        """Fork a worker; False if the coordinator is gone."""
        request, descriptors, _, _ = socket.recv_fds(self._coordinator, 1, 2, socket.MSG_CMSG_CLOEXEC)
        if not request:
            return False
        nursery = os.getpid()
        heard, status = os.pipe()
        try:
            pid = os.fork()
            if pid == 0:
                self._become_worker(nursery, descriptors, (heard, status))
            descriptor = os.pidfd_open(pid)
            self._alive[descriptor] = pid, status
            self._poll.register(descriptor, select.POLLIN)
            socket.send_fds(self._coordinator, [_NUMBER.pack(pid)], [descriptor, heard])
        except OSError as error:
            os.close(status)
            self._coordinator.send(_NUMBER.pack(-(error.errno or 1)))
        finally:
            for each in (*descriptors, heard):
                os.close(each)
        return True

    def _tell_end(self, descriptor: int) -> None:
        pid, status = self._alive.pop(descriptor)
        self._poll.unregister(descriptor)
        _, how = os.waitpid(pid, 0)
        with suppress(BrokenPipeError):  # the coordinator does not want to know any more
            os.write(status, _NUMBER.pack(os.waitstatus_to_exitcode(how)))
        os.close(status)
        os.close(descriptor)

    def _become_worker(self, nursery: int, descriptors: list[int], own: tuple[int, int]) -> NoReturn:
        """Live as a worker, with nothing of the others' in hand, and never come back."""
        from forensics.triage import worker

        code = 1
        try:
            ctypes.CDLL(None).prctl(_SIGNAL_AT_DEATH_OF_PARENT, signal.SIGKILL)
            if os.getppid() == nursery:  # it might have ended before that was said
                for each in (self._coordinator.fileno(), *own):
                    os.close(each)
                for descriptor, (_, status) in self._alive.items():
                    os.close(descriptor)
                    os.close(status)
                connection, pulse = descriptors
                worker.run(Connection(connection), Pulse(pulse), self._setup)
                code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            os._exit(code)


def _open_descriptors() -> set[int]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that the folder itself was read by
            link.readlink()
            found.add(int(link.name))
    return found


def _readable(descriptor: int, timeout: float | None) -> bool:
    """Wait until there is something to read, or nothing more will come."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout is None else timeout * 1000))
