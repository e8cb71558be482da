"""Answers 'is this known?' for contents: by their digests, and by their perceptual hashes.

A matcher reads only, and each worker process opens its own. What it gives are facts; what they mean is not decided
here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from forensics.errors import HashSetError, UnknownSetError
from forensics.hashing.digests import EMPTY_SHA256, Digests
from forensics.hashing.perceptual import FilmHash, PerceptualHash
from hashsets import fields, picture_search
from hashsets.database import LIBRARY_APPLICATION_ID, connect, library_errors
from hashsets.fields import FieldError
from hashsets.film_search import FilmSearch, film_match
from hashsets.known_hashes import EntryKey, KnownHashes
from hashsets.library import home_expanded, index_path, known_sets, set_path
from hashsets.match import EntryReference, KnownSet, Match, Tier
from hashsets.picture_search import WIDEST_RADIUS, picture_match, queries_of, query_of_hash
from hashsets.set_file import SetFile

_STRONGEST_FIRST = ("sha256", "sha1", "md5")

_Found = TypeVar("_Found")


class Matcher:
    """Some sets of a library, opened for matching. Make one with :meth:`open`.

    Attributes:
        sets: The sets, in the order they were asked for.
    """

    def __init__(self, sets: Sequence[KnownSet], files: Sequence[SetFile], paths: Sequence[Path]) -> None:
        self.sets = tuple(sets)
        self._files = files
        self._known_hashes = {
            algorithm: known
            for algorithm, radius in WIDEST_RADIUS.items()
            if (known := KnownHashes.load(algorithm, radius, self.sets, files, paths)) is not None
        }

    @classmethod
    def open(cls, library_folder: Path, set_uuids: Sequence[str]) -> Matcher:
        """Open some sets of a library, read-only.

        Raises:
            UnknownSetError: The library does not hold one of them (any more).
            LibraryError: The library cannot be read.
        """
        library_folder = home_expanded(library_folder)
        path = index_path(library_folder)
        connection = connect(path, LIBRARY_APPLICATION_ID, "mode=ro")
        try:
            with library_errors(path):
                by_uuid = {known_set.uuid: known_set for known_set in known_sets(connection)}
        finally:
            connection.close()
        for uuid in set_uuids:
            if uuid not in by_uuid:
                raise UnknownSetError(
                    f"the library holds no set {uuid}",
                    str(path),
                    "it was removed or replaced: match with the sets of now",
                )
        sets = [by_uuid[uuid] for uuid in dict.fromkeys(set_uuids)]
        files: list[SetFile] = []
        try:
            paths = [set_path(library_folder, each.uuid) for each in sets]
            files.extend(SetFile(path, each.uuid) for path, each in zip(paths, sets, strict=True))
            return cls(sets, files, paths)
        except BaseException:
            for file in files:
                file.close()
            raise

    def close(self) -> None:
        """Close the sets."""
        for file in self._files:
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def known_set(self, uuid: str) -> KnownSet:
        """One of the opened sets.

        Raises:
            UnknownSetError: It was not opened.
        """
        for known_set in self.sets:
            if known_set.uuid == uuid:
                return known_set
        raise UnknownSetError(f"set {uuid} is not open for matching", None, "name it when the matcher is opened")

    def exact(self, digests: Sequence[Digests]) -> list[tuple[Match, ...]]:
        """Match contents by all three digests.

        Args:
            digests: Those of each content. The empty content matches nothing.

        Returns:
            For each content one match for each entry hit, by set and position. An entry that a digest hits and
            another contradicts is a match all the same, and says so.
        """
        matches: list[list[Match]] = [[] for _ in digests]
        contents: dict[str, dict[str, list[int]]] = {algorithm: {} for algorithm in _STRONGEST_FIRST}
        for number, each in enumerate(digests):
            if each.sha256 != EMPTY_SHA256:
                for algorithm, by_digest in contents.items():
                    by_digest.setdefault(getattr(each, algorithm), []).append(number)
        for file in self._files:
            hit: dict[tuple[int, int], EntryReference] = {}
            for entry in file.by_any_digest(contents):
                for algorithm, by_digest in contents.items():
                    for number in by_digest.get(getattr(entry, algorithm), ()):
                        hit[number, entry.position] = entry
            for number, position in sorted(hit):
                matches[number].append(_exact_match(digests[number], hit[number, position]))
        return [tuple(found) for found in matches]

    def near(self, hashes: Sequence[Sequence[PerceptualHash]]) -> list[tuple[Match, ...]]:
        """Match pictures by perceptual hashes, in notable and reference sets.

        ``near`` is what lies within the strict radius and was hashed as the file stores it or viewers show it. A turned
        or trimmed view, a frame or a thumbnail is ``similar``, and so is what lies within the wider radius only, or
        is like a frame of a known film (see :mod:`hashsets.picture_search`).

        Args:
            hashes: Those of each picture: all algorithms, all probes. Many pictures at once are answered faster.

        Returns:
            For each picture one match for each entry that is near, by set and position: the strongest tier, then
            the least distance. ``agreeing`` names every algorithm that finds the entry in that tier.
        """
        queries = [query for number, each in enumerate(hashes) for query in queries_of(number, each)]
        return self._matches(len(hashes), picture_search.search(self._known_hashes, queries), picture_match)

    def films(self, films: Sequence[FilmHash]) -> list[tuple[Match, ...]]:
        """Match films by the hashes of their frames, in notable and reference sets.

        ``near`` is a film that is in a known film as good as whole, or that a known film is in; ``similar`` one that
        has a part in common with it, or a frame that is like a known picture (see :mod:`hashsets.film_search`).

        Args:
            films: The films.

        Returns:
            For each film one match for each entry, by set and position. One with a known film states how much of each
            is in the other; its distance is the median over the frames in common, rounded down.
        """
        found = {
            (number, key): each
            for number, film in enumerate(films)
            for key, each in FilmSearch(film, self._known_hashes).found().items()
        }
        return self._matches(len(films), found, film_match)

    def lookup(self, hashes: Sequence[str]) -> list[tuple[Match, ...]]:
        """Match hashes given by hand; see :meth:`hashsets.library.Library.lookup`.

        Raises:
            HashSetError: One of them is no hash of a known length.
        """
        values = [_checked(number, text) for number, text in enumerate(hashes, 1)]
        matches: list[list[Match]] = [[] for _ in values]
        for algorithm, length in fields.DIGEST_LENGTHS.items():
            asked = {value for value in values if len(value) == length}
            for file in self._files if asked else ():
                for entry in sorted(file.by_digest(algorithm, asked), key=lambda found: found.position):
                    for number, value in enumerate(values):
                        if value == getattr(entry, algorithm):
                            matches[number].append(Match(entry, algorithm, 0, Tier.EXACT, None, (algorithm,)))
        queries = [query for number, value in enumerate(values) for query in query_of_hash(number, value)]
        near = self._matches(len(values), picture_search.search(self._known_hashes, queries), picture_match)
        return [(*exact, *more) for exact, more in zip(matches, near, strict=True)]

    def _matches(
        self,
        contents: int,
        found: Mapping[tuple[int, EntryKey], _Found],
        match_of: Callable[[EntryReference, _Found], Match],
    ) -> list[tuple[Match, ...]]:
        """Fetch the entries of what was found by content and entry, and give one match for each."""
        entries = self._entries({key for _, key in found})
        matches: list[list[Match]] = [[] for _ in range(contents)]
        for content, key in sorted(found):
            matches[content].append(match_of(entries[key], found[content, key]))
        return [tuple(of_content) for of_content in matches]

    def _entries(self, keys: Iterable[EntryKey]) -> dict[EntryKey, EntryReference]:
        """Fetch entries by number of their set and position."""
        positions: dict[int, list[int]] = {}
        for set_number, position in keys:
            positions.setdefault(set_number, []).append(position)
        return {
            EntryKey(set_number, entry.position): entry
            for set_number, of_set in positions.items()
            for entry in self._files[set_number].by_position(of_set)
        }


def _exact_match(content: Digests, entry: EntryReference) -> Match:
    """Compare everything the entry states with the content."""
    stated = [name for name in (*_STRONGEST_FIRST, "size") if getattr(entry, name) is not None]
    agreeing = tuple(name for name in stated if getattr(entry, name) == getattr(content, name))
    disagreeing = tuple(name for name in stated if name not in agreeing)
    return Match(entry, agreeing[0], 0, Tier.EXACT, None, agreeing, disagreeing)


def _checked(number: int, text: str) -> str:
    """Check a hash given by hand.

    Raises:
        HashSetError: It is no hash of a known length.
    """
    length = len(text.strip())
    if length not in fields.DIGEST_LENGTHS.values():
        length = 0
    try:
        return fields.hexadecimal("hash", text, length or fields.DIGEST_LENGTHS["sha256"])
    except FieldError as error:
        raise HashSetError(
            "not a hash that tamiz knows", f"hash {number}", "give 32, 40 or 64 hexadecimal digits"
        ) from error
