"""The library of known-hash sets: which sets there are, where they came from, and what is in them.

A library is a folder that only its owner can enter. ``library.sqlite`` lists the sets; the entries of each stand in
``sets/<uuid>.sqlite`` (see :mod:`hashsets.set_file`). A set exists from the moment its row is committed, and its file
is complete before that: whatever happens to an import, the library is as before it or as after it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import platformdirs

from forensics.errors import LibraryError, UnknownSetError
from hashsets.database import LIBRARY_APPLICATION_ID, connect, create, library_errors
from hashsets.format import Disposition, KnownEntry, RejectedEntry
from hashsets.in_place import InPlace, used_by
from hashsets.match import KnownSet, Match
from hashsets.provenance import UNSTATED, Provenance
from hashsets.set_file import SetFile

ENVIRONMENT_VARIABLE = "TAMIZ_LIBRARY"

Progress: TypeAlias = Callable[[int, int], None]
"""Called now and then during an import with the bytes read so far and the bytes of the file."""

_COLUMNS = (
    "uuid, name, disposition, format, format_version, scheme, authority, file_name, file_sha256, entries, rejected, "
    "imported, issuer, list_version, note, received"
)

_MIGRATIONS = {
    1: "".join(
        f"ALTER TABLE known_set ADD COLUMN {column} TEXT;" for column in ("issuer", "list_version", "note", "received")
    )
}


def default_folder() -> Path:
    """The library's folder where none is named: ``$TAMIZ_LIBRARY``, else in the platform's data folder."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    return home_expanded(Path(named)) if named else platformdirs.user_data_path("tamiz", appauthor=False) / "library"


def home_expanded(folder: Path) -> Path:
    """Read ``~`` at the beginning of a folder's name, which no shell has read in ``--library=~/lists``.

    Raises:
        LibraryError: It names a user who is not known here.
    """
    try:
        return folder.expanduser()
    except RuntimeError as error:
        raise LibraryError("there is no such user or home folder", str(folder), "name the folder in full") from error


def index_path(folder: Path) -> Path:
    """The file that lists the sets of a library."""
    return folder / "library.sqlite"


def sets_folder(folder: Path) -> Path:
    """The folder that holds a library's set files."""
    return folder / "sets"


def set_path(folder: Path, uuid: str) -> Path:
    """The file of one set."""
    return sets_folder(folder) / f"{uuid}.sqlite"


def files_of_set(folder: Path, uuid: str) -> list[Path]:
    """The file of one set and the indexes that lie beside it, ``<uuid>.<something>``."""
    return [path for path in sets_folder(folder).iterdir() if path.name.partition(".")[0] == uuid]


def files_in_place(folder: Path, uuids: Iterable[str]) -> tuple[Path, ...]:
    """The databases outside of a library that some of its sets use in place.

    Raises:
        LibraryError: A set file cannot be read.
    """
    places = (used_by(set_path(home_expanded(folder), uuid)) for uuid in uuids)
    return tuple(dict.fromkeys(place.path for place in places if place is not None))


