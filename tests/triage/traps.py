"""A plug-in hasher that does to its worker what hostile files do, each deed for pictures of one width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forensics.reason import Reason
from tests.plugin_package import install_picture_hasher


@dataclass(frozen=True)
class Trap:
    """One deed.

    Attributes:
        width: Of the pictures that set it off.
        statements: What is done.
        reason: What the case must say of them.
    """

    width: int
    statements: str
    reason: Reason


TRAPS: Mapping[str, Trap] = {
    "abort": Trap(301, "os.abort()", Reason.CRASHED),
    "segmentation fault": Trap(302, "ctypes.string_at(8)", Reason.CRASHED),
    "exit": Trap(303, "os._exit(3)", Reason.CRASHED),
    "stack overflow": Trap(304, "plunge(0)", Reason.CRASHED),
    "error in Python": Trap(310, "raise RuntimeError(str(picture))", Reason.CRASHED),
    "spin": Trap(305, "spin()", Reason.TIMED_OUT),
    "sleep": Trap(306, "time.sleep(10_000)", Reason.TIMED_OUT),
    "8 GB in Python": Trap(307, "bytearray(8 * 2**30)", Reason.OUT_OF_MEMORY),
    "8 GB in C, unchecked": Trap(308, "take_eight_gigabytes()", Reason.CRASHED),
    "killed from within": Trap(309, "os.kill(os.getpid(), signal.SIGKILL)", Reason.OUT_OF_MEMORY),
}

_FUNCTIONS = """
import ctypes, os, signal, sys, time

_library = ctypes.CDLL(None)
_library.malloc.restype = ctypes.c_void_p

def take_eight_gigabytes():
    # as a decoder without a check: what the system refuses is written to all the same
    for _ in range(8):
        ctypes.memset(_library.malloc(ctypes.c_size_t(2**30)), 1, 1)

def spin():
    while True:
        pass

def plunge(depth):
    sys.setrecursionlimit(10**9)
    ctypes.PYFUNCTYPE(None)(lambda: plunge(depth + 1))()
"""


def install_traps(folder: Path) -> Path:
    """Write the plug-in into a folder that is then to stand in ``sys.path``."""
    body = "".join(f"if picture.width == {trap.width}:\n    {trap.statements}\n" for trap in TRAPS.values())
    return install_picture_hasher(folder, "traps", _FUNCTIONS, body)
