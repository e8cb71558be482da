"""Confines a worker: whatever a hostile file makes a decoder do, it reads the evidence and writes nothing.

Layers, each of which stands alone where the kernel lacks another: Landlock (files, programs, TCP), a filter over
system calls (no socket, no process, nothing done to a file's mode or times), no new privileges and for root none but
those to read, an empty network for root, resource limits (no byte into any file, bounded memory, no core file). None
can be undone by the process that entered it. Which of them there are is found out once and recorded; a worker that
does not get all of these does not work.

The address space has no limit: lists of any size are mapped into it for reading. Nor has the number of processes, for
it would count those of the whole account; no process can be started at all.

Source: landlock(7), prctl(2), capabilities(7), setrlimit(2), unshare(2); the structures of ``linux/landlock.h``.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from stat import S_ISBLK, S_ISDIR
from threading import Thread

from forensics.triage import system_calls

MEMORY = 4 * 2**30
"""Bytes of memory of its own that a worker may take at most. Files mapped for reading, such as lists, do not count."""

LEAST_MEMORY = 512 * 2**20
"""Bytes below which the share of a worker does not go, however many there are: ordinary pictures need them."""

OPEN_FILES = 4096
"""Files that a worker may have open: an image may have thousands of segments."""

NOT_ENFORCED = "not enforced"
"""How the description of what a kernel lacks begins."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, the same on every architecture."""

_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_SET_NO_NEW_PRIVILEGES = 38
_NEW_NETWORK = 0x40000000
_CAPABILITIES_VERSION = 0x20080522
_READ_ANY, _AS_OWNER = 1 << 2, 1 << 3
"""What root keeps: to read files of others, and to leave their access times alone."""

_MEMORY_OF_GROUP = Path("/sys/fs/cgroup/memory.max")

_READ_FILE, _READ_DIRECTORY, _CONTROL_DEVICE = 1 << 2, 1 << 3, 1 << 15
_ALL_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Every right over files that a version of Landlock knows; what is named here and allowed nowhere is forbidden."""

_TCP_RIGHTS = 0b11
_FIRST_WITH_TCP, _FIRST_WITH_DEVICES = 4, 5
_NEWEST = max(_ALL_FILE_RIGHTS)

_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib32", "/lib64", "/sys/devices/system", "/sys/dev/block", "/dev/shm")  # noqa: S108
_SYSTEM_FILES = (
    "/etc/ld.so.cache", "/etc/localtime", "/etc/magic", "/etc/magic.mime", "/dev/null", "/dev/urandom", "/dev/random",
)  # fmt: skip
_OWN_PROCESS = "/proc/self"

_system = ctypes.CDLL(None, use_errno=True)


def landlock_version() -> int:
    """Which version of Landlock the kernel has; 0 if it has none or it is switched off."""
    return max(int(_system.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)), 0)


@dataclass(frozen=True, slots=True)
class Confinement:
    """What is enforced upon a worker.

    Attributes:
        landlock: Version of Landlock; 0 if the kernel has none.
        filtered: System calls are filtered.
        own_network: The worker has a network of its own, which is empty.
        memory: Bytes of memory of its own that it may take.
    """

    landlock: int
    filtered: bool
    own_network: bool
    memory: int

    @classmethod
    def available(cls, workers: int = 1) -> Confinement:
        """All that this kernel can enforce.

        Args:
            workers: How many share the machine's memory.
        """
        return cls(
            landlock_version(),
            system_calls.can_filter(),
            _is_privileged() and _can_have_own_network(),
            memory_share(workers),
        )

    def description(self) -> dict[str, str]:
        """In words, as the case records it and ``tamiz doctor`` shows it."""
        landlock = f"Landlock {self.landlock}"
        no_tcp = self.landlock >= _FIRST_WITH_TCP
        programs = (landlock, self.landlock > 0), ("seccomp", self.filtered)
        network = (
            ("no socket: seccomp", self.filtered),
            (f"no TCP: {landlock}", no_tcp),
            ("an empty network namespace", self.own_network),
        )
        return {
            "files": f"only evidence, lists and libraries are read, nothing is written ({landlock})"
            if self.landlock
            else f"{NOT_ENFORCED}: no Landlock; but no byte can be written",
            "programs": _enforced("none can be started", programs),
            "network": _enforced("none" if self.filtered or self.own_network else "all but TCP is open", network),
            "system calls": "none that changes owner, mode or times of files or reaches other processes (seccomp)"
            if self.filtered
            else f"{NOT_ENFORCED}: no seccomp filter",
            "privileges": "no new ones" + ("; of root's, only those to read" if _is_privileged() else ""),
            "memory": f"{self.memory / 2**30:.2g} GiB",
        }


def _enforced(what: str, layers: Iterable[tuple[str, bool]]) -> str:
    by = [name for name, holds in layers if holds]
    return f"{what} ({'; '.join(by)})" if by else f"{NOT_ENFORCED}: neither Landlock nor seccomp"


def enforceable(workers: int = 1) -> dict[str, str]:
    """What this kernel can enforce upon each of so many workers, in words."""
    return Confinement.available(workers).description()


def not_enforceable() -> list[str]:
    """What this kernel cannot enforce: names of :func:`enforceable`."""
    return [name for name, text in enforceable().items() if text.startswith(NOT_ENFORCED)]


def memory_share(workers: int) -> int:
    """Bytes of memory of its own that each of so many workers may take: together no more than the machine can spare."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # no control groups, or no limit in them
        whole = min(whole, int(_MEMORY_OF_GROUP.read_text("ascii")))
    return max(min(MEMORY, whole * 3 // 4 // workers), LEAST_MEMORY)


def enter(readable: Iterable[Path], confinement: Confinement) -> None:
    """Confine this process for good. What it needs beyond reading (libraries found by other programs) must be loaded.

    Args:
        readable: Files and folders it may read, beside those of the interpreter and the system's libraries.
        confinement: What to enforce.

    Raises:
        OSError: The kernel refused one of the layers.
    """
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_DATA, confinement.memory)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    if confinement.own_network:
        _checked(_system.unshare(_NEW_NETWORK))
    if _is_privileged():
        _keep_only_what_reads()
    _checked(_system.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    if confinement.landlock:
        _restrict(min(confinement.landlock, _NEWEST), [*_of_the_system(), *readable])
    if confinement.filtered:
        system_calls.refuse_needless()


@cache
def _can_have_own_network() -> bool:
    """Whether the kernel gives a process of root a network of its own: a container may forbid it."""
    results: list[int] = []
    # a namespace belongs to a thread: this one takes it to its end
    thread = Thread(target=lambda: results.append(int(_system.unshare(_NEW_NETWORK))))
    thread.start()
    thread.join()
    return results == [0]


def _keep_only_what_reads() -> None:
    """Lay down root's privileges but those to read. They act upon this thread, and threads it starts."""
    header = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
    kept = _READ_ANY | _AS_OWNER
    _checked(_system.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0)))


