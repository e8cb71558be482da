"""What a list format yields, made sure of before it enters a library: a format may be anyone's plug-in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, cast

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.entries import EntryColumns, by_columns, checked
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListFormat, ListHeader, ListItem, RejectedEntry, RetractedEntry


def batches_of(list_format: ListFormat, file: BinaryIO) -> Iterator[EntryColumns | Sequence[ListItem]]:
    """Read a list by some format, and set aside what it takes for an entry and is none.

    Args:
        list_format: The format.
        file: The list, unpacked.

    Yields:
        What the list holds, some hundreds or thousands at a time, entries in columns wherever all of them are plain.

    Raises:
        ListFormatError: The list is broken, or the format fails in any way.
        OSError: The file cannot be read.
    """
    gate = _Gate(list_format)
    with failures_of(list_format):
        for batch in list_format.read_batches(file):
            if not isinstance(batch, EntryColumns):
                yield from by_columns(list(batch), 0, gate.columns, gate.items)
            elif gate.is_above(batch):
                yield batch
            else:
                yield from by_columns(list(batch.entries()), 0, gate.columns, gate.items)


class _Gate:
    """Lets through what is sound, and entries whose positions rise.

    Args:
        list_format: Where they come from.
    """

    def __init__(self, list_format: ListFormat) -> None:
        self._list_format = list_format
        self._last_position = 0

    def is_above(self, columns: EntryColumns) -> bool:
        """Tell whether entries stand after those before them, and remember the last."""
        if columns.positions[0] <= self._last_position:
            return False
        self._last_position = columns.positions[-1]
        return True

    def columns(self, items: Sequence[object], _: int) -> EntryColumns:
        """Turn items into columns.

        Raises:
            FieldError: Not all are plain entries.
        """
        if set(map(type, items)) != {KnownEntry}:
            raise FieldError("not all are entries")
        columns = EntryColumns.of(cast("Sequence[KnownEntry]", items))
        if not self.is_above(columns):
            raise FieldError("an entry stands before another")
        return columns

    def items(self, items: Sequence[object], _: int) -> list[ListItem]:
        """Look at items one by one; gives those to be kept."""
        return [
            self._entry(item) if isinstance(item, KnownEntry) else _sound(item, self._list_format) for item in items
        ]

    def _entry(self, entry: KnownEntry) -> KnownEntry | RejectedEntry:
        position = entry.position
        if type(position) is not int:
            raise _no_entry(self._list_format)
        if not self._last_position < position <= fields.LARGEST_SIZE:
            return RejectedEntry(position, "its position is not above that of the entry before it")
        self._last_position = position
        try:
            return checked(entry)
        except FieldError as error:
            return RejectedEntry(position, str(error))


@contextmanager
def failures_of(list_format: ListFormat) -> Iterator[None]:
    """Say in one line that a format failed, whatever it raises. What is raised may quote the list, so its text is not.

    What the operating system says of the file is no failure of the format and passes.

    Raises:
        ListFormatError: In place of any other exception.
    """
    try:
        yield
    except ListFormatError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ListFormatError(
            f"the list format '{list_format.name}' failed ({type(error).__name__})",
            None,
            "nothing was imported; report it to whoever wrote that format, or name another with --format",
        ) from error


def _sound(item: object, list_format: ListFormat) -> RejectedEntry | RetractedEntry | ListHeader:
    """Give back a header, an entry that the format itself set aside, or one that the issuer took back.

    Raises:
        ListFormatError: It is none of them.
    """
    if isinstance(item, ListHeader):
        return item
    if isinstance(item, RejectedEntry) and type(item.position) is int and isinstance(item.reason, str):
        return item
    if isinstance(item, RetractedEntry) and type(item.position) is int and isinstance(item.reference, str):
        return item
    raise _no_entry(list_format)


def _no_entry(list_format: ListFormat) -> ListFormatError:
    return ListFormatError(
        f"the list format '{list_format.name}' gave what is no entry",
        None,
        "nothing was imported; report it to whoever wrote that format",
    )
