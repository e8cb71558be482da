"""Answers 'is this known?' for contents: by their digests, and by their perceptual hashes.

A matcher reads only, and each worker process opens its own. What it gives are facts; what they mean is not decided
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from forensics.errors import HashSetError, UnknownSetError
from forensics.hashing.digests import EMPTY_SHA256, Digests
from forensics.hashing.perceptual import ORIGINAL, PerceptualHash
from hashsets import fields
from hashsets.database import LIBRARY_APPLICATION_ID, connect, library_errors
from hashsets.fields import FieldError
from hashsets.format import Disposition
from hashsets.hamming import FlatIndex, HammingIndex, Hashes, pack
from hashsets.library import home_expanded, index_path, known_sets, set_path
from hashsets.match import EntryReference, KnownSet, Match, Tier
from hashsets.set_file import SetFile

RADIUS: Mapping[str, int] = {"pdq": 31, "phash": 31}
"""The strict radius of each algorithm that is searched, in bits, inclusive. PDQ's is that of its authors."""

LEAST_QUALITY = 50
"""PDQ's authors: below this a hash says too little to be compared. Holds for both sides of a comparison."""

_STRONGEST_FIRST = ("sha256", "sha1", "md5")
_HEX_DIGITS = 64
_PACKED_AT_ONCE = 65536


@dataclass(frozen=True, slots=True)
class _SearchedHashes:
    """The known hashes of one algorithm over all sets, and where each row comes from."""

    index: HammingIndex
    set_numbers: npt.NDArray[np.int32]
    positions: npt.NDArray[np.int64]


class _Query(NamedTuple):
    """One hash to be searched: which content it is of, and which view of it."""

    content: int
    probe: str
    value: str


class _Found(NamedTuple):
    """One hash of a content near one hash of an entry. Compares by strength, the strongest first."""

    is_similar: bool
    distance: int
    algorithm: str
    probe: str


class Matcher:
    """Some sets of a library, opened for matching. Make one with :meth:`open`.

    Attributes:
        sets: The sets, in the order they were asked for.
    """

    def __init__(self, sets: Sequence[KnownSet], files: Sequence[SetFile]) -> None:
        self.sets = tuple(sets)
        self._files = files
        self._searched = {
            algorithm: searched
            for algorithm in RADIUS
            if (searched := _load_searched(algorithm, self.sets, files)) is not None
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
            files.extend(SetFile(set_path(library_folder, each.uuid), each.uuid) for each in sets)
            return cls(sets, files)
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
            for algorithm, by_digest in contents.items():
                for entry in file.by_digest(algorithm, by_digest):
                    for number in by_digest[getattr(entry, algorithm)]:
                        hit[number, entry.position] = entry
            for number, position in sorted(hit):
                matches[number].append(_exact_match(digests[number], hit[number, position]))
        return [tuple(found) for found in matches]

    def near(self, hashes: Sequence[Sequence[PerceptualHash]]) -> list[tuple[Match, ...]]:
        """Match pictures by perceptual hashes, in notable and reference sets.

        A hash is compared when its picture's PDQ quality is at least :data:`LEAST_QUALITY`; a pHash, having none of
        its own, goes by the PDQ of the same probe, else by that of the original.

        Args:
            hashes: Those of each picture: all algorithms, all probes.

        Returns:
            For each picture one match for each entry that is near, by set and position: the strongest tier, then
            the least distance. ``agreeing`` names every algorithm that finds the entry in that tier.
        """
        queries: dict[str, list[_Query]] = {algorithm: [] for algorithm in self._searched}
        if queries:
            for number, of_picture in enumerate(hashes):
                for each in of_picture:
                    if each.algorithm in queries and _is_comparable(each, of_picture):
                        queries[each.algorithm].append(_Query(number, each.probe, each.value))
        return self._search(queries, len(hashes))

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
        perceptual = [
            _Query(number, ORIGINAL, value) for number, value in enumerate(values) if len(value) == _HEX_DIGITS
        ]
        near = self._search(dict.fromkeys(self._searched, perceptual), len(values))
        return [(*exact, *more) for exact, more in zip(matches, near, strict=True)]

    def _search(self, queries: Mapping[str, Sequence[_Query]], contents: int) -> list[tuple[Match, ...]]:
        """Search hashes of each algorithm and give one match for each content and entry."""
        found: dict[tuple[int, int, int], list[_Found]] = {}
        for algorithm, of_algorithm in queries.items():
            if not of_algorithm:
                continue
            searched = self._searched[algorithm]
            pairs = searched.index.search(pack(query.value for query in of_algorithm), RADIUS[algorithm])
            for row, known, distance in zip(*(column.tolist() for column in pairs), strict=True):
                query = of_algorithm[row]
                key = (query.content, int(searched.set_numbers[known]), int(searched.positions[known]))
                found.setdefault(key, []).append(_Found(query.probe != ORIGINAL, distance, algorithm, query.probe))
        entries = self._entries({key[1:] for key in found})
        matches: list[list[Match]] = [[] for _ in range(contents)]
        for key in sorted(found):
            matches[key[0]].append(_near_match(entries[key[1:]], found[key]))
        return [tuple(of_content) for of_content in matches]

    def _entries(self, keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], EntryReference]:
        """Fetch entries by number of their set and position."""
        positions: dict[int, list[int]] = {}
        for set_number, position in keys:
            positions.setdefault(set_number, []).append(position)
        return {
            (set_number, entry.position): entry
            for set_number, of_set in positions.items()
            for entry in self._files[set_number].by_position(of_set)
        }


