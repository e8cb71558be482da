"""Keeps the chunks of an image used last: decompressed data, and the tables that lead to them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

CACHE_BYTES = 32 << 20
"""Bytes that are kept for an image."""


class ChunkCache:
    """The chunks used last, up to a number of bytes; always at least one. May be used by several threads.

    Args:
        limit: Most bytes to keep.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._chunks: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Give a chunk, made if it is not kept.

        Args:
            key: What the chunk is.
            make: Reads it; what it raises is passed on, and nothing is kept.
        """
        kept = self.kept(key)
        if kept is None:
            kept = make()
            self.keep(key, kept)
        return kept

    def kept(self, key: Hashable) -> bytes | None:
        """Give a chunk if it is kept."""
        with self._lock:
            data = self._chunks.get(key)
            if data is not None:
                self._chunks.move_to_end(key)
            return data

    def keep(self, key: Hashable, data: bytes) -> None:
        """Keep a chunk, and let go of those that were not used for longest."""
        with self._lock:
            self._size += len(data) - len(self._chunks.pop(key, b""))
            self._chunks[key] = data
            while self._size > self._limit and len(self._chunks) > 1:
                self._size -= len(self._chunks.popitem(last=False)[1])

    def __contains__(self, key: Hashable) -> bool:
        return key in self._chunks

    def clear(self) -> None:
        """Forget all chunks."""
        with self._lock:
            self._chunks.clear()
            self._size = 0
