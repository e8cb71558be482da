"""A filter over a worker's system calls: refuses what no examination needs and Landlock does not cover.

A short list of what is forbidden, in the kernel's own (classic BPF) form, so that no further library is needed: the
Python bindings of libseccomp that registries hold are old or come without the library. What is refused fails with
``EPERM`` and ends nothing. It cannot be taken off again.

Source: seccomp(2); ``linux/seccomp.h``, ``linux/filter.h``, ``linux/audit.h``; numbers of ``asm/unistd_64.h`` (x86-64)
and ``asm-generic/unistd.h`` (AArch64).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator

FORBIDDEN: dict[str, tuple[int | None, int | None]] = {
    # sockets of any kind: TCP, UDP, Unix; io_uring would make them past this filter
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # other processes: starting them, looking into them, sending to them
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180),
    # owner, mode, times and attributes of files, which Landlock leaves open
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "removexattrat": (466, 466), "file_setattr": (469, 469),
    # the machine: mounts, namespaces, modules, clocks, kernel interfaces with many faults in the past
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "setns": (308, 268),
    "unshare": (272, 97), "open_by_handle_at": (304, 265), "reboot": (169, 142), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "swapon": (167, 224), "swapoff": (168, 225), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "clock_adjtime": (305, 266), "adjtimex": (159, 171), "sethostname": (170, 161), "setdomainname": (171, 162),
    "syslog": (103, 116), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "personality": (135, 92),
}  # fmt: skip
"""Name of each refused system call, and its number on x86-64 and on AArch64; ``None`` where there is none."""

OWN_PROCESS_ONLY: dict[str, tuple[int, int]] = {
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
}  # fmt: skip
"""Allowed where the first argument is the process itself: ``abort`` is a signal to oneself."""

_CLONE, _CLONE3, _MAP, _LIMIT = (56, 220), (435, 435), (9, 222), (302, 261)
_IS_THREAD = 0x10000
_SHARED_AND_NAMELESS = 0x21

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""By the name of the machine: which of the numbers are its own, and what the kernel calls it."""

_X32 = 0x40000000
"""Numbers from here on are those of x86-64's other calling convention."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _FOURTH_ARGUMENT = 0, 4, 16, 40
"""Places in ``struct seccomp_data``; of an argument its lower half."""

_ALLOW, _FAIL, _FILTER_ACTION = 0x7FFF0000, 0x00050000, 2
_REFUSE = _FAIL | errno.EPERM
_SET_FILTER, _ALL_THREADS = 1, 1
_SECCOMP = (317, 277)

_system = ctypes.CDLL(None, use_errno=True)
_Instruction = tuple[int, int, int, int]
"""Code, how many to skip if true, if false, and the constant."""


def can_filter() -> bool:
    """Whether this kernel filters system calls, and the numbers of this machine's are known."""
    if platform.machine() not in _ARCHITECTURES or struct.calcsize("P") != 8:
        return False
    column, _ = _ARCHITECTURES[platform.machine()]
    action = struct.pack("=I", _FAIL)
    return int(_system.syscall(_SECCOMP[column], _FILTER_ACTION, 0, action)) == 0


def refuse_needless() -> None:
    """Refuse the calls named above for all threads of this process, for good. No new privileges must be set before.

    Raises:
        OSError: The kernel does not take the filter.
    """
    column, architecture = _ARCHITECTURES[platform.machine()]
    program = list(_program(column, architecture, os.getpid()))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *instruction) for instruction in program))
    header = struct.pack("@HP", len(program), ctypes.addressof(code))
    result = int(_system.syscall(_SECCOMP[column], _SET_FILTER, _ALL_THREADS, header))
    if result != 0:
        number = ctypes.get_errno() if result < 0 else errno.EBUSY
        raise OSError(number, os.strerror(number))


def _program(column: int, architecture: int, process: int) -> Iterator[_Instruction]:
    """The filter. Each rule ends with a return, so that the number stays loaded for the next."""
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _EQUAL, 1, 0, architecture
    yield _RETURN, 0, 0, _REFUSE
    yield _LOAD, 0, 0, _NUMBER
    if column == 0:
        yield _AT_LEAST, 0, 1, _X32
        yield _RETURN, 0, 0, _REFUSE
    for numbers in FORBIDDEN.values():
        number = numbers[column]
        if number is not None:
            yield from ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE))
    for own in OWN_PROCESS_ONLY.values():
        yield from ((_EQUAL, 0, 4, own[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 1, 0, process))
        yield from ((_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW))
    # its own limits may be asked for (0 is the process itself) and lowered, not those of its coordinator
    yield from ((_EQUAL, 0, 5, _LIMIT[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT))
    yield from ((_EQUAL, 2, 0, process), (_EQUAL, 1, 0, 0))
    yield from ((_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW))
    # a thread may be started, a process not; clone3 hides what it starts, and libraries then take clone
    yield from ((_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _FAIL | errno.ENOSYS))
    yield from ((_EQUAL, 0, 4, _CLONE[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT))
    yield from ((_ANY_BIT, 1, 0, _IS_THREAD), (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW))
    # shared memory without a file counts towards no limit of the process
    yield from ((_EQUAL, 0, 5, _MAP[column]), (_LOAD, 0, 0, _FOURTH_ARGUMENT), (_AND, 0, 0, _SHARED_AND_NAMELESS))
    yield from ((_EQUAL, 0, 1, _SHARED_AND_NAMELESS), (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW))
    yield _RETURN, 0, 0, _ALLOW
