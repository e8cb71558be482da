"""A list of one's own: entries made in the laboratory, written as a VICS list and imported like any other.

So a set that was built is checked, kept and found like one that was received, and ``tamiz set export --format vics``
gives the very list again, with the digest that is on record.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from forensics.errors import LibraryError
from hashsets.database import library_errors
from hashsets.exporting import write_list
from hashsets.format import Disposition, KnownEntry
from hashsets.importing import ImportReport, import_list
from hashsets.provenance import UNSTATED, Provenance

if TYPE_CHECKING:
    from hashsets.library import Library


def build_set(
    library: Library,
    entries: Iterable[KnownEntry],
    origin: str,
    name: str,
    disposition: Disposition,
    scheme: str | None = None,
    authority: str | None = None,
    provenance: Provenance = UNSTATED,
) -> ImportReport:
    """Make a set of entries, in place of a set of the same name and disposition if there is one.

    Args:
        library: Where to.
        entries: In an order that is the same whenever they are: then the set has the same digest.
        origin: What they were made from, in a word: it stands where an imported list has the name of its file.
        name: As in :meth:`hashsets.library.Library.import_list`, like all that follow.
        disposition: What it is for.
        scheme: Scheme of the categories.
        authority: Reference under which it may be used.
        provenance: What else is known of where it came from.

    Raises:
        LibraryError: There is no entry, or the library cannot be written.
        HashSetError: The library holds a set of that name with another disposition.
    """
    waiting = iter(entries)
    first = next(waiting, None)
    if first is None:
        raise LibraryError(
            "there is nothing to build a set of", origin, "see 'tamiz set build --help' for what is taken"
        )
    with library_errors(library.folder):
        folder = TemporaryDirectory(prefix="building-", dir=library.folder)  # private: what is written holds the list
    with folder:
        written = write_list(chain((first,), waiting), scheme, "vics", Path(folder.name) / f"{origin}.json")
        return import_list(library, written.path, name, disposition, "vics", scheme, authority, provenance=provenance)
