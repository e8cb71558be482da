"""The sizes of the contents that lists know: a file of another size cannot match by digest."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hashsets.database import KNOWN_SET_APPLICATION_ID, connect, library_errors
from hashsets.format import Disposition
from hashsets.in_place import noted_in
from hashsets.library import home_expanded, set_path
from hashsets.match import KnownSet

_BATCH = 1_000_000


@dataclass(frozen=True, slots=True)
class ListedSizes:
    """Sizes of all entries of some sets.

    Attributes:
        sizes: In ascending order, each once.
        searches_looks: Some of the sets have perceptual hashes that are searched: then a file of another size may still
            match by what it shows.
    """

    sizes: NDArray[np.int64]
    searches_looks: bool

    def __contains__(self, size: int) -> bool:
        place = int(np.searchsorted(self.sizes, size))
        return place < len(self.sizes) and int(self.sizes[place]) == size


def listed_sizes(library: Path, sets: Sequence[KnownSet]) -> ListedSizes | None:
    """Read the sizes that sets state, benign ones aside: these find nothing.

    Args:
        library: Folder of the library.
        sets: The sets of a scan.

    Returns:
        The sizes; ``None`` if an entry states none, if a set is used in place (an NSRL database, too large to be read
        for this), or if there is no set.

    Raises:
        LibraryError: A set cannot be read.
    """
    searched = [each for each in sets if each.disposition is not Disposition.BENIGN]
    if not searched:
        return None
    parts: list[NDArray[np.int64]] = []
    searches_looks = False
    for known_set in searched:
        path = set_path(home_expanded(library), known_set.uuid)
        connection = connect(path, KNOWN_SET_APPLICATION_ID, "mode=ro&immutable=1")
        try:
            with library_errors(path):
                if noted_in(connection) is not None or _unstated(connection):
                    return None
                rows = (row[0] for row in connection.execute("SELECT size FROM entry"))
                while len(part := np.unique(np.fromiter(islice(rows, _BATCH), np.int64))):
                    parts.append(part)
                searches_looks |= bool(
                    connection.execute("SELECT EXISTS (SELECT 1 FROM perceptual_hash WHERE searched)").fetchone()[0]
                )
        finally:
            connection.close()
    return ListedSizes(np.unique(np.concatenate(parts)), searches_looks)


def _unstated(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT EXISTS (SELECT 1 FROM entry WHERE size IS NULL)").fetchone()[0])
