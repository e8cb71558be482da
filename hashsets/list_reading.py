"""Reads a list in one pass: unpacks, digests, decodes and checks it; a large one in a process of its own.

Reading a list takes about as long as writing the set file. In two processes both go on at once, and whatever a hostile
list does to a decoder it does to a process that holds nothing else. What it reads it sends as plain values.
"""

from __future__ import annotations

import hashlib
import io
import marshal
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO, cast

from forensics.errors import ListFormatError
from forensics.spawning import spawn
from hashsets.entries import EntryColumns
from hashsets.entry_rows import EntryRows, rows_of_columns, rows_of_entries
from hashsets.format import KnownEntry, ListItem
from hashsets.intake import batches_of
from hashsets.recognition import ReceivedList
from plugins import loader

WORTH_A_PROCESS = 16 << 20
"""Bytes of a file that is read in a process of its own. A smaller one is read before that has started."""

_BUFFER_SIZE = 1 << 18
_ROWS, _OTHERS = b"r", b"o"


@dataclass(frozen=True, slots=True)
class Batch:
    """Part of a list.

    Attributes:
        rows: Entries; ``None`` if there are none.
        others: Headers, entries that were set aside, entries that the issuer took back.
        bytes_read: Of the file, so far.
    """

    rows: EntryRows | None
    others: Sequence[ListItem]
    bytes_read: int


@dataclass(frozen=True, slots=True)
class ListEnd:
    """The list was read to its end.

    Attributes:
        file_sha256: Digest of the file as received.
    """

    file_sha256: str


class DigestingFile(io.RawIOBase):
    """A file that is digested and counted while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = cast("io.RawIOBase", file)
        self._digest = hashlib.sha256()
        self.bytes_read = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read, digest and count."""
        count = self._file.readinto(buffer) or 0
        self._digest.update(memoryview(buffer)[:count])
        self.bytes_read += count
        return count

    def digest_rest(self) -> str:
        """Read what a format left unread, and give the SHA-256 of the whole file."""
        buffer = bytearray(_BUFFER_SIZE)
        while self.readinto(buffer):
            pass
        return self._digest.hexdigest()


def read_list(file: BinaryIO, path: Path, received: ReceivedList) -> Iterator[Batch | ListEnd]:
    """Read a list.

    Args:
        file: The file as received, unbuffered, at its start.
        path: Its path.
        received: What it is.

    Yields:
        What it holds, in order; at last that it ended.

    Raises:
        ListFormatError: The list is broken, the format fails, or the reading process ended before the list.
        OSError: The file cannot be read.
    """
    is_large = os.fstat(file.fileno()).st_size >= WORTH_A_PROCESS
    if is_large and len(os.sched_getaffinity(0)) > 1:
        return _read_in_process(file, path, received)
    return _read_here(file, received)


def _read_here(file: BinaryIO, received: ReceivedList) -> Iterator[Batch | ListEnd]:
    digesting = DigestingFile(file)
    source = io.BufferedReader(digesting, _BUFFER_SIZE) if received.is_read_in_order else file
    with received.opened(source, os.fstat(file.fileno()).st_size) as opened:
        for items in batches_of(received.list_format, opened):
            yield _batch(items, digesting.bytes_read)
    if not received.is_read_in_order:
        file.seek(0)
    yield ListEnd(digesting.digest_rest())


def _batch(items: EntryColumns | Sequence[ListItem], bytes_read: int) -> Batch:
    if isinstance(items, EntryColumns):
        return Batch(rows_of_columns(items), (), bytes_read)
    entries = [item for item in items if isinstance(item, KnownEntry)]
    others = [item for item in items if not isinstance(item, KnownEntry)]
    return Batch(rows_of_entries(entries) if entries else None, others, bytes_read)


def _read_in_process(file: BinaryIO, path: Path, received: ReceivedList) -> Iterator[Batch | ListEnd]:
    status = os.fstat(file.fileno())
    place = (str(path), (status.st_dev, status.st_ino))
    what = (received.list_format.name, received.packing, received.member, received.on_disk)
    process, connection = spawn(_serve, place, what)
    try:
        while True:
            try:
                message = _received(connection.recv_bytes())
            except (EOFError, ConnectionResetError) as error:
                process.join(5)
                raise ListFormatError(
                    f"reading it ended a process (exit code {process.exitcode})", None, "nothing was imported"
                ) from error
            if isinstance(message, Exception):
                raise message
            yield message
            if isinstance(message, ListEnd):
                return
    finally:
        connection.close()
        process.kill()
        process.join()


def _serve(
    connection: Connection, place: tuple[str, tuple[int, int]], what: tuple[str, str | None, str | None, Path | None]
) -> None:
    """Run in the reading process: read, and send."""
    with suppress(BrokenPipeError, ConnectionResetError):  # nobody reads any more
        try:
            for message in _messages(place, what):
                connection.send_bytes(_sent(message))
        except (BrokenPipeError, ConnectionResetError):
            raise
        except (ListFormatError, OSError, MemoryError) as error:
            connection.send_bytes(_OTHERS + pickle.dumps(error))
        connection.poll(None)  # it is ended when all that was sent has been read


def _messages(
    place: tuple[str, tuple[int, int]], what: tuple[str, str | None, str | None, Path | None]
) -> Iterator[Batch | ListEnd]:
    (path, identity), (name, packing, member, on_disk) = place, what
    list_format = next(each for each in loader.list_formats() if each.name == name)
    with Path(path).open("rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        if (status.st_dev, status.st_ino) != identity:
            raise ListFormatError("the file was replaced while it was read", None, "import it again")
        yield from _read_here(file, ReceivedList(list_format, packing, member, on_disk))


def _sent(message: Batch | ListEnd) -> bytes:
    """A message as bytes: rows, of which there are most, in the quickest way between two equal interpreters."""
    if isinstance(message, Batch) and message.rows is not None and not message.others:
        return _ROWS + marshal.dumps(([*message.rows], message.bytes_read))
    return _OTHERS + pickle.dumps(message)


def _received(data: bytes) -> Batch | ListEnd | Exception:
    # both come from our own process over a pipe that nobody else has
    if data[:1] == _ROWS:
        rows, bytes_read = marshal.loads(memoryview(data)[1:])  # noqa: S302
        return Batch(EntryRows(*rows), (), bytes_read)
    return cast("Batch | ListEnd | Exception", pickle.loads(memoryview(data)[1:]))  # noqa: S301
