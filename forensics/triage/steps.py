"""Steps in which what a content shows is decoded and hashed: what went well before a fault is not lost to it.

One step is one hash algorithm on one view of a picture, or one sampled frame of a film. They come in the same order
each time. A worker says how many it has behind it, so that after its end the content can be taken up to just before the
step that ended it.
"""

from __future__ import annotations

from collections.abc import Callable


class Steps:
    """Counts the steps of one content.

    Args:
        most: After so many there is to be no further one; ``None``: all.
        on_step: Called after each with their number.

    Attributes:
        done: How many have gone well.
    """

    def __init__(self, most: int | None = None, on_step: Callable[[int], None] = lambda _: None) -> None:
        self.done = 0
        self._most = most
        self._on_step = on_step

    @property
    def left(self) -> int | None:
        """How many more there may be; ``None``: any number."""
        return None if self._most is None else max(self._most - self.done, 0)

    def count(self) -> None:
        """Count one that has gone well."""
        self.done += 1
        self._on_step(self.done)