def _load_searched(algorithm: str, sets: Sequence[KnownSet], files: Sequence[SetFile]) -> _SearchedHashes | None:
    """Load the known hashes of one algorithm; benign sets are matched by digest only. ``None`` if there are none."""
    packed: list[Hashes] = []
    set_numbers: list[npt.NDArray[np.int32]] = []
    positions: list[npt.NDArray[np.int64]] = []
    for number, (known_set, file) in enumerate(zip(sets, files, strict=True)):
        if known_set.disposition is Disposition.BENIGN:
            continue
        for batch in _batches(file.searched_hashes(algorithm, LEAST_QUALITY)):
            packed.append(pack(value for _, value in batch))
            set_numbers.append(np.full(len(batch), number, np.int32))
            positions.append(np.array([position for position, _ in batch], np.int64))
    if not packed:
        return None
    return _SearchedHashes(FlatIndex(np.concatenate(packed)), np.concatenate(set_numbers), np.concatenate(positions))


def _batches(hashes: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    while batch := list(islice(hashes, _PACKED_AT_ONCE)):
        yield batch


def _exact_match(content: Digests, entry: EntryReference) -> Match:
    """Compare everything the entry states with the content."""
    stated = [name for name in (*_STRONGEST_FIRST, "size") if getattr(entry, name) is not None]
    agreeing = tuple(name for name in stated if getattr(entry, name) == getattr(content, name))
    disagreeing = tuple(name for name in stated if name not in agreeing)
    return Match(entry, agreeing[0], 0, Tier.EXACT, None, agreeing, disagreeing)


def _near_match(entry: EntryReference, found: Sequence[_Found]) -> Match:
    """Keep the strongest finding, and name the algorithms that confirm it in its tier."""
    best = min(found)
    agreeing = {each.algorithm for each in found if each.is_similar == best.is_similar}
    return Match(
        entry,
        best.algorithm,
        best.distance,
        Tier.SIMILAR if best.is_similar else Tier.NEAR,
        best.probe,
        tuple(algorithm for algorithm in RADIUS if algorithm in agreeing),
    )


def _is_comparable(each: PerceptualHash, of_picture: Sequence[PerceptualHash]) -> bool:
    """Tell whether a hash says enough to be compared."""
    quality = each.quality
    if each.algorithm == "phash":
        qualities = {other.probe: other.quality for other in of_picture if other.algorithm == "pdq"}
        quality = qualities.get(each.probe, qualities.get(ORIGINAL))
    return quality is not None and quality >= LEAST_QUALITY and len(each.value) == _HEX_DIGITS


def _checked(number: int, text: str) -> str:
    """Check a hash given by hand.

    Raises:
        HashSetError: It is no hash of a known length.
    """
    length = len(text.strip())
    if length not in fields.DIGEST_LENGTHS.values():
        length = 0
    try:
        return fields.hexadecimal("hash", text, length or _HEX_DIGITS)
    except FieldError as error:
        raise HashSetError(
            "not a hash that tamiz knows", f"hash {number}", "give 32, 40 or 64 hexadecimal digits"
        ) from error
