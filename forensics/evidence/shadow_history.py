"""Which streams of a shadow copy differ from what was walked before.

A shadow copy shows a whole file system as it was, nearly all of it unchanged. A stream in it is passed over if the
live volume, or a shadow copy walked before, has one at the same address, of the same size and modification time, that
is at least as well preserved: an allocated stream is passed over only for an allocated one, because the blocks of a
file deleted since may hold other bytes by now.

So a file that was changed without a trace in its size and times is not seen again, and neither is a mere change of
name. The files in which Windows keeps the changed blocks are passed over too: they hold what the shadow copies show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from forensics.evidence.stream import Allocation, NotExamined, Stream

_KEY_SIZE = 16
_STORE_FOLDER, _STORE_NAME = b"System Volume Information/", b"{3808876b-c176-4e48-b7ae-04046e6cc752}"


class ShadowHistory:
    """What was walked of one source."""

    def __init__(self) -> None:
        self._streams: dict[str, set[bytes]] = {}

    def knows(self, label: str) -> bool:
        """Tell whether a volume was walked to its end."""
        return label in self._streams

    def new_items(
        self, label: str, earlier: Iterable[str], items: Iterable[Stream | NotExamined]
    ) -> Iterator[Stream | NotExamined]:
        """Give the items of a walk that differ from earlier ones, and remember the walk once it has come to its end.

        Args:
            label: The volume walked.
            earlier: Volumes walked before that show the same file system.
            items: The walk.
        """
        known = [self._streams[name] for name in earlier if name in self._streams]
        is_copy = bool(known)
        own: set[bytes] = set()
        for item in items:
            if not isinstance(item, Stream):
                yield item
                continue
            if is_copy and item.path.startswith(_STORE_FOLDER) and item.path.endswith(_STORE_NAME):
                continue
            keys = _keys(item)
            if not any(keys[0] in streams for streams in known):
                # every key of an allocated stream also stands for a deleted one
                own.update(keys)
                yield item
        self._streams[label] = own


def _keys(stream: Stream) -> list[bytes]:
    """What a stream is recognised by: first as it is itself, then as what else it makes unnecessary to see again."""
    identity = f"{stream.locator.address} {stream.size} {stream.times.modified}"
    states = ["allocated", "other"] if stream.allocation is Allocation.ALLOCATED else ["other"]
    return [
        hashlib.blake2b(f"{state} {identity}".encode(), digest_size=_KEY_SIZE, usedforsecurity=False).digest()
        for state in states
    ]
