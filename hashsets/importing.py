"""Importing a list into a library: one pass over the file, all or nothing.

The entries go into a set file of their own, under a name that nobody reads. Only when that is complete and on the
disk is the set entered in the library, in one transaction. What a killed import leaves behind is swept by the next.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

from forensics.errors import HashSetError, LibraryError, ListFormatError
from forensics.new_file import write_through
from hashsets import fields
from hashsets.database import library_errors
from hashsets.format import Disposition, KnownEntry, ListHeader, ListItem, RejectedEntry, RetractedEntry
from hashsets.formats.nsrl import NsrlFormat
from hashsets.in_place import InPlace, NsrlDatabase
from hashsets.known_hashes import KnownHashes
from hashsets.library import files_of_set, set_path, sets_folder
from hashsets.list_reading import DigestingFile, ListEnd, read_list
from hashsets.match import KnownSet
from hashsets.picture_search import WIDEST_RADIUS
from hashsets.provenance import UNSTATED, Provenance
from hashsets.recognition import ReceivedList, recognise
from hashsets.set_file import SetFile
from hashsets.set_writer import SetFileWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashsets.library import Library, Progress

_BUFFER_SIZE = 1 << 18


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, for the operator to see; only the set itself is kept.

    Attributes:
        known_set: The new set.
        replaced: The set of the same name that it took the place of, which is gone.
        columns_read: What the columns of a table were read as; empty for a format without columns to name.
        columns_ignored: The columns that were not imported, as the list names them.
    """

    known_set: KnownSet
    replaced: KnownSet | None
    columns_read: tuple[str, ...]
    columns_ignored: tuple[str, ...]


def import_list(
    library: Library,
    path: Path,
    name: str,
    disposition: Disposition,
    format_name: str | None = None,
    scheme: str | None = None,
    authority: str | None = None,
    on_progress: Progress | None = None,
    provenance: Provenance = UNSTATED,
    in_place: bool = False,
) -> ImportReport:
    """Do what :meth:`hashsets.library.Library.import_list` says, and report it."""
    if not name or not name.isprintable() or name != name.strip() or len(name) > fields.LONGEST_TEXT:
        raise LibraryError(
            f"a set needs a printable name of at most {fields.LONGEST_TEXT} characters, without spaces around it",
            None,
            "give another --name",
        )
    disposition, provenance = Disposition(disposition), provenance.checked()
    uuid = str(uuid4())
    final = set_path(library.folder, uuid)
    partial = final.with_suffix(".partial")
    with _list_errors(path), path.open("rb", buffering=0) as file, _only_import(library):
        _refuse_another_purpose(library, name, disposition)
        scratch = final.with_suffix(".unpacked")
        writer = SetFileWriter(partial)
        try:
            if in_place:
                list_format, intake = _index_in_place(file, path, name, format_name, writer, on_progress)
            else:
                received = recognise(file, path, format_name, scratch)
                list_format, intake = received.list_format.name, _take_in(file, path, received, writer, on_progress)
            writer.finish()
            known_set = KnownSet(
                uuid=uuid,
                name=name,
                disposition=disposition,
                format=list_format,
                format_version=intake.header.version,
                scheme=scheme or intake.header.scheme,
                authority=authority,
                file_name=path.name,
                file_sha256=intake.file_sha256,
                entries=intake.entries,
                rejected=intake.rejected,
                imported=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                **provenance.fields(),
            )
            with library_errors(final):
                partial.rename(final)
                write_through(final.parent)  # the name is found after a power cut
            _index_perceptual_hashes(final, known_set)
            replaced = library.replace(known_set)
        except BaseException:
            writer.discard()
            for path_of_set in files_of_set(library.folder, uuid):
                path_of_set.unlink(missing_ok=True)
            raise
        finally:
            scratch.unlink(missing_ok=True)
    return ImportReport(known_set, replaced, intake.header.columns_read, intake.header.columns_ignored)


def _index_perceptual_hashes(path: Path, known_set: KnownSet) -> None:
    """Make the indexes that a matcher would otherwise have to make when it opens the set."""
    with SetFile(path, known_set.uuid) as file:
        for algorithm, radius in WIDEST_RADIUS.items():
            KnownHashes.load(algorithm, radius, [known_set], [file], [path])


def _refuse_another_purpose(library: Library, name: str, disposition: Disposition) -> None:
    """Keep a set from being replaced by one that is for something else. Asked under the right to import.

    Raises:
        HashSetError: The library holds a set of that name with another disposition.
    """
    for known_set in library.sets():
        if known_set.name == name and known_set.disposition is not disposition:
            raise HashSetError(
                f"'{name}' is a {known_set.disposition} set", None, "remove it first or choose another name"
            )


@dataclass(slots=True)
class _Intake:
    """What an import counted."""

    header: ListHeader
    entries: int = 0
    rejected: int = 0
    first_rejected: RejectedEntry | None = None
    file_sha256: str = ""


