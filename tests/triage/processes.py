"""Which processes a scan has started."""

from __future__ import annotations

import os
from pathlib import Path

from forensics.triage.worker import PROCESS_NAME


def descendants(ancestor: int) -> dict[int, str]:
    """Processes below another, those that have ended and were not waited for left out.

    Args:
        ancestor: A process id.

    Returns:
        Name by process id.
    """
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            before, _, after = (folder / "stat").read_text().rpartition(")")
        except OSError:
            continue
        state, above = after.split()[:2]
        if state not in "ZX":
            parents[int(folder.name)] = int(above)
            names[int(folder.name)] = before.partition("(")[2]
    found = {}
    for pid, name in names.items():
        parent = parents[pid]
        while parent != ancestor and parent in parents:
            parent = parents[parent]
        if parent == ancestor:
            found[pid] = name
    return found


def workers() -> list[int]:
    """Process ids of the workers that pools of this process have."""
    return [pid for pid, name in descendants(os.getpid()).items() if name == PROCESS_NAME]
