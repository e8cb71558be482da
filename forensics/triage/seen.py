"""Which contents the case holds already, shared by all workers, so that each is decoded and matched once.

A table of 64-bit digest prefixes in shared memory, open addressing. The coordinator is its only writer and adds a
content once the case holds it; workers only look. A look-up may miss a content that is just being written (it is then
examined twice, with the same result) and could in theory take another content for a known one; the coordinator checks
every such claim against the case and sends the stream back if the content is not there.
"""

from __future__ import annotations

import mmap
import os
import secrets
from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import numpy.typing as npt

_SMALLEST = 1 << 12
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux shows shared memory
_LARGEST = 1 << 27  # 1 GiB of table; beyond half of that many contents the rest is simply not remembered


class _SharedForReading:
    """Shared memory that this process may only read. Python's own class always asks for leave to write."""

    def __init__(self, name: str) -> None:
        self.name = name
        with (_SHARED_MEMORY / name).open("rb") as file:
            self.buf = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.size = len(self.buf)

    def close(self) -> None:
        self.buf.close()


class SeenContents:
    """The table. Made by the coordinator with :meth:`create`, opened by a worker with :meth:`attach`."""

    def __init__(self, memory: SharedMemory | _SharedForReading) -> None:
        self._memory = memory
        self._slots: npt.NDArray[np.uint64] = np.ndarray(memory.size // 8, dtype=np.uint64, buffer=memory.buf)
        self._mask = len(self._slots) - 1
        self._free = len(self._slots) // 2

    @classmethod
    def create(cls, expected: int) -> SeenContents:
        """Make an empty table.

        Args:
            expected: How many contents there may be.
        """
        _remove_leftovers()
        slots = min(max(_SMALLEST, 1 << (2 * expected).bit_length()), _LARGEST)
        while slots > _SMALLEST and 8 * slots > _free_bytes() // 2:  # no room is found out by the writer's death
            slots //= 2
        name = f"{_prefix()}{os.getpid()}-{secrets.token_hex(4)}"
        return cls(SharedMemory(name, create=True, size=8 * slots))

    @classmethod
    def attach(cls, name: str) -> SeenContents:
        """Open the coordinator's table by its name, for reading: a confined worker may write nowhere."""
        return cls(_SharedForReading(name))

    @property
    def name(self) -> str:
        """Name to :meth:`attach` by."""
        return self._memory.name

    def add(self, sha256: str) -> None:
        """Remember a content, while there is room."""
        key = int(sha256[:16], 16) or 1
        place = key & self._mask
        while (found := int(self._slots[place])) != key:
            if found == 0:
                if self._free > 0:
                    self._slots[place] = key
                    self._free -= 1
                return
            place = (place + 1) & self._mask

    def __contains__(self, sha256: object) -> bool:
        key = int(str(sha256)[:16], 16) or 1
        place = key & self._mask
        while (found := int(self._slots[place])) != 0:
            if found == key:
                return True
            place = (place + 1) & self._mask
        return False

    def close(self) -> None:
        """Let go of the memory; the owner also frees it."""
        self._slots = np.empty(0, dtype=np.uint64)
        self._memory.close()
        if isinstance(self._memory, SharedMemory):
            self._memory.unlink()


def _free_bytes() -> int:
    """Room for shared memory: a container may have little."""
    status = os.statvfs(_SHARED_MEMORY)
    return status.f_bavail * status.f_frsize


def _prefix() -> str:
    """How names of tables begin; numbers of processes mean something within their namespace only."""
    return f"tamiz-seen-{Path('/proc/self/ns/pid').stat().st_ino}-"


def _remove_leftovers() -> None:
    """Remove tables whose coordinator was killed together with all who could have cleaned up after it."""
    for table in _SHARED_MEMORY.glob(f"{_prefix()}*"):
        owner = table.name.removeprefix(_prefix()).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            with suppress(OSError):  # another user's
                table.unlink()
