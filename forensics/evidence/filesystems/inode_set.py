"""A set of inode numbers in little memory."""

from __future__ import annotations

_BITS = 12
_MASK = (1 << _BITS) - 1


class InodeSet:
    """A set of inode numbers, kept as bitmaps of 4,096 neighbours.

    Inode numbers come in dense runs, so this takes a fraction of a byte to a few bytes for each, where a ``set`` takes
    about a hundred; and it copes with the huge, sparse numbers TSK gives to FAT entries.
    """

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def add(self, inode: int) -> bool:
        """Add an inode number.

        Returns:
            True if it was not in the set before.
        """
        page = self._pages.setdefault(inode >> _BITS, bytearray((1 << _BITS) // 8))
        index, bit = (inode & _MASK) >> 3, 1 << (inode & 7)
        if page[index] & bit:
            return False
        page[index] |= bit
        return True

    def __contains__(self, inode: int) -> bool:
        page = self._pages.get(inode >> _BITS)
        return page is not None and bool(page[(inode & _MASK) >> 3] & 1 << (inode & 7))
