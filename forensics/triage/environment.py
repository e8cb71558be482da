"""What a scan ran on: recorded with it, so that another expert can repeat it."""

from __future__ import annotations

import os
import platform
import pwd
import sqlite3
import time
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Any

from forensics import __version__
from forensics.triage import sandbox
from forensics.triage.clock import describe_clock
from plugins.loader import ENTRY_POINT_GROUP

DEPENDENCIES = (
    "click", "cryptography", "imagehash", "isal", "libbde-python", "libfsapfs-python",
    "libvshadow-python", "numpy", "pi-heif", "pillow", "pluggy", "python-magic", "pytsk3", "sqlite-utils",
)  # fmt: skip
"""Packages whose versions can change a result."""

OPTIONAL_DEPENDENCIES = ("av",)
"""The same, of the extras: named only where they are installed."""

_UNKNOWN = "unknown"


def describe_environment(workers: int | None = None) -> dict[str, Any]:
    """Versions of everything a result depends on, and where it was made.

    Args:
        workers: How many workers there are, who share the machine's memory; ``None`` for one a core.

    Returns:
        ``tamiz``, ``python``, ``sqlite``, ``system``, ``machine``, ``host``, ``process``, ``system_user``,
        ``time_zone``, ``clock``, ``packages`` and ``plugins`` (name to version), and ``sandbox``: what is enforced
        upon workers.
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
        "clock": describe_clock(),
        "packages": {name: _version(name) for name in DEPENDENCIES} | _optional(),
        "plugins": plugin_versions(),
        "sandbox": sandbox.enforceable(workers or available_cores()),
    }


def plugin_versions() -> dict[str, str]:
    """Installed plug-ins that are not ours, by package name, with their versions: they can change a result too."""
    packages = (point.dist for point in entry_points(group=ENTRY_POINT_GROUP) if point.dist is not None)
    return {package.name: package.version for package in packages}


def system_user() -> str:
    """Account of the operating system, whatever the environment calls it; its number where it has no name."""
    account = os.geteuid()
    try:
        return pwd.getpwuid(account).pw_name
    except KeyError:
        return str(account)


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _time_zone() -> str:
    return time.tzname[0]


def _optional() -> dict[str, str]:
    versions = {name: _version(name) for name in OPTIONAL_DEPENDENCIES}
    return {name: found for name, found in versions.items() if found != _UNKNOWN}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _UNKNOWN
