"""What a scan ran on: recorded with it, so that another expert can repeat it."""

from __future__ import annotations

import getpass
import os
import platform
import sqlite3
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from forensics import __version__

DEPENDENCIES = (
    "click", "imagehash", "isal", "numpy", "pillow", "pluggy", "python-magic", "pytsk3", "sqlite-utils",
)  # fmt: skip
"""Packages whose versions can change a result."""


def describe_environment() -> dict[str, Any]:
    """Versions of everything a result depends on, and where it was made.

    Returns:
        ``tamiz``, ``python``, ``sqlite``, ``system``, ``machine``, ``host``, ``process``, ``system_user``,
        ``time_zone`` and ``packages`` (name to version).
    """
    return {
        "tamiz": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "host": os.uname().nodename,
        "process": os.getpid(),
        "system_user": system_user(),
        "time_zone": os.environ.get("TZ") or _time_zone(),
        "packages": {name: _version(name) for name in DEPENDENCIES},
    }


def system_user() -> str:
    """Account of the operating system; its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _time_zone() -> str:
    return time.tzname[0]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
