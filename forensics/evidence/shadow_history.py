"""Which streams of a shadow copy differ from what was walked before.

A shadow copy shows a whole file system as it was, nearly all of it unchanged. A stream in it is passed over if the
live volume, or a shadow copy walked before, has the same bytes at the same address: the same size, the same blocks, and
none of those blocks among the ones Windows saved in between because they were written to. Content that stands inside
metadata is compared itself. File times decide nothing: programs set them as they like.

An allocated stream is passed over only for an allocated one, so that what was deleted since is seen as what it was. A
mere change of name is not seen. The files in which Windows keeps the changed blocks are passed over too: they hold
what the shadow copies show.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from forensics.errors import EvidenceError
from forensics.evidence.filesystem import StreamReader
from forensics.evidence.stream import Allocation, NotExamined, Stream

_KEY_SIZE = 16
_GUID = rb"\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}"
_STORE = re.compile(
    rb"System Volume Information/(?:%b)?\{3808876b-c176-4e48-b7ae-04046e6cc752\}" % _GUID, re.IGNORECASE
)
_LONGEST_INSIDE_METADATA = 64 * 1024
"""Streams that lie in no blocks are compared by their bytes up to this size; MFT records have 4,096 bytes at most."""

Extents = tuple[tuple[int, int], ...]
OpenStream = Callable[[Stream], StreamReader]
MayDiffer = Callable[[str, Extents], bool]


@dataclass(frozen=True, slots=True)
class _Walked:
    """What a walk gave: keys of allocated streams, and of others."""

    allocated: set[bytes]
    other: set[bytes]

    def has(self, key: bytes, allocation: Allocation) -> bool:
        return key in self.allocated or (allocation is not Allocation.ALLOCATED and key in self.other)


class ShadowHistory:
    """What was walked of one source."""

    def __init__(self) -> None:
        self._walked: dict[str, _Walked] = {}

    def knows(self, label: str) -> bool:
        """Tell whether a volume was walked to its end."""
        return label in self._walked

    def new_items(
        self,
        label: str,
        earlier: Iterable[str],
        items: Iterable[Stream | NotExamined],
        open_stream: OpenStream,
        may_differ: MayDiffer,
    ) -> Iterator[Stream | NotExamined]:
        """Give the items of a walk that differ from earlier ones, and remember the walk once it has come to its end.

        Args:
            label: The volume walked.
            earlier: Volumes that show the same file system at other times; those not walked before count for nothing.
            items: The walk.
            open_stream: Opens a stream of this walk.
            may_differ: Tells whether bytes at the same place may be others in the earlier volume of the given label.
        """
        earlier = tuple(earlier)
        known = [(name, self._walked[name]) for name in earlier if name in self._walked]
        own = _Walked(set(), set())
        for item in items:
            if not isinstance(item, Stream):
                yield item
                continue
            if earlier and _STORE.fullmatch(item.path):
                continue
            key, extents = _key(item, open_stream)
            if key is not None:
                if any(walked.has(key, item.allocation) and not may_differ(name, extents) for name, walked in known):
                    continue
                (own.allocated if item.allocation is Allocation.ALLOCATED else own.other).add(key)
            yield item
        self._walked[label] = own


def _key(stream: Stream, open_stream: OpenStream) -> tuple[bytes | None, Extents]:
    """What a stream is recognised by, and the blocks whose bytes it stands for; no key if it must be seen anyway."""
    digest = hashlib.blake2b(digest_size=_KEY_SIZE, usedforsecurity=False)
    digest.update(f"{stream.locator.address} {stream.size} {stream.not_hashable} ".encode())
    if stream.not_hashable is not None or not stream.size:
        return digest.digest(), ()
    try:
        reader = open_stream(stream)
        extents = reader.extents()
        if extents is not None:
            digest.update(repr(extents).encode())
        elif stream.size <= _LONGEST_INSIDE_METADATA:
            digest.update(b"bytes " + reader.read_at(0, stream.size))
        else:
            return None, ()
    except EvidenceError:
        return None, ()  # the worker that hashes it says why it cannot be read
    return digest.digest(), tuple((start, length) for start, length in extents or () if start is not None)
