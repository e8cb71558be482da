"""Whether the files of a library are what their imports wrote: ``tamiz set verify``.

Entries that are damaged cannot be made good, and are told. An index can: one that is missing, damaged or does not agree
with the entries is made anew.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import LibraryError
from hashsets import digest_index, in_place, perceptual_index
from hashsets.database import KNOWN_SET_APPLICATION_ID, connect, library_errors
from hashsets.fields import DIGEST_LENGTHS
from hashsets.format import Disposition
from hashsets.known_hashes import SEARCHED
from hashsets.library import Library, set_path
from hashsets.match import KnownSet
from hashsets.matcher import Matcher
from hashsets.picture_search import WIDEST_RADIUS
from hashsets.set_file import SetFile

_FIRST_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class SetVerification:
    """What the verification of one set found.

    Attributes:
        name: The set's.
        uuid: The set's.
        entries: How many its file holds; ``None`` if that cannot be read.
        problems: What is wrong with its entries, and cannot be made good but by importing the list again.
        remade: What was wrong with its indexes, which were made anew.
    """

    name: str
    uuid: str
    entries: int | None
    problems: tuple[str, ...]
    remade: tuple[str, ...]


def verify(library: Library, known_sets: Iterable[KnownSet]) -> Iterator[SetVerification]:
    """Verify some sets of a library, one after the other: all that their files hold is read.

    Yields:
        What was found, for each set.
    """
    for known_set in known_sets:
        path = set_path(library.folder, known_set.uuid)
        try:
            entries, problems = _file_problems(path, known_set)
        except LibraryError as error:
            yield SetVerification(known_set.name, known_set.uuid, None, (str(error),), ())
            continue
        remade: list[str] = []
        if not problems:
            remade = _remake_indexes(library, path, known_set)
        yield SetVerification(known_set.name, known_set.uuid, entries, tuple(problems), tuple(remade))


def _file_problems(path: Path, known_set: KnownSet) -> tuple[int, list[str]]:
    """Count the entries of a set file, and compare with what the library says of it.

    Raises:
        LibraryError: It cannot be read.
    """
    connection = connect(path, KNOWN_SET_APPLICATION_ID, "mode=ro&immutable=1")
    try:
        with library_errors(path):
            rows = connection.execute(f"PRAGMA integrity_check({_FIRST_PROBLEMS})").fetchall()
            # its words may quote nothing but names of tables and numbers of pages
            problems = [f"the file is damaged: {text}" for (text,) in rows if text != "ok"]
            place = in_place.noted_in(connection)
            counts = [_count(connection, table) for table in ("entry", "rejected_entry")]
    finally:
        connection.close()
    if place is not None:
        if _sha256_of(place) != known_set.file_sha256:
            problems.append(place.error("is not the one that was imported").what)
        counts[0] = known_set.entries  # its rows are what they were if its bytes are
    for found, stated, what in zip(counts, (known_set.entries, known_set.rejected), ("", " set aside"), strict=True):
        if found != stated:
            problems.append(f"{found} entries{what}, and the import wrote {stated}")
    return counts[0], problems


def _sha256_of(place: in_place.InPlace) -> str:
    """Digest a database that is used in place.

    Raises:
        LibraryError: It is gone, was changed or cannot be read.
    """
    place.check()
    with in_place.damage_of(place), place.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def _remake_indexes(library: Library, path: Path, known_set: KnownSet) -> list[str]:
    """Make those indexes of a set anew that are not as they must be, and give what was wrong with them."""
    wrong: list[str] = []
    try:
        _check_digests(path, known_set.uuid)
    except LibraryError as error:
        wrong.append(str(error))
        _remove(digest_index.index_path(path))
    for algorithm in WIDEST_RADIUS if known_set.disposition is not Disposition.BENIGN else ():
        try:
            perceptual_index.check_index(path, known_set.uuid, algorithm, SEARCHED)
        except LibraryError as error:
            wrong.append(str(error))
            _remove(perceptual_index.index_path(path, algorithm))
    if wrong:
        Matcher.open(library.folder, [known_set.uuid]).close()
    return wrong


def _check_digests(path: Path, uuid: str) -> None:
    """Compare the index of digests with the entries.

    Raises:
        LibraryError: It is missing or damaged, or they differ.
    """
    index_file = digest_index.index_path(path)
    with library_errors(path):
        index = digest_index.check_index(index_file, digest_index.source_of(path, uuid))
    with SetFile(path, uuid) as set_file:
        sums = digest_index.sums_of(set_file.digests())
    if any(index.sums(algorithm) != sums[algorithm] for algorithm in DIGEST_LENGTHS):
        raise LibraryError("the index does not agree with the entries", str(index_file), "it is made anew")


def _remove(path: Path) -> None:
    with library_errors(path):
        path.unlink(missing_ok=True)
