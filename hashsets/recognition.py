"""Which format a received file is of, how it is packed, and which file of an archive is the list."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from forensics.errors import ListFormatError
from hashsets import fields, packing
from hashsets.format import ListFormat
from hashsets.intake import failures_of
from plugins import loader

_COPY_SIZE = 1 << 20
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class ReceivedList:
    """A list in a file, ready to be read.

    Attributes:
        list_format: Its format.
        packing: How the file is packed (:func:`hashsets.packing.packing_of`).
        member: The file of an archive that is the list; ``None`` if the file is no archive.
        on_disk: Where it can be read as it is, if its format needs that; else ``None``.
    """

    list_format: ListFormat
    packing: str | None
    member: str | None
    on_disk: Path | None

    @contextmanager
    def opened(self, file: BinaryIO, packed_size: int) -> Iterator[BinaryIO]:
        """Open the list to be read once.

        Args:
            file: The file as received, at its start.
            packed_size: Its bytes.

        Raises:
            ListFormatError: It cannot be unpacked.
        """
        if self.on_disk is not None:
            with self.on_disk.open("rb") as unpacked:
                yield unpacked
        else:
            with packing.unpacked(file, self.packing, self.member, packed_size) as unpacked:
                yield unpacked

    @property
    def is_read_in_order(self) -> bool:
        """Whether reading the list reads the received file once from start to end."""
        return self.on_disk is None and self.packing != "zip"


def recognise(file: BinaryIO, path: Path, format_name: str | None, scratch: Path) -> ReceivedList:
    """Tell what a received file is.

    Args:
        file: The file, at its start, where it is left.
        path: Its path.
        format_name: The format it is to be read as; recognised by content if ``None``.
        scratch: Where a packed list may be unpacked to if its format reads from disk only. The caller removes it.

    Raises:
        ListFormatError: There is no format of that name, none recognises the file, it holds several lists, or it
            cannot be unpacked.
    """
    formats = loader.list_formats()
    chosen = formats if format_name is None else [_named(formats, format_name)]
    kind = packing.packing_of(file)
    members = packing.members_of(file, kind)
    heads = {member: packing.head_of(file, kind, member) for member in members}
    if not any(heads.values()):
        raise ListFormatError("the file is empty", str(path), "check the file")
    if len(members) > 1:
        members = [member for member in members if _recognised(chosen, heads[member])]
        if len(members) > 1:
            raise ListFormatError(
                f"the archive holds {len(members)} lists: {_shown(members)}",
                str(path),
                "unpack it and import each as a set of its own",
            )
    if not members:
        raise _unknown(formats, path)
    member = members[0]

    def on_disk() -> Path:
        if kind is None:
            return path
        if not scratch.exists():
            _unpack(file, kind, member, scratch)
        return scratch

    found = chosen[0] if format_name is not None else _format_of(formats, heads[member], on_disk)
    if found is None:
        raise _unknown(formats, path)
    return ReceivedList(found, kind, member, on_disk() if found.needs_path else None)


def _named(formats: list[ListFormat], name: str) -> ListFormat:
    for each in formats:
        if each.name == name:
            return each
    raise ListFormatError(f"there is no list format '{name}'", None, f"give one of: {_names(formats)}")


def _names(formats: list[ListFormat]) -> str:
    return ", ".join(f"{each.name} ({each.requires})" if each.requires else each.name for each in formats)


def _unknown(formats: list[ListFormat], path: Path) -> ListFormatError:
    return ListFormatError(
        "not a list of a known format", str(path), f"if it is one, name it with --format: {_names(formats)}"
    )


def _shown(members: list[str | None]) -> str:
    names = [fields.column_name(Path(member or "").name) for member in members]
    return ", ".join(names[:_MOST_NAMES]) + (" ..." if len(names) > _MOST_NAMES else "")


def _recognised(formats: list[ListFormat], head: bytes) -> bool:
    """Tell whether a file of an archive may be a list, by its head alone."""
    for each in formats:
        with failures_of(each):
            if head and each.recognises(head):
                return True
    return False


def _format_of(formats: list[ListFormat], head: bytes, on_disk: Callable[[], Path]) -> ListFormat | None:
    """Find the first format that recognises a list."""
    for each in formats:
        with failures_of(each):
            if each.recognises(head) and (not each.needs_path or each.recognises_path(on_disk())):
                return each
    return None


def _unpack(file: BinaryIO, kind: str, member: str | None, scratch: Path) -> None:
    """Write an unpacked list to the disk, for its owner only."""
    file.seek(0)
    size = os.fstat(file.fileno()).st_size
    with packing.unpacked(file, kind, member, size) as stream:
        descriptor = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            while chunk := stream.read(_COPY_SIZE):
                target.write(chunk)
    file.seek(0)
