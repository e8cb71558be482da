"""What a list format yields, made sure of before it enters a library: a format may be anyone's plug-in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO, cast

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListFormat, ListHeader, ListItem, RejectedEntry, RetractedEntry

_BATCH = 5000


def batches_of(list_format: ListFormat, file: BinaryIO) -> Iterator[list[ListItem]]:
    """Read a list by some format, and set aside what it takes for an entry and is none.

    Args:
        list_format: The format.
        file: The list, unpacked.

    Yields:
        What the list holds, some thousands at a time.

    Raises:
        ListFormatError: The list is broken, or the format fails in any way.
        OSError: The file cannot be read.
    """
    last_position = 0
    with failures_of(list_format):
        items = iter(list_format.read(file))
        while batch := list(islice(items, _BATCH)):
            if set(map(type, batch)) == {KnownEntry}:
                entries = cast("list[KnownEntry]", batch)
                if fields.are_well_formed(entries) and entries[0].position > last_position:
                    last_position = entries[-1].position
                    yield batch
                    continue
            batch, last_position = _made_sound(batch, last_position, list_format)
            yield batch


def _made_sound(batch: Sequence[ListItem], last_position: int, list_format: ListFormat) -> tuple[list[ListItem], int]:
    """Look at items one by one; gives those to be kept, and the position of the last entry."""
    sound: list[ListItem] = []
    for item in batch:
        if not isinstance(item, KnownEntry):
            sound.append(_sound(item, list_format))
            continue
        position = item.position
        if type(position) is not int:
            raise _no_entry(list_format)
        if not last_position < position <= fields.LARGEST_SIZE:
            sound.append(RejectedEntry(position, "its position is not above that of the entry before it"))
            continue
        last_position = position
        try:
            sound.append(fields.checked(item))
        except FieldError as error:
            sound.append(RejectedEntry(position, str(error)))
    return sound, last_position


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
