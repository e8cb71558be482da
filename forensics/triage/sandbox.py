"""Confines a worker: whatever a hostile file makes a decoder do, it reads the evidence and writes nothing.

Four layers, each of which stands alone where the kernel lacks another: Landlock (files, programs, TCP), no new
privileges, resource limits (no byte into any file, bounded memory, no core file), and an empty network for a worker
that runs as root. None can be undone by the process that entered it.

Source: landlock(7), prctl(2), setrlimit(2), unshare(2); the structures of ``linux/landlock.h``.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISBLK, S_ISDIR

MEMORY = 4 * 2**30
"""Bytes of memory of its own that a worker may take. Indexes and other files mapped for reading do not count."""

NOT_ENFORCED = "not enforced"
"""How the description of what a kernel lacks begins."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, the same on every architecture."""

_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_SET_NO_NEW_PRIVILEGES = 38
_NEW_NETWORK = 0x40000000

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


def enforceable() -> dict[str, str]:
    """What this kernel can enforce upon a worker, as the case records it and ``tamiz doctor`` shows it."""
    version = landlock_version()
    no_tcp = f"no TCP (Landlock {version})" if version >= _FIRST_WITH_TCP else f"{NOT_ENFORCED}: Landlock {version}"
    return {
        "files": f"only evidence, lists and libraries are read, nothing is written (Landlock {version})"
        if version
        else f"{NOT_ENFORCED}: no Landlock; but no byte can be written",
        "programs": "none can be started" if version else f"{NOT_ENFORCED}: no Landlock",
        "network": "none (a network namespace of its own)" if _is_privileged() else no_tcp,
        "privileges": "no new ones",
        "memory": f"{MEMORY >> 30} GiB",
    }


def enter(readable: Iterable[Path], memory: int = MEMORY) -> None:
    """Confine this process for good. What it needs beyond reading (libraries found by other programs) must be loaded.

    Args:
        readable: Files and folders it may read, beside those of the interpreter and the system's libraries.
        memory: Bytes of memory of its own that it may take.

    Raises:
        OSError: The kernel refused a layer that it has.
    """
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_DATA, memory)
    _limit(resource.RLIMIT_CORE, 0)
    if _is_privileged():
        with suppress(OSError):  # a container may forbid it; Landlock still refuses TCP
            _checked(_system.unshare(_NEW_NETWORK))
    _checked(_system.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    version = min(landlock_version(), _NEWEST)
    if version:
        _restrict(version, [*_of_the_system(), *readable])


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