def _take_in(
    file: BinaryIO, path: Path, received: ReceivedList, writer: SetFileWriter,
    on_progress: Callable[[int, int], None] | None,
) -> _Intake:  # fmt: skip
    """Copy a list into a set file.

    Raises:
        ListFormatError: The list is broken, or holds no valid entry.
    """
    size = os.fstat(file.fileno()).st_size
    intake = _Intake(ListHeader())
    for message in read_list(file, path, received):
        if isinstance(message, ListEnd):
            intake.file_sha256 = message.file_sha256
            continue
        if message.rows is not None:
            writer.add_rows(message.rows)
            intake.entries += len(message.rows.positions)
        _add(message.others, writer, intake)
        if on_progress is not None:
            on_progress(message.bytes_read, size)
    _add(list(writer.apply_retractions()), writer, intake)
    _refuse_without_entries(intake)
    return intake


def _index_in_place(
    file: BinaryIO,
    path: Path,
    name: str,
    format_name: str | None,
    writer: SetFileWriter,
    on_progress: Callable[[int, int], None] | None,
) -> tuple[str, _Intake]:
    """Index a database that the set is to use where it is, and give the name of its format.

    Raises:
        ListFormatError: It is none that can be used in place, is damaged, changes meanwhile, or holds no valid entry.
    """
    if format_name not in (None, NsrlFormat.name):
        raise ListFormatError(f"a list of format '{format_name}' cannot be used in place", None, "leave out --in-place")
    place = InPlace.of(path, name)
    database = NsrlDatabase(path)
    try:
        intake = _Intake(ListHeader(version=database.version))
        digesting = DigestingFile(file)
        while digesting.readinto(bytearray(_BUFFER_SIZE)):
            if on_progress is not None:
                on_progress(digesting.bytes_read, place.size)
        intake.file_sha256 = digesting.digest_rest()
        writer.use_in_place(place)
        for batch in database.columns():
            if isinstance(batch, tuple):
                writer.add_digests(batch)
                intake.entries += len(batch[0])
            else:
                _index_one_by_one(batch, writer, intake)
    finally:
        database.close()
    _refuse_without_entries(intake)
    if InPlace.of(path, name) != place:
        raise ListFormatError("the database was changed while it was read", None, "import it when nothing writes to it")
    return NsrlFormat.name, intake


def _index_one_by_one(batch: list[KnownEntry | RejectedEntry], writer: SetFileWriter, intake: _Intake) -> None:
    """Index rows of which some may be no entries."""
    entries = [row for row in batch if isinstance(row, KnownEntry)]
    rejected = [row for row in batch if isinstance(row, RejectedEntry)]
    if entries:
        writer.add_digests(
            (
                [entry.position for entry in entries],
                [entry.md5 for entry in entries],
                [entry.sha1 for entry in entries],
                [entry.sha256 for entry in entries],
            )
        )
    writer.add_rejected(rejected)
    intake.entries += len(entries)
    intake.rejected += len(rejected)
    intake.first_rejected = intake.first_rejected or next(iter(rejected), None)


def _refuse_without_entries(intake: _Intake) -> None:
    """Refuse a list that holds nothing.

    Raises:
        ListFormatError: It does.
    """
    if not intake.entries:
        what = f"the list holds no valid entry, and {intake.rejected} malformed"
        if intake.first_rejected is not None:
            what += f" (the first at {intake.first_rejected.position}: {intake.first_rejected.reason})"
        raise ListFormatError(what, None, "check the file and its format")


def _add(others: Sequence[ListItem], writer: SetFileWriter, intake: _Intake) -> None:
    """Write what a list holds beside entries, and count it."""
    rejected = [item for item in others if isinstance(item, RejectedEntry)]
    for item in others:
        if isinstance(item, ListHeader):
            intake.header = item
    writer.add_rejected(rejected)
    writer.add_retracted([item for item in others if isinstance(item, RetractedEntry)])
    intake.rejected += len(rejected)
    intake.first_rejected = intake.first_rejected or next(iter(rejected), None)


@contextmanager
def _list_errors(path: Path) -> Iterator[None]:
    """Say in which list an error was found, and translate those of reading it."""
    try:
        yield
    except ListFormatError as error:
        if error.where is not None and error.where.startswith(str(path)):
            raise
        where = f"{path}, {error.where}" if error.where else str(path)
        raise ListFormatError(error.what, where, error.remedy) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ListFormatError(
            f"cannot be read ({reason})", str(path), "check the file; nothing was imported"
        ) from error


@contextmanager
def _only_import(library: Library) -> Iterator[None]:
    """Hold the right to import into a library, and sweep what a killed import left behind.

    Raises:
        LibraryError: Another process is importing.
    """
    path = library.folder / "import.lock"
    with library_errors(path):
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LibraryError("another import is running", str(library.folder), "try again when it is done") from error
        kept = {known_set.uuid for known_set in library.sets()}
        with library_errors(sets_folder(library.folder)):
            for path in list(sets_folder(library.folder).iterdir()):
                if path.name.partition(".")[0] not in kept:
                    path.unlink()
        yield
    finally:
        os.close(descriptor)