def _restrict(version: int, readable: Iterable[Path | str]) -> None:
    """Let the process read some files and folders, and forbid everything else that this version can."""
    rights = struct.pack("=QQ", _ALL_FILE_RIGHTS[version], _TCP_RIGHTS if version >= _FIRST_WITH_TCP else 0)
    rights = rights if version >= _FIRST_WITH_TCP else rights[:8]
    rules = _checked(_system.syscall(_CREATE_RULESET, rights, ctypes.c_size_t(len(rights)), 0))
    try:
        for path in readable:
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):  # then it cannot be read either
                _allow(rules, path, version)
        _checked(_system.syscall(_RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)


def _allow(rules: int, path: Path | str, version: int) -> None:
    """Let a file be read, or a folder and all below it be listed and read; a device be asked for its size too."""
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        rights = _READ_FILE | (_READ_DIRECTORY if S_ISDIR(mode) else 0)
        if S_ISBLK(mode) and version >= _FIRST_WITH_DEVICES:
            rights |= _CONTROL_DEVICE
        rule = struct.pack("=Qi", rights, descriptor)
        _checked(_system.syscall(_ADD_RULE, rules, _RULE_PATH_BENEATH, rule, 0))
    finally:
        os.close(descriptor)


def _of_the_system() -> Iterator[Path | str]:
    """What an interpreter and its libraries read while they run."""
    yield from _SYSTEM_FOLDERS
    yield from _SYSTEM_FILES
    yield _OWN_PROCESS
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix, *filter(None, sys.path)}
    # a package that is installed to be edited, tamiz itself perhaps, lies elsewhere than where modules are looked for
    files = {getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if "." not in name}
    yield from {Path(file).parent for file in files if file}


def _limit(which: int, value: int) -> None:
    """Lower a limit for good; one that is lower already stays."""
    _, hard = resource.getrlimit(which)
    lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (lowest, lowest))


def _is_privileged() -> bool:
    return os.geteuid() == 0


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
