"""What the laboratory's clock is worth: recorded with each scan, for every time in a case is this clock's."""

from __future__ import annotations

import ctypes
import ctypes.util
from datetime import datetime
from typing import Any

_ERROR = 5
"""``TIME_ERROR``: the kernel's clock is not synchronised (adjtimex(2))."""

_TIMEX_BYTES = 512
"""More than ``struct timex`` takes on any system; all zeros only ask."""


def describe_clock() -> dict[str, Any]:
    """What the clock shows and whether anything keeps it right.

    Returns:
        ``utc_offset`` of the local time, such as ``-06:00``, and ``synchronised``: whether the kernel knows of a
        service that keeps its clock right; ``None`` where it does not say.
    """
    offset = f"{datetime.now().astimezone():%z}"
    return {"utc_offset": f"{offset[:3]}:{offset[3:5]}", "synchronised": _synchronised()}


def _synchronised() -> bool | None:
    ask = getattr(ctypes.CDLL(ctypes.util.find_library("c")), "adjtimex", None)
    if ask is None:
        return None
    state = int(ask(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return None if state < 0 else state != _ERROR
