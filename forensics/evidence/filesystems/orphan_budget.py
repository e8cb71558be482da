"""Ends the list of orphans of a damaged file system before it fills the case.

Orphans are records that no directory names. The Sleuth Kit takes any record that looks used for one, so a damaged file
system may show millions, with more bytes in all than the medium has (autopsy issue 2855, sleuthkit issue 821). Deleted
files share blocks with newer ones, so their sum may exceed the file system, but not by much.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from forensics.evidence.stream import NotExamined, Stream
from forensics.reason import Reason

MAX_FACTOR = 2
"""Orphans with more bytes in all than this many times the file system are not believed."""

MAX_SECONDS = 600.0
"""Time for listing orphans, that for examining them apart."""


def within_budget(
    items: Iterator[Stream | NotExamined],
    parent: str,
    size: int,
    *,
    seconds: float = MAX_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Stream | NotExamined]:
    """Pass on the orphans of a file system until there are too many; then say how many were listed.

    One that is larger than the file system is passed on as one that cannot be hashed, and its bytes do not count.

    Args:
        items: The walk over the orphans.
        parent: Text of the locator of their directory.
        size: Bytes of the file system.
        seconds: Time for listing.
        clock: Tells the time in seconds.
    """
    streams = listed = 0
    spent = 0.0
    while True:
        began = clock()
        item = next(items, None)
        spent += clock() - began
        if item is None:
            return
        if isinstance(item, Stream):
            if item.not_hashable is None and item.size > size:
                item = replace(item, not_hashable=Reason.IMPLAUSIBLE_SIZE)
            streams += 1
            listed += item.size if item.not_hashable is None else 0
        yield item
        cause = ""
        if listed > MAX_FACTOR * size:
            cause = f"more than {MAX_FACTOR} times the file system's {size:,}"
        elif spent > seconds:
            cause = f"in more than {seconds:.0f} seconds"
        if cause:
            detail = f"orphans: {streams:,} with {listed:,} bytes listed, {cause}; how many more there are is unknown"
            yield NotExamined(parent, Reason.WALK_LIMIT, detail)
            return