def known_sets(connection: sqlite3.Connection, condition: str = "TRUE", *values: str) -> list[KnownSet]:
    """Read sets off an open library index, by name."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM known_set WHERE {condition} ORDER BY name", values)  # noqa: S608
    return [KnownSet(row[0], row[1], Disposition(row[2]), *row[3:]) for row in rows]


class Library:
    """A library, made on first use.

    Args:
        folder: Where it lies, ``~`` read as the user's home; :func:`default_folder` if ``None``.

    Attributes:
        folder: Where it lies.

    Raises:
        LibraryError: It cannot be made or opened, or the folder holds something else under its name.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = default_folder() if folder is None else home_expanded(folder)
        path = index_path(self.folder)
        with library_errors(self.folder):
            if not self.folder.exists():
                self.folder.mkdir(mode=0o700, parents=True)
                self.folder.chmod(0o700)
            sets_folder(self.folder).mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            # Under another name until it is whole: a second process must never see a library without its table.
            fresh = path.with_suffix(f".{os.getpid()}.new")
            with library_errors(path):
                fresh.unlink(missing_ok=True)
                create(fresh, "library.sql", LIBRARY_APPLICATION_ID).close()
                try:
                    os.link(fresh, path)
                except FileExistsError:
                    pass  # another process made it in this very moment
                finally:
                    fresh.unlink()
        self._connection = connect(path, LIBRARY_APPLICATION_ID, migrations=_MIGRATIONS)

    def close(self) -> None:
        """Close the library."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def import_list(
        self,
        path: Path,
        name: str,
        disposition: Disposition,
        format: str | None = None,  # noqa: A002  named as on the command line
        scheme: str | None = None,
        authority: str | None = None,
        on_progress: Progress | None = None,
        provenance: Provenance = UNSTATED,
        in_place: bool = False,
    ) -> KnownSet:
        """Import a list as a set, in place of a set of the same name and disposition if there is one.

        The file is read once, in memory that does not grow with it. Malformed entries are set aside, with their
        place and the reason (:meth:`rejected`). :func:`hashsets.importing.import_list` does the same and also reports
        what was replaced and which columns were read.

        Args:
            path: The list; it may be packed with gzip, xz or ZIP.
            name: What to call the set.
            disposition: What the set is for. Nothing in a list says it.
            format: Name of the list format; recognised by the file's first bytes if ``None``.
            scheme: Scheme of its categories; overrides the one the list names.
            authority: Who issued it, or the reference under which it may be used.
            on_progress: Called now and then.
            provenance: What else is known of where it came from.
            in_place: Leave the entries in the list, an NSRL RDS version 3 database, and index them
                (:mod:`hashsets.in_place`).

        Returns:
            The set, with a new identity.

        Raises:
            ListFormatError: The file cannot be read, is of no known format, is broken, or holds no valid entry.
            LibraryError: The library cannot be written, or another import is running.
            HashSetError: The library holds a set of that name with another disposition.
        """
        from hashsets.importing import import_list

        report = import_list(
            self, path, name, disposition, format, scheme, authority, on_progress, provenance, in_place
        )
        return report.known_set

    def sets(self) -> list[KnownSet]:
        """All sets, by name."""
        with library_errors(index_path(self.folder)):
            return known_sets(self._connection)

    def get(self, name: str) -> KnownSet:
        """The set of that name.

        Raises:
            UnknownSetError: There is none.
        """
        with library_errors(index_path(self.folder)):
            found = known_sets(self._connection, "name = ?", name)
        if not found:
            raise UnknownSetError(f"the library holds no set named '{name}'", None, "list them with: tamiz set list")
        return found[0]

    def remove(self, name: str) -> None:
        """Remove a set and all its entries.

        Raises:
            UnknownSetError: There is none of that name.
        """
        known_set = self.get(name)
        with library_errors(index_path(self.folder)):
            self._connection.execute("DELETE FROM known_set WHERE uuid = ?", (known_set.uuid,))
            self._delete_files(known_set.uuid)

    def rejected(self, name: str) -> Iterator[RejectedEntry]:
        """The entries that the import of a set put aside, in the order of the list.

        Raises:
            UnknownSetError: There is no set of that name.
        """
        with self.set_file(name) as set_file:
            yield from set_file.rejected()

    def entries(self, name: str) -> Iterator[KnownEntry]:
        """All entries of a set, in the order of the list.

        Raises:
            UnknownSetError: There is no set of that name.
        """
        with self.set_file(name) as set_file:
            yield from set_file.entries()

    def database_of(self, name: str) -> InPlace | None:
        """The database that a set uses in place; ``None`` if its entries were copied.

        Raises:
            UnknownSetError: There is no set of that name.
        """
        return used_by(set_path(self.folder, self.get(name).uuid))

    def unsearched_count(self, name: str) -> int:
        """How many perceptual hashes of a set are never searched, being those of blank pictures.

        Raises:
            UnknownSetError: There is no set of that name.
        """
        with self.set_file(name) as set_file:
            return set_file.unsearched_count()

    def lookup(self, hashes: Sequence[str]) -> list[tuple[Match, ...]]:
        """Tell in which sets some hashes stand.

        By its length a hash is taken as MD5, as SHA-1, or as all of SHA-256, PDQ and 256-bit pHash; as the latter two
        it also finds what is near.

        Args:
            hashes: Hexadecimal, in any case.

        Returns:
            The matches of each hash, in the order given.

        Raises:
            HashSetError: One of them is no hash of a known length (the message counts, and does not quote it).
        """
        from hashsets.matcher import Matcher

        with Matcher.open(self.folder, [known_set.uuid for known_set in self.sets()]) as matcher:
            return matcher.lookup(hashes)

    def replace(self, known_set: KnownSet) -> KnownSet | None:
        """Enter a set whose file is complete, in place of any of the same name. For :mod:`hashsets.importing`.

        Returns:
            The set that was replaced, if there was one.

        Raises:
            LibraryError: The library cannot be written.
        """
        with library_errors(index_path(self.folder)):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                replaced = known_sets(self._connection, "name = ?", known_set.name)
                self._connection.execute("DELETE FROM known_set WHERE name = ?", (known_set.name,))
                self._connection.execute(
                    f"INSERT INTO known_set ({_COLUMNS}) VALUES ({', '.join('?' * len(fields(known_set)))})",  # noqa: S608
                    astuple(known_set),
                )
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            for old in replaced:
                self._delete_files(old.uuid)
        return replaced[0] if replaced else None

    def _delete_files(self, uuid: str) -> None:
        for path in files_of_set(self.folder, uuid):
            path.unlink(missing_ok=True)

    def set_file(self, name: str) -> SetFile:
        """Open the file of a set, for reading.

        Raises:
            UnknownSetError: There is no set of that name.
            LibraryError: It is missing or damaged.
        """
        known_set = self.get(name)
        return SetFile(set_path(self.folder, known_set.uuid), known_set.uuid)
